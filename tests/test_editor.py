"""``reroll comments --edit``: a note is written in git's editor."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.repositories import git

COMMENTS = """\
[[comment]]
id = "aaaaaa-1"
version = 1
patch = "a"
author = "Ann Reviewer <ann@example.org>"
quote = "+\\treturn new_call(x);"
excerpt = "vim: set modeline: take the \\u001b[31mlock"

[[comment]]
id = "bbbbbb-1"
version = 1
excerpt = "Say why."
note = "was said"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A series folder with two comments."""
    (tmp_path / "comments.toml").write_text(COMMENTS)
    return tmp_path


def types(place: Path, command: str) -> str:
    """An editor that keeps what it was given in ``given`` and runs a shell command on it."""
    script = place / "my editor"
    script.write_text(f'#!/bin/sh\ncp "$1" "{place}/given"\n{command}\n')
    script.chmod(0o755)
    return f"'{script}'"


def test_a_note_is_written(reroll: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "GIT_EDITOR", types(folder, "sed -i '1i takes the lock,\\nand frees it' \"$1\"")
    )
    done = reroll("-C", folder, "comments", "aaaaaa-1", "--fixed", "--edit")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("marked 1 comment fixed\n")
    shown = reroll("-C", folder, "comments", "aaaaaa-1").out
    assert "(fixed)" in shown
    assert "      note: takes the lock, and frees it\n" in shown
    given = (folder / "given").read_text()
    assert (
        "# aaaaaa-1  v1    Ann Reviewer <ann@example.org>\n#     > +\treturn new_call(x);\n"
        in given
    )
    # Editors take the first and the last five lines for settings, and terminals escapes.
    lines = given.splitlines()
    assert not any("vim:" in line for line in lines[:5] + lines[-5:])
    assert "\x1b" not in given


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["aaaaaa-1", "--fixed"], ""),
        (["aaaaaa-1"], "echo '# only this' > \"$1\""),
        (["bbbbbb-1"], ""),
        (["bbbbbb-1", "--declined"], ': > "$1"'),
    ],
    ids=["left as it was", "only comments", "the same note", "emptied"],
)
def test_nothing_is_marked(
    reroll: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], command: str
) -> None:
    monkeypatch.setenv("GIT_EDITOR", types(folder, command))
    done = reroll("-C", folder, "comments", *words, "--edit")
    assert (done.code, done.out) == (1, "")
    assert done.err == "reroll: nothing was marked: the note is empty, or as it was\n"
    assert (folder / "comments.toml").read_text() == COMMENTS


def test_an_editor_that_fails(reroll: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_EDITOR", types(folder, 'echo changed > "$1"; exit 3'))
    done = reroll("-C", folder, "comments", "aaaaaa-1", "--edit")
    assert done.code == 4
    assert done.err == (
        f"reroll: the editor ''{folder}/my editor'' failed\n"
        f"reroll: hint: --note TEXT does it, or edit {folder}/comments.toml\n"
    )
    assert (folder / "comments.toml").read_text() == COMMENTS


def test_there_is_no_terminal(reroll: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", types(folder, ""))
    done = reroll("-C", folder, "comments", "aaaaaa-1", "--edit")
    assert done.code == 2
    assert done.err == (
        "reroll: there is no terminal to edit on\n"
        f"reroll: hint: --note TEXT does it, or edit {folder}/comments.toml\n"
    )
    assert not (folder / "given").exists()


@pytest.mark.slow
def test_a_dumb_terminal(folder: Path) -> None:
    assert on_terminal(folder, {"TERM": "dumb", "EDITOR": ""}, 2) == (
        "reroll: git knows no editor to use here\r\n"
        f"reroll: hint: --note TEXT does it, or edit {folder}/comments.toml\r\n"
    )


def on_terminal(folder: Path, environment: dict[str, str], code: int) -> str:
    """What ``comments bbbbbb-1 --edit`` says on a terminal."""
    ours, its = pty.openpty()
    words = ["-C", str(folder), "comments", "bbbbbb-1", "--edit"]
    done = subprocess.run(
        [sys.executable, "-m", "series.cli", *words],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    said = os.read(ours, 65536).decode()
    os.close(ours)
    os.close(its)
    assert done.returncode == code, said
    return said


@pytest.mark.parametrize("how", ["core.editor", "VISUAL", "EDITOR"])
@pytest.mark.slow
def test_the_editor_is_gits_and_has_the_terminal(folder: Path, how: str) -> None:
    editor = types(folder, "test -t 0 && test -t 1 && sed -i '1i said' \"$1\"")
    environment = {"TERM": "xterm", "EDITOR": "false"}
    if how == "core.editor":
        git(folder, "config", "--global", how, editor)
    else:
        environment[how] = editor
    assert on_terminal(folder, environment, 0) == "marked 1 comment\r\n"
    assert 'note = "said was said"' in (folder / "comments.toml").read_text()
