"""Range-diffs between each version and the one before it, from their mails."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from generator.errors import RerollError
from series import range_diff
from series.range_diff import Pair, Status
from series.report import word_diff
from series.report.word_diff import Line
from series.version import PatchRecord, Version

# Bytes of the page for one pair, and for all: more is read in a terminal, not on a page.
_LONGEST, _MOST = 60_000, 500_000
# Of a patch whose message alone changed: range-diff has no sign of its own for that.
REWORDED = "reworded"
WORDS: Mapping[Status, str] = {"=": "same", "!": "changed", "<": "gone", ">": "new"}


@dataclass(frozen=True)
class Shown:
    """A pair on the page: ``anchor`` is its id there, ``cut`` how many lines are left out.

    ``word`` says what became of the patch; ``old`` and ``new`` are its numbers, 0 for none.
    """

    anchor: str
    word: str
    old: int
    new: int
    title: str
    lines: tuple[Line, ...]
    cut: int

    @property
    def size(self) -> int:
        """How many bytes of the page its lines take."""
        return sum(line.size for line in self.lines)


@dataclass(frozen=True)
class Between:
    """What is different between two versions; ``problem`` says why that cannot be said."""

    old: int
    new: int
    pairs: tuple[Shown, ...]
    problem: str = ""

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many patches are the same, changed, gone, new."""
        found = Counter(one.word for one in self.pairs)
        words = ("same", REWORDED, "changed", "gone", "new")
        return tuple((word, found[word]) for word in words if found[word])


def between(folder: Path, versions: Sequence[Version]) -> tuple[Between, ...]:
    """What each of ``versions`` (oldest first) changed, oldest first.

    Where all that is different takes too much of the page, the oldest differences are cut.
    """
    sides = [_side(folder, version) for version in versions]
    with ThreadPoolExecutor(4) as executor:  # git does the work
        found = list(executor.map(_compared, sides, sides[1:]))
    made, room = [], _MOST
    # The newest difference is the one people read: it is cut last.
    for (old, new), pairs in reversed(list(zip(pairwise(versions), found, strict=True))):
        if isinstance(pairs, str):
            made.append(Between(old.version, new.version, (), pairs))
            continue
        shown = []
        for pair in pairs:
            shown.append(_shown(pair, old, new, min(room, _LONGEST)))
            room -= shown[-1].size
        made.append(Between(old.version, new.version, tuple(shown)))
    return tuple(reversed(made))


def _side(folder: Path, version: Version) -> list[range_diff.Patch] | str:
    """The patches of a version, or why they cannot be read."""
    try:
        return range_diff.side_of(folder, version)
    except RerollError as error:
        return str(error).removeprefix(f"{folder}/")
    except OSError as error:
        return f"{str(error.filename).removeprefix(f'{folder}/')}: {error.strerror}"


def _compared(
    old: list[range_diff.Patch] | str, new: list[range_diff.Patch] | str
) -> tuple[Pair, ...] | str:
    """The pairs of two versions, or why they cannot be compared."""
    if isinstance(old, str):
        return old
    if isinstance(new, str):
        return new
    try:
        return range_diff.compare(old, new)
    except RerollError as error:
        return str(error)


def _shown(pair: Pair, old: Version, new: Version, most: int) -> Shown:
    """``pair`` as the page shows it, in at most ``most`` bytes of it."""
    # It counts the patches that are there; of a posted version, some may not have been found.
    before = old.patches[pair.old - 1] if pair.old else None
    after = new.patches[pair.new - 1] if pair.new else None
    first, second = before.number if before else 0, after.number if after else 0
    lines = _fitting(pair.text, most)
    return Shown(
        anchor=f"range-{old.version}-{new.version}-{first}-{second}",
        word=_word(pair.status, before, after),
        old=first,
        new=second,
        title=pair.title,
        lines=lines,
        cut=len(pair.text.split("\n")) - len(lines) if pair.text else 0,
    )


def _fitting(text: str, most: int) -> tuple[Line, ...]:
    """The first lines of ``text`` that take at most ``most`` bytes of the page together."""
    if len(text) > most:
        text = text[: max(text.rfind("\n", 0, most), 0)]
    lines = word_diff.lines(text)
    sizes = accumulate(line.size for line in lines)
    return tuple(line for line, size in zip(lines, sizes, strict=True) if size <= most)


def _word(status: Status, before: PatchRecord | None, after: PatchRecord | None) -> str:
    """What became of a patch."""
    ids = {one.patch_id for one in (before, after) if one}
    same = before and after and len(ids) == 1 and "" not in ids
    return REWORDED if status == "!" and same else WORDS[status]
