"""A diff as it stands in a mail: where it ends, what it names, what is wrong with it.

Pure.  The form is git-diff(1)'s ("generating patch text with -p"), and that of plain
unified diffs.  Hunks are skipped by their line counts, so that a changed line is never
taken for a header.
"""

import re
from dataclasses import dataclass

_START = re.compile(rb"^(?:diff -|Index: |--- \S)")
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
# Names with spaces stand unquoted: then both are the same, or further lines name them.
_GIT_PAIR = re.compile(rb'diff --git (?:("[^"]*"|\S+) ("[^"]*"|\S+)|(a/(.+) b/\4))\s*\Z')
_NAMED = re.compile(rb"(--- |\+\+\+ |rename from |rename to |copy from |copy to )(.+)")
_BINARY = re.compile(rb"Binary files (.+) and (.+) differ\s*\Z")
_EXTENDED = re.compile(
    rb"(?:diff |index |Index: |===|--- |\+\+\+ |old mode |new mode |new file |deleted file "
    rb"|similarity |dissimilarity |rename |copy |GIT binary patch|Binary files |literal |delta )"
)
# base85 of git's binary patches: a length letter and groups of five.
_BASE85 = re.compile(rb"[A-Za-z](?:[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{5})+\s*\Z")


@dataclass(frozen=True)
class Scan:
    """What a diff holds: ``end`` is the offset behind its last line.

    ``paths`` are the files it names, without ``a/`` and ``b/``; ``added`` and
    ``removed`` count lines; ``outside`` are names that lead out of a tree;
    ``hollow`` are binary files of which the diff has no data; ``damage`` says
    why the diff is not whole, or is empty.
    """

    end: int
    paths: tuple[str, ...]
    added: int
    removed: int
    outside: tuple[str, ...] = ()
    hollow: tuple[str, ...] = ()
    damage: str = ""


def starts(line: bytes) -> bool:
    """Whether a diff may begin with ``line``, as git-mailinfo(1) sees it."""
    return bool(_START.match(line))


def scan(diff: bytes) -> Scan:
    """Read ``diff``; what comes behind it (a signature) is left out of ``end``."""
    reader = _Reader()
    at = 0
    for line in diff.splitlines(keepends=True):
        at += len(line)
        if reader.take(line):
            reader.end = at
    return reader.result()


class _Reader:
    """The state between two lines of a diff."""

    def __init__(self) -> None:
        self.end = 0
        self._names: dict[str, None] = {}
        self._outside: dict[str, None] = {}
        self._hollow: list[str] = []
        self._added = self._removed = 0
        self._old = self._new = 0
        self._damage = ""
        self._binary = False
        self._before = ""  # what the last "---" line named

    def take(self, line: bytes) -> bool:
        """Whether ``line`` belongs to the diff."""
        if self._old > 0 or self._new > 0:
            return self._in_hunk(line)
        if line.startswith(b"\\ "):  # "\ No newline at end of file"
            return True
        if hunk := _HUNK.match(line):
            self._old, self._new = (1 if count is None else int(count) for count in hunk.groups())
            return True
        if self._binary and (_BASE85.match(line) or not line.strip()):
            self._binary = bool(line.strip())  # an empty line ends the data
            return True
        if not _EXTENDED.match(line):
            return False
        self._binary = line.startswith((b"GIT binary patch", b"literal ", b"delta "))
        self._names_of(line)
        return True

    def _in_hunk(self, line: bytes) -> bool:
        mark = line[:1]
        if mark == b"\\":
            return True
        if mark not in (b" ", b"+", b"-") and line.strip():
            where = next(reversed(self._names), "a file")
            self._damage = self._damage or f"a hunk of {where} is not whole"
            self._old = self._new = 0
            return self.take(line)
        self._old -= mark != b"+"
        self._new -= mark != b"-"
        self._added += mark == b"+"
        self._removed += mark == b"-"
        return True

    def _names_of(self, line: bytes) -> None:
        """Note the file that a header line names, and whether it leads out of the tree."""
        if found := _BINARY.match(line):
            old, new = (_name(one) for one in found.groups())
            self._hollow.append(new or old)
        elif pair := _GIT_PAIR.match(line):
            old, new = (_name(one or pair[3].partition(b" b/")[0]) for one in pair.groups()[:2])
        elif named := _NAMED.match(line):
            strip = not line.startswith((b"rename", b"copy"))
            name = _name(named[2].split(b"\t")[0], strip=strip)
            is_new = named[1] in (b"+++ ", b"rename to ", b"copy to ")
            old, new = ("", name or self._before) if is_new else (name, "")
            self._before = old
        else:
            return
        if new:
            self._names.setdefault(new)
        self._outside |= dict.fromkeys(name for name in (old, new) if name and _leads_out(name))

    def result(self) -> Scan:
        if not self._damage and (self._old > 0 or self._new > 0):
            self._damage = "it ends in the middle of a hunk"
        if not self._damage and not self._names:
            self._damage = "it names no file"
        hollow = tuple(dict.fromkeys(self._hollow))
        outside = tuple(self._outside)
        counts = (self._added, self._removed)
        return Scan(self.end, tuple(self._names), *counts, outside, hollow, self._damage)


def _name(raw: bytes, *, strip: bool = True) -> str:
    """A name of a header line, without its first part (``a/``), or empty for ``/dev/null``."""
    text = raw.strip()
    if text.startswith(b'"') and text.endswith(b'"') and len(text) > 1:
        text = text[1:-1].decode("latin-1").encode("latin-1")
        text = re.sub(rb"\\([0-7]{3}|.)", lambda found: _unquoted(found[1]), text, flags=re.DOTALL)
    if text == b"/dev/null":
        return ""
    if strip and not text.startswith(b"/"):
        text = text.partition(b"/")[2] or text
    return text.decode("utf-8", "surrogateescape")


def _unquoted(code: bytes) -> bytes:
    """What stands for a backslash and ``code`` in a name that git quoted."""
    if len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    known = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f"}
    return known.get(code, code)


def _leads_out(name: str) -> bool:
    """Whether a path is absolute, climbs out of the tree, or goes into git's own folder."""
    parts = name.split("/")
    folded = {part.casefold().rstrip(". ") for part in parts}
    return name.startswith("/") or ".." in parts or bool(folded & {".git", "git~1"})
