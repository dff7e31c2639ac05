"""Rounds of a real series: its six versions as they were posted, and what was answered.

The mails are no part of the project: REROLL_THREADS names a folder with
``follow-pfn-v1.mbox`` to ``-v6.mbox`` (default: ``../shared/threads`` beside the checkout).
"""

import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from generator.campaign import load
from generator.templates import render_text
from series import mail, posting, store
from tests.conftest import Run
from tests.linux.conftest import Kernel
from tests.linux.rebuilt import base_of
from tests.repositories import git, make_repository

# How many patches each version has.
COUNTS = {1: 13, 2: 17, 3: 16, 4: 15, 5: 15, 6: 17}


@pytest.fixture(scope="session")
def real_threads() -> dict[int, Path]:
    """The mailbox of each version."""
    beside = Path(__file__).parents[2].parent / "shared/threads"
    folder = Path(os.environ.get("REROLL_THREADS", "") or beside)
    found = {number: folder / f"follow-pfn-v{number}.mbox" for number in COUNTS}
    if not all(path.is_file() for path in found.values()):
        pytest.skip("REROLL_THREADS names no folder with the real threads")
    return found


@pytest.mark.parametrize("number", COUNTS)
def test_a_real_version_becomes_a_series(
    reroll: Run, real_threads: dict[int, Path], tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "series"
    done = reroll("init", folder, "--from-mbox", real_threads[number])
    assert (done.code, done.err) == (0, "")
    campaign, version = load(folder), store.read(folder)
    assert (campaign.series.version, version.version, version.source) == (number, number, "mails")
    assert len(campaign.patches) == len(version.patches) == COUNTS[number]
    assert [one.id for one in campaign.patches] == [one.id for one in version.patches]
    assert all(one.patch_id and one.files for one in version.patches)
    # Every later version has its changelog; texts are as git reads them, less what a
    # "--" line that was meant as "---" cuts off.
    wanted = set(range(2, number + 1))
    assert wanted <= set(campaign.series.changelog)
    for patch, record in zip(campaign.patches, version.patches, strict=True):
        raw = store.mail_path(folder, version, record.mail).read_bytes()
        git(tmp_path, "mailinfo", str(tmp_path / "msg"), str(tmp_path / "diff"), stdin=raw)
        read = posting.tidy((tmp_path / "msg").read_text())
        message = render_text(patch.message, {}, name="")
        assert read == message or read.startswith(f"{message}\n--\n")
        assert read == message or patch.changelog
        assert not re.search(r"^--$", message, re.MULTILINE)
    assert tomllib.loads((folder / "series.toml").read_text())["series"]["name"]


def test_real_versions_in_one_mailbox(
    reroll: Run, real_threads: dict[int, Path], tmp_path: Path
) -> None:
    whole = tmp_path / "all.mbox"
    whole.write_bytes(b"".join(path.read_bytes() for path in real_threads.values()))
    assert reroll("init", tmp_path / "new", "--from-mbox", whole).code == 0
    assert store.numbers(tmp_path / "new") == [6]
    assert reroll("init", tmp_path / "old", "--from-mbox", whole, "-v", 2).code == 0
    assert len(store.read(tmp_path / "old").patches) == COUNTS[2]
    heads = mail.read_heads([whole])
    found = posting.postings(list(mail.load(one for one in heads if posting.subject(one.subject))))
    assert {one.version: len(one.patches) for one in found} == COUNTS
    assert all(posting.related(found[0], other) for other in found)


@pytest.mark.linux
def test_real_mails_come_out_as_git_am_makes_them(
    reroll: Run, real_threads: dict[int, Path], kernel: Kernel, tmp_path: Path
) -> None:
    """The first four patches of version 6 still apply to the 5.10 kernel of Debian."""
    heads = list(mail.read_heads([real_threads[6]]))
    found = [one for one in heads if posting.subject(one.subject)]
    mails = [one.content for one in mail.load(found)][:5]
    mbox = tmp_path / "some.mbox"
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + one + b"\n" for one in mails))
    folder = tmp_path / "series"
    assert reroll("init", folder, "--from-mbox", mbox, "--partial").code == 0
    words = ("-C", folder, "--tree", kernel.path)
    assert reroll(*words, "apply", "-v", 6, "--onto", kernel.base, "--branch", "am").code == 0
    done = reroll(*words, "generate", "-v", 7, "--base", kernel.base)
    assert done.code == 0, done.err
    name = f"reroll/{load(folder).series.name}"
    form = ("log", "--reverse", "--format=%T%n%an <%ae>%n%B%x00")
    made = git(kernel.path, *form, f"{kernel.base}..{name}").split("\0")
    wanted = git(kernel.path, *form, f"{kernel.base}..am").split("\0")
    assert len(made) == len(wanted) == 5
    sign = "Signed-off-by: Ada Developer <ada@example.org>"
    for one, other in zip(made, wanted, strict=True):
        assert one.replace(sign, "").rstrip() == other.split("\n--\n")[0].rstrip()


def rebuilt_base(threads: dict[int, Path], place: Path) -> Path:
    """A repository whose commit is what version 6 was made for, as far as its hunks tell."""
    heads = [one for one in mail.read_heads([threads[6]]) if posting.subject(one.subject)]
    (found,) = posting.postings(list(mail.load(heads)))
    return make_repository(place, base_of([patch.diff for patch in found.patches]))


def test_version_7_of_the_real_series(
    reroll: Run, real_threads: dict[int, Path], tmp_path: Path
) -> None:
    tree = rebuilt_base(real_threads, tmp_path / "linux")
    folder = tmp_path / "series"
    words = ("-C", folder, "--tree", tree)
    assert reroll("init", folder, "--from-mbox", real_threads[6]).code == 0
    assert reroll(*words, "collect", *real_threads.values()).code == 0
    assert store.numbers(folder) == [1, 2, 3, 4, 5, 6]
    done = reroll(*words, "next")
    assert done.code == 0, done.err
    made = store.read(folder)
    assert (made.version, len(made.patches)) == (7, 17)
    assert [one.id for one in made.patches] == [one.id for one in store.read(folder, 6).patches]
    # All that is different are tags that came, or went, and our own name below.
    compared = reroll(*words, "range-diff", "6", "7")
    assert compared.code == 0
    changed = [line for line in compared.out.splitlines() if re.match(r" {4}[+-]", line)]
    tag = re.compile(r" {4}[+-] {4}(?:Acked|Reviewed|Signed-off)-by: ")
    assert changed
    assert [line for line in changed if not tag.match(line)] == []
    messages = git(tree, "log", "--format=%B", "master..reroll/" + load(folder).series.name)
    for patch in made.patches:
        assert all(one.trailer in messages for one in patch.carried)
    (marked,) = (one for one in made.patches if one.number == 9)
    assert [one.trailer.partition(":")[0] for one in marked.carried] == ["Acked-by"]
    assert [one.why.startswith("withdrawn") for one in marked.dropped] == [True]


@pytest.mark.linux
def test_a_newer_base(
    reroll: Run,
    kernel: Kernel,
    series: Path,
    linux_newer: Path,
    linux_6_1: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """frame_vector moves from 5.10.223 to the newest 5.10 and to 6.1, which has most of it."""
    words = ("-C", series, "--tree", kernel.path)
    moved: dict[str, int] = {}
    for name, linux in (("newer", linux_newer), ("later", linux_6_1)):
        borrow(kernel, linux, name)
        refused = unfit(kernel, name, sorted((series / "versions/v7").glob("*-000[1-9]-*.patch")))
        start = time.monotonic()
        done = reroll(*words, "next", "--anyway", "--base", name, "--skip-unmatched", "--json")
        assert done.code == 0, done.err
        made = store.read(series)
        gone = [one.title for one in made.skipped]
        with capsys.disabled():
            sys.stdout.write(
                f"\n{name}: {len(made.patches)} patches made, {len(gone)} left out in "
                f"{time.monotonic() - start:.0f} s; git am -3 refused {refused} of 8 mails\n"
            )
        moved[name] = len(made.patches)
        assert made.base == git(kernel.path, "rev-parse", name)
        assert reroll(*words, "check", "mail").code in (0, 1)
    assert moved == {"newer": 8, "later": 2}


def borrow(kernel: Kernel, linux: Path, name: str) -> None:
    """Let ``kernel`` have the commit of another tree as a branch."""
    objects = git(linux, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    with (kernel.path / "objects/info/alternates").open("a") as borrowed:
        borrowed.write(f"{objects}\n")
    git(kernel.path, "update-ref", f"refs/heads/{name}", git(linux, "rev-parse", "HEAD"))


def unfit(kernel: Kernel, base: str, mails: list[Path]) -> int:
    """How many of ``mails`` ``git am -3`` cannot apply one after the other, those left out."""
    place = kernel.path.parent / f"am-{base}"
    git(kernel.path, "worktree", "add", "-q", "--no-checkout", "--detach", str(place), base)
    git(place, "read-tree", "HEAD")
    listed = git(place, "ls-files", "-z")
    git(place, "update-index", "-z", "--skip-worktree", "--stdin", stdin=listed.encode())
    refused = 0
    for mail_file in mails:
        words = ["git", "am", "-q", "-3", str(mail_file)]
        if subprocess.run(words, cwd=place, capture_output=True, check=False).returncode:
            refused += 1
            git(place, "am", "--skip")
    return refused
