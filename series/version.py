"""What a version of a series is, as frozen records; ``manifest.json`` is one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.ledger import Ledger

MANIFEST_FORMAT = 1
# "only post say 15 or so at a time" (Documentation/process/submitting-patches.rst)
MANY = 15


@dataclass(frozen=True)
class Recipient:
    """One address of a mail: ``address`` as in a header, the field it is in, and why.

    ``role`` is the most important one of those that brought it in.
    """

    address: str
    field: Literal["to", "cc"]
    reasons: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True)
class LeftOut:
    """An address that does not get a mail although something speaks for it, and why not."""

    address: str
    why: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RuleRecord:
    """A semantic patch as it was run: its name, the SHA-256 of its text, what it changed."""

    name: str
    sha256: str
    candidates: int
    changed: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteRecord:
    """One occurrence of a rule's word before the patch, and what became of it."""

    path: str
    line: int
    word: str
    bucket: str
    why: str


@dataclass(frozen=True)
class LedgerRecord:
    """Every site of a patch, and how many are in each bucket."""

    words: tuple[str, ...]
    counts: Mapping[str, int]
    sites: tuple[SiteRecord, ...]

    @classmethod
    def of(cls, found: Ledger) -> "LedgerRecord":
        """A ledger as the manifest has it."""
        return cls(
            words=found.words,
            counts={str(bucket): count for bucket, count in found.counts.items()},
            sites=tuple(
                SiteRecord(site.path, site.line, site.word, str(site.bucket), site.why)
                for site in found.sites
            ),
        )


@dataclass(frozen=True)
class TrailerRecord:
    """A tag that a patch carries, or lost: the line, who gave it to which version, and why.

    ``messages`` are the ids of the mails that are the evidence.
    """

    trailer: str
    version: int
    messages: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class PatchRecord:
    """One patch of a version: the commit, its stable patch id and its mail.

    ``of`` is the campaign's patch that it is, or is a shard of; ``label`` says
    which shard.  ``carried`` and ``dropped`` are tags that were given to earlier
    versions.  A version that was read from mails has no commits.
    """

    number: int
    id: str
    title: str
    commit: str
    patch_id: str
    insertions: int
    deletions: int
    files: tuple[str, ...]
    rules: tuple[RuleRecord, ...]
    skipped_steps: tuple[str, ...]
    mail: str
    message_id: str
    recipients: tuple[Recipient, ...]
    of: str = ""
    label: str = ""
    ledger: LedgerRecord = LedgerRecord((), {}, ())
    left_out: tuple[LeftOut, ...] = ()
    carried: tuple[TrailerRecord, ...] = ()
    dropped: tuple[TrailerRecord, ...] = ()


@dataclass(frozen=True)
class CoverRecord:
    """The cover letter's mail."""

    mail: str
    message_id: str
    recipients: tuple[Recipient, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class SkippedRecord:
    """A patch of the campaign that is not in this version, and why."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True)
class OverrideRecord:
    """That a version goes out although the check called ``check`` does not let it, and why.

    ``why`` is what the check had against it, ``reason`` what its sender said, ``when`` seconds
    since 1970.
    """

    check: str
    why: str
    reason: str
    when: int


@dataclass(frozen=True)
class Version:
    """A version of a series, as written to ``versions/vN/manifest.json``.

    ``date`` is git's raw form, seconds and zone; every other date of the
    version follows from it.  ``tip`` is the last commit, ``tree`` its tree.
    ``rest`` has, by id, the sites of split patches that are in no shard.
    ``change_id`` is the same in all versions of a series, as b4 understands it;
    ``allow_many`` says why there are more patches than lists ask for.
    ``decided_by`` is a digest of the rules that recipients follow from.
    ``source`` is "mails" for a version that was posted before reroll knew of the
    series and was read from its mails: it has no commits, no branch and no tag,
    and no base where none was named.
    ``overrides`` are checks that were overridden when it was sent.
    ``offered`` are the lines that ``next`` put into the changelogs, by patch id, those of
    the series under ""; a person may have changed or removed them since.
    """

    format: int
    name: str
    title: str
    version: int
    date: str
    base: str
    base_name: str
    tip: str
    tree: str
    branch: str
    tag: str
    spatch: str
    patches: tuple[PatchRecord, ...]
    cover: CoverRecord | None
    skipped: tuple[SkippedRecord, ...]
    rest: Mapping[str, LedgerRecord] = field(default_factory=dict)
    change_id: str = ""
    allow_many: str = ""
    decided_by: str = ""
    source: Literal["", "mails"] = ""
    overrides: tuple[OverrideRecord, ...] = ()
    offered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def mails(self) -> tuple[CoverRecord | PatchRecord, ...]:
        """All mails in the order in which they are sent."""
        return (*((self.cover,) if self.cover else ()), *self.patches)


@dataclass(frozen=True)
class Absorbed:
    """Commits of a branch that are in the campaign: ``commits`` of ``base..tip``, by id.

    ``generated`` is the tip of the version that they were made from.  The value of each
    commit is the id of its patch (of a shard its own).
    """

    generated: str
    base: str
    tip: str
    commits: Mapping[str, str]
