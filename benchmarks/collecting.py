# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""``reroll collect``: seconds and memory of the whole process, on mails made up here.

Run as ``python -m benchmarks.collecting [ROUNDS]`` in the top of the project.  The cases
take turns, each on a fresh copy of a series folder; the table has the median of the
seconds, the least and most, and the most memory that a run needed.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.threads import ANN, AUTHOR, BOB, CAT, Thread, diff

_PATCHES = tuple((f"drivers: d{at}: use new_call()", f"drivers/d{at}/d.c") for at in range(1, 18))
_RUN = "import sys; from series import cli; sys.exit(cli.main(sys.argv[1:]))"
_PEOPLE = (ANN, BOB, CAT, AUTHOR)
# A header as lists and servers leave it: most of a mail's bytes are none of ours.
_TRACES = "".join(f"Received: from h{at} by h{at + 1}; {'x' * 300}\n" for at in range(6))


def versions(replies: int) -> list[Thread]:
    """Six versions of 17 patches, and so many replies to each: quotes, words, some tags."""
    made = []
    for number in range(1, 7):
        thread = Thread(number, patches=_PATCHES, new=f"new_call(x, {number})")
        last: int | str = 0
        for at in range(replies):
            patch = at % 18
            person = _PEOPLE[at % len(_PEOPLE)]
            last = thread.reply(
                patch if at % 3 or not last else last,
                _text(at, patch, person),
                sender=person,
                headers=_TRACES,
            )
        made.append(thread)
    return made


def _text(at: int, patch: int, person: str) -> str:
    quoted = "".join(f"> {line}\n" for line in diff(_PATCHES[patch - 1][1]).split("\n"))
    words = f"This is remark {at} on what the patch does here; please have a look.\n" * 3
    tag = f"\nAcked-by: {person}\n" if at % 5 == 0 else ""
    quote = f"> It is better.\n>\n> Signed-off-by: {AUTHOR}\n> ---\n"
    return f"On some day, somebody wrote:\n{quote}{quoted * 4}\n{words}{tag}\nRegards,\nA\n"


def others(count: int) -> bytes:
    """Mails of an archive that have nothing to do with the series."""
    box = []
    for at in range(count):
        thread = Thread(1, patches=(), author=f"Writer {at % 50} <w{at % 50}@example.org>")
        content = thread.mails[0].replace(b"<1.0.ada", b"<other%d.ada" % at)
        subject = b"Subject: Re: [PATCH 1/2] other: thing %d" % at
        content = content.replace(b"Subject: [PATCH 0/0] Use new_call()", subject)
        box.append(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + content + b"x" * 4000 + b"\n\n")
    return b"".join(box)


def measure(folder: Path, boxes: list[Path]) -> tuple[float, int]:
    """Seconds, and kilobytes of memory, of one run on a copy of ``folder``."""
    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(folder, Path(place) / "series")
        argv = [sys.executable, "-c", _RUN, "-C", str(copy), "collect", *map(str, boxes)]
        start = time.perf_counter()
        child = os.fork()
        if not child:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.execv(sys.executable, argv)  # noqa: S606 - its resources are wanted
        _, status, used = os.wait4(child, 0)
        if status:
            raise SystemExit(f"collect ended with {status}")
        return time.perf_counter() - start, used.ru_maxrss


def cases(place: Path) -> dict[str, tuple[Path, list[Path]]]:
    """The folder and the mailboxes of each case."""
    six = [one.write(place / f"six{one.version}.mbox") for one in versions(30)]
    many = [one.write(place / f"many{one.version}.mbox") for one in versions(1649)]
    archive = place / "archive.mbox"
    archive.write_bytes(others(9_700) + b"".join(path.read_bytes() for path in six))
    folder = place / "series"
    from series import cli

    newest = Thread(6, patches=_PATCHES, new="new_call(x, 6)").write(place / "first.mbox")
    if cli.main(["init", str(folder), "--from-mbox", str(newest)]):
        raise SystemExit("init failed")
    return {
        "six versions, 288 mails": (folder, six),
        "six versions, 10,002 mails": (folder, many),
        "288 of 9,988 mails": (folder, [archive]),
    }


def main(rounds: int = 5) -> None:
    """Measure all cases in turns, and print a table."""
    with tempfile.TemporaryDirectory(prefix="reroll-benchmark-") as name:
        known = cases(Path(name))
        sizes = {
            case: sum(box.stat().st_size for box in boxes) for case, (_, boxes) in known.items()
        }
        found: dict[str, list[tuple[float, int]]] = {case: [] for case in known}
        for _ in range(rounds):
            for case, (folder, boxes) in known.items():
                found[case].append(measure(folder, boxes))
    print(f"{'case':30} {'MB':>6} {'median s':>9} {'least':>7} {'most':>7} {'memory MB':>10}")
    for case, runs in found.items():
        seconds = [one for one, _ in runs]
        _row(case, sizes[case], seconds, max(memory for _, memory in runs), statistics.median)


def _row(
    case: str,
    size: int,
    seconds: list[float],
    memory: int,
    middle: Callable[[list[float]], float],
) -> None:
    print(
        f"{case:30} {size / 1e6:6.1f} {middle(seconds):9.2f} {min(seconds):7.2f} "
        f"{max(seconds):7.2f} {memory / 1000:10.0f}"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
