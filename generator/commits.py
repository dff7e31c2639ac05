"""A campaign on a base becomes commits, one a patch, in a temporary worktree."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from generator import edits
from generator.buckets import Bucket
from generator.campaign import MoveStep, Patch
from generator.conversion import TroubleError, UnmatchedError, ledger_of
from generator.errors import CampaignError, ConflictError, ExpectedFailureError
from generator.ledger import Ledger, Search, Site, within
from generator.messages import Change, Tagger, compose_message, no_tags, with_tags
from generator.progress import State
from generator.resolving import UnfitError
from generator.split import Shard
from generator.steps import StepReport, Workshop, run_step, unresolved
from generator.tree import Identity, ScratchIndex


@dataclass(frozen=True)
class BuiltPatch:
    """One commit of a series; ``number`` counts from 1 in the series as built.

    ``id`` is its own, ``of`` the id of the campaign's patch, ``label`` the
    shard of it, or empty.
    """

    id: str
    of: str
    label: str
    number: int
    title: str
    commit: str
    files: tuple[edits.FileEdit, ...]
    steps: tuple[StepReport, ...]
    skipped_steps: tuple[str, ...]
    ledger: Ledger

    @property
    def insertions(self) -> int:
        """Lines added."""
        return sum(file.added for file in self.files)

    @property
    def deletions(self) -> int:
        """Lines removed."""
        return sum(file.removed for file in self.files)


@dataclass(frozen=True)
class SkippedPatch:
    """A patch that was left out, as its campaign allows, and why."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True)
class Built:
    """The commits of a campaign from ``base`` to ``tip``, in order, and what was left out.

    ``root`` is the commit of the tree that all is based on: ``base``, unless
    this is a series that goes on top of another.  ``rest`` has, by id, the
    sites of split patches that are in no shard; ``apart`` the series of their
    own, by the id of their patch.
    """

    root: str
    base: str
    tip: str
    patches: tuple[BuiltPatch, ...]
    skipped: tuple[SkippedPatch, ...]
    rest: Mapping[str, Ledger] = field(default_factory=dict)
    apart: Mapping[str, "Built"] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Made:
    """What the steps of a patch made of the worktree, before it is committed."""

    patch: Patch
    reports: tuple[StepReport, ...]
    left_out: tuple[str, ...]
    files: tuple[edits.FileEdit, ...]
    ledger: Ledger
    diff: bytes


def build(shop: Workshop, committer: Identity, tagger: Tagger = no_tags) -> Built:
    """Make the commits of ``shop.campaign`` in ``shop.worktree``, on top of where it is.

    ``committer`` has the date of the cover letter; each commit is a second
    later than what comes before it, so that sorting by date gives the order.
    ``tagger`` says which trailers a commit's message is to have beside those that
    the campaign gives it.
    Raises what the first failing patch raises, with the patch named.
    """
    builder = _Builder(shop, committer, tagger)
    campaign = shop.campaign
    for at, patch in enumerate(campaign.patches, 1):
        shop.bench.progress(State(patch.title, at - 1, len(campaign.patches)))
        builder.add(patch)
    return builder.result()


class _Builder:
    """The series as far as it is built."""

    def __init__(self, shop: Workshop, committer: Identity, tagger: Tagger) -> None:
        self._shop = shop
        self._committer = committer
        self._tagger = tagger
        self._base = shop.worktree.head()
        self._patches: list[BuiltPatch] = []
        self._skipped: list[SkippedPatch] = []
        self._rest: dict[str, Ledger] = {}
        self._apart: dict[str, Built] = {}
        self._notes: list[str] = []
        self._ids = {patch.id for patch in shop.campaign.patches}
        # The sites of each patch that are still to be converted.
        self._open: dict[str, tuple[Site, ...]] = {}

    def result(self) -> Built:
        """All that was built; ``ExpectedFailureError`` when that is nothing."""
        if not self._patches and not self._apart:
            raise ExpectedFailureError("nothing in this tree matches: every patch was left out")
        tip = self._patches[-1].commit if self._patches else self._base
        return Built(
            root=self._base,
            base=self._base,
            tip=tip,
            patches=tuple(self._patches),
            skipped=tuple(self._skipped),
            rest=self._rest,
            apart=self._apart,
            notes=tuple(self._notes),
        )

    def add(self, patch: Patch) -> None:
        """Build one patch of the campaign, or note why not."""
        if patch.omit:
            self._skipped.append(SkippedPatch(patch.id, patch.title, patch.omit))
            return
        waiting = [
            site
            for site in self._open.get(patch.needs or "", ())
            if within(site.path, patch.despite) is None
        ]
        if waiting:
            reason = f"held back: {_count(len(waiting), 'site')} of {patch.needs} left"
            self._skip(patch, f"{reason}, the first at {waiting[0].path}:{waiting[0].line}")
            return
        try:
            made = _run_patch(self._shop, patch)
        except UnmatchedError as error:
            sites = _sites_of(self._shop, error)
            if patch.unmatched == "fail":
                raise _unmatched(patch, error, sites) from error
            self._open[patch.id] = sites
            self._skip(patch, str(error))
            return
        self._open[patch.id] = made.ledger.remaining
        if patch.split == "none":
            self._patches.append(self._commit(made))
        else:
            self._split(made)

    def _skip(self, patch: Patch, reason: str) -> None:
        self._skipped.append(SkippedPatch(patch.id, patch.title, reason))
        self._shop.worktree.git("reset", "--quiet", "--hard", "HEAD")

    def _commit(self, made: _Made) -> BuiltPatch:
        number = len(self._patches) + 1
        worktree = self._shop.worktree
        whole = self._shard(made)
        message, author = self._message(made, made.patch.id, made.files, made.ledger, whole)
        who = (self._dated(author, number), self._dated(self._committer, number))
        commit = worktree.commit(message, *who)
        return self._built(made, made.patch.id, "", number, message, commit, made.files)

    def _split(self, made: _Made) -> None:
        """Commit the change in shards: one after the other, or each as a series of its own."""
        worktree, patch = self._shop.worktree, made.patch
        parts = self._shop.split(patch, [file.path for file in made.files])
        now, later = parts[: patch.limit], parts[patch.limit :] if patch.limit else []
        headers = [file for shard in parts for file in shard.files if file.startswith("include/")]
        if headers and len(parts) > 1:
            self._notes.append(
                f"patch {patch.id}: {headers[0]} is changed in one shard, its users in others: "
                "see that every commit builds"
            )
        entries = worktree.staged_entries()
        with worktree.scratch_index() as index:
            for shard in now:
                start = worktree.head()
                built = self._commit_shard(made, shard, entries, index)
                if patch.into == "series":
                    index.reset(start)
                    alone = (replace(built, number=1),)
                    self._apart[built.id] = Built(self._base, start, built.commit, alone, ())
                else:
                    worktree.detach(built.commit)
                    self._patches.append(built)
        worktree.git("reset", "--quiet", "--hard", "HEAD")
        elsewhere = parts if patch.into == "series" else later
        away = {file for shard in elsewhere for file in shard.files}
        self._open[patch.id] += tuple(
            site
            for site in made.ledger.sites
            if site.path in away and site.bucket is Bucket.CONVERTED
        )
        touched = {file.source for file in made.files}
        waiting = {file for shard in later for file in shard.files}
        rest = tuple(
            replace(site, bucket=Bucket.LATER, why="in a shard of a later version")
            if site.path in waiting and site.bucket is Bucket.CONVERTED
            else site
            for site in made.ledger.sites
            if site.path not in touched or site.path in waiting
        )
        self._rest[patch.id] = Ledger(made.ledger.words, rest)
        if later:
            reason = f"limit = {patch.limit}: {_count(len(later), 'shard')} for a later version: "
            names = ", ".join(shard.label for shard in later)
            self._skipped.append(SkippedPatch(patch.id, patch.title, reason + names))

    def _commit_shard(
        self, made: _Made, shard: Shard, entries: Mapping[str, str], index: ScratchIndex
    ) -> BuiltPatch:
        number = 1 if made.patch.into == "series" else len(self._patches) + 1
        files = tuple(file for file in made.files if file.path in shard.files)
        ledger = _part(made.ledger, files)
        name = f"{made.patch.id}-{shard.name}"
        message, author = self._message(made, name, files, ledger, shard)
        names = dict.fromkeys(name for file in files for name in (file.source, file.path))
        index.put([entries[name] for name in names if name in entries])
        who = (self._dated(author, number), self._dated(self._committer, number))
        commit = index.commit(message, *who)
        if name in self._ids:
            raise CampaignError(
                [f"patch {made.patch.id}: its shard {shard.label} and a patch are both '{name}'"],
                hint="give one of the patches another id",
            )
        self._ids.add(name)
        return self._built(made, name, shard.label, number, message, commit, files, ledger)

    def _built(
        self,
        made: _Made,
        name: str,
        label: str,
        number: int,
        message: str,
        commit: str,
        files: tuple[edits.FileEdit, ...],
        ledger: Ledger | None = None,
    ) -> BuiltPatch:
        title = message.split("\n", 1)[0]
        parts = (files, made.reports, made.left_out, ledger or made.ledger)
        return BuiltPatch(name, made.patch.id, label, number, title, commit, *parts)

    def _message(
        self,
        made: _Made,
        name: str,
        files: Sequence[edits.FileEdit],
        ledger: Ledger,
        shard: Shard,
    ) -> tuple[str, Identity]:
        message = compose_message(
            self._shop.campaign,
            made.patch,
            made.reports,
            files,
            signer=self._committer,
            ledger=ledger,
            shard=shard,
        )
        diff = made.diff if len(files) == len(made.files) else _part_of(made.diff, files)
        change = Change(name, made.patch.id, diff, made.reports, complete=not made.left_out)
        message = with_tags(message, self._tagger(change), self._committer)
        return message, _author(made.patch, made.reports, self._committer)

    def _shard(self, made: _Made) -> Shard:
        """The whole patch as one shard; its prefix is looked up only where it is asked for."""
        whole = Shard("", tuple(file.path for file in made.files))
        if "prefix" in made.patch.title + self._shop.campaign.message_text(made.patch):
            return replace(whole, prefix=self._shop.prefixes([whole])[0])
        return whole

    def _dated(self, who: Identity, number: int) -> Identity:
        return replace(who, date=_later(self._committer.date, number))


def _part(ledger: Ledger, files: Sequence[edits.FileEdit]) -> Ledger:
    """The sites in ``files``."""
    names = {file.source for file in files}
    return Ledger(ledger.words, tuple(site for site in ledger.sites if site.path in names))


def _part_of(diff: bytes, files: Sequence[edits.FileEdit]) -> bytes:
    """What ``diff`` does to ``files``."""
    names = {file.path for file in files}
    parts = re.split(rb"^(?=diff --git )", diff, flags=re.MULTILINE)
    return b"".join(
        part
        for part in parts
        if part and not names.isdisjoint(file.path for file in edits.summarize(part))
    )


def _run_patch(shop: Workshop, patch: Patch) -> _Made:
    """Run the steps of a patch, and account for every site."""
    reports, left_out, searches = _run_steps(shop, patch)
    diff = shop.worktree.staged_diff()
    if not diff:
        raise UnmatchedError("its steps leave the tree as it was")
    if any(isinstance(step, MoveStep) for step in patch.step):
        # What is moved and changed a lot still is the same file to the ledger.
        ledger = ledger_of(shop.worktree, searches, shop.worktree.staged_diff("10%"))
    else:
        ledger = ledger_of(shop.worktree, searches, diff)
    allowed = _allowed(patch, reports)
    troubles = [str(site) for site in ledger.offending(allowed)]
    if allowed != "any":
        troubles += [
            trouble
            for report in reports
            if report.conversion
            for trouble in report.conversion.troubles
        ]
    if troubles:
        raise TroubleError(f"patch {patch.id}", troubles)
    return _Made(patch, tuple(reports), tuple(left_out), edits.summarize(diff), ledger, diff)


def _allowed(patch: Patch, reports: Sequence[StepReport]) -> str:
    """Which sites may be left: as the patch says, else as its rules do."""
    if patch.remaining:
        return patch.remaining
    said = {report.rule.remaining for report in reports if report.rule}
    return said.pop() if len(said) == 1 else "explained"


def _run_steps(shop: Workshop, patch: Patch) -> tuple[list[StepReport], list[str], list[Search]]:
    reports: list[StepReport] = []
    left_out: list[str] = []
    searches: list[Search] = []
    for at, step in enumerate(patch.step, 1):
        try:
            reports.append(run_step(shop, step))
            done = reports[-1].conversion
        except UnmatchedError as error:
            done = error.conversion
            _refuse_trouble(shop, patch, error)
            if (step.unmatched or "fail") == "fail":
                raise
            left_out.append(str(error))
        except TroubleError as error:
            raise TroubleError(f"patch {patch.id}: {error.what}", error.troubles) from error
        except CampaignError as error:
            named = [f"patch {patch.id}: step {at}: {problem}" for problem in error.problems]
            raise CampaignError(named, hint=error.hint) from error
        except UnfitError as error:
            raise unresolved(shop, patch, at, error) from error
        except (ConflictError, ExpectedFailureError) as error:
            raise type(error)(f"patch {patch.id}: step {at}: {error}", hint=error.hint) from error
        if done:
            searches.append(done.search)
    return reports, left_out, searches


def _refuse_trouble(shop: Workshop, patch: Patch, error: UnmatchedError) -> None:
    """A rule that changed nothing because files could not be read is not just unmatched."""
    if error.conversion is None or patch.remaining == "any":
        return
    unread = (Bucket.UNPARSED, Bucket.TIMED_OUT, Bucket.FAILED, Bucket.REFUSED)
    search = [error.conversion.search]
    sites = ledger_of(shop.worktree, search, shop.worktree.staged_diff()).sites
    troubles = [str(site) for site in sites if site.bucket in unread]
    troubles += error.conversion.troubles
    if troubles:
        raise TroubleError(f"patch {patch.id}", troubles) from error


def _sites_of(shop: Workshop, error: UnmatchedError) -> tuple[Site, ...]:
    """The code that a rule which changed nothing was about."""
    if error.conversion is None:
        return ()
    search = [error.conversion.search]
    return ledger_of(shop.worktree, search, shop.worktree.staged_diff()).remaining


def _unmatched(patch: Patch, error: UnmatchedError, sites: Sequence[Site]) -> ExpectedFailureError:
    if sites:
        return TroubleError(f"patch {patch.id}: {error}", [str(site) for site in sites])
    return ExpectedFailureError(
        f"patch {patch.id}: {error}",
        hint='unmatched = "skip" leaves out a patch, or a step, that matches nothing',
    )


def _author(patch: Patch, reports: Sequence[StepReport], committer: Identity) -> Identity:
    """Who wrote the patch: as the campaign says, else the mail or commit it is, else we."""
    if patch.author and (found := re.fullmatch(r"([^<>]+) <([^<>\s]+)>", patch.author)):
        return Identity(found[1].strip(), found[2])
    taken = [report.author for report in reports if report.author]
    return taken[0] if taken else committer


def _later(date: str, seconds: int) -> str:
    stamp, zone = date.split()
    return f"{int(stamp) + seconds} {zone}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
