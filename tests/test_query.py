"""Which files a rule is run on: those that hold what it needs, and never too few."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.conversion import Bench, Order, convert
from generator.query import Query, parse
from generator.rule import parse_rule
from generator.scan import preview
from generator.spatch import Engine, find_spatch
from generator.tree import Tree
from tests.repositories import make_repository
from tests.test_spatch import BUILDS


@pytest.mark.parametrize(
    ("printed", "words", "holding", "not_holding"),
    [
        ("a", ("a",), ["a"], ["b"]),
        ("(a&b)", ("a", "b"), ["a b"], ["a", "b", ""]),
        ("(a|b)", ("a", "b"), ["a", "b"], ["c"]),
        ("((a|b)&c)", ("a", "b", "c"), ["a c", "c b"], ["a b", "c"]),
        ("((((k|z)&m)|(k&s))&l)", ("k", "l", "m", "s", "z"), ["z m l", "k s l"], ["z s l", "k m"]),
        ("\n (a & b)\n", ("a", "b"), ["b\na"], ["a"]),
        # What is not understood keeps no file away.
        ("(a&b", ("a", "b"), ["a", "b", ""], []),
        ("(a&b|c)", ("a", "b", "c"), ["c", ""], []),
        ("(a&b))", ("a", "b"), ["a"], []),
        ("!a", ("!a",), [""], []),
        ("&", (), [""], []),
        ("(" * 5000 + "a" + ")" * 5000, ("a",), ["", "a"], []),
    ],
)
def test_formulas(
    printed: str, words: tuple[str, ...], holding: list[str], not_holding: list[str]
) -> None:
    query = parse(f"rule\nIdutils query\n{printed}\n")
    assert query.words == words
    assert [text for text in holding if not query.holds(text)] == []
    assert [text for text in not_holding if query.holds(text)] == []


def test_no_query() -> None:
    assert parse("No idutils query\n") == Query()
    assert Query().holds("anything")


@given(st.text(alphabet="ab&|() \n", max_size=30))
def test_any_text_is_read(text: str) -> None:
    query = parse(f"Idutils query\n{text}")
    assert query.holds(" ".join(query.words))


@pytest.mark.parametrize(
    ("declarations", "body", "weak", "needed"),
    [
        ("struct thing *t;", "- old(t)\n+ new(t)", {"struct", "thing"}, {"old"}),
        ("identifier f = {old, older};", "- f(1)\n+ new(1)", {"identifier"}, {"old", "older"}),
        # Also where the body has it: "+" lines do, and other rules.
        ("thing t; expression e;", "- old(e, sizeof(thing), t)\n+ new(t)", {"thing"}, {"old"}),
        ("expression e;\n  thing t;", "- old(t)\n+ new(t)", {"thing"}, {"old"}),
    ],
)
@pytest.mark.parametrize("form", ["@@\n{}\n@@\n{}\n", "@r@\n{}\n@@\n{}\n", "  @@\n{}\n@@\n{}\n"])
def test_a_word_that_only_names_a_type_need_not_be_there(
    declarations: str, body: str, weak: set[str], needed: set[str], form: str
) -> None:
    rule = parse_rule(form.format(declarations, body), name="x.cocci")
    assert weak <= rule.declared_words
    assert not needed & rule.declared_words


RULE = """\
@@ struct thing *t; expression e; @@
- old_call(t, e);
+ new_call(t, e, GFP_KERNEL);
  after(e);
"""
FILES = {
    "both.c": "void f(struct thing *t)\n{\n\told_call(t, 1);\n\tafter(1);\n}\n",
    # The type of "t" is the header's to say.
    "typed.c": '#include "typed.h"\nvoid f(void)\n{\n\told_call(own.t, 1);\n\tafter(1);\n}\n',
    "typed.h": "struct own { struct thing *t; };\nextern struct own own;\n",
    "old.c": "void f(struct thing *t)\n{\n\told_call(t, 1);\n}\n",
    "after.c": "void f(struct thing *t)\n{\n\tafter(1);\n}\n",
}


@pytest.mark.parametrize("build", BUILDS)
def test_only_files_that_can_match_are_run(tmp_path: Path, build: str) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    tree = Tree(place)
    spatch = find_spatch(build)
    rule = parse_rule(RULE, name="x.cocci")
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        bench = Bench(worktree, lambda _: spatch, timeout=60, jobs=2)
        done = convert(bench, Order(rule))
    # "typed.h" holds the type, and no call.
    assert (done.candidates, done.changed) == (2, ("both.c", "typed.c"))
    # What was left out is accounted for all the same.
    assert done.search.hits == {"both.c": 1, "typed.c": 1, "old.c": 1}
    tree.close()


@pytest.mark.parametrize("build", BUILDS)
def test_both_builds_print_formulas(build: str) -> None:
    rule = parse_rule(RULE, name="x.cocci")
    with Engine(find_spatch(build), rule, timeout=60, jobs=1) as engine:
        query = engine.query()
    assert query.words == ("after", "old_call", "thing")
    assert (query.holds("old_call\nafter"), query.holds("thing old_call")) == (True, False)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        # The type's name is in "+" code, or in another rule, and need not be in the file.
        (
            "@@ struct thing *t; @@\n- old_call(t, 1)\n+ new_call(t, sizeof(struct thing))\n",
            ["both.c", "old.c", "typed.c"],
        ),
        (
            "@a@ struct thing *t; @@\n- old_call(t, 1)\n+ new_call(t)\n\n"
            "@b@ expression e; @@\n- (struct thing *)e\n+ e\n",
            ["both.c", "old.c", "typed.c"],
        ),
        # No word at all is needed.
        ("@@ struct thing *t; @@\n- t\n+ (t + 0)\n", ["both.c", "old.c", "typed.c"]),
    ],
)
def test_no_file_is_missed(tmp_path: Path, text: str, changed: list[str]) -> None:
    place = make_repository(tmp_path / "tree", FILES)
    tree = Tree(place)
    spatch = find_spatch()
    with tree.worktree(tree.resolve("HEAD")) as worktree:
        bench = Bench(worktree, lambda _: spatch, timeout=60, jobs=2)
        done = preview(bench, Order(parse_rule(text, name="x.cocci")))
    assert [one.path for one in done if one.diff and one.path.endswith(".c")] == changed
    tree.close()
