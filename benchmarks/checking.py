# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""``reroll check build`` on all commits of a series against one ``make`` of the same objects.

Run as ``python -m benchmarks.checking --tree TREE SERIES``: TREE is the repository that the
series in the folder SERIES was generated in.  The peer is what a developer does who builds the
tip alone: allmodconfig, prepare, and the objects that the check compiled, in an empty object
directory.  Each round begins with empty object directories and an empty store of results.
The files are in the page cache; the peer's checkout is made before, ours is part of our time
and is said beside it.

Of the two series of ``make bench``, frame_vector is the hard case: three of its eight patches
change linux/mm.h, and every object is compiled again for each of them; strscpy.toml is nine
patches of files of their own.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from generator.tree import Tree
from series import store
from series.version import Version

# "at most 1.5 times one make of the same objects at the tip plus one prepare"
_AT_MOST = 1.5
_AGAIN = 2.0  # seconds


@dataclass(frozen=True)
class Round:
    """Seconds: the check of all commits, of that the checkout, again, and the peer's make."""

    check: float
    checkout: float
    again: float
    everything_again: float
    make: float


@dataclass(frozen=True)
class Place:
    """The series and its tree, and a directory for everything that is made."""

    root: Path
    series: Path
    tree: Path
    version: Version

    def check(self, names: list[str]) -> float:
        """The seconds of a ``reroll check``; what it says is shown when it could not run."""
        program = Path(sys.executable).with_name("reroll")
        words = [program, "-C", self.series, "--tree", self.tree, "check", *names]
        environment = os.environ | {"XDG_CACHE_HOME": str(self.root / "cache")}
        start = time.perf_counter()
        done = subprocess.run(
            [*words, "--objects", self.root / "ours"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        taken = time.perf_counter() - start
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout + done.stderr)
        return taken

    def objects(self) -> list[str]:
        """What the check compiled."""
        (record,) = (self.root / "ours").glob("*/objects-*/reroll.json")
        return sorted(json.loads(record.read_bytes())["objects"])

    def make(self, source: Path, objects: list[str]) -> float:
        """The seconds of configuring, preparing and compiling ``objects`` in ``source``."""
        made = self.root / "peer"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        (made / "all.config").write_text("# CONFIG_WERROR is not set\n")
        words = ["make", "-s", "-C", str(source), f"O={made}", f"-j{os.cpu_count()}"]
        start = time.perf_counter()
        for goals in (["allmodconfig"], ["prepare"], ["-k", *objects]):
            # An object of the last step may be one that the tip no longer has.
            subprocess.run(
                [*words, f"KCONFIG_ALLCONFIG={made}/all.config", *goals],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=goals[0] != "-k",
            )
        return time.perf_counter() - start

    def checkout(self, commit: str, name: str) -> tuple[Path, float]:
        """A checkout of ``commit`` and the seconds that it took."""
        place = self.root / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        environment = os.environ | {
            "GIT_INDEX_FILE": str(self.root / f"{name}.index"),
            "GIT_WORK_TREE": str(place),
        }
        (self.root / f"{name}.index").unlink(missing_ok=True)
        tree = Tree(self.tree)
        directory = tree.git("rev-parse", "--absolute-git-dir")
        tree.close()
        start = time.perf_counter()
        subprocess.run(
            ["git", f"--git-dir={directory}", "read-tree", "--reset", "-u", commit],
            cwd=place,
            env=environment,
            check=True,
        )
        return place, time.perf_counter() - start


def measure(place: Place) -> Round:
    """One round, from nothing."""
    for name in ("ours", "cache"):
        shutil.rmtree(place.root / name, ignore_errors=True)
    check = place.check(["build"])
    again = place.check(["build"])
    place.check([])
    everything = place.check([])
    source, checkout = place.checkout(place.version.tip, "source")
    return Round(check, checkout, again, everything, place.make(source, place.objects()))


def main() -> int:
    """Measure and print; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("series", type=Path)
    args = parser.parse_args()
    version = store.read(args.series)
    rounds = []
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-check-", dir="build") as root:
        place = Place(Path(root).absolute(), args.series.absolute(), args.tree.absolute(), version)
        for _ in range(args.rounds):
            rounds.append(measure(place))
            print(rounds[-1], file=sys.stderr, flush=True)
        count = len(place.objects())
    ratio = statistics.median(one.check / one.make for one in rounds)
    without = statistics.median((one.check - one.checkout) / one.make for one in rounds)
    again = statistics.median(one.again for one in rounds)
    everything = statistics.median(one.everything_again for one in rounds)
    print(f"{len(version.patches)} patches, {count} objects, medians of {len(rounds)} rounds")
    rows = (
        ("check build: make at the tip", f"{ratio:.2f}", f"{_AT_MOST}", ratio <= _AT_MOST),
        ("  without our checkout", f"{without:.2f}"),
        ("  of ours, the checkout, s", f"{statistics.median(r.checkout for r in rounds):.1f}"),
        ("  nothing changed, s", f"{again:.2f}", f"{_AGAIN}", again <= _AGAIN),
        (
            "reroll check, nothing changed, s",
            f"{everything:.2f}",
            f"{_AGAIN}",
            everything <= _AGAIN,
        ),
    )
    for name, figure, *rest in rows:
        print(f"{name:<40} {figure:>8} {rest[0] if rest else '':>8}", end="")
        print("" if not rest or rest[1] else "  missed")
    if args.json:
        args.json.write_text(json.dumps([vars(one) for one in rounds], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
