"""Apply the mails of a version to another tree, as its maintainer would: ``git am -3``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import process
from generator.errors import ConflictError
from generator.tree import RefUpdate, Tree, run_git
from series import store
from series.version import Version


@dataclass(frozen=True)
class Applied:
    """Where the series now is: the branch, its last commit and that commit's tree."""

    branch: str
    tip: str
    tree: str
    identical: bool


def apply_version(
    folder: Path,
    version: Version,
    tree: Tree,
    *,
    onto: str,
    branch: str,
    force: bool,
    dry_run: bool,
) -> Applied:
    """Apply ``version`` on the commit ``onto`` of ``tree`` and put it on ``branch``.

    Raises ``ConflictError`` naming the patch and the files when one does not
    apply, or when the branch is in use; the tree is then as it was.
    """
    ref = f"refs/heads/{branch}"
    old = tree.ref(ref)
    if holder := tree.branch_holder(branch):
        raise ConflictError(f"the branch {branch} is checked out in {holder}")
    paths = [store.mail_path(folder, version, patch.mail) for patch in version.patches]
    with tree.worktree(onto) as worktree:
        # A file that git am -3 itself writes out is a local change to it.
        worktree.materialize([name for patch in version.patches for name in patch.files])
        words = ["am", "--3way", "--keep-cr", "--no-gpg-sign", "--committer-date-is-author-date"]
        result = run_git([*words, *(str(path) for path in paths)], cwd=worktree.path, check=False)
        if result.returncode != 0:
            unmerged = worktree.git("diff", "--name-only", "--diff-filter=U").decode(
                "utf-8", "replace"
            )
            raise _conflict(version, result, unmerged.split("\n"))
        tip = worktree.head()
    if old not in ("", tip) and not force:
        raise ConflictError(
            f"the branch {branch} exists already, with other commits",
            hint="give another one with --branch, or --force to replace it",
        )
    if not dry_run:
        tree.update_refs([RefUpdate(ref, tip, old)])
    made = tree.tree_of(tip)
    return Applied(branch, tip, made, identical=made == version.tree)


def default_branch(version: Version) -> str:
    """The branch that a version is put on where none is named."""
    return f"{version.tag or f'reroll/{version.name}-v{version.version}'}-applied"


def _conflict(version: Version, result: process.Result, unmerged: Sequence[str]) -> ConflictError:
    """What ``git am`` stopped at: the patch by number and title, and the files."""
    said = (result.stdout + b"\n" + result.stderr).decode("utf-8", "replace")
    stopped = re.search(r"^Patch failed at (\d+) ", said, re.MULTILINE)
    failed = re.findall(r"^error: (?:patch failed: )?([^:\n]+): ?[^\n]*$", said, re.MULTILINE)
    merges = re.findall(r"^CONFLICT .*(?: in |: )(\S+?)\.?$", said, re.MULTILINE)
    failed += re.findall(r"^error: sha1 information is lacking or useless \((.+)\)", said, re.M)
    number = int(stopped[1]) if stopped else 0
    if not 0 < number <= len(version.patches):
        return ConflictError(f"the series does not apply: {result.complaint}")
    patch = version.patches[number - 1]
    told = dict.fromkeys((*unmerged, *merges, *failed))
    # git does not always name a file; then it is one of the patch's.
    files = [name for name in told if name in patch.files] or list(patch.files)
    what = f"patch {number}/{len(version.patches)} ({patch.title})"
    return ConflictError(f"{what} does not apply to {', '.join(files)}; the tree is as it was")
