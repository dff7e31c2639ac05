"""Patches against versions: what became of each patch, with a link to what shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from series.overview import Fate, Overview, PatchState
from series.report.differences import Between
from series.report.letters import Letter
from series.version import Version

MARKS: Mapping[Fate, str] = {"new": "+", "same": "=", "changed": "~", "gone": "-", "": ""}


@dataclass(frozen=True)
class Cell:
    """One patch in one version: a mark, what it means, and the anchor of the evidence."""

    mark: str
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
    steps = {one.new: one for one in differences}
    made = []
    for at, patch in enumerate(found.patches, 1):
        cells, mail = [], ""
        for place, (version, fate) in enumerate(zip(versions, patch.fates, strict=True)):
            number = numbers[place].get(patch.id, 0)
            before = numbers[place - 1].get(patch.id, 0) if place else 0
            here = own.get((version.version, number), "") if number else ""
            mail = here or mail
            step = _step(steps.get(version.version), fate, before, number)
            cells.append(Cell(MARKS[fate], _word(fate, step), step or here))
        made.append(Row(f"patch-{at}", patch, mail, tuple(cells)))
    return tuple(made)


def _step(step: Between | None, fate: Fate, before: int, number: int) -> str:
    """The anchor of what a version changed in a patch, or empty."""
    if step is None or fate in ("new", ""):
        return ""
    pair = step.without(before) if fate == "gone" else step.to(number)
    return pair.anchor if pair and (pair.lines or fate == "gone") else ""


def _word(fate: Fate, step: str) -> str:
    return "same diff, other message" if fate == "same" and step else fate or "not there"
