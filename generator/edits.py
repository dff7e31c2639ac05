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
    from unidiff.patch import Line, PatchedFile, PatchSet


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

    ``removed`` are stretches (start, end) that it removes or replaces;
    ``inserted`` are places where it only adds: the end of the word before, the
    start of the word behind, and whether what is added stays in a statement.
    """

    removed: tuple[tuple[int, int], ...]
    inserted: tuple[tuple[int, int, bool], ...]

    def touches(self, start: int, end: int) -> bool:
        """Whether what stands from ``start`` to ``end`` is changed, or wrapped in something."""
        if any(first < end and start < last for first, last in self.removed):
            return True
        return any(
            (before > start and behind < end)
            or (in_statement and (behind == start or before == end))
            for before, behind, in_statement in self.inserted
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
            # Not splitlines(): it takes form feeds and other bytes for line ends.
            lines = re.findall(r"[^\n]*\n|[^\n]+", texts[source])
            found[source] = _change(file, _offsets(lines))
    return found


def _offsets(lines: Sequence[str]) -> list[int]:
    """Where each line starts, and the end of the last."""
    return list(accumulate(map(len, lines), initial=0))


_WORD = re.compile(r"\w+|[^\w\s]", re.ASCII)
# Comparing words takes time by the product of their numbers.
_COMPARABLE = 2_000_000


def _change(file: "PatchedFile", offsets: list[int]) -> Change:
    removed: list[tuple[int, int]] = []
    inserted: list[tuple[int, int, bool]] = []
    for hunk in file:
        start = offsets[max(hunk.source_start - 1, 0)]
        for old, new in _comparable(list(hunk)):
            _compare(start, old, new, removed, inserted)
            start += len(old)
    return Change(tuple(removed), tuple(inserted))


def _comparable(lines: Sequence["Line"]) -> list[tuple[str, str]]:
    """The text of a hunk before and after it, in parts that can be compared word by word.

    A very large one is parted at the lines that it leaves alone, and where as
    many lines come as go, line by line.
    """
    old = "".join(line.value for line in lines if not line.is_added)
    new = "".join(line.value for line in lines if not line.is_removed)
    if len(old) * len(new) <= 16 * _COMPARABLE:
        return [(old, new)]
    parts: list[tuple[str, str]] = []
    for same, run in groupby(lines, key=lambda line: bool(line.is_context)):
        group = list(run)
        before = [line.value for line in group if not line.is_added]
        after = [line.value for line in group if not line.is_removed]
        if same or len(before) == len(after):
            parts += zip(before, after, strict=True)
        else:
            parts.append(("".join(before), "".join(after)))
    return parts


def _compare(
    start: int,
    old: str,
    new: str,
    removed: list[tuple[int, int]],
    inserted: list[tuple[int, int, bool]],
) -> None:
    if old == new:
        return
    before = [(start + word.start(), start + word.end()) for word in _WORD.finditer(old)]
    after: list[str] = _WORD.findall(new)
    if len(before) * len(after) > _COMPARABLE:
        removed.append((start, start + len(old)))
        return
    matcher = SequenceMatcher(None, _WORD.findall(old), after, autojunk=False)
    for kind, first, last, from_, to in matcher.get_opcodes():
        if kind in ("replace", "delete"):
            removed.append((before[first][0], before[last - 1][1]))
        elif kind == "insert":
            left = before[first - 1][1] if first else start
            right = before[first][0] if first < len(before) else start + len(old)
            inserted.append((left, right, not {";", "{", "}"} & set(after[from_:to])))
