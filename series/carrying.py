"""Which tags survive from the version they were given to.

Pure, but for diffs that git has to make anew.  A tag says that somebody looked at a
change; it stays as long as that change is the same one
(Documentation/process/submitting-patches.rst: tags are removed "if the patch has changed
substantially").  What cannot be shown to be the same is dropped and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from generator.messages import Tagging, same_trailer
from series import range_diff, same_change
from series.version import TrailerRecord

# What a tag waits for that may still be good, at the start of the reason.
OPEN = "needs a decision: "
# States of a tag that are taken as long as the patch is the same one.
TAKEN = ("given", "given again", "partial", "whole series")
# They say where a change comes from, not that somebody vouches for how it is made.
_ORIGINS = frozenset(
    [
        *("reported-by", "suggested-by", "requested-by", "co-developed-by", "cc", "to"),
        *("fixes", "closes", "link", "bug", "bugzilla", "references"),
    ]
)
# Who signs off has handled the code; nobody else adds that line or takes it away.
_NEVER = ("signed-off-by",)


class Tag(Protocol):
    """A tag as ``series.trailers`` has it."""

    @property
    def patch(self) -> str:
        """The id of the patch, empty for the whole series."""

    @property
    def version(self) -> int:
        """The version it was given to."""

    @property
    def trailer(self) -> str:
        """The line: "Acked-by: Name <address>"."""

    @property
    def state(self) -> str:
        """What became of it: "given", "withdrawn", ..."""

    @property
    def messages(self) -> tuple[str, ...]:
        """The ids of the mails that say so."""

    @property
    def why(self) -> str:
        """The words that say so, or empty."""

    @property
    def decision(self) -> str:
        """The user's: "take", "drop" or empty."""


@dataclass(frozen=True)
class Made:
    """A patch as far as a tag's life depends on it.

    ``rules`` are the names and digests of the rules that made it, in order, and
    empty where anything else had a hand in it.  ``version`` is the one it is of.
    """

    patch_id: str
    diff: bytes
    rules: tuple[tuple[str, str], ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Decided:
    """What becomes of the tags of one patch: the change to its message, and the record."""

    tagging: Tagging = field(default_factory=Tagging)
    carried: tuple[TrailerRecord, ...] = ()
    dropped: tuple[TrailerRecord, ...] = ()


def decide(
    tags: Sequence[Tag],
    new: Made,
    given_to: Callable[[Tag], Sequence[Made]],
) -> Decided:
    """Which of a patch's ``tags`` it keeps as ``new``.

    ``given_to`` has the patch that a tag was given to and those that carried it since,
    nothing where that is not known.  Of a tag that is there twice, the one that is kept
    counts.
    """
    carried: list[TrailerRecord] = []
    dropped: list[TrailerRecord] = []
    for tag in tags:
        if _name(tag.trailer) in _NEVER:
            continue
        kept, why = _verdict(tag, new, given_to)
        record = TrailerRecord(tag.trailer, tag.version, tuple(tag.messages), why)
        (carried if kept else dropped).append(record)
    lost = [one for one in dropped if not _among(one, carried)]
    return Decided(
        Tagging(
            add=tuple(one.trailer for one in carried),
            remove=tuple(one.trailer for one in lost),
        ),
        tuple(carried),
        tuple(lost),
    )


def survives(old: Made, new: Made) -> str:
    """Why ``new`` still is the change ``old`` was, in words; empty when it is not."""
    if old.patch_id and old.patch_id == new.patch_id:
        return "the patch is the same"
    if same_change.same(old.diff, new.diff) or _same_made_alike(old, new):
        return "only context, line numbers or the message differ"
    if old.rules and old.rules == new.rules:
        return f"made again by the same {'rule' if len(new.rules) == 1 else 'rules'}"
    return ""


def _same_made_alike(old: Made, new: Made) -> bool:
    """Whether the diffs differ only by the algorithm or context that git was told to use."""
    if not (old.diff and new.diff):
        return False
    return same_change.same(*range_diff.alike([old.diff, new.diff]))


def _verdict(tag: Tag, new: Made, given_to: Callable[[Tag], Sequence[Made]]) -> tuple[bool, str]:
    """Whether a tag is kept, and why."""
    if tag.decision in ("take", "drop"):
        return tag.decision == "take", "decided in trailers.toml"
    if tag.state not in TAKEN:
        return False, f"{tag.state}: {tag.why}" if tag.why else tag.state
    if _name(tag.trailer) in _ORIGINS:
        return True, "says where the change comes from"
    before = given_to(tag)
    if not before:
        return False, f"{OPEN}given to v{tag.version}, which does not have this patch"
    for old in before:
        if why := survives(old, new):
            later = old.version > tag.version
            return True, f"{why}, as in v{old.version}, which carried it" if later else why
    return False, f"{OPEN}the patch has changed since v{tag.version}"


def _among(one: TrailerRecord, others: Sequence[TrailerRecord]) -> bool:
    return any(same_trailer(one.trailer, other.trailer) for other in others)


def _name(trailer: str) -> str:
    return trailer.partition(":")[0].strip().casefold()
