"""A campaign on a base becomes a version: commits, mails and a manifest.

Everything is made first, in a temporary worktree and a temporary folder; then the
branch and the tag move together, and the folder takes its place.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.campaign import Campaign, RuleStep
from generator.commits import Built, build
from generator.errors import ConflictError, UsageError
from generator.ledger import Ledger
from generator.messages import Change, ledger_facts
from generator.progress import Progress, State
from generator.split import Shard
from generator.steps import Workshop, check_rules
from generator.templates import render_line, render_text
from generator.tree import Identity, RefUpdate, Tree, Worktree
from series import (
    comment_file,
    compose,
    journal,
    ownership,
    planning,
    range_diff,
    records,
    sending,
    store,
    tagging,
    workbench,
)
from series.settings import Settings
from series.version import (
    MANIFEST_FORMAT,
    MANY,
    CoverRecord,
    LedgerRecord,
    PatchRecord,
    SkippedRecord,
    Version,
)


@dataclass(frozen=True)
class Request:
    """What is asked for: which version of which campaign, on which commit of which tree.

    ``keep_conflicts`` leaves a diff that does not fit in a worktree, to be resolved;
    ``command`` is what to run again then.  ``offered`` are lines as ``Version.offered`` has
    them; ``None``: those that it had.
    """

    campaign: Campaign
    tree: Tree
    settings: Settings
    version: int
    base: str
    force: bool = False
    allow_scripts: bool = False
    keep_conflicts: bool = True
    command: str = "reroll generate"
    offered: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Constructed:
    """The commits of a version, without its mails; ``tags`` knows what became of each tag."""

    request: Request
    built: Built
    date: str
    spatch: str
    tags: tagging.Register
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Generated:
    """A version and the mails that belong to it, by file name, and what asked for it."""

    request: Request
    version: Version
    mails: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """All versions of a run, what is in none of them, and what the passes had to say.

    ``skipped`` are patches that were left out, ``rest`` the sites of split
    patches that are in no shard, by the patch's id.
    """

    generated: tuple[Generated, ...]
    skipped: tuple[SkippedRecord, ...]
    rest: Mapping[str, LedgerRecord]
    notes: tuple[str, ...]


def names(campaign: Campaign, version: int) -> tuple[str, str]:
    """The branch and the tag of a version."""
    name = campaign.series.name
    return f"reroll/{name}", f"reroll/{name}-v{version}"


def generate(request: Request, report: Progress) -> Outcome:
    """Make a version; nothing is written but objects in the tree's repository.

    There are several when a patch is split into series of their own: first the
    series itself, unless no patch is left for it.  Raises what ``construct``
    and ``write_mails`` raise.
    """
    return write_mails(construct(request, report), request.campaign)


def construct(request: Request, report: Progress) -> Constructed:
    """Make the commits of a version, with the tags that survive in their messages.

    Raises the errors of the campaign's steps, ``ConflictError`` when a branch is
    in use or holds work that reroll did not make, ``UsageError`` when the version
    has been sent or trailers.toml cannot be read.
    """
    _refuse_sent(request)
    old_tip(request)
    spatches = workbench.Spatches(request.settings.spatch)
    ids = [patch.id for patch in request.campaign.patches]
    tags = tagging.Register(lambda change: _home(request.campaign, change), request.version, ids)
    report(State("reading the rules", 0, 0))
    committer = replace(request.tree.identity(), date=_date(request))
    with (
        request.tree.worktree(request.base) as worktree,
        workbench.bench(
            worktree,
            request.settings,
            spatches,
            allow_scripts=request.allow_scripts,
            progress=report,
        ) as bench,
    ):
        check_rules(bench, request.campaign)
        shop = Workshop(
            campaign=request.campaign,
            tree=request.tree,
            bench=bench,
            owners=lambda kind, files: ownership.labels(worktree, kind, files),
            previous=_previous(request),
            keep_conflicts=request.keep_conflicts,
            command=request.command,
        )
        built = build(shop, committer, tags)
    notes = workbench.notes(bench.store)
    return Constructed(request, built, committer.date, spatches.versions, tags, notes)


def write_mails(made: Constructed, campaign: Campaign) -> Outcome:
    """The mails of what was constructed.

    ``campaign`` has the words: it may be newer than the one the commits are of.
    Raises the errors of templates and addresses.
    """
    request, built = replace(made.request, campaign=campaign), made.built
    # Not in the worktree of the series: a campaign must not bring its own get_maintainer.pl.
    with request.tree.worktree(request.base) as worktree:
        series: list[Generated] = []
        wanted = [*([(request, built)] if built.patches else []), *_apart(request, built)]
        for one, part in wanted:
            above = _below(series[0].version) if series and part.base != built.root else ""
            work = replace(made, request=one, built=part)
            series.append(_compose(work, worktree, above))
    planned = dict.fromkeys(note for one in series for note in one.notes)
    notes = (*made.notes, *_notes(built), *planned, *_many(series), *_waiting(request))
    notes += tuple(_contradictions(series, campaign))
    return Outcome(tuple(series), records.skipped(built), records.rest(built), notes)


def _contradictions(made: Sequence[Generated], campaign: Campaign) -> Iterator[str]:
    """That a changelog tells of a tag as dropped which the patch carries."""
    for one in made:
        if not one.version.offered:
            continue
        from series import changes  # takes as long to import as all else

        for line in changes.outdated(one.version, campaign):
            yield (
                f"the changelog says '{line}', but the patch carries it: "
                "'reroll next --again' takes that back"
            )


def _home(campaign: Campaign, change: Change) -> Path:
    """The series folder whose trailers.toml is about a patch."""
    patch = next(patch for patch in campaign.patches if patch.id == change.of)
    if patch.into == "series":
        return apart_folder(campaign.folder, change.id)
    return campaign.folder


def _waiting(request: Request) -> list[str]:
    """That comments on earlier versions are open."""
    found = comment_file.open_ones(request.campaign.folder, before=request.version)
    if not found:
        return []
    count = f"{len(found)} comment{' is' if len(found) == 1 else 's are'}"
    return [f"{count} still open: 'reroll comments' lists and marks them"]


def _below(version: Version) -> str:
    """What a series says of the one that it goes on top of."""
    first = version.mails[0]
    return f'Goes on top of "{version.title}":\n  {first.message_id}'


def _notes(built: Built) -> tuple[str, ...]:
    """What the rules' passes had to say, each once."""
    every = [*built.patches, *(patch for part in built.apart.values() for patch in part.patches)]
    steps = [step.conversion for patch in every for step in patch.steps if step.conversion]
    passes = [note for conversion in steps for note in conversion.notes]
    return tuple(dict.fromkeys([*built.notes, *passes]))


def _many(made: Sequence[Generated]) -> list[str]:
    """What is to be said of series that are longer than lists like."""
    return [
        f"{one.version.name} has {len(one.version.patches)} patches, lists ask for at most "
        f"{MANY}: say why as allow_many in [series], or use limit"
        for one in made
        if planning.too_many(one.version)
    ]


def _apart(request: Request, built: Built) -> list[tuple[Request, Built]]:
    """The series of their own, each in a folder of its own below the campaign's."""
    found = []
    for name, part in built.apart.items():
        campaign = request.campaign
        series = campaign.series.model_copy(
            update={"name": f"{campaign.series.name}-{name}", "title": part.patches[0].title}
        )
        folder = apart_folder(campaign.folder, name)
        apart = replace(campaign, folder=folder, series=series)
        one = replace(request, campaign=apart, offered={})
        _refuse_sent(one)
        old_tip(one)
        found.append((one, part))
    return found


def apart_folder(folder: Path, name: str) -> Path:
    """Where the series of the shard ``name`` has its versions, journal and replies."""
    return folder / "series" / name


def _previous(request: Request) -> dict[str, list[Shard]]:
    """The shards of the newest version before this one, by patch, in their order."""
    folder = request.campaign.folder
    found: dict[str, list[Shard]] = {}
    into = {patch.id: patch.into for patch in request.campaign.patches}
    folders = [folder, *sorted((folder / "series").glob("*/"))]
    for place in folders:
        # Shards of another way to split are not where these were.
        wanted = "patches" if place == folder else "series"
        older = [number for number in store.numbers(place) if number < request.version]
        for patch in store.read(place, older[-1]).patches if older else ():
            if patch.label and into.get(patch.of) == wanted:
                name = patch.id.removeprefix(f"{patch.of}-")
                found.setdefault(patch.of, []).append(Shard(patch.label, patch.files, name=name))
    return found


def install(request: Request, generated: Sequence[Generated]) -> None:
    """Write the folders of all versions and move their branches and tags: all or none."""
    tree = request.tree
    with contextlib.ExitStack() as stack:
        drafts, updates = [], []
        for one in generated:
            version, folder = one.version, one.request.campaign.folder
            draft = stack.enter_context(store.Draft(folder, version.version))
            draft.write({**one.mails, store.MANIFEST: store.dump(version).encode()})
            drafts.append(draft)
            updates += _ref_updates(one, replace(tree.identity(), date=version.date))
        tree.update_refs(updates)
        for draft in drafts:
            draft.install()


def _ref_updates(one: Generated, tagger: Identity) -> list[RefUpdate]:
    version, tree = one.version, one.request.tree
    text = f"{version.title}\n\nVersion {version.version}, base-commit: {version.base}\n"
    text += _folder_mark(one.request.campaign.folder) + "\n"
    branch, tag = f"refs/heads/{version.branch}", f"refs/tags/{version.tag}"
    made = tree.make_tag(version.tag, version.tip, text, tagger)
    return [
        RefUpdate(branch, version.tip, old_tip(one.request)),
        RefUpdate(tag, made, tree.ref(tag)),
    ]


def old_tip(request: Request) -> str:
    """Where the branch is now, or empty.

    Raises ``ConflictError`` when it is checked out somewhere, or holds commits
    that no version of this series has: they would be lost.
    """
    branch, _ = names(request.campaign, request.version)
    tip = request.tree.ref(f"refs/heads/{branch}")
    if holder := request.tree.branch_holder(branch):
        raise ConflictError(
            f"the branch {branch} is checked out in {holder}", hint="check out another branch there"
        )
    folder = request.campaign.folder
    # The tag moves with the branch: it knows of a version whose folder was lost to a crash.
    mark = _folder_mark(folder)
    known = store.tips(folder) | request.tree.tagged(f"{branch}-v*", mark) if tip else set()
    if tip and tip not in known and not request.force:
        raise ConflictError(
            f"the branch {branch} is at {tip[:12]}, which no version in {folder} made",
            hint="'reroll absorb' takes work done by hand into the campaign; another series of "
            "that name? rename one in series.toml, or the branch (git branch -m); --force "
            "replaces it",
        )
    return tip


def _folder_mark(folder: Path) -> str:
    """A line that tells versions made in ``folder`` from those of another, and not where it is."""
    return f"Series-folder: {hashlib.sha256(bytes(folder.resolve())).hexdigest()[:16]}"


def _refuse_sent(request: Request) -> None:
    if request.version in store.numbers(request.campaign.folder):
        store.refuse_posted(store.read(request.campaign.folder, request.version))
    sending.require_journal(request.campaign.folder, request.version)
    if journal.accepted(request.campaign.folder, request.version):
        raise UsageError(
            f"version {request.version} has been sent, in whole or in part, and stays as it is",
            hint="'reroll next' makes the next one",
        )


def _date(request: Request) -> str:
    """The date of the version: as recorded, else SOURCE_DATE_EPOCH, else now."""
    folder = request.campaign.folder
    if request.version in store.numbers(folder):
        return store.read(folder, request.version).date
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch:
        if not re.fullmatch(r"[0-9]{1,10}", epoch):
            raise UsageError(f"SOURCE_DATE_EPOCH: '{epoch}' is not a number of seconds")
        return f"{epoch} +0000"
    return request.tree.identity().date


def _compose(made: Constructed, worktree: Worktree, above: str) -> Generated:
    request, built, date = made.request, made.built, made.date
    campaign, number = request.campaign, request.version
    sender = planning.sender_of(request.tree)
    cover = len(built.patches) > 1
    # In the worktree git finds the .gitattributes of the base, whatever the user has checked out.
    raw = compose.format_patch(
        worktree,
        built.base,
        built.tip,
        root=built.root,
        version=number,
        prefix=campaign.series.prefix,
        sender=sender,
        cover=cover,
    )
    thread = compose.message_ids(
        [mail.number for mail in raw],
        name=campaign.series.name,
        version=number,
        date=date,
        tip=built.tip,
        sender=sender,
        parent=_parent(request),
    )
    patches = [mail for mail in raw if mail.number]
    job = planning.Job(
        campaign, request.tree, worktree, built.root, request.settings, number, sender
    )
    plans = planning.plans(job, _letters(request, built, patches), cover=cover)
    change_id = _change_id(request, built.root, date)
    difference = _difference(made, patches)
    mails: dict[str, bytes] = {}
    record: CoverRecord | None = None
    if cover:
        front = compose.add_below_diffstat(compose.add_change_id(raw[0], change_id), difference)
        letter = _cover(request, built, front, date)
        everybody = plans.cover.recipients
        mails[letter.name] = compose.address_mail(letter.content, everybody, thread.headers(0))
        record = CoverRecord(letter.name, thread.ids[0], everybody, plans.cover.left_out)
    else:
        patches = [compose.add_change_id(patches[0], change_id)]
    for letter, patch, plan in zip(patches, built.patches, plans.patches, strict=True):
        notes = [above, _changelog(campaign, patch.of, number), "" if cover else difference]
        content = compose.add_below_cut(letter.content, "\n\n".join(filter(None, notes)))
        headers = thread.headers(letter.number)
        mails[letter.name] = compose.address_mail(content, plan.recipients, headers)
    listed = records.patches(
        request.tree, built, patches, plans.patches, thread, lambda name: made.tags.of(name)
    )
    version = _version(request, built, record, listed, date, made.spatch, change_id)
    return Generated(request, version, mails, plans.notes)


def _new_side(built: Built, mails: Sequence[compose.RawMail]) -> list[range_diff.Patch]:
    """Patches that were built, from their mails, for a range-diff."""
    return [
        range_diff.of_mail(letter.content, patch.title, patch.commit)
        for letter, patch in zip(mails, built.patches, strict=True)
    ]


def _difference(made: Constructed, mails: Sequence[compose.RawMail]) -> str:
    """The range-diff against the version before, where it is wanted and there is one."""
    request = made.request
    if not request.campaign.series.range_diff:
        return ""
    older = planning.earlier(request.campaign, request.version)
    if not older:
        return ""
    old = range_diff.side_of(request.campaign.folder, older[-1])
    pairs = range_diff.compare(old, _new_side(made.built, mails))
    return f"Range-diff against v{older[-1].version}:\n{range_diff.shown(pairs)}"


def _parent(request: Request) -> str:
    """The message that the first mail answers: the previous version, where it should."""
    if request.campaign.series.in_reply_to == "none":
        return ""
    before = planning.posted(request.campaign, request.version)
    return before[-1].mails[0].message_id if before else ""


def _change_id(request: Request, base: str, date: str) -> str:
    """What b4 knows all versions of a series by: as named, as it was, else of date and name."""
    if request.campaign.series.change_id:
        return request.campaign.series.change_id
    folder = request.campaign.folder
    versions = [store.read(folder, number) for number in store.numbers(folder)]
    if known := [version.change_id for version in versions if version.change_id]:
        return known[-1]
    name = request.campaign.series.name.lower()
    digest = hashlib.sha256(f"{name} {base} {date}".encode()).hexdigest()[:12]
    return f"{compose.day(date)}-{name}-{digest}"


def _changelog(campaign: Campaign, patch_id: str, version: int) -> str:
    patch = next(patch for patch in campaign.patches if patch.id == patch_id)
    return compose.changelog(patch.changelog, version)


def _letters(
    request: Request, built: Built, patches: Sequence[compose.RawMail]
) -> list[planning.Letter]:
    messages = request.tree.messages(built.base, built.tip)
    return [
        planning.Letter(
            id=patch.id,
            of=patch.of,
            message=messages[patch.commit],
            files=tuple(
                name for file in patch.files for name in dict.fromkeys((file.source, file.path))
            ),
            mail=mail.content,
        )
        for patch, mail in zip(built.patches, patches, strict=True)
    ]


def _cover(request: Request, built: Built, mail: compose.RawMail, date: str) -> compose.RawMail:
    campaign = request.campaign
    facts = {
        "version": request.version,
        "base": request.tree.describe(built.base),
        "patches": [
            {
                "number": patch.number,
                "id": patch.id,
                "title": patch.title,
                "subsystem": patch.label,
                "ledger": ledger_facts(patch.ledger),
            }
            for patch in built.patches
        ],
        "skipped": [
            {"id": patch.id, "title": patch.title, "reason": patch.reason}
            for patch in built.skipped
        ],
        "ledger": ledger_facts(_whole_ledger(built)),
        "paths": _paths(campaign),
        "allow_many": campaign.series.allow_many or "",
        "previous": [
            {"version": version.version, "message_id": version.mails[0].message_id.strip("<>")}
            for version in planning.posted(campaign, request.version)
        ],
    }
    title = render_line(campaign.series.title, facts, name="series.title")
    body = render_text(campaign.cover_text(), facts, name="cover letter")
    changelog = compose.changelog(campaign.series.changelog, request.version)
    text = "\n\n".join(part for part in (body, changelog) if part)
    return compose.finish_cover(mail, title=title, body=text, date=date)


def _paths(campaign: Campaign) -> list[str]:
    """The paths that all rules are limited to; none where one is run on the whole tree."""
    steps = [step for patch in campaign.patches if not patch.omit for step in patch.step]
    limits = [step.paths for step in steps if isinstance(step, RuleStep)]
    return sorted({path for paths in limits for path in paths}) if all(limits) else []


def _whole_ledger(built: Built) -> Ledger:
    """The sites of all patches together."""
    ledgers = [*(patch.ledger for patch in built.patches), *built.rest.values()]
    words = dict.fromkeys(word for ledger in ledgers for word in ledger.words)
    return Ledger(tuple(words), tuple(site for ledger in ledgers for site in ledger.sites))


def _version(
    request: Request,
    built: Built,
    cover: CoverRecord | None,
    patches: tuple[PatchRecord, ...],
    date: str,
    spatch: str,
    change_id: str,
) -> Version:
    branch, tag = names(request.campaign, request.version)
    return Version(
        format=MANIFEST_FORMAT,
        name=request.campaign.series.name,
        title=request.campaign.series.title,
        version=request.version,
        date=date,
        base=built.root,
        base_name=request.tree.describe(built.root),
        tip=built.tip,
        tree=request.tree.tree_of(built.tip),
        branch=branch,
        tag=tag,
        spatch=spatch,
        patches=patches,
        cover=cover,
        skipped=records.skipped(built),
        rest=records.rest(built),
        change_id=change_id,
        allow_many=request.campaign.series.allow_many or "",
        decided_by=planning.decided_by(request.campaign, request.settings, request.tree),
        offered=offered(request),
    )


def offered(request: Request) -> Mapping[str, tuple[str, ...]]:
    """The lines that ``next`` put into the changelogs of a version, as its manifest has them."""
    if request.offered is not None:
        return request.offered
    folder = request.campaign.folder
    known = request.version in store.numbers(folder)
    return store.read(folder, request.version).offered if known else {}
