"""Whether two diffs make the same change, however their context has moved.

Pure.  Equal lines are not enough: a line that goes away in another function, or comes at
another place of it, is another change.  So each changed line must stand in the same function
and among lines that it stood among before.  What cannot be shown to be the same is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from series import git_diff
from series.git_diff import FileDiff, Hunk

Lines = tuple[tuple[bytes, bytes], ...]
# git's rule for the line that names a function, and labels, which are none (userdiff.c).
_FUNCTION = re.compile(rb"[A-Za-z_$]")
_LABEL = re.compile(rb"[A-Za-z_]\w*:\s*(?:$|/[/*])")
_CALLED = re.compile(rb"([A-Za-z_]\w*)\s*\(")
# Lines with fewer letters and digits stand in every function.
_TELLING = 4
_COMMON = frozenset(
    [b"return 0;", b"return ret;", b"return err;", b"return;", b"break;", b"} else {", b"else"]
)


@dataclass(frozen=True)
class _Place:
    """Where a changed line stands: its function, and the lines that stay, above and below.

    ``removes`` is whether a telling line is removed right there; ``near`` is the context as
    it is.
    """

    function: bytes
    above: frozenset[bytes]
    below: frozenset[bytes]
    near: tuple[Lines, Lines]
    removes: bool


def same(old: bytes, new: bytes) -> bool:
    """Whether two git diffs change their files in the same way, apart from context.

    Diffs without a file are never the same.
    """
    before, after = git_diff.files(old), git_diff.files(new)
    if not before or len(before) != len(after):
        return False
    pairs = list(zip(sorted(before, key=_names), sorted(after, key=_names), strict=True))
    if any(_names(one) != _names(other) for one, other in pairs):
        return False
    return all(_same_lines(*pair) for pair in pairs)


def changed_files(old: bytes, new: bytes) -> tuple[bytes, ...]:
    """The files that two diffs do not change in the same way, those of ``new`` first."""
    sides = [{file.new or file.old: file for file in git_diff.files(side)} for side in (old, new)]
    return tuple(
        name
        for name in dict.fromkeys([*sides[1], *sides[0]])
        if not all(name in side for side in sides) or not _same_file(sides[0][name], sides[1][name])
    )


def _same_file(one: FileDiff, other: FileDiff) -> bool:
    return _names(one) == _names(other) and _same_lines(one, other)


def _names(file: FileDiff) -> tuple[bytes, bytes, str, str]:
    return file.old, file.new, file.old_mode, file.new_mode


def _same_lines(one: FileDiff, other: FileDiff) -> bool:
    if one.changed != other.changed or one.binary != other.binary:
        return False
    if not (one.old and one.new):  # a new file, or one that goes: it has no other lines
        return True
    return all(map(_same_place, _places(one), _places(other)))


def _same_place(one: _Place, other: _Place) -> bool:
    if one.near == other.near and _compatible(one.function, other.function):
        return True
    if (one.above & other.below) - other.above - one.below:
        return False  # it has moved across a line that stays
    if (one.below & other.above) - other.below - one.above:
        return False
    shared = bool((one.above & other.above) | (one.below & other.below))
    if not (one.function and other.function):
        return shared
    anchored = shared or (one.removes and other.removes)
    return anchored and _compatible(one.function, other.function)


def _compatible(one: bytes, other: bytes) -> bool:
    """Whether two lines may name the same function; git cuts long ones."""
    names = [found[1] if (found := _CALLED.search(line)) else b"" for line in (one, other)]
    if all(names) and not any(name.isupper() for name in names):
        return names[0] == names[1]
    return one.startswith(other) or other.startswith(one)


def _places(file: FileDiff) -> Iterator[_Place]:
    """The place of each changed line, in their order."""
    for hunk in file.hunks:
        start = 0
        while start < len(hunk.lines):
            end = start
            while end < len(hunk.lines) and hunk.lines[end][0] != b" ":
                end += 1
            if end > start:
                place = _place(hunk, start, end)
                yield from [place] * (end - start)
            start = end + 1


def _place(hunk: Hunk, start: int, end: int) -> _Place:
    """The place of a run of changed lines."""
    run = hunk.lines[start:end]
    removed = [text for kind, text in run if kind == b"-"]
    own = [text for text in removed if _names_function(text)]
    return _Place(
        function=(own[0] if own else _function(hunk, start)).strip(),
        above=_telling(hunk.lines[:start]),
        below=_telling(hunk.lines[end:]),
        near=(_staying(hunk.lines[:start]), _staying(hunk.lines[end:])),
        removes=any(_tells(text) for text in removed),
    )


def _function(hunk: Hunk, start: int) -> bytes:
    """The line that names the function in which a line of a hunk stands, or empty."""
    for kind, text in reversed(hunk.lines[:start]):
        if kind != b"+" and _names_function(text):
            return text
    return hunk.section if _names_function(hunk.section) else b""


def _names_function(text: bytes) -> bool:
    return bool(_FUNCTION.match(text)) and not _LABEL.match(text)


def _staying(lines: Lines) -> Lines:
    return tuple(line for line in lines if line[0] == b" ")


def _telling(lines: Lines) -> frozenset[bytes]:
    return frozenset(text.strip() for _, text in _staying(lines) if _tells(text))


def _tells(text: bytes) -> bool:
    """Whether a line is one that does not stand everywhere."""
    return text.strip() not in _COMMON and sum(chr(byte).isalnum() for byte in text) >= _TELLING
