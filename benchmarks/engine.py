# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""``reroll scan`` against the ways there are to run spatch on a tree.

Run as ``python -m benchmarks.engine --tree TREE`` in the top of the project.  TREE's HEAD is
cloned and checked out in a directory below build/bench that is removed at the end.  All
cases take turns in each round, after a round that doesn't count, each with an empty home, so
that no setting of the user changes a figure.  "Cold" is a store of results that did not
exist; the files are in the page cache.

A ratio is the median of the ratios of the rounds, so that a machine that slows down for a
while does so for both.  What a machine lacks (Debian's spatch for ``make coccicheck``, a
rule that the tree has not) is said in its row.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generator.conversion import Bench, Order
from generator.rule import Rule, read_rule
from generator.scan import preview
from generator.spatch import Engine, Spatch, find_spatch
from generator.tree import Tree

_NARROW = Path(__file__).with_name("narrow.cocci")
_WORD = "follow_pfn"  # what it is about
_BROAD = "scripts/coccinelle/free/ifnullfree.cocci"
_MEDIA = "drivers/media"
# Rules like the narrow one, with few candidates each: the search is most of the work.
_SEVERAL = (_WORD, "get_vaddr_frames", "put_vaddr_frames", "vm_iomap_memory")
_TIMEOUT = 120  # seconds a file, reroll's default
_SAMPLE = 0.1  # seconds between two looks at the memory
_MEMORY = 500  # MB
# A match is no failure of a scan, and nothing to change (1) is none either.
_SCAN = (0, 1)
_SCAN_WORDS = ("--remaining", "any")
_BARE = ("--no-style", "--no-kernel-doc")


class UnavailableError(Exception):
    """A case cannot run here; the text says why.  ``failed``: it could, and went wrong."""

    def __init__(self, why: str, *, failed: bool = False) -> None:
        super().__init__(why)
        self.failed = failed


@dataclass(frozen=True)
class Row:
    """A line of the table: the case that is ours, the one it is held against, and the aim."""

    name: str
    ours: str
    peer: str
    at_most: float


ROWS = (
    Row("narrow rule, tree: make coccicheck", "narrow", "narrow coccicheck", 0.80),
    Row("  engine only: git grep + one spatch", "narrow engine", "narrow spatch", 1.15),
    Row("ifnullfree, media: make coccicheck", "media", "media coccicheck", 0.80),
    Row("  best spatch command line", "media", "media spatch", 1.15),
    Row("  nothing changed: cold", "media again", "media", 0.08),
    Row("  1 % of the files changed: cold", "media changed", "media", 0.12),
    Row("  two Dask workers: local", "media dask", "media", 1.3),
    Row("four narrow rules, tree: one by one", "rules", "rules one by one", 1),
    Row("reroll --help: python3 -c pass", "help", "pass", 4),
)
_MEMORY_ROW = "peak memory, ifnullfree, drivers"


@dataclass(frozen=True)
class Place:
    """Where all happens: a clone with files, an empty home, caches, and what runs there.

    ``changed`` is a commit on top of the clone's HEAD in which files ``touched`` differ;
    ``cluster`` the address of a Dask scheduler, or why there is none behind a ``!``.
    """

    root: Path
    tree: Path
    spatch: Spatch
    jobs: int
    narrow: Rule
    broad: Rule | None = None
    tokens: tuple[str, ...] = ()
    candidates: int = 0
    changed: str = ""
    touched: tuple[str, ...] = ()
    cluster: str = "!not started"

    @property
    def environment(self) -> dict[str, str]:
        """Little of ours: what a ``make`` or a shell exports would reach coccicheck."""
        home = str(self.root / "home")
        # make coccicheck leaves temporary files behind by the thousand.
        own = {"HOME": home, "TMPDIR": str(self.root / "tmp"), "PATH": os.environ["PATH"]}
        return own | {"LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}

    def run(
        self,
        words: Sequence[str],
        *,
        cwd: Path | None = None,
        cache: str = "none",
        good: Sequence[int] = (0,),
    ) -> bytes:
        """What a program prints; ``UnavailableError`` when it ends with another status."""
        done = subprocess.run(
            list(words),
            cwd=cwd or self.root / "home",
            env=self.environment | {"XDG_CACHE_HOME": str(self.root / "cache" / cache)},
            capture_output=True,
            check=False,
        )
        if done.returncode not in good:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            last = said.rpartition("\n")[2][-200:]
            raise UnavailableError(f"failed ({done.returncode}): {last}", failed=True)
        return done.stdout

    def grep(self, tokens: Sequence[str], *paths: str) -> list[str]:
        """The C files and headers with one of the words: git grep in the work tree."""
        words = [word for token in tokens for word in ("-e", token)]
        specs = [f"{path}*.{suffix}" for path in paths or ("",) for suffix in "ch"]
        said = self.run(["git", "grep", "-lwF", *words, "--", *specs], cwd=self.tree, good=(0, 1))
        return said.decode().splitlines()

    def scan(self, cache: str, *words: str) -> bytes:
        """Our diff, with the results that are below ``cache``."""
        line = [_reroll(), "--tree", str(self.tree), "scan", *_SCAN_WORDS, *words]
        return self.run(line, cache=cache, good=_SCAN)

    def forget(self, cache: str) -> str:
        """``cache``, which is empty now."""
        shutil.rmtree(self.root / "cache" / cache, ignore_errors=True)
        return cache

    def with_broad(self) -> Rule:
        """The broad rule; ``UnavailableError`` where the tree has none."""
        if self.broad is None:
            raise UnavailableError(f"the tree has no {_BROAD} or no {_MEDIA}")
        return self.broad


# What a case prints.  A case makes ready, yields what is timed, and tidies up.
Timed = Callable[[], bytes]
Case = Callable[[Place], Iterator[Timed]]


def _narrow(place: Place) -> Iterator[Timed]:
    cache = place.forget("narrow")
    yield lambda: place.scan(cache, str(_NARROW))


def _narrow_coccicheck(place: Place) -> Iterator[Timed]:
    yield _coccicheck(place, f"COCCI={_NARROW}")


def _narrow_engine(place: Place) -> Iterator[Timed]:
    """In this process: candidates, their files written out, spatch.

    What the rule's words are is known from the round before, as its author knows it.
    """
    tree = Tree(place.tree)

    def run() -> bytes:
        with tree.worktree(tree.resolve("HEAD")) as worktree:
            bench = Bench(worktree, lambda _: place.spatch, timeout=_TIMEOUT, jobs=place.jobs)
            outcomes = preview(bench, Order(place.narrow))
        return b"".join(outcome.diff for outcome in outcomes)

    try:
        yield run
    finally:
        tree.close()


def _narrow_spatch(place: Place) -> Iterator[Timed]:
    """git grep, and one spatch with the files on its command line."""
    words = _spatch(place, place.narrow)

    def run() -> bytes:
        files = place.grep([_WORD])
        return place.run([*words, *(f"{place.tree}/{name}" for name in files)])

    yield run


def _media(place: Place) -> Iterator[Timed]:
    place.with_broad()
    cache = place.forget("media")
    yield lambda: place.scan(cache, _BROAD, _MEDIA)


def _media_coccicheck(place: Place) -> Iterator[Timed]:
    place.with_broad()
    yield _coccicheck(place, f"COCCI={_BROAD}", f"M={_MEDIA}")


def _media_spatch(place: Place) -> Iterator[Timed]:
    """git grep, and a spatch with as many workers as there are processors, a file a group."""
    rule = place.with_broad()
    groups = place.root / "groups"
    temporary = place.root / "home" / "spatch"
    words = [*_spatch(place, rule), "--no-scanner", "-j", str(place.jobs)]
    words += ["--tmp-dir", str(temporary), "--file-groups", str(groups)]

    def run() -> bytes:
        files = place.grep(place.tokens, f"{_MEDIA}/")
        groups.write_text("\n\n".join(f"{place.tree}/{name}" for name in files) + "\n")
        return place.run(words)

    yield run
    shutil.rmtree(temporary, ignore_errors=True)


def _media_again(place: Place) -> Iterator[Timed]:
    place.with_broad()
    yield lambda: place.scan("media", _BROAD, _MEDIA)


def _media_changed(place: Place) -> Iterator[Timed]:
    place.with_broad()
    yield lambda: place.scan("media", "--base", place.changed, _BROAD, _MEDIA)


def _media_dask(place: Place) -> Iterator[Timed]:
    place.with_broad()
    if place.cluster.startswith("!"):
        raise UnavailableError(place.cluster[1:])
    words = ("--executor", "dask", "--scheduler", place.cluster)
    cache = place.forget("dask")
    yield lambda: place.scan(cache, *words, _BROAD, _MEDIA)


def _several(place: Place) -> list[str]:
    """Rules about a few files each, as words of a command line."""
    made = []
    for word in _SEVERAL:
        file = place.root / "home" / f"{word}.cocci"
        file.write_text(_NARROW.read_text().replace(_WORD, word))
        made.append(str(file))
    return made


def _rules(place: Place) -> Iterator[Timed]:
    """Several rules in one run: one search, one start."""
    cache = place.forget("rules")
    rules = _several(place)
    yield lambda: place.scan(cache, *rules)


def _rules_one_by_one(place: Place) -> Iterator[Timed]:
    """The same rules in a run each."""
    rules = _several(place)
    caches = [place.forget(f"rules-{at}") for at in range(len(rules))]
    yield lambda: b"".join(
        place.scan(cache, rule) for cache, rule in zip(caches, rules, strict=True)
    )


def _help(place: Place) -> Iterator[Timed]:
    yield lambda: place.run([_reroll(), "--help"])


def _pass(place: Place) -> Iterator[Timed]:
    yield lambda: place.run([sys.executable, "-c", "pass"])


CASES: Mapping[str, Case] = {
    "narrow": _narrow,
    "narrow coccicheck": _narrow_coccicheck,
    "narrow engine": _narrow_engine,
    "narrow spatch": _narrow_spatch,
    "media": _media,
    "media again": _media_again,  # with what the one before remembers
    "media changed": _media_changed,
    "media coccicheck": _media_coccicheck,
    "media spatch": _media_spatch,
    "media dask": _media_dask,
    "rules": _rules,
    "rules one by one": _rules_one_by_one,
    "help": _help,
    "pass": _pass,
}


def _reroll() -> str:
    return str(Path(sys.executable).with_name("reroll"))


def _spatch(place: Place, rule: Rule) -> list[str]:
    """The wheel's spatch on a rule's parts for patch mode, which are written out."""
    file = place.root / "home" / rule.name
    file.write_text(rule.patch_text, encoding="utf-8")
    words = [str(place.spatch.path), "--very-quiet", "--include-headers", *rule.options]
    return [*words, *rule.arguments, "--sp-file", str(file), "--patch", str(place.tree)]


def _coccicheck(place: Place, *words: str) -> Timed:
    for program in ("make", "spatch", "lscpu"):
        if not shutil.which(program):
            raise UnavailableError(f"there is no '{program}' in PATH, which make coccicheck needs")
    line = ["make", "-s", "coccicheck", "MODE=patch", *words]
    return lambda: place.run(line, cwd=place.tree)


@dataclass
class Runs:
    """What was measured: seconds of each case and round, what cases printed, what cannot run."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    printed: dict[str, bytes] = field(default_factory=dict)
    missing: dict[str, UnavailableError] = field(default_factory=dict)

    def measure(self, place: Place, names: Sequence[str], rounds: int) -> None:
        """Run the cases in turns, a round more than ``rounds``; the first one warms up."""
        for number in range(rounds + 1):
            for name in names:
                if name not in self.missing:
                    self._once(place, name, warm=number > 0)

    def _once(self, place: Place, name: str, *, warm: bool) -> None:
        try:
            with contextlib.contextmanager(CASES[name])(place) as run:
                start = time.perf_counter()
                said = run()
                taken = time.perf_counter() - start
        except UnavailableError as error:
            self.missing[name] = error
            self.seconds.pop(name, None)
            return
        self.printed[name] = said
        if warm:
            self.seconds.setdefault(name, []).append(taken)

    def ratio(self, row: Row) -> float | None:
        """The median of the ratios of all rounds, or ``None`` where a case is missing."""
        if row.ours not in self.seconds or row.peer not in self.seconds:
            return None
        pairs = zip(self.seconds[row.ours], self.seconds[row.peer], strict=True)
        return statistics.median(ours / peer for ours, peer in pairs)

    def note(self, row: Row) -> str:
        """Why a row has no ratio, or empty."""
        found = (self.missing.get(name) for name in (row.ours, row.peer))
        return "; ".join(dict.fromkeys(str(error) for error in found if error))


@dataclass
class Memory:
    """The most memory that a process and all its children had at once, in MB.

    The sum of their proportional set sizes (proc(5), smaps_rollup): a page that several
    have counts once.  ``anonymous`` is the part of it that is no file's; ``at_peak`` says
    which programs it was.
    """

    peak: float = 0
    anonymous: float = 0
    at_peak: dict[str, float] = field(default_factory=dict)
    samples: int = 0
    seconds: float = 0

    def watch(self, pid: int, ended: threading.Event) -> None:
        """Look until ``ended``."""
        while not ended.wait(_SAMPLE):
            found: Counter[str] = Counter()
            anonymous = 0
            for one in _family(pid):
                name, total, private = _sizes(one)
                found[name] += total
                anonymous += private
            self.samples += 1
            self.anonymous = max(self.anonymous, anonymous / 1000)
            if found.total() / 1000 > self.peak:
                self.peak = found.total() / 1000
                self.at_peak = {name: size / 1000 for name, size in found.most_common()}


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _sizes(pid: int) -> tuple[str, int, int]:
    """The program of a process, and kilobytes of it: all, anonymous; none for one that is gone."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        said = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return "", 0, 0
    sizes = dict(re.findall(r"^(Pss\w*):\s+(\d+) kB", said, re.MULTILINE))
    return name, int(sizes.get("Pss", 0)), int(sizes.get("Pss_Anon", 0))


def memory(place: Place, folder: str = "drivers") -> Memory:
    """One cold scan over ``folder``; raises ``UnavailableError``."""
    place.with_broad()
    cache = place.root / "cache" / place.forget("memory")
    line = [_reroll(), "--tree", str(place.tree), "scan", *_SCAN_WORDS, _BROAD, folder]
    found, ended, start = Memory(), threading.Event(), time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            line,
            cwd=place.root / "home",
            env=place.environment | {"XDG_CACHE_HOME": str(cache)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        watcher = threading.Thread(target=found.watch, args=(child.pid, ended))
        watcher.start()
        try:
            status = child.wait()
        finally:
            ended.set()
            watcher.join()
    found.seconds = time.perf_counter() - start
    if status not in _SCAN:
        raise UnavailableError(f"failed ({status})", failed=True)
    return found


Hunk = tuple[str, bytes, bytes]


def hunks(said: bytes) -> Counter[Hunk]:
    """The hunks of a diff with anything around it: path, lines it is about, body.

    Not what follows the line numbers: git and diff name functions in ways of their own.
    """
    found: Counter[Hunk] = Counter()
    path, lines, at = "", said.split(b"\n"), 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(b"+++ "):
            name = line[4:].split(b"\t")[0].decode("utf-8", "surrogateescape")
            path = name.removeprefix("b/").removeprefix("./")
        elif head := re.match(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line):
            old, new = (int(number or 1) for number in head.groups())
            start = at
            while at < len(lines) and (old or new or lines[at].startswith(b"\\")):
                old -= lines[at][:1] in (b" ", b"-", b"")
                new -= lines[at][:1] in (b" ", b"+", b"")
                at += 1
            found[path, head[0], b"\n".join(lines[start:at])] += 1
    return found


def compare(place: Place, runs: Runs) -> list[dict[str, object]]:
    """Whether make coccicheck and we would change the same: its hunks, ours, only in one.

    Ours are those of the rule alone, without the passes for layout and kernel-doc.
    """
    found: list[dict[str, object]] = []
    for case, words in (("narrow", (str(_NARROW),)), ("media", (_BROAD, _MEDIA))):
        theirs = runs.printed.get(f"{case} coccicheck")
        if theirs is None or case not in runs.printed:
            continue
        ours, peer = hunks(place.scan(case, *_BARE, *words)), hunks(theirs)
        only = {"only_ours": ours - peer, "only_theirs": peer - ours}
        listed = {
            name: [f"{path} {head.decode()}" for path, head, _ in some.elements()]
            for name, some in only.items()
        }
        found.append({"case": case, "ours": ours.total(), "theirs": peer.total(), **listed})
    return found


@contextlib.contextmanager
def place_for(source: Path) -> Iterator[Place]:
    """A clone of ``source``'s HEAD with its files, and all else that the cases need."""
    holder = Path("build/bench").resolve()
    holder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix="engine-", dir=holder, ignore_cleanup_errors=True
    ) as name:
        root = Path(name)
        (root / "home").mkdir()
        (root / "tmp").mkdir()
        tree = root / "linux"
        _git(holder, "clone", "--quiet", "--shared", str(source), str(tree))
        place = Place(
            root=root,
            tree=tree,
            spatch=find_spatch(),
            jobs=len(os.sched_getaffinity(0)),
            narrow=read_rule(_NARROW, name=_NARROW.name),
        )
        if (tree / _BROAD).is_file() and (tree / _MEDIA).is_dir():
            place = _with_broad(place)
        # So that no git grep looks at files that have the index's own time.
        _git(tree, "status", "--porcelain")
        with cluster(place) as address:
            yield replace(place, cluster=address)


def _with_broad(place: Place) -> Place:
    """``place`` with the tree's own rule, its candidates, and a commit that changes some."""
    rule = read_rule(place.tree / _BROAD, name=Path(_BROAD).name)
    with Engine(place.spatch, rule, timeout=_TIMEOUT, jobs=1) as engine:
        tokens = engine.tokens()
    files = place.grep(tokens, f"{_MEDIA}/")
    touched = files[:: -(-len(files) // max(1, round(len(files) / 100)))]
    for file in touched:
        with (place.tree / file).open("ab") as text:
            text.write(b"/* changed */\n")
    people = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    _git(place.tree, *people, "commit", "--quiet", "--no-verify", "-am", "change some files")
    changed = _git(place.tree, "rev-parse", "HEAD")
    _git(place.tree, "reset", "--quiet", "--hard", "HEAD^")
    return replace(
        place,
        broad=rule,
        tokens=tokens,
        candidates=len(files),
        changed=changed,
        touched=tuple(touched),
    )


def _git(cwd: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "replace").strip()


@contextlib.contextmanager
def cluster(place: Place, workers: int = 2) -> Iterator[str]:
    """The address of a scheduler with one-thread workers, or why there is none behind a ``!``."""
    file = place.root / "scheduler.json"
    python = [sys.executable, "-m"]
    same = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    scheduler = [*python, "distributed.cli.dask_scheduler", *same]
    worker = [*python, "distributed.cli.dask_worker", "--nthreads", "1", *same]
    started = []
    try:
        started.append(_start(place, [*scheduler, "--port", "0"]))
        address = _address(file, started[0])
        started += [_start(place, worker) for _ in range(workers)] if address else []
        yield address or "!no Dask scheduler came up (is the extra 'cluster' installed?)"
    finally:
        for child in reversed(started):
            child.terminate()
            child.wait()


def _start(place: Place, words: Sequence[str]) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    where = place.root / "home"
    return subprocess.Popen(words, cwd=where, env=place.environment, stdout=quiet, stderr=quiet)


def _address(file: Path, scheduler: "subprocess.Popen[bytes]") -> str:
    """What a scheduler wrote into its file, once it has; empty when it ends or takes a minute."""
    for _ in range(600):
        with contextlib.suppress(OSError, ValueError):
            return str(json.loads(file.read_text())["address"])
        if scheduler.poll() is not None:
            break
        time.sleep(0.1)
    return ""


def machine() -> dict[str, object]:
    """What it was measured on."""
    facts = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", facts, re.MULTILINE)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.platform(),
        "processor": model[1] if model else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_mb": pages // 1_000_000,
        "load": os.getloadavg(),
    }


def versions(place: Place) -> dict[str, str]:
    """Of all that was measured."""
    makefile = (place.tree / "Makefile").read_text(encoding="utf-8", errors="replace")
    numbers = re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)$", makefile, re.MULTILINE)
    theirs = shutil.which("spatch")
    return {
        "linux": ".".join(numbers),
        "commit": _git(place.tree, "rev-parse", "HEAD"),
        "reroll": version("reroll"),
        "python": platform.python_version(),
        "git": _git(place.tree, "version").removeprefix("git version "),
        "spatch": place.spatch.version,
        "coccicheck_spatch": find_spatch(theirs).version if theirs else "none",
    }


def show(runs: Runs, rows: Sequence[Row], used: Memory | str | None) -> None:
    """Print the table: medians in seconds, ratios, and what they are to be at most."""
    print(f"{'ours: held against':38} {'ours':>9} {'peer':>9} {'ratio':>6} {'at most':>8}")
    for row in rows:
        medians = [_median(runs, name) for name in (row.ours, row.peer)]
        shown = " ".join(f"{one:9.3f}" if one is not None else f"{'-':>9}" for one in medians)
        ratio = runs.ratio(row)
        said = f"{ratio:6.2f}" if ratio is not None else f"{'-':>6}"
        tail = runs.note(row) or ("missed" if ratio and ratio > row.at_most else "")
        print(f"{row.name:38} {shown} {said} {row.at_most:8.2f}  {tail}".rstrip())
    if isinstance(used, Memory):
        tail = "missed" if used.peak > _MEMORY else ""
        shown = f"{used.peak:6.0f} MB {used.seconds:7.1f} s {'':6} {_MEMORY:5} MB  {tail}"
        print(f"{_MEMORY_ROW:38} {shown}".rstrip())
        parts = ", ".join(f"{name} {size:.0f}" for name, size in used.at_peak.items())
        print(f"  at the peak: {parts} MB; anonymous at most {used.anonymous:.0f} MB")
    elif used:
        print(f"{_MEMORY_ROW:38} {used}")


def _median(runs: Runs, name: str) -> float | None:
    return statistics.median(runs.seconds[name]) if runs.seconds.get(name) else None


def _report(
    place: Place, runs: Runs, rows: Sequence[Row], used: Memory | str | None
) -> dict[str, Any]:
    """All figures, for JSON."""
    return {
        "machine": machine(),
        "versions": versions(place),
        "candidates": place.candidates,
        "touched": place.touched,
        "cases": {
            name: {"median": statistics.median(times), "seconds": times}
            for name, times in runs.seconds.items()
        },
        "missing": {name: str(error) for name, error in runs.missing.items()},
        "rows": [
            {**asdict(row), "name": row.name.strip(), "ratio": runs.ratio(row)} for row in rows
        ],
        "memory": asdict(used) if isinstance(used, Memory) else used,
    }


def main() -> int:
    """Measure, print the table, and with --json write the figures; 1 when a run went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine")
    parser.add_argument("--tree", type=Path, required=True, help="the kernel tree")
    parser.add_argument("--rounds", type=int, default=5, help="how often (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--only", action="append", metavar="NAME", help="rows with this in them")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the clone goes
    only = args.only or [""]
    rows = [row for row in ROWS if any(part in _names(row) for part in only)]
    wanted = {name for row in rows for name in (row.ours, row.peer)}
    runs = Runs()
    used: Memory | str | None = None
    with place_for(args.tree.resolve()) as place:
        runs.measure(place, [name for name in CASES if name in wanted], max(args.rounds, 1))
        same = compare(place, runs)
        if any(part in _MEMORY_ROW for part in only):
            try:
                used = memory(place)
            except UnavailableError as error:
                used = str(error)
                runs.missing["memory"] = error
        report = _report(place, runs, rows, used) | {"hunks": same, "rounds": args.rounds}
    print(f"Linux {report['versions']['linux']}, medians of {args.rounds} rounds, in seconds")
    show(runs, rows, used)
    for one in same:
        print(f"hunks, {one['case']}: {one['ours']} ours, {one['theirs']} of make coccicheck")
        for name in ("only_ours", "only_theirs"):
            if one[name]:
                print(f"  {name.replace('_', ' ')}: {one[name]}")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if any(error.failed for error in runs.missing.values()) else 0


def _names(row: Row) -> str:
    return f"{row.name} / {row.ours} / {row.peer}"


if __name__ == "__main__":
    sys.exit(main())
