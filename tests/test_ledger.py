"""The site ledger: every occurrence in exactly one bucket, and the sums agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import edits
from generator.buckets import Bucket
from generator.c_source import Region, lex
from generator.errors import RerollError
from generator.ledger import Ledger, Search, account
from tests.repositories import git, make_repository


def ledger_of(text: str, *, path: str = "a.c", after: str | None = None, **more: object) -> Ledger:
    """The ledger of the word f in one file, which a patch may have changed to ``after``."""
    search = Search(rule="r", words=("f",), hits={path: _count(text)}, **more)  # type: ignore[arg-type]
    changes = {}
    if after is not None:
        changes = edits.changes(unified(path, text, after), {path: text})
    return account([search], {path: text}, changes)


def _count(text: str) -> int:
    import re

    return len(re.findall(r"\bf\b", text))


def unified(path: str, before: str, after: str) -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        tree = make_repository(Path(place) / "t", {path: before})
        (tree / path).write_text(after)
        return (git(tree, "diff") + "\n").encode()


def buckets(ledger: Ledger) -> list[str]:
    return [str(site.bucket) for site in ledger.sites]


LEFT = [
    ("int a(void)\n{\n\treturn f(1);\n}\n", "unexplained"),
    ("/* f(1) */\n", "comment"),
    ("int a; // f(1)\n", "comment"),
    ("// f \\\n f(2)\n", "comment comment"),
    ('const char *s = "f(1)";\n', "string"),
    ('const char *s = "\\"/*"; int b = f; /* " */\n', "unexplained"),
    ("char c = '\"'; int b = f; char d = '\"';\n", "unexplained"),
    ("#if 0\nf(1);\n#endif\nint f;\n", "disabled definition"),
    ("#if 0\nf(1); don't\n#else\nint a = f(1);\n#endif\n", "disabled unexplained"),
    ("#if 0 /* why */\n#ifdef X\nf();\n#endif\nf();\n#endif\n", "disabled disabled"),
    ("#ifdef X\nint a = f(1);\n#endif\n", "unexplained"),
    ("int f(int a)\n{\n\treturn a;\n}\n", "definition"),
    ("static inline int __must_check f(int a,\n\tint b)\n__acquires(x)\n{\n}\n", "definition"),
    ("int f(int a);\n", "prototype"),
    ("extern int f(int a, int (*g)(void)) __attribute__((pure));\n", "prototype"),
    ("EXPORT_SYMBOL_GPL(f);\n", "export"),
    ('EXPORT_SYMBOL_NS(f, "N");\n', "export"),
    ("#define f(x) g(x)\n", "definition"),
    ("#define g(x) \\\n\tf(x)\n", "unexplained"),
    ("#define g(x) /* f */ x\n", "comment"),
    ('#define g(x) "f"\n', "string"),
    ("#include <f.h>\n#ifdef f\n#endif\n", "string unexplained"),
    ("int a(struct s *p)\n{\n\treturn p->f(1) + p->x.f;\n}\n", "other name, other name"),
    ("struct s {\n\tint (*f)(void);\n\tint f;\n};\n", "other name, other name"),
    ("struct o ops = {\n\t.f = f,\n\t.g = f,\n};\n", "other name, unexplained, unexplained"),
    ("struct f {\n\tint a;\n};\nstruct f;\nstruct f *x;\n", "definition, prototype, unexplained"),
    ("enum e { f, g = 2 };\n", "definition"),
    ("int a(void)\n{\n\tint (*p)(int) = f;\n\treturn p(1);\n}\n", "unexplained"),
    ("int a(int x)\n{\n\tif (x) {\n\t\treturn 1;\n\t}\n\treturn f(x);\n}\nint f(int);\n",
     "unexplained prototype"),
    ("#ifdef A\nint a(void) {\n#else\nint a(int b) {\n#endif\n}\nint f(int);\n", "prototype"),
    ("int a(void)\n{\n\tasm volatile(\"call %0\" :: \"i\" (f));\n}\n", "unexplained"),
    ("int g(void) { return 0; }\nint f;\nextern int f;\nint x = f;\n",
     "definition, prototype, unexplained"),
    ("int ff(int f_f);\n", ""),
    # What begins no comment, and what is no "#if 0".
    ('#if 0\ns = "/*";\n#endif\nint a = f(1);\n', "unexplained"),
    ('#error "see drivers/*"\nint a = f(1);\n', "unexplained"),
    ("#if 0 || defined(X)\nint a = f(1);\n#endif\n", "unexplained"),
    ("#if 0 \\\n + 1\nint a = f(1);\n#endif\n", "unexplained"),
    ("#if 0 // not yet\nint a = f(1);\n#endif\nint b = f(1);\n", "disabled unexplained"),
    # Braces that only match in one branch: what follows looks as if it were outside.
    (
        "int a(void)\n{\n#ifdef A\n\tif (x) {\n\t}\n#else\n\t}\n#endif\n\tf(1);\n"
        "\treturn f(2);\n}\n",
        "unexplained unexplained",
    ),
    ("int x = 1, f;\n", "unexplained"),
    ("struct s {\n\tint a, f;\n\tint *g[2], *f;\n};\n", "other name, other name"),
    ("__printf(1, 2) int f(const char *a, ...);\n", "prototype"),
    ("struct s *f(int a)\n{\n}\n", "definition"),
    ("#define A 1\nint f(int a);\n", "prototype"),
    ("int f(void);\nint f(struct s *, foo_t);\n", "prototype prototype"),
    ("int a(int x)\n{\n\tswitch (x) {\n}\n\tPREPARE_IT\n\tf(x, 4);\n}\n", "unexplained"),
    ("int a(void)\n{\n}\n\t__for_each(x, y)\n\tf(x, 3);\n", "unexplained"),
    ("EXPORT_TABLE(t, f(1, 5));\n", "unexplained"),
    ('void a(void)\n{\n\tasm volatile("call f");\n}\n', "unexplained"),
    ('int b(void) __attribute__((alias("f")));\n', "unexplained"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LEFT)
def test_what_is_left(text: str, expected: str) -> None:
    wanted = expected.split(", ") if ", " in expected or "other" in expected else expected.split()
    assert buckets(ledger_of(text)) == wanted


CHANGED = [
    ("rename", "\treturn f(1);\n", "\treturn g(1);\n", "converted"),
    ("argument", "\treturn f(1, 2);\n", "\treturn f(1);\n", "converted"),
    ("last line of a call", "\treturn f(1,\n\t\t2);\n", "\treturn f(1,\n\t\t3);\n", "converted"),
    ("insert", "\tf(1,\n\t  2);\n", "\tf(1, 0,\n\t  2);\n", "converted"),
    ("wrapped, itself the same", "\tf(1);\n", "\twrap(f(1));\n", "unexplained"),
    ("behind it", "\tg(f(1));\n", "\tg(f(1), 0);\n", "unexplained"),
    ("a nested call", "\tf(g(1), 1);\n", "\tf(g(2), 1);\n", "unexplained"),
    ("the inner of two", "\tf(f(1, 0), 1);\n", "\tf(h(1), 1);\n", "unexplained converted"),
    ("arguments of the inner", "\tf(f(1, 0), 1);\n", "\tf(f(1), 1);\n", "unexplained converted"),
    ("behind a nested call", "\tf(g(1));\n", "\tf(g(1) | X);\n", "converted"),
    ("in plain parentheses", "\tf((A | B));\n", "\tf((A | B | C));\n", "converted"),
    ("a line of its own", "\tf(1,\n\t  2);\n", "\tf(1,\n\t  3,\n\t  2);\n", "converted"),
    (
        "joined lines",
        "\tf(-1); f(a[i], 0);\n\tc = 1; f(A | B, 1); c = 1;\n\tf(1, 0);\n",
        "\tf(-1); c = 1; f(A | B, 1); c = 1;\n",
        "unexplained converted unexplained converted",
    ),
    (
        "a comment in a nested call",
        "\tx = f(a, f(b, /* x */ 0, 2));\n",
        "\tx = h(a, f(b, 0, 2));\n",
        "converted unexplained",
    ),
    ("layout over lines", "\tf(1,\n\t  2, 3);\n", "\tf(1, 2,\n\t  3);\n", "unexplained"),
    ("layout only", "\tf(1,\n\t  2);\n", "\tf(1, 2);\n", "unexplained"),
    ("one of two", "\tf(1); f(2);\n", "\tg(1); f(2);\n", "converted unexplained"),
    ("next to it", "\tf(1);\n", "\tint x;\n\tf(1);\n", "unexplained"),
    ("the assignee", "\ta = f(1);\n", "\tb = f(1);\n", "unexplained"),
    ("whole function gone", "\tf(1);\n\tf(2);\n", "", "converted converted"),
]


@pytest.mark.parametrize(("old", "new", "expected"), [row[1:] for row in CHANGED],
                         ids=[row[0] for row in CHANGED])  # fmt: skip
def test_what_is_changed(old: str, new: str, expected: str) -> None:
    frame = "int a(void)\n{{\n\tx();\n{}\ty();\n}}\n"
    done = ledger_of(frame.format(old), after=frame.format(new))
    assert buckets(done) == expected.split()


def test_of_many_that_look_alike_each_is_told() -> None:
    lines = [f"\tf(i, 2) + f(i, {number % 3}),\n" for number in range(150)]
    changed = [line.replace("f(i, 0)", "h(i)") for line in lines]
    frame = "int a[] = {{\n{}}};\n"
    done = ledger_of(frame.format("".join(lines)), after=frame.format("".join(changed)))
    assert done.counts == {Bucket.CONVERTED: 50, Bucket.UNEXPLAINED: 250}


@pytest.mark.parametrize(
    ("more", "bucket", "why"),
    [
        ({"excluded": {"a.c": "has its own"}}, Bucket.EXCLUDED, "has its own"),
        ({"unparsed": {"a.c": frozenset({"M(f(1)"})}}, Bucket.UNPARSED, "could not parse"),
        ({"failed": {"a.c": (Bucket.TIMED_OUT, "slow")}}, Bucket.TIMED_OUT, "slow"),
        ({"failed": {"a.c": (Bucket.REFUSED, "odd")}}, Bucket.REFUSED, "odd"),
    ],
)
def test_what_is_known_of_a_file(more: dict[str, object], bucket: Bucket, why: str) -> None:
    site = ledger_of("int a(void)\n{\n\tM(f(1)\n}\n", **more).sites[0]
    assert (site.bucket, site.line) == (bucket, 3)
    assert why in site.why


def test_members_are_no_locals_for_a_rule_about_members() -> None:
    text = "int a(struct s *p, int f)\n{\n\tint x = f;\n\treturn p->f;\n}\n"
    only = frozenset({"f"})
    done = ledger_of(text, members=only, only_members=only)
    assert buckets(done) == ["other name", "other name", "unexplained"]


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("Documentation/f.rst", Bucket.NOT_C),
        ("drivers/Kconfig", Bucket.NOT_C),
        ("arch/x86/entry.S", Bucket.UNEXPLAINED),
        ("rust/f.rs", Bucket.UNEXPLAINED),
    ],
)
def test_files_that_are_no_c(path: str, bucket: Bucket) -> None:
    assert [site.bucket for site in ledger_of("call f\n", path=path).sites] == [bucket]


def test_what_each_policy_forbids() -> None:
    text = "/* f */\nint a(void)\n{\n\treturn f(1) + f(2);\n}\n"
    done = ledger_of(text, after=text.replace("f(1)", "g(1)"))
    assert [len(done.offending(rule)) for rule in ("none", "explained", "any")] == [2, 1, 0]
    assert [site.line for site in done.remaining] == [4]
    assert done.counts == {Bucket.CONVERTED: 1, Bucket.COMMENT: 1, Bucket.UNEXPLAINED: 1}


def test_sums_that_do_not_agree_fail() -> None:
    with pytest.raises(RerollError, match=r"a\.c holds its words 2 times, the ledger has 1"):
        account([Search("r", ("f",), hits={"a.c": 2})], {"a.c": "int f;\n"}, {})


def test_members_count_for_a_rule_about_members() -> None:
    text = "struct s {\n\tint f;\n};\nint a(struct s *p)\n{\n\treturn p->f;\n}\n"
    assert buckets(ledger_of(text, members=frozenset({"f"}))) == ["definition", "unexplained"]


@given(st.text(alphabet="f/*\"\\\n#if 0endels'(){}; \t\r\x0c\x85", max_size=200))
def test_lexer_leaves_no_gap_and_loses_no_site(text: str) -> None:
    tokens = list(lex(text))
    assert "".join(token.text for token in tokens) == text
    assert [token.offset for token in tokens] == sorted(token.offset for token in tokens)
    assert len(ledger_of(text).sites) == _count(text)


def test_lexer_agrees_with_pygments_own() -> None:
    from pygments.lexers.c_cpp import CLexer
    from pygments.token import Comment, String

    from tests.repositories import SAMPLE

    for path in sorted(SAMPLE.rglob("*.[ch]")):
        text = path.read_text()
        ours = {
            offset
            for token in lex(text)
            if token.region in (Region.COMMENT, Region.STRING, Region.DISABLED)
            for offset in range(token.offset, token.offset + len(token.text))
        }
        theirs = {
            offset + at
            for offset, kind, value in CLexer(stripnl=False).get_tokens_unprocessed(text)
            if (kind in Comment and kind not in Comment.Preproc) or kind in String
            for at in range(len(value))
        }
        different = {at for at in ours ^ theirs if text[at].isalnum()}
        lines = {text.count("\n", 0, at) + 1 for at in different}
        assert all(text.split("\n")[line - 1].lstrip().startswith("#") for line in lines), path
