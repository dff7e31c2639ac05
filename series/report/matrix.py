"""Patches against versions: what became of each patch, with a link to what shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from series.overview import Fate, Overview, PatchState
from series.report.differences import REWORDED, Between, Shown
from series.report.letters import Letter
from series.version import Version

MARKS: Mapping[Fate, str] = {"new": "+", "same": "=", "changed": "~", "gone": "-", "": ""}


@dataclass(frozen=True)
class Cell:
    """One patch in one version: a mark, what it means, and the anchor of the evidence.

    ``kind`` is the mark's class: the fate, or "reworded" where nothing but the message changed.
    """

    mark: str
    kind: str
    word: str
    anchor: str


@dataclass(frozen=True)
class Row:
    """One patch: ``anchor`` is the row's id, ``mail`` that of the newest mail of the patch."""

    anchor: str
    patch: PatchState
    mail: str
    cells: tuple[Cell, ...]

    @property
    def taken(self) -> int:
        """How many tags go into the next version."""
        return sum(tag.taken for tag in self.patch.tags)

    @property
    def withdrawn(self) -> int:
        """How many tags were taken back."""
        return sum(tag.state == "withdrawn" for tag in self.patch.tags)

    @property
    def waiting(self) -> int:
        """How many tags are neither taken nor taken back."""
        return (
            len(self.patch.tags)
            - self.taken
            - sum(tag.state == "withdrawn" and not tag.taken for tag in self.patch.tags)
        )


def rows(
    found: Overview,
    versions: Sequence[Version],
    letters: Sequence[Letter],
    differences: Sequence[Between],
) -> tuple[Row, ...]:
    """A row a patch, in the order of the overview."""
    own = {(one.version, one.number): one.anchor for one in letters if not one.is_reply}
    numbers = [{patch.id: patch.number for patch in version.patches} for version in versions]
    steps = {one.new: _Step(one) for one in differences}
    made = []
    for at, patch in enumerate(found.patches, 1):
        cells, mail, before = [], "", 0
        for version, known, fate in zip(versions, numbers, patch.fates, strict=True):
            number = known.get(patch.id, 0)
            here = own.get((version.version, number), "") if number else ""
            mail = here or mail
            step = steps.get(version.version)
            pair = step.pair(fate, before, number) if step else None
            cells.append(_cell(fate, pair, here))
            before = number
        made.append(Row(f"patch-{at}", patch, mail, tuple(cells)))
    return tuple(made)


class _Step:
    """What one version changed, by the numbers of its patches before and after."""

    def __init__(self, between: Between) -> None:
        self._olds = {one.old: one for one in between.pairs}
        self._news = {one.new: one for one in between.pairs}

    def pair(self, fate: Fate, before: int, number: int) -> Shown | None:
        """The pair that shows what became of a patch, where there is something to see."""
        if fate in ("new", ""):
            return None
        pair = self._olds.get(before) if fate == "gone" else self._news.get(number)
        return pair if pair and (pair.lines or pair.cut or fate == "gone") else None


def _cell(fate: Fate, pair: Shown | None, mail: str) -> Cell:
    """The cell of a patch: it leads to ``pair``, else to the patch's ``mail``."""
    reworded = fate == "same" and pair is not None
    return Cell(
        mark=MARKS[fate],
        kind=REWORDED if reworded else fate,
        word=f"same change, {REWORDED}" if reworded else fate,
        anchor=pair.anchor if pair else mail,
    )
