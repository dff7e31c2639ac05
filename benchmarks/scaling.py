# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""The parts of the cost model in docs/scaling.md, and how well it foretells one and two workers.

Run as ``python -m benchmarks.scaling --tree TREE`` in the top of the project.  The rule is
ifnullfree on drivers/media, in this process, without a store of results; each figure is the
median of the rounds, which take turns.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.engine import Place, cluster, place_for
from generator.candidates import Candidates
from generator.conversion import Bench, Order
from generator.execution import Executor, Local
from generator.results import NoResults
from generator.scan import preview
from generator.sources import Listing, Shelf, Sources
from generator.spatch import Engine
from generator.tree import Tree, Worktree

_MEDIA = "drivers/media"
_TIMEOUT = 120  # seconds
_TASKS = 200
_BATCH = 32

Figures = dict[str, float]


@contextmanager
def _worktree(place: Place) -> Iterator[Worktree]:
    tree = Tree(place.tree)
    try:
        with tree.worktree(tree.resolve("HEAD")) as worktree:
            yield worktree
    finally:
        tree.close()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def parts(place: Place) -> Figures:
    """What a run is made of: seconds of each part, how many files, how many bytes."""
    rule = place.with_broad()
    found: Figures = {}
    with _worktree(place) as worktree:
        hits: dict[str, str] = {}
        candidates = Candidates(worktree, NoResults())

        def search() -> None:
            with candidates.lookup(place.tokens, ["."]) as lookup:
                hits.update(lookup.settle())

        found["search"] = _seconds(search)
        files = sorted(name for name in hits if name.startswith(f"{_MEDIA}/") and name[-1] in "ch")
        shelf = Shelf(worktree.holder / "files")
        listing = Listing(worktree)
        made: list[Sources] = []
        start = _seconds(lambda: made.append(Sources(worktree, listing, NoResults(), shelf, files)))
        found["headers"] = start
        found["write"] = _seconds(lambda: made[0].write_out(files))
        contents: dict[str, bytes] = {}
        found["read"] = _seconds(lambda: contents.update(made[0].contents(files[:_BATCH])))
        found["files"] = len(files)
        found["batch bytes"] = sum(map(len, contents.values()))
        with Engine(place.spatch, rule, timeout=_TIMEOUT, jobs=1) as engine:
            found["spatch"] = _seconds(lambda: engine.run(shelf.root, files, place.tokens))
    return found


def tasks(address: str) -> float:
    """Seconds that the scheduler and two workers take for a task in which nothing is done."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.gather(client.map(abs, range(20), pure=False))
        numbers = range(_TASKS)
        return _seconds(lambda: client.gather(client.map(abs, numbers, pure=False))) / _TASKS


def whole(place: Place, executor: Executor, jobs: int) -> float:
    """Seconds of the engine: the search, the headers, spatch on all candidates."""
    with _worktree(place) as worktree:
        spatch = place.spatch
        bench = Bench(worktree, lambda _: spatch, _TIMEOUT, jobs, executor=executor)
        return _seconds(lambda: preview(bench, Order(place.with_broad(), paths=(_MEDIA,))))


def model(found: Figures, workers: int, *, remote: bool) -> float:
    """What docs/scaling.md says a run takes, in seconds."""
    search = found["media search"] + found["headers"]
    if not remote:
        return search + found["spatch"] / workers  # files are written out beside it
    batches = found["files"] / _BATCH
    # Reading and sending go on beside spatch; the first batch is waited for.
    ours = batches * (found["read"] + found["task"])
    return search + found["read"] + max(ours, found["spatch"] / workers + found["task"])


def measure(place: Place, rounds: int) -> tuple[Figures, dict[str, float]]:
    """The medians of all parts, and of whole runs with one and two workers, here and on Dask."""
    from generator.cluster import Cluster

    rows: dict[str, list[float]] = {}
    with ExitStack() as stack:
        addresses = [stack.enter_context(cluster(place, count)) for count in (1, 2)]
        clusters = [Cluster(address, print) for address in addresses]
        for one in clusters:
            stack.callback(one.close)
            whole(place, one, 1)  # the workers import what they need
        for _ in range(rounds):
            for name, value in parts(place).items():
                rows.setdefault(name, []).append(value)
            rows.setdefault("task", []).append(tasks(addresses[1]))
            for count in (1, 2):
                rows.setdefault(f"local {count}", []).append(whole(place, Local(), count))
                rows.setdefault(f"dask {count}", []).append(whole(place, clusters[count - 1], 1))
            rows.setdefault("media search", []).append(_media_search(place))
    medians = {name: statistics.median(values) for name, values in rows.items()}
    runs = {name: medians.pop(name) for name in list(medians) if name[:5] in ("local", "dask ")}
    return medians, runs


def _media_search(place: Place) -> float:
    with _worktree(place) as worktree:
        candidates = Candidates(worktree, NoResults())

        def search() -> None:
            with candidates.lookup(place.tokens, [_MEDIA]) as lookup:
                lookup.settle()

        return _seconds(search)


def main() -> int:
    """Measure, print both tables, and with --json write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--tree", type=Path, required=True, help="the kernel tree")
    parser.add_argument("--rounds", type=int, default=3, help="how often (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    args = parser.parse_args()
    with place_for(args.tree.resolve()) as place:
        found, runs = measure(place, max(args.rounds, 1))
    for name, value in found.items():
        unit = "" if name == "files" else " KB" if name == "batch bytes" else " ms"
        scale = {"": 1, " KB": 1e-3, " ms": 1e3}[unit]
        print(f"{name:14} {value * scale:10.1f}{unit}")
    print(f"{'files/s/core':14} {found['files'] / found['spatch']:10.1f}")
    print(f"{'run':10} {'measured':>9} {'model':>9} {'ratio':>6}")
    for name, taken in runs.items():
        foretold = model(found, int(name[-1]), remote=name.startswith("dask"))
        print(f"{name:10} {taken:9.2f} {foretold:9.2f} {taken / foretold:6.2f}")
    if args.json:
        load = os.getloadavg()
        args.json.write_text(json.dumps({"parts": found, "runs": runs, "load": load}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
