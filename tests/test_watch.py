"""``reroll scan --watch``: saves of all kinds, what is shown of a run, and how it ends."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from generator.spatch import Kind, Outcome, find_spatch
from series.watching import Lineup, Rules, summary
from tests.conftest import RENAME, Run, Small
from tests.repositories import git, state_of

_LONG = 30.0  # seconds that a test waits for what it expects


class Watcher:
    """A ``reroll scan --watch`` at work, and what it has said."""

    def __init__(self, process: "subprocess.Popen[bytes]", streams: dict[str, int]) -> None:
        self.process = process
        self._said = dict.fromkeys(streams, b"")
        self._threads = [
            threading.Thread(target=self._read, args=item, daemon=True) for item in streams.items()
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str, descriptor: int) -> None:
        with suppress(OSError):  # how a terminal ends
            while data := os.read(descriptor, 65536):
                self._said[name] += data
        os.close(descriptor)

    @property
    def out(self) -> str:
        return self._said.get("out", b"").decode()

    @property
    def err(self) -> str:
        return self._said["err"].decode()

    def until(self, what: str, *, times: int = 1, alive: bool = True) -> None:
        """Wait until ``what`` (a regular expression) was said so often, by one that is at work."""
        end = time.monotonic() + _LONG
        while len(re.findall(what, self.out + "\n" + self.err)) < times:
            assert self.process.poll() is None or not alive, self.err
            assert time.monotonic() < end, f"no {what!r} in {self.out}{self.err}"
            time.sleep(0.01)

    def shows(self, text: str) -> None:
        """Wait until exactly ``text`` is on standard output."""
        self.until(rf"\A{re.escape(text)}\n")
        assert self.out == text

    def forget(self) -> None:
        """From now on only what comes counts."""
        for name in self._said:
            self._said[name] = b""

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(_LONG)
        for thread in self._threads:
            thread.join(_LONG)
        return code


Watching = Callable[..., Watcher]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@contextmanager
def started(words: Sequence[object], *, terminal: bool = False) -> Iterator[Watcher]:
    """A watcher with pipes, or on a terminal of 100 columns (then all it says is ``err``)."""
    if terminal:
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        ends = {"stdout": theirs, "stderr": theirs}
    else:
        ends = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        [sys.executable, "-m", "series.cli", *map(str, words)],
        stdin=subprocess.DEVNULL,
        # A test run in the background has ^C switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **ends,
    )
    if terminal:
        os.close(theirs)
        streams = {"err": ours}
    else:
        assert process.stdout and process.stderr
        streams = {"out": os.dup(process.stdout.fileno()), "err": os.dup(process.stderr.fileno())}
        process.stdout.close()
        process.stderr.close()
    watcher = Watcher(process, streams)
    try:
        yield watcher
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def rule(small: Small) -> Path:
    return small.folder / "rename.cocci"


def words(small: Small, *more: object) -> list[object]:
    # One job, so that the first run has an order, too.
    return small.words("scan", "--watch", "--jobs", 1, "rename.cocci", *more)


def by_rename(path: Path, text: str) -> None:
    (path.parent / "4913~").write_text(text)
    (path.parent / "4913~").replace(path)


def in_pieces(path: Path, text: str) -> None:
    with path.open("w") as stream:
        time.sleep(0.06)  # empty for longer than a look at it takes
        stream.write(text[: len(text) // 2])
        stream.flush()
        time.sleep(0.06)
        stream.write(text[len(text) // 2 :])


def anew(path: Path, text: str) -> None:
    path.unlink()
    time.sleep(0.15)
    path.write_text(text)


@pytest.mark.slow
def test_saves_of_all_kinds(small: Small, rule: Path, temporary: Path) -> None:
    before = state_of(small.tree)
    with started(words(small)) as watcher:
        watcher.until(r"rename.cocci: 2 files, 2 changed, [\d.]+ s\n")
        watcher.until(r"new_call\(x \+ 1\);\n }\n")
        diff = watcher.out
        git(small.tree, "apply", "--check", stdin=diff.encode())
        for number, save in enumerate((by_rename, in_pieces, anew)):
            watcher.forget()
            save(rule, RENAME.replace("new_call(", f"call_{number}("))
            watcher.until(r"2 files, 2 changed \(2 with another diff: \S+/a.c, \S+/b.c\)")
            watcher.shows(diff.replace("new_call(", f"call_{number}("))
            assert watcher.err.count("\n") == 1
        watcher.forget()
        by_rename(rule, RENAME)
        watcher.until("another diff")
        watcher.shows(diff)
        assert watcher.end() == 0
        assert "interrupted" not in watcher.err
        assert "\x1b" not in watcher.out + watcher.err
    assert list(temporary.iterdir()) == []
    assert state_of(small.tree) == before


@pytest.mark.slow
def test_a_broken_rule_waits_for_the_next_save(small: Small, rule: Path) -> None:
    narrow = RENAME.replace("old_call(E)", "old_call(E + 1)")
    with started(words(small)) as watcher:
        watcher.until("2 changed")
        watcher.forget()
        rule.write_text(RENAME.replace("@@ expression E; @@", "@@ expression E @@"))
        watcher.until("says spatch\n")
        assert re.fullmatch(
            r"reroll: rename.cocci:\d+:\d+: syntax error in the semantic patch, says spatch\n",
            watcher.err,
        )
        rule.write_text("@@ @@\n- old_call(virtual.x)\n")
        watcher.until("needs a definition of 'x'")
        watcher.forget()
        rule.write_text(RENAME)
        watcher.until(r"2 files, 2 changed \(2 as before\)")
        rule.write_text(narrow)
        watcher.until("1 changed")
        # What differs from the last run that was one: b has another diff, a is gone.
        assert "1 with another diff: drivers/b/b.c; 1 no longer: drivers/a/a.c" in watcher.err
        watcher.until(r"new_call\(E?x?\);\n }\n")
        assert re.findall(r"^--- .*", watcher.out, re.MULTILINE) == ["--- a/drivers/b/b.c"]
        watcher.forget()
        rule.unlink()
        watcher.until("rename.cocci: is not there, or is empty; waiting for it")
        rule.write_text(RENAME)
        watcher.until("1 new: drivers/a/a.c")
        assert watcher.end() == 0


def test_all_shows_what_is_as_before(small: Small, rule: Path) -> None:
    with started(words(small, "--all", "drivers/a")) as watcher:
        watcher.until("1 file, 1 changed")
        watcher.until(r"new_call\(x\);\n }\n")
        diff = watcher.out
        rule.write_text(f"{RENAME}// the same\n")
        watcher.until("1 as before")
        watcher.shows(diff * 2)
        assert watcher.end() == 0


def test_each_rule_runs_when_it_is_saved(small: Small, rule: Path) -> None:
    template = small.folder / "other.cocci.j2"
    template.write_text(RENAME.replace("new_call", "{{ name }}"))
    with started(words(small, template, "-D", "name=newest", "drivers/a")) as watcher:
        watcher.until("has no parameter|has no virtual identifier 'name'")  # rename.cocci
        watcher.until("other.cocci.j2: 1 file, 1 changed")
        watcher.until(r"\+\treturn newest\(x\);")
        watcher.forget()
        template.write_text(RENAME.replace("new_call", "{{ name }}_of_all"))
        watcher.until("another diff")
        watcher.until(r"\+\treturn newest_of_all\(x\);")
        assert "rename.cocci" not in watcher.err
        assert watcher.end(signal.SIGTERM) == 143


SLOW = """\
#!/bin/sh
case "$*" in *--file-groups*)
    if grep -q slow {rule}; then echo $$ > {running}; sleep 60; fi
esac
exec {spatch} "$@"
"""


@pytest.mark.slow
def test_a_save_in_mid_run_starts_anew(small: Small, rule: Path, temporary: Path) -> None:
    slow, running = small.folder / "spatch", small.folder / "running"
    slow.write_text(SLOW.format(rule=rule, spatch=find_spatch().path, running=running))
    slow.chmod(0o755)
    with started(words(small, "--spatch", slow)) as watcher:
        watcher.until("2 changed")
        watcher.forget()
        rule.write_text(f"// slow\n{RENAME.replace('new_call(', 'newer(')}")
        _there(running)
        begun = time.monotonic()
        rule.write_text(RENAME.replace("new_call(", "newest("))
        watcher.until("2 with another diff")
        assert time.monotonic() - begun < _LONG
        assert "newer" not in watcher.out
        assert not Path(f"/proc/{running.read_text().strip()}").exists()
        running.unlink()
        rule.write_text(f"// slow\n{RENAME}")
        _there(running)
        assert watcher.end() == 0
    assert list(temporary.iterdir()) == []


def _there(path: Path) -> None:
    end = time.monotonic() + _LONG
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_on_a_terminal(small: Small, rule: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    odd = "int a(int x)\n{\n\t/* \x1b]0;gone\x07 */\n\treturn old_call(x);\n}\n"
    (small.tree / "drivers/a/a.c").write_text(odd)
    git(small.tree, "commit", "-qam", "odd")
    with started(words(small, "drivers/a"), terminal=True) as watcher:
        watcher.until("1 file, 1 changed")
        assert re.search(r"\d\d:\d\d:\d\d rename.cocci", watcher.err)
        assert "\x1b[1m--- a/drivers/a/a.c\x1b[m\r\n" in watcher.err
        assert "\x1b[31m-\treturn old_call(x);\x1b[m\r\n" in watcher.err
        assert "\x1b[32m+\treturn new_call(x);\x1b[m\r\n" in watcher.err
        assert "/* \\x1b]0;gone\\x07 */" in watcher.err
        assert watcher.end() == 0


def test_nobody_reads_any_more(small: Small) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "series.cli", *map(str, words(small))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline() == b"--- a/drivers/a/a.c\n"
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(_LONG) == 0
    assert b"Traceback" not in said
    process.stderr.close()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--json"], "--watch goes without --json"),
        (["--json-lines"], "--watch goes without --json-lines"),
        (["--repeat"], "--watch goes without --repeat"),
        (["--remaining", "none"], "--watch goes without --remaining"),
        (["no/such"], "there is no no/such in the tree"),
        (["no-such.cocci"], "there is no rule no-such.cocci"),
    ],
)
def test_bad_words(reroll: Run, small: Small, more: list[str], said: str) -> None:
    done = reroll(*words(small, *more))
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_the_rule_of_the_base_is_nobodys_to_save(reroll: Run, small: Small, tmp_path: Path) -> None:
    own = small.tree / "scripts/coccinelle/x.cocci"
    own.parent.mkdir(parents=True)
    own.write_text(RENAME)
    git(small.tree, "add", "-f", "scripts")
    git(small.tree, "commit", "-qm", "own")
    done = reroll(*small.words("scan", "--watch", "scripts/coccinelle/x.cocci"))
    assert done.code == 2
    assert "x.cocci: is the base's, which nobody edits" in done.err


def _outcome(path: str, diff: bytes = b"d") -> Outcome:
    return Outcome(path, Kind.CHANGED if diff else Kind.UNCHANGED, diff)


def _paths(outcomes: Sequence[Outcome]) -> str:
    return "".join(one.path for one in outcomes)


def test_what_matters_comes_in_its_order() -> None:
    lineup = Lineup("abcd")
    assert _paths(lineup.put([_outcome("c"), _outcome("x")], 0.0)) == "x"
    assert _paths(lineup.put([_outcome("a")], 1.0)) == "a"
    assert _paths(lineup.due(1.9)) == ""
    assert _paths(lineup.due(2.0)) == "c"  # b takes too long
    assert _paths(lineup.put([_outcome("b")], 2.5)) == "b"
    assert _paths(lineup.put([_outcome("y"), _outcome("d")], 3.0)) == "dy"
    lineup = Lineup("ab")
    assert _paths(lineup.put([_outcome("b")], 0.0)) == ""
    assert _paths(lineup.rest()) == "b"
    assert _paths(lineup.rest()) == ""


def _run_of(**diffs: str) -> dict[str, Outcome]:
    return {path: _outcome(path, diff.encode()) for path, diff in diffs.items()}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, {}, "0 files, 0 changed"),
        (None, {"a": "1"}, "1 file, 1 changed"),
        ({"a": "1"}, {"a": "1", "b": ""}, "2 files, 1 changed (1 as before)"),
        ({"a": "1"}, {"a": ""}, "1 file, 0 changed (1 no longer: a)"),
        ({"a": ""}, {"a": ""}, "1 file, 0 changed (0 as before)"),
        (
            {"a": "1", "b": "2", "c": "3"},
            {"a": "1", "b": "4", "d": "5"},
            "3 files, 3 changed (1 new: d; 1 with another diff: b; 1 no longer: c; 1 as before)",
        ),
        ({}, dict.fromkeys("abcde", "1"), "5 files, 5 changed (5 new: a, b, c and 2 more)"),
    ],
)
def test_summary(before: dict[str, str] | None, now: dict[str, str], said: str) -> None:
    assert summary(None if before is None else _run_of(**before), _run_of(**now)) == said


def test_a_file_is_read_when_it_has_been_quiet(tmp_path: Path) -> None:
    path = tmp_path / "x.cocci"
    path.write_text("one")
    now = [0.0]
    rules = Rules([path], clock=lambda: now[0])

    def at(seconds: float) -> tuple[bool, list[Path], list[Path]]:
        now[0] = seconds
        return rules.touched(), rules.saved(), rules.lacking()

    assert at(0.0) == (False, [], [])
    path.unlink()
    assert at(1.0) == (True, [], [])
    path.write_text("")
    assert at(1.5) == (True, [], [])
    assert at(3.6) == (True, [], [path])
    path.write_text("half")
    assert at(4.0) == (True, [], [])
    path.write_text("whole")
    assert at(4.09) == (True, [], [])
    assert at(4.15) == (True, [], [])
    assert at(4.2) == (True, [path], [])
    assert at(9.0) == (False, [], [])
