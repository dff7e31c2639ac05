"""Text that only the user can write, in the user's editor.

Which editor that is, git says: GIT_EDITOR, core.editor, VISUAL, EDITOR, else vi; on a dumb
terminal it may be none (git-var(1)).
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import process
from generator.errors import ProgramError, UsageError
from generator.tree import run_git


def edited(text: str, *, name: str, cwd: Path, otherwise: str) -> str:
    """``text`` as the user left it, less the lines that begin with '#'.

    ``name`` is the file's, as editors show it; ``cwd`` the directory whose git configuration
    counts; ``otherwise`` says how to do without.  Raises ``UsageError`` where nobody or nothing
    is there to edit, ``ProgramError`` when the editor fails.
    """
    if not sys.stdin.isatty() and "GIT_EDITOR" not in os.environ:
        raise UsageError("there is no terminal to edit on", hint=otherwise)
    known = run_git(["var", "GIT_EDITOR"], cwd=cwd, check=False, neutral=False)
    command = known.stdout.decode("utf-8", "surrogateescape").strip()
    if known.returncode != 0 or not command:  # of a dumb terminal, git says what is not set
        raise UsageError("git knows no editor to use here", hint=otherwise)
    with TemporaryDirectory(prefix="reroll-") as place:
        file = Path(place) / name
        file.write_text(text, encoding="utf-8")
        # The user's own words, for the shell as git has it (git-var(1)); the file is an argument.
        words = ["sh", "-c", f'{command} "$@"', command, str(file)]
        with _interrupts_for_the_editor():
            done = process.run(words, cwd=cwd, interactive=True, screen=True)
        if done.returncode != 0:
            raise ProgramError(f"the editor '{command}' failed", hint=otherwise)
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#")).strip()


@contextmanager
def _interrupts_for_the_editor() -> Iterator[None]:
    """^C is the editor's, as git has it: a handler, unlike SIG_IGN, is not inherited."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
