"""Code that was changed by hand becomes a diff that is replayed after a patch's steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from generator.campaign import ApplyStep, Patch
from generator.conversion import UnmatchedError
from generator.errors import ConflictError, ExpectedFailureError, RerollError
from generator.steps import Workshop, run_step
from generator.tree import Commit, Tree, run_git
from series.absorption import Job, refusal
from series.pairing import Pair


def take_code(job: Job, shop: Workshop, name: str, pairs: Sequence[Pair]) -> None:
    """Keep what the commits do beside what the steps do as the patch's hand edit."""
    first, last = pairs[0].new, pairs[-1].new
    assert first and last  # noqa: S101
    parent = first.parents[0]
    same = all(one.how in ("commit", "patch-id") for one in pairs)
    if same and pairs[0].old and _same_tree(job.tree, parent, pairs[0].old.parents[0]):
        return
    patch = job.patch(name)
    paths = _paths(job, pairs) if patch.split != "none" else ()
    if _is_one_diff(job, patch):
        if not (same and pairs[0].old and _still_fits(job, shop, patch, last)):
            _replace_diff(job, patch, last)
        return
    made = _run_steps(shop, patch, parent, last)
    full = made.full
    for at in made.idle:
        job.file.set_step_key(name, at, "unmatched", "skip")
        job.note(name, f'step {at}: unmatched = "skip", it finds nothing to do there', last)
    if full and not job.tree.differs(full, last.id, paths):
        return
    if same and full and (job.moved or _campaign_changed(shop, patch, pairs, paths)):
        names = job.tree.names_between(full, last.id, paths)
        job.beyond |= set(names)
        job.notes.append(f"{name}: its steps now do more or other than the commit: {names[0]}")
        return
    diff = job.tree.diff(made.bare, last.id, paths)
    _set_hand(job, patch, diff, last)


def _set_hand(job: Job, patch: Patch, diff: bytes, commit: Commit) -> None:
    old = patch.hand
    if not diff:
        if old:
            job.file.remove_step(patch.id)
            job.stale.append(job.campaign.folder / old.apply)
            job.note(patch.id, "code: no hand edit is needed any more", commit)
        return
    path = old.apply if old else f"hand/{patch.id}.diff"
    job.file.write_file(path, diff)
    if not old:
        job.file.add_step(patch.id, {"apply": path, "hand": True})
    job.note(patch.id, f"code: a hand edit after its steps ({path})", commit)


def _is_one_diff(job: Job, patch: Patch) -> bool:
    """Whether all that a patch does is in one file that no other step reads."""
    used = [s.apply for p in job.campaign.patches for s in p.step if isinstance(s, ApplyStep)]
    only = patch.step[0]
    alone = len(patch.step) == 1 and isinstance(only, ApplyStep) and patch.split == "none"
    return (
        alone and isinstance(only, ApplyStep) and used.count(only.apply) == 1 and not only.message
    )


def _still_fits(job: Job, shop: Workshop, patch: Patch, commit: Commit) -> bool:
    """Whether the diff of a patch makes ``commit`` of its parent."""
    try:
        made = _run_steps(shop, patch, commit.parents[0], commit)
    except ExpectedFailureError:
        return False
    return not job.tree.differs(made.full, commit.id)


def _replace_diff(job: Job, patch: Patch, commit: Commit) -> None:
    step = patch.step[0]
    assert isinstance(step, ApplyStep)  # noqa: S101
    job.file.write_file(step.apply, mail_of(job.tree, commit))
    job.note(patch.id, f"code: {step.apply} is the commit now", commit)


def mail_of(tree: Tree, commit: Commit) -> bytes:
    """A commit as ``git format-patch`` has it."""
    words = ("format-patch", "--stdout", "-1", "--binary", "--full-index", "--no-signature")
    more = ("--no-ext-diff", "--no-attach", "--no-thread", "--no-to", "--no-cc", "--no-add-header")
    rest = ("--no-numbered", "--no-cover-letter", "--no-signoff", "--no-notes", "--no-base")
    settings = ("format.mboxrd=false", "format.from=false")
    argv = [*words, *more, *rest, commit.id]
    return run_git(argv, cwd=tree.path, settings=settings).stdout


def _paths(job: Job, pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The files that the commits of a split patch touch, before or now."""
    commits = [one for both in pairs for one in (both.old, both.new) if one]
    names = [n for one in commits for n in job.tree.names_between(one.parents[0], one.id)]
    return tuple(dict.fromkeys(names))


def _same_tree(tree: Tree, one: str, other: str) -> bool:
    return one == other or tree.tree_of(one) == tree.tree_of(other)


@dataclass(frozen=True)
class _Result:
    """The trees that the steps of a patch make: without its hand edit, and with it.

    ``full`` is empty when the hand edit does not fit there; ``idle`` are the steps
    (from 1) that found nothing to do.
    """

    bare: str
    full: str
    idle: tuple[int, ...]


def _run_steps(shop: Workshop, patch: Patch, parent: str, commit: Commit) -> _Result:
    """Run the steps of ``patch`` on ``parent``, where ``commit`` is the user's."""
    shop.worktree.git("reset", "--quiet", "--hard", parent)
    idle = []
    for at, step in enumerate(patch.step, 1):
        if step is patch.hand:
            continue
        try:
            run_step(shop, step)
        except UnmatchedError:
            if (step.unmatched or "fail") == "fail":
                idle.append(at)
        except RerollError as error:
            raise refusal(commit, f"patch {patch.id}: step {at}: {error}", error.hint) from error
    bare = full = shop.worktree.snapshot()
    if patch.hand:
        try:
            run_step(shop, patch.hand)
            full = shop.worktree.snapshot()
        except ConflictError:
            full = ""
    return _Result(bare, full, tuple(idle))


def _campaign_changed(
    shop: Workshop, patch: Patch, pairs: Sequence[Pair], paths: Sequence[str]
) -> bool:
    """Whether the steps no longer make what they made when the version was generated."""
    first, last = pairs[0].old, pairs[-1].old
    if first is None or last is None:
        return False
    try:
        full = _run_steps(shop, patch, first.parents[0], last).full
    except RerollError:
        return True
    return not full or shop.tree.differs(full, last.id, paths)
