"""``reroll init``: a series folder from a bundled campaign, or from one rule."""

from pathlib import Path

import pytest

from generator.campaign import load
from series.commands.init import bundled
from tests.conftest import Run, Small


def test_a_bundled_campaign_becomes_a_folder(reroll: Run, tmp_path: Path) -> None:
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector")
    assert done.code == 0
    assert load(tmp_path / "mine").series.name == "frame-vector"
    assert f"reroll -C {tmp_path}/mine --tree LINUX generate" in done.out


def test_an_empty_folder_stays_the_same_one(reroll: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    before = (tmp_path / "mine").stat().st_ino
    assert reroll("-C", tmp_path / "mine", "init", ".", "--campaign", "frame_vector").code == 0
    assert (tmp_path / "mine").stat().st_ino == before
    assert load(tmp_path / "mine").patches


def test_every_bundled_campaign_is_valid(reroll: Run, tmp_path: Path) -> None:
    for name in bundled():
        assert reroll("-C", tmp_path, "init", name, "--campaign", name).code == 0
        assert load(tmp_path / name).patches


def test_nothing_is_overwritten(reroll: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("precious\n")
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector")
    assert (done.code, "exists already" in done.err) == (2, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


def test_unknown_campaign(reroll: Run, tmp_path: Path) -> None:
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vectr")
    assert (done.code, "frame_vector" in done.err) == (2, True)
    assert not (tmp_path / "mine").exists()


def test_dry_run(reroll: Run, tmp_path: Path) -> None:
    assert reroll("-C", tmp_path, "init", "mine", "--campaign", "frame_vector", "-n").code == 0
    assert list(tmp_path.iterdir()) == []


RULE = """\
// SPDX-License-Identifier: GPL-2.0-only
/// Use new_call() instead of old_call(): it does not sleep, 'really'.
/// There is nothing {{ odd }} about it.
//
// Confidence: High
virtual patch
@@ expression E; @@
- old_call(E)
+ new_call(E)
"""
BODY = RULE[RULE.index("virtual") :]


@pytest.mark.parametrize("split", ["none", "directory"])
def test_one_rule_becomes_a_series_worth_reading(
    reroll: Run, small: Small, tmp_path: Path, split: str
) -> None:
    (tmp_path / "mine.cocci").write_text(RULE)
    done = reroll("-C", tmp_path, "init", "new", "--rule", "mine.cocci", "--split", split)
    assert done.code == 0, done.err
    done = reroll("-C", tmp_path / "new", "--tree", small.tree, "generate")
    assert done.code == 0, done.err
    mails = sorted((tmp_path / "new/versions/v1").glob("*.patch"))
    text = mails[-1].read_text()
    area = "b" if split == "directory" else "treewide"
    assert f"{area}: Use new_call() instead of old_call()".lower() in text.replace("\n ", " ")
    assert "it does not sleep, 'really'. There is nothing {{ odd }} about it." in " ".join(
        text.split()
    )
    quoted = text.split("// <smpl>\n")[1].split("\n// </smpl>")[0]
    assert quoted == BODY.removeprefix("virtual patch\n").strip()
    if split == "directory":
        assert len(mails) == 3
        assert "in 2 of the\n3 places that name old_call." in mails[0].read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rule", "/etc/passwd"], "the name of a rule ends in .cocci"),
        (["--rule", "generic/rename-function"], "needs a definition of 'new'"),
        (["--rule", "no.cocci"], "there is no rule no.cocci"),
        (["--rule", "generic/drop-argument"], "'function' is undefined"),
        (["--rule", "generic/rename-function", "-D", "old=1"], "must be C identifiers"),
        (["--campaign", "frame_vector", "--split", "file"], "--split and -D go with --rule"),
        ([], "one of the arguments --campaign --rule --from-mbox is required"),
    ],
)
def test_bad_words(reroll: Run, tmp_path: Path, words: list[str], said: str) -> None:
    done = reroll("-C", tmp_path, "init", "new", *words)
    assert (done.code, said in done.err) == (2, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "/// '''\n",
        "/// {{ x }} {% if %} {# # #}\n",
        "/// \x1b[31m\n",
        '/// "quoted" \\ and \\u0041\n',
        "/// " + "word " * 400 + "\n",
        "/// --- diff -\n",
        "/// From: me.\n",
        "/// ; x\n",
        "/// .\n",
    ],
)
@pytest.mark.slow
def test_any_header_gives_a_valid_campaign(
    reroll: Run, small: Small, tmp_path: Path, header: str
) -> None:
    (tmp_path / "odd.cocci").write_text(header + BODY)
    done = reroll("-C", tmp_path, "init", "new", "--rule", "odd.cocci")
    assert done.code == 0, done.err
    done = reroll("-C", tmp_path / "new", "--tree", small.tree, "generate")
    assert done.code == 0, done.err
