"""A diff that does not fit is left in a worktree, for its author to resolve.

The worktree's HEAD is the state that the diff was meant for, so that what is staged
there in the end is the diff that should have been.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from generator.campaign import ApplyStep
from generator.errors import ConflictError, ExpectedFailureError, UsageError
from generator.tree import Tree, Worktree

# Where the worktrees are in the series folder.
FOLDER = "resolve"
# Lines of a hunk that are shown, and how long.
_SHOWN = 4
_WIDE = 76


class UnfitError(ConflictError):
    """The diff of an ``apply`` step does not fit: what, where, and the state it was meant for.

    ``before`` is the id of the tree that it was meant for; ``misfits`` are files,
    each with the line of the hunk's header.
    """

    def __init__(
        self, step: ApplyStep, diff: bytes, before: str, misfits: Sequence[tuple[str, int]]
    ) -> None:
        places = [f"{name}:{line}" if line else name for name, line in misfits]
        super().__init__(f"{step.apply}: does not apply: {', '.join(places) or 'it is no diff'}")
        self.step = step
        self.diff = diff
        self.before = before
        self.misfits = tuple(misfits)


class UnresolvedError(ConflictError):
    """A diff that does not fit, hunk by hunk, and where it can be resolved."""

    def __init__(self, message: str, hunks: Sequence[str], *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.hunks = tuple(hunks)

    def lines(self) -> list[str]:
        """The message, the hunks, what to do."""
        return [str(self), *self.hunks, f"hint: {self.hint}"]


@dataclass(frozen=True)
class Resolution:
    """What a kept worktree is for: the step ``at`` (from 1) of a patch, which applies ``file``.

    ``digest`` is of the diff and of the state it was meant for; ``command`` is the one that
    came upon it.
    """

    patch: str
    at: int
    file: str
    hand: bool
    digest: str
    command: str = field(default="reroll generate", compare=False)


def keep(
    tree: Tree, worktree: Worktree, folder: Path, wanted: Resolution, error: UnfitError
) -> Path:
    """Leave ``error``'s diff, as far as it fits, in a worktree below ``folder``; returns where.

    One that was left for the same diff before is not touched: somebody may be at work there.
    """
    holder = folder / FOLDER
    for place, note in tree.kept(holder).items():
        if _read(note) == wanted:
            return place
    message = f"reroll: before {wanted.file} of patch {wanted.patch}\n"
    words = ("commit-tree", error.before, "-p", worktree.head(), "-m", message)
    commit = worktree.git(*words).decode().strip()
    names = (wanted.patch if at == 1 else f"{wanted.patch}-{at}" for at in count(1))
    place = next(holder / name for name in names if not (holder / name).exists())
    tree.keep_worktree(place, commit, json.dumps(asdict(wanted))).apply_partly(error.diff)
    return place


def digest(error: UnfitError) -> str:
    """What tells one conflict from another."""
    return hashlib.sha256(error.before.encode() + error.diff).hexdigest()


def find(tree: Tree, folder: Path, place: Path) -> tuple[Worktree, Resolution]:
    """The kept worktree at ``place``; ``UsageError`` when none was left there for ``folder``."""
    kept = {known: _read(note) for known, note in tree.kept(folder / FOLDER).items()}
    for known, found in kept.items():
        if found and known.resolve() == place.resolve():
            return Worktree(known), found
    raise UsageError(
        f"{place}: is not a worktree that reroll left to resolve in",
        hint=f"there are: {', '.join(map(str, kept)) or 'none'}",
    )


def _read(note: str) -> Resolution | None:
    try:
        return Resolution(**json.loads(note))
    except (ValueError, TypeError):
        return None


def resolved(worktree: Worktree) -> bytes:
    """The diff that a user made of the one that did not fit; empty for none.

    Raises ``ExpectedFailureError`` while something is left to resolve.
    """
    _refuse_rejects(worktree)
    listed = worktree.git("ls-files", "-z", "--others", "--exclude-standard")
    worktree.git("add", "--update")
    new = [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]
    if new:
        worktree.stage(new)
    marks = worktree.leftover_markers()
    if marks:
        raise ExpectedFailureError(
            f"{worktree.path}: there is a conflict marker at {', '.join(marks)}",
            hint="edit the file as it should be, and remove the markers",
        )
    return worktree.git("diff", "--cached", "--binary", "--full-index", "--no-ext-diff", "HEAD")


def _refuse_rejects(worktree: Worktree) -> None:
    left = sorted(str(path.relative_to(worktree.path)) for path in worktree.path.rglob("*.rej"))
    if left:
        raise ExpectedFailureError(
            f"{worktree.path}: {left[0]} is still there",
            hint="do by hand what it says, as far as it is wanted, and remove it",
        )


def hunks(diff: bytes, misfits: Sequence[tuple[str, int]]) -> list[str]:
    """What the hunks at ``misfits`` change: one line each, with their first lines."""
    shown = []
    for name, line in misfits:
        lines = _changed(diff.decode("utf-8", "replace"), name, line) if line else []
        what = " | ".join(text[:_WIDE].replace("\t", " ") for text in lines[:_SHOWN])
        more = " | ..." if len(lines) > _SHOWN else ""
        shown.append(f"{name}:{line}: {what}{more}" if lines else f"{name}: as a whole")
    return shown


def _changed(diff: str, name: str, line: int) -> list[str]:
    """The changed lines of the hunk of ``name`` that begins at its old ``line``."""
    parts = re.split(r"^--- ", diff, flags=re.MULTILINE)
    for part in parts[1:]:
        heads = part.split("\n", 2)[:2]
        if not any(re.match(rf"(?:\+\+\+ )?[^/\n]*/?{re.escape(name)}\s*\Z", one) for one in heads):
            continue
        found = re.search(rf"^@@ -{line}[ ,].*\n((?:[ +\-\\].*\n?)*)", part, re.MULTILINE)
        if found:
            return [one for one in found[1].splitlines() if one[:1] in "+-"]
    return []
