"""A mail taken apart: headers, message, notes below ``---``, diff; each line with its number.

Pure, and never fails: what cannot be decoded is kept as it came.  The parts are those
that ``git am`` sees (git-am(1), git-mailinfo(1)); mails are as ``git format-patch``
writes them, with a cover letter numbered 0.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from functools import cached_property

from series import addresses
from series.version import Recipient

# RFC 5322, 2.1.1; what is longer is reported as such, and not looked at any further.
LINE_LIMIT = 998
# Lines of a message, or of notes; nobody reads as many.
TEXT_LIMIT = 5000
# The decoders of the standard library take time by the square of a header's length.
_HEADER_LIMIT = 8192
# What ends a commit message (git's mailinfo.c, patchbreak()).
CUT = re.compile(r"---(?:\s|$)|diff -|Index: |--- \S")
_DIFF = re.compile(r"diff -|Index: |--- [^\s]+/")
_DIFFSTAT = re.compile(
    r" \S[^|]* \| +(?:\d+|Bin|Unmerged)|"
    r" \d+ files? changed|"
    r" (?:create mode|delete mode|rename|mode change|copy|rewrite) "
)
_SHORTLOG = re.compile(r"\S.{0,200} \(\d{1,4}\):$")
_MACHINE = re.compile(r"(?:base-commit|prerequisite-patch-id|change-id|prerequisite-change-id): ")
TRAILER = re.compile(r"([A-Za-z][A-Za-z-]*)([ \t]*):([ \t]*)(.*)")


@dataclass(frozen=True)
class Mail:
    """A mail to be checked: ``number`` 0 is a cover letter.

    ``commit``, ``patch_id`` and ``recipients`` are what the manifest says of it; empty,
    or ``None``, where there is none.
    """

    name: str
    number: int
    content: bytes
    commit: str = ""
    patch_id: str = ""
    recipients: tuple[Recipient, ...] | None = None


@dataclass(frozen=True)
class Line:
    """One line of a mail, without its end; ``number`` counts from 1 in the file."""

    number: int
    text: str


@dataclass(frozen=True)
class Field:
    """One header, unfolded; ``name`` in lower case, ``line`` where it begins."""

    line: int
    name: str
    value: str


@dataclass(frozen=True)
class Letter:
    """A mail in its parts.

    ``message`` and ``notes`` are text, a byte that is no UTF-8 as a surrogate; ``diff``
    is latin-1, a byte a character.  Of a body in an encoding for transfer the lines are
    those of the decoded text.
    """

    mail: Mail
    fields: tuple[Field, ...]
    inner: tuple[Field, ...]
    message: tuple[Line, ...]
    notes: tuple[Line, ...]
    diff: tuple[Line, ...]

    @property
    def is_cover(self) -> bool:
        """Whether it is a cover letter."""
        return self.mail.number == 0

    def field(self, name: str) -> Field | None:
        """The first header of that name (lower case)."""
        return next((field for field in self.fields if field.name == name), None)

    @cached_property
    def subject(self) -> str | None:
        """The subject, decoded; ``None`` where it cannot be."""
        found = self.field("subject")
        return decoded(found.value) if found else ""

    @cached_property
    def title(self) -> str:
        """The subject without ``[PATCH ...]``."""
        return re.sub(r"^(?:\s*\[[^\]]{0,200}\])+\s*", "", self.subject or "")

    @property
    def subject_line(self) -> int:
        """The line of the subject, 1 where there is none."""
        found = self.field("subject")
        return found.line if found else 1

    @cached_property
    def sender(self) -> str:
        """``From:`` of the mail, "Name <address>"."""
        found = self.field("from")
        return _person(found.value) if found else ""

    @cached_property
    def author(self) -> str:
        """Who wrote the patch: ``From:`` at the start of the body, else the sender."""
        found = next((field for field in self.inner if field.name == "from"), None)
        return _person(found.value) if found else self.sender

    @cached_property
    def prose(self) -> tuple[Line, ...]:
        """What was written for people to read: no code, quotes, trailers or lists of git's."""
        return (*_prose(self.message, cover=self.is_cover), *self.note_prose)

    @cached_property
    def note_prose(self) -> tuple[Line, ...]:
        """The same, of what is below ``---``."""
        return tuple(_prose(self.notes, cover=True))

    @cached_property
    def diff_words(self) -> frozenset[str]:
        """All words of the diff."""
        return frozenset(re.findall(r"\w+", "\n".join(line.text for line in self.diff)))

    @cached_property
    def touched(self) -> tuple[str, ...]:
        """The files that the diff names, or the diffstat of a cover letter."""
        names = [
            name
            for line in self.diff
            if line.text.startswith("diff --git ")
            for name in re.findall(r" [ab]/(\S+)", line.text[:LINE_LIMIT])
        ]
        return tuple(dict.fromkeys(names))


def decoded(value: str) -> str | None:
    """A header's value as a reader sees it (RFC 2047); ``None`` where it cannot be decoded."""
    if len(value) > _HEADER_LIMIT:
        return None
    try:
        return " ".join(str(make_header(decode_header(value))).split())
    except (LookupError, ValueError, MessageError):
        return None


def _person(value: str) -> str:
    try:
        found = addresses.in_header(value[:LINE_LIMIT])
    except (LookupError, ValueError, MessageError):
        return ""
    return found[0] if found else ""


def take_apart(mail: Mail) -> Letter:
    """``mail`` in its parts."""
    head, body = _split(mail.content)
    lines = head.split("\n")
    fields = tuple(_fields([Line(at, text) for at, text in enumerate(lines, 1)]))
    body_lines = _decoded_body(body, fields).split(b"\n")
    offset = len(lines) + 2
    inner, message, notes, diff = _parts(body_lines, offset)
    return Letter(mail, fields, inner, message[:TEXT_LIMIT], notes[:TEXT_LIMIT], diff)


def _split(content: bytes) -> tuple[str, bytes]:
    """Headers and body; a mail with CRLF is taken apart all the same."""
    found = re.search(rb"\r?\n\r?\n", content)
    head, body = (content[: found.start()], content[found.end() :]) if found else (content, b"")
    return head.decode("utf-8", "surrogateescape"), body


def _decoded_body(body: bytes, fields: tuple[Field, ...]) -> bytes:
    how = next((f.value.lower() for f in fields if f.name == "content-transfer-encoding"), "")
    if how.strip() == "quoted-printable":
        return quopri.decodestring(body)
    if how.strip() == "base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            return body
    return body


def _fields(lines: list[Line]) -> Iterator[Field]:
    """The headers among ``lines``, unfolded."""
    current: list[Line] = []
    for line in [*lines, Line(0, "")]:
        if line.text[:1] in (" ", "\t") and current:
            current.append(line)
            continue
        if current:
            name, _, value = "".join(one.text.rstrip("\r") for one in current).partition(":")
            yield Field(current[0].number, name.lower(), value.strip())
        current = [line] if re.match(r"[!-9;-~]+:", line.text[:LINE_LIMIT]) else []


def _parts(
    body: list[bytes], offset: int
) -> tuple[tuple[Field, ...], tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]:
    text = [Line(at, line.decode("utf-8", "surrogateescape")) for at, line in _numbered(body)]
    cut = next((at for at, line in enumerate(text) if CUT.match(line.text)), len(text))
    start = next(
        (at for at, line in enumerate(text[cut:], cut) if _DIFF.match(line.text)), len(text)
    )
    moved = [Line(line.number + offset - 1, line.text.rstrip("\r")) for line in text]
    inner, message = _inner_headers(moved[:cut])
    notes = moved[cut + 1 : start] if start > cut else []
    diff = tuple(
        Line(at + offset - 1, line.decode("latin-1")) for at, line in _numbered(body) if at > start
    )
    return inner, message, tuple(notes), diff


def _numbered(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    return enumerate(lines, 1)


def _inner_headers(lines: list[Line]) -> tuple[tuple[Field, ...], tuple[Line, ...]]:
    """``From:`` and the like with which a body may begin, and the rest."""
    at = next((at for at, line in enumerate(lines) if line.text.strip()), 0)
    end = next((i for i, line in enumerate(lines[at:], at) if not line.text.strip()), len(lines))
    if lines and re.match(r"(?:From|Date|Subject): ", lines[at].text):
        return tuple(_fields(lines[at:end])), tuple(lines[end:])
    return (), tuple(lines)


def _prose(lines: tuple[Line, ...], *, cover: bool) -> Iterator[Line]:
    """The lines that are written for people."""
    fence = ""
    for at, line in enumerate(lines):
        text = line.text
        listed = _SHORTLOG.match(text) and lines[at + 1 : at + 2]
        if cover and (text == "-- " or (listed and listed[0].text.startswith("  "))):
            return
        if fence:
            fence = "" if text.startswith(fence) else fence
        elif text.startswith(("// <smpl>", "```")):
            fence = "// </smpl>" if text[0] == "/" else "```"
        elif not _is_other(text):
            yield Line(line.number, text[:LINE_LIMIT])


def _is_other(text: str) -> bool:
    """Whether a line is code, a quote, a trailer or made by git."""
    if text.startswith((">", "    ", "\t", " \t", "+", "@@ ")) or _DIFFSTAT.match(text):
        return True
    return bool(_MACHINE.match(text)) or is_trailer(text)


def is_trailer(text: str) -> bool:
    """Whether a line looks like a trailer that holds an address, a commit or a link."""
    found = TRAILER.match(text[:LINE_LIMIT])
    if not found:
        return False
    tag = found[1].lower()
    known = tag.endswith("-by") or tag in ("cc", "to", "fixes", "link", "closes")
    return known or bool(found[3] and re.search(r"<\S{1,250}@\S{1,250}>$", found[4]))
