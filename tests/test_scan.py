"""``reroll scan``: the diff, the ledger, nothing written; and what may go wrong in it."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RENAME, Run, Small
from tests.repositories import commit_all, git, make_repository, state_of
from tests.test_spatch import DEBIAN

MakeTree = Callable[..., Path]
CALL = "int a(int x)\n{\n\treturn old_call(x);\n}\n"


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "rename.cocci"
    path.write_text(RENAME)
    return path


def test_diff_applies_and_nothing_is_written(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a.c": CALL, "b/b.c": f"/* old_call() */\n{CALL}", "doc.rst": "old_call()\n"})
    before = state_of(place)
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 0, done.err
    assert state_of(place) == before
    assert list(place.parent.glob("reroll-tree-*")) == []
    git(place, "apply", "-p1", stdin=done.out.encode())
    assert "new_call(x)" in (place / "b/b.c").read_text()
    assert "sites of old_call: 4 = 2 converted, 1 comment, 1 not C" in done.err
    assert "b/b.c:1    old_call  comment  in a comment" in done.err


def test_paths_and_exclusions_limit_the_scope(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a/a.c": CALL, "b/b.c": CALL, "b/c.c": CALL})
    done = reroll("scan", rule, "b", "--exclude", "b/c.c=has its own", "--tree", place)
    assert done.code == 0
    assert "a/a.c" not in done.out + done.err
    assert "b/c.c:3  old_call  excluded  has its own" in done.err


def test_json(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a.c": CALL, "b.c": "#define M old_call\n"})
    done = reroll("scan", rule, "--tree", place, "--json")
    answer = json.loads(done.out)
    assert done.code == 1
    assert answer["changed"] == ["a.c"]
    assert answer["ledger"]["counts"] == {"converted": 1, "unexplained": 1}
    assert answer["ledger"]["sites"][1] == {
        "path": "b.c",
        "line": 1,
        "word": "old_call",
        "bucket": "unexplained",
        "why": "in the body of a macro",
    }
    assert answer["troubles"] == ["b.c:1: old_call: unexplained: in the body of a macro"]
    assert answer["diff"].startswith("diff --git a/a.c b/a.c\n")


def test_several_rules_see_each_other(reroll: Run, tree: MakeTree, rule: Path) -> None:
    second = rule.with_name("second.cocci")
    second.write_text(RENAME.replace("new_call", "newest").replace("old_call", "new_call"))
    place = tree({"a.c": CALL})
    done = reroll("scan", rule, second, "--tree", place)
    assert done.code == 0, done.err
    assert "-\treturn old_call(x);\n+\treturn newest(x);" in done.out


def test_nothing_matches(reroll: Run, tree: MakeTree, rule: Path) -> None:
    done = reroll("scan", rule, "--tree", tree({"a.c": "int x;\n"}))
    assert (done.code, done.out) == (1, "")
    assert done.err == "sites of old_call: none\nreroll: nothing matches\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such.cocci"], "there is no rule no-such.cocci"),
        (["generic/rename-funktion"], "did you mean 'generic/rename-function.cocci'?"),
        (["RULE", "no/such/path"], "there is no no/such/path in the tree"),
        (["RULE", "-D", "x"], "-D x: must be NAME=VALUE"),
        (["RULE", "-D", "a=b c"], "define a = 'b c': both must be C identifiers"),
        (["RULE", "--exclude", "a.c"], "--exclude a.c: must be NAME=VALUE"),
        (["generic/drop-argument"], "template: 'function' is undefined"),
        (
            ["generic/drop-argument", "-D", "function=a; b()", "-D", "position=1"],
            "parameter function: 'a; b()' is no C identifier",
        ),
        (
            ["generic/drop-argument", "-D", "function=a", "-D", "position=x", "-D", "arguments=1"],
            "position counts from 1 up to 'arguments'",
        ),
        (["generic/drop-argument", "-D", "fun=a"], "has no parameter 'fun'"),
        (["RULE", "--base", "nowhere"], "there is no commit 'nowhere'"),
    ],
)
def test_bad_words(reroll: Run, tree: MakeTree, rule: Path, words: list[str], said: str) -> None:
    words = [str(rule) if word == "RULE" else word for word in words]
    done = reroll("scan", *words, "--tree", tree({"a.c": CALL}))
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../x"])
def test_paths_stay_in_the_tree(reroll: Run, tree: MakeTree, rule: Path, path: str) -> None:
    done = reroll("scan", rule, path, "--tree", tree({"a.c": CALL}))
    assert done.code == 2
    assert f"{path}: paths count from the root of the tree" in done.err


def test_virtual_identifiers_are_accounted_for_under_their_names(
    reroll: Run, tree: MakeTree
) -> None:
    place = tree({"a.c": f"/* old_call */\n{CALL}"})
    words = ["generic/rename-function", "-D", "old=old_call", "--tree", place]
    done = reroll("scan", *words, "-D", "new=new_call")
    assert "sites of old_call: 2 = 1 converted, 1 comment" in done.err
    done = reroll("scan", *words)
    assert (done.code, done.out) == (2, "")
    assert "rename-function.cocci: needs a definition of 'new' (-D new=NAME)" in done.err
    done = reroll("scan", *words, "-D", "new=n", "-D", "newer=n")
    assert "rename-function.cocci: has no virtual identifier 'newer'" in done.err
    done = reroll("scan", *words, "-D", "new=n", "-D", "new=m")
    assert "'new' is given twice" in done.err


def test_a_rule_without_a_word_says_so(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    rule = tmp_path / "any.cocci"
    rule.write_text('virtual patch\n@@ identifier F =~ "old_"; @@\n- F(...)\n+ gone()\n')
    done = reroll("scan", rule, "--tree", tree({"a.c": CALL}))
    assert done.code == 0
    assert "no sites: the rule changes no word to account for" in done.err


def test_sites_before_and_behind_odd_line_ends(reroll: Run, tree: MakeTree, rule: Path) -> None:
    odd = "/* \x0c \x85 \u2028 */\n" * 3
    place = tree({"a.c": f"{odd}int g(void)\n{{\n\tM( {{ old_call(a) ; ;; if ( ] );\n}}\n"})
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 1
    assert "a.c:6: old_call: unparsed" in done.err


def test_a_file_that_spatch_drops_does_not_end_the_run(
    reroll: Run, tree: MakeTree, rule: Path
) -> None:
    place = tree({"a.c": CALL, "nested.c": CALL.replace("(x);", "(old_call(x));")})
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 1
    assert "+++ b/a.c" in done.out
    assert "nested.c:3: old_call: failed: spatch dropped it" in done.err
    assert reroll("scan", rule, "--tree", place, "--remaining", "any").code == 0


def test_rules_that_undo_each_other(reroll: Run, tree: MakeTree, rule: Path) -> None:
    back = rule.with_name("back.cocci")
    back.write_text(RENAME.replace("old_", "x_").replace("new_", "old_").replace("x_", "new_"))
    done = reroll("scan", rule, back, "--tree", tree({"a.c": CALL}))
    assert (done.code, done.out) == (1, "")
    assert "nothing matches" in done.err


def test_attributes_do_not_hide_a_change(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a.c": CALL, ".gitattributes": "*.c -diff\n"})
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 0, done.err
    assert "sites of old_call: 1 = 1 converted" in done.err


def test_a_name_with_a_line_end_is_accounted_for(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a.c": CALL, "n\nl.c": CALL})
    done = reroll("scan", rule, "--tree", place, "--exclude", "n\nl.c=odd")
    assert "sites of old_call: 2 = 1 converted, 1 excluded" in done.err
    assert "n\\nl.c:3  old_call  excluded  odd" in done.err


def test_a_spatch_that_is_none(reroll: Run, tree: MakeTree, rule: Path) -> None:
    done = reroll("scan", rule, "--spatch", "/bin/true", "--tree", tree({"a.c": CALL}))
    assert done.code == 4
    assert "/bin/true is no spatch" in done.err


GROWING = "virtual patch\n@@ expression E; @@\n- old_call(E)\n+ old_call(E + 1)\n"
STEPS = (
    "virtual patch\n@@ expression E; @@\n- three(E)\n+ two(E)\n@@ expression E; @@\n- four(E)\n"
    "+ three(E)\n"
)


@pytest.mark.slow
def test_second_run_that_changes_more_is_an_error(
    reroll: Run, tree: MakeTree, tmp_path: Path
) -> None:
    rule = tmp_path / "grow.cocci"
    rule.write_text(GROWING)
    place = tree({"a.c": CALL, "b.c": "int b;\n"})
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 1
    assert "grow.cocci: changes a.c once more when it is run again" in done.err
    done = reroll("scan", rule, "--tree", place, "--repeat")
    assert done.code == 1
    assert "grow.cocci: still changes a.c after 10 runs" in done.err


def test_repeat_runs_until_stable(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    rule = tmp_path / "steps.cocci"
    rule.write_text(STEPS)
    place = tree({"a.c": CALL.replace("old_call", "four")})
    assert reroll("scan", rule, "--tree", place).code == 1
    done = reroll("scan", rule, "--tree", place, "--repeat")
    assert done.code == 0, done.err
    assert "+\treturn two(x);" in done.out


def test_bytes_of_the_source_survive(reroll: Run, tree: MakeTree, rule: Path) -> None:
    text = b"/* caf\xe9 \x0c */\r\nint a(int x)\r\n{\r\n\treturn old_call(x);\r\n}\r\n"
    place = tree({"a.c": text})
    done = reroll("scan", rule, "--tree", place, "--json")
    assert json.loads(done.out)["ledger"]["counts"] == {"converted": 1}


SCRIPT = """\
virtual patch
@r@ expression E; position p; @@
 old_call@p(E)
@script:python@ p << r.p; @@
open("PWNED", "w").write("x")
@@ expression E; @@
- old_call(E)
+ new_call(E)
"""


def test_scripts_run_only_when_allowed(
    reroll: Run, tree: MakeTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = tmp_path / "script.cocci"
    rule.write_text(SCRIPT)
    place = tree({"a.c": CALL})
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 2
    assert "has python script rules, which run any code" in done.err
    assert "--allow-scripts" in done.err
    monkeypatch.setenv("PATH", str(_without_spatch(tmp_path)))
    done = reroll("scan", rule, "--tree", place, "--allow-scripts")
    assert done.code == 4
    assert "was built without python scripting" in done.err


def _without_spatch(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("git", "diff", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.mark.skipif(not os.access(DEBIAN, os.X_OK), reason="no Debian spatch")
@pytest.mark.slow
def test_allowed_scripts_use_a_full_spatch(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    rule = tmp_path / "script.cocci"
    rule.write_text(SCRIPT)
    done = reroll("scan", rule, "--tree", tree({"a.c": CALL}), "--allow-scripts")
    assert done.code == 0, done.err
    assert "+\treturn new_call(x);" in done.out


def test_odd_file_names_are_refused_by_name(
    reroll: Run, tree: MakeTree, rule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["x$(touch PWN).c", "a b.c", "a:1.c", "good.c"]
    done = reroll("scan", rule, "--tree", tree(dict.fromkeys(names, CALL)), "--all")
    assert done.code == 1
    for name in names[:3]:
        assert f"{name}:3: old_call: refused: its name holds characters" in done.err
    assert "+++ b/good.c" in done.out
    assert not list(tmp_path.rglob("PWN"))


def test_symbolic_links_are_no_files(reroll: Run, tmp_path: Path, rule: Path) -> None:
    place = make_repository(tmp_path / "t", {"a.c": CALL})
    outside = tmp_path / "outside.c"
    outside.write_text(CALL)
    (place / "link.c").symlink_to(outside)
    (place / "dir").symlink_to("/etc")
    commit_all(place, "links")
    done = reroll("scan", rule, "--tree", place)
    assert done.code == 0, done.err
    assert "link.c" not in done.out
    assert outside.read_text() == CALL


@pytest.mark.slow
def test_kernel_doc_follows_and_asks_for_texts(reroll: Run, tree: MakeTree) -> None:
    text = (
        "/**\n * fill() - fill it\n * @at: where\n * @nr: how many\n */\n"
        "int fill(int at, int nr)\n{\n\treturn at;\n}\n"
    )
    place = tree({"a.c": text})
    words = ["-D", "function=fill", "-D", "position=2", "-D", "arguments=2"]
    done = reroll("scan", "generic/drop-argument", *words, "--tree", place)
    assert done.code == 0, done.err
    assert "- * @nr: how many\n" in done.out
    off = reroll("scan", "generic/drop-argument", *words, "--tree", place, "--no-kernel-doc")
    assert " * @nr: how many\n" in off.out
    assert "- * @nr" not in off.out

    more = [
        *("-D", "function=fill", "-D", "position=3", "-D", "arguments=2", "-D", "value=0"),
        *("-D", "type=int", "-D", "name=flags"),
    ]
    done = reroll("scan", "generic/add-argument", *more, "--tree", place)
    assert done.code == 1
    assert "a.c:1: the kernel-doc of fill does not describe 'flags'" in done.err
    done = reroll(
        "scan", "generic/add-argument", *more, "--describe", "flags=how to fill", "--tree", place
    )
    assert done.code == 0, done.err
    assert "+ * @flags: how to fill\n" in done.out


def test_an_export_of_what_was_renamed_is_not_explained(
    reroll: Run, tree: MakeTree, tmp_path: Path
) -> None:
    rule = tmp_path / "half.cocci"
    rule.write_text(
        "virtual patch\n@@ type T; parameter list P; @@\n T\n-old_call\n+new_call\n (P) { ... }\n"
    )
    text = "int old_call(int x)\n{\n\treturn x;\n}\nEXPORT_SYMBOL(old_call);\n"
    done = reroll("scan", rule, "--tree", tree({"a.c": text, "a.h": "int old_call(int x);\n"}))
    assert done.code == 1
    assert "a.c:5: old_call: unexplained: an export of what has another name now" in done.err
    assert "a.h:1: old_call: unexplained: a prototype of what has another name now" in done.err


def test_a_rule_may_say_what_it_leaves(reroll: Run, tree: MakeTree, rule: Path) -> None:
    place = tree({"a.c": CALL, "b.c": "int b(void)\n{\n\treturn take(old_call);\n}\n"})
    assert reroll("scan", rule, "--tree", place).code == 1
    rule.write_text("// Remaining: any\n" + RENAME)
    assert reroll("scan", rule, "--tree", place).code == 0
    assert reroll("scan", rule, "--tree", place, "--remaining", "explained").code == 1


def test_what_a_template_needs_is_said(reroll: Run, tree: MakeTree) -> None:
    done = reroll("scan", "generic/drop-argument", "--tree", tree({"a.c": CALL}))
    assert "hint: its parameters: arguments, function, position, value" in done.err


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_accounted_for(
    reroll: Run, tree: MakeTree, rule: Path
) -> None:
    body = "".join(f"\tx = old_call(x + {number});\n" for number in range(12_000))
    place = tree({"a.c": CALL, "big.c": f"int big(int x)\n{{\n{body}\treturn x;\n}}\n"})
    done = reroll("scan", rule, "--timeout", "1", "--tree", place, "--json")
    assert done.code == 1
    answer = json.loads(done.out)
    assert answer["ledger"]["counts"] == {"converted": 1, "timed out": 12_000}
    assert "big.c:3: old_call: timed out: spatch ran into its time limit" in answer["troubles"]


def test_nobody_else_s_worktree_goes(reroll: Run, small: Small, tmp_path: Path) -> None:
    """One on a disk that is not mounted looks to git like one that is gone."""
    place = tmp_path / "mine"
    git(small.tree, "worktree", "add", "-q", "--detach", str(place))
    place.rename(tmp_path / "away")
    done = reroll("scan", small.folder / "rename.cocci", "--tree", small.tree)
    assert "+++ b/" in done.out
    (tmp_path / "away").rename(place)
    assert git(place, "status", "--porcelain") == ""


def test_thousands_of_sites_do_not_bury_the_rest(reroll: Run, tree: MakeTree, rule: Path) -> None:
    """What is used but not called is left; nobody reads more than a screen of it."""
    uses = "".join(f"void *p{at} = old_call;\n" for at in range(130))
    place = tree({"a.c": CALL, "b.c": uses})
    words = ["scan", rule, "--tree", place, "--remaining", "any"]
    done = reroll(*words)
    assert done.err.splitlines()[-1] == "  and 30 more that are left"
    assert done.err.count("b.c:") == 100
    assert reroll(*words, "--all").err.count("b.c:") == 130
