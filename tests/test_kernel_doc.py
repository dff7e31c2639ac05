"""Kernel-doc comments follow the declarations that a rule changed."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.kernel_doc import Undescribed, Updated, update

LONG = "whether the caller writes to the pages that it asks for, which breaks copy on write"

FUNCTION = """\
#include <linux/mm.h>

/**
 * pin_range() - keep the pages of a range
 * @start:\twhere the range begins
 * @nr:\t\thow many pages
 * @flags:\thow to look them up, see
 *\t\tthe flags of the pool
 * @vec:\twhere to put them
 *
 * Both @flags and @nr are checked, @flagship is not.
 *
 * Return: a count.
 */
int pin_range(unsigned long start, unsigned int nr, unsigned int flags,
\t      struct frame_vector *vec)
{
\treturn start ? nr : flags;
}
"""

STRUCT = """\
/**
 * struct pool - a place for frames
 * @lock: protects all
 * @u: what it holds
 * @u.frame: one
 * @done: called at the end
 * @map: a bit for each
 * @busy: a flag
 */
struct pool {
\tspinlock_t lock;
\tunion {
\t\tint frame; /* one; or { none */
\t} u;
#ifdef CONFIG_DONE
\tint (*done)(struct pool *pool, int how);
#endif
\tDECLARE_BITMAP(map, 64);
\tunsigned int busy:1, idle : 1;
\t/* private: */
\tstruct_group(inner, int hidden; u8 seen[4];);
};
"""

INLINE = """\
/**
 * struct box - a box
 */
struct box {
\t/** @width: from left to right, see @height */
\tint width;

\t/**
\t * @height: from top to bottom
\t *
\t * Never 0.
\t */
\tint height;

\tstruct {
\t\t/** @fill: how full */
\t\tint fill;
\t} state;
};
"""

MACRO = """\
/**
 * for_each_frame - walk
 * @vec: the vector
 * @pos: the
 *       cursor
 * @args: the rest
 */
#define for_each_frame(vec, pos, args...) \\
\tfor (pos = 0; pos < (vec)->nr; pos++)
"""


def changed(
    before: str, edits: dict[str, str], texts: dict[str, str] | None = None
) -> tuple[str, Updated]:
    """``before`` with ``edits`` as a rule would make them, and what becomes of that."""
    after = before
    for old, new in edits.items():
        assert after.count(old) == 1, old
        after = after.replace(old, new)
    return after, update(before, after, texts or {})


@pytest.mark.parametrize(
    ("before", "edits", "texts", "expected"),
    [
        pytest.param(
            FUNCTION,
            {" unsigned int flags,": ""},
            {},
            {
                " * @flags:	how to look them up, see\n *		the flags of the pool\n": "",
            },
            id="a parameter goes with all its lines",
        ),
        pytest.param(
            FUNCTION,
            {"unsigned int flags,": "unsigned int how,"},
            {},
            {" * @flags:	": " * @how:	", "Both @flags and": "Both @how and"},
            id="a parameter is renamed, and references to it",
        ),
        pytest.param(
            FUNCTION,
            {"unsigned int flags,": "bool write,"},
            {"write": LONG},
            {
                " * @flags:	how to look them up, see\n *		the flags of the pool\n": (
                    " * @write:	whether the caller writes to the pages that it asks for, which\n"
                    " *		breaks copy on write\n"
                ),
                "Both @flags and": "Both @write and",
            },
            id="a text for the new name wins over the old description",
        ),
        pytest.param(
            FUNCTION,
            {"unsigned int flags,": "unsigned int flags, bool write,"},
            {"write": "whether to write", "vec": "not asked for"},
            {" * @vec:	": " * @write:	whether to write\n * @vec:	"},
            id="a new parameter comes after the one before it",
        ),
        pytest.param(
            FUNCTION,
            {"unsigned long start,": "struct mm *mm, unsigned long start,"},
            {"mm": "whose"},
            {" * @start:	": " * @mm:		whose\n * @start:	"},
            id="a new first parameter, in the column of the others",
        ),
        pytest.param(
            FUNCTION,
            {"int pin_range(": "int hold_range("},
            {},
            {" * pin_range() -": " * hold_range() -"},
            id="the function is renamed",
        ),
        pytest.param(
            FUNCTION,
            {"int pin_range(unsigned long start,": "int hold_range("},
            {},
            {
                " * pin_range() -": " * hold_range() -",
                " * @start:	where the range begins\n": "",
            },
            id="the function is renamed and loses a parameter",
        ),
        pytest.param(
            FUNCTION.replace("{\n	return start ? nr : flags;\n}", "__must_hold(lock);"),
            {"unsigned long start,": "/* a, b( */ unsigned long\n#ifdef A\n	start,\n#endif\n"},
            {},
            {},
            id="comments and directives in a prototype are no change",
        ),
        pytest.param(
            FUNCTION.replace("unsigned int flags", "int (*flags)(int a, int b)"),
            {" int (*flags)(int a, int b),": ""},
            {},
            {" * @flags:	how to look them up, see\n *		the flags of the pool\n": ""},
            id="a function pointer",
        ),
        pytest.param(
            FUNCTION.replace("@vec:", "@...:").replace("struct frame_vector *vec", "..."),
            {",\n	      ...)": ")"},
            {},
            {" * @...:	where to put them\n": ""},
            id="variable arguments",
        ),
        pytest.param(
            FUNCTION,
            {"unsigned int flags,": "unsigned int flags, bool *write[2],"},
            {},
            {},
            id="no text: nothing is written",
        ),
        pytest.param(
            STRUCT,
            {"	spinlock_t lock;\n": "", "		int frame;": "		int page;"},
            {"page": "one page"},
            {" * @lock: protects all\n": "", " * @u.frame: one\n": " * @u.page: one page\n"},
            id="members, one of them in an inner union",
        ),
        pytest.param(
            STRUCT,
            {
                "	int (*done)(struct pool *pool, int how);\n": "",
                "	DECLARE_BITMAP(map, 64);\n": "",
                "busy:1, idle : 1": "idle : 1",
                "int hidden; u8 seen[4];": "u8 seen[4]; int more;",
            },
            {"more": "private, so not said"},
            {
                " * @done: called at the end\n": "",
                " * @map: a bit for each\n": "",
                " * @busy: a flag\n": "",
            },
            id="a function pointer, a bitmap, a bit, and private members",
        ),
        pytest.param(
            STRUCT,
            {"(*done)": "(*finish)", "(map, 64)": "(bits, 64)", "} u;": "} what;"},
            {},
            {
                "@u: what": "@what: what",
                "@u.frame:": "@what.frame:",
                "@done:": "@finish:",
                "@map:": "@bits:",
            },
            id="members are renamed",
        ),
        pytest.param(
            STRUCT,
            {"struct pool {": "struct basin {"},
            {},
            {"struct pool -": "struct basin -"},
            id="a struct is renamed",
        ),
        pytest.param(
            INLINE,
            {"	int width;\n": "", "		int fill;\n": ""},
            {},
            {
                "	/** @width: from left to right, see @height */\n\n": "",
                "		/** @fill: how full */\n": "",
            },
            id="comments inside a body go",
        ),
        pytest.param(
            INLINE,
            {"int height;": "int depth;", "int fill;": "int level;"},
            {},
            {"see @height": "see @depth", "@height: from": "@depth: from", "@fill:": "@level:"},
            id="comments inside a body are renamed",
        ),
        pytest.param(
            INLINE,
            {"	int height;\n": ""},
            {},
            {
                "	/**\n	 * @height: from top to bottom\n	 *\n	 * Never 0.\n	 */\n\n": ""
            },
            id="a longer comment inside a body goes",
        ),
        pytest.param(
            INLINE,
            {"	int width;\n": "	int depth;\n	int width;\n"},
            {"depth": "from front to back"},
            {" * struct box - a box\n": " * struct box - a box\n * @depth: from front to back\n"},
            id="a new member where the others are described inside the body",
        ),
        pytest.param(
            MACRO,
            {"(vec, pos, args...)": "(vec, args...)"},
            {},
            {" * @pos: the\n *       cursor\n": ""},
            id="a macro",
        ),
        pytest.param(
            MACRO,
            {"(vec, pos, args...)": "(vec, pos, step, args...)"},
            {"step": LONG},
            {
                " * @args:": (
                    " * @step: whether the caller writes to the pages that it asks for, which "
                    "breaks\n *        copy on write\n * @args:"
                )
            },
            id="a second line under the first, as the neighbour has it",
        ),
        pytest.param(
            "/**\n * f - x\n */\nvoid f(void);\n",
            {"f(void)": "f(int a)"},
            {"a": LONG},
            {
                " */": (
                    " * @a: whether the caller writes to the pages that it asks for, which breaks\n"
                    " *	copy on write\n */"
                )
            },
            id="the first parameter of all, on two lines",
        ),
        pytest.param(
            "/**\n * f - x\n *\n * @a: one\n *\n * @b: two\n *\n * Text.\n */\n"
            "int f(int a, int b);\n",
            {", int b": ", int c, int d"},
            {"c": "three", "d": "four */"},
            {" * @b: two\n": " * @c: three\n *\n * @d: four * /\n"},
            id="blank lines between the descriptions",
        ),
        pytest.param(
            "/**\n * f - x\n *\n * @a: one */\nint f(int a);\n",
            {"int a": "void"},
            {},
            {" *\n * @a: one */": " */"},
            id="the closing mark stays when the last line goes",
        ),
        pytest.param(
            "/**\n * f - x\n * @a: one */\nint f(int a);\n",
            {"int a": "int a, int b"},
            {"b": "two"},
            {"one */": "one\n * @b: two\n */"},
            id="the closing mark stays the last",
        ),
        pytest.param(
            "/**\n * f - x\n * @a: one\n * returns nothing\n */\nint f(int a);\n",
            {"int a": "void"},
            {},
            {" * @a: one\n": ""},
            id="a sentence on the return value is no continuation",
        ),
        pytest.param(
            "/**\n * f - x\n * @a: one\n *\n *      more on it\n * @b: two\n */\n"
            "int f(int a, int b);\n",
            {"int a, ": ""},
            {},
            {" * @a: one\n *\n *      more on it\n": ""},
            id="an indented paragraph between descriptions belongs to the first",
        ),
        pytest.param(
            "/**\n * f - x\n * @a - one\n * @z: stale\n */\nint f(int a);\n",
            {"int a": "void"},
            {},
            {" * @a - one\n": ""},
            id="a dash for the colon; a stale description stays",
        ),
        pytest.param(
            "/**\n * sys_f - x\n * @a: one\n * @b: two\n */\n"
            "SYSCALL_DEFINE2(f, int, a, int, b)\n{\n}\n",
            {"2(f, int, a, ": "1(f, "},
            {},
            {" * @a: one\n": ""},
            id="a system call",
        ),
        pytest.param(
            "/**\n * typedef f - x\n * @a: one\n * @b: two\n */\n"
            "typedef int (*f)(int a, int *b);\n",
            {", int *b": ""},
            {},
            {" * @b: two\n": ""},
            id="a type of a function",
        ),
        pytest.param(
            "/**\n * enum e - x\n * @A: one\n * @B: two\n */\nenum e {\n	A = 1,\n	B,\n};\n",
            {"	A = 1,\n": ""},
            {},
            {" * @A: one\n": ""},
            id="an enumeration",
        ),
        pytest.param(
            "/**\n * f - x\n * @a: one\n */\nstatic int f(int a)\n{\n}\n\nint g(int b)\n{\n}\n",
            {"static int f(int a)\n{\n}\n\n": ""},
            {},
            {},
            id="a comment that was left behind above another function",
        ),
        pytest.param(
            "/**\n * DOC: f\n *\n * @a: one\n */\nint f(int a);\n",
            {"int a": "void"},
            {},
            {},
            id="an overview is left alone",
        ),
        pytest.param(
            "/*\n * f - x\n * @a: one\n */\nint f(int a);\n/** */",
            {"int a": "void"},
            {},
            {},
            id="an ordinary comment is left alone",
        ),
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_a_comment_follows(
    before: str, edits: dict[str, str], texts: dict[str, str], expected: dict[str, str], eol: str
) -> None:
    after, result = changed(before, edits, texts)
    wanted = after
    for old, new in expected.items():
        assert wanted.count(old) == 1, old
        wanted = wanted.replace(old, new)
    assert result.text == wanted
    ending = [text.replace("\n", eol) for text in (before, after, wanted)]
    assert update(ending[0], ending[1], texts).text == ending[2]
    assert update(before, result.text, texts).text == result.text
    lines = result.text.split("\n")
    there = after.split("\n")
    new_lines = {number for number, line in enumerate(lines, 1) if line not in there}
    assert new_lines <= set(result.lines)


def test_what_was_written_and_what_is_missing() -> None:
    before = "int unrelated;\n\n" + FUNCTION + "\n" + FUNCTION.replace("pin_", "put_")
    _, result = changed(
        before,
        {
            "int put_range(unsigned long start,": "int put_range(bool a, int b, long start,",
            "int pin_range(unsigned long start, unsigned int nr,": "int pin_range(",
        },
        {"b": "a word"},
    )
    lines = result.text.split("\n")
    assert [lines[number - 1] for number in result.lines] == [" * @b:		a word"]
    assert result.undescribed == (Undescribed(23, "a", "put_range"),)
    assert lines[23 - 1] == "/**"


def test_equal_comments_in_branches_are_paired_in_order() -> None:
    one = "/**\n * f - x\n * @a: one\n */\nint f(int a);\n"
    before = f"#ifdef A\n{one}#else\n{one}#endif\n"
    result = update(before, f"#ifdef A\n{one}#else\n{one.replace('int a', 'void')}#endif\n", {})
    assert result.text == (f"#ifdef A\n{one}#else\n/**\n * f - x\n */\nint f(void);\n#endif\n")


def test_a_function_is_found_by_its_name_when_an_equal_comment_went() -> None:
    def part(name: str, arguments: str, text: str = " * @a: one\n") -> str:
        return f"/**\n * run - x\n{text} */\nint {name}({arguments});\n"

    before = part("f", "int a") + part("run", "int a, int b")
    result = update(before, part("run", "int b"), {})
    assert result.text == part("run", "int b", "")


def test_bytes_that_are_no_words_survive() -> None:
    before = (
        "/**\n * f - \x85\xa0\x0b\n * @a: \xe9\x1c\x85 one\n * @b: \xc3\xa0\n */\n"
        "int f(int a, int b);\n"
    )
    result = update(before, before.replace("int a, ", ""), {})
    assert result.text == before.replace("int a, ", "").replace(" * @a: \xe9\x1c\x85 one\n", "")


@given(st.text("/* @ab:\n\r\t#(){};,.\\\"'", max_size=200), st.booleans())
def test_a_text_without_a_change_stays(text: str, comment: bool) -> None:
    text = FUNCTION + text if comment else text
    assert update(text, text, {}) == Updated(text, (), ())


def code_of(text: str) -> str:
    """``text`` without its comments and white space."""
    return "".join(re.sub(r"/\*.*?(?:\*/|\Z)|//[^\n]*", " ", text, flags=re.DOTALL).split())


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(list(FUNCTION + STRUCT + INLINE)), max_size=4),
    st.integers(0, 500),
    st.integers(0, 40),
    st.sampled_from([FUNCTION, STRUCT, INLINE, MACRO]),
)
def test_only_comments_change_and_only_once(
    written: list[str], start: int, length: int, before: str
) -> None:
    after = before[:start] + "".join(written) + before[start + length :]
    result = update(before, after, {"a": "a text"})
    assert code_of(result.text) == code_of(after)
    assert update(before, result.text, {"a": "a text"}).text == result.text


def test_a_large_file_is_quick() -> None:
    before = "\n".join(FUNCTION.replace("pin_range", f"pin_{number}") for number in range(250))
    after = before.replace(" unsigned int flags,", "")
    began = time.monotonic()
    result = update(before, after, {})
    assert time.monotonic() - began < 2
    assert "@flags:" not in result.text


@pytest.mark.parametrize(
    "piece", ["(", "{", "/*", '"', "/**\n * @", "struct a {", "\\\n#", "#\\\n"]
)
def test_a_hostile_text_takes_no_time(piece: str) -> None:
    before = "/**\n * f - x\n */\nint f(int a, " + piece * 5000
    began = time.monotonic()
    update(before, before.replace("int a", "int b"), {})
    assert time.monotonic() - began < 2
