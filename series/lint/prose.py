"""What people read in a mail: leftovers of templates, dead references, HTML, long lines.

Pure; all patterns take time in proportion to the line, which is cut at 998 characters.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from series.lint.finding import Finding, Severity
from series.lint.letter import LINE_LIMIT, Letter, Line

# Documentation/process/submitting-patches.rst: "line wrapped at 75 columns".
_WIDTH = 75
_NEAR_PATH = 0.9
# For each, all names of a folder are looked at.
_MOST_PATHS = 20
_LEFT_OVER = (
    (re.compile(r"\*\*\* (?:SUBJECT|BLURB) HERE \*\*\*"), "is left of git's template"),
    (re.compile(r"\bEDITME\b"), "is left of b4's template"),
    (
        re.compile(r"\{\{-?\s?[A-Za-z_][^{}\n]{0,100}\}\}|\{%-?\s?\w|\w\s?-?%\}"),
        "is left of a template",
    ),
    (
        re.compile(r"<(?:describe|insert|fill in|explain|your|add)\b[^<>\n]{0,80}>", re.IGNORECASE),
        "asks for something",
    ),
    (re.compile(r"^- what changed in version \d+$"), "is left of the campaign's template"),
)
_UNFINISHED = re.compile(r"(?:XXX|TODO|FIXME)\b")
_HTML = re.compile(
    r"</?(?:html|body|br|div|span|font|blockquote)(?:\s[^<>\n]{0,200})?/?>", re.IGNORECASE
)
_TOP = (
    "Documentation|LICENSES|arch|block|certs|crypto|drivers|fs|include|init|io_uring|ipc|"
    "kernel|lib|mm|net|rust|samples|scripts|security|sound|tools|usr|virt"
)
_PATH = re.compile(
    rf"(?<![\w/.<~$-])((?:{_TOP})/[\w./+-]{{1,200}}"
    r"(?:\.(?:c|h|S|rst|txt|yaml|dts|dtsi|py|sh|pl|rs|cocci)|/Kconfig|/Makefile|/Kbuild))(?![\w/*{])"
)
_MARK = re.compile(r"(?<![\w\])])\[(\d{1,2})\](?![\w\[(])")
_NUMBERED = re.compile(
    r"\bpatch(?:es)? #?(\d{1,3})(?![\w/]|\.\d)(?:\s?(?:-|to|and|,)\s?#?(\d{1,3})(?![\w/]|\.\d))?",
    re.IGNORECASE,
)
# A commit with its title, or the part of one that is on a line.
_COMMIT = re.compile(
    r"(?:\bcommit )?\b[0-9a-f]{7,40},? ?\(\"[^\"]*(?:\"\)|\Z)|\A[^\"(]*\"\)", re.IGNORECASE
)
_CHANGES = re.compile(r"(?:Changes|Changelog|Changed)\b.{0,40}\bv\d|v\d{1,3}\b.{0,60}:?$|---$")


@dataclass(frozen=True)
class Places:
    """The files of the tree and of the series, for references to them."""

    paths: Collection[str]

    def has(self, path: str) -> bool:
        """Whether there is such a file, also as an ``#include`` names it."""
        name = path.rpartition("/")[2]
        return any(f"/{other}".endswith(f"/{path}") for other in self._by_name.get(name, ()))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    def near(self, path: str) -> str:
        """A file of the same folder, or one of the same name, that is nearly ``path``; or empty."""
        folder, _, name = path.rpartition("/")
        siblings = [other for other in self.paths if other.rpartition("/")[0] == folder]
        if found := get_close_matches(path, sorted(siblings), n=1, cutoff=_NEAR_PATH):
            return found[0]
        namesakes = self._by_name.get(name, [])
        return namesakes[0] if len(namesakes) == 1 else ""


def check(letter: Letter, *, count: int, places: Places | None) -> Iterator[Finding]:
    """All of it for one mail; ``count`` patches are in the series, 0 if unknown."""
    yield from _signature_line(letter)
    yield from _left_over(letter)
    yield from _html(letter)
    yield from _long(letter)
    yield from _marks(letter)
    yield from _numbers(letter, count)
    if places:
        yield from _paths(letter, places)


def _found(
    severity: Severity, check: str, letter: Letter, line: Line, what: str, hint: str
) -> Finding:
    return Finding(severity, check, letter.mail.name, line.number, what, hint)


def _signature_line(letter: Letter) -> Iterator[Finding]:
    """``--`` alone: git am does not cut the message there, but mail programs do."""
    lines = letter.message
    for at, line in enumerate(lines):
        if line.text not in ("--", "-- "):
            continue
        rest = [other for other in lines[at + 1 :] if other.text.strip()]
        # A signature ends a mail; in a patch it is below the diff.
        if letter.is_cover and line.text == "-- " and len(rest) <= 4:
            continue
        what = f"the line '{line.text}' does not end the message"
        yield _found("error", "cut", letter, line, what, "write '---', or leave it out")


def _left_over(letter: Letter) -> Iterator[Finding]:
    subject = Line(letter.subject_line, (letter.subject or "")[:LINE_LIMIT])
    for line in (subject, *letter.prose):
        for pattern, why in _LEFT_OVER:
            if found := pattern.search(line.text):
                yield _found("error", "template", letter, line, f"'{found[0]}' {why}", "fill it in")
    for line in letter.prose:
        if found := _UNFINISHED.match(line.text):
            what = f"'{found[0]}' begins a line"
            hint = "finish the message, or word the line otherwise"
            yield _found("warning", "template", letter, line, what, hint)


def _html(letter: Letter) -> Iterator[Finding]:
    for line in letter.prose:
        if found := _HTML.search(line.text):
            yield _found(
                "error", "html", letter, line, f"'{found[0]}' is HTML", "mails must be plain text"
            )


def _long(letter: Letter) -> Iterator[Finding]:
    for line in letter.prose:
        text = line.text.rstrip()
        # What cannot be wrapped, or must not be: long words, links, commits with titles.
        words = _COMMIT.sub("", text).split(" ")
        rest = [word for word in words if len(word) <= _WIDTH // 2 and "://" not in word]
        fixed = len(" ".join(words)) < len(text) or len(rest) < len(words)
        if len(text) > _WIDTH and not (fixed and len(" ".join(rest)) <= _WIDTH):
            what = f"the line has {len(text)} characters"
            yield _found("warning", "width", letter, line, what, f"wrap at {_WIDTH}")


def _marks(letter: Letter) -> Iterator[Finding]:
    """``[1]`` that stands for nothing, ``[1] ...`` that nothing refers to."""
    used: dict[str, Line] = {}
    defined: dict[str, Line] = {}
    before = ""
    for line in (*letter.message, *letter.notes):
        text = line.text[:LINE_LIMIT]
        for found in _MARK.finditer(text):
            alone = not text[: found.start()].strip(" *-")
            begins = alone and (not before.strip() or "://" in text or _MARK.match(before.strip()))
            word = text[: found.start()].rstrip("# \t").rsplit(None, 1)[-1:]
            trails = word and "://" in word[0]
            (defined if begins or trails else used).setdefault(found[1], line)
        before = text
    for mark in sorted(used.keys() - defined.keys()):
        what = f"[{mark}] refers to nothing: no line begins with it"
        yield _found("warning", "reference", letter, used[mark], what, "add it, or drop the mark")
    for mark in sorted(defined.keys() - used.keys()):
        if (defined and used) or "://" in defined[mark].text:
            what = f"nothing refers to [{mark}]"
            yield _found("warning", "reference", letter, defined[mark], what, "name it in the text")


def _numbers(letter: Letter, count: int) -> Iterator[Finding]:
    """``patch 9`` of a series of eight; what is said of older versions is not looked at."""
    prose = frozenset(letter.prose)
    for line in _before_changes(letter.message) if count else ():
        for found in _NUMBERED.finditer(line.text[:LINE_LIMIT]):
            number = max(int(found[1]), int(found[2] or 0))
            if number > count and line in prose:
                what = f"'{found[0]}', but the series has {count} patches"
                yield _found("warning", "reference", letter, line, what, "correct the number")


def _before_changes(lines: Sequence[Line]) -> Iterator[Line]:
    for line in lines:
        if _CHANGES.match(line.text[:LINE_LIMIT]):
            return
        yield line


def _paths(letter: Letter, places: Places) -> Iterator[Finding]:
    dead: dict[str, Line] = {}
    for line in letter.prose:
        words = [word for word in line.text.split() if "://" not in word]
        for found in _PATH.finditer(" ".join(words)):
            if "/generated/" not in found[1] and not places.has(found[1]):
                dead.setdefault(found[1], line)
    for path, line in list(dead.items())[:_MOST_PATHS]:
        what = f"{path} is neither in the tree nor made by the series"
        near = places.near(path)
        hint = f"did you mean {near}?" if near else "correct the path"
        yield _found("warning", "reference", letter, line, what, hint)
