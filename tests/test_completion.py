"""Shell completion: what real shells offer once they have read the file."""

import shutil
import subprocess
from pathlib import Path

import pytest

from series import cli
from series.checks import runner
from tests.conftest import Run

_BASH = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_reroll
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What was completed is run, and says what it was.
_ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell "reroll() { print -r -- \\"RAN:\\$*:END\\" }"
zpty -w shell "print READY$((1 + 1))"
zpty -r -m shell line '*READY2*'
zpty -w shell "$2"
zpty -r -m shell line '*RAN:*:END*'
print -r -- "$line"
zpty -d shell
"""


def _needed(shell: str) -> str:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell}")
    return path


def _written(reroll: Run, shell: str, path: Path) -> Path:
    done = reroll("completion", shell)
    assert (done.code, done.err) == (0, "")
    path.write_text(done.out)
    return path


def _said(*argv: object) -> str:
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _bash(file: Path, *words: str) -> list[str]:
    shown = _said("bash", "--norc", "-c", _BASH, "bash", file, "reroll", *words)
    return shown.split("\n")[:-1]


def test_bash_offers_verbs_options_and_checks(reroll: Run, tmp_path: Path) -> None:
    file = _written(reroll, "bash", tmp_path / "reroll")
    assert _bash(file, "") == list(cli.VERBS)
    assert _bash(file, "rec") == ["recipients"]
    assert _bash(file, "-C", "x", "check", "app") == ["applies"]
    assert _bash(file, "check", "applies", "") == [*runner.known(), "all"]
    assert _bash(file, "send", "--res") == ["--resume", "--resend"]
    assert _bash(file, "send", "--tr") == ["--tree"]
    assert _bash(file, "b4", "") == ["export", "import"]
    assert _bash(file, "scan", "--executor", "") == ["local", "dask"]


def test_bash_offers_files_where_files_go(reroll: Run, tmp_path: Path) -> None:
    file = _written(reroll, "bash", tmp_path / "reroll")
    (tmp_path / "mails.mbox").touch()
    (tmp_path / "my-series").mkdir()
    assert _bash(file, "-C", f"{tmp_path}/m") == [f"{tmp_path}/my-series"]
    assert sorted(_bash(file, "collect", f"{tmp_path}/m")) == [
        f"{tmp_path}/mails.mbox",
        f"{tmp_path}/my-series",
    ]


@pytest.mark.slow
def test_fish_offers_verbs_options_and_checks(reroll: Run, tmp_path: Path) -> None:
    fish = _needed("fish")
    file = _written(reroll, "fish", tmp_path / "reroll.fish")

    def offers(line: str) -> list[str]:
        shown = _said(fish, "--no-config", "-c", f"source '{file}'; complete -C '{line}'")
        return [one.split("\t")[0] for one in shown.splitlines()]

    assert sorted(offers("reroll ")) == sorted(cli.VERBS)
    assert offers("reroll check app") == ["applies"]
    assert set(offers("reroll check applies ")) == {*runner.known(), "all"}
    assert offers("reroll -C x send --resu") == ["--resume"]
    assert offers("reroll b4 e") == ["export"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "ran"),
    [
        ("reroll recip\t", "recipients"),
        ("reroll check appl\t", "check applies"),
        ("reroll send --resu\t", "send --resume"),
        ("reroll b4 exp\t", "b4 export"),
    ],
)
def test_zsh_completes(reroll: Run, tmp_path: Path, typed: str, ran: str) -> None:
    zsh = _needed("zsh")
    _written(reroll, "zsh", tmp_path / "_reroll")
    assert f"RAN:{ran}:END" in _said(zsh, "-f", "-c", _ZSH, "zsh", tmp_path, typed)


@pytest.mark.slow
@pytest.mark.parametrize(("shell", "option"), [("zsh", "-n"), ("fish", "--no-execute")])
def test_no_syntax_error(reroll: Run, tmp_path: Path, shell: str, option: str) -> None:
    assert _said(_needed(shell), option, _written(reroll, shell, tmp_path / "file")) == ""


def test_another_shell(reroll: Run) -> None:
    done = reroll("completion", "csh")
    assert (done.code, "'csh'" in done.err) == (2, True)
