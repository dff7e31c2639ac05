"""Work done by hand on the branch goes back into the campaign.

What a user made of the branch is compared with what the branch was; words become
words of series.toml, code becomes a stored hand edit that is replayed after the rules,
order becomes order.  Before anything is written, the new campaign is built once: it has
to give back the commits as the user made them.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from generator.campaign import ApplyStep, Campaign
from generator.commits import Built, BuiltPatch, build
from generator.errors import (
    ExpectedFailureError,
    UsageError,
)
from generator.split import Shard
from generator.steps import Workshop
from generator.templates import literal
from generator.tree import Commit
from series import imported, ownership, store, workbench
from series.absorption import Change, Job, Known, Request, name_of, refusal
from series.campaign_file import CampaignFile
from series.hand_edits import mail_of, take_code
from series.hand_words import note_unsigned, set_message, take_author, take_words
from series.pairing import Pair, Range, find_own, pair, read_range, subject
from series.rewording import Words, words_of
from series.version import Absorbed, Version

_B4_COVER = "--- b4-submit-tracking ---"
# Commits that git-rebase(1) --autosquash melds into others.
_MELDED = ("fixup! ", "squash! ", "amend! ")


@dataclass(frozen=True)
class Plan:
    """The campaign as it is to be, and what becomes of each commit.

    ``stale`` are files that are needed no more; ``absorbed`` is the record of it.
    """

    version: Version
    base: str
    tip: str
    file: CampaignFile
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    stale: tuple[Path, ...]
    absorbed: Absorbed


def plan(request: Request) -> Plan | None:
    """What to change in the campaign; ``None`` when the branch is as it was made.

    Raises ``UsageError`` when there is no such branch or version,
    ``ExpectedFailureError`` with the commit when something cannot be kept.
    """
    version = _version(request.campaign.folder)
    known, old = _baseline(request, version)
    new = _own_commits(request, version, old)
    if (new.base, new.tip) == (old.base, old.tip):
        return None
    job = Job(
        request=request,
        version=version,
        known=known,
        old=old,
        new=new,
        pairs=pair(request.tree, old, new),
        file=CampaignFile(request.campaign.folder),
        signer=request.tree.identity(),
    )
    _take(job)
    _verify(job)
    record = Absorbed(
        version.tip, new.base, new.tip, {commit.id: name for commit, name in _labelled(job)}
    )
    return Plan(
        version,
        new.base,
        new.tip,
        job.file,
        tuple(job.changes),
        tuple(dict.fromkeys(job.notes)),
        tuple(job.stale),
        record,
    )


def write(folder: Path, made: Plan) -> None:
    """Write files, then ``series.toml``, then the record that lets generate go on."""
    made.file.save()
    store.write_absorbed(folder, made.absorbed)
    for path in made.stale:
        path.unlink(missing_ok=True)


def _version(folder: Path) -> Version:
    """The newest version that was generated."""
    for number in reversed(store.numbers(folder)):
        version = store.read(folder, number)
        if not version.source:
            return version
    raise UsageError(
        f"{folder}: no version was generated that a branch could be compared with",
        hint="run 'reroll generate' first",
    )


def _baseline(request: Request, version: Version) -> tuple[dict[str, Known], Range]:
    """What the branch was: as it was last absorbed, else as the version has it."""
    tree, record = request.tree, store.read_absorbed(request.campaign.folder)
    records = {patch.id: patch for patch in version.patches}
    by_commit = {patch.commit: patch.id for patch in version.patches}
    base, tip = version.base, version.tip
    if record and record.generated == version.tip and tree.has(record.tip):
        base, tip, by_commit = record.base, record.tip, dict(record.commits)
    if not tree.has(tip):
        raise UsageError(
            f"the commits of version {version.version} are not in {tree.path}",
            hint=f"fetch the tag {version.tag} from where it was made",
        )
    known = {}
    for commit, name in by_commit.items():
        made = records.get(name)
        added = tuple(one.trailer for one in made.carried) if made else ()
        known[commit] = Known(
            name, made.of or name if made else name, made.label if made else "", added
        )
    return known, read_range(tree, base, tip)


def _own_commits(request: Request, version: Version, old: Range) -> Range:
    """The user's commits, less the cover letter of a b4 branch."""
    tree = request.tree
    if request.span:
        first, dots, last = request.span.partition("..")
        if not dots or last.startswith("."):
            raise UsageError(f"--range {request.span}: must be BASE..TIP")
        new = read_range(tree, tree.resolve(first), tree.resolve(last or "HEAD"))
    else:
        branch = tree.branch_name(request.branch or version.branch)
        new = find_own(tree, old, tree.resolve(f"refs/heads/{branch}"))
    if new.base != old.base and new.base in {commit.id for commit in old.commits}:
        raise UsageError(f"{new.base[:12]} is a commit of this series, and no base for it")
    kept = tuple(one for one in new.commits if _B4_COVER not in one.message)
    if not kept:
        raise UsageError("there are no commits to absorb: the branch is at its base")
    return replace(new, commits=kept)


def _take(job: Job) -> None:
    """Change the campaign as the commits say."""
    _own(job)
    _take_base(job)
    for one in job.pairs:
        if one.new is None and one.old is not None:
            _drop(job, one.old)
    groups = _groups(job)
    with _workshop(job, job.campaign, job.new.base) as shop:
        for name, pairs in groups:
            if name not in {patch.id for patch in job.campaign.patches}:
                _add(job, name, pairs[0])
            else:
                take_words(job, name, pairs)
                take_author(job, name, pairs)
                take_code(job, shop, name, pairs)
    _order(job)


def _own(job: Job) -> None:
    """Give every commit of the user's a patch: one there is, or a new one."""
    used = {patch.id for patch in job.campaign.patches} | {one.id for one in job.known.values()}
    present = {one.of for one in job.known.values()}
    absent = {
        patch.title: patch.id
        for patch in job.campaign.patches
        if patch.id not in present and (patch.omit or isinstance(patch.step[0], ApplyStep))
    }
    for one in job.pairs:
        if one.new is None:
            continue
        _refuse_melded(job, one.new)
        if one.old is not None:
            name = job.known[one.old.id].of
        else:
            name = absent.pop(literal(subject(one.new)), "") or imported.unique(
                subject(one.new), used
            )
        if not f"{one.new.message}{one.new.author}".isascii():
            _refuse_unreadable(one.new)
        if not job.tree.differs(one.new.parents[0], one.new.id):
            raise refusal(one.new, "it changes nothing", "drop it")
        job.owners.append((one.new, name))


def _refuse_melded(job: Job, commit: Commit) -> None:
    title = subject(commit)
    if title.startswith(_MELDED) and title not in map(subject, job.old.commits):
        raise refusal(
            commit,
            "it is to be melded into another commit",
            f"run 'git rebase -i --autosquash {job.new.base[:12]}' on the branch",
        )


def _refuse_unreadable(commit: Commit) -> None:
    try:
        f"{commit.message}{commit.author}".encode()
    except UnicodeEncodeError:
        why = "its message or author is not UTF-8 text"
        raise refusal(commit, why, "write it anew with 'git commit --amend'") from None


def _labelled(job: Job) -> Iterator[tuple[Commit, str]]:
    """The user's commits, each with its patch's id, of a shard its own."""
    shards = {one.new.id: one.old.id for one in job.pairs if one.old and one.new}
    for commit, name in job.owners:
        old = shards.get(commit.id)
        yield commit, job.known[old].id if old else name


def _groups(job: Job) -> list[tuple[str, list[Pair]]]:
    """The pairs of each patch, in the user's order; those of a split patch stand together."""
    owner = {commit.id: name for commit, name in job.owners}
    groups: list[tuple[str, list[Pair]]] = []
    for one in job.pairs:
        if one.new is None:
            continue
        name = owner[one.new.id]
        if groups and groups[-1][0] == name:
            groups[-1][1].append(one)
        elif name in dict(groups):
            raise refusal(one.new, f"the shards of {name} no longer stand together", "move it back")
        else:
            groups.append((name, [one]))
    for name, pairs in groups:
        was = [one.id for one in job.old.commits if job.known[one.id].of == name]
        now = [one.old.id for one in pairs if one.old]
        if len(pairs) > 1 and [one for one in was if one in now] != now:
            first = pairs[0].new
            assert first  # noqa: S101
            raise refusal(first, f"the shards of {name} are in another order", "move them back")
    return groups


def _take_base(job: Job) -> None:
    base = job.new.base
    named = job.campaign.series.base
    if not job.moved:
        return
    with contextlib.suppress(UsageError):
        if named and job.tree.resolve(named) == base:
            return
    tag = job.tree.git("describe", "--tags", "--exact-match", base, check=False)
    job.file.set_series("base", tag or base)
    job.note("", f"base: {tag or base[:12]} (was {job.version.base_name})")


def _drop(job: Job, gone: Commit) -> None:
    known = job.known[gone.id]
    if known.label:
        raise refusal(
            gone,
            f"it was a shard of {known.of} ({known.label}), and only the whole can be dropped",
            "exclude its files in series.toml, with the reason",
        )
    job.file.set_patch(known.of, "omit", f"dropped by hand after v{job.version.version}")
    job.note(known.of, f'dropped: "{subject(gone)}" stays in series.toml, with omit', gone)


def _add(job: Job, name: str, one: Pair) -> None:
    commit = one.new
    assert commit  # noqa: S101
    words = words_of(commit.message, job.added(name))
    path = f"patches/{name}.patch"
    mine = (commit.author.name, commit.author.email) == (job.signer.name, job.signer.email)
    job.file.write_file(path, mail_of(job.tree, commit))
    note_unsigned(job, commit)
    made = {
        "id": name,
        "title": literal(words.title),
        "author": None if mine else str(commit.author),
        "message": literal(words.body) or None,
        "step": [{"apply": path}],
    }
    after = job.file.ids[-1]
    job.file.add_patch({key: value for key, value in made.items() if value}, after=after)
    job.note(name, f'new: "{words.title}" ({path})', commit)


def _order(job: Job) -> None:
    """Put the patches in the user's order; what is not on the branch stays behind its neighbour."""
    wanted = list(dict.fromkeys(name for _, name in job.owners))
    before = [patch.id for patch in job.campaign.patches]
    made: list[str] = list(wanted)
    for at, name in enumerate(before):
        if name not in made:
            made.insert(made.index(before[at - 1]) + 1 if at else 0, name)
    if made == job.file.ids:
        return
    job.file.reorder(made)
    if [name for name in wanted if name in before] != [n for n in before if n in wanted]:
        job.note("", f"order: {', '.join(wanted)}")


@contextlib.contextmanager
def _workshop(job: Job, campaign: Campaign, commit: str) -> Iterator[Workshop]:
    """A place to run steps of ``campaign`` in, at ``commit``."""
    request = job.request
    with (
        request.tree.worktree(commit) as worktree,
        workbench.bench(
            worktree,
            request.settings,
            workbench.Spatches(request.settings.spatch),
            allow_scripts=request.allow_scripts,
            progress=request.report,
        ) as bench,
    ):
        yield Workshop(
            campaign=campaign,
            tree=request.tree,
            bench=bench,
            owners=lambda kind, files: ownership.labels(worktree, kind, files),
            previous=_shards(job.version),
            keep_conflicts=False,
        )


def _shards(version: Version) -> dict[str, list[Shard]]:
    found: dict[str, list[Shard]] = {}
    for patch in version.patches:
        if patch.label:
            name = patch.id.removeprefix(f"{patch.of}-")
            found.setdefault(patch.of, []).append(Shard(patch.label, patch.files, name=name))
    return found


def _verify(job: Job) -> None:
    """Build the campaign as it is to be: it must give back what the user made."""
    reworded = _differences(job)
    if reworded:
        for name in reworded:
            set_message(job, job.patch(name), job.plain[name])
            job.notes.append(f"{name}: its message is plain text now, no template")
        _differences(job, last=True)


def _differences(job: Job, *, last: bool = False) -> list[str]:
    """The patches whose words come out otherwise, though plain text would do.

    Raises ``ExpectedFailureError`` for the first commit that comes out otherwise.
    """
    committer = replace(job.signer, date=job.signer.date or "0 +0000")
    with job.file.draft() as campaign, _workshop(job, campaign, job.new.base) as shop:
        built = build(shop, committer)
    if len(built.patches) != len(job.owners):
        _refuse_count(job, built)
    again = []
    for (commit, name), made in zip(job.owners, built.patches, strict=True):
        what = _difference(job, commit, made)
        if what.startswith("message") and not last and name in job.plain:
            again.append(name)
        elif what:
            hint = "of a split patch, words and order can be changed only for the whole"
            raise refusal(
                commit,
                f"generate would give another {what}",
                hint
                if made.label
                else "change series.toml by hand, or leave this commit as it was",
            )
    return again


def _refuse_count(job: Job, built: Built) -> None:
    reasons = "; ".join(f"{one.id}: {one.reason}" for one in built.skipped if one.reason)
    raise ExpectedFailureError(
        f"the branch has {len(job.owners)} commits, generate would make {len(built.patches)}"
        f"{f' ({reasons})' if reasons else ''}"
    )


def _difference(job: Job, commit: Commit, made: BuiltPatch) -> str:
    """What is not the same: "patch", "change", "message: ...", "author", or empty."""
    tree, name = job.tree, {one.id: of for one, of in job.owners}[commit.id]
    if made.of != name:
        return "patch"
    if set(tree.names_between(made.commit, commit.id)) - job.beyond:
        return "change"
    result = tree.commits(f"{made.commit}^", made.commit)[0]
    if what := _other_words(job, name, commit, result):
        return f"message: {what}"
    return "author" if result.author != commit.author else ""


def _other_words(job: Job, name: str, commit: Commit, result: Commit) -> str:
    """The first line in which ``result`` has not the user's words, or empty.

    Words that nobody changed by hand may come out otherwise: templates follow the code.
    """
    added = job.added(name)
    mine, made = words_of(commit.message, added), words_of(result.message, added)
    if mine == made:
        return ""
    old = next((one.old for one in job.pairs if one.new == commit), None)
    was = words_of(old.message, added) if old else None
    what = _first_difference(mine, made)
    for part in ("title", "body"):
        mine_part = getattr(mine, part)
        kept = was is not None and getattr(was, part) == mine_part
        if getattr(made, part) != mine_part and (not kept or (name, part) in job.reworded):
            return what
    job.notes.append(f"{name_of(commit)}: its message follows the code: {what}")
    return ""


def _first_difference(mine: Words, made: Words) -> str:
    """The first line that is not the same, as both have it."""
    lines = [[words.title, *words.body.split("\n")] for words in (mine, made)]
    want, got = next((a, b) for a, b in zip_longest(*lines, fillvalue="") if a != b)
    return f'"{got}" instead of "{want}"'
