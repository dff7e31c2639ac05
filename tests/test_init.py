"""``reroll init``: a series folder from a bundled campaign, or from one rule."""

import re
import shlex
from pathlib import Path

import pytest

from generator.campaign import load
from series.commands.init import bundled
from tests.conftest import Run, Small
from tests.repositories import git


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
    assert (done.code, "did you mean 'frame_vector'?" in done.err) == (2, True)
    assert not (tmp_path / "mine").exists()
    done = reroll("-C", tmp_path, "init", "mine", "--campaign", "xyz")
    assert "there are: add_argument, frame_vector" in done.err


def test_the_command_to_go_on_with_can_be_pasted(
    reroll: Run, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.cocci").write_text(RULE)

    def following(folder: str, *words: object) -> list[str]:
        done = reroll(*words, "init", folder, "--rule", "mine.cocci")
        assert done.code == 0, done.err
        return shlex.split(done.out.partition("next: reroll ")[2])

    assert following("a") == ["-C", "a", "--tree", "LINUX", "generate"]
    assert following("b", "--tree", "small") == ["-C", "b", "--tree", "small", "generate"]
    git(tmp_path, "config", "--global", "reroll.tree", str(small.tree))
    words = following("it's new")
    assert words == ["-C", "it's new", "generate"]
    done = reroll(*words)
    assert (done.code, "mails in" in done.out) == (0, True), done.err


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
        assert "Places that name old_call: 3 (2 converted, 1 comment).\n" in mails[0].read_text()


def test_a_rule_for_a_part_of_the_tree(reroll: Run, small: Small, tmp_path: Path) -> None:
    (tmp_path / "mine.cocci").write_text(RULE)
    words = ("init", "new", "--rule", "mine.cocci", "--split", "file", "drivers/b/", 'lib/"')
    assert reroll("-C", tmp_path, *words, "-n").code == 0
    words = ("init", "new", "--rule", "mine.cocci", "drivers/b/")
    assert reroll("-C", tmp_path, *words).code == 0
    assert load(tmp_path / "new").patches[0].step[0].paths == ["drivers/b"]  # type: ignore[union-attr]
    done = reroll("-C", tmp_path / "new", "--tree", small.tree, "generate")
    assert done.code == 0, done.err
    (mail,) = (tmp_path / "new/versions/v1").glob("*.patch")
    assert "drivers/a" not in mail.read_text()
    assert reroll("-C", tmp_path, "init", "all", "--rule", "mine.cocci", "lib", ".").code == 0
    assert load(tmp_path / "all").patches[0].step[0].paths == []  # type: ignore[union-attr]
    for bad in ("..", "/drivers", "", "a\nb", "a/../../b", "a\x7f", "a\udcff"):
        done = reroll("-C", tmp_path, "init", "bad", "--rule", "mine.cocci", bad)
        assert (done.code, "is no path of the tree" in done.err) == (2, True)
    done = reroll("-C", tmp_path, "init", "other", "--campaign", "frame_vector", "drivers")
    assert (done.code, "only with --rule is a part of the tree named" in done.err) == (2, True)


@pytest.mark.parametrize("split", ["none", "file"])
def test_what_is_commented_out_can_be_switched_on(
    reroll: Run, small: Small, tmp_path: Path, split: str
) -> None:
    (tmp_path / "mine.cocci").write_text(RULE)
    assert reroll("-C", tmp_path, "init", "new", "--rule", "mine.cocci", "--split", split).code == 0
    file = tmp_path / "new/series.toml"
    text = file.read_text()
    keys = re.findall(r"^# (\w+) = ", text, re.MULTILINE)
    common = {"base", "prefix", "to", "2", "remaining", "paths", "exclude", "tokens"}
    assert {*keys} == common | ({"split"} if split == "none" else set())
    file.write_text(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
    made = load(tmp_path / "new")
    assert (made.series.base, [*made.series.changelog]) == ("v6.12", [2])
    assert made.patches[0].step[0].tokens == ["old_call"]  # type: ignore[union-attr]


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
