"""What is said while a scan goes on: to people on a terminal, to scripts in lines of JSON."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generator.progress import State
from series.json_lines import JsonLines
from series.progress import Pace
from tests.conftest import RENAME, Run
from tests.test_watch import started

MakeTree = Callable[..., Path]
FILES = State("x.cocci", 0, 1000)


def at(done: int, ran: int, changed: int = 0, slowest: tuple[str, float] = ("", 0.0)) -> State:
    return replace(FILES, done=done, ran=ran, changed=changed, slowest=lambda: slowest)


@pytest.mark.parametrize(
    ("states", "now", "said"),
    [
        ([], 9.0, ""),
        ([(0.0, at(0, 0))], 9.0, ""),
        # Nobody knows yet.
        ([(0.0, at(0, 0)), (0.9, at(500, 500, 3))], 0.9, "3 changed"),
        ([(0.0, at(0, 0)), (5.0, at(8, 8))], 5.0, ""),
        # What was known before is no work.
        ([(0.0, at(900, 0, 7)), (2.0, at(920, 20, 8))], 2.0, "8 changed, 10 files/s, 8 s left"),
        ([(5.0, at(0, 0)), (15.0, at(100, 100))], 15.0, "10 files/s, 1:30 min left"),
        ([(0.0, at(0, 0)), (100.0, at(20, 20))], 100.0, "5 s a file, 1:21 h left"),
        ([(0.0, at(0, 0)), (10.0, at(1000, 1000, 1))], 10.0, "1 changed, 100 files/s"),
        # Time goes on where nothing comes.
        ([(0.0, at(0, 0)), (5.0, at(500, 500))], 10.0, "50 files/s, 10 s left"),
        # Another rule begins anew.
        ([(0.0, at(0, 0)), (9.0, replace(at(90, 90), what="y"))], 9.5, ""),
        ([(0.0, at(0, 0, slowest=("a.c", 1.9)))], 9.0, ""),
        ([(0.0, at(0, 0, slowest=("a.c", 61.0)))], 9.0, "a.c for 1:01 min"),
        ([(0.0, at(0, 0, slowest=("a\nb.c", 3.2)))], 9.0, "a\\nb.c for 3 s"),
    ],
)
def test_pace(states: list[tuple[float, State]], now: float, said: str) -> None:
    pace = Pace()
    for when, state in states:
        pace.see(state, when)
    assert pace.details(now) == said


SLOW = """\
#!/bin/sh
case "$*" in *--file-groups*) sleep 0.6;; esac
exec {spatch} "$@"
"""


@pytest.fixture
def many(tree: MakeTree, tmp_path: Path) -> list[object]:
    """Words for a scan of so many files, so slowly, that there is something to say of it."""
    from generator.spatch import find_spatch

    rule, slow = tmp_path / "x.cocci", tmp_path / "spatch"
    rule.write_text(RENAME)
    slow.write_text(SLOW.format(spatch=find_spatch().path))
    slow.chmod(0o755)
    text = "int f(int x)\n{\n\treturn old_call(x);\n}\n"
    place = tree({f"a/f{number:02}.c": text for number in range(48)})
    return ["scan", rule, "--tree", place, "--spatch", slow, "--jobs", "1"]


def test_on_a_terminal(many: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with started(many, terminal=True) as watcher:
        watcher.until(r"x\.cocci .*/48\S* +(\S+ )*?\d+ changed, \d+ files/s, \d+ s left")
        assert watcher.end() == 130


def test_nothing_when_piped(reroll: Run, many: list[object]) -> None:
    done = reroll(*many[:-4], "a/f00.c")
    assert (done.code, done.err) == (0, "sites of old_call: 1 = 1 converted\n")
    assert "\x1b" not in done.out


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    rule = tmp_path / "x.cocci"
    rule.write_text(RENAME)
    second = tmp_path / "y.cocci"
    second.write_text(RENAME.replace("new_call", "newest").replace("old_call", "new_call"))
    place = tree(
        {
            "a.c": "int a(int x)\n{\n\t/* \x7f \x85 */\n\treturn old_call(x);\n}\n",
            "b.c": "#define M old_call\n",
            "c.c": b"int c(int x)\n{\n\t/* \xe9 */\n\treturn old_call(x);\n}\n",
        }
    )
    words = ["scan", rule, second, "--tree", place, "--remaining", "any", "--jobs", 1]
    done = reroll(*words, "--json-lines")
    lines = lines_of(done.out)
    assert (done.code, done.err) == (0, "")
    # What another test made known comes first.
    files = sorted(
        (line for line in lines if line["type"] == "file"),
        key=lambda one: (str(one["rule"]), str(one["path"])),
    )
    assert [(one["rule"], one["path"], one["kind"]) for one in files] == [
        ("x.cocci", "a.c", "changed"),
        ("x.cocci", "b.c", "unchanged"),
        ("x.cocci", "c.c", "changed"),
        ("y.cocci", "a.c", "changed"),
        ("y.cocci", "c.c", "changed"),
    ]
    assert set(files[0]) == {"type", "rule", "path", "kind", "diff", "unparsed", "detail"}
    assert "\n+\treturn new_call(x);\n" in str(files[0]["diff"])
    assert "/* \x7f \x85 */" in str(files[0]["diff"])
    assert "/* \\xe9 */" in str(files[2]["diff"])
    told = [line for line in lines if line["type"] == "progress"]
    assert set(told[0]) == {"type", "rule", "done", "total", "ran", "changed", "seconds"}
    assert [
        line for line in told if line["rule"] == "x.cocci" and line["done"] == 3 == line["total"]
    ]
    answer = json.loads(reroll(*words, "--json").out)
    assert lines[-1] == {"type": "result", **answer}
    assert [line["type"] for line in lines].count("result") == 1


def test_json_lines_end_as_json_does(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    rule = tmp_path / "x.cocci"
    rule.write_text(RENAME)
    place = tree({"a.c": "#define M old_call\n"})
    for option in ("--json", "--json-lines"):
        done = reroll("scan", rule, "--tree", place, option)
        assert done.code == 1
        assert "in the body of a macro" in done.err
    rule.write_text("@@ @@\n- old_call(\n+ x\n")
    done = reroll("scan", rule, "--tree", place, "--json-lines")
    assert (done.code, done.out) == (2, "")
    assert "x.cocci:4:0: syntax error" in done.err
    done = reroll("scan", rule, "--tree", place, "--json-lines", "--json")
    assert (done.code, done.out) == (2, "")
    assert "--json and --json-lines: only one of them" in done.err


@pytest.mark.slow
def test_lines_come_while_the_scan_goes_on(many: list[object]) -> None:
    with started([*many, "--json-lines"]) as watcher:
        watcher.until('"type": "file"')
        assert '"type": "result"' not in watcher.out
        watcher.until('"type": "progress"', times=2)
        assert watcher.end() == 130


@pytest.mark.slow
def test_lines_that_nobody_reads_end_the_scan(many: list[object]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "series.cli", *map(str, many), "--json-lines"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    assert json.loads(process.stdout.readline())["type"] == "progress"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 0
    process.stderr.close()


def test_progress_is_told_twice_a_second_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    lines = JsonLines(clock=lambda: now[0])
    for number in range(11):
        lines.progress(State("x", number, 10, number, 1))
        now[0] += 0.125
    said = lines_of(capsys.readouterr().out)
    assert [(line["done"], line["seconds"]) for line in said] == [
        (0, 0.0),
        (4, 0.5),
        (8, 1.0),
        (10, 1.25),
    ]
