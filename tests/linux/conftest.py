"""Kernel trees to work on, and the frame_vector series made once on one of them."""

import contextlib
import io
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from series import cli
from tests.conftest import sealed
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


@pytest.fixture(scope="session")
def linux_newer() -> Path:
    """The newer tree of the same release that REROLL_LINUX_NEWER names."""
    named = os.environ.get("REROLL_LINUX_NEWER", "")
    if not named:
        pytest.skip("REROLL_LINUX_NEWER names no kernel tree")
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


@dataclass(frozen=True)
class Generated:
    """The frame_vector series as v7, the repository it was made in, and what was said."""

    kernel: Kernel
    folder: Path
    said: str
    seconds: float


@pytest.fixture(scope="session")
def frame_vector(linux: Path, tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The series, made once for all tests.  To read only: ``series`` is a test's own."""
    place = tmp_path_factory.mktemp("frame-vector")
    said = io.StringIO()
    with sealed(place / "home"), contextlib.redirect_stdout(said):
        kernel = _borrow(linux, place / "linux.git")
        folder = place / "series"
        assert cli.main(["-C", str(place), "init", "series", "--campaign", "frame_vector"]) == 0
        start = time.monotonic()
        words = ["-C", str(folder), "--tree", str(kernel.path), "generate", "-v", "7"]
        complaints = io.StringIO()
        with contextlib.redirect_stderr(complaints):
            code = cli.main(words)
        assert (code, complaints.getvalue()) == (0, "")
        return Generated(kernel, folder, said.getvalue(), time.monotonic() - start)


@pytest.fixture
def series(frame_vector: Generated, kernel: Kernel, tmp_path: Path) -> Path:
    """A copy of the series folder; the test's ``kernel`` has its commits, branch and tag."""
    made = frame_vector.kernel.path
    with (kernel.path / "objects/info/alternates").open("a") as borrowed:
        borrowed.write(f"{made / 'objects'}\n")
    refs = git(made, "for-each-ref", "--format=update %(refname) %(objectname)", "refs")
    git(kernel.path, "update-ref", "--stdin", stdin=f"{refs}\n".encode())
    return Path(shutil.copytree(frame_vector.folder, tmp_path / "series"))


def git_am(kernel: Kernel, mbox: Path, place: Path) -> str:
    """The tree that ``git am`` makes of a series on the base, without the base's files."""
    git(kernel.path, "worktree", "add", "-q", "--no-checkout", "--detach", str(place), kernel.base)
    git(place, "read-tree", "HEAD")
    listed = git(place, "ls-files", "-z")
    git(place, "update-index", "-z", "--skip-worktree", "--stdin", stdin=listed.encode())
    git(place, "am", "-q", "-3", str(mbox))
    return git(place, "rev-parse", "HEAD^{tree}")


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


# What makes a compiler slow and its objects large, and has no say in what it warns of.
_QUICK = "".join(
    f"# CONFIG_{name} is not set\n"
    for name in ("DEBUG_INFO", "GCC_PLUGINS", "GCOV_KERNEL", "KASAN", "KCOV", "KCSAN", "UBSAN")
)


def configure(source: Path, objects: Path) -> None:
    """An allmodconfig, but for instruments, that is ready to build single objects."""
    objects.mkdir(exist_ok=True)
    (objects / "quick.config").write_text(_QUICK)
    build(source, objects, f"KCONFIG_ALLCONFIG={objects}/quick.config", "allmodconfig")
    build(source, objects, "prepare", "modules_prepare")
