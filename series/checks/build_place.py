"""Where a tree is built: a checkout of its own, moved from commit to commit.

It is no registered worktree: the user's repository is only read.  Files that are the same in
two commits are not written again, so that make sees what changed.  On disk, for each tree::

    PLACE/source/         the checkout, about 1.3 GB of a kernel
    PLACE/index           git's index of it
    PLACE/lock            held while a run is at work, and by what it started
    PLACE/objects-ID/     one for each architecture, config and compiler
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import ConflictError, ProgramError, RerollError
from generator.process import Result
from generator.results import default_place, size_below
from generator.tree import Tree, run_git


@dataclass(frozen=True)
class Kept:
    """A place that a tree was built in: how many bytes there are, and whether one is at work."""

    place: Path
    size: int
    busy: bool


def above_all(named: Sequence[str]) -> Path:
    """The directory with the places to build in: the one that is named, or the user's cache."""
    return Path(named[-1]).expanduser().absolute() if named else default_place() / "build"


def kept(above: Path) -> list[Kept]:
    """The places below ``above``; nothing where it cannot be read."""
    found = []
    for lock in sorted(above.glob("*/lock")):
        if re.fullmatch(r"[0-9a-f]{16}", lock.parent.name):
            with _alone(lock) as free:
                found.append(Kept(lock.parent, size_below(lock.parent), not free))
    return found


def remove(one: Kept) -> None:
    """Remove a place where nobody is at work; ``RerollError`` when it cannot be removed."""
    with _alone(one.place / "lock") as free:
        if not free:
            raise ConflictError(f"another reroll builds in {one.place}")
        try:
            shutil.rmtree(one.place)
        except OSError as error:
            raise RerollError(f"{one.place}: cannot be removed: {error.strerror}") from error


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds ``lock``; if so, nobody else gets it meanwhile."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def place_of(tree: Tree, named: Sequence[str]) -> Path:
    """The directory to build ``tree`` in, below ``above_all``.

    Raises ``RerollError`` for one that make cannot work in.
    """
    above = above_all(named)
    repository = tree.git("rev-parse", "--path-format=absolute", "--git-common-dir")
    digest = hashlib.sha256(repository.encode("utf-8", "surrogateescape")).hexdigest()
    place = above / digest[:16]
    if any(letter in str(place) for letter in " :$#\t\n") or not place.is_absolute():
        raise RerollError(
            f"{place}: make cannot build in a directory of this name",
            hint="name another one with --objects",
        )
    if tree.path == place or tree.path in place.parents:
        raise RerollError(f"{place}: is inside the tree itself", hint="name another directory")
    return place


class Source:
    """The checkout in ``place``; to be used under ``locked``."""

    def __init__(self, tree: Tree, place: Path) -> None:
        self.tree = tree
        self.place = place
        self.path = place / "source"
        self.lock = -1
        self._commit = ""
        self._env = {
            "GIT_DIR": tree.git("rev-parse", "--absolute-git-dir"),
            "GIT_INDEX_FILE": str(place / "index"),
            "GIT_WORK_TREE": str(self.path),
        }

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out; ``ConflictError`` when one is at work here."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock = os.open(self.place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RerollError(f"{self.place}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Of a run that was killed; nobody else writes this index.
            (self.place / "index.lock").unlink(missing_ok=True)
            yield
        except BlockingIOError as error:
            # What a reroll that was killed has started goes on until it is done.
            raise ConflictError(
                f"another reroll, or a make that one left behind, builds in {self.place}",
                hint="try again when it has ended",
            ) from error
        finally:
            os.close(self.lock)
            self.lock = -1

    def move(self, commit: str) -> None:
        """Make the checkout that of ``commit``; ``ProgramError`` when it cannot be written."""
        if commit != self._commit:
            self._commit = ""
            # As many processes as there are processors (git-config(1)).
            self._git("-c", "checkout.workers=0", "read-tree", "--reset", "-u", commit)
            self._commit = commit

    def search(
        self, patterns: Sequence[str], regular: bool, kinds: Sequence[str] = ("*.c", "*.S")
    ) -> dict[str, set[str]]:
        """What each source (or file of other ``kinds``) has of words, or matches of patterns."""
        form = ["-E"] if regular else ["-w", "-F"]
        sought = [part for pattern in patterns for part in ("-e", pattern)]
        words = ["grep", "-o", "-z", "-I", "--no-color", "--no-line-number", "--no-column", *form]
        words += ["--no-recurse-submodules", *sought]
        said = self._git(*words, "--", *kinds, check=False)
        if said.returncode not in (0, 1):
            raise ProgramError(f"git grep in {self.path}: {said.complaint}")
        found: dict[str, set[str]] = {}
        for line in said.stdout.decode("utf-8", "surrogateescape").split("\n"):
            path, separator, text = line.partition("\0")
            if separator:
                found.setdefault(path, set()).add(text)
        return found

    def line(self, path: str, number: int) -> str:
        """A line of a file of the checkout; empty where there is none."""
        place = self.path / path
        if not place.resolve().is_relative_to(self.path.resolve()) or not place.is_file():
            return ""
        lines = place.read_bytes().split(b"\n")
        return lines[number - 1].decode("utf-8", "replace") if 0 < number <= len(lines) else ""

    def text(self, path: str) -> str:
        """A file of the checkout; empty where there is none."""
        with contextlib.suppress(OSError):
            return (self.path / path).read_text("utf-8", "replace")
        return ""

    def _git(self, *words: str, check: bool = True) -> Result:
        # git grep names files as seen from here.
        return run_git(words, cwd=self.path, env=self._env, check=check)
