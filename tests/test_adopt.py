"""``reroll adopt``: semantic patches in place of a hand-written one."""

import json
from pathlib import Path

import pytest

from generator.campaign import load
from tests.conftest import RENAME, Run, Small
from tests.repositories import git, state_of

OTHER = RENAME.replace("new_call", "better_call")
HAND = """\
[series]
name = "hand"
title = "Use new_call()"

[[patch]]
id = "comment"
title = "drivers: b: say more"
message = "Words first."

[[patch.step]]
edit = "drivers/b/b.c"
pattern = '/\\* old_call\\(\\) \\*/'
replace = "/* old_call(), twice */"

# this comment stays
[[patch]]
id = "b"
title = "drivers: b: use new_call()"
message = "It is better."

[[patch.step]]
apply = "patches/b.patch"
"""
DIFF = """\
diff --git a/drivers/b/b.c b/drivers/b/b.c
--- a/drivers/b/b.c
+++ b/drivers/b/b.c
@@ -1,5 +1,5 @@
 /* old_call(), twice */
 int b(int x)
 {
-\treturn old_call(x + 1);
+\treturn new_call(x + 1);
 }
"""
MAIL = f"From: Ann Author <ann@example.org>\nSubject: [PATCH] b\n\nText.\n---\n{DIFF}-- \n2.40\n"


@pytest.fixture
def hand(small: Small) -> Small:
    """The small tree with a series whose second patch is written by hand."""
    (small.folder / "series.toml").write_text(HAND)
    (small.folder / "patches").mkdir()
    (small.folder / "patches/b.patch").write_text(MAIL)
    return small


def steps(small: Small) -> list[dict[str, object]]:
    """The steps of the patch b as the file has them."""
    patch = load(small.folder).patches[-1]
    return [step.model_dump(exclude_unset=True) for step in patch.step]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same(reroll: Run, hand: Small) -> None:
    before, refs = contents(hand.folder), state_of(hand.tree)
    done = reroll(*hand.words("adopt", "b", "rename.cocci", "--paths", "drivers/b"))
    assert (done.code, done.err) == (0, "")
    assert "patch b: the rules make the same change" in done.out
    assert "sites of old_call: 2 = 1 converted" in done.out
    assert (contents(hand.folder), state_of(hand.tree)) == (before, refs)


def test_more_than_by_hand(reroll: Run, hand: Small) -> None:
    before = contents(hand.folder)
    done = reroll(*hand.words("adopt", "b", "rename.cocci"))
    assert done.code == 1
    assert "the rules make another change in 1 file" in done.out
    assert "  drivers/a/a.c +1 -1\n" in done.out
    assert "-\treturn old_call(x);\n+\treturn new_call(x);" in done.out
    assert contents(hand.folder) == before


def test_another_change_than_by_hand(reroll: Run, hand: Small) -> None:
    (hand.folder / "rename.cocci").write_text(OTHER)
    done = reroll(*hand.words("--json", "adopt", "b", "rename.cocci", "--paths", "drivers/b"))
    answer = json.loads(done.out)
    assert (done.code, answer["same"], answer["swapped"]) == (1, False, False)
    assert answer["files"] == [{"path": "drivers/b/b.c", "added": 1, "removed": 1}]
    assert "-\treturn new_call(x + 1);\n+\treturn better_call(x + 1);" in answer["diff"]
    assert answer["ledger"]["counts"]["converted"] == 1


@pytest.mark.slow
def test_swap(reroll: Run, hand: Small, tmp_path: Path) -> None:
    assert reroll(*hand.words("generate")).code == 0
    tree = git(hand.tree, "rev-parse", "reroll/hand^{tree}")
    rule = tmp_path / "elsewhere.cocci"
    rule.write_text(RENAME)
    words = hand.words("adopt", "b", rule, "--paths", "drivers/b", "--swap")
    assert reroll(*words, "-n").code == 0
    assert steps(hand) == [{"apply": "patches/b.patch"}]
    done = reroll(*words)
    assert done.code == 0, done.err
    assert "series.toml has the rules in place of the hand-written diff" in done.out
    assert steps(hand) == [{"rule": "elsewhere.cocci", "paths": ["drivers/b"]}]
    assert (hand.folder / "elsewhere.cocci").read_text() == RENAME
    text = (hand.folder / "series.toml").read_text()
    assert "# this comment stays" in text
    # Whoever wrote the mail stays the author.
    assert load(hand.folder).patches[-1].author == "Ann Author <ann@example.org>"
    assert reroll(*hand.words("generate")).code == 0
    assert git(hand.tree, "rev-parse", "reroll/hand^{tree}") == tree
    assert git(hand.tree, "log", "-1", "--format=%an", "reroll/hand") == "Ann Author"


@pytest.mark.slow
def test_swap_with_a_difference_that_is_kept(reroll: Run, hand: Small) -> None:
    assert reroll(*hand.words("generate")).code == 0
    tree = git(hand.tree, "rev-parse", "reroll/hand^{tree}")
    (hand.folder / "rename.cocci").write_text(OTHER)
    words = ("adopt", "b", "rename.cocci", "--paths", "drivers/b", "--swap", "--keep-rest")
    done = reroll(*hand.words(*words))
    assert done.code == 0, done.err
    assert "what they leave is in patches/b-rest.patch" in done.out
    assert steps(hand) == [
        {"rule": "rename.cocci", "paths": ["drivers/b"]},
        {"apply": "patches/b-rest.patch"},
    ]
    assert reroll(*hand.words("generate")).code == 0
    assert git(hand.tree, "rev-parse", "reroll/hand^{tree}") == tree
    # Later a second rule stands for what was left.
    (hand.folder / "second.cocci").write_text(RENAME.replace("old_call", "better_call"))
    done = reroll(*hand.words("adopt", "b", "second.cocci", "--paths", "drivers/b", "--swap"))
    assert (done.code, "the rules make the same change" in done.out) == (0, True), done.err
    assert [one["rule"] for one in steps(hand)] == ["rename.cocci", "second.cocci"]


def test_swap_with_a_difference_that_is_lost(reroll: Run, hand: Small) -> None:
    done = reroll(*hand.words("adopt", "b", "rename.cocci", "--swap"))
    assert done.code == 0, done.err
    assert "the difference above is in the series no more" in done.out
    assert steps(hand) == [{"rule": "rename.cocci"}]


def test_a_bundled_rule_with_values(reroll: Run, hand: Small) -> None:
    words = ("adopt", "b", "generic/rename-function", "-D", "old=old_call", "-D", "new=new_call")
    done = reroll(*hand.words(*words, "--paths", "drivers/b", "--swap"))
    assert done.code == 0, done.err
    (step,) = steps(hand)
    assert step["rule"] == "generic/rename-function"
    assert {"old_call", "new_call"} <= set((step.get("define") or step["parameters"]).values())  # type: ignore[union-attr,attr-defined]
    assert reroll(*hand.words("generate")).code == 0


def test_a_rule_that_changes_nothing(reroll: Run, hand: Small) -> None:
    (hand.folder / "rename.cocci").write_text(RENAME.replace("old_call", "no_such_call"))
    before = contents(hand.folder)
    done = reroll(*hand.words("adopt", "b", "rename.cocci"))
    assert (done.code, "changes none of" in done.err) == (1, True)
    done = reroll(*hand.words("adopt", "b", "rename.cocci", "--swap"))
    assert (done.code, "changes none of" in done.err) == (1, True)
    assert contents(hand.folder) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "rename.cocci"), "series.toml has no patch 'nobody'"),
        (("comment", "rename.cocci"), "has no apply step"),
        (("b",), "at least one rule"),
        (("b", "missing.cocci"), "missing.cocci"),
        (("b", "rename.cocci", "--keep-rest"), "goes with --swap"),
        (("b", "rename.cocci", "-D", "x"), "must be NAME=VALUE"),
        (("b", "rename.cocci", "--paths", "../x"), "does not leave its folder"),
        (("b", "broken.cocci"), "broken.cocci"),
    ],
)
def test_what_is_wrong_is_said(reroll: Run, hand: Small, words: tuple[str, ...], said: str) -> None:
    (hand.folder / "broken.cocci").write_text("@@ @@\n- (\n")
    before, refs = contents(hand.folder), state_of(hand.tree)
    done = reroll(*hand.words("adopt", *words))
    assert (done.code, said in done.err) == (2, True), done.err
    assert "Traceback" not in done.err
    assert (contents(hand.folder), state_of(hand.tree)) == (before, refs)


def test_a_rule_of_another_text_in_the_folder(reroll: Run, hand: Small, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    rule = tmp_path / "new/rename.cocci"
    rule.write_text(OTHER)
    done = reroll(*hand.words("adopt", "b", rule))
    assert (done.code, "has another rename.cocci" in done.err) == (2, True)


def test_a_hand_written_diff_that_does_not_apply(reroll: Run, hand: Small) -> None:
    (hand.folder / "patches/b.patch").write_text(MAIL.replace("x + 1", "x + 2"))
    done = reroll(*hand.words("adopt", "b", "rename.cocci"))
    assert (done.code, "patch b: patches/b.patch: does not apply" in done.err) == (3, True)
