"""Every error a user can cause: one clear line, the right exit code, nothing changed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import commit_all, git, state_of

Break = Callable[[Small], None]


def _rewrite(old: str, new: str) -> Break:
    return lambda small: small.rewrite(old, new)


def _rule(content: str | bytes) -> Break:
    data = content.encode() if isinstance(content, str) else content

    def write(small: Small) -> None:
        (small.folder / "rename.cocci").write_bytes(data)

    return write


def _move(source: str, target: str) -> Break:
    step = f'move = "{source}"\nto = "{target}"'
    return _rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', step)


CAMPAIGNS: list[tuple[str, Break, int, list[str]]] = [
    (
        "typo",
        _rewrite('title = "Use', 'titel = "Use'),
        2,
        ["series.title: this key is required", "series.titel: unknown key; did you mean 'title'?"],
    ),
    (
        "step typo",
        _rewrite('paths = ["drivers/a"]', 'path = ["drivers/a"]'),
        2,
        ["patch[1] (a).step[1].path: unknown key; did you mean 'paths'?"],
    ),
    (
        "value",
        _rewrite('id = "b"', 'id = "b"\nunmatched = "maybe"'),
        2,
        ["patch[2] (b).unmatched: Input should be 'fail' or 'skip'"],
    ),
    (
        "no kind",
        _rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', 'paths = ["drivers/a"]'),
        2,
        ["step[1]: a step needs exactly one of the keys rule, edit, move, apply, pick"],
    ),
    ("two ids", _rewrite('id = "b"', 'id = "a"'), 2, ["patch[1] has the same id"]),
    (
        "missing rule",
        _rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', 'rule = "no.cocci"'),
        2,
        ["patch[1] (a).step[1].rule: there is no file no.cocci in"],
    ),
    (
        "regex",
        _rewrite("'^\\tselect OLD\\n'", "'('"),
        2,
        ["patch[2] (b).step[2]: pattern or replace is not a regular expression"],
    ),
    ("path up", _rewrite('"drivers/b/Kconfig"', '"../etc"'), 2, ["does not leave its folder"]),
    (
        "path abs",
        _rewrite('"drivers/b/Kconfig"', '"/etc/passwd"'),
        2,
        ["does not leave its folder"],
    ),
    ("git dir", _rewrite('"drivers/b/Kconfig"', '".git/config"'), 1, ["there is no such file"]),
    ("toml", _rewrite("[series]", "[series"), 2, ["series.toml: not valid TOML"]),
    ("count", _rewrite('replace = ""', 'replace = ""\ncount = 2'), 1, ["matches 1 times, not 2"]),
    (
        "template variable",
        _rewrite('"new_call() is better."', '"{{ nothing }}"'),
        2,
        ["patch a: message: template: 'nothing' is undefined; known names: deletions, files"],
    ),
    (
        "template syntax",
        _rewrite('"new_call() is better."', '"{% if %}"'),
        2,
        ["patch a: message: template line 1"],
    ),
    (
        "template escape",
        _rewrite('"new_call() is better."', "\"{{ ''.__class__.__mro__ }}\""),
        2,
        ["patch a: message: template"],
    ),
    (
        "template eats memory",
        _rewrite('"new_call() is better."', "\"{{ 'x' * 10000000000 }}\""),
        2,
        ["patch a: message: template: the result of '*' may be too large"],
    ),
    (
        "template never ends",
        _rewrite(
            '"new_call() is better."',
            '"{% for i in range(99999) %}{% for j in range(99999) %}xxxx{% endfor %}{% endfor %}"',
        ),
        2,
        ["patch a: message: template: makes more than 1000000 characters"],
    ),
    (
        "title empty",
        _rewrite('title = "drivers: a: use', "title = \"{{ '' }}\"\n#"),
        2,
        ["one line"],
    ),
    (
        "title for am",
        _rewrite('title = "drivers: a: use', 'title = "[x] drivers: a: use'),
        2,
        ["git am would cut off its beginning, '[x]'"],
    ),
    (
        "message for am",
        _rewrite('"new_call() is better."', '"From: Eve <eve@example.org>\\n\\nx"'),
        2,
        ["git am would take 'From: ' for a header"],
    ),
    (
        "message escape",
        _rewrite('"new_call() is better."', "\"{{ '\\\\x1b[31mred' }}\""),
        2,
        ["patch a: message: has the control character \\x1b"],
    ),
    (
        "half a character",
        _rewrite('"new_call() is better."', "\"{{ '\\\\ud800' }}\""),
        2,
        ["has the control character \\ud800"],
    ),
    (
        "cover header",
        _rewrite('"Use new_call()"', "\"{{ 'x\\\\nBcc: eve@example.org' }}\""),
        2,
        ["series.title: must be one line of text"],
    ),
    ("git dir in capitals", _move("drivers/a/a.c", ".GIT/x"), 2, [".GIT/x: leads out of the tree"]),
    ("move a directory", _move("drivers/a", "drivers/c"), 2, ["drivers/a: is not a plain file"]),
    ("move onto a directory", _move("drivers/a/a.c", "drivers/b"), 3, ["b exists already"]),
    ("move onto a file", _move("drivers/a/a.c", "drivers/b/b.c"), 3, ["b.c exists already"]),
    ("move below a file", _move("drivers/a/a.c", "drivers/b/b.c/x"), 2, ["b.c is a file"]),
    ("move far", _move("drivers/a/a.c", "x" * 300), 2, ["not a usable path"]),
    (
        "runs the script of the tree",
        _rewrite(
            '[[patch]]\nid = "a"', '[settings]\nmaintainers = "script"\n\n[[patch]]\nid = "a"'
        ),
        2,
        ["settings.maintainers: Input should be 'python'"],
    ),
    ("deep", _rewrite("[series]", f"x = {'[' * 20000}\n[series]"), 2, ["not valid TOML"]),
    (
        "cover variable",
        _rewrite('"All users move over."', '"{{ nothing }}"'),
        2,
        ["cover letter: template: 'nothing' is undefined"],
    ),
    (
        "message cut",
        _rewrite('"new_call() is better."', '"text\\n---\\nmore"'),
        2,
        ["would end the message in git am"],
    ),
    (
        "rule syntax",
        _rule("@@ expression E; @@\n- foo(E\n+ bar(E)\n"),
        2,
        ["rename.cocci:4:0: syntax"],
    ),
    ("rule empty", _rule("/// nothing\n@@ @@\nold_call(...)\n"), 2, ["no rules apply"]),
    (
        "rule option",
        _rule("// Options: --in-place\n@@ @@\n- a\n+ b\n"),
        2,
        ["--in-place' is not allowed"],
    ),
    (
        "rule chooses options",
        _rule("# spatch -o /tmp/pwn\n@@ @@\n- a\n+ b\n"),
        2,
        ["rename.cocci:1: a rule may not have a '#spatch' line"],
    ),
    (
        "rule includes a rule",
        _rule('@@ @@\n- a\n+ b\n#include "other.cocci"\n'),
        2,
        ["rename.cocci:4: a rule may not have another .cocci file"],
    ),
    (
        "rule reads a file",
        _rule('#include "/etc/passwd"\n@@ @@\n- a\n+ b\n'),
        2,
        ["rename.cocci:1: a rule may not have an #include before its first rule"],
    ),
    (
        "rule reads isomorphisms",
        _rule('@r using "/etc/passwd"@ @@\n- a\n+ b\n'),
        2,
        ["a rule may not have an isomorphism file"],
    ),
    (
        "rule hides a script",
        _rule("@@ @@\n- a\n+ b\n@ initialize : /* x */ python @ @@\nopen('/tmp/pwn', 'w')\n"),
        2,
        ["has python script rules"],
    ),
    ("rule binary", _rule(b"@@ @@\n- \xff\n+ b\n"), 2, ["rename.cocci: is not UTF-8 text"]),
    (
        "to address",
        _rewrite('id = "a"', 'id = "a"\nto = ["Bob <bob@xxxxxxx>"]'),
        2,
        ["patch a: the address 'Bob <bob@xxxxxxx>' (series.toml, patch a) is obfuscated"],
    ),
    (
        "option address",
        _rewrite('id = "a"', 'id = "a"\ncc = ["-froot@example.org"]'),
        2,
        ["begins with '-'"],
    ),
    (
        "header injection",
        _rewrite('id = "a"', 'id = "a"\ncc = ["a@example.org\\nBcc: x@example.org"]'),
        2,
        ["without control characters"],
    ),
    (
        "trailer address",
        _rewrite('"new_call() is better."', '"x\\n\\nAcked-by: Bob <bob@localhost>"'),
        2,
        ["patch a: the address 'Bob <bob@localhost>' (Acked-by trailer) has no domain"],
    ),
]


@pytest.mark.parametrize(
    ("breaks", "code", "said"),
    [pytest.param(*rest, id=name) for name, *rest in CAMPAIGNS],
)
def test_bad_campaign(reroll: Run, small: Small, breaks: Break, code: int, said: list[str]) -> None:
    breaks(small)
    before = state_of(small.tree)
    done = reroll(*small.words("generate"))
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    for text in said:
        assert text in done.err
    assert state_of(small.tree) == before
    assert not [path for path in small.folder.rglob("versions/*") if path.name != "v1"]
    assert not (small.folder / "versions/v1").exists()


def test_all_errors_at_once(reroll: Run, small: Small) -> None:
    small.rewrite('name = "new-call"', 'name = "new call"\nfrobnicate = 1')
    small.rewrite('id = "b"', 'id = "b"\nunmatched = 3')
    done = reroll(*small.words("generate"))
    assert len([line for line in done.err.splitlines() if "series.toml:" in line]) == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["generate", "--base", "v99.9"], 2, "there is no commit 'v99.9'"),
        (["generate", "--base", "--help"], 2, "there is no commit '--help'"),
        (["generate", "--base", "HEAD:drivers"], 2, "there is no commit 'HEAD:drivers'"),
        (["generate", "--spatch", "/nowhere/spatch"], 4, "'/nowhere/spatch' is not installed"),
        (["generate", "--timeout", "soon"], 2, "--timeout: 'soon' is not a whole number"),
        (["generate", "-v", "0"], 2, "'0' is not a whole number from 1"),
        (["apply"], 2, "no version has been generated yet"),
        (["apply", "-v", "7"], 2, "there is no version 7"),
        (["send"], 2, "no version has been generated yet"),
        (["frobnicate"], 2, "invalid choice"),
    ],
)
def test_bad_command_line(
    reroll: Run, small: Small, words: list[str], code: int, said: str
) -> None:
    base = words.index("--base") if "--base" in words else None
    if base is not None:
        words = [*words[:base], f"--base={words[base + 1]}"]
    done = reroll(*small.words(*words))
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


def test_no_tree(reroll: Run, small: Small, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for place, said in (
        ("plain", "is not a git repository"),
        ("gone", "there is no such directory"),
    ):
        done = reroll("-C", small.folder, "--tree", tmp_path / place, "generate")
        assert done.code == 2
        assert said in done.err
    done = reroll("-C", small.folder, "generate")
    assert done.code == 2
    assert "no Linux tree is named" in done.err


def test_no_folder(reroll: Run, small: Small, tmp_path: Path) -> None:
    done = reroll("-C", tmp_path / "gone", "--tree", small.tree, "generate")
    assert done.code == 2
    assert "cannot be read: No such file" in done.err


def test_settings_order(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "--global", "reroll.tree", str(small.tree))
    git(small.tree, "config", "--global", "reroll.timeout", "0")
    done = reroll("-C", small.folder, "generate")
    assert done.code == 2
    assert "git config reroll.timeout: '0'" in done.err
    git(small.tree, "config", "--global", "reroll.timeout", "60")
    git(small.tree, "config", "reroll.spatch", "/nowhere/local")
    assert "'/nowhere/local' is not installed" in reroll("-C", small.folder, "generate").err
    git(small.tree, "config", "--unset", "reroll.spatch")
    assert reroll("-C", small.folder, "generate").code == 0


def test_no_identity(reroll: Run, small: Small, hermetic_seal: Path) -> None:
    (hermetic_seal / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    done = reroll(*small.words("generate"))
    assert done.code == 2
    assert "git does not know who you are" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(small: Small, number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Stopped while spatch is at work: nothing is left, nothing has moved."""
    slow = tmp_path / "slow-spatch"
    slow.write_text(
        '#!/bin/sh\ncase "$*" in *--version*|*--parse-cocci*) exec '
        f'{sys.executable} -c "from generator.spatch import find_spatch as f; import os, sys; '
        'p = str(f().path); os.execv(p, [p] + sys.argv[1:])" "$@" ;; esac\n'
        f"touch {tmp_path}/started\nsleep 60\n"
    )
    slow.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = state_of(small.tree)
    words = [str(word) for word in small.words("generate", "--spatch", slow)]
    process = subprocess.Popen(
        [sys.executable, "-m", "series.cli", *words],
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch)},
        cwd=Path(__file__).parents[1],
        text=True,
    )
    for _ in range(300):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in err
    assert state_of(small.tree) == before
    assert git(small.tree, "worktree", "list").count("\n") == 0
    assert not list(scratch.iterdir())
    assert not (small.folder / "versions").exists()


@pytest.mark.parametrize(
    "revision", ["@{yesterday}", "x@{upstream}", "HEAD^{tree}", "a..b", "a\x01"]
)
def test_odd_revisions(reroll: Run, small: Small, revision: str) -> None:
    done = reroll(*small.words("generate", f"--base={revision}"))
    assert (done.code, "there is no commit" in done.err) in ((2, True), (0, False))
    assert "Traceback" not in done.err


def test_a_script_that_the_campaign_brings_is_not_run(
    reroll: Run, small: Small, tmp_path: Path
) -> None:
    evil = f"+open(F, '>', '{tmp_path}/PWN');\n"
    (small.folder / "evil.patch").write_text(
        "--- /dev/null\n+++ b/scripts/get_maintainer.pl\n@@ -0,0 +1 @@\n" + evil
    )
    small.rewrite('rule = "rename.cocci"\npaths = ["drivers/a"]', 'apply = "evil.patch"')
    assert reroll(*small.words("generate")).code == 0
    assert not (tmp_path / "PWN").exists()


def test_a_symbolic_ref_moves_no_other_branch(reroll: Run, small: Small) -> None:
    git(small.tree, "symbolic-ref", "refs/heads/reroll/new-call", "refs/heads/master")
    before = state_of(small.tree)
    done = reroll(*small.words("generate", "--force"))
    assert (done.code, "refs/heads/reroll/new-call" in done.err) == (3, True) or (
        done.code == 3 and "is checked out" in done.err
    )
    assert state_of(small.tree) == before


@pytest.mark.slow
def test_output_that_cannot_be_written(small: Small) -> None:
    words = " ".join(f"'{word}'" for word in small.words("generate"))
    command = f"'{sys.executable}' -m series.cli {words}"
    root = Path(__file__).parents[1]
    for redirection, code in ((">/dev/full", 4), (">&-", 0), ("2>&-", 0)):
        done = subprocess.run(
            ["bash", "-c", f"{command} {redirection}"], cwd=root, capture_output=True, text=True
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)


@pytest.mark.slow
def test_interrupted_while_starting(small: Small) -> None:
    """^C before the command line is read: no traceback, whatever was being imported."""
    program = Path(sys.executable).with_name("reroll")
    for delay in (0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2):
        with subprocess.Popen(
            [program, *map(str, small.words("scan", small.folder / "rename.cocci"))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            time.sleep(delay)
            child.send_signal(signal.SIGINT)
            _, said = child.communicate(timeout=30)
        # Until ours runs, and has what it takes, Python itself may still say where it was.
        assert not re.search(r'File ".*/(series/(?!entry)|generator/)', said), said


def test_a_path_that_is_no_utf_8(reroll: Run, small: Small) -> None:
    """JSON has no such text: nothing is made, and the file is named."""
    odd = os.fsdecode(os.fsencode(small.tree / "drivers/b/x") + b"\xff.c")
    Path(odd).write_text("int c(int x)\n{\n\treturn old_call(x);\n}\n")
    git(small.tree, "add", "-f", "drivers")
    git(small.tree, "commit", "-q", "-m", "odd")
    before = state_of(small.tree)
    done = reroll(*small.words("generate"))
    assert done.code in (1, 2)
    assert "x\\udcff.c" in done.err
    assert "Traceback" not in done.err
    assert state_of(small.tree) == before


def test_a_site_in_a_file_whose_name_is_no_utf8(reroll: Run, small: Small) -> None:
    name = os.fsdecode(b"drivers/a/caf\xe9.c")
    (small.tree / name).write_text("int e(void)\n{\n\treturn old_call(3);\n}\n")
    commit_all(small.tree, "a name of another time")
    small.rewrite('id = "a"', 'id = "a"\nremaining = "any"')
    done = reroll(*small.words("generate"))
    assert (done.code, "no UTF-8" in done.err) == (2, True), done
    assert not (small.folder / "versions/v1").exists()
