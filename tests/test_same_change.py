"""When two diffs make the same change although their context has moved."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import range_diff, same_change

BEFORE = """\
int c(int x)
{
	lock(x);
	if (x)
		return 1;
	use(x);
	more(x);
	and_more(x);
	free_it(x);
	return 0;
}

int d(int x)
{
	lock(x);
	check(x);
	x++;
	use(x);
	return 0;
}
"""


def diff(before: str, after: str, *words: str, name: str = "drivers/c.c") -> bytes:
    """What git says of a file that changes, with the git of this machine."""
    place = Path(diff.place)  # type: ignore[attr-defined]
    sides = []
    for side, text in (("a", before), ("b", after)):
        path = place / side / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sides.append(f"{side}/{name}")
    said = subprocess.run(
        ["git", "diff", "--no-index", "--full-index", *words, *sides],
        cwd=place,
        capture_output=True,
        check=False,
    ).stdout
    return said.replace(b"a/a/", b"a/").replace(b"b/b/", b"b/")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path) -> None:
    diff.place = tmp_path  # type: ignore[attr-defined]


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


OLD = ("\tfree_it(x);\n", "\tfree_it(x);\n\tunlock(x);\n")


@pytest.mark.parametrize(
    ("base", "old", "new", "same"),
    [
        # The same place, among lines that are other ones now.
        ("\tand_more(x);\n", *OLD, True),
        ("\treturn 0;\n}\n\nint d", *OLD, True),
        ("int c(int x)", *OLD, True),
        # Another place of the same function; another function.
        ("", "\tuse(x);\n", "\tunlock(x);\n\tuse(x);\n", False),
        ("", "\tlock(x);\n", "\tlock(x);\n\tunlock(x);\n", False),
        ("", "\tx++;\n", "\tx++;\n\tunlock(x);\n", False),
        # Another line, more lines, fewer lines.
        ("", "\tfree_it(x);\n", "\tfree_it(x);\n\tunlock(y);\n", False),
        ("", "\tfree_it(x);\n", "\tfree_it(x);\n\tunlock(x);\n\tunlock(x);\n", False),
    ],
)
def test_a_line_that_is_added(base: str, old: str, new: str, same: bool) -> None:
    first = diff(BEFORE, changed(BEFORE, *OLD))
    moved = {
        "\tand_more(x);\n": "\tand_yet_more(x);\n",
        "\treturn 0;\n}\n\nint d": "\tx = 7;\n\treturn x;\n}\n\nint d",
        "int c(int x)": "static long before;\n\nint c(int x)",
    }
    text = changed(BEFORE, base, moved[base]) if base else BEFORE
    assert same_change.same(first, diff(text, changed(text, old, new))) is same


def test_a_call_that_goes_away_in_another_function() -> None:
    text = changed(BEFORE, "\tlock(x);\n", "\tlock(x);\n\tcheck(x);\n")
    first = diff(text, changed(text, "\tcheck(x);\n", ""))
    at = text.rindex("\tcheck(x);\n")
    assert not same_change.same(first, diff(text, text[:at] + text[at + 11 :]))


def test_a_removed_line_is_known_by_its_function() -> None:
    """All its neighbours have changed, but it is the same call in the same function."""
    text = "int f(int x)\n{\n" + "".join(f"\tuse({n});\n" for n in range(9)) + "}\n"
    other = text.replace("use(3)", "a(3)").replace("use(5)", "a(5)").replace("use(2)", "a(2)")
    other = other.replace("use(1)", "a(1)").replace("use(6)", "a(6)").replace("use(7)", "a(7)")
    first, second = (diff(one, one.replace("use(4)", "hold(4)")) for one in (text, other))
    assert same_change.same(first, second)
    elsewhere = other.replace("int f(", "int g(")
    assert not same_change.same(first, diff(elsewhere, elsewhere.replace("use(4)", "hold(4)")))


def test_files_count() -> None:
    one = diff("a\n", "b\n", name="x.c")
    other = diff("a\n", "b\n", name="y.c")
    assert same_change.same(one + other, other + one)
    assert not same_change.same(one, one + other)
    assert not same_change.same(one, other)
    assert not same_change.same(b"", b"")
    assert same_change.changed_files(one, one + other) == (b"y.c",)


@pytest.mark.parametrize("words", [("--histogram",), ("--patience",), ("-U8",), ("-W",), ("-U1",)])
def test_how_git_was_told_to_look_does_not_matter(words: tuple[str, ...]) -> None:
    before = "".join(f"int f{n}(void)\n{{\n\tint x;\n\n\tuse({n % 3});\n}}\n\n" for n in range(9))
    after = before.replace("\tuse(1);\n", "\tif (x)\n\t\tuse(1);\n").replace("int f4", "long f4")
    after = after.replace(before[90:180], before[180:230])
    first, second = diff(before, after), diff(before, after, *words)
    # Where the lines differ, git makes both diffs anew; nobody's word for the blobs is taken.
    made = range_diff.alike([first, second])
    assert same_change.same(first, second) or same_change.same(*made)


@given(st.lists(st.sampled_from("abcdefghijkl"), unique=True), st.data())
@pytest.mark.slow
def test_a_change_is_the_same_as_itself(letters: list[str], data: st.DataObject) -> None:
    """Of lines that are there once, no other change passes for the same one."""
    lines = [f"\tline_{letter}();\n" for letter in letters]
    places = st.integers(0, len(lines))
    texts = []
    for _ in range(2):
        at, gone = data.draw(places), data.draw(st.integers(0, 2))
        new = data.draw(st.sampled_from(["", "\tnew_one();\n", "\tnew_two();\n"]))
        texts.append("".join([*lines[:at], new, *lines[at + gone :]]))
    first, second = (diff("".join(lines), text) for text in texts)
    assert same_change.same(first, first) is bool(first)
    if same_change.same(first, second):
        assert texts[0] == texts[1]
