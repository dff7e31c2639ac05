"""A kernel tree to work on, and the frame_vector series made on it once."""

import os
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
def kernel(linux: Path, tmp_path: Path) -> Kernel:
    """A bare repository of this test's own that borrows the tree's objects and has no other ref."""
    place = tmp_path / "linux.git"
    base = git(linux, "rev-parse", "HEAD")
    objects = git(linux, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    git(tmp_path, "init", "-q", "--bare", "-b", "master", str(place))
    (place / "objects/info/alternates").write_text(f"{objects}\n")
    git(place, "update-ref", "refs/heads/master", base)
    return Kernel(place, base)
