"""Bytes of a mail that do not survive, or that hide something.

Pure.  RFC 5322 (line lengths), RFC 2045 and RFC 2047 (text that is not ASCII);
characters that reorder text on a screen are those of CVE-2021-42574.
"""

import re
from collections.abc import Iterator

from series.lint.finding import Finding, Severity
from series.lint.letter import LINE_LIMIT, TEXT_LIMIT, Letter

_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0d-\x1f\x7f\x80-\x9f]")
_PLAIN = "generate the mails again"


def check(letter: Letter) -> Iterator[Finding]:
    """What is wrong with the bytes of a mail: headers, message and diff."""
    yield from _headers(letter)
    yield from _lengths(letter)
    yield from _charset(letter)
    yield from _message(letter)
    yield from _diff(letter)


def _at(letter: Letter, severity: Severity, line: int, what: str, hint: str) -> Finding:
    return Finding(severity, "encoding", letter.mail.name, line, what, hint)


def _head(letter: Letter) -> bytes:
    found = re.search(rb"\r?\n\r?\n", letter.mail.content)
    return letter.mail.content[: found.start()] if found else letter.mail.content


def _headers(letter: Letter) -> Iterator[Finding]:
    if not letter.fields:
        yield _at(letter, "error", 1, "there are no headers", _PLAIN)
        return
    if not re.search(rb"\n\r?\n", letter.mail.content):
        yield _at(letter, "error", 1, "no empty line ends the headers", _PLAIN)
    for field in letter.fields:
        if not field.value.isascii():
            what = f"the {field.name[:40]} header is not ASCII"
            yield _at(letter, "error", field.line, what, f"RFC 2047 words are needed; {_PLAIN}")
    kind = letter.field("content-type")
    if kind and not re.match(r"text/(?!html)", kind.value, re.IGNORECASE):
        what = f"the mail is {kind.value.split(';')[0][:60] or 'of no type'}, not plain text"
        yield _at(letter, "error", kind.line, what, "patches must be plain text")
    elif kind and re.search(r"format\s{0,5}=\s{0,5}\"?flowed", kind.value[:LINE_LIMIT], re.I):
        what = "format=flowed lets mail programs wrap the patch"
        yield _at(letter, "error", kind.line, what, "send it with git send-email")
    for text in (letter.subject or "", letter.sender):
        if _BIDI.search(text) or _CONTROL.search(text):
            what = "a header has characters that control the screen or reorder text"
            yield _at(letter, "error", letter.subject_line, what, "remove them")


def _lengths(letter: Letter) -> Iterator[Finding]:
    for number, line in enumerate(letter.mail.content.split(b"\n"), 1):
        if len(line.rstrip(b"\r")) > LINE_LIMIT:
            what = f"the line has {len(line)} bytes, and mail allows {LINE_LIMIT}"
            hint = "shorten it, or send a branch to pull from"
            yield _at(letter, "error", number, what, hint)


def _charset(letter: Letter) -> Iterator[Finding]:
    body = letter.mail.content[len(_head(letter)) :]
    kind = letter.field("content-type")
    named = kind and re.search(r"charset\s{0,5}=", kind.value[:LINE_LIMIT], re.IGNORECASE)
    if not body.isascii() and not named:
        what = "the body is not ASCII, and no header says its charset"
        yield _at(letter, "error", 1, what, "add Content-Type: text/plain; charset=UTF-8")


def _message(letter: Letter) -> Iterator[Finding]:
    for part in (letter.message, letter.notes):
        if len(part) == TEXT_LIMIT:
            what = f"the text has {TEXT_LIMIT} lines or more, of which no others were checked"
            yield _at(letter, "error", part[-1].number, what, "shorten it")
    for line in (*letter.message, *letter.notes):
        text = line.text
        if re.search("[\udc80-\udcff]", text):
            yield _at(letter, "error", line.number, "the line is not UTF-8", "convert it")
        elif text.startswith("\ufeff"):
            yield _at(letter, "error", line.number, "the line begins with a BOM", "remove it")
        elif _BIDI.search(text):
            what = "the line has marks that reorder text on the screen"
            yield _at(letter, "error", line.number, what, "remove them")
        elif _CONTROL.search(text):
            yield _at(
                letter, "error", line.number, "the line has control characters", "remove them"
            )
    ends = letter.mail.content[: _diff_start(letter)]
    if b"\r\n" in ends:
        number = ends[: ends.index(b"\r\n")].count(b"\n") + 1
        yield _at(letter, "error", number, "lines end in CR LF", "convert the mail (dos2unix)")


def _diff_start(letter: Letter) -> int:
    """Where the diff begins, in bytes."""
    content = letter.mail.content
    if not letter.diff:
        return len(content)
    at = 0
    for _ in range(letter.diff[0].number - 1):
        at = content.find(b"\n", at) + 1
        if not at:
            return len(content)
    return at


def _diff(letter: Letter) -> Iterator[Finding]:
    told: set[str] = set()
    for line in letter.diff:
        text = line.text
        if text.endswith("\r"):
            what = "the diff has lines that end in CR LF, which some mail servers change"
        elif text.isascii():
            if not re.search(r"[\0]", text):
                continue
            what = "the diff has a NUL byte, which does not survive a mail"
        elif _BIDI.search(text.encode("latin-1").decode("utf-8", "replace")):
            what = "the diff has marks that reorder text on the screen"
        else:
            continue
        if what not in told:
            told.add(what)
            yield _at(letter, "warning", line.number, what, "is it meant so?")
