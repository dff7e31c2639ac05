"""``reroll send`` killed at many moments, and resumed: each mail arrives exactly once.

``REROLL_SOAK=1`` sends 18 mails instead of 4.  Half of the runs lose reroll alone, and
its git send-email lives on; half lose all processes at once.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from series import cli
from series.commands import send as _preloaded  # noqa: F401  as an installed reroll is warm
from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server

pytestmark = pytest.mark.linux

KILLS = 100
MAILS = 18 if os.environ.get("REROLL_SOAK") == "1" else 4
WORKERS = 2 * len(os.sched_getaffinity(0))
DEADLINE = 120  # seconds a run


@dataclass
class Figures:
    """What the runs came to; ``lost`` and ``duplicates`` are mails, all else runs."""

    killed: int = 0
    finished_before: int = 0
    nothing_begun: int = 0
    resumed: int = 0
    waited_for_an_orphan: int = 0
    uncertain_sent: int = 0
    uncertain_unsent: int = 0
    lost: int = 0
    duplicates: int = 0
    threads_broken: int = 0

    def add(self, other: dict[str, int]) -> None:
        """Add the figures of another run."""
        for name, value in other.items():
            setattr(self, name, getattr(self, name) + value)


@pytest.mark.parametrize("whole_tree", [False, True], ids=["reroll alone", "all processes"])
def test_killed_at_any_moment(
    reroll: Run, small: Small, tmp_path: Path, whole_tree: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    write_campaign(small)
    done = reroll(*small.words("generate"))
    assert (done.code, done.err) == (0, "")
    start = time.monotonic()
    # As busy a machine as the killed ones will have.
    whole = in_parallel(
        lambda number: one_run(small, tmp_path / f"warm{number}", None, False)[:2],
        WORKERS,
        tmp_path,
    )
    frozen, lasted = (median(run[n] for run in whole) for n in (0, 1))

    def killed(number: int) -> dict[str, int]:
        """One of ten dies before a mail is frozen, the others anywhere from there on."""
        first, share = 0.9 * frozen, number / (KILLS // 2)
        at = first + share * (lasted - first) if number % 10 else share * first
        figures = Figures()
        while not figures.killed:  # it was quicker this time
            figures.add(asdict(one_run(small, tmp_path / str(number), at, whole_tree)[2]))
            at *= 0.8
        return asdict(figures)

    results = in_parallel(killed, KILLS // 2, tmp_path)
    figures = Figures()
    for result in results:
        figures.add(result)
    with capsys.disabled():
        seconds = time.monotonic() - start
        sys.stdout.write(f"\n{MAILS} mails in {lasted:.2f} s, {seconds:.0f} s in all: {figures}\n")
    assert figures.killed == KILLS // 2
    assert (figures.lost, figures.duplicates, figures.threads_broken) == (0, 0, 0)


def write_campaign(small: Small) -> None:
    """A campaign of so many patches that there are ``MAILS`` mails."""
    text = (small.folder / "series.toml").read_text()
    head = text.split("[[patch]]\n", 1)[0]
    if MAILS > 15:
        head = head.replace("[series]\n", '[series]\nallow_many = "a soak test"\n', 1)
    patches = [
        f'[[patch]]\nid = "p{n}"\ntitle = "drivers: b: step {n}"\nmessage = "Step {n}."\n'
        f'[[patch.step]]\nedit = "drivers/b/b.c"\n'
        f"pattern = 'x \\+ {n}\\b'\nreplace = 'x + {n + 1}'\n"
        for n in range(1, MAILS)
    ]
    (small.folder / "series.toml").write_text(head + "\n".join(patches))


def one_run(
    small: Small, place: Path, kill_after: float | None, whole_tree: bool
) -> tuple[float, float, Figures]:
    """Send, kill after so many seconds, resume until all is sent.

    Returns the seconds until the mails were frozen and until all was sent, and the figures.
    """
    shutil.copytree(small.folder, place / "series")
    # The server is this run's own, so is the configuration that names it.
    git(small.tree, "worktree", "prune")
    tree = place / "tree"
    git(place, "clone", "-q", "--shared", str(small.tree), str(tree))
    figures = Figures()
    with smtp_server() as inbox:
        send_to(inbox, tree)
        own = Small(place / "series", tree)
        began, by_clock = time.monotonic(), time.time()
        child = start(own, place / "err0")
        if kill_after is not None and not ended(child, began + kill_after):
            kill(child, whole_tree)
            figures.killed += 1
            resume(own, inbox, place, figures)
        else:
            if kill_after is None:
                ended(child, began + DEADLINE)
            figures.finished_before += 1
        lasted = time.monotonic() - began
        frozen = (own.folder / "outgoing/v1").stat().st_mtime - by_clock
        judge(own, inbox, figures)
    shutil.rmtree(place)
    return frozen, lasted, figures


def start(small: Small, stderr: Path, *more: str) -> int:
    """``reroll send`` in a child; returns its id."""
    words = [str(word) for word in small.words("send", "--yes", *more)]
    child = os.fork()
    if child == 0:
        code = 70
        try:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
            sys.stderr = stderr.open("w")
            code = cli.main(words)
            sys.stderr.flush()
        finally:
            os._exit(code)
    return child


def ended(child: int, until: float) -> bool:
    """Whether ``child`` ended before that time, and well."""
    while time.monotonic() < until:
        known, status = os.waitpid(child, os.WNOHANG)
        if known:
            assert status == 0
            return True
        time.sleep(0.001)
    return False


def kill(child: int, whole_tree: bool) -> None:
    """SIGKILL for ``child``, or for it and all that it started, none of them warned."""
    victims = [child]
    os.kill(child, signal.SIGSTOP)
    if whole_tree:
        for victim in victims:
            for other in children(victim):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(other, signal.SIGSTOP)
                victims.append(other)
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    os.waitpid(child, 0)


def children(parent: int) -> list[int]:
    """The processes that ``parent`` started and that live."""
    try:
        return [int(w) for w in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def resume(small: Small, inbox: Inbox, place: Path, figures: Figures) -> None:
    """Resume as a person would who reads the list, until there is nothing to send."""
    again: list[str] = ["--resume"]
    more: list[str] = []
    end = time.monotonic() + DEADLINE
    for attempt in range(1, 10000):
        assert time.monotonic() < end
        err = place / f"err{attempt}"
        _, status = os.waitpid(start(small, err, *again, *more), 0)
        code, said, more = os.waitstatus_to_exitcode(status), err.read_text(), []
        if code == 0:
            figures.resumed += 1
            return
        if code == 2 and "has been sent" in said:
            return
        if code == 2 and "send without --resume" in said:
            # Killed before the first line of the journal: so nothing may be out either.
            assert again and not inbox.ids, said
            figures.nothing_begun += 1
            again = []
            continue
        assert code == 3, said
        if "at work" in said:
            figures.waited_for_an_orphan += attempt == 1
            time.sleep(0.05)
            continue
        found = re.search(r"not known whether \S+ \((<\S+>)\) was sent", said)
        assert found, said
        time.sleep(0.2)  # the server may still be at it
        fate = "sent" if inbox.ids[found[1]] else "unsent"
        setattr(figures, f"uncertain_{fate}", getattr(figures, f"uncertain_{fate}") + 1)
        more = ["--assume", fate]


def judge(small: Small, inbox: Inbox, figures: Figures) -> None:
    """Compare what the server has with what there was to send."""
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    wanted = [mail["message_id"] for mail in (manifest["cover"], *manifest["patches"])]
    assert len(wanted) == MAILS
    ids: Counter[str] = inbox.ids
    figures.lost += sum(one not in ids for one in wanted)
    figures.duplicates += sum(count - 1 for count in ids.values())
    replies = {str(mail["In-Reply-To"]) for mail in inbox.messages}
    figures.threads_broken += replies != {"None", wanted[0]} or set(ids) != set(wanted)


def in_parallel(work: Callable[[int], Any], count: int, place: Path) -> list[Any]:
    """``work`` of 0 to ``count``, in processes: each has servers, and forks."""
    workers = []
    for first in range(WORKERS):
        worker = os.fork()
        if worker == 0:
            code = 1
            try:
                found = [work(number) for number in range(first, count, WORKERS)]
                (place / f"result{first}").write_text(json.dumps(found))
                code = 0
            except BaseException:
                import traceback

                (place / f"failure{first}").write_text(traceback.format_exc())
            finally:
                os._exit(code)
        workers.append(worker)
    codes = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
    failures = [path.read_text() for path in sorted(place.glob("failure*"))]
    assert not any(codes), "\n".join(failures)
    found = [path.read_text() for path in sorted(place.glob("result*"))]
    return [one for text in found for one in json.loads(text)]
