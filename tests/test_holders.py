"""What a run that was killed leaves is found; what somebody still uses is not."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from generator.holders import abandoned, held

HOLD = """\
import sys, time
from generator.holders import held
with held("reroll-test-") as place:
    print(place, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_one_that_is_held_and_one_that_was(temporary: Path) -> None:
    with held("reroll-test-") as place:
        assert place.parent == temporary
        assert abandoned("reroll-test-") == []
    assert not place.exists()


def test_a_killed_process_holds_nothing(temporary: Path) -> None:
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    with child.stdout:
        place = Path(child.stdout.readline().strip())
        assert abandoned("reroll-test-") == []
        child.kill()
        child.wait()
    assert abandoned("reroll-test-") == [place]
    assert abandoned("other-") == []


def test_without_a_lock_it_is_left_alone_for_a_day(temporary: Path) -> None:
    place = temporary / "reroll-test-x"
    place.mkdir()
    (temporary / "reroll-test-file").write_text("")
    assert abandoned("reroll-test-") == []
    old = time.time() - 90000
    os.utime(place, (old, old))
    assert abandoned("reroll-test-") == [place]


def test_a_directory_that_is_being_made_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run that looks between the making and the locking takes it for ours."""
    lock = fcntl.flock
    seen: list[Path] = []

    def look(file: IO[bytes], how: int) -> None:
        if not seen:
            seen.append(Path("/"))
            seen.extend(abandoned("reroll-made-"))
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", look)
    with held("reroll-made-"):
        assert seen == [Path("/")]
