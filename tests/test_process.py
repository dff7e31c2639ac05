"""Starting programs: all of the input arrives, however slow its reader is."""

from pathlib import Path

import pytest

from generator.process import run


@pytest.mark.slow
def test_a_slow_reader_gets_all_of_its_input(tmp_path: Path) -> None:
    """More than a pipe holds, to a program that begins to read after a while."""
    text = b"line\n" * 100_000
    done = run(["sh", "-c", "sleep 1.2; cat"], cwd=tmp_path, stdin=text, timeout=60)
    assert (done.returncode, done.timed_out) == (0, False)
    assert done.stdout == text


def test_what_is_not_read_is_no_trouble(tmp_path: Path) -> None:
    done = run(["sh", "-c", "head -c 4"], cwd=tmp_path, stdin=b"line" * 100_000)
    assert (done.returncode, done.stdout) == (0, b"line")


def test_no_input_is_its_end(tmp_path: Path) -> None:
    done = run(["cat"], cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stdout, done.timed_out) == (0, b"", False)
