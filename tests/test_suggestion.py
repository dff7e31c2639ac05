"""A name that there is not: the nearest one that there is, wherever a user can type one."""

from pathlib import Path

import pytest

from generator.suggestion import ending, meant
from tests.conftest import Run, Small
from tests.repositories import git


@pytest.fixture
def small(generated: Small) -> Small:
    """One version of the small series."""
    return generated


def test_the_nearest_name() -> None:
    assert meant("subsytem", ["none", "subsystem"]) == "did you mean 'subsystem'?"
    assert meant("V5.10", ["v5.10", "v5.1"]) == "did you mean 'v5.10'?"
    assert (meant("xyz", ["subsystem"]), ending("xyz", ["subsystem"])) == ("", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("genrate", "did you mean 'generate'?"),
        ("generate --bsae v5.10", "usage: reroll generate"),
        ("generate --bsae v5.10", "--bsae v5.10; did you mean '--base'?"),
        ("generate --base mastr", "clone?; did you mean 'master'?"),
        ("generate --executor dsk", "'dsk' is not one of local, dask; did you mean 'dask'?"),
        ("b4 exprt", "did you mean 'export'?"),
        ("send --assume snet", "did you mean 'sent'?"),
        ("check ordr", "did you mean 'order'?"),
        ("send --override ordr=x", "did you mean 'order'?"),
        ("recipients -v 3", "there is no version 3\\nreroll: hint: run 'reroll generate -v 3'"),
        ("recipients -v 3", "; there are: 1"),
        ("adopt aa generic/rename-function", "series.toml has no patch 'aa'"),
        ("adopt aa generic/rename-function", "did you mean 'a'?"),
        ("scan generic/rename-functon", "did you mean 'generic/rename-function.cocci'?"),
        ("scan generic/rename-function -D odl=a -D new=b", "'odl'; did you mean 'old'?"),
        ("scan generic/drop-argument -D functon=a", "'functon'; did you mean 'function'?"),
    ],
)
def test_on_the_command_line(reroll: Run, small: Small, words: str, said: str) -> None:
    done = reroll(*small.words(*words.split()))
    assert (done.code, said.replace("\\n", "\n") in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("timout", "3", "reroll.timout: there is no such setting; did you mean 'timeout'?"),
        ("checkArhc", "x", "did you mean 'checkarch'?"),
        ("maintainers", "pyton", "did you mean 'python'?"),
        ("recipients.scop", "series", "did you mean 'scope'?"),
        ("recipients.scope", "serie", "did you mean 'series'?"),
        ("recipients.roles", "named maintaner", "did you mean 'maintainer'?"),
    ],
)
def test_in_git_config(reroll: Run, small: Small, key: str, value: str, said: str) -> None:
    git(small.tree, "config", f"reroll.{key}", value)
    done = reroll(*small.words("check"))
    assert (done.code, said in done.err) == (2, True), done.err
    # What is wrong in git's configuration is what doctor is for.
    assert said.partition(";")[0] in reroll("--tree", small.tree, "doctor").out


def test_a_check_in_git_config(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "reroll.check", "ordr")
    done = reroll(*small.words("check"))
    assert (done.code, "did you mean 'order'?" in done.err) == (2, True)


def test_in_a_template(reroll: Run, small: Small) -> None:
    small.rewrite('"new_call() is better."', '"{{ smpl_bdy }}"')
    done = reroll(*small.words("generate"))
    assert (done.code, "did you mean 'smpl_body'?" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ('["drivers/b"]', '["drivrs/b"]', 1, "no drivrs/b in the tree; did you mean 'drivers/b'?"),
        ('["drivers/b"]', '["Drivers/x"]', 1, "Drivers/x in the tree; did you mean 'drivers'?"),
        ('["drivers/b"]', '["drivers/b/b.h"]', 1, "did you mean 'drivers/b/b.c'?"),
        (
            'paths = ["drivers/b"]',
            'exclude = { "drivers/a/aa.c" = "by hand" }',
            2,
            "exclude: there is no drivers/a/aa.c in the tree; did you mean 'drivers/a/a.c'?",
        ),
        ('edit = "drivers/b/Kconfig"', 'edit = "drivers/b/Kconfg"', 1, "mean 'drivers/b/Kconfig'?"),
    ],
)
def test_a_path_in_a_campaign(
    reroll: Run, small: Small, old: str, new: str, code: int, said: str
) -> None:
    small.rewrite(old, new)
    done = reroll(*small.words("generate"))
    assert (done.code, said in done.err) == (code, True), (done.code, done.err)


def test_a_path_that_an_earlier_step_made(reroll: Run, small: Small) -> None:
    small.rewrite(
        'edit = "drivers/b/Kconfig"',
        'move = "drivers/b/Kconfig"\nto = "drivers/b/Kconfig.new"\n\n[[patch.step]]\n'
        'edit = "drivers/b/Kconfig.nev"',
    )
    done = reroll(*small.words("generate"))
    assert (done.code, "did you mean 'drivers/b/Kconfig.new'?" in done.err) == (1, True), done.err


def test_a_path_to_scan(reroll: Run, small: Small) -> None:
    done = reroll(*small.words("scan", "generic/rename-function", "drivers/bb"))
    assert (done.code, "did you mean 'drivers/b'?" in done.err) == (2, True), done.err


def test_a_branch_of_b4(reroll: Run, small: Small) -> None:
    git(small.tree, "branch", "b4/new-call")
    done = reroll(*small.words("b4", "import", "new-cal"))
    assert (done.code, "did you mean 'new-call'?" in done.err) == (2, True), done.err


def test_the_tree_that_one_is_in(
    reroll: Run, small: Small, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(small.tree / "drivers/a")
    assert reroll("-C", small.folder, "generate", "-n").code == 0
    # Another one that is named counts more.
    git(tmp_path, "config", "--global", "reroll.tree", str(tmp_path / "none"))
    done = reroll("-C", small.folder, "generate", "-n")
    assert (done.code, "none: there is no such directory" in done.err) == (2, True)
