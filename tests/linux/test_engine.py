"""One rule on many files of Linux: the same bytes, however and however often it is run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.linux.conftest import Kernel
from tests.test_cluster import machines, waited

pytestmark = pytest.mark.linux

RULE = """\
@@ expression E; @@
- kfree(E)
+ kfree_sensitive(E)
"""
WHERE = "drivers/media/tuners"


class Scans:
    """``reroll scan`` in a process of its own, with a store of results of its own."""

    def __init__(self, place: Path, tree: Path) -> None:
        self.rule = place / "free.cocci"
        self.rule.write_text(RULE, encoding="utf-8")
        self.tree = tree
        self.place = place

    def start(self, cache: str, *words: str) -> "subprocess.Popen[bytes]":
        """A scan that has begun."""
        plain = ("--no-style", "--no-kernel-doc", "--remaining", "any", *words)
        line = ["--tree", str(self.tree), "scan", str(self.rule), WHERE, *plain]
        return subprocess.Popen(
            [sys.executable, "-m", "series.cli", *line],
            env=self.environment(cache),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, cache: str, *words: str) -> bytes:
        """What it prints."""
        process = self.start(cache, *words)
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err.decode()
        return out

    def environment(self, cache: str) -> Mapping[str, str]:
        root = str(Path(__file__).parent.parent.parent)
        return {**os.environ, "XDG_CACHE_HOME": str(self.place / cache), "PYTHONPATH": root}


@pytest.fixture
def scans(kernel: Kernel, tmp_path: Path) -> Scans:
    return Scans(tmp_path, kernel.path)


def test_cold_warm_one_and_two_jobs_and_a_work_tree(scans: Scans, linux: Path) -> None:
    cold = scans.run("one", "--jobs", "2")
    assert cold.count(b"+++ b/") > 20
    assert scans.run("one", "--jobs", "1") == cold
    assert scans.run("two", "--jobs", "1") == cold
    scans.tree = linux  # where there are files to search
    assert scans.run("three") == cold


def test_killed_and_started_again(scans: Scans) -> None:
    """What was stored before the kill is used after it, and is what would have been."""
    whole = time.monotonic()
    cold = scans.run("whole")
    whole = time.monotonic() - whole
    chance = random.Random(6)  # noqa: S311
    for _ in range(3):
        process = scans.start("killed")
        time.sleep(chance.uniform(0.2, 0.8) * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert scans.run("killed") == cold
    assert scans.run("killed") == cold


def test_on_workers_of_which_one_is_killed(scans: Scans, tmp_path: Path) -> None:
    here = scans.run("here")
    with machines(tmp_path / "machines") as found:
        found.scheduler()
        first, _ = found.worker("one"), found.worker("two")
        process = scans.start("there", "--executor", "dask", "--scheduler", found.address)
        waited(lambda: found.tasks("one"), "the first worker has nothing to do")
        first.kill()
        out, err = process.communicate(timeout=600)
    assert (process.returncode, out) == (0, here), err.decode()
