# SPDX-License-Identifier: GPL-2.0-or-later
"""series.maintainers on small texts of our own; the real trees are in tests/linux."""

from __future__ import annotations

import dataclasses
import re
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from series.addresses import problem as address_problem
from series.maintainer_patterns import file_regex, without_backtracking
from series.maintainers import Contact, Maintainers, Mention, contacts, parse
from series.perl_regex import compile_perl, required_literal

TREE = b"""
Maintainers of the sample
=========================
# a comment
	M: *Mail* patches to this indented line, which is no entry

FOO DRIVER
M:	Ann Example <ann@example.org>
R:	Bob Example <bob@example.org>
L:	foo@example.org
L:	foo-announce@example.org (subscribers-only)
S:	Supported
T:	git https://git.example.org/foo.git
F:	drivers/foo/
F:	include/linux/foo*
X:	drivers/foo/legacy/
K:	(?i)foo_sync

FOO LEGACY PARTS
M:	Cid Example <cid@example.org>
L:	legacy@example.org (moderated for non-subscribers)
S:	Odd Fixes
F:	drivers/foo/legacy/
N:	[^a-z]legacy # comment

THE REST
M:	Linus Torvalds <torvalds@example.org>
L:	all@example.org
S:	Buried alive in reporters
F:	*
F:	*/
"""


def said(found: tuple[Contact, ...]) -> list[tuple[str, str]]:
    return [(contact.address, contact.role) for contact in found]


def addresses(text: str, *files: str, patch: bytes = b"") -> list[str]:
    return [contact.address for contact in contacts(parse(text.encode()), files, patch)]


def section(*entries: str, title: str = "PART") -> str:
    return "\n".join([title, "M:\tann@example.org", *entries, ""])


def covers(pattern: str, path: str, directories: list[str] | None = None) -> bool:
    """Whether a section with this one pattern is found for a path."""
    return bool(contacts(parse(section(pattern).encode(), directories=directories), [path]))


# --- sections --------------------------------------------------------------------------


def test_sections() -> None:
    parsed = parse(TREE)
    assert parsed.problems == ()
    assert [(s.title, s.status, s.line) for s in parsed.sections] == [
        ("FOO DRIVER", "Supported", 7),
        ("FOO LEGACY PARTS", "Odd Fixes", 19),
        ("THE REST", "Buried alive in reporters", 26),
    ]
    first = parsed.sections[0]
    assert first.values("F") == ("drivers/foo/", "include/linux/foo*")
    assert first.values("T") == ("git https://git.example.org/foo.git",)
    assert [entry.line for entry in first.entries if entry.letter == "R"] == [9]


def test_everything_about_one_file() -> None:
    found = contacts(parse(TREE), ["drivers/foo/core.c"])
    assert found == (
        Contact(
            name="Ann Example",
            address="ann@example.org",
            role="supporter:FOO DRIVER",
            kind="maintainer",
            mentions=(
                Mention(
                    "Ann Example <ann@example.org>",
                    "maintainer",
                    "FOO DRIVER",
                    "F: drivers/foo/",
                ),
            ),
        ),
        Contact(
            name="Bob Example",
            address="bob@example.org",
            role="reviewer:FOO DRIVER",
            kind="reviewer",
            mentions=(
                Mention(
                    "Bob Example <bob@example.org>",
                    "reviewer",
                    "FOO DRIVER",
                    "F: drivers/foo/",
                ),
            ),
        ),
        Contact(
            name="",
            address="foo@example.org",
            role="open list:FOO DRIVER",
            kind="list",
            mentions=(Mention("foo@example.org", "list", "FOO DRIVER", "F: drivers/foo/"),),
        ),
        Contact(
            name="",
            address="all@example.org",
            role="open list",
            kind="list",
            mentions=(Mention("all@example.org", "list", "THE REST", "F: */"),),
        ),
    )


def test_an_excluded_file_is_not_of_the_section() -> None:
    assert said(contacts(parse(TREE), ["drivers/foo/legacy/x.c"])) == [
        ("cid@example.org", "odd fixer:FOO LEGACY PARTS"),
        ("legacy@example.org", "moderated list:FOO LEGACY PARTS"),
        ("all@example.org", "open list"),
    ]


def test_an_exclusion_cancels_name_patterns_too_but_no_keywords() -> None:
    text = section("N:\tfoo", "K:\tbar", "X:\tlib/")
    assert addresses(text, "lib/foo.c") == []
    assert addresses(text, "lib/foo.c", patch=b"about bar\n") == ["ann@example.org"]


def test_files_are_united_in_order() -> None:
    found = contacts(parse(TREE), ["mm/legacy/y.c", "drivers/foo/core.c"])
    assert [contact.address for contact in found if contact.kind != "list"] == [
        "cid@example.org",
        "ann@example.org",
        "bob@example.org",
    ]


def test_files_of_a_patch_are_sorted() -> None:
    found = contacts(parse(TREE), ["mm/legacy/y.c", "drivers/foo/core.c"], b"text\n")
    assert found[0].address == "ann@example.org"


@pytest.mark.parametrize(
    ("status", "role"),
    [
        ("Supported", "supporter"),
        ("maintained", "maintainer"),
        ("Odd fixes", "odd fixer"),
        ("Orphan", "orphan minder"),
        ("Obsolete", "obsolete minder"),
        ("Orphan / Obsolete", "orphan / obsolete"),
        ("Buried alive in reporters", "chief penguin"),
        (None, "unknown"),
    ],
)
def test_roles(status: str | None, role: str) -> None:
    text = section("F:\tlib/", *([f"S:\t{status}"] if status else []))
    assert said(contacts(parse(text.encode()), ["lib/x.c"])) == [
        ("ann@example.org", f"{role}:PART")
    ]


def test_a_long_title_is_cut() -> None:
    text = section("F:\tlib/", title="A" * 46 + " " + "B" * 9).encode()
    assert contacts(parse(text), ["lib/x.c"])[0].role == "unknown:" + "A" * 46 + "..."
    assert parse(text).sections[0].title == "A" * 46 + " " + "B" * 9


def test_deeper_patterns_come_first() -> None:
    text = "".join(
        f"{name}\nM:\t{name}@example.org\n{pattern}\n\n"
        for name, pattern in [
            ("any", "F:\t*/"),
            ("name", "N:\tfoo"),
            ("top", "F:\tdrivers/"),
            ("file", "F:\tdrivers/foo/foo.c"),
            ("below", "F:\tdrivers/foo/"),
        ]
    )
    expected = ["file", "below", "top", "name", "any"]
    assert addresses(text, "drivers/foo/foo.c") == [f"{name}@example.org" for name in expected]


def test_the_last_match_of_a_section_ranks_it() -> None:
    text = section("F:\tdrivers/foo/", "N:\tfoo", title="MIXED")
    text += "\nTOP\nM:\ttop@example.org\nF:\tdrivers/\n"
    assert addresses(text, "drivers/foo/x.c") == ["top@example.org", "ann@example.org"]


def test_a_section_without_title_loses_its_first_entry() -> None:
    text = b"M:\tann@example.org\nM:\tbob@example.org\nF:\tlib/\n"
    assert said(contacts(parse(text), ["lib/x.c"])) == [
        ("bob@example.org", "unknown:M:ann@example.org")
    ]


# --- patterns --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("F:\tlib/", "lib/a/b.c", True),
        ("F:\tlib/", "lib.c", False),
        ("F:\tlib/a.c", "lib/a.c", True),
        ("F:\tlib/a.c", "lib/aXc", False),
        ("F:\tlib/a.c", "lib/a.cpp", True),  # not anchored at its end
        ("F:\tlib/a", "lib/ab.c", True),
        ("F:\tlib/a", "x/lib/a", False),
        ("F:\tlib/*", "lib/a.c", True),
        ("F:\tlib/*", "lib/a/b.c", False),
        ("F:\tlib/*/", "lib/a/b.c", True),
        ("F:\tlib/*/b.c", "lib/a/b.c", True),
        ("F:\tlib/*/b.c", "lib/a/x/b.c", False),
        ("F:\t*", "Makefile", True),
        ("F:\t*", "lib/Makefile", False),
        ("F:\t*/", "lib/Makefile", True),
        ("F:\tlib/?.c", "lib/a.c", True),
        ("F:\tlib/?.c", "lib/ab.c", False),
        ("F:\tlib/a*.[ch]", "lib/ax.h", True),
        ("F:\tlib/a*.[ch]", "lib/ax.S", False),
        ("F:\tlib/(a|b).c", "lib/b.c", True),
        ("F:\tlib/a.c|mm", "x/mm.c", True),  # ^ binds to the first alternative only
        ("F:\tlib/ab+.c", "lib/abbb.c", True),
        ("F:\tlib/ab{0}.c", "lib/a.c", True),
        ("F:", "Makefile", True),
        ("F:", "lib/Makefile", False),
        ("N:\tfoo", "lib/xfoo.c", True),
        ("N:\tfoo", "lib/xFoo.c", False),
        ("N:\tf o o # not a word of it", "lib/foo.c", True),
        ("N:\t[^a-z]foo", "lib/foo.c", True),
        ("N:\t[^a-z]foo", "lib/afoo.c", False),
        ("N:\tbcm11*", "lib/bcm1.c", True),  # a regular expression, no glob
        ("N:\t/x[678]$", "lib/x7", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert covers(pattern, path) is expected


@pytest.mark.parametrize("known", [True, False])
def test_a_directory_needs_no_slash(known: bool) -> None:
    tree = ["lib", "lib/a", "x.d"] if known else None
    assert covers("F:\tlib/a", "lib/a/b/c.c", tree)
    assert not covers("F:\tlib/a", "lib/b/a/c.c", tree)
    # The script doesn't find a directory with a dot.
    assert not covers("F:\tx.d", "x.d/c.c", tree)
    # Nothing but the tree can tell that this is not lib/a*.
    assert covers("F:\tlib/a", "lib/ab.c", tree) is not known


def test_a_question_mark_is_the_dot_that_names_every_directory() -> None:
    assert covers("F:\tlib/?", "lib/a.c")
    assert not covers("F:\tlib/?", "lib/a.c", ["lib"])
    assert covers("F:\tlib/?", "lib/a/b.c", ["lib"])


def test_a_directory_that_the_tree_lacks() -> None:
    assert not covers("F:\tlib/a", "lib/a/b.c", directories=[])


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\b(?i:clang|llvm)\b", "about CLANG", True),
        (r"\b(?i:clang|llvm)\b", "about clangs", False),
        (r"(?i)pidfd", "PidFD", True),
        (r"a(?i)b|c", "aB", True),
        (r"a(?i)b|c", "C", True),
        (r"a(?i)b|c", "Ab", False),
        (r"(a(?i)b|c)d", "CD", False),
        (r"(a(?i)b|c)d", "Cd", True),
        (r"(?^i:x)(?-i)y", "Xy", True),
        (r"(?i) f o o (?-x) b ar", "FOO b ar", True),
        (r"(?i) f o o (?-x) b ar", "FOObar", False),
        (r"(?i) f o o (?-x)b ar", "FOOB AR", True),
        (r"[[:upper:]][[:digit:]]_", "see A1_", True),
        (r"[^@]foo", "@foo", False),
        (r"x[ ]y", "x y", True),
        (r"x\ y", "x y", True),
        (r"x y", "x y", False),
        (r"(?<word>fo)\s(?#remark)o", "fo o", True),
        (r"\x66oo\x{62}", "foob", True),
        (r"foo\z", "foo", False),  # there is the line's end
        (r"foo\Z", "foo", True),
        (r"foo$", "foo", True),
        (r"^foo", "foo", True),
        (r"foo(?!bar)", "foobar", False),
        (r"a\h+b", "a\t b", True),
        (r"[]x]+", "a]b", True),
        (r"[[&&~~||+--]", "a & b", True),
        (r"x[+--]y", "x,y", True),
        (r"#a comment matches all", "whatever", True),
        (r"fo{2}", "foo", True),
        (r"fo{x", "fo{x", True),
    ],
)
def test_perl_regular_expressions(pattern: str, text: str, expected: bool) -> None:
    parsed = parse(section(f"K:\t{pattern}").encode())
    assert parsed.problems == ()
    assert bool(contacts(parsed, [], text.encode() + b"\n")) is expected


PATCH = b"""\
From: A <a@example.org>
Subject: [PATCH] %(subject)s

%(message)s
---
 lib/a.c | 2 +-
 %(stat)s

diff --git a/lib/a.c b/lib/a.c
--- a/lib/a.c
+++ b/lib/a.c
@@ -1,3 +1,3 @@ %(function)s
 %(context)s
-%(old)s
+%(new)s
"""


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        ("foo", {"subject", "message", "stat", "old", "new"}),
        # What comes before it binds to the first alternative.
        ("bar|foo", {"subject", "message", "stat", "old", "new", "context"}),
        ("(bar|foo)", {"subject", "message", "stat", "old", "new"}),
        ("^Subject:.*foo", {"subject"}),
        ("^foo", {"message"}),
        ("foo(?!x)", {"subject", "message", "stat", "old", "new"}),
    ],
)
def test_where_keywords_are_looked_for(pattern: str, places: set[str]) -> None:
    everywhere = ["subject", "message", "stat", "function", "context", "old", "new"]
    found = set()
    for place in everywhere:
        words = {name.encode(): b"foo" if name == place else b"-" for name in everywhere}
        if addresses(section(f"K:\t{pattern}"), "lib/a.c", patch=PATCH % words + b"-- \n2.39.2\n"):
            found.add(place)
    assert found == places


def test_keywords_in_files() -> None:
    parsed = parse(section("K:\tfoo").encode())
    assert contacts(parsed, ["lib/a.c"]) == ()
    assert contacts(parsed, ["lib/a.c"], contents={"lib/a.c": b"bar"}) == ()
    assert contacts(parsed, ["MAINTAINERS"], contents={"MAINTAINERS": b"foo"}) == ()
    found = contacts(parsed, ["lib/a.c"], contents={"lib/a.c": b"bar\nfoo"})
    assert [contact.reason for contact in found] == ["maintainer of PART through K: foo"]
    # With a patch, only that is looked at.
    assert contacts(parsed, ["lib/a.c"], b"bar\n", contents={"lib/a.c": b"foo"}) == ()


# --- people ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ann@example.org", [("", "ann@example.org")]),
        ("<ann@example.org>", [("", "ann@example.org")]),
        ("Ann Example <ann@example.org>", [("Ann Example", "ann@example.org")]),
        ("Ann <ann@example.org> (work)", [("Ann", "ann@example.org")]),
        ("Ann B. Example <ann@example.org>", [("Ann B. Example", "ann@example.org")]),
        ('"Example, Ann" <ann@example.org>', [("Example, Ann", "ann@example.org")]),
        ("Example, the company <ann@example.org>", [("Example, the company", "ann@example.org")]),
        ('Ann "A" Example <ann@example.org>', [('Ann "A" Example', "ann@example.org")]),
        ("Änn Éxample <ann@example.org>", [("Änn Éxample", "ann@example.org")]),
        (
            "Ann <ann@example.org>, bob@example.org (Bob, too)",
            [("Ann", "ann@example.org"), ("", "bob@example.org")],
        ),
    ],
)
def test_people(value: str, expected: list[tuple[str, str]]) -> None:
    text = f"PART\nM:\t{value}\nF:\tlib/\n".encode()
    found = contacts(parse(text), ["lib/x.c"])
    assert [(contact.name, contact.address) for contact in found] == expected


@pytest.mark.parametrize(
    "second",
    ["Ann Example <ann@other.example.org>", "ANN example <x@example.org>", "ANN@example.org"],
)
def test_one_person_is_named_once(second: str) -> None:
    text = f"PART\nM:\tAnn Example <ann@example.org>\nM:\t{second}\nF:\tlib/\n"
    assert addresses(text, "lib/x.c") == ["ann@example.org"]


def test_the_first_role_counts() -> None:
    text = "ONE\nR:\tann@example.org\nF:\tlib/a/\n\nTWO\nM:\tann@example.org\nF:\tlib/\n"
    assert said(contacts(parse(text.encode()), ["lib/a/x.c"])) == [
        ("ann@example.org", "reviewer:ONE")
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Anne Example <ann@example.org>", ("Anne Example", "ann@example.org")),
        ("<new@example.org> <ann@example.org>", ("Ann", "new@example.org")),
        ("Anne <new@example.org> <ann@example.org>", ("Anne", "new@example.org")),
        ("Anne <new@example.org> Ann <ann@example.org>", ("Anne", "new@example.org")),
        ("Anne <new@example.org> Other <ann@example.org>", ("Ann", "ann@example.org")),
        ("# Anne <ann@example.org>", ("Ann", "ann@example.org")),
        ("Änne <new@example.org> <ann@example.org> # moved", ("Änne", "new@example.org")),
        ("nonsense", ("Ann", "ann@example.org")),
    ],
)
def test_mailmap(line: str, expected: tuple[str, str]) -> None:
    parsed = parse(b"PART\nM:\tAnn <ann@example.org>\nF:\tlib/\n", mailmap=line.encode())
    (found,) = contacts(parsed, ["lib/x.c"])
    assert (found.name, found.address) == expected


def test_the_mailmap_unites() -> None:
    text = b"PART\nM:\tAnn <ann@example.org>\nM:\tA. <old@example.org>\nF:\tlib/\n"
    parsed = parse(text, mailmap=b"Ann <ann@example.org> <old@example.org>\n")
    assert [contact.address for contact in contacts(parsed, ["lib/x.c"])] == ["ann@example.org"]


def test_ignored_people_stay_if_maintainers_names_them() -> None:
    ignore = b"# not these\nAnn <ann@example.org> # at her wish\nnot an address\n"
    parsed = parse(b"PART\nM:\tAnn <ann@example.org>\nF:\tlib/\n", ignore=ignore)
    assert parsed.ignored == {"Ann <ann@example.org>"}
    assert parsed.ignores("Ann", "ann@example.org")
    assert not parsed.ignores("", "ann@example.org")
    assert [contact.address for contact in contacts(parsed, ["lib/x.c"])] == ["ann@example.org"]


BINDING = b"""\
maintainers:
  - Ann Example <ann@example.org>
  - Dr. Bob B. Example <bob@example.org>
  - cid@example.org
"""


def test_people_named_in_a_binding() -> None:
    name = "bindings/foo.yaml"
    parsed = parse(
        b"PART\nM:\tAnn Example <ann@example.org>\nS:\tMaintained\nF:\tbindings/\n",
        mailmap=b"Cid Example <cid@example.org>\n",
    )
    found = contacts(parsed, [name], b"patch\n", contents={name: BINDING})
    assert said(found) == [
        ("ann@example.org", "maintainer:PART,in file"),
        ("bob@example.org", "in file"),
        ("cid@example.org", "in file"),
    ]
    assert [contact.name for contact in found] == ["Ann Example", "Bob B. Example", "Cid Example"]
    assert found[1].reason == "named in bindings/foo.yaml"
    assert len(contacts(parsed, [name])) == 1
    assert contacts(parsed, ["a.txt"], contents={"a.txt": BINDING}) == ()


# --- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"F:\tlib/[a", "line 3: F: lib/[a: "),
        (b"X:\tlib/(a", "line 3: X: lib/(a: "),
        (b"N:\tlib)", "line 3: N: lib): unbalanced"),
        (b"K:\tx**", "line 3: K: x**: "),
        (b"K:\t(?{ code })", "line 3: K: (?{ code }): (?{ of perl is not supported"),
        (b"K:\t\\Kx", "line 3: K: \\Kx: \\K of perl is not supported"),
        (b"K:", "line 3: K: has no pattern"),
        (b"K:\t(a+)+$", "line 3: K: (a+)+$: repeats what can match in several ways"),
        (b"K:\t(a|ab)*c", "line 3: K: (a|ab)*c: repeats what can match in several ways"),
        (b"N:\t(x?){30}", "line 3: N: (x?){30}: repeats what can match in several ways"),
        (b"K:\t.*.*.*x", "line 3: K: .*.*.*x: has more than 2 repetitions"),
        (b"M:\tnobody", "line 3: M: has no address: nobody"),
        (b"R:", "line 3: R: has no address"),
        (b"L:\tOur List <list@example.org>", "line 3: L: has no address: Our List"),
        (b"M:\tA\xff <a@example.org>", "line 3: not valid UTF-8"),
        (b"F:\tlib/\r", "line 3: line ends in CR LF"),
    ],
)
def test_problems(line: bytes, problem: str) -> None:
    parsed = parse(b"PART\nM:\tann@example.org\n" + line + b"\nF:\tmm/\n")
    (found,) = parsed.problems
    assert found.startswith(problem)
    # The rest of the section is as good as ever.
    people = contacts(parsed, ["mm/a.c"], b"x\n")
    assert people[0].address == "ann@example.org"
    assert all("@" in contact.address for contact in people)


@pytest.mark.parametrize("run", [b" ", b"\n", b",", b"Ann ", b"a", b"@", b"a.", b"<a@"])
def test_long_runs_take_no_time(run: bytes) -> None:
    """Each of these takes minutes with a pattern that backtracks."""
    name = "bindings/foo.yaml"
    parsed = parse(b"PART\nM:\t" + run.strip() * 1000 + b",\nF:\tbindings/\n")
    found = contacts(parsed, [name], contents={name: run * 50_000 + b"\nAnn <ann@example.org>"})
    assert found[-1].address == "ann@example.org"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a?){30}a{30}$", "a*a*$", ".*.*b"])
def test_no_keyword_takes_long(pattern: str) -> None:
    """Each of these lines takes Python years, or minutes, when nothing bounds it."""
    line = b"a" * 30_000 + b"!\n"
    start = time.monotonic()
    addresses(section(f"K:\t{pattern}"), "a", patch=line + b"--- a/a\n+" + line)
    assert time.monotonic() - start < 10


def test_a_glob_takes_linear_time() -> None:
    text = section("F:\t" + "*a" * 300 + "z")
    start = time.monotonic()
    assert addresses(text, "a" * 4000) == []
    assert time.monotonic() - start < 10


@given(
    st.text("ab/.*?[]", max_size=8).map(str.encode), st.text("ab/.x\n", max_size=12).map(str.encode)
)
def test_a_glob_matches_what_its_regular_expression_matches(glob: bytes, path: bytes) -> None:
    regex = file_regex(glob)
    plain = compile_plain(regex)
    linear = compile_perl(b"^" + without_backtracking(regex), False)
    if plain is None or linear is None:
        assert b"[" in glob or b"]" in glob  # what is left can always be used
        return
    assert bool(linear.search(path)) == bool(plain.search(path))


def compile_plain(regex: bytes) -> re.Pattern[bytes] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(b"^" + regex)
    except re.error:
        return None


@given(
    st.text("ab_ .*?+^$[]()|\\{}2i:#/", max_size=12).map(str.encode),
    st.text("ab_ /AB2\n", max_size=12).map(str.encode),
)
def test_a_required_literal_is_in_every_match(pattern: bytes, text: bytes) -> None:
    compiled = compile_perl(pattern, True)
    if compiled is not None and compiled.search(text):
        assert required_literal(pattern) in text


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("bpf", "bpf"),
        ("[^a-z0-9]ps3", "ps3"),
        ("bcm113*", "bcm11"),
        (r"\bTIF_SECCOMP\b", "TIF_SECCOMP"),
        (r"(?:\b|_)xdp(?:\b|_)", "xdp"),
        (r"\b(pstore|ramoops)", ""),
        ("(?i)pidfd", ""),
        ("foo|bar", ""),
        (r"foo\.bar", ""),
    ],
)
def test_required_literals(pattern: str, literal: str) -> None:
    assert required_literal(pattern.encode()) == literal.encode()


@pytest.mark.parametrize(
    "value",
    [
        '"O\'Hara, \\"Ann\\"" <ann@example.org>',
        "Ann, Example, <ann@example.org>,, <",
        "\u202eevil\u202c Ann <ann@example.org>",
        "=?utf-8?q?Ann=0ABcc:_x?= <ann@example.org>",
        "=?utf-8?b?////?= <ann@example.org>",
        "Ann <-oProxyCommand=x@example.org>",
        "Ann <ann@b\u00fccher.example>",
        "Ann <" + "a" * 300 + "@example.org>",
        "Ann <ann@" + "a." * 150 + "example>",
        "Ann\x1b[31m\x00\x07 <ann@example.org>",
        "<<<@>>>",
        "@",
        ",@,",
        "Ann <ann@example.org",
    ],
)
@pytest.mark.parametrize("letter", "MRL")
def test_strange_people_are_taken_or_refused(letter: str, value: str) -> None:
    """What is no address in a mail is named as such, and nothing fails on the way."""
    text = f"PART\n{letter}:\t{value}\nF:\tlib/\n".encode()
    for contact in contacts(parse(text), ["lib/x.c"]):
        mail = f"{contact.name} <{contact.address}>" if contact.name else contact.address
        assert isinstance(address_problem(mail), str | None)


def test_a_large_file_of_nothing() -> None:
    for text in (b"no section\n" * 100_000, b"F:\tlib/\r\n" * 20_000, b"\xff" * 1_000_000):
        assert contacts(parse(text), ["lib/a.c"]) == ()


def test_a_mixed_file_is_read_as_far_as_it_goes() -> None:
    text = b"F:\tlib/\n\xff\xfe\nM:\tann@example.org\r\nF:\tlib/\nK:\t[\n# end"
    parsed = parse(text)
    assert [section.title for section in parsed.sections] == ["", "\ufffd\ufffd"]
    assert len(parsed.problems) == 3
    assert [contact.address for contact in contacts(parsed, ["lib/a.c"])] == ["ann@example.org"]


def test_results_are_frozen() -> None:
    parsed = parse(TREE)
    (first, *_) = contacts(parsed, ["drivers/foo/core.c"])
    for value, name in ((parsed, "sections"), (parsed.sections[0], "title"), (first, "name")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, ())


_LINES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda letter, value: letter + b":\t" + value,
        st.sampled_from([b"M", b"R", b"L", b"S", b"F", b"X", b"N", b"K"]),
        st.one_of(
            st.binary(max_size=30),
            st.text("ab/.*?()[]{}|+^$\\#:!=<>-&~ ixz0", max_size=12).map(str.encode),
            st.text('ab@.,<>"()\\ é', max_size=20).map(str.encode),
        ),
    ),
)
_TEXTS = st.lists(_LINES, max_size=12).map(b"\n".join)


@given(
    text=_TEXTS,
    mailmap=_TEXTS,
    ignore=_TEXTS,
    files=st.lists(st.sampled_from(["a", "a/b", "b/a.yaml", "ab/a/b.c", "\udcff/é"]), max_size=3),
    patch=st.one_of(st.just(b""), _TEXTS),
    content=st.one_of(st.just(BINDING), _TEXTS),
    directories=st.sampled_from([None, ["a", "ab/a"]]),
)
@pytest.mark.slow
def test_nothing_raises(
    text: bytes,
    mailmap: bytes,
    ignore: bytes,
    files: list[str],
    patch: bytes,
    content: bytes,
    directories: list[str] | None,
) -> None:
    parsed = parse(text, mailmap=mailmap, ignore=ignore, directories=directories)
    assert isinstance(parsed, Maintainers)
    for contact in contacts(parsed, files, patch, contents=dict.fromkeys(files, content)):
        # What comes out can be printed, and has an address.
        (contact.name + contact.address + contact.role + contact.reason).encode()
        assert contact.address


def test_every_reason_of_one_contact() -> None:
    text = section("L:\tl@example.org", "F:\ta/")
    text += section("L:\tl@example.org", "F:\ta/b/", title="DEEPER")
    ann, mails = contacts(parse(text.encode()), ["a/b/c.c"])
    assert [one.through for one in ann.mentions] == ["F: a/b/", "F: a/"]
    assert ann.reason == "maintainer of DEEPER through F: a/b/"
    assert len(mails.mentions) == 2
