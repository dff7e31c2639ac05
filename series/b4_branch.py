"""Branches as ``b4 prep`` keeps them: made of a version of ours, and read.

What b4 looks for is in its ``ez.py`` (find_cover_commit, get_series_range,
get_sent_tagname, get_base_changeid_from_tag).  Nothing is checked out: commits are made
as objects, and branch and tags move in one transaction.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import Path

from generator.errors import ConflictError, ProgramError, UsageError
from generator.tree import Identity, RefUpdate, Tree, read_settings, run_git
from series import addresses, b4_cover, journal, posting, store
from series.b4_cover import MARKER, Cover, Tracking
from series.version import Version

STRATEGY = "b4-prep-cover-strategy"
_STRATEGIES = ("commit", "branch-description", "tip-commit")
# As b4 has it (get_rev_count): more is no series, but a base that is wrong.
_MOST = 500
# What cannot lead anywhere but to a branch (git-check-ref-format(1)).
_BRANCH = re.compile(r"[^\s\x00-\x1f\x7f~^:?*\[\\-][^\s\x00-\x1f\x7f~^:?*\[\\]*")
_FIELDS = ("%H", "%P", "%T", "%an", "%ae", "%ad", "%B")


@dataclass(frozen=True)
class Commit:
    """A commit as far as a series is concerned; ``parents`` are ids."""

    id: str
    parents: tuple[str, ...]
    tree: str
    author: Identity
    message: str

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

    @property
    def facts(self) -> list[str]:
        """What b4 keeps when it rewrites a commit."""
        return [self.tree, str(self.author), self.message.strip()]


@dataclass(frozen=True)
class Branch:
    """A branch of ``b4 prep``; ``start`` is the commit below its first patch.

    ``base`` differs from ``start`` where the cover letter is a commit between them.
    """

    name: str
    tip: str
    base: str
    start: str
    cover: Cover
    tracking: Tracking
    commits: tuple[Commit, ...]
    notes: tuple[str, ...] = ()

    @property
    def digests(self) -> dict[str, str]:
        """Of all that a user can change in it by b4 or git."""
        return _digests(self.cover, self.tracking, self.commits)


@dataclass(frozen=True)
class Export:
    """A branch for b4, made but not there yet: ``tip`` is an object without a ref."""

    branch: str
    tip: str
    base: str
    old: str
    cover: Cover
    tracking: Tracking
    tags: Mapping[str, str]
    notes: tuple[str, ...]


# -- reading ---------------------------------------------------------------------------


def find(tree: Tree, name: str) -> str:
    """The branch that ``name`` is, also without ``b4/``; empty where there is none."""
    for one in (name, f"b4/{name}"):
        if _BRANCH.fullmatch(one) and tree.ref(f"refs/heads/{one}"):
            return one
    return ""


def names(tree: Tree) -> list[str]:
    """The branches of ``tree`` as ``find`` takes them: those of b4 with and without ``b4/``."""
    branches = tree.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split("\n")
    return [*branches, *(one[3:] for one in branches if one.startswith("b4/"))]


def read(tree: Tree, name: str) -> Branch:
    """The b4 branch ``name``, whichever way b4 keeps its cover letter.

    Raises ``UsageError`` for a branch that b4 does not know, or whose cover letter,
    tracking data or history reroll cannot take.
    """
    tip = tree.resolve(f"refs/heads/{name}")
    settings = read_settings(f"branch.{name}", cwd=tree.path)
    ours = settings.get(STRATEGY) or read_settings("b4", cwd=tree.path).get("prep-cover-strategy")
    strategy = (ours or ("commit",))[-1]
    if strategy not in _STRATEGIES:
        raise UsageError(
            f"{name}: git config says {STRATEGY} '{strategy}', which reroll does not know",
            hint=f"b4 has: {', '.join(_STRATEGIES)}",
        )
    notes: tuple[str, ...] = ()
    if strategy == "branch-description":
        text = settings.get("description", ("",))[-1]
        data = settings.get("b4-tracking", ("",))[-1]
        if not data:
            raise _unknown(name)
        tracking = b4_cover.parse_tracking(data, where=name)
        start = base = _fork_point(tree, name, tip, tracking.base_branch)
        end = tip
    else:
        commit = _cover_commit(tree, name, tip)
        told = tree.git("show", "-s", "--format=%B", "--encoding=UTF-8", commit)
        text, tracking = b4_cover.split_commit(told, where=f"{name}, commit {commit[:12]}")
        if strategy == "commit":
            base, start, end = _parent(tree, commit), commit, tip
        else:
            end = _parent(tree, commit)
            start = base = _fork_point(tree, name, end, tracking.base_branch)
            if commit != tip:
                notes = (f"commits of {name} above its cover letter are not in b4's series",)
    cover = b4_cover.parse_cover(text, where=name)
    return Branch(name, tip, base, start, cover, tracking, commits(tree, start, end), notes)


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"{name}: is not a branch that b4 prep keeps for you",
        hint="b4 knows cover letters that you committed within a year: "
        "'b4 prep --claim' makes one yours, 'b4 prep --enroll' begins one",
    )


def _cover_commit(tree: Tree, name: str, tip: str) -> str:
    """The commit that holds the cover letter, as b4 finds it."""
    words = ("log", "-F", f"--grep={MARKER}", "--format=%H", "--max-count=1", "--since=1.year")
    committer = f"--committer={tree.identity().email}"
    found = tree.git(*words, "--no-mailmap", committer, tip, "--")
    if not found:
        raise _unknown(name)
    return found


def _parent(tree: Tree, commit: str) -> str:
    parents = tree.git("log", "-1", "--format=%P", commit).split()
    if len(parents) != 1:
        shallow = tree.git("rev-parse", "--is-shallow-repository") == "true"
        raise UsageError(
            f"{tree.path}: commit {commit[:12]} begins a series and has {len(parents)} parents",
            hint="this clone is shallow: 'git fetch --deepen=100'" if shallow else "",
        )
    return parents[0]


def _fork_point(tree: Tree, name: str, tip: str, branch: str) -> str:
    """Where the series begins that is based on ``branch``, as b4 finds it."""
    if not branch or branch == "HEAD":
        raise UsageError(f"{name}: b4's tracking data names no base branch")
    base = tree.resolve(branch)
    for words in (("--fork-point", branch, tip), (base, tip)):
        if not words[-2].startswith("-") and (found := tree.git("merge-base", *words, check=False)):
            return found.split("\n")[0]
    raise UsageError(
        f"{name}: has no commit in common with {branch}, its base branch",
        hint="is this clone shallow?  'git fetch --deepen=100'",
    )


def commits(tree: Tree, start: str, end: str) -> tuple[Commit, ...]:
    """The commits of ``start..end``, the oldest first; ``UsageError`` when there are too many."""
    count = int(tree.git("rev-list", "--count", f"{start}..{end}"))
    if count > _MOST:
        raise UsageError(f"{start[:12]}..{end[:12]}: {count} commits are too many for a series")
    form = "--format=tformat:" + "%x00".join(_FIELDS)
    words = ("log", "--reverse", "--topo-order", "-z", "--date=raw", "--encoding=UTF-8", form)
    parts = tree.git(*words, f"{start}..{end}").split("\0")
    made = []
    for at in range(0, count * len(_FIELDS), len(_FIELDS)):
        commit, parents, files, name, email, date, text = parts[at : at + len(_FIELDS)]
        made.append(
            Commit(commit, tuple(parents.split()), files, Identity(name, email, date), text)
        )
    return tuple(made)


# -- a version of ours ------------------------------------------------------------------


def of_version(folder: Path, version: Version) -> tuple[Cover, str]:
    """What the mails of a generated version say: cover letter and prefix of subjects.

    b4 has one changelog: those of patches are in it, too.  Of a single patch without a
    cover letter, title and recipients are the patch's.
    """
    first = version.mails[0]
    head, _, body = store.mail_path(folder, version, first.mail).read_bytes().partition(b"\n\n")
    found = re.search(rb"^Subject: (.*(?:\n[ \t].*)*)", head, re.MULTILINE)
    try:
        line = re.sub(r"\r?\n(?=[ \t])", "", found[1].decode("utf-8", "replace")) if found else ""
        read = posting.subject(str(make_header(decode_header(line))))
    except (MessageError, LookupError, ValueError):
        read = None
    if read is None:
        raise UsageError(
            f"{first.mail}: has no subject that reroll wrote",
            hint=f"run 'reroll generate -v {version.version}' again",
        )
    text = ""
    log: Mapping[int, tuple[str, ...]] = {}
    if version.cover:
        text, log = b4_cover.body_of(body.decode("utf-8", "replace"), len(version.patches))
    notes = [_notes(folder, version, patch.mail) for patch in version.patches]
    if version.cover:
        notes = [
            {
                number: tuple(f"{patch.title}: {line}" for line in lines)
                for number, lines in n.items()
            }
            for patch, n in zip(version.patches, notes, strict=True)
        ]
    to, cc = _recipients(version)
    cover = Cover(read.title, text, to, cc, b4_cover.merged([log, *notes]))
    # As it comes back from b4, so that only what its user changed is different.
    cover = b4_cover.parse_cover(b4_cover.cover_text(cover), where=first.mail)
    return cover, read.prefix


def _notes(folder: Path, version: Version, mail: str) -> dict[int, tuple[str, ...]]:
    """The changelog of a patch, between ``---`` and the diffstat of its mail."""
    content = store.mail_path(folder, version, mail).read_bytes()
    below = content.partition(b"\n---\n")[2].partition(b"\ndiff --git ")[0]
    parts = below.decode("utf-8", "replace").split("\n\n")
    return b4_cover.changelog_of(
        "\n\n".join(part for part in parts if re.match(r"Changes in v\d+:\n- ", part))
    )


def _recipients(version: Version) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Everybody who gets a mail: b4 writes to all of a series."""
    found: dict[str, dict[str, str]] = {"to": {}, "cc": {}}
    for mail in version.mails:
        for one in mail.recipients:
            address = addresses.plain(one.address)
            found[one.field].setdefault(addresses.key(one.address), address)
    cc = {key: address for key, address in found["cc"].items() if key not in found["to"]}
    return tuple(found["to"].values()), tuple(cc.values())


def commits_of(tree: Tree, version: Version) -> tuple[Commit, ...]:
    """The commits of a generated version; ``UsageError`` when the tree has them not."""
    if version.source == "mails" or not version.tip:
        raise UsageError(
            f"version {version.version} was read from mails and has no commits",
            hint="make one that has: 'reroll next', or 'reroll generate'",
        )
    first = tree.resolve(version.patches[0].commit)
    return commits(tree, _parent(tree, first), tree.resolve(version.tip))


# -- writing ----------------------------------------------------------------------------


def prepare(tree: Tree, folder: Path, version: Version, branch: str, *, force: bool) -> Export:
    """A branch for b4 with version ``version`` of the series in ``folder``; no ref moves.

    Raises ``ConflictError`` when the branch is checked out, or holds work that would
    be lost, unless ``force``; ``UsageError`` when b4 could not keep the version.
    """
    old = _old_tip(tree, branch)
    made = commits_of(tree, version)
    if not b4_cover.usable_change_id(version.change_id):
        raise UsageError(
            f"version {version.version} has no change id that b4 can use",
            hint=f"run 'reroll generate -v {version.version}' again",
        )
    cover, prefix = of_version(folder, version)
    _refuse_marker(cover, made)
    sent = _sent(folder, version)
    tracking = Tracking(
        revision=version.version,
        change_id=version.change_id,
        prefixes=b4_cover.prefixes_of(prefix),
        history={one.version: (one.mails[0].message_id.strip("<>"),) for one in sent},
        version=version.version,
    )
    tracking = replace(tracking, digests=_digests(cover, tracking, made))
    if old and not force:
        _refuse_other_work(tree, branch, (cover, tracking, made))
    start = made[0].parents[0]
    tip = _write(tree, start, b4_cover.message(cover, tracking), made)
    tags, notes = _tags(tree, folder, sent)
    return Export(
        branch, tip, start, old, cover, tracking, tags, (*notes, *_losses(version, prefix, start))
    )


def install(tree: Tree, export: Export) -> None:
    """Move the branch and make the tags, all or none, and tell git where b4's cover letter is."""
    updates = [RefUpdate(f"refs/heads/{export.branch}", export.tip, export.old)]
    updates += [RefUpdate(f"refs/tags/{name}", made, "") for name, made in export.tags.items()]
    tree.update_refs(updates)
    tree.git("config", "--replace-all", f"branch.{export.branch}.{STRATEGY}", "commit")


def _old_tip(tree: Tree, branch: str) -> str:
    """Where the branch is now, or empty; ``ConflictError`` when it is checked out."""
    tree.branch_name(branch)
    if branch.startswith("reroll/"):
        raise UsageError(f"the branch {branch} is reroll's own", hint="b4/NAME is b4's habit")
    if holder := tree.branch_holder(branch):
        raise ConflictError(
            f"the branch {branch} is checked out in {holder}", hint="check out another branch there"
        )
    return tree.ref(f"refs/heads/{branch}")


def _refuse_marker(cover: Cover, made: Sequence[Commit]) -> None:
    texts = {"the cover letter": b4_cover.cover_text(cover)}
    texts |= {f"the message of '{commit.title}'": commit.message for commit in made}
    if where := next((name for name, text in texts.items() if MARKER in text), None):
        raise UsageError(f"{where} has the line '{MARKER}', by which b4 finds cover letters")
    if re.search(r"^>#", cover.body, re.MULTILINE):
        raise UsageError("the cover letter has a line that begins with '>#', which b4 cannot keep")


def _refuse_other_work(
    tree: Tree, branch: str, new: tuple[Cover, Tracking, Sequence[Commit]]
) -> None:
    """``ConflictError`` when the branch is not as reroll left it, nor as it would leave it."""
    try:
        there = read(tree, branch)
        known, future = there.tracking.digests, _digests(*new)
        found = there.digests.items()
        lost = [name for name, one in found if one not in (known.get(name), future[name])]
    except UsageError:
        lost = ["all of it"]
    if lost:
        raise ConflictError(
            f"the branch {branch} holds work that is not in version {new[1].revision}: "
            + ", ".join(lost),
            hint=f"take it over with 'reroll b4 import {branch}', or replace it with --force",
        )


def _digests(cover: Cover, tracking: Tracking, made: Sequence[Commit]) -> dict[str, str]:
    every = b4_cover.digest([commit.facts for commit in made])
    return {**b4_cover.digests(cover, tracking), "commits": every}


def _sent(folder: Path, version: Version) -> list[Version]:
    """The versions up to ``version`` that are out, in order."""
    earlier = [number for number in store.numbers(folder) if number <= version.version]
    every = [store.read(folder, number) for number in earlier]
    return [one for one in every if one.source == "mails" or journal.accepted(folder, one.version)]


def _tags(
    tree: Tree, folder: Path, sent: Sequence[Version]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """b4's tags of the versions that are out and have commits here; those there are stay."""
    made, notes = {}, []
    for version in sent:
        name = f"sent/{version.change_id}-v{version.version}"
        if version.source == "mails" or tree.ref(f"refs/tags/{name}"):
            continue
        try:
            every = commits_of(tree, version)
            if not b4_cover.usable_change_id(version.change_id):
                raise UsageError(f"version {version.version} has no usable change id")
            cover, prefix = of_version(folder, version)
        except UsageError as error:
            notes.append(f"no tag for version {version.version}: {error}")
            continue
        text = _tag_text(
            cover, b4_cover.prefixes_of(prefix), every[0].parents[0], version.change_id
        )
        tagger = replace(tree.identity(), date=version.date)
        made[name] = tree.make_tag(name, version.tip, text, tagger)
    return made, tuple(notes)


def _tag_text(cover: Cover, prefixes: Sequence[str], base: str, change_id: str) -> str:
    """A tag's message as b4 makes it of a cover letter; it reads the last two lines."""
    words = ", ".join(prefixes)
    title = f"[{words}] {cover.title}" if words else cover.title
    _, _, rest = b4_cover.cover_text(cover).partition("\n")
    return f"{title}\n{rest.rstrip()}\n\n---\nbase-commit: {base}\nchange-id: {change_id}\n"


def _write(tree: Tree, start: str, message: str, made: Sequence[Commit]) -> str:
    """The cover letter's commit and those of the patches above it; returns the last one's id.

    All are committed now and by the user: b4 looks for cover letters of the last year.
    """
    committer = tree.identity()
    tip = _commit(tree, tree.tree_of(start), start, message, committer, committer)
    for commit in made:
        tip = _commit(tree, commit.tree, tip, commit.message, commit.author, committer)
    return tip


def _commit(
    tree: Tree, files: str, parent: str, message: str, author: Identity, committer: Identity
) -> str:
    people = {
        f"GIT_{role}_{what}": value
        for role, who in (("AUTHOR", author), ("COMMITTER", committer))
        for what, value in (("NAME", who.name), ("EMAIL", who.email), ("DATE", who.date))
    }
    words = ["commit-tree", files, "-p", parent]
    content = message.encode("utf-8", "surrogateescape")
    made = run_git(words, cwd=tree.path, stdin=content, env=people).stdout.decode().strip()
    if not re.fullmatch(r"[0-9a-f]{40,64}", made):
        raise ProgramError("git commit-tree named no commit")
    return made


def _losses(version: Version, prefix: str, start: str) -> list[str]:
    """What b4 cannot keep of a version."""
    found = []
    everybody = {one.address for mail in version.mails for one in mail.recipients}
    fewer = [
        patch for patch in version.patches if {one.address for one in patch.recipients} != everybody
    ]
    if fewer:
        found.append(
            f"b4 sends every patch to everybody; by reroll, {len(fewer)} of "
            f"{len(version.patches)} would go to fewer"
        )
    if start != version.base:
        found.append(f"the series goes on top of another one: b4 will name {start[:12]} as base")
    if b4_cover.prefix_of(b4_cover.prefixes_of(prefix)) != prefix:
        found.append(f"b4 cannot do without PATCH in subjects: '{prefix}' becomes 'PATCH {prefix}'")
    return found
