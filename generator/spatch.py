"""Run spatch on files of a tree, and believe none of its exit codes.

spatch ends with status 0 when a file is missing, when it runs out of time and
when it cannot parse the very function that holds a call.  So it is run with its
parse messages on, each file in a group of its own, and whatever it says about a
file becomes that file's Outcome.  It is never asked to write (``--in-place`` is
not atomic): it gives diffs.

It is started in an empty directory with an empty home, because it silently
reads ``.cocciconfig`` from both; and never sees a path with a character that its
own shell commands would interpret.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from generator import process
from generator.errors import CampaignError, ProgramError, UsageError
from generator.query import Query, parse
from generator.rule import Rule

# File names reach /bin/sh inside spatch; ":" would be read as a line range.
_SAFE_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+,@=-]*\Z")
_SAFE_ROOT = re.compile(r"/[A-Za-z0-9_./+,@=-]*\Z")

# Files a process: many at first, so that its start-up (up to 0.1 s of processor time) does not
# show, fewer towards the end, so that all processors end together.
_MOST, _LEAST = 48, 8
# Bytes of a file that gets a process of its own, and of one beside which no other runs: spatch
# takes 400 times as much memory.
_LARGE = 200_000
_HUGE = 440_000
# Seconds between two looks at what else there is to do.
_TICK = 0.2
# Bytes at the end of what spatch said in which the file it is at is looked for.
_TAIL = 4096
_SAFE_FIRST = re.compile(r"(?:^|/)-")
_PARSE_ERROR = re.compile(r" = error in (.*); set verbose_parsing for more info\Z")
_DROP = re.compile(r'SPATCH-DROP kind=(\w+) reason="([^"]*)" file=(.*)\Z')
_EXCEPTION = re.compile(r"EXN: ?(.*?) in (\S+)\Z")
_SMPL_ERROR = re.compile(r'File "[^"]*", line (\d+), column (\d+)')
_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


# What --parse-cocci said, by spatch, rule and arguments: a large rule takes seconds.
_QUERIES: dict[tuple[str, ...], Query] = {}


class Kind(StrEnum):
    """How a file fared."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNPARSED = "unparsed"
    TIMED_OUT = "timed out"
    REFUSED = "refused"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    ``diff`` is what spatch would change (bytes, ``a/`` and ``b/`` paths from
    the tree's root, empty for none); ``unparsed`` are the lines at which one of
    the rule's words stands in code that spatch could not parse; ``detail`` says
    why, where ``kind`` is a failure.
    """

    path: str
    kind: Kind
    diff: bytes = b""
    unparsed: tuple[int, ...] = ()
    detail: str = ""

    @property
    def trouble(self) -> str:
        """Why the file cannot be taken for done, or empty."""
        if self.unparsed:
            lines = ", ".join(map(str, self.unparsed))
            return f"{self.path}:{lines}: spatch could not parse this code, which the rule is about"
        if self.kind in (Kind.CHANGED, Kind.UNCHANGED):
            return ""
        return f"{self.path}: {self.kind}: {self.detail}"

    @property
    def lasting(self) -> bool:
        """Whether it would be the same another time: it depends on nothing but contents."""
        return self.kind in (Kind.CHANGED, Kind.UNCHANGED, Kind.UNPARSED)

    def packed(self) -> bytes:
        """All but the path, as bytes."""
        head = json.dumps([self.kind, self.unparsed, self.detail])
        return head.encode() + b"\n" + self.diff

    @classmethod
    def unpacked(cls, path: str, data: bytes) -> "Outcome":
        """What ``packed`` made, for ``path``; ``ValueError`` when it is something else."""
        head, _, diff = data.partition(b"\n")
        try:
            kind, unparsed, detail = json.loads(head)
            return cls(path, Kind(kind), diff, tuple(map(int, unparsed)), str(detail))
        except TypeError as error:
            raise ValueError("no outcome") from error


Each = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True)
class Spatch:
    """A spatch program: its path, version line and what it was built with."""

    path: Path
    version: str
    python: bool
    ocaml: bool

    def runs(self, language: str) -> bool:
        """Whether script rules in ``language`` can run in this build."""
        return {"python": self.python, "ocaml": self.ocaml}.get(language, False)


def find_spatch(wanted: str = "", *, scripts: Sequence[str] = ()) -> Spatch:
    """The spatch to use: ``wanted`` (a path or a name), the wheel's, else the one in ``PATH``.

    For a rule with ``scripts`` (languages) the one in ``PATH`` comes before the
    wheel's, which has no scripting.  Raises ``ProgramError`` when there is none
    or it does not answer.
    """
    if not wanted and scripts and which("spatch"):
        wanted = "spatch"
    hint = "check --spatch and 'git config reroll.spatch'"
    if wanted:
        path = process.find(str(Path(wanted).expanduser()), hint=hint)
    else:
        path = _wheel_spatch() or process.find(
            "spatch",
            hint="install it with 'pip install cvehound-spatch' or 'apt install coccinelle'",
        )
    variables = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LC_ALL": "C"}
    result = process.run([path, "--version"], cwd=Path("/"), env=variables, timeout=30, check=True)
    said = result.stdout.decode("utf-8", "replace")
    if not said.startswith("spatch "):
        raise ProgramError(f"{path} is no spatch: it does not tell its version", hint=hint)
    return Spatch(
        path=Path(path).absolute(),
        version=said.splitlines()[0] if said else "unknown",
        python="Python scripting support: yes" in said,
        ocaml="OCaml scripting support: yes" in said,
    )


def _wheel_spatch() -> str | None:
    try:
        from cvehound_spatch import spatch_path
    except ImportError:
        return None
    path = Path(spatch_path())
    return str(path) if os.access(path, os.X_OK) else None


def refusal(path: str) -> str:
    """Why spatch must not be given ``path`` (relative to the tree's root), or empty."""
    if not _SAFE_PATH.match(path) or _SAFE_FIRST.search(path):
        return "its name holds characters that spatch would hand to a shell"
    if ".." in path.split("/"):
        return "it leads out of the tree"
    return ""


def outside(path: str) -> bool:
    """Whether a file of a tree must not be written out for spatch to read."""
    parts = path.split("/")
    return path.startswith("/") or not {"", ".", "..", ".cocciconfig"}.isdisjoint(parts)


class Engine:
    """One spatch and one rule: knows the rule's tokens, and runs it on files.

    A context manager: the rule's text, the empty home and spatch's temporary
    files live in a directory of its own, which goes when it is left.
    """

    def __init__(
        self,
        spatch: Spatch,
        rule: Rule,
        *,
        timeout: int,
        jobs: int,
        allow_scripts: bool = False,
        place: Path | None = None,
    ) -> None:
        """``timeout`` is in seconds a file, ``jobs`` the number of processes at a time.

        ``place`` is where temporary files go (default: where the system has them).

        Raises ``UsageError`` for a rule with scripts unless they are allowed,
        ``ProgramError`` when this spatch cannot run them.
        """
        if rule.scripts and not allow_scripts:
            raise UsageError(
                f"{rule.name}: has {', '.join(rule.scripts)} script rules, which run any code",
                hint="if you trust it, say --allow-scripts; report and org parts need no leave",
            )
        if lacking := [language for language in rule.scripts if not spatch.runs(language)]:
            raise ProgramError(
                f"{rule.name}: {spatch.path} was built without {', '.join(lacking)} scripting",
                hint="apt install coccinelle, or name a full spatch with --spatch",
            )
        self.spatch = spatch
        self.rule = rule
        self.timeout = timeout
        self._jobs = jobs
        self._place = place
        # What the processes at work say, and how the paths in it begin.
        self._running: dict[Path, str] = {}
        self._room = _Room(jobs)
        self._stopped = False

    def __enter__(self) -> "Engine":
        self._holder = TemporaryDirectory(prefix="reroll-spatch-", dir=self._place)
        self._dir = Path(self._holder.name)
        if not _SAFE_ROOT.match(str(self._dir)):
            self._holder.cleanup()
            raise UsageError(
                f"the directory for temporary files, {self._dir.parent}, has a name that spatch "
                "would hand to a shell",
                hint="set TMPDIR to a directory with a plain name",
            )
        for name in ("home", "cwd", "tmp"):
            (self._dir / name).mkdir()
        self._cocci = self._dir / "rule.cocci"
        self._cocci.write_text(self.rule.patch_text, encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.cleanup()

    def tokens(self) -> tuple[str, ...]:
        """The words of which a file must hold one for the rule to match in it.

        They are spatch's own view of the rule (its query), else the
        header's ``// Keywords:``.  Empty when it has none.  Raises
        ``CampaignError`` with spatch's line and column when the rule is wrong.
        """
        return self.query().words or self.rule.keywords

    def query(self) -> Query:
        """What a file must hold, of the words.  Raises as ``tokens`` does."""
        key = (str(self.spatch.path), self.rule.patch_text, *self.rule.arguments)
        if key not in _QUERIES:
            _QUERIES[key] = self._ask_query()
        return _QUERIES[key]

    def fingerprint(self, tokens: Sequence[str]) -> bytes:
        """A digest of all that outcomes follow from but the files.

        That is: the spatch program, the rule and its words, options, the time limit.
        """
        facts = self.spatch.path.stat()
        told = [
            *(str(self.spatch.path), self.spatch.version),
            *map(str, (facts.st_size, facts.st_mtime_ns, self.timeout)),
            *(self.rule.patch_text, *self.rule.arguments, *self.rule.options),
            *tokens,
        ]
        joined = "\0".join([str(len(told)), *told])
        return hashlib.sha256(joined.encode("utf-8", "surrogateescape")).digest()

    def _ask_query(self) -> Query:
        words = ["--parse-cocci", str(self._cocci), "--use-idutils", *self.rule.arguments]
        result = self._run(words, limit=60)
        self._complain(result)
        query = parse(result.stdout.decode("utf-8", "replace"))
        if self.rule.scripts:  # may match what spatch knows nothing of
            return replace(query, formula=None)
        return replace(query, weak=self.rule.declared_words)

    def verify(self) -> None:
        """Run the rule on a file of nothing; ``CampaignError`` when even that fails."""
        empty = self._dir / "cwd" / "empty.c"
        empty.write_text("int x;\n", encoding="utf-8")
        words = [*self.rule.options, "--sp-file", str(self._cocci), *self.rule.arguments]
        result = self._run([*words, str(empty)], limit=60)
        self._complain(result)
        if result.returncode != 0:
            raise CampaignError([f"{self.rule.name}: spatch: {_brief(result.complaint)}"])

    def run(
        self,
        tree: Path,
        paths: Sequence[str],
        tokens: Sequence[str],
        each: Each = lambda _: None,
        tick: Callable[[], None] = lambda: None,
        prepare: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> list[Outcome]:
        """Run the rule on ``paths`` of ``tree``: one Outcome a path, sorted by path.

        ``tokens`` are the words that the rule is about; ``each`` is called with
        outcomes as they come, ``tick`` a few times a second: what they raise ends the
        run.  ``prepare`` is called in a thread with paths that are about to be read.
        Raises ``CampaignError`` when spatch says that the rule is wrong and
        ``ProgramError`` when spatch cannot be run at all.
        """
        tree = tree.resolve()
        self._stopped = False
        self._words = re.compile(
            rf"\b(?:{'|'.join(re.escape(token) for token in tokens)})\b" if tokens else ""
        )
        if not _SAFE_ROOT.match(str(tree)):
            raise UsageError(f"{tree}: the path has characters that spatch would hand to a shell")
        if self.rule.knows_places and (tree / ".cocciconfig").exists():
            raise UsageError(f"{tree}: spatch would read the .cocciconfig that is there")
        done: list[Outcome] = []
        executor = ThreadPoolExecutor(max_workers=self._jobs)
        pending: set[Future[list[Outcome]]] = set()
        try:
            pending |= {
                executor.submit(self._prepared, tree, list(batch), prepare)
                for batch in _batches(paths, 1 if self.rule.counts else _MOST, self._jobs)
            }
            while pending:
                finished, pending = wait(pending, _TICK, FIRST_COMPLETED)
                for future in finished:
                    fresh = future.result()
                    done += fresh
                    each(fresh)
                tick()
        except BaseException:
            # A thread whose spatch was killed would take it for a batch that failed, and run it
            # again, in a directory that is being removed.
            self._stopped = True
            executor.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in pending):
                process.kill_all(self)
                time.sleep(0.01)
            raise
        executor.shutdown()
        return sorted(done, key=lambda outcome: outcome.path)

    def slowest(self) -> tuple[str, float]:
        """The file that spatch has been at for longest now, and for how many seconds."""
        now = time.time()
        found = [_current(errors, prefix) for errors, prefix in list(self._running.items())]
        return max(((path, now - since) for path, since in found), key=_age, default=("", 0.0))

    def _prepared(
        self, tree: Path, paths: list[str], prepare: Callable[[Sequence[str]], None]
    ) -> list[Outcome]:
        """Run one batch, less what spatch must not be given."""
        if self._stopped:
            return []
        prepare(paths)
        outcomes = [_unsafe(tree, path) for path in paths]
        todo = [path for path, bad in zip(paths, outcomes, strict=True) if bad is None]
        done = [outcome for outcome in outcomes if outcome is not None]
        # spatch gives no memory back: after a large file, what follows would come on top.
        large = [path for path in todo if (tree / path).stat().st_size > _LARGE]
        rest = [path for path in todo if path not in large]
        for group in [*([path] for path in large), *([rest] if rest else [])]:
            done += self._batch(tree, group)
        return done

    def _batch(self, tree: Path, paths: list[str]) -> list[Outcome]:
        """Run one batch; what did not end well, all of it or a file, is run again by itself."""
        alone = len(paths) == 1 and (tree / paths[0]).stat().st_size > _HUGE
        with self._room.taken(alone=alone):
            if self._stopped:
                return []
            result = self._invoke(tree, paths)
        read = self._read(tree, paths, result)
        if read is not None:
            # The files before it may have used up the memory.
            failed = [one.path for one in read if one.kind is Kind.FAILED and len(paths) > 1]
            good = [one for one in read if one.path not in failed]
            return good + [outcome for path in failed for outcome in self._batch(tree, [path])]
        self._complain(result)
        if len(paths) > 1:
            return [outcome for path in paths for outcome in self._batch(tree, [path])]
        kind = Kind.TIMED_OUT if result.timed_out or result.returncode == 124 else Kind.FAILED
        return [Outcome(paths[0], kind, detail=f"spatch {_brief(result.complaint)}")]

    def _read(self, tree: Path, paths: list[str], result: process.Result) -> list[Outcome] | None:
        """The outcomes of a batch, or ``None`` when the run as a whole cannot be believed."""
        if result.returncode != 0 or result.timed_out or b"How can diff be null" in result.stderr:
            return None
        diffs = split_diff(result.stdout)
        if set(diffs) - set(paths):
            return None
        # spatch passes bytes through; latin-1 keeps every byte a character.
        said = _Said(self._prefix(tree), result.stderr.decode("latin-1"))
        return [
            said.outcome(
                path,
                diffs.get(path, b""),
                self._words,
                (tree / path).read_bytes().decode("latin-1"),
            )
            for path in paths
        ]

    def _prefix(self, tree: Path) -> str:
        """What paths begin with where spatch has them: nothing, where it has to know the place."""
        return "" if self.rule.knows_places else f"{tree}/"

    def _invoke(self, tree: Path, paths: list[str]) -> process.Result:
        prefix = self._prefix(tree)
        groups = "\n\n".join(f"{prefix}{path}" for path in paths) + "\n"
        with TemporaryDirectory(dir=self._dir / "tmp") as private:
            listed = Path(private) / "groups"
            listed.write_text(groups, encoding="utf-8")
            words = [
                *("--parse-error-msg", "--no-scanner", "--timeout", str(self.timeout)),
                # Else spatch passes over files without a token and does not say so.
                "--disable-worth-trying-opt",
                *self.rule.options,
                *("--sp-file", str(self._cocci), *self.rule.arguments),
                *("--patch", str(tree), "--file-groups", str(listed)),
            ]
            errors = Path(private) / "errors"
            self._running[errors] = prefix
            try:
                # spatch's own limit is a file's; ours ends a spatch that ignores its own.
                limit = (self.timeout + 5) * len(paths) + 30
                cwd = None if prefix else tree
                return self._run(words, limit=limit, tmp=private, stderr=errors, cwd=cwd)
            finally:
                del self._running[errors]

    def _run(
        self,
        words: list[str],
        *,
        limit: float,
        tmp: str = "",
        stderr: Path | None = None,
        cwd: Path | None = None,
    ) -> process.Result:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._dir / "home"),
            "TMPDIR": tmp or str(self._dir / "tmp"),
            "LC_ALL": "C",
        }
        argv = [str(self.spatch.path), *words]
        cwd = cwd or self._dir / "cwd"
        return process.run(argv, cwd=cwd, env=environment, timeout=limit, stderr=stderr, owner=self)

    def _complain(self, result: process.Result) -> None:
        """Turn what spatch says against the rule itself into a CampaignError."""
        said = (result.stderr + b"\n" + result.stdout).decode("utf-8", "replace")
        name = self.rule.name
        if "No rules apply" in said:
            raise CampaignError(
                [f"{name}: spatch says that no rules apply"],
                hint="a rule needs lines with + or -, and 'virtual patch' where it depends on it",
            )
        if result.returncode != 0 and (where := _SMPL_ERROR.search(said)):
            what = "syntax error" if "parse error" in said else "error"
            raise CampaignError(
                [f"{name}:{where[1]}:{where[2]}: {what} in the semantic patch, says spatch"]
            )
        if "How can diff be null" in said:
            raise ProgramError(
                "spatch found no 'diff' program in PATH", hint="apt install diffutils"
            )
        if result.returncode != 0 and (told := re.search(r"(?:Fatal error|Failure).*", said)):
            raise CampaignError([f"{name}: spatch: {told[0].strip()}"])


class _Room:
    """Room for some processes at a time, or for one alone; whoever comes first is first."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._free = threading.Semaphore(places)
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def taken(self, *, alone: bool) -> Iterator[None]:
        """Wait for a place, or for all of them, and hold it."""
        wanted = self._places if alone else 1
        with self._turn:
            for _ in range(wanted):
                self._free.acquire()
        try:
            yield
        finally:
            self._free.release(wanted)


def _batches(paths: Sequence[str], most: int, jobs: int) -> Iterator[Sequence[str]]:
    """``paths`` in batches of at most ``most`` for ``jobs`` processes at a time."""
    start = 0
    while left := len(paths) - start:
        # Half of what each process would have to do, but no more than is there for each.
        fair = max(-(-left // (2 * jobs)), min(_LEAST, -(-left // jobs)))
        size = min(fair, most)
        yield paths[start : start + size]
        start += size


def _current(errors: Path, prefix: str) -> tuple[str, float]:
    """The file that a spatch is at by what it says, and since when (seconds since 1970)."""
    try:
        since = errors.stat().st_mtime
        with errors.open("rb") as stream:
            stream.seek(max(0, errors.stat().st_size - _TAIL))
            said = stream.read().decode("latin-1")
    except OSError:  # it has ended
        return "", time.time()
    _, _, name = said.rpartition("HANDLING: ")
    return name.partition("\n")[0].strip().removeprefix(prefix), since


def _age(item: tuple[str, float]) -> float:
    return item[1]


def _unsafe(tree: Path, path: str) -> Outcome | None:
    if reason := refusal(path):
        return Outcome(path, Kind.REFUSED, detail=reason)
    full = tree / path
    if not full.is_file():
        return Outcome(path, Kind.MISSING, detail="there is no such file")
    if full.is_symlink() or tree not in full.resolve().parents:
        return Outcome(path, Kind.REFUSED, detail="it is, or is behind, a symbolic link")
    return None


class _Said:
    """What spatch's standard error says, by file."""

    def __init__(self, prefix: str, text: str) -> None:
        self._prefix = prefix
        self._handled: set[str] = set()
        self._dropped: dict[str, tuple[Kind, str]] = {}
        self._regions: dict[str, list[list[str]]] = {}
        region: list[str] = []
        # Not splitlines(): a form feed ends no line of C.
        for line in text.split("\n"):
            if found := _PARSE_ERROR.match(line):
                region = []
                self._regions.setdefault(self._name(found[1]), []).append(region)
            elif line.startswith(("bad: ", "BAD:!!!!! ")):
                region.append(line[line.index(" ") + 1 :])
            elif line.startswith("HANDLING: "):
                self._handled |= {self._name(word) for word in line[10:].split()}
            elif found := _DROP.match(line):
                self._drop(self._name(found[3]), found[2])
            elif found := _EXCEPTION.match(line):
                self._drop(self._name(found[2]), found[1])

    def _name(self, path: str) -> str:
        return path.removeprefix(self._prefix)

    def _drop(self, path: str, reason: str) -> None:
        if "imeout" in reason:
            self._dropped[path] = (Kind.TIMED_OUT, "spatch ran into its time limit")
        elif path not in self._dropped:
            self._dropped[path] = (Kind.FAILED, f"spatch dropped it: {_brief(reason)}")

    def outcome(self, path: str, diff: bytes, words: re.Pattern[str], text: str) -> Outcome:
        """What became of ``path``, whose contents are ``text``, under a rule about ``words``."""
        if path in self._dropped:
            kind, detail = self._dropped[path]
            return Outcome(path, kind, diff, (), detail)
        if path not in self._handled:
            return Outcome(path, Kind.FAILED, detail="spatch did not say that it read it")
        unparsed = _locate(self._regions.get(path, []), words, text)
        kind = Kind.CHANGED if diff else Kind.UNPARSED if unparsed else Kind.UNCHANGED
        return Outcome(path, kind, diff, unparsed)


def _brief(reason: str) -> str:
    """The first words of what OCaml says of an exception."""
    text = " ".join(reason.replace("\\n", " ").split())
    text = re.sub(r"\S*/reroll-(?:tree|spatch)-[^/\s]*/(?:tree/|files/)?", "", text)
    return text if len(text) <= 160 else text[:157] + "..."


def _locate(regions: list[list[str]], words: re.Pattern[str], text: str) -> tuple[int, ...]:
    """The lines (from 1) of ``text`` at which one of ``words`` stands inside a region."""
    lines = text.split("\n")
    found: set[int] = set()
    if not words.pattern:
        return ()  # a rule about no word in particular
    for region in regions:
        hits = [offset for offset, line in enumerate(region) if words.search(line)]
        if not hits:
            continue
        size = len(region)
        starts = [at for at in range(len(lines)) if lines[at : at + size] == region] or [
            at - offset
            for offset in hits
            for at in range(len(lines))
            if lines[at] == region[offset]
        ]
        # Text of an expanded macro stands nowhere in the file.
        found |= {
            start + offset + 1
            for start in starts
            for offset in hits
            if 0 <= start + offset < len(lines)
        }
    return tuple(sorted(found))


def split_diff(output: bytes) -> dict[str, bytes]:
    """The diffs in what spatch prints, by path; each starts at its ``---`` line.

    Only headers and the lines that hunks say they have are taken: spatch prints
    warnings between them, and a ``diff -u -p`` line that ``git apply`` needs not.
    """
    parts: dict[str, bytes] = {}
    lines = output.split(b"\n")
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(b"diff -u -p a/"):
            path = ""
        elif not path and (found := re.match(rb"--- a/([^\t]+)", line)):
            path = found[1].decode("utf-8", "surrogateescape")
            parts[path] = parts.get(path, b"") + b"\n".join(lines[at : at + 2]) + b"\n"
            at += 1
        elif path and (hunk := _HUNK.match(line)):
            end = _hunk_end(lines, at + 1, int(hunk[1] or 1), int(hunk[2] or 1))
            parts[path] += b"\n".join(lines[at:end]) + b"\n"
            at = end - 1
        at += 1
    return parts


def _hunk_end(lines: list[bytes], at: int, old: int, new: int) -> int:
    """Where the hunk that starts at ``at`` ends, with ``old`` and ``new`` lines to come."""
    while at < len(lines) and (old > 0 or new > 0):
        kind = lines[at][:1]
        old -= kind != b"+"
        new -= kind != b"-"
        if kind == b"\\":
            old, new = old + 1, new + 1
        at += 1
    if at < len(lines) and lines[at].startswith(b"\\ "):
        at += 1
    return at
