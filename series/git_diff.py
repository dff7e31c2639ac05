"""A git diff as values, byte by byte (git-diff(1), "Generating patch text with -p").

Pure.  Beside the lines of ``generator.edits`` it knows what stands in git's extended
headers: modes, renames, binary files.  Diffs come from mails and are untrusted: what is
no diff is passed over, a path is never used as one of this machine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_FILE = re.compile(rb"^diff --git ", re.MULTILINE)
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)\Z")
# "old mode 100644", "rename from a.c": git's extended headers.
_EXTENDED = re.compile(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|"
    rb"rename to|similarity index|dissimilarity index|index) (.*)\Z"
)
_SAME_NAMES = re.compile(rb'diff --git (?:a/(.*) b/\1|"a/(.*)" "b/\2")\Z', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"t": b"\t",
    b"n": b"\n",
    b"v": b"\v",
    b"f": b"\f",
    b"r": b"\r",
}
_PLAIN = "100644"


@dataclass(frozen=True)
class Hunk:
    """A hunk: what stands behind its ``@@``, and its lines.

    Each line is one of " ", "-" and "+", and the text with its line end, which the
    last line of a file may lack.
    """

    section: bytes
    lines: tuple[tuple[bytes, bytes], ...]

    def side(self, sign: bytes) -> tuple[bytes, ...]:
        """The lines before ("-") or after ("+") the change."""
        return tuple(text for kind, text in self.lines if kind in (b" ", sign))

    @property
    def leading(self) -> int:
        """How many lines of context come before the first change."""
        return next((at for at, (kind, _) in enumerate(self.lines) if kind != b" "), 0)

    @property
    def trailing(self) -> int:
        """How many lines of context follow the last change."""
        return next((at for at, (kind, _) in enumerate(reversed(self.lines)) if kind != b" "), 0)


@dataclass(frozen=True)
class FileDiff:
    """What a diff does to one file; ``old`` is empty for a new file, ``new`` for a deleted one.

    ``binary`` holds a binary file's patch, or what stands for it.
    """

    old: bytes
    new: bytes
    old_mode: str = _PLAIN
    new_mode: str = _PLAIN
    hunks: tuple[Hunk, ...] = ()
    binary: bytes = b""

    @property
    def changed(self) -> tuple[tuple[bytes, bytes], ...]:
        """The lines removed and added, in their order."""
        return tuple(line for hunk in self.hunks for line in hunk.lines if line[0] != b" ")


def files(diff: bytes) -> tuple[FileDiff, ...]:
    """The files of a diff in its order; text around them is passed over.

    A diff without "diff --git" lines is read by its "---" and "+++" lines.
    """
    starts = [found.start() for found in _FILE.finditer(diff)]
    if not starts:
        starts = [found.start() for found in re.finditer(rb"^--- .*\n\+\+\+ ", diff, re.MULTILINE)]
    ends = [*starts[1:], len(diff)][: len(starts)]
    return tuple(_file(diff[start:end]) for start, end in zip(starts, ends, strict=True))


@dataclass
class _Header:
    """What the lines before the first hunk say."""

    old: bytes = b""
    new: bytes = b""
    facts: dict[bytes, bytes] = field(default_factory=dict)
    binary: bytes = b""


def _file(text: bytes) -> FileDiff:
    lines = text.split(b"\n")
    at = next((at for at, line in enumerate(lines) if _HUNK.match(line)), len(lines))
    head = _header(lines[:at])
    mode = _mode(head.facts.get(b"index", b"").rpartition(b" ")[2], _PLAIN)
    old_mode = _mode(head.facts.get(b"old mode") or head.facts.get(b"deleted file mode"), mode)
    new_mode = _mode(head.facts.get(b"new mode") or head.facts.get(b"new file mode"), mode)
    hunks = () if head.binary else tuple(_hunks(lines[at:]))
    return FileDiff(head.old, head.new, old_mode, new_mode, hunks, head.binary)


def _header(lines: list[bytes]) -> _Header:
    head = _Header()
    if same := _SAME_NAMES.match(lines[0]):
        name = same[1] if same[1] is not None else _unquoted(b'"%s"' % same[2])
        head.old = head.new = name
    for at, line in enumerate(lines):
        if found := _EXTENDED.match(line):
            head.facts[found[1]] = found[2]
        elif line.startswith(b"--- "):
            head.old = path_named(line[4:])
        elif line.startswith(b"+++ "):
            head.new = path_named(line[4:])
        elif line.startswith((b"GIT binary patch", b"Binary files ")):
            head.binary = b"\n".join(lines[at:])
            break
    return _named(head)


def _named(head: _Header) -> _Header:
    """The header with the names that its extended lines give."""
    for key in (b"rename", b"copy"):
        if key + b" from" in head.facts:
            head.old = _unquoted(head.facts[key + b" from"])
            head.new = _unquoted(head.facts.get(key + b" to", b""))
    if b"new file mode" in head.facts:
        head.old = b""
    if b"deleted file mode" in head.facts:
        head.new = b""
    return head


def _mode(text: bytes | None, otherwise: str) -> str:
    """A file's mode as git has it, else ``otherwise``."""
    known = (b"100644", b"100755", b"120000", b"160000")
    return text.decode() if text in known and text is not None else otherwise


def path_named(text: bytes) -> bytes:
    """The path behind "---" or "+++", without its first folder; empty for /dev/null."""
    text = text.rstrip(b"\r")
    # git leaves a tab behind names with spaces.
    name = _unquoted(text if text.startswith(b'"') else text.split(b"\t")[0])
    return b"" if name == b"/dev/null" else re.sub(rb"\A[^/]+/", b"", name)


def _unquoted(text: bytes) -> bytes:
    """A path that git may have quoted as C does (git-config(1), core.quotePath)."""
    if not (len(text) > 1 and text.startswith(b'"') and text.endswith(b'"')):
        return text
    return _ESCAPE.sub(_unescaped, text[1:-1])


def _unescaped(found: "re.Match[bytes]") -> bytes:
    if len(found[1]) == 3:
        return bytes([int(found[1], 8) & 0xFF])
    return _LETTERS.get(found[1], found[1])


def _hunks(lines: list[bytes]) -> Iterator[Hunk]:
    at = 0
    while at < len(lines):
        found = _HUNK.match(lines[at])
        at += 1
        if not found:
            continue
        left = [int(found[2] or 1), int(found[4] or 1)]
        body: list[tuple[bytes, bytes]] = []
        while at < len(lines) and (any(left) or lines[at].startswith(b"\\")):
            kind, rest = lines[at][:1] or b" ", lines[at][1:]
            if kind == b"\\":  # "\ No newline at end of file" is said of the line before
                body[-1:] = [(sign, text.removesuffix(b"\n")) for sign, text in body[-1:]]
            elif kind in (b" ", b"-", b"+"):
                body.append((kind, rest + b"\n"))
                left[0] -= kind != b"+"
                left[1] -= kind != b"-"
            else:
                break
            at += 1
        yield Hunk(found[5], tuple(body))
