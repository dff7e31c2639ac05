"""The style pass: faults that a rule made are mended, what somebody wrote stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import edits, style
from generator.tree import Tree
from tests.conftest import Run
from tests.repositories import make_repository
from tests.test_scan import MakeTree

# In the spirit of the kernel's own; any will do.
CLANG_FORMAT = """\
BasedOnStyle: LLVM
IndentWidth: 8
TabWidth: 8
ContinuationIndentWidth: 8
UseTab: Always
BreakBeforeBraces: Linux
ColumnLimit: 80
SortIncludes: false
"""
HEAD = "int a(struct s *p, int x)\n{\n"


def function(body: str) -> str:
    return f"{HEAD}{body}\treturn x;\n}}\n"


CASES = [
    ("space around an operator", "\tx = f(1);\n", "\tx =min3(1, 2);\n", "\tx = min3(1, 2);\n"),
    (
        "continuation under its parenthesis",
        "\tlong_name(p->one,\n\t\t  p->two);\n",
        "\tname(p->one,\n\t\t  p->two);\n",
        "\tname(p->one, p->two);\n",
    ),
    (
        "a line that is too long",
        "\tx = f(p->first_of_them_all, p->second_of_them_all, p->third_and_last);\n",
        "\tx = another_name(p->first_of_them_all, p->second_of_them_all, p->third_and_last);\n",
        "\tx = another_name(p->first_of_them_all, p->second_of_them_all,\n"
        "\t\t\t p->third_and_last);\n",
    ),
    (
        "a layout that is a matter of taste stays",
        "\tf(p->one,\n\t  p->two,\n\t  p->three);\n",
        "\tg(p->one,\n\t  p->two,\n\t  p->four);\n",
        "\tg(p->one,\n\t  p->two,\n\t  p->four);\n",
    ),
    (
        "what was ragged before is not ours",
        "\tlong_name(p->one,\n\t\tp->two);\n",
        "\tname(p->one,\n\t\tp->two);\n",
        "\tname(p->one,\n\t\tp->two);\n",
    ),
    (
        "a comment stays",
        "\t/* f( 1 ) */\n",
        "\t/* g( 1 )*/\n",
        "\t/* g( 1 )*/\n",
    ),
    (
        "what is aligned with tabs stays",
        "\tint\t\tone;\n",
        "\tint\t\ttwo=1;\n",
        "\tint\t\ttwo=1;\n",
    ),
    (
        "a line that was too wide before is not ours",
        "\tx = a_very_long_name_of_a_function(p->first_of_them_all, p->second_of_them_all, 1);\n",
        "\tx = a_very_long_name_of_a_function(p->first_of_them_all, p->second_of_them, 1);\n",
        "\tx = a_very_long_name_of_a_function(p->first_of_them_all, p->second_of_them, 1);\n",
    ),
    (
        "a new line under old ones that hang",
        "\trc = fill(start,\n\t\tp->flags,\n\t\tp->vec);\n",
        "\trc = fill(start,\n\t\t  p->flags | X,\n\t\tp->vec);\n",
        "\trc = fill(start, p->flags | X, p->vec);\n",
    ),
    (
        "other statements stay",
        "\ty=1;\n\tx = f(1);\n\tz=2;\n",
        "\ty=1;\n\tx =g(1);\n\tz=2;\n",
        "\ty=1;\n\tx = g(1);\n\tz=2;\n",
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_what_is_mended(before: str, after: str, expected: str, tree: MakeTree) -> None:
    repository = Tree(tree({".clang-format": CLANG_FORMAT, "a.c": function(before)}))
    with repository.worktree("HEAD") as worktree:
        file = worktree.file("a.c")
        old, snapshot = file.read_bytes(), worktree.snapshot()
        file.write_text(function(after))
        worktree.stage(["a.c"])
        assert style.apply(worktree, {"a.c": old}, snapshot) == ""
        assert file.read_text() == function(expected)
        assert worktree.git("diff", "--name-only") == b""
    repository.close()


MACRO = "#define make(owner, name)\t\t\\\n({\t\t\t\t\t\\\n\tdo_it(owner, name);\t\t\\\n})\n"


def test_backslashes_of_a_macro_stay_under_each_other() -> None:
    changed = MACRO.replace("owner, name)\t\t\\\n({", "name)\t\t\\\n({").replace(
        "it(owner", "it(THIS_MODULE"
    )
    done = style.align_backslashes(changed, {1, 3})
    columns = {len(line.expandtabs(8)) for line in done.split("\n") if line.endswith("\\")}
    assert columns == {41}
    assert style.align_backslashes(MACRO, {1, 2, 3}) == MACRO


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (None, ""),
        ("BasedOnStyle: [\n", "style pass not run: clang-format:"),
        ("NoSuchKey: 1\n", "style pass not run: clang-format:"),
    ],
)
@pytest.mark.slow
def test_a_configuration_that_cannot_be_used_is_said(
    reroll: Run, tree: MakeTree, configuration: str | None, said: str
) -> None:
    files = {"a.c": "int a(int x)\n{\n\treturn old_call(x);\n}\n"}
    if configuration is not None:
        files[".clang-format"] = configuration
    words = ["-D", "old=old_call", "-D", "new=new_call", "--tree", tree(files)]
    done = reroll("scan", "generic/rename-function", *words)
    assert done.code == 0
    assert said in done.err
    assert ("style pass" in done.err) == bool(said)
    assert reroll("scan", "generic/rename-function", *words, "--no-style").err.count("style") == 0


def test_a_link_is_no_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("t")
    make_repository(place, {"a.c": "int x;\n"})
    (place / ".clang-format").symlink_to("/etc/passwd")
    from tests.repositories import commit_all

    commit_all(place, "a link")
    repository = Tree(place)
    with repository.worktree("HEAD") as worktree:
        assert "no plain file" in style.apply(worktree, {"a.c": b"int y;\n"}, worktree.snapshot())
    repository.close()


LINES = st.lists(st.text(alphabet="ab( ;\t", max_size=6), max_size=12)


@given(LINES, st.lists(st.booleans(), min_size=100, max_size=100))
def test_two_layouts_go_side_by_side(lines: list[str], joined: list[bool]) -> None:
    text = "\n".join(lines)
    # Another layout of the same text: some line ends are spaces, some spaces line ends.
    other = "".join(
        (" " if character == "\n" else "\n") if character in " \n" and flip else character
        for character, flip in zip(text, joined, strict=False)
    )
    other += text[len(other) :]
    new, tidy = text.split("\n"), other.split("\n")
    at = (0, 0)
    for first, last, from_, to in style._side_by_side(new, tidy):
        assert (first, from_) == at
        assert (last, to) > (first, from_)
        ours, theirs = "".join(new[first:last]), "".join(tidy[from_:to])
        assert "".join(ours.split()) == "".join(theirs.split())
        at = (last, to)
    assert at == (len(new), len(tidy))


def test_a_huge_change_is_compared_in_good_time() -> None:
    body = "".join(f"\tx{number} = old_call({number});\n" for number in range(9_000))
    before = f"int a(void)\n{{\n{body}}}\n"
    after = before.replace("old_call", "new_call")
    removed = "".join(f"-{line}\n" for line in before.splitlines()[2:-1])
    added = "".join(f"+{line}\n" for line in after.splitlines()[2:-1])
    diff = f"--- a/a.c\n+++ b/a.c\n@@ -3,9000 +3,9000 @@\n{removed}{added}"
    change = edits.changes(diff.encode(), {"a.c": before})["a.c"]
    assert len(change.removed) == 9_000
    first = before.index("old_call")
    assert change.removed[0] == (first, first + len("old_call"))
