"""Mails as values: what the rest of reroll needs to know of one, read from untrusted bytes.

Headers are those of RFC 5322, encoded words of RFC 2047, bodies of RFC 2045; what
cannot be read is named in ``problems`` and never stops the others.

Read in two passes, so that memory is bounded by the mails that count: ``read_heads`` of
all, then ``load`` of some.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html import unescape
from pathlib import Path

from series import addresses, mailbox_files
from series.mailbox_files import Place

_MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f]{1,500}>")
_REPLY = re.compile(r"\s*(?:re|aw|fwd?|sv|vs|antw|wg|tr|odp|ref)\s*(?:\[\d+\])?\s*:\s*", re.I)
_VIA = re.compile(r"\s+via\s.*", re.I | re.S)
# What a list can bear; more than this of a header says nothing.
_MOST_PARENTS = 500
_MOST_ADDRESSES = 1000
_LATEST = 1 << 40  # seconds; a manifest's dates stay writable
_LONGEST_SUBJECT = 4000
_LONGEST_TYPE = 2000
# MIME that the email package would take minutes for: no mailer writes such.
_ENDLESS_TYPE = re.compile(
    rb"^content-[a-z-]*:(?:[^\n]|\n[ \t]){2000}", re.MULTILINE | re.IGNORECASE
)
_MOST_PARTS = 500
_LONGEST_PAGE = 1 << 20
_DEEPEST = 20
# A piece of a page (HTML, "Tokenization"), each found in one go: the standard parser takes
# a time that grows with the square of marks that nobody closes.
_MARK = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<hidden>script|style)\b.*?(?:</(?P=hidden)\s*>|\Z)"
    r"|<(?P<end>/?)(?P<tag>[a-z][a-z0-9]*)\b(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>|<[!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True)
class Mail:
    """One mail.

    ``message_id`` is "<...>"; a mail without one has one made of a digest of its bytes.
    ``sender`` is "Name <address>" or an address, empty where there is none that could be
    real; ``date`` is in seconds since the epoch, 0 where unknown; ``subject`` is decoded
    and one line; ``parents`` are the ids of In-Reply-To and then of References, the
    nearest first; ``text`` is the decoded plain text with "\\n" line ends, bytes that are
    no text as surrogates; ``content`` is the mail as it was, less an mbox's "From " line.
    """

    message_id: str
    sender: str
    date: int
    subject: str
    parents: tuple[str, ...]
    text: str
    content: bytes
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Head:
    """What the header of a mail says, as in ``Mail``, and where the mail is."""

    message_id: str
    sender: str
    date: int
    subject: str
    parents: tuple[str, ...]
    place: Place


def read_heads(paths: Iterable[Path]) -> Iterator[Head]:
    """The heads of all mails of mailboxes, in order.

    Raises ``UsageError`` for a path that cannot be read or is no mailbox.
    """
    for path in paths:
        for place in mailbox_files.places(path):
            fields = _fields(place.head)
            own = _ids(fields, "message-id")
            if not own:  # one is made of all its bytes
                own = [_made_id(next(mailbox_files.contents([place])))]
            yield Head(
                own[0],
                _sender(fields),
                _date(fields),
                _subject(fields),
                _parents(fields),
                replace(place, head=b""),  # all of them would be much to keep
            )


def load(heads: Iterable[Head]) -> Iterator[Mail]:
    """The whole mails of ``heads``, one at a time; quickest in the order they came."""
    return map(parse, mailbox_files.contents(head.place for head in heads))


def parse(content: bytes) -> Mail:
    """The mail that ``content`` is: never raises, whatever the bytes are."""
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]
    head, body = _parts(content)
    fields = _fields(head[: mailbox_files.LONGEST_HEAD])
    text, problems = _text(content, body, fields)
    own = _ids(fields, "message-id")
    return Mail(
        message_id=own[0] if own else _made_id(content),
        sender=_sender(fields),
        date=_date(fields),
        subject=_subject(fields),
        parents=_parents(fields),
        text=text,
        content=content,
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        problems=(*(() if own else ("has no Message-ID",)), *problems),
    )


def sender(head: bytes) -> str:
    """Who wrote the mail with this header, as ``Mail.sender``: also behind a list's address."""
    return _sender(_fields(head))


def title(subject: str) -> tuple[str, bool]:
    """A subject without "Re:" and ``[prefixes]``; and whether it was a reply's."""
    rest, replied = subject.strip(), False
    while True:
        if found := _REPLY.match(rest):
            rest, replied = rest[found.end() :], True
        elif found := re.match(r"\s*\[[^\]]*\]\s*", rest):
            rest = rest[found.end() :]
        # A reply mark of another language, before a bracket: "mm: ..." is a subsystem.
        elif found := re.match(r"\w{2,3}:\s*(?=\[)", rest):
            rest, replied = rest[found.end() :], True
        else:
            return rest.strip(), replied


def _parts(content: bytes) -> tuple[bytes, bytes]:
    """The header and the body."""
    found = re.search(rb"(?:\A|\r?\n)\r?\n", content)
    return (content[: found.start()], content[found.end() :]) if found else (content, b"")


def _made_id(content: bytes) -> str:
    return f"<{hashlib.sha256(content).hexdigest()[:32]}@no-message-id.invalid>"


def _fields(head: bytes) -> Mapping[str, list[str]]:
    """The headers by lower-case name, unfolded and not decoded."""
    text = head.decode("utf-8", "surrogateescape")
    found: dict[str, list[list[str]]] = {}
    pieces: list[str] = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            pieces.append(line.rstrip("\r"))
            continue
        name, colon, value = line.partition(":")
        pieces = [value.strip()]
        if colon:
            found.setdefault(name.strip().lower(), []).append(pieces)
    return {name: ["".join(pieces) for pieces in values] for name, values in found.items()}


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return fields[name][0] if name in fields else ""


def _ids(fields: Mapping[str, Sequence[str]], name: str) -> list[str]:
    return [one for value in fields.get(name, ()) for one in _MESSAGE_ID.findall(value)]


def _parents(fields: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    # References names the whole line of ancestors, the nearest last (RFC 5322, 3.6.4).
    found = [*_ids(fields, "in-reply-to"), *_ids(fields, "references")[::-1]]
    return tuple(dict.fromkeys(found[:_MOST_PARENTS]))


def _date(fields: Mapping[str, Sequence[str]]) -> int:
    try:
        when = parsedate_to_datetime(_first(fields, "date"))
        seconds = int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
    return seconds if 0 < seconds < _LATEST else 0


def _subject(fields: Mapping[str, Sequence[str]]) -> str:
    return " ".join(_decoded(_first(fields, "subject")[:_LONGEST_SUBJECT]).split())


def _decoded(value: str) -> str:
    """A header's value without encoded words (RFC 2047), whatever they hold."""
    if "=?" not in value:
        return value
    try:
        chunks = decode_header(value.encode("utf-8", "replace").decode())
    except (MessageError, ValueError):
        return value
    # The whole comes as text when nothing in it is encoded.
    return "".join(
        chunk if isinstance(chunk, str) else _as_text(chunk, charset)[0]
        for chunk, charset in chunks
    )


def _addresses(fields: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    """The addresses of a header that could be real."""
    found: list[str] = []
    for value in fields.get(name, ()):
        # The same few people write all the mails of a thread: most pieces are known.
        plain = not re.search(r'["(;]', value)
        for piece in value.split(",") if plain else [value]:
            found += _in_header(piece.strip())
    return tuple(found[:_MOST_ADDRESSES])


@lru_cache(maxsize=4096)
def _in_header(value: str) -> tuple[str, ...]:
    with contextlib.suppress(LookupError, ValueError, MessageError):
        found = addresses.in_header(value)
        return tuple(one for one in found if not addresses.problem(one))
    return ()


def _sender(fields: Mapping[str, Sequence[str]]) -> str:
    """Who wrote the mail: the From, and behind a list that puts itself there, the writer.

    Lists that must not break DMARC write "Alice via list <list@...>", and who it was in
    X-Original-From or Reply-To.
    """
    found = _addresses(fields, "from")
    if len(found) != 1:
        return found[0] if len(set(found)) == 1 else ""
    name, listed = addresses.split(found[0])
    if not _VIA.search(name):
        return found[0]
    writer = _VIA.sub("", name).strip(" '\"")
    named = [*_addresses(fields, "x-original-from"), *_addresses(fields, "reply-to")]
    for one in named:
        behind = addresses.split(one)
        if behind[1].lower() != listed.lower() and behind[0].casefold() in ("", writer.casefold()):
            return one if behind[0] else f"{writer} <{behind[1]}>"
    return found[0]


def _text(
    content: bytes, body: bytes, fields: Mapping[str, Sequence[str]]
) -> tuple[str, tuple[str, ...]]:
    """The plain text of a mail, and what was odd about it."""
    try:
        texts, problems = _texts(_message(content, body, fields))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The email package trips over some MIME that cannot be.
        texts, problems = [_as_text(body, None)[0]], ["its MIME parts cannot be read"]
    text = "\n".join(texts)
    return text.replace("\r\n", "\n"), tuple(dict.fromkeys(problems))


def _message(
    content: bytes, body: bytes, fields: Mapping[str, Sequence[str]]
) -> "Message[str, str]":
    """The mail as the email package has it; only what has parts pays for its parser."""
    if "multipart/" in _first(fields, "content-type").lower():
        if _ENDLESS_TYPE.search(content) or content.lower().count(b"\ncontent-type") > _MOST_PARTS:
            raise ValueError("no mailer makes such parts")
        return message_from_bytes(content, policy=policy.compat32)
    message: Message[str, str] = Message()
    for name in ("content-type", "content-transfer-encoding", "content-disposition"):
        if name in fields:
            message[name] = fields[name][0][:_LONGEST_TYPE].encode("ascii", "replace").decode()
    message.set_payload(body.decode("ascii", "surrogateescape"))
    return message


def _texts(message: "Message[str, str]") -> tuple[list[str], list[str]]:
    """The plain texts among the parts; what is in HTML where there are none."""
    found: list[str] = []
    pages: list[str] = []
    problems: list[str] = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        if kind not in ("text/plain", "text/html"):
            continue
        payload = part.get_payload(decode=True)
        raw = payload if isinstance(payload, bytes) else b""
        text, problem = _as_text(raw, part.get_content_charset())
        (pages if kind == "text/html" else found).append(text)
        problems += [problem] if problem else []
    if pages and not any(text.strip() for text in found):
        return [_words_of(page) for page in pages], [*problems, "is HTML"]
    return found, problems


def _as_text(raw: bytes, charset: str | None) -> tuple[str, str]:
    """Bytes as text in the charset they claim, else in UTF-8; and what was wrong."""
    problem = ""
    if charset and charset.lower() not in ("utf-8", "us-ascii", "utf8", "ascii"):
        try:
            return raw.decode(charset), ""
        except (LookupError, ValueError):
            problem = f"is not in the charset {charset!a} that it claims"
    text = raw.decode("utf-8", "surrogateescape")
    return text, problem


class _Words:
    """The text of a page, a line for what is shown as one, quotes as ``>``."""

    _BREAKS = frozenset({"br", "p", "div", "tr", "li", "pre", "blockquote"})

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._pieces: list[str] = []
        self._depth = 0

    def read(self, page: str) -> None:
        """Take a page, whatever it is."""
        at = 0
        for mark in _MARK.finditer(page):
            self._text(page[at : mark.start()])
            if mark["tag"]:
                self._tag(mark["tag"].lower(), end=bool(mark["end"]))
            at = mark.end()
        self._text(page[at:])
        self._break()

    def _tag(self, tag: str, *, end: bool) -> None:
        if tag == "blockquote":
            self._depth = max(0, self._depth + (-1 if end else 1))
        if tag in self._BREAKS and not (end and tag == "br"):
            self._break()

    def _text(self, data: str) -> None:
        first, *others = unescape(data).split("\n")
        self._pieces.append(first)
        for line in others:
            self._break()
            self._pieces.append(line)

    def _break(self) -> None:
        """Begin a line, unless nothing was said on this one."""
        line = "".join(self._pieces)
        if line.strip(" >"):
            self.lines.append(line)
        self._pieces = ["> " * min(self._depth, _DEEPEST)]


def _words_of(page: str) -> str:
    words = _Words()
    words.read(page[:_LONGEST_PAGE])
    return "\n".join(words.lines) + "\n"
