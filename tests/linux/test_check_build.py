"""The check "build" on a real Linux 5.10: single objects of allmodconfig, commit by commit."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

from generator.results import Results
from generator.tree import Tree
from series import store
from series.checks.build import Build
from series.checks.kinds import Ground, Patch, Result
from series.settings import Settings
from series.version import LedgerRecord, PatchRecord, Version
from tests.linux.conftest import Kernel
from tests.repositories import git

pytestmark = pytest.mark.linux


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests here build, so that the kernel is written and prepared once."""
    return tmp_path_factory.mktemp("build")


def patches_of(version: Version) -> list[Patch]:
    """The patches of a version as a check gets them."""
    found, parent = [], version.base
    for one in version.patches:
        found.append(
            Patch(one.number, one.id, one.title, one.commit, parent, one.files, one.ledger, one)
        )
        parent = one.commit
    return found


def check(
    kernel: Kernel, version: Version, patches: Sequence[Patch], place: Path, arch: str = "x86"
) -> list[Result]:
    """What the check says, and how long it took."""
    began = time.monotonic()
    # Every test's tree is a repository of its own; the place is named after the repository.
    options = {"objects": (str(place),), "arch": (arch,), "limit": ("900",)}
    with Results(place / "store") as results:
        ground = Ground(place, version, Tree(kernel.path), Settings(), results, options)
        found = [result for _, result in Build().run(ground, patches)]
    took = time.monotonic() - began
    for one in found:
        print(arch, one.state, one.why, *one.findings, sep="\n    ")  # noqa: T201
    print(f"{arch}: {len(patches)} patches in {took:.1f} s")  # noqa: T201
    return found


def test_frame_vector_builds_at_every_commit(kernel: Kernel, series: Path, place: Path) -> None:
    version = store.read(series, 7)
    patches = patches_of(version)
    first = check(kernel, version, patches, place)
    assert {one.state for one in first} == {"passed"}
    notes = [note for one in first for note in one.findings]
    assert {note.path for note in notes} <= {"mm/nommu.c"}
    made = {path: path.stat().st_mtime_ns for path in place.rglob("*.o")}
    assert check(kernel, version, patches, place) == first
    assert made == {path: path.stat().st_mtime_ns for path in place.rglob("*.o")}
    if which("aarch64-linux-gnu-gcc"):
        assert {one.state for one in check(kernel, version, patches[-2:], place, "arm64")} == {
            "passed"
        }
    seeded_break(kernel, version, place)


def seeded_break(kernel: Kernel, version: Version, place: Path) -> None:
    """Patch 2 drops an argument whose last caller is converted in patch 3."""

    def edited(path: str, pattern: str, replacement: str) -> str:
        text = git(kernel.path, "show", f"{commits[-1]}:{path}") + "\n"
        changed, count = re.subn(pattern, replacement, text, flags=re.DOTALL)
        assert count, path
        return changed

    commits = [version.base]
    header, source = "include/linux/mm.h", "mm/frame_vector.c"
    user, other = (
        "drivers/media/common/videobuf2/videobuf2-memops.c",
        "drivers/gpu/drm/exynos/exynos_drm_g2d.c",
    )
    flags = r"unsigned int gup_flags, (struct frame_vector)"
    call = r"(get_vaddr_frames\([^,]*,[^,]*),[^,]*,(\s*[\w>-]+\))"
    steps: list[dict[str, str]] = []
    patches: list[Patch] = []
    for number in (1, 2, 3):
        if number == 1:
            steps = [{source: edited(source, r"\A", "/* nothing */\n")}]
        elif number == 2:
            definition = edited(source, flags, r"\1")
            definition = definition.replace(
                "\tstruct mm_struct *mm = current->mm;",
                "\tunsigned int gup_flags = FOLL_WRITE;\n\tstruct mm_struct *mm = current->mm;",
                1,
            )
            steps = [
                {
                    header: edited(header, flags, r"\1"),
                    source: definition,
                    user: edited(user, call, r"\1,\2"),
                    "drivers/misc/habanalabs/common/memory.c": edited(
                        "drivers/misc/habanalabs/common/memory.c", call, r"\1,\2"
                    ),
                }
            ]
        else:
            steps = [{other: edited(other, call, r"\1,\2")}]
        commits.append(_commit(kernel, commits[-1], steps[0]))
        ledger = LedgerRecord(("get_vaddr_frames",), {}, ())
        files = tuple(sorted(steps[0]))
        record = PatchRecord(
            number, str(number), "", commits[-1], "", 0, 0, files, (), (), "", "", ()
        )
        patches.append(
            Patch(number, str(number), "", commits[-1], commits[-2], files, ledger, record)
        )
    results = check(kernel, version, patches, place)
    assert [one.state for one in results] == ["passed", "failed", "passed"]
    (found, *_) = [one for one in results[1].findings if one.severity == "error"]
    assert found.path == other
    assert "get_vaddr_frames" in found.what
    assert "does not build alone: builds again with patch 3" in found.what
    assert "get_vaddr_frames" in found.source


def _commit(kernel: Kernel, parent: str, files: dict[str, str]) -> str:
    """A commit on ``parent`` with other contents of some files, made without a work tree."""
    lines = []
    for path, text in files.items():
        blob = git(kernel.path, "hash-object", "-w", "--stdin", stdin=text.encode())
        lines.append(f"100644 {blob}\t{path}\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GIT_INDEX_FILE", str(kernel.path / "seeded-index"))
        git(kernel.path, "read-tree", parent)
        git(kernel.path, "update-index", "--index-info", stdin="".join(lines).encode())
        tree = git(kernel.path, "write-tree")
    return git(kernel.path, "commit-tree", tree, "-p", parent, "-m", "seeded")
