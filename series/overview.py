"""The state of a series at a glance: its versions, what became of each patch, what waits.

Pure, but for ``read``, which reads the series folder; no tree is needed.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from generator.errors import UsageError
from series import comment_file, journal, store, trailer_file
from series.checks import gate
from series.comment_file import Comment
from series.journal import Entry
from series.trailer_file import Tag
from series.version import PatchRecord, Version

Fate = Literal["new", "same", "changed", "gone", ""]
# Of a check that could not look at every patch.
NOT_RUN = "not run"
Sending = Literal["not sent", "partly sent", "sent", "posted"]


@dataclass(frozen=True)
class VersionState:
    """One version: ``date`` in git's raw form, ``mails`` how many there are, ``out`` how many went.

    ``uncertain`` of these may have gone or not; ``resent`` is how often all was sent again.
    ``sending`` is "posted" for what was sent before reroll knew of the series.
    """

    number: int
    date: str
    patches: int
    mails: int
    out: int
    uncertain: int
    resent: int
    sending: Sending


@dataclass(frozen=True)
class PatchState:
    """One patch in all versions: ``number`` in the newest one, 0 when it is gone.

    ``fates`` has a word a version, in their order ("" where it is not yet, or went before);
    ``tags`` are those that reviewers gave; ``open`` is the number of open comments.
    """

    id: str
    title: str
    number: int
    fates: tuple[Fate, ...]
    tags: tuple[Tag, ...] = ()
    open: int = 0


@dataclass(frozen=True)
class Overview:
    """A series: ``newest`` is its last version, ``None`` before the first.

    ``checks`` says of the newest version, by the check's name, why it does not let it pass, or
    "" where it passed; only what was run is there.  ``loose`` are tags and ``general`` the
    number of open comments that are of no patch.  ``naks`` are the open comments that refuse.
    """

    newest: Version | None
    versions: tuple[VersionState, ...] = ()
    patches: tuple[PatchState, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    loose: tuple[Tag, ...] = ()
    general: int = 0
    naks: tuple[Comment, ...] = ()

    @property
    def open(self) -> int:
        """How many comments are open."""
        return self.general + sum(one.open for one in self.patches)

    @property
    def tags(self) -> tuple[Tag, ...]:
        """All tags."""
        return (*(tag for one in self.patches for tag in one.tags), *self.loose)


def read(folder: Path) -> Overview:
    """The state of the series in ``folder``.

    Raises ``UsageError`` when a version, the journal, tags or comments cannot be read.
    """
    versions = [store.read(folder, number) for number in store.numbers(folder)]
    made = overview(
        versions, journal.read(folder), trailer_file.read(folder), comment_file.read(folder)
    )
    if not versions or versions[-1].source == "mails":
        return made
    return replace(made, checks=_checked(folder, versions[-1]))


def _checked(folder: Path, version: Version) -> dict[str, str]:
    """What checks said of exactly this version."""
    checks = gate.read(folder, version.version)
    try:
        mails = gate.mails_digest(folder, version)
    except UsageError:  # a mail has gone: nothing that was checked holds
        mails = ""
    found = {}
    for name in checks.checks:
        why = gate.objection(checks, name, version, mails)
        lacking = not why and gate.objection(checks, name, version, mails, named=True)
        found[name] = NOT_RUN if lacking else why
    return found


def overview(
    versions: Sequence[Version],
    entries: Sequence[Entry],
    tags: Sequence[Tag],
    said: Sequence[Comment],
) -> Overview:
    """What ``versions`` (oldest first), the journal, tags and comments make together."""
    if not versions:
        return Overview(None)
    waiting = Counter(one.patch for one in said if one.state == "open")
    by_patch: dict[str, list[Tag]] = {}
    for tag in tags:
        by_patch.setdefault(tag.patch, []).append(tag)
    patches = tuple(
        PatchState(
            one.id,
            one.title,
            one.number if any(one is other for other in versions[-1].patches) else 0,
            _fates(one.id, versions),
            tuple(by_patch.pop(one.id, ())),
            waiting.pop(one.id, 0),
        )
        for one in _last_seen(versions)
    )
    loose = tuple(tag for some in by_patch.values() for tag in some)
    states = tuple(_sent(version, entries) for version in versions)
    naks = tuple(one for one in said if one.state == "open" and _refuses(one))
    return Overview(versions[-1], states, patches, {}, loose, waiting.total(), naks)


def _refuses(remark: Comment) -> bool:
    if not re.search("nac?k", remark.excerpt, re.IGNORECASE):
        return False
    from series import nak_words

    return nak_words.refuses(remark.excerpt)


def _last_seen(versions: Sequence[Version]) -> list[PatchRecord]:
    """Each patch as the last version that has it: the newest's in order, then those that went."""
    found = {one.id: one for one in versions[-1].patches}
    for version in reversed(versions):
        for one in version.patches:
            found.setdefault(one.id, one)
    return list(found.values())


def _fates(name: str, versions: Sequence[Version]) -> tuple[Fate, ...]:
    fates: list[Fate] = []
    before: PatchRecord | None = None
    for version in versions:
        now = next((one for one in version.patches if one.id == name), None)
        if now is None:
            fates.append("gone" if before else "")
        elif before is None:
            fates.append("new")
        else:
            same = now.patch_id == before.patch_id and bool(now.patch_id)
            fates.append("same" if same else "changed")
        before = now
    return tuple(fates)


def _sent(version: Version, entries: Sequence[Entry]) -> VersionState:
    """How much of a version went: of its first sending where it was sent more than once."""
    mine = [entry for entry in entries if entry.version == version.version]
    rounds = {entry.resend for entry in mine if entry.out}
    last = {entry.message_id: entry for entry in mine if entry.resend == min(rounds, default=0)}
    out = sum(entry.out for entry in last.values())
    uncertain = sum(entry.event == "handed over" for entry in last.values())
    total = len(version.mails)
    sending: Sending = "posted" if version.source == "mails" else "not sent"
    if out:
        sending = "sent" if out >= total and not uncertain else "partly sent"
    return VersionState(
        number=version.version,
        date=version.date,
        patches=len(version.patches),
        mails=total,
        out=out,
        uncertain=uncertain,
        resent=len(rounds - {0}),
        sending=sending,
    )


def advice(found: Overview, lacking: Mapping[str, str]) -> tuple[str, str]:
    """What to do next, in words, and the command (without ``reroll`` and the folder).

    ``lacking`` are checks that are required before the newest version is sent and have not
    passed, with what stands against them.
    """
    if found.newest is None:
        return "make the first version", "generate"
    last = found.versions[-1]
    number = last.number
    earlier = any(one.sending != "not sent" for one in found.versions[:-1])
    if last.sending == "partly sent":
        return f"{last.mails - last.out} mails are left, or of unknown fate", (
            f"send -v {number} --resume"
        )
    if last.sending == "not sent":
        if found.open and earlier:
            return "comments on earlier versions are open: say what became of each", "comments"
        if lacking:
            return "checks that sending requires", f"check -v {number} {' '.join(lacking)}"
        return "see what would go to whom, then send", f"send -v {number} --dry-run"
    if found.open:
        return "comments wait for what became of them", "comments"
    return "take in replies; when there is something to change", "collect MBOX, then reroll next"
