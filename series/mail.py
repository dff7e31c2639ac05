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
from dataclasses import dataclass
from datetime import UTC
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import lru_cache
from html.parser import HTMLParser
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
                own[0], _sender(fields), _date(fields), _subject(fields), _parents(fields), place
            )


def load(heads: Iterable[Head]) -> Iterator[Mail]:
    """The whole mails of ``heads``, one at a time; quickest in the order they came."""
    return map(parse, mailbox_files.contents(head.place for head in heads))


def parse(content: bytes) -> Mail:
    """The mail that ``content`` is: never raises, whatever the bytes are."""
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]
    head, body = _parts(content)
    fields = _fields(head)
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
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t"):
            if values:
                values[-1] += line.rstrip("\r")
            continue
        name, colon, value = line.partition(":")
        values = found.setdefault(name.strip().lower(), []) if colon else []
        values.append(value.strip())
    return found


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
    return " ".join(_decoded(_first(fields, "subject")).split())


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
        return message_from_bytes(content, policy=policy.compat32)
    message: Message[str, str] = Message()
    for name in ("content-type", "content-transfer-encoding", "content-disposition"):
        if name in fields:
            message[name] = fields[name][0].encode("ascii", "replace").decode()
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


class _Words(HTMLParser):
    """The text of a page, a line for what is shown as one, quotes as ``>``."""

    _BREAKS = frozenset({"br", "p", "div", "tr", "li", "pre", "blockquote"})

    def __init__(self) -> None:
        super().__init__()
        self.lines = [""]
        self._depth = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self._hidden += tag in ("style", "script")
        self._depth += tag == "blockquote"
        if tag in self._BREAKS:
            self._break()

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("style", "script")))
        self._depth = max(0, self._depth - (tag == "blockquote"))
        if tag in self._BREAKS - {"br"}:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        first, *others = data.split("\n")
        self.lines[-1] += first
        for line in others:
            self._break()
            self.lines[-1] += line

    def _break(self) -> None:
        if self.lines[-1].strip(" >"):
            self.lines.append("")
        if not self.lines[-1].strip(" >"):
            self.lines[-1] = "> " * self._depth


def _words_of(page: str) -> str:
    words = _Words()
    with contextlib.suppress(AssertionError, ValueError):  # markup that cannot be
        words.feed(page)
        words.close()
    return "\n".join(words.lines) + "\n"
