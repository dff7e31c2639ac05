"""The style pass: faults that a rule made are mended, what somebody wrote stays."""

import pytest

from generator import style
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
        old = file.read_bytes()
        file.write_text(function(after))
        worktree.stage(["a.c"])
        assert style.apply(worktree, {"a.c": old}) == ""
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
        (None, "the tree has no .clang-format"),
        ("BasedOnStyle: [\n", "style pass not run: clang-format:"),
        ("NoSuchKey: 1\n", "style pass not run: clang-format:"),
    ],
)
def test_without_a_usable_configuration_it_says_so(
    reroll: Run, tree: MakeTree, configuration: str | None, said: str
) -> None:
    files = {"a.c": "int a(int x)\n{\n\treturn old_call(x);\n}\n"}
    if configuration is not None:
        files[".clang-format"] = configuration
    words = ["-D", "old=old_call", "-D", "new=new_call", "--tree", tree(files)]
    done = reroll("scan", "generic/rename-function", *words)
    assert done.code == 0
    assert said in done.err
    assert reroll("scan", "generic/rename-function", *words, "--no-style").err.count("style") == 0


def test_a_link_is_no_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("t")
    make_repository(place, {"a.c": "int x;\n"})
    (place / ".clang-format").symlink_to("/etc/passwd")
    from tests.repositories import commit_all

    commit_all(place, "a link")
    repository = Tree(place)
    with repository.worktree("HEAD") as worktree:
        assert "no plain file" in style.apply(worktree, {"a.c": b"int y;\n"})
    repository.close()
