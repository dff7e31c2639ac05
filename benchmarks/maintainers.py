# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""Contacts of a whole series: one get_maintainer.pl a patch against one reading of ours.

Run as ``python -m benchmarks.maintainers --tree TREE SERIES_FOLDER...``: the newest
version of each series, whose base is what TREE has checked out.  Whole processes, each
round one of both kinds, after a round that doesn't count.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

_SCRIPT = ["perl", "scripts/get_maintainer.pl", "--nogit", "--nogit-fallback", "--nofixes"]


@dataclass(frozen=True)
class Figures:
    """Medians for one series, in seconds; the ratios are those of the medians.

    ``script``: one get_maintainer.pl after the other, for each patch; ``process``: a
    Python process that answers for all; ``work``: the same without start and imports, as
    ``reroll generate`` does it.  ``differing`` counts patches with other addresses.
    """

    series: str
    patches: int
    rounds: int
    script: float
    process: float
    work: float
    differing: int

    @property
    def rows(self) -> list[tuple[str, float, float]]:
        """What the table shows: name, milliseconds, how many times faster than the script."""
        shown = [
            ("one get_maintainer.pl a patch", self.script),
            ("one process for all patches", self.process),
            ("  of it, reading and answering", self.work),
        ]
        return [(name, seconds * 1000, self.script / seconds) for name, seconds in shown]


def measure(tree: Path, folder: Path, rounds: int) -> Figures:
    """Measure both ways on the newest version in ``folder``, in turns."""
    mails = _mails(folder)
    scripts, processes, works = [], [], []
    theirs: list[set[str]] = []
    ours: list[set[str]] = []
    for number in range(rounds + 1):
        script, theirs = _timed(lambda: _ask_script(tree, mails))
        process, (ours, work) = _timed(lambda: _ask_process(tree, mails))
        if number:  # the first one warms up
            scripts.append(script)
            processes.append(process)
            works.append(work)
    return Figures(
        series=str(folder),
        patches=len(mails),
        rounds=rounds,
        script=statistics.median(scripts),
        process=statistics.median(processes),
        work=statistics.median(works),
        differing=sum(a != b for a, b in zip(theirs, ours, strict=True)),
    )


def _mails(folder: Path) -> list[Path]:
    versions = sorted((folder / "versions").glob("v*"), key=lambda path: int(path.name[1:]))
    if not versions:
        sys.exit(f"{folder}: no generated version; type: reroll -C {folder} generate")
    mails = sorted(versions[-1].glob("*.patch"))
    return [mail.resolve() for mail in mails if not re.search(r"(^|-)0+-", mail.name)]


def _timed(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    start = time.perf_counter()
    answer = ask()
    return time.perf_counter() - start, answer


def _ask_script(tree: Path, mails: Sequence[Path]) -> list[set[str]]:
    return [_contacts(_run([*_SCRIPT, str(mail)], tree).stdout) for mail in mails]


def _ask_process(tree: Path, mails: Sequence[Path]) -> tuple[list[set[str]], float]:
    words = [sys.executable, "-m", "benchmarks.one_reading", str(tree), *map(str, mails)]
    done = _run(words, Path(__file__).parents[1])
    return [_contacts(block) for block in done.stdout[:-2].split("\n\n")], float(done.stderr)


def _run(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, check=True, capture_output=True, text=True, errors="replace"
    )


def _contacts(said: str) -> set[str]:
    """The address of each line ``Name <address> (role)``, where there may be no name.

    Not the roles: of sections that rank equally, the script takes them from any.
    """
    return {re.sub(r".*<([^<>]*)> .*", r"\1", line).split(" ")[0] for line in said.splitlines()}


def main() -> None:
    """Measure, print a table, and with --json write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.maintainers")
    parser.add_argument("--tree", type=Path, required=True, help="the kernel tree")
    parser.add_argument("--rounds", type=int, default=7, help="how often (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("series", type=Path, nargs="+", metavar="SERIES_FOLDER")
    args = parser.parse_args()
    found = [measure(args.tree.resolve(), folder, max(args.rounds, 5)) for folder in args.series]
    for figures in found:
        print(f"{figures.series}: {figures.patches} patches, medians of {figures.rounds} rounds")
        for name, milliseconds, ratio in figures.rows:
            print(f"  {name:32} {milliseconds:9.1f} ms  {ratio:7.1f} x")
        if figures.differing:
            print(f"  {figures.differing} patches have other addresses")
    if args.json:
        args.json.write_text(json.dumps([asdict(figures) for figures in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
