"""The only module that speaks to git about a tree.

Objects are read through GitPython; whatever writes is a git command started by
``generator.process``.  Nothing here touches the user's checked-out branch, index
or work tree: work is done in a temporary worktree with hooks, signing, rewriting
of line ends and automatic garbage collection off, and refs move in one
transaction when all is done.
"""

import contextlib
import os
import re
import shutil
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, NamedTuple

from generator import process
from generator.errors import ConflictError, ProgramError, RerollError, UsageError
from generator.holders import abandoned, held
from generator.suggestion import ending, nearest

if TYPE_CHECKING:
    from git import Repo

# What a user's configuration must not change in a tree that we made.
_NEUTRAL = (
    "core.hooksPath=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.sparseCheckout=false",
    "core.quotePath=false",
    "checkout.workers=0",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
    "apply.whitespace=nowarn",
    "apply.ignoreWhitespace=no",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.algorithm=myers",
    "diff.context=3",
    "diff.interHunkContext=0",
    "diff.renames=true",
    "diff.orderFile=/dev/null",
    "diff.submodule=short",
    "diff.suppressBlankEmpty=false",
    "diff.external=",
    "color.ui=false",
    "format.pretty=medium",
    "log.showSignature=false",
    "log.follow=false",
    "mailinfo.scissors=false",
    "am.messageId=false",
    "rerere.enabled=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
# "git rev-parse --local-env-vars", less GIT_CONFIG_PARAMETERS and GIT_CONFIG_COUNT,
# which carry the user's own -c.
_LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_ZERO = "0" * 40
_remembering: list[bool] = []
_configurations: dict[Path, list[str]] = {}
_PREFIX = "reroll-tree-"
# Paths on a command line.
_MANY = 200
_LISTED = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+)\t([^\0]*)\0")
_CONVERTED = ":(exclude,attr:!filter !working-tree-encoding)"
# What a worktree that is kept is for, in its administrative directory.
_NOTE = "reroll-resolve"


@dataclass(frozen=True)
class Identity:
    """A name and an address as git writes them, and a date as ``SECONDS +ZONE``."""

    name: str
    email: str
    date: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True)
class Commit:
    """A commit: its id, parents and tree, who wrote it, its whole message in UTF-8."""

    id: str
    parents: tuple[str, ...]
    tree: str
    author: Identity
    message: str


class Entry(NamedTuple):
    """A file in a tree or an index: its mode (git's six digits) and the id of its blob."""

    mode: str
    blob: str

    @property
    def plain(self) -> bool:
        """Whether it is a file, not a symbolic link."""
        return self.mode.startswith("100")


@dataclass(frozen=True)
class Hunk:
    """Lines that differ: the first (from 1) and how many, before and after."""

    old: int
    removed: int
    new: int
    added: int


@dataclass(frozen=True)
class RefUpdate:
    """Move ``ref`` from ``old`` (an object id, empty when it must not exist) to ``new``."""

    ref: str
    new: str
    old: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for git: ours, less what ties it to another repository."""
    kept = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    kept |= {"LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    # What is known by an object's id has to be of that object.
    kept["GIT_NO_REPLACE_OBJECTS"] = "1"
    return kept | dict(extra or {})


def run_git(
    words: Sequence[str],
    *,
    cwd: Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    check: bool = True,
    neutral: bool = True,
    settings: Sequence[str] = (),
    timeout: float | None = None,
) -> process.Result:
    """Run ``git WORDS`` in ``cwd``; ``neutral`` shuts out configuration that changes results.

    ``settings`` (``name=value``) are added to it; ``timeout`` is in seconds.

    Raises ``ProgramError`` when git is missing or, with ``check``, fails.
    """
    chosen = (*(_NEUTRAL if neutral else ()), *settings)
    config = [word for setting in chosen for word in ("-c", setting)]
    argv = ["git", *config, *words]
    result = process.run(argv, cwd=cwd, env=environment(env), stdin=stdin, timeout=timeout)
    if check and result.returncode != 0:
        raise ProgramError(f"git {words[0]} in {cwd}: {result.complaint}")
    return result


def _no_repository(path: Path, asked: process.Result) -> UsageError:
    said = asked.stderr.decode("utf-8", "replace").strip().split("\n")[0]
    if "not a git repository" not in said:
        # git has its own reasons to refuse one: another owner, a newer format.
        return UsageError(f"{path}: {said}")
    hint = "name a clone of the kernel with --tree or 'git config reroll.tree'"
    return UsageError(f"{path}: is not a git repository", hint=hint)


class Tree:
    """A git repository that holds a Linux tree; it may be bare, shallow or dirty."""

    def __init__(self, path: Path) -> None:
        """Open the repository at or above ``path``; ``UsageError`` when there is none."""
        process.find("git", hint="apt install git")
        if not path.is_dir():
            raise UsageError(f"{path}: there is no such directory")
        words = ["rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-cdup"]
        asked = run_git(words, cwd=path, check=False)
        if asked.returncode != 0:
            raise _no_repository(path, asked)
        bare, place, up = asked.stdout.decode("utf-8", "surrogateescape").split("\n")[:3]
        self.bare = bare == "true"
        self._tidied = False
        self._described: dict[str, str] = {}
        self._clean: set[str] = set()
        self.path = Path(place) if self.bare else (path / up).resolve() if up else path.absolute()

    @cached_property
    def _repo(self) -> "Repo":
        """GitPython's view, for what it reads more easily than git says it."""
        from git import Git, GitCmdObjectDB, Repo

        repo = Repo(self.path)
        # Whether it is bare may stand in a file that GitPython does not read.
        if self.bare and not repo.bare:
            repo.git = Git(self.path)
            repo.odb = GitCmdObjectDB(str(repo.odb.root_path()), repo.git)
        return repo

    def close(self) -> None:
        """End the helpers that read objects."""
        if "_repo" in self.__dict__:
            self._repo.close()

    def git(self, *words: str, stdin: bytes = b"", check: bool = True) -> str:
        """What ``git WORDS`` prints in this repository, less the last line end."""
        result = run_git(words, cwd=self.path, stdin=stdin, check=check)
        return result.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def resolve(self, revision: str) -> str:
        """The id of the commit that ``revision`` names; ``UsageError`` when it names none."""
        if "\0" not in revision:
            words = ("rev-parse", "--verify", "--quiet", "--end-of-options")
            found = self.git(*words, f"{revision}^{{commit}}", check=False)
            if re.fullmatch(r"[0-9a-f]{40}", found):
                return found
        refs = self.git("for-each-ref", "--format=%(refname:short)", check=False).split("\n")
        raise UsageError(
            f"{self.path}: there is no commit '{revision}'",
            hint=f"is it spelt right, and fetched into this clone?{ending(revision, refs)}",
        )

    def describe(self, commit: str) -> str:
        """A tag and distance for ``commit``, or its short id."""
        if commit not in self._described:
            self._described[commit] = self.git("describe", "--tags", "--always", commit)
        return self._described[commit]

    def subject(self, commit: str) -> str:
        """The first line of a commit's message."""
        return str(self._repo.commit(commit).summary)

    def author(self, commit: str) -> Identity:
        """Who wrote ``commit``."""
        who = self._repo.commit(commit).author
        return Identity(who.name or "", who.email or "")

    def authors(self, names: Sequence[str]) -> dict[str, Identity]:
        """Who wrote each of the commits whose ids begin with ``names``; others are left out."""
        words = ["log", "--no-walk=unsorted", "--ignore-missing", "--format=%H%x00%an%x00%ae"]
        asked = "".join(f"{name}\n" for name in names).encode()
        # Names that begin several ids are an error to git, which then says nothing.
        said = self.git(*words, "--stdin", stdin=asked, check=False) if names else ""
        found = [line.split("\0") for line in said.splitlines()]
        return {
            name: Identity(who, email)
            for name in names
            for commit, who, email in found
            if commit.startswith(name)
        }

    def messages(self, base: str, tip: str) -> dict[str, str]:
        """The message of each commit of ``base..tip``, by its id, the oldest first."""
        words = ("log", "--reverse", "--format=%H%n%B%x00", f"{base}..{tip}")
        entries = (entry.lstrip("\n").partition("\n") for entry in self.git(*words).split("\0"))
        return {commit: message for commit, _, message in entries if commit}

    def commits(self, base: str, tip: str) -> list[Commit]:
        """The commits of ``base..tip``, the oldest first."""
        form = "--format=%H%x00%P%x00%T%x00%an%x00%ae%x00%B"
        words = ("log", "--reverse", "--topo-order", "-z", "--encoding=UTF-8", form)
        parts = self.git(*words, f"{base}..{tip}").split("\0")
        rows = zip(*(parts[at::6] for at in range(6)), strict=False)
        return [
            Commit(commit, tuple(parents.split()), tree, Identity(name, email), message)
            for commit, parents, tree, name, email, message in rows
        ]

    def has(self, commit: str) -> bool:
        """Whether the commit with this id is here."""
        words = ("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
        return bool(self.git(*words, check=False))

    def diff(self, old: str, new: str, paths: Sequence[str] = ()) -> bytes:
        """What is different between two trees or commits (in ``paths``), as a git diff."""
        words = ["diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", old, new]
        literal = [f":(literal){path}" for path in paths]
        return run_git([*words, "--", *literal], cwd=self.path).stdout

    def differs(self, old: str, new: str, paths: Sequence[str] = ()) -> bool:
        """Whether two trees or commits are different (in ``paths``)."""
        return bool(self.names_between(old, new, paths))

    def names_between(self, old: str, new: str, paths: Sequence[str] = ()) -> list[str]:
        """The files that are different between two trees or commits, of a rename both."""
        words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new, "--")
        said = self.git(*words, *(f":(literal){path}" for path in paths))
        return [name for name in said.split("\0") if name]

    def files_of(self, base: str, tip: str) -> dict[str, tuple[str, ...]]:
        """The files that each commit of ``base..tip`` touches, of a rename both, by its id."""
        words = ["log", "--reverse", "--no-renames", "--name-only", "-z", "--format=%x01%H"]
        entries = self.git(*words, f"{base}..{tip}").split("\x01")[1:]
        split = ([part for part in re.split(r"\0\n?", entry) if part] for entry in entries)
        return {commit: tuple(names) for commit, *names in split}

    def subjects(self, commit: str, files: Sequence[str]) -> dict[str, list[str]]:
        """The subject lines of what changed each of ``files`` before ``commit``, newest first.

        The history is read as far as half a minute goes, and not beyond two
        thousand commits.
        """
        words = ["log", "--no-merges", "--no-renames", "--max-count=2000", "--format=%x01%s"]
        words += ["--name-only", "-z", commit, "--", *(f":(literal){file}" for file in files)]
        # What a run that is cut off has said is as good as far as it goes.
        result = run_git(words, cwd=self.path, check=False, timeout=30)
        found: dict[str, list[str]] = {}
        for entry in result.stdout.decode("utf-8", "replace").split("\x01")[1:]:
            subject, *names = re.split(r"[\0\n]+", entry)
            # A commit that brings in everything says nothing of a file.
            if len(names) < 1000:
                for name in names:
                    found.setdefault(name, []).append(subject)
        return found

    def entries(self, commit: str, folders: Collection[str]) -> dict[str, Entry]:
        """The files right below each of ``folders`` of a commit ("" is the top), by path."""
        found = dict(self._listed(commit)) if "" in folders else {}
        below = {folder for folder in folders if folder}
        if len(below) > _MANY:
            # Of all files of a tree, those that nobody asked for are a third of our memory.
            every = self._listed(commit, "-r")
            found.update(one for one in every if one[0].rpartition("/")[0] in below)
        elif below:
            literal = (f":(literal){folder}/" for folder in below)
            found.update(self._listed(commit, "--", *literal))
        return found

    def names(self, commit: str, paths: Sequence[str] = ()) -> list[str]:
        """All files of a commit that are, or are below, ``paths`` (none: everywhere)."""
        literal = (f":(literal){path}" for path in paths)
        said = self.git("ls-tree", "-r", "-z", "--name-only", commit, "--", *literal)
        return [name for name in said.split("\0") if name]

    def _listed(self, commit: str, *words: str) -> Iterator[tuple[str, Entry]]:
        options, paths = ([], words) if words[:1] == ("--",) else (words, ())
        said = run_git(["ls-tree", "-z", *options, commit, *paths], cwd=self.path).stdout
        for line in _LISTED.finditer(said):
            mode, kind, blob, path = (
                one.decode("utf-8", "surrogateescape") for one in line.groups()
            )
            if kind == "blob":
                yield path, Entry(sys.intern(mode), blob)

    def blobs(self, ids: Collection[str]) -> dict[str, bytes]:
        """The contents of blobs, by id; what is no blob is left out."""
        if not ids:
            return {}
        wanted = list(ids)
        asked = "".join(f"{one}\n" for one in wanted).encode()
        return _batch(wanted, run_git(["cat-file", "--batch"], cwd=self.path, stdin=asked).stdout)

    def grep(
        self, words: Sequence[str], specs: Sequence[str], commit: str = ""
    ) -> dict[str, list[str]]:
        """The lines of files that hold one of ``words`` as a whole word, by path.

        The files are those of ``commit`` or, without one, the tracked files of the work tree
        as they are on disk.  ``specs`` are pathspecs (gitglossary(7)).  Lines are latin-1, a
        byte a character.
        """
        sought = [part for word in words for part in ("-e", word)]
        # A user's configuration may add columns, colours and submodules.
        plain = ("--no-color", "--no-column", "--no-recurse-submodules", "--full-name")
        command = ["grep", *plain, "-z", "-a", "-n", "-w", "-F", *sought]
        command += [commit] if commit else []
        result = run_git([*command, "--", *specs], cwd=self.path, check=False)
        if result.returncode not in (0, 1):
            raise ProgramError(f"git grep in {self.path}: {result.complaint}")
        skip = len(commit) + 1 if commit else 0
        found: dict[str, list[str]] = {}
        for name, text in re.findall(rb"([^\0]+)\0\d+\0([^\n]*)\n", result.stdout):
            path = name.decode("utf-8", "surrogateescape")[skip:]
            found.setdefault(path, []).append(text.decode("latin-1"))
        return found

    def unlike(self, commit: str, specs: Sequence[str]) -> frozenset[str] | None:
        """The files of the work tree that may be unlike those of ``commit``.

        ``specs`` are pathspecs, none for all files.  ``None`` where files on disk say nothing of
        what is committed, because other objects stand in for them (git-replace(1)).
        """
        if self.git("for-each-ref", "--count=1", "refs/replace/"):
            return None
        said = self.git("ls-files", "-v", "-z", "--", *specs).split("\0")
        # Of what is not "H", git does not look at the file (git-ls-files(1)).
        found = {line[2:] for line in said if line and not line.startswith("H ")}
        # What is converted between file and blob (gitattributes(5)).
        found |= set(self.git("ls-files", "-z", "--", *specs, _CONVERTED).split("\0"))
        words = ("diff-index", "-z", "--name-only", "--no-renames", "--ignore-submodules=all")
        found |= set(self.git(*words, commit, "--", *specs).split("\0"))
        found.discard("")
        if not found and not specs:
            self._clean.add(commit)
        return frozenset(found)

    def index_state(self) -> tuple[int, ...] | None:
        """Numbers that are others when git has written the index; ``None`` without one."""
        try:
            facts = self._index.stat()
        except OSError:
            return None
        return (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)

    @cached_property
    def _index(self) -> Path:
        return self.path / self.git("rev-parse", "--git-path", "index")

    def tree_of(self, commit: str) -> str:
        """The id of the tree of ``commit``."""
        return self.git("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}")

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of this clone, one line each."""
        found = []
        if self.git("rev-parse", "--is-shallow-repository") == "true":
            found.append(f"{self.path} is a shallow clone: only the history it has can be a base")
        if (
            not self.bare
            and not self._is_clean()
            and self.git("status", "--porcelain", "-uno", check=False)
        ):
            found.append(f"{self.path} has uncommitted changes, which are no part of the base")
        return tuple(found)

    def _is_clean(self) -> bool:
        """Whether the work tree was found to be as HEAD, while something else was asked."""
        return bool(self._clean) and self.resolve("HEAD") in self._clean

    def identity(self) -> Identity:
        """Who commits here, with the time of the first asking; ``UsageError`` if git has no name.

        All that one run makes has one date.
        """
        return self._identity

    @cached_property
    def _identity(self) -> Identity:
        result = run_git(["var", "GIT_AUTHOR_IDENT"], cwd=self.path, check=False)
        found = re.match(rb"(.+) <(.+)> (\d+ [-+]\d{4})\Z", result.stdout.strip())
        if result.returncode != 0 or not found:
            raise UsageError(
                "git does not know who you are",
                hint="git config --global user.name NAME; git config --global user.email ADDRESS",
            )
        name, email, date = (part.decode("utf-8", "replace") for part in found.groups())
        return Identity(name, email, date)

    def ref(self, name: str) -> str:
        """The object id that ``name`` (a full ref) holds, or empty."""
        return self.git("rev-parse", "--verify", "--quiet", name, check=False)

    def tagged(self, pattern: str, line: str) -> set[str]:
        """The commits of the annotated tags named like ``pattern`` whose messages have ``line``."""
        form = "--format=%(*objectname)%00%(contents)%01"
        shown = self.git("for-each-ref", form, f"refs/tags/{pattern}")
        entries = (entry.strip().partition("\0") for entry in shown.split("\1"))
        return {commit for commit, _, text in entries if commit and line in text.split("\n")}

    def branch_name(self, name: str) -> str:
        """``name`` if a branch can have it, else ``UsageError`` (git-check-ref-format(1))."""
        made = run_git(["check-ref-format", "--branch", name], cwd=self.path, check=False)
        if made.returncode != 0:
            raise UsageError(f"'{name}' cannot be the name of a branch")
        return name

    def branch_holder(self, branch: str) -> str:
        """The worktree in which ``branch`` is checked out, or empty."""
        listed = self.git("worktree", "list", "--porcelain")
        for block in listed.split("\n\n"):
            lines = block.splitlines()
            if f"branch refs/heads/{branch}" in lines and "bare" not in lines:
                return lines[0].removeprefix("worktree ")
        return ""

    def make_tag(self, name: str, commit: str, message: str, tagger: Identity) -> str:
        """Write an annotated tag object for ``commit``; no ref moves.  Returns its id."""
        text = f"object {commit}\ntype commit\ntag {name}\ntagger {tagger} {tagger.date}\n\n"
        return self.git("mktag", stdin=(text + message.rstrip() + "\n").encode())

    def update_refs(self, updates: Sequence[RefUpdate]) -> None:
        """Move all refs or none; ``ConflictError`` when one is not what it was."""
        lines = ["start"]
        for update in updates:
            if target := self.git("symbolic-ref", "--quiet", update.ref, check=False):
                raise ConflictError(
                    f"{self.path}: {update.ref} is a symbolic ref to {target}; no ref was moved"
                )
            lines.append(f"update {update.ref} {update.new} {update.old or _ZERO}")
        script = "\n".join([*lines, "prepare", "commit", ""])
        result = run_git(
            ["update-ref", "-m", "reroll", "--create-reflog", "--stdin"],
            cwd=self.path,
            stdin=script.encode(),
            check=False,
        )
        if result.returncode != 0:
            said = result.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise ConflictError(f"{self.path}: no ref was moved: {said}")

    def _remove_orphans(self) -> None:
        """Remove what runs that were killed left: their worktrees, and their other files."""
        left = set(abandoned(_PREFIX))
        temporary = Path(gettempdir())
        for line in self.git("worktree", "list", "--porcelain").splitlines():
            place = Path(line.removeprefix("worktree "))
            holder = place.parent
            ours = holder.name.startswith(_PREFIX) and place.name == "tree"
            # Where we do not see its files, a container with others may.
            gone = holder.parent == temporary and not holder.exists()
            if line.startswith("worktree ") and ours and (holder in left or gone):
                self._remove_worktree(place)
        for holder in left:
            shutil.rmtree(holder, ignore_errors=True)

    @contextlib.contextmanager
    def worktree(self, commit: str) -> Iterator["Worktree"]:
        """A temporary, detached worktree at ``commit``, removed on the way out.

        It starts without files (but .gitattributes): writing out and removing a whole Linux takes
        far longer than all the work on the few files that a series needs.  It is made when
        something is first done in it.
        """
        if not self._tidied:
            self._remove_orphans()
            self._tidied = True
        with held(f"{_PREFIX}{os.getpid()}-") as holder:
            worktree = Worktree(holder / "tree", self, commit)
            try:
                yield worktree
            finally:
                with contextlib.suppress(RerollError):
                    worktree.settle()
                if worktree.begun:
                    self._remove_worktree(worktree.place)

    def add_worktree(self, place: Path, commit: str) -> None:
        """Make a detached worktree with a whole index and no files but .gitattributes.

        Raises ``ProgramError`` when git does.
        """
        words = ("worktree", "add", "--quiet", "--detach", "--force", "--no-checkout")
        self.git(*words, str(place), commit)
        # All files get the bit but those that say how diffs name functions.
        patterns = Worktree(place).admin("info/sparse-checkout")
        patterns.parent.mkdir(exist_ok=True)
        patterns.write_text(".gitattributes\n")
        sparse = ("core.sparseCheckout=true", "core.sparseCheckoutCone=false")
        # A split index is written in a third of the time: only what changed goes to disk.
        split = ("core.splitIndex=true", "splitIndex.maxPercentChange=100")
        run_git(("read-tree", "-m", "-u", "HEAD"), cwd=place, settings=(*sparse, *split))

    def _remove_worktree(self, place: Path) -> None:
        """Remove one worktree, and nobody else's: "worktree prune" takes unmounted ones, too."""
        with contextlib.suppress(RerollError):
            # Once for what is changed in it, once for the lock of one that is half made.
            self.git("worktree", "remove", "--force", "--force", str(place))
        shutil.rmtree(place, ignore_errors=True)

    def keep_worktree(self, place: Path, commit: str, note: str) -> "Worktree":
        """A worktree at ``commit`` that stays until ``drop_kept``; ``note`` says what it is for.

        ``place`` is a path that does not exist yet.  As ``worktree``, it has no files but
        those that are asked for.
        """
        try:
            self.add_worktree(place, commit)
            worktree = Worktree(place)
            worktree.admin(_NOTE).write_text(note, encoding="utf-8")
        except BaseException:
            self._remove_worktree(place)
            raise
        return worktree

    def kept(self, holder: Path) -> dict[Path, str]:
        """The worktrees right below ``holder`` that are kept, each with its note."""
        found = {}
        for line in self.git("worktree", "list", "--porcelain").splitlines():
            place = Path(line.removeprefix("worktree "))
            if line.startswith("worktree ") and place.parent == holder.resolve():
                with contextlib.suppress(OSError, UnicodeDecodeError, RerollError):
                    found[place] = Worktree(place).admin(_NOTE).read_text(encoding="utf-8")
        return found

    def drop_kept(self, place: Path) -> None:
        """Remove a kept worktree with all that is in it, and its holder when that is empty."""
        self._remove_worktree(place)
        with contextlib.suppress(OSError):
            place.parent.rmdir()


def read_settings(prefix: str, *, cwd: Path) -> dict[str, tuple[str, ...]]:
    """The git configuration under ``prefix.`` as git reads it in ``cwd`` (any directory).

    Keys are in lower case and without the prefix; a key that is given several
    times has several values, the one that wins last.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in _configuration(cwd):
        key, separator, value = entry.partition("\n")
        if key.startswith(f"{prefix}."):
            name = key.removeprefix(f"{prefix}.")
            found[name] = (*found.get(name, ()), value if separator else "true")
    return found


@contextlib.contextmanager
def one_reading() -> Iterator[None]:
    """While this lasts, git's configuration is read once for each directory."""
    _configurations.clear()
    _remembering.append(True)
    try:
        yield
    finally:
        _remembering.pop()
        _configurations.clear()


def _configuration(cwd: Path) -> list[str]:
    """All entries of git's configuration: a key, and its value behind a line end."""
    if cwd in _configurations:
        return _configurations[cwd]
    result = run_git(["config", "-z", "--list"], cwd=cwd, check=False, neutral=False)
    found = result.stdout.decode("utf-8", "replace").split("\0")
    if _remembering:
        _configurations[cwd] = found
    return found


class Worktree:
    """A temporary worktree: the only place where files are changed.

    Its index is whole, its files come when they are asked for (git's
    "skip-worktree" bit stands on the others; git apply, am and cherry-pick
    fetch what they need by themselves).
    """

    def __init__(self, path: Path, tree: Tree | None = None, base: str = "") -> None:
        """The worktree at ``path``; with ``tree`` it is made there, at ``base``, when needed."""
        self._place = path
        self._tree = tree
        self._base = base
        self._making: Future[None] | None = None
        self._lock = threading.Lock()
        self.made = tree is None

    @property
    def path(self) -> Path:
        """The directory; it is made with the first question for it."""
        if not self.made:
            self.begin()
            self.settle()
            self.made = True
        return self._place

    def begin(self) -> None:
        """Have it made while other things are done: the next question for ``path`` waits for it."""
        with self._lock:
            if self.made or self._making or self._tree is None:
                return
            executor = ThreadPoolExecutor(1)
            self._making = executor.submit(self._tree.add_worktree, self._place, self._base)
            executor.shutdown(wait=False)

    def settle(self) -> None:
        """Wait for what has begun; raises what went wrong with it."""
        if self._making:
            self._making.result()

    @property
    def place(self) -> Path:
        """The directory, made or not."""
        return self._place

    @property
    def begun(self) -> bool:
        """Whether there is, or may be, anything to remove."""
        return self._making is not None

    @property
    def holder(self) -> Path:
        """A directory for what else there is of this worktree; it goes when that does."""
        return self._place.parent

    @property
    def origin(self) -> tuple[Tree, str]:
        """The repository, and the commit that this worktree started at."""
        if self._tree is None:
            raise RerollError(f"{self._place}: a worktree that is kept has no origin")
        return self._tree, self._base

    def changes(self) -> dict[str, Entry | None]:
        """What is staged and unlike the commit that this worktree started at; ``None``: gone."""
        if not self.made:
            return {}
        words = ("--cached", "--raw", "--no-abbrev", "--no-renames", "-z")
        said = self.git("diff", *words, self.origin[1]).decode("utf-8", "surrogateescape")
        parts = said.split("\0")
        rows = ((facts.split(), path) for facts, path in zip(parts[::2], parts[1::2], strict=False))
        return {
            path: None if facts[4] == "D" else Entry(facts[1], facts[3]) for facts, path in rows
        }

    @cached_property
    def _unwritten(self) -> frozenset[str]:
        """The tracked files that were not on disk at first; some of them may be since."""
        listed = self.git("ls-files", "-z", "-v").decode("utf-8", "surrogateescape")
        return frozenset(line[2:] for line in listed.split("\0") if line[:2] == "S ")

    def mark(self, bit: str, names: bytes) -> None:
        """Set a bit of git-update-index(1) on the NUL-separated ``names``."""
        self.git("update-index", "-z", bit, "--stdin", stdin=names)

    def materialize(self, paths: Sequence[str]) -> None:
        """Write the tracked files among ``paths`` out, unless they are there already."""
        wanted = {path for path in paths if not (self.path / path).exists()}
        absent = wanted & self._unwritten if wanted else set()
        if absent:
            # git apply writes a file that it changes, and may have taken it away.
            listed = self.git("ls-files", "-z", "-v", "--", *_literal(absent))
            lines = listed.decode("utf-8", "surrogateescape").split("\0")
            absent = {line[2:] for line in lines if line[:2] == "S "} & absent
        if absent:
            names = "\0".join(absent).encode("utf-8", "surrogateescape") + b"\0"
            self.mark("--no-skip-worktree", names)
            self.git("checkout-index", "-u", "-f", "-z", "--stdin", stdin=names)

    def directories(self) -> frozenset[str]:
        """All directories of the tree at HEAD."""
        listed = self._look("ls-tree", "-r", "-d", "-z", "--name-only", self._head)
        return frozenset(listed.decode("utf-8", "surrogateescape").split("\0")) - {""}

    def make_directories(self, names: Iterable[str]) -> None:
        """Make those of ``names`` that are directories of the tree, with nothing in them."""
        for name in self.directories() & set(names):
            (self.path / name).mkdir(parents=True, exist_ok=True)

    def extracted(self, path: str) -> Path:
        """A copy of the file at HEAD, beside the worktree: for those who only read it.

        ``UsageError`` when there is no such file.
        """
        content = self.contents([path]).get(path)
        if content is None or ".." in Path(path).parts or Path(path).is_absolute():
            raise UsageError(f"{path}: there is no such file in the tree")
        place = self.holder / "extracted" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def top_files(self) -> list[str]:
        """The files at the root of the tree."""
        listed = self.git("ls-files", "-z", "--", ":(glob)*")
        return [name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name]

    def git(self, *words: str, stdin: bytes = b"") -> bytes:
        """What ``git WORDS`` prints here; ``ProgramError`` when it fails."""
        return run_git(words, cwd=self.path, stdin=stdin).stdout

    def head(self) -> str:
        """The commit this worktree is at."""
        if not self.made:
            return self._base
        return self.git("rev-parse", "HEAD").decode().strip()

    def file(self, path: str) -> Path:
        """Where ``path`` is on disk; ``UsageError`` when it leads out of the worktree."""
        full = self.path / path
        root = self.path.resolve()
        # File systems that fold case, or cut dots and spaces, take these for .git, too.
        folded = {part.casefold().rstrip(". ") for part in Path(path).parts}
        outside = Path(path).is_absolute() or ".." in Path(path).parts or folded & {".git", "git~1"}
        if outside:
            raise UsageError(f"{path}: leads out of the tree")
        try:
            self.materialize([path])
            inside = root in full.resolve().parents
        except (OSError, RuntimeError) as error:  # a name too long, a loop of links
            raise UsageError(f"{path[:80]}: is not a usable path") from error
        if not inside:
            raise UsageError(f"{path}: leads out of the tree")
        return full

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The files at HEAD among ``paths``, by path; those that are not there are left out."""
        wanted = list(paths)
        # A line end would be the end of the question: ask for the id first.
        odd = {path: self._blob(path) for path in wanted if "\n" in path}
        lines = [odd.get(path, f"{self._head}:{path}") for path in wanted]
        asked = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        said = self._look("cat-file", "--batch", stdin=asked) if wanted else b""
        return _batch(wanted, said)

    @property
    def _head(self) -> str:
        """HEAD, by a name that is good wherever ``_look`` looks."""
        return "HEAD" if self.made else self._base

    def _look(self, *words: str, stdin: bytes = b"", check: bool = True) -> bytes:
        """What a git that only reads objects prints; the worktree is not made for it."""
        cwd = self._tree.path if self._tree and not self.made else self._place
        return run_git(words, cwd=cwd, stdin=stdin, check=check).stdout

    def staged_contents(self, paths: Sequence[str]) -> dict[str, bytes]:
        """What the index has of ``paths``, by path; those that it has not are left out.

        So are those with a line end in their names: git cannot be asked for them.
        """
        if not self.made:
            return self.contents(paths)
        plain = [path for path in paths if "\n" not in path]
        asked = "".join(f":{path}\n" for path in plain).encode("utf-8", "surrogateescape")
        return _batch(plain, self.git("cat-file", "--batch", stdin=asked)) if plain else {}

    def blobs(self, ids: Collection[str]) -> dict[str, bytes]:
        """The contents of blobs, by id; what is no blob is left out."""
        wanted = list(ids)
        asked = "".join(f"{one}\n" for one in wanted).encode()
        return _batch(wanted, self._look("cat-file", "--batch", stdin=asked)) if wanted else {}

    def _blob(self, path: str) -> str:
        words = ("rev-parse", "--verify", "--quiet", f"{self._head}:{path}")
        return self._look(*words, check=False).decode().strip() or _ZERO

    def exists(self, path: str) -> bool:
        """Whether git tracks ``path``, a file or a directory, here."""
        if not self.made:
            return self._blob(path.rstrip("/") if path != "." else "") != _ZERO
        return bool(self.git("ls-files", "-z", "--", f":(literal){path}"))

    def likely(self, path: str) -> str:
        """The end of a line that says that ``path`` is not tracked: the nearest one, or empty."""
        parent, rest = "", path.strip("/").split("/")
        while len(rest) > 1 and self.exists(f"{parent}{rest[0]}"):
            parent, rest = f"{parent}{rest[0]}/", rest[1:]
        name = nearest(rest[0], self._names_in(parent))
        if not name:
            return ""
        whole = "/".join([f"{parent}{name}", *rest[1:]])
        found = whole if self.exists(whole) else f"{parent}{name}"
        return f"; did you mean '{found}'?"

    def _names_in(self, folder: str) -> set[str]:
        """What there is right below ``folder``, which is empty or ends in "/"."""
        if self.made:
            listed = self.git("ls-files", "-z", "--", f":(literal){folder}" if folder else ".")
        else:
            words = ("ls-tree", "-z", "--name-only", f"{self._head}:{folder}")
            listed = self._look(*words, check=False)
        names = listed.decode("utf-8", "surrogateescape").split("\0")[:-1]
        return {name.removeprefix(folder).partition("/")[0] for name in names}

    def admin(self, name: str) -> Path:
        """Where ``name`` is, or would be, in this worktree's administrative directory."""
        # Of a worktree, .git is a file that names it (gitrepository-layout(5)).
        named = (self.path / ".git").read_text(encoding="utf-8", errors="surrogateescape")
        return Path(named.removeprefix("gitdir: ").rstrip("\n")) / name

    def misfits(self, diff: bytes, tree: str) -> list[tuple[str, int]]:
        """Where ``diff`` does not fit ``tree``: files, each with the line of its first such hunk.

        Lines are those of the hunk's header, 0 where the file as a whole is wrong.
        """
        with self.scratch_index() as index:
            said = index.check(diff, tree)
        found: dict[str, int] = {}
        for name, line in re.findall(r"^error: (?:patch failed: )?([^:\n]+):(\d+)?", said, re.M):
            found.setdefault(name, int(line or 0))
        return list(found.items())

    def leftover_markers(self) -> list[str]:
        """Where what is staged has a line that a merge left, as ``FILE:LINE``."""
        result = run_git(["diff", "--cached", "--check", "HEAD"], cwd=self.path, check=False)
        said = result.stdout.decode("utf-8", "replace")
        return re.findall(r"^(.+:\d+): leftover conflict marker$", said, re.MULTILINE)

    def apply_partly(self, diff: bytes) -> None:
        """Apply what fits of ``diff``: conflict markers where its blobs are known, else .rej files.

        What was staged stays so, and a hunk that does not fit changes nothing.
        """
        named = run_git(["apply", "--numstat", "-z", "-"], cwd=self.path, stdin=diff, check=False)
        names = named.stdout.decode("utf-8", "surrogateescape").replace("\t", "\0").split("\0")
        # git would write them out by itself, and then not know them again.
        self.materialize(names)
        merged = run_git(
            ["apply", "--index", "--3way", "-"], cwd=self.path, stdin=diff, check=False
        )
        if merged.returncode != 0 and not self.git("status", "--porcelain", "-uno"):
            # Its exit status says again that there are rejects.
            run_git(["apply", "--index", "--reject", "-"], cwd=self.path, stdin=diff, check=False)

    def apply(self, diff: bytes, *, three_way: bool = False) -> None:
        """Apply ``diff`` to files and index, wholly or not at all.

        Raises ``ConflictError`` with the files that it does not fit.
        """
        words = ["apply", "--index", *(["--3way"] if three_way else []), "-"]
        result = run_git(words, cwd=self.path, stdin=diff, check=False)
        if result.returncode != 0:
            said = result.stderr.decode("utf-8", "replace")
            files = dict.fromkeys(re.findall(r"error: (?:patch failed: )?([^:\n]+):", said))
            raise ConflictError(f"does not apply: {', '.join(files) or result.complaint}")

    def stage(self, paths: Sequence[str]) -> None:
        """Take ``paths`` as they are on disk, or their absence, into the index, ignored or not."""
        names = "\0".join(paths).encode("utf-8", "surrogateescape") + b"\0"
        self.git("update-index", "--add", "--remove", "-z", "--stdin", stdin=names)

    def staged_diff(self, renames: str = "50%") -> bytes:
        """The change that would be committed, as a git diff; empty for none.

        ``renames`` is how much of a moved file must be the same.
        """
        if not self.made:
            return b""
        words = ["--cached", "--text", "--full-index", "--no-ext-diff", "--no-textconv"]
        return self.git("diff", *words, f"--find-renames={renames}")

    def snapshot(self) -> str:
        """The id of a tree of what is staged now."""
        return self.git("write-tree").decode().strip()

    def hunks_since(self, snapshot: str) -> dict[str, list[Hunk]]:
        """Where what is staged differs from ``snapshot``, by path, without context."""
        said = self.git(
            "diff", "--cached", "--text", "-U0", "--no-renames", "--no-ext-diff", snapshot
        )
        found: dict[str, list[Hunk]] = {}
        hunks: list[Hunk] = []
        for line in said.split(b"\n"):
            if line.startswith(b"+++ b/"):
                path = line[6:].rstrip(b"\t").decode("utf-8", "surrogateescape")
                hunks = found.setdefault(path, [])
            elif match := re.match(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
                old, count, new, added = (int(number or 1) for number in match.groups())
                # Of no lines, git names the line before.
                hunks.append(Hunk(old + (count == 0), count, new + (added == 0), added))
        return found

    def commit(self, message: str, author: Identity, committer: Identity) -> str:
        """Commit what is staged; returns the new commit's id."""
        result = run_git(
            ["commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--file=-"],
            cwd=self.path,
            stdin=message.encode(),
            env=_identities(author, committer),
            check=False,
        )
        if result.returncode != 0:
            raise ProgramError(f"git commit: {result.complaint}")
        return self.head()

    def staged_entries(self) -> dict[str, str]:
        """What is staged, by path: a line for ``git update-index --index-info``."""
        said = self.git("diff", "--cached", "--raw", "--no-abbrev", "--no-renames", "-z", "HEAD")
        parts = said.decode("utf-8", "surrogateescape").split("\0")
        found = {}
        for facts, path in zip(parts[::2], parts[1::2], strict=False):
            _, mode, _, blob, _ = facts.split()
            found[path] = f"{mode} {blob}\t{path}"
        return found

    def detach(self, commit: str) -> None:
        """Let HEAD be ``commit``; index and files stay as they are."""
        self.git("update-ref", "--no-deref", "HEAD", commit)

    @contextlib.contextmanager
    def scratch_index(self) -> Iterator["ScratchIndex"]:
        """A second index, at HEAD, for commits that hold a part of what is staged."""
        index = ScratchIndex(self, self.path.parent / "scratch-index")
        index.reset(self.head())
        yield index


class ScratchIndex:
    """An index of its own beside a worktree's: commits can be made without touching files."""

    def __init__(self, worktree: Worktree, place: Path) -> None:
        self._worktree = worktree
        self._variables = {"GIT_INDEX_FILE": str(place)}
        self._parent = ""

    def _git(self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        result = run_git(
            words,
            cwd=self._worktree.path,
            stdin=stdin.encode("utf-8", "surrogateescape"),
            env={**self._variables, **(env or {})},
        )
        return result.stdout.decode().strip()

    def reset(self, commit: str) -> None:
        """Start again from ``commit``."""
        self._parent = commit
        self._git("read-tree", commit)

    def check(self, diff: bytes, tree: str) -> str:
        """What ``git apply --check`` complains of when ``diff`` is to fit ``tree``."""
        self._git("read-tree", tree)
        words = ["apply", "--check", "--cached", "-"]
        result = run_git(
            words, cwd=self._worktree.path, stdin=diff, env=self._variables, check=False
        )
        return result.stderr.decode("utf-8", "replace")

    def has(self, diff: bytes) -> bool:
        """Whether the change that ``diff`` makes is there already."""
        words = ["apply", "--cached", "--reverse", "--check", "-"]
        env = self._variables
        done = run_git(words, cwd=self._worktree.path, stdin=diff, env=env, check=False)
        return done.returncode == 0

    def put(self, entries: Sequence[str]) -> None:
        """Take over entries as ``Worktree.staged_entries`` has them."""
        self._git("update-index", "-z", "--index-info", stdin="\0".join(entries) + "\0")

    def commit(self, message: str, author: Identity, committer: Identity) -> str:
        """Commit the index on top of where it started, or of its last commit; returns the id."""
        tree = self._git("write-tree")
        people = _identities(author, committer)
        words = ("commit-tree", tree, "-p", self._parent)
        self._parent = self._git(*words, stdin=message, env=people)
        return self._parent


def _identities(author: Identity, committer: Identity) -> dict[str, str]:
    return {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_AUTHOR_DATE": author.date,
        "GIT_COMMITTER_NAME": committer.name,
        "GIT_COMMITTER_EMAIL": committer.email,
        "GIT_COMMITTER_DATE": committer.date,
    }


def _batch(wanted: Sequence[str], said: bytes) -> dict[str, bytes]:
    """What ``git cat-file --batch`` said of each of ``wanted``, as far as that is a blob."""
    found, at = {}, 0
    for name in wanted:
        end = said.index(b"\n", at)
        facts = said[at:end].rsplit(b" ", 2)
        at = end + 1
        if facts[-1].isdigit():
            size = int(facts[-1])
            if facts[-2] == b"blob":
                found[name] = said[at : at + size]
            at += size + 1
    return found


def _literal(paths: Collection[str]) -> list[str]:
    """Pathspecs for ``paths``; none, so that all files are meant, where they are too many."""
    return [f":(literal){path}" for path in paths] if len(paths) <= _MANY else []
