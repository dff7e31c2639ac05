"""Which commit of a branch is which of the version it was made from.

By id, then patch-id, then title, then as git-range-diff(1) sees it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from generator.errors import UsageError
from generator.tree import Commit, Tree
from series import records

# Commits below the last one of ours that are looked at for another one.
_GAP = 50


@dataclass(frozen=True)
class Range:
    """The commits of ``base..tip``, the oldest first."""

    base: str
    commits: tuple[Commit, ...]

    @property
    def tip(self) -> str:
        """The last commit, or the base."""
        return self.commits[-1].id if self.commits else self.base


@dataclass(frozen=True)
class Pair:
    """A commit before and after; one of the two may be missing.

    ``how`` says what makes them a pair: "commit", "patch-id", "title", "range-diff".
    """

    old: Commit | None
    new: Commit | None
    how: str = ""


def subject(commit: Commit) -> str:
    """The first paragraph of a commit's message in one line, as git shows it."""
    return " ".join(commit.message.strip().split("\n\n", 1)[0].split("\n")).strip()


def read_range(tree: Tree, base: str, tip: str) -> Range:
    """The commits of ``base..tip``; ``UsageError`` when one of them is a merge."""
    commits = tuple(tree.commits(base, tip))
    if merge := next((one for one in commits if len(one.parents) != 1), None):
        raise UsageError(
            f"{merge.id[:12]} ({subject(merge)}) is a merge",
            hint="rebase the branch so that it is a line, or name commits with --range BASE..TIP",
        )
    return Range(base, commits)


def find_own(tree: Tree, old: Range, tip: str) -> Range:
    """The commits of the branch that ends in ``tip`` which are not those of its base.

    The base may have moved: commits before the first of ours are its own when
    they are on another branch or a tag that does not hold that commit.
    """
    start = tree.git("merge-base", old.base, tip, check=False)
    if not start:
        raise UsageError(
            f"{tip[:12]} has no history in common with {old.base[:12]}",
            hint="name the commits with --range BASE..TIP",
        )
    if start == tip:
        return Range(start, ())
    first = _first_of_ours(tree, start, tip, old.commits)
    before = tree.git("rev-parse", f"{first}^")
    if before == start:
        return read_range(tree, start, tip)
    words = ("for-each-ref", f"--no-contains={first}", "--format=%(objectname)")
    others = tree.git(*words, "refs/heads", "refs/remotes", "refs/tags").split()
    asked = "\n".join([before, f"^{start}", *(f"^{name}" for name in others)]) + "\n"
    new = tree.git("rev-list", "--first-parent", "--stdin", stdin=asked.encode()).split()
    return read_range(tree, tree.git("rev-parse", f"{new[-1]}^") if new else before, tip)


def _first_of_ours(tree: Tree, start: str, tip: str, old: Sequence[Commit]) -> str:
    """The oldest commit near ``tip`` that is one of ``old`` by id or title, else ``tip``."""
    known = {commit.id for commit in old} | {subject(commit) for commit in old}
    most = f"--max-count={2 * len(old) + 4 * _GAP}"
    said = tree.git("log", "--first-parent", most, "--format=%H%x00%s", f"{start}..{tip}")
    first, gap = tip, 0
    for line in said.split("\n") if said else ():
        commit, _, title = line.partition("\0")
        if commit in known or title in known:
            first, gap = commit, 0
        else:
            gap += 1
        if gap > _GAP:
            break
    return first


def pair(tree: Tree, old: Range, new: Range) -> list[Pair]:
    """Every commit of both ranges, in one pair each: those of ``new`` in order, then gone ones."""
    found: dict[str, tuple[Commit, str]] = {}
    left = {commit.id: commit for commit in old.commits}
    old_ids = records.patch_ids(tree, old.base, old.tip) if old.commits else {}
    new_ids = records.patch_ids(tree, new.base, new.tip) if new.commits else {}
    for how, before, after in (
        ("commit", {one: one for one in left}, {one.id: one.id for one in new.commits}),
        ("patch-id", old_ids, new_ids),
        ("title", _titles(old.commits), _titles(new.commits)),
    ):
        _match(how, before, after, left, found)
    if left and len(found) < len(new.commits):
        for was, now in _range_diff(tree, old, new):
            if was.id in left and now.id not in found:
                found[now.id] = (left.pop(was.id), "range-diff")
    pairs = [
        Pair(found[one.id][0], one, found[one.id][1]) if one.id in found else Pair(None, one)
        for one in new.commits
    ]
    return [*pairs, *(Pair(commit, None) for commit in left.values())]


def _titles(commits: Iterable[Commit]) -> dict[str, str]:
    return {commit.id: subject(commit) for commit in commits}


def _match(
    how: str,
    before: dict[str, str],
    after: dict[str, str],
    left: dict[str, Commit],
    found: dict[str, tuple[Commit, str]],
) -> None:
    """Pair what has the same mark on both sides, where only one of either side has it."""
    old = _unique({one: mark for one, mark in before.items() if one in left})
    new = _unique({one: mark for one, mark in after.items() if one not in found})
    for mark, commit in new.items():
        if mark in old:
            found[commit] = (left.pop(old[mark]), how)


def _unique(marks: dict[str, str]) -> dict[str, str]:
    values = list(marks.values())
    return {mark: one for one, mark in marks.items() if values.count(mark) == 1}


def _range_diff(tree: Tree, old: Range, new: Range) -> list[tuple[Commit, Commit]]:
    """The pairs that git-range-diff(1) makes; its lines begin with the numbers of both."""
    ranges = (f"{old.base}..{old.tip}", f"{new.base}..{new.tip}")
    said = tree.git("range-diff", "--no-color", "--no-patch", *ranges)
    rows = re.findall(r"^ *(\d+): +[0-9a-f]+ [=!] +(\d+): +[0-9a-f]+ ", said, re.MULTILINE)
    return [(old.commits[int(was) - 1], new.commits[int(now) - 1]) for was, now in rows]
