"""The proving campaign on the sample tree: generated, compiled, applied."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.repositories import git

FLAGS = ("-fsyntax-only", "-Wall", "-Wno-unused-function", "-D__KERNEL__", "-Iinclude")


@pytest.fixture
def series(reroll: Run, tmp_path: Path, sample: Path) -> Path:
    """The series folder, with v7 generated."""
    assert reroll("-C", tmp_path, "init", "series", "--campaign", "frame_vector").code == 0
    folder = tmp_path / "series"
    done = reroll("-C", folder, "--tree", sample, "generate", "-v", 7, "--base", "v5.10")
    assert (done.code, done.err) == (0, "")
    return folder


def compile_errors(tree: Path) -> str:
    """What gcc says of every C file of a checked-out sample tree."""
    files = git(tree, "ls-files", "*.c").split()
    result = subprocess.run(["gcc", *FLAGS, *files], cwd=tree, capture_output=True, text=True)
    return result.stderr


def test_nine_patches(series: Path, sample: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    assert [patch["id"] for patch in manifest["patches"]] == [
        "exynos-pages",
        "exynos-longterm",
        "habana-pages",
        "habana-longterm",
        "mm-longterm",
        "media-move",
        "mm-unsafe-follow-pfn",
        "media-unsafe-follow-pfn",
        "vfio-unsafe-follow-pfn",
    ]
    assert manifest["skipped"] == []
    cover = (series / "versions/v7/v7-0000-cover-letter.patch").read_text()
    assert "Changes in v7:" in cover
    assert f"base-commit: {git(sample, 'rev-parse', 'v5.10')}" in cover
    assert re.search(r"^Subject: \[PATCH v7 0/9\] ", cover, re.MULTILINE)


def test_every_commit_compiles(series: Path, sample: Path, tmp_path: Path) -> None:
    place = tmp_path / "build"
    git(sample, "worktree", "add", "-q", "--detach", str(place), "v5.10")
    assert compile_errors(place) == ""
    for commit in git(sample, "rev-list", "--reverse", "v5.10..reroll/frame-vector").split():
        git(place, "checkout", "-q", commit)
        assert compile_errors(place) == "", git(sample, "show", "-s", "--format=%s", commit)


def test_nothing_is_left(series: Path, sample: Path) -> None:
    tip = "reroll/frame-vector"

    def grep(pattern: str, *paths: str) -> list[str]:
        result = subprocess.run(
            ["git", "grep", "-n", "-E", pattern, tip, "--", *paths],
            cwd=sample,
            capture_output=True,
            text=True,
        )
        return result.stdout.splitlines()

    assert grep("gup_flags", "*frame_vector*", "*videobuf2*") == []
    assert grep("FRAME_VECTOR", "*Kconfig", "*Makefile") == []
    assert grep("frame_vec", "drivers/gpu", "drivers/misc") == []
    calls = grep(r"get_vaddr_frames\(", "*.c")
    assert calls
    header = git(sample, "show", f"{tip}:include/media/frame_vector.h")
    prototype = re.search(r"get_vaddr_frames\(([^)]*)\)", header)
    assert prototype is not None
    assert prototype[1].count(",") == 2
    body = git(sample, "show", f"{tip}:drivers/media/common/videobuf2/frame_vector.c")
    pin, lock = body.index("pin_user_pages_fast("), body.index("mmap_read_lock(")
    assert pin < lock
    assert "FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM" in body
    assert "vma_is_fsdax" not in body
    assert "unsafe_follow_pfn(" in body


def test_applied_elsewhere_it_is_the_same_tree(
    reroll: Run, series: Path, sample: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    git(tmp_path, "clone", "-q", str(sample), str(second))
    done = reroll("-C", series, "--tree", second, "--json", "apply", "-v", 7, "--onto", "v5.10")
    assert json.loads(done.out)["identical"] is True


def test_recipients_follow_maintainers(series: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    first = {item["address"] for item in manifest["patches"][0]["recipients"]}
    cover = {item["address"] for item in manifest["cover"]["recipients"]}
    assert first < cover
    for patch in manifest["patches"]:
        assert any(item["field"] == "to" for item in patch["recipients"])
        assert {item["address"] for item in patch["recipients"]} <= cover
