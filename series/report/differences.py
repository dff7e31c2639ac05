"""Range-diffs between each version and the one before it, from their mails."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from generator.errors import RerollError
from series import range_diff
from series.range_diff import Pair
from series.report import word_diff
from series.report.word_diff import Line
from series.version import Version

# Characters of one pair, and of all: more is read in a terminal, not on a page.
_LONGEST, _MOST = 60_000, 500_000
WORDS = {"=": "same", "!": "changed", "<": "gone", ">": "new"}


@dataclass(frozen=True)
class Shown:
    """A pair on the page: ``anchor`` is its id there, ``cut`` how many lines are left out."""

    anchor: str
    status: str
    old: int
    new: int
    title: str
    lines: tuple[Line, ...]
    cut: int

    @property
    def word(self) -> str:
        """What became of the patch."""
        return WORDS[self.status]


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
        return tuple((word, found[word]) for word in WORDS.values() if found[word])

    def to(self, number: int) -> Shown | None:
        """The pair that patch ``number`` of the newer version is in."""
        return next((one for one in self.pairs if one.new == number), None)

    def without(self, number: int) -> Shown | None:
        """The pair that patch ``number`` of the older version is in."""
        return next((one for one in self.pairs if one.old == number), None)


def between(folder: Path, versions: Sequence[Version]) -> tuple[Between, ...]:
    """What each of ``versions`` (oldest first) changed, oldest first."""
    sides = [_side(folder, version) for version in versions]
    neighbours = list(pairwise(zip(versions, sides, strict=True)))
    with ThreadPoolExecutor(4) as executor:  # git does the work
        found = list(executor.map(lambda two: _compared(two[0][1], two[1][1]), neighbours))
    made, room = [], _MOST
    # The newest difference is the one people read: it is cut last.
    for ((old, _), (new, _)), pairs in reversed(list(zip(neighbours, found, strict=True))):
        if isinstance(pairs, str):
            made.append(Between(old.version, new.version, (), pairs))
            continue
        shown = []
        for pair in pairs:
            shown.append(_shown(pair, old.version, new.version, min(room, _LONGEST)))
            room -= min(len(pair.text), room, _LONGEST)
        made.append(Between(old.version, new.version, tuple(shown)))
    return tuple(reversed(made))


def _side(folder: Path, version: Version) -> list[range_diff.Patch] | str:
    """The patches of a version, or why they cannot be read."""
    try:
        return range_diff.side_of(folder, version)
    except (RerollError, OSError) as error:
        return str(error).removeprefix(f"{folder}/")


def _compared(
    old: list[range_diff.Patch] | str, new: list[range_diff.Patch] | str
) -> tuple[Pair, ...] | str:
    for side in (old, new):
        if isinstance(side, str):
            return side
    try:
        return range_diff.compare(old, new)  # type: ignore[arg-type]
    except RerollError as error:
        return str(error)


def _shown(pair: Pair, old: int, new: int, most: int) -> Shown:
    text, cut = pair.text, 0
    if len(text) > most:
        kept = text[: max(text.rfind("\n", 0, most), 0)]
        text, cut = kept, text.count("\n") - kept.count("\n")
    return Shown(
        anchor=f"range-{old}-{new}-{pair.old}-{pair.new}",
        status=pair.status,
        old=pair.old,
        new=pair.new,
        title=pair.title,
        lines=word_diff.lines(text),
        cut=cut,
    )
