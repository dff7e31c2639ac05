# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""``reroll status`` and ``reroll report``: seconds of the whole process, on a series made up here.

Run as ``python -m benchmarks.reading [--rounds 5] [--json FILE]`` in the top of the project.
The series has seven versions of 17 patches and 300 replies.  The commands take turns; the table
has the median of the seconds, the least and most, the median of those on processors ("busy"), the
most memory that a run needed, the size of what it made, and what is aimed at.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.engine import machine
from tests.threads import ANN, AUTHOR, BOB, CAT, Thread

_VERSIONS, _PATCHES, _REPLIES = 7, 17, 300
_LINES = 40  # that a patch adds
_RUN = "import sys; from series import cli; sys.exit(cli.main(sys.argv[1:]))"
_REVIEWERS = (ANN, BOB, CAT)
# Seconds and bytes that each command aims at.
AIMS = {"status": (0.5, 1 << 20), "report": (3.0, 3_000_000)}


@dataclass(frozen=True)
class Runs:
    """All runs of one command.

    Their seconds by the clock and on processors, kilobytes of memory, bytes of what was made.
    """

    seconds: tuple[float, ...]
    busy: tuple[float, ...]
    memory: tuple[int, ...]
    size: int

    @property
    def median(self) -> float:
        """The seconds of the run in the middle."""
        return statistics.median(self.seconds)


def threads() -> list[Thread]:
    """The versions, each with its share of the replies: remarks, tags, and answers."""
    made = []
    for number in range(1, _VERSIONS + 1):
        thread = Thread(number, patches=_patches(number), new=_converted(number))
        # The head of a hunk says how many lines it has.
        thread.mails = [one.replace(b"+1,4 @@", b"+1,%d @@" % (_LINES + 3)) for one in thread.mails]
        last: int | str = 1
        for at in range(_REPLIES * (number - 1) // _VERSIONS, _REPLIES * number // _VERSIONS):
            patch = at % len(thread.patches) + 1
            if at % 4 == 3:  # the author answers the mail before
                thread.reply(
                    last, f"> {_remark(at - 1)}\n\nDone in the next version.\n", sender=AUTHOR
                )
            else:
                person = _REVIEWERS[at % len(_REVIEWERS)]
                last = thread.reply(patch, _review(at, person), sender=person)
        made.append(thread)
    return made


def _patches(version: int) -> tuple[tuple[str, str], ...]:
    """Subject and file of each patch; what is new in a version is at the end."""
    count = _PATCHES if version > 2 else _PATCHES - 2
    return tuple(
        (f"drivers: d{at}: use new_call()", f"drivers/d{at}/d{at}.c") for at in range(1, count + 1)
    )


def _converted(version: int) -> str:
    """What replaces a line: lines, of which some change from version to version."""
    lines = (f"new_call(x, {at if at % 5 else at * version});" for at in range(_LINES))
    return "\n+\t".join(lines)


def _remark(at: int) -> str:
    return f"Remark {at}: why is this needed here, and what takes the lock?"


def _review(at: int, person: str) -> str:
    """A reply as people write them: a quote, some words, in every fifth a tag."""
    quote = "".join(f"> +\tnew_call(x, {line});\n" for line in range(20))
    words = "The callers that I know of pass something else, please have another look.\n" * 8
    tag = f"\nReviewed-by: {person}\n" if at % 5 == 0 else ""
    return f"{quote}\n{_remark(at)}\n{words}{tag}\nRegards,\nA\n"


def folder(place: Path) -> Path:
    """The series folder, with all replies collected, in ``place``."""
    made = threads()
    boxes = [str(one.write(place / f"v{one.version}.mbox")) for one in made]
    series = place / "series"
    (place / "all.mbox").write_bytes(b"".join(Path(box).read_bytes() for box in boxes))
    _reroll("init", str(series), "--from-mbox", str(place / "all.mbox"))
    _reroll("-C", str(series), "collect", *boxes)
    return series


def _reroll(*words: str) -> None:
    from series import cli

    with contextlib.redirect_stdout(io.StringIO()):
        if cli.main(list(words)):
            raise SystemExit(f"reroll {' '.join(words)} failed")


def commands(series: Path) -> dict[str, list[str]]:
    """The words of each command, and the page that the report makes beside the folder."""
    page = series.with_name("page.html")
    return {
        "status": ["-C", str(series), "status"],
        "report": ["-C", str(series), "report", "-o", str(page)],
    }


def run_once(words: Sequence[str], output: Path) -> tuple[float, float, int]:
    """One run's seconds by the clock and on processors, and kilobytes.

    Its standard output goes to ``output``.
    """
    start = time.perf_counter()
    child = os.fork()
    if not child:
        to = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(to, 1)
        os.execv(sys.executable, [sys.executable, "-c", _RUN, *words])  # noqa: S606 - its resources are wanted
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"reroll {' '.join(words)} ended with {status}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss


def measure(series: Path, rounds: int) -> dict[str, Runs]:
    """All commands in turns."""
    known = commands(series)
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in known}
    sizes: dict[str, int] = {}
    output = series.with_name("output")
    for _ in range(rounds):
        for name, words in known.items():
            found[name].append(run_once(words, output))
            made = Path(words[-1]) if name == "report" else output
            sizes[name] = made.stat().st_size
    return {
        name: Runs(
            seconds=tuple(seconds for seconds, _, _ in runs),
            busy=tuple(busy for _, busy, _ in runs),
            memory=tuple(memory for _, _, memory in runs),
            size=sizes[name],
        )
        for name, runs in found.items()
    }


def table(found: dict[str, Runs]) -> list[str]:
    """A line a command."""
    lines = [
        f"{'command':8} {'median s':>9} {'aim':>5} {'least':>7} {'most':>7} {'busy s':>7} "
        f"{'memory MB':>10} {'made KB':>8} {'aim':>6}"
    ]
    for name, runs in found.items():
        seconds, size = AIMS[name]
        missed = "" if runs.median < seconds and runs.size < size else "  MISSED"
        lines.append(
            f"{name:8} {runs.median:9.2f} {seconds:5.1f} {min(runs.seconds):7.2f} "
            f"{max(runs.seconds):7.2f} {statistics.median(runs.busy):7.2f} "
            f"{max(runs.memory) / 1000:10.0f} {runs.size / 1000:8.0f} {size / 1000:6.0f}{missed}"
        )
    return lines


def main(words: Sequence[str] | None = None) -> None:
    """Measure both commands, and print a table; with --json, every single time, too."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each command")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every single time, as JSON")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="reroll-benchmark-") as name:
        found = measure(folder(Path(name)), args.rounds)
    print("\n".join(table(found)))
    if args.json:
        record = {
            "machine": machine() | {"python": platform.python_version()},
            "series": {"versions": _VERSIONS, "patches": _PATCHES, "replies": _REPLIES},
            "commands": {
                name: {"median": runs.median, **asdict(runs)} for name, runs in found.items()
            },
        }
        args.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
