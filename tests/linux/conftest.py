"""A kernel tree to work on, and the frame_vector series made on it once."""

import os
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Kernel:
    """A clone of the kernel tree that shares its objects, and the commit to work on."""

    path: Path
    base: str


@pytest.fixture
def kernel(linux: Path, tmp_path: Path) -> Iterator[Kernel]:
    """A bare clone of this test's own: refs and configuration are free to change."""
    place = tmp_path / "linux.git"
    git(tmp_path, "clone", "-q", "--bare", "--shared", str(linux), str(place))
    yield Kernel(place, git(place, "rev-parse", "HEAD"))
