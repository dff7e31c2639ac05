"""The proving campaign on the sample tree: generated, compiled, applied."""

import contextlib
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from series import cli
from tests.conftest import Run, sealed
from tests.repositories import commit_all, git, make_sample

FLAGS = ("-fsyntax-only", "-Wall", "-Wno-unused-function", "-D__KERNEL__", "-Iinclude")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample tree and the series, v7 generated: made once, then copied."""
    place = tmp_path_factory.mktemp("made")
    with sealed(place / "home"), contextlib.redirect_stdout(io.StringIO()) as said:
        make_sample(place / "linux")
        words = ["-C", str(place), "init", "series", "--campaign", "frame_vector"]
        assert cli.main(words) == 0
        words = ["-C", str(place / "series"), "--tree", str(place / "linux")]
        assert cli.main([*words, "generate", "-v", "7", "--base", "v5.10"]) == 0, said
    return place


@pytest.fixture
def sample(made: Path, tmp_path: Path) -> Path:
    """A copy of the sample tree with the branch of the series."""
    return Path(shutil.copytree(made / "linux", tmp_path / "linux", symlinks=True))


@pytest.fixture
def series(made: Path, tmp_path: Path) -> Path:
    """A copy of the series folder, with v7 generated."""
    return Path(shutil.copytree(made / "series", tmp_path / "series"))


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


# What the sample tree does not have: a call in a macro's arguments that no parser understands.
FAULT = """
static int exynos_try(struct g2d_data *g2d, unsigned long at)
{
	G2D_EACH(g2d, { ret = get_vaddr_frames(at, 1, FOLL_WRITE, g2d->vec) ; if ( ] );
	return 0;
}
"""


@pytest.mark.slow
def test_a_call_that_spatch_cannot_parse_is_reported(
    reroll: Run, tmp_path: Path, sample: Path
) -> None:
    git(sample, "branch", "-D", "reroll/frame-vector")
    file = sample / "drivers/media/common/videobuf2/videobuf2-memops.c"
    line = file.read_text().count("\n") + 4
    file.write_text(file.read_text() + FAULT)
    commit_all(sample, "a fault")
    words = ["-D", "function=get_vaddr_frames", "-D", "position=3", "-D", "arguments=4"]
    done = reroll("scan", "generic/drop-argument", *words, "--tree", sample)
    assert done.code == 1
    place = f"drivers/media/common/videobuf2/videobuf2-memops.c:{line}"
    assert f"{place}: get_vaddr_frames: unparsed: spatch could not parse this code" in done.err

    assert reroll("-C", tmp_path, "init", "series", "--campaign", "frame_vector").code == 0
    done = reroll("-C", tmp_path / "series", "--tree", sample, "generate")
    assert done.code == 1
    assert f"patch mm-longterm: {place}: get_vaddr_frames: unparsed" in done.err
    assert git(sample, "for-each-ref", "refs/heads/reroll") == ""


def test_ledger_of_every_patch_sums_up(series: Path, sample: Path) -> None:
    manifest = json.loads((series / "versions/v7/manifest.json").read_text())
    parent, accounted = "v5.10", 0
    for patch in manifest["patches"]:
        ledger = patch["ledger"]
        assert sum(ledger["counts"].values()) == len(ledger["sites"])
        assert "unexplained" not in ledger["counts"]
        for path in {site["path"] for site in ledger["sites"]}:
            words = "|".join(ledger["words"])
            text = git(sample, "show", f"{parent}:{path}")
            found = [site["line"] for site in ledger["sites"] if site["path"] == path]
            assert len(re.findall(rf"\b(?:{words})\b", text)) == len(found)
            accounted += len(found)
        parent = patch["commit"]
    assert accounted > 40
