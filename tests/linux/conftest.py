"""A kernel tree to work on, and the frame_vector series made on it once."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repositories import git


@pytest.fixture(scope="session")
def linux() -> Path:
    """The tree that REROLL_LINUX names."""
    named = os.environ.get("REROLL_LINUX", "")
    if not named:
        pytest.skip("REROLL_LINUX names no kernel tree")
    return Path(named)


@pytest.fixture(scope="session")
def linux_6_1() -> Path:
    """The tree of Linux 6.1 that REROLL_LINUX_6_1 names."""
    named = os.environ.get("REROLL_LINUX_6_1", "")
    if not named:
        pytest.skip("REROLL_LINUX_6_1 names no kernel tree")
    return Path(named)


@dataclass(frozen=True)
class Kernel:
    """A clone of the kernel tree that shares its objects, and the commit to work on."""

    path: Path
    base: str


@pytest.fixture
def kernel(linux: Path, tmp_path: Path) -> Kernel:
    """A bare repository of this test's own that borrows the tree's objects and has no other ref."""
    return _borrow(linux, tmp_path / "linux.git")


@pytest.fixture
def kernel_6_1(linux_6_1: Path, tmp_path: Path) -> Kernel:
    """The same of Linux 6.1."""
    return _borrow(linux_6_1, tmp_path / "linux-6.1.git")


def _borrow(linux: Path, place: Path) -> Kernel:
    base = git(linux, "rev-parse", "HEAD")
    objects = git(linux, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    git(linux, "init", "-q", "--bare", "-b", "master", str(place))
    (place / "objects/info/alternates").write_text(f"{objects}\n")
    git(place, "update-ref", "refs/heads/master", base)
    git(place, "config", "user.name", "Ada Developer")
    return Kernel(place, base)


def build(source: Path, objects: Path, *words: str, keep_going: bool = False) -> str:
    """What ``make O=objects WORDS`` says on standard error; only ``keep_going`` lets it fail."""
    objects.mkdir(exist_ok=True)
    result = subprocess.run(
        ["make", "-C", str(source), f"O={objects}", "-j2", *(["-k"] if keep_going else []), *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = result.stdout[-3000:] + result.stderr[-3000:]
    assert keep_going or result.returncode == 0, said
    return result.stderr


def configure(source: Path, objects: Path) -> None:
    """An allmodconfig that is ready to build single objects."""
    build(source, objects, "allmodconfig")
    build(source, objects, "prepare", "modules_prepare")
