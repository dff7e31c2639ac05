"""Absorbing as far as it is done: what the parts of it share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.campaign import Campaign, Patch
from generator.errors import ExpectedFailureError
from generator.progress import Progress
from generator.tree import Commit, Identity, Tree
from series.campaign_file import CampaignFile
from series.pairing import Pair, Range, subject
from series.settings import Settings
from series.version import Version


@dataclass(frozen=True)
class Request:
    """What to absorb: a branch or a range of ``tree``, into the campaign in its folder.

    ``branch`` empty means that of the series; ``span`` is "BASE..TIP" or empty.
    """

    campaign: Campaign
    tree: Tree
    settings: Settings
    report: Progress
    branch: str = ""
    span: str = ""
    allow_scripts: bool = False


@dataclass(frozen=True)
class Change:
    """One thing that was taken over: of which patch, what, and from which commit."""

    patch: str
    what: str
    commit: str = ""


@dataclass(frozen=True)
class Known:
    """A commit that the campaign made or took over: its patch, and which shard of it."""

    id: str
    of: str
    label: str
    added: tuple[str, ...] = ()


@dataclass
class Job:
    """What is absorbed, and the campaign as far as it was changed.

    ``known`` has, by commit, what ``old`` (the branch as it was) is made of; ``new`` is
    the branch as it is.
    """

    request: Request
    version: Version
    known: Mapping[str, Known]
    old: Range
    new: Range
    pairs: Sequence[Pair]
    file: CampaignFile
    signer: Identity
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stale: list[Path] = field(default_factory=list)
    # The patch of each commit of the user's, in order: (commit, id of the patch).
    owners: list[tuple[Commit, str]] = field(default_factory=list)
    # Files in which generate may differ from the commits, and is right to.
    beyond: set[str] = field(default_factory=set)
    # Patches whose templates were kept although their words changed: what they are else.
    plain: dict[str, str] = field(default_factory=dict)
    # What was changed by hand of the words of a patch: (id of the patch, part of ``Words``).
    reworded: set[tuple[str, str]] = field(default_factory=set)

    @property
    def campaign(self) -> Campaign:
        """The campaign as it is before."""
        return self.request.campaign

    @property
    def tree(self) -> Tree:
        """Where the commits are."""
        return self.request.tree

    @property
    def moved(self) -> bool:
        """Whether the branch is on another base than it was."""
        return self.old.base != self.new.base

    def patch(self, name: str) -> Patch:
        """The patch of the campaign with that id."""
        return next(one for one in self.campaign.patches if one.id == name)

    def note(self, patch: str, what: str, commit: Commit | None = None) -> None:
        """Remember that ``what`` was taken over."""
        self.changes.append(Change(patch, what, commit.id if commit else ""))

    def added(self, name: str) -> tuple[str, ...]:
        """The trailer lines that reroll adds to the message of the patch by itself."""
        own = f"Signed-off-by: {self.signer}"
        return (own, *(line for one in self.known.values() if one.of == name for line in one.added))


def refusal(commit: Commit, why: str, hint: str) -> ExpectedFailureError:
    """The error for a commit that cannot be taken over; nothing was written."""
    return ExpectedFailureError(f"{name_of(commit)} cannot be absorbed: {why}", hint=hint)


def name_of(commit: Commit) -> str:
    """A commit as people are told of it: short id and subject."""
    return f'{commit.id[:12]} ("{subject(commit)}")'
