"""One outcome a file, whatever spatch hides; the same with the wheel's and Debian's spatch."""

import os
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from generator.errors import CampaignError, ProgramError, UsageError
from generator.rule import parse_rule
from generator.spatch import Engine, Kind, Outcome, Spatch, _batches, _Room, find_spatch, split_diff
from tests.conftest import RENAME

DEBIAN = "/usr/bin/spatch"
BUILDS = [
    "",
    pytest.param(
        DEBIAN,
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(not os.access(DEBIAN, os.X_OK), reason="no Debian spatch"),
        ],
    ),
]


@pytest.fixture(params=BUILDS)
def spatch(request: pytest.FixtureRequest) -> Spatch:
    return find_spatch(str(request.param))


def outcomes(
    spatch: Spatch, place: Path, rule: str = RENAME, *, timeout: int = 20, **files: str
) -> dict[str, Outcome]:
    """Run ``rule`` on ``files`` (``a_c`` is a.c)."""
    names = []
    for name, content in files.items():
        names.append(name.replace("_c", ".c"))
        (place / names[-1]).write_text(content)
    with Engine(spatch, parse_rule(rule, name="r.cocci"), timeout=timeout, jobs=2) as engine:
        return {item.path: item for item in engine.run(place, [*names, "gone.c"], engine.tokens())}


def test_each_file_has_an_outcome(spatch: Spatch, tmp_path: Path) -> None:
    found = outcomes(
        spatch,
        tmp_path,
        a_c="int a(void) { return old_call(1); }\n",
        same_c="/* old_call(1) */ int b;\n",
        bad_c="int g(void)\n{\n\tM( { old_call(a) ; ;; if ( ] );\n}\n",
        other_c="int g(void)\n{\n\tM( { something(a) ; ;; if ( ] );\n}\n",
    )
    assert {path: outcome.kind for path, outcome in found.items()} == {
        "a.c": Kind.CHANGED,
        "same.c": Kind.UNCHANGED,
        "bad.c": Kind.UNPARSED,
        "other.c": Kind.UNCHANGED,
        "gone.c": Kind.MISSING,
    }
    assert found["bad.c"].unparsed == (3,)
    assert found["a.c"].diff.splitlines()[-2:] == [
        b"-int a(void) { return old_call(1); }",
        b"+int a(void) { return new_call(1); }",
    ]


SLOW = """\
@@ expression a; identifier f; statement S, S1, S2; @@
f(...) { ... when any
S ... when any
S1 ... when any
- a
+ b(a)
... when any
S2 ... when any
}
"""


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_named_and_costs_only_itself(
    spatch: Spatch, tmp_path: Path
) -> None:
    body = "".join(f"\tif (x > {n}) {{ y = f(x, {n}); g(y); }}\n" for n in range(400))
    found = outcomes(
        spatch,
        tmp_path,
        SLOW,
        timeout=1,
        slow_c=f"int f(int x)\n{{\n\tint y;\n{body}\treturn y;\n}}\n",
        quick_c="int q;\n",
    )
    assert found["slow.c"].kind is Kind.TIMED_OUT
    assert "slow.c" in found["slow.c"].trouble
    assert found["quick.c"].trouble == ""


@pytest.mark.parametrize("name", ["x$(touch PWN).c", "a b.c", "a:3.c", "-x.c", "../up.c", "a;b.c"])
def test_names_are_refused(spatch: Spatch, tmp_path: Path, name: str) -> None:
    place = tmp_path / "tree"
    place.mkdir()
    (place / name).write_text("int a = old_call(1);\n")
    with Engine(spatch, parse_rule(RENAME, name="r"), timeout=9, jobs=1) as engine:
        (outcome,) = engine.run(place, [name], ["old_call"])
    assert outcome.kind is Kind.REFUSED
    assert name in outcome.trouble
    assert not list(tmp_path.rglob("PWN"))


def test_links_out_of_the_tree_are_refused(spatch: Spatch, tmp_path: Path) -> None:
    place = tmp_path / "tree"
    place.mkdir()
    (tmp_path / "outside.c").write_text("int a = old_call(1);\n")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/in.c").write_text("int a = old_call(1);\n")
    (place / "link.c").symlink_to(tmp_path / "outside.c")
    (place / "dir").symlink_to(tmp_path / "dir")
    with Engine(spatch, parse_rule(RENAME, name="r"), timeout=9, jobs=1) as engine:
        found = engine.run(place, ["link.c", "dir/in.c"], ["old_call"])
    assert [outcome.kind for outcome in found] == [Kind.REFUSED, Kind.REFUSED]


def test_configuration_beside_the_tree_is_not_read(
    spatch: Spatch, tmp_path: Path, hermetic_seal: Path
) -> None:
    for place in (tmp_path, hermetic_seal):
        (place / ".cocciconfig").write_text("[spatch]\n\toptions = --in-place\n")
    found = outcomes(spatch, tmp_path, a_c="int a(void) { return old_call(1); }\n")
    assert found["a.c"].kind is Kind.CHANGED
    assert "old_call" in (tmp_path / "a.c").read_text()


def test_a_process_that_dies_costs_one_file(tmp_path: Path) -> None:
    """A batch that ends badly is run again, file by file."""
    real = find_spatch().path
    fake = tmp_path / "spatch"
    fake.write_text(
        '#!/bin/sh\nfor last; do :; done\ncase "$*" in *--file-groups*)\n'
        'grep -q bad.c "$last" && kill -SEGV $$ ;; esac\n'
        f'exec {real} "$@"\n'
    )
    fake.chmod(0o755)
    place = tmp_path / "tree"
    place.mkdir()
    found = outcomes(
        find_spatch(str(fake)),
        place,
        a_c="int a(void) { return old_call(1); }\n",
        bad_c="int a(void) { return old_call(1); }\n",
        b_c="int a(void) { return old_call(1); }\n",
    )
    assert found["bad.c"].kind is Kind.FAILED
    assert "signal 11" in found["bad.c"].trouble
    assert [found[name].kind for name in ("a.c", "b.c")] == [Kind.CHANGED, Kind.CHANGED]


def test_missing_diff_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spatch: Spatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "rm", "cp", "mkdir", "find"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ProgramError, match="no 'diff' program in PATH"):
        outcomes(spatch, tmp_path, a_c="int a(void) { return old_call(1); }\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@@ expression E; @@\n- foo(E\n+ bar(E)\n", r"r:4:0: syntax error"),
        ("@@ @@\n foo();\n", "no rules apply"),
        ("@ r @ @@\n- foo(\n", r"r:\d+:\d+: "),
    ],
)
def test_errors_of_the_rule(spatch: Spatch, text: str, said: str) -> None:
    with (
        pytest.raises(CampaignError, match=said),
        Engine(spatch, parse_rule(text, name="r"), timeout=9, jobs=1) as engine,
    ):
        engine.tokens()


def test_tokens_are_spatchs_own_view(spatch: Spatch) -> None:
    text = (
        "virtual patch\n@@ expression E; @@\n(\n- foo_a(E)\n+ x(E)\n|\n- foo_b(E, G)\n+ x(E)\n)\n"
    )
    with Engine(spatch, parse_rule(text, name="r"), timeout=9, jobs=1) as engine:
        assert {"foo_a", "foo_b"} <= set(engine.tokens())


def test_no_spatch_with_a_plain_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "with space"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    engine = Engine(find_spatch(), parse_rule(RENAME, name="r"), timeout=9, jobs=1)
    with pytest.raises(UsageError, match="would hand to a shell"):
        engine.__enter__()
    monkeypatch.setattr("tempfile.tempdir", None)


def test_split_diff_keeps_every_byte() -> None:
    first = b"--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-\xff\r\n+diff -u -p a/x\r\n"
    last = b"\\ No newline at end of file\n"
    second = b"--- a/y.c\n+++ b/y.c\n@@ -1 +1 @@\n-a\n" + last + b"+b\n" + last
    warning = b"warning: g: inconsistently modified\n-1 and more\n"
    text = (
        warning
        + b"diff -u -p a/x.c b/x.c\n"
        + first
        + warning
        + b"diff -u -p a/y.c b/y.c\n"
        + second
    )
    assert split_diff(text) == {"x.c": first, "y.c": second}
    assert split_diff(b"") == {}


def test_numbers_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    text = '@@ expression e; fresh identifier t = "tmp"; @@\n- old_call(e);\n+ int t = one(e);\n'
    place = tmp_path / "tree"
    place.mkdir()
    names = [f"{number:02}.c" for number in range(20)]
    for name in names:
        (place / name).write_text("void f(void)\n{\n\told_call(1);\n}\n")
    rule = parse_rule(text, name="x.cocci")
    with Engine(find_spatch(), rule, timeout=60, jobs=2) as engine:
        done = engine.run(place, names, engine.tokens())
    assert {re.findall(rb"tmp\d+", one.diff)[0] for one in done} == {b"tmp0"}
    with pytest.raises(CampaignError, match="fresh identifier t: needs a seed"):
        parse_rule(text.replace(' = "tmp"', ""), name="x.cocci")


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("where", "changed"), [('file in "sub"', ["sub/a.c"]), ('!(file in "sub")', ["b.c"])]
)
def test_rules_for_a_place_in_the_tree(
    tmp_path: Path, build: str, where: str, changed: list[str]
) -> None:
    rule = parse_rule(f"@depends on {where}@ @@\n- old_call();\n+ new_call();\n", name="x.cocci")
    (tmp_path / "sub").mkdir()
    for name in ("b.c", "sub/a.c"):
        (tmp_path / name).write_text("void f(void)\n{\n\told_call();\n}\n")
    with Engine(find_spatch(build), rule, timeout=60, jobs=1) as engine:
        done = engine.run(tmp_path, ["b.c", "sub/a.c"], engine.tokens())
    assert [one.path for one in done if one.diff] == changed
    assert {one.kind for one in done} == {Kind.CHANGED, Kind.UNCHANGED}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "/* a\rb\rc\rd\re\rf\rg */\n"])
def test_line_ends_do_not_hide_what_cannot_be_parsed(tmp_path: Path, end: str, before: str) -> None:
    text = f"{before}void f(void)\n{{\n\told_call(1) @@ ` $ %%% ( ;\n}}\n".replace("\n", end)
    (tmp_path / "a.c").write_bytes(text.encode())
    rule = parse_rule(RENAME, name="x.cocci")
    with Engine(find_spatch(), rule, timeout=60, jobs=1) as engine:
        (done,) = engine.run(tmp_path, ["a.c"], engine.tokens())
    assert (done.kind, done.unparsed) == (Kind.UNPARSED, (before.count("\n") + 3,))


def test_a_huge_file_is_alone_in_memory() -> None:
    """One place is all of them for it, and nobody overtakes it."""
    room = _Room(3)
    seen: list[int] = []
    at_work = 0

    def work(alone: bool) -> None:
        nonlocal at_work
        with room.taken(alone=alone):
            at_work += 1
            if alone:
                seen.append(at_work)
            time.sleep(0.01)
            at_work -= 1

    threads = [threading.Thread(target=work, args=(at % 4 == 2,)) for at in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert seen == [1] * 6


def test_batches_are_smaller_towards_the_end() -> None:
    for count in (0, 1, 2, 3, 15, 16, 100, 518):
        for jobs in (1, 2, 64):
            paths = [str(at) for at in range(count)]
            batches = list(_batches(paths, 48, jobs))
            sizes = [len(one) for one in batches]
            assert [path for one in batches for path in one] == paths
            assert sizes == sorted(sizes, reverse=True)
            assert max(sizes, default=0) <= 48
            assert len(sizes) >= min(jobs, count)
