"""Diffs as values, read with unidiff.

Pure: no process, no file.  Diffs are bytes of any encoding, so they are read
as latin-1, in which every byte is a character and comes out as it went in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from generator.errors import RerollError

if TYPE_CHECKING:
    from unidiff.patch import PatchedFile, PatchSet


@dataclass(frozen=True)
class FileEdit:
    """What a diff does to one file; ``source`` differs from ``path`` for a move."""

    path: str
    source: str
    added: int
    removed: int


def summarize(diff: bytes) -> tuple[FileEdit, ...]:
    """The files that ``diff`` (a unified or git diff) touches, in its order.

    Raises ``RerollError`` when it is no diff.
    """
    return tuple(
        FileEdit(
            path=_name(file.path),
            source=_name(file.source_file).removeprefix("a/"),
            added=file.added,
            removed=file.removed,
        )
        for file in _read(diff)
    )


def _read(diff: bytes) -> "PatchSet":
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        return PatchSet(diff.decode("latin-1"))
    except UnidiffParseError as error:
        raise RerollError(f"not a diff: {error}") from error


def _name(name: str) -> str:
    """A file name of a diff; git quotes one with control characters, quotes or backslashes."""
    if name.startswith('"') and name.endswith('"'):
        name = name[1:-1].encode("latin-1").decode("unicode_escape").removeprefix("b/")
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Change:
    """What a patch does to one file, in characters of the text before it.

    ``removed`` are words (start, end) that it removes or replaces; ``inserted``
    are places where it adds some: the end of the word before and the start of
    the word behind.
    """

    removed: tuple[tuple[int, int], ...]
    inserted: tuple[tuple[int, int], ...]

    def touches(self, stretches: Sequence[tuple[int, int]]) -> bool:
        """Whether a word in one of ``stretches`` is changed, or one is added inside it."""
        return any(
            any(first < end and start < last for first, last in self.removed)
            or any(before > start and behind < end for before, behind in self.inserted)
            for start, end in stretches
        )


def changes(diff: bytes, texts: Mapping[str, str]) -> dict[str, Change]:
    """What ``diff`` changes, word by word, in files whose text before it is in ``texts``.

    Keys are the paths before the patch; lines that differ in white space only
    are no change.
    """
    found = {}
    for file in _read(diff):
        source = _name(file.source_file).removeprefix("a/")
        if source in texts:
            found[source] = _change(file, texts[source])
    return found


_WORD = re.compile(r"\w+|[^\w\s]", re.ASCII)
# Comparing words takes time by the product of their numbers.
_COMPARABLE = 2_000_000
# Up to here the least difference is looked for, which takes a table of that size.
_LEAST = 250_000


@dataclass(frozen=True)
class _Difference:
    """What differs between two sequences of words: stretches gone, places with more."""

    removed: list[tuple[int, int]]
    inserted: list[int]
    size: int


def _change(file: "PatchedFile", text: str) -> Change:
    # Not splitlines(): it takes form feeds and other bytes for line ends.
    lengths = map(len, re.findall(r"[^\n]*\n|[^\n]+", text))
    offsets = list(accumulate(lengths, initial=0))
    removed: list[tuple[int, int]] = []
    inserted: list[tuple[int, int]] = []
    for hunk in file:
        start = offsets[max(hunk.source_start - 1 + (hunk.source_length == 0), 0)]
        for same, run in groupby(hunk, key=lambda line: bool(line.is_context)):
            # "\\ No newline at end of file" is no line of either side.
            group = [line for line in run if line.line_type != "\\"]
            old = [line.value for line in group if not line.is_added]
            new = [line.value for line in group if not line.is_removed]
            size = sum(map(len, old))
            if not same:
                _settle(text, start, start + size, _difference(old, new), removed, inserted)
            start += size
    return Change(tuple(removed), tuple(inserted))


def _settle(
    text: str,
    start: int,
    end: int,
    difference: _Difference,
    removed: list[tuple[int, int]],
    inserted: list[tuple[int, int]],
) -> None:
    """Say where in ``text`` the words from ``start`` to ``end`` differ."""
    words = [found.span() for found in _WORD.finditer(text, start, end)]
    for first, last in difference.removed:
        removed += words[first:last]
    if not difference.inserted:
        return
    before = len(text[:start].rstrip())
    behind = _WORD.search(text, end)
    ends = [before, *(last for _, last in words)]
    starts = [*(first for first, _ in words), behind.start() if behind else len(text)]
    inserted += [(ends[at], starts[at]) for at in difference.inserted]


def _difference(old: list[str], new: list[str]) -> _Difference:
    """Compare some lines with those that stand for them, word by word.

    Where as many lines come as go, each with its own as well: of many that look
    alike only the line tells which word belongs to which.  What differs less
    is right.
    """
    if len(old) != len(new) or len(old) < 2:
        return _compare("".join(old), "".join(new))
    found = _line_by_line(old, new)
    whole = _compare("".join(old), "".join(new), found.size)
    return whole if whole.size < found.size else found


def _line_by_line(old: list[str], new: list[str]) -> _Difference:
    removed: list[tuple[int, int]] = []
    inserted: list[int] = []
    at = size = 0
    for before, after in zip(old, new, strict=True):
        one = _compare(before, after)
        removed += [(first + at, last + at) for first, last in one.removed]
        inserted += [place + at for place in one.inserted]
        size += one.size
        at += len(_WORD.findall(before))
    return _Difference(removed, inserted, size)


def _compare(old: str, new: str, enough: int = 0) -> _Difference:
    """How two texts differ; too long ones in every word, ``enough`` is what that counts for."""
    before: list[str] = _WORD.findall(old)
    after: list[str] = _WORD.findall(new)
    if len(before) * len(after) > _COMPARABLE:
        return _Difference([(0, len(before))], [], max(enough, len(before) + len(after)))
    blocks = _least(before, after) if len(before) * len(after) <= _LEAST else _quick(before, after)
    removed: list[tuple[int, int]] = []
    inserted: list[int] = []
    at = there = size = 0
    for first, second, length in blocks:
        size += first - at + second - there
        if first > at:
            removed.append((at, first))
        elif second > there:
            inserted.append(at)
        at, there = first + length, second + length
    return _Difference(removed, inserted, size)


def _quick(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    """What two sequences of words share, as stretches; not always as much as could be."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [(block.a, block.b, block.size) for block in matcher.get_matching_blocks()]


def _least(before: list[str], after: list[str]) -> list[tuple[int, int, int]]:
    """The same, as much as can be (a longest common subsequence), the end included."""
    rows = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for at in range(len(before) - 1, -1, -1):
        word, row, below = before[at], rows[at], rows[at + 1]
        for there in range(len(after) - 1, -1, -1):
            if word == after[there]:
                row[there] = below[there + 1] + 1
            else:
                row[there] = max(below[there], row[there + 1])
    found: list[tuple[int, int, int]] = []
    at = there = 0
    while at < len(before) and there < len(after):
        if before[at] == after[there]:
            found.append((at, there, 1))
            at, there = at + 1, there + 1
        elif rows[at + 1][there] >= rows[at][there + 1]:
            at += 1
        else:
            there += 1
    return [*found, (len(before), len(after), 0)]
