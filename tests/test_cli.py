"""The command line itself: help, verbs, exit codes, and what it must not import."""

import subprocess
import sys
from pathlib import Path

import pytest

from series import cli
from series.commands import generate
from tests.conftest import Run, Small

ROOT = Path(__file__).parents[1]
HEAVY = {"pydantic", "git", "jinja2", "rich", "b4", "unidiff", "asyncio"}


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom series import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    text, _, loaded = done.stdout.partition("LOADED")
    for verb, says in cli.VERBS.items():
        assert verb in text
        assert says in " ".join(text.split())
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("verb", list(cli.VERBS))
def test_every_verb_has_help_with_an_example(reroll: Run, verb: str) -> None:
    done = reroll(verb, "--help")
    assert done.code == 0
    alone = ("init", "scan", "cache", "doctor", "completion")
    assert f"example: reroll {'' if verb in alone else '-C my-series '}" in done.out


def test_a_folder_may_be_called_like_a_verb(
    reroll: Run, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.folder.rename(tmp_path / "send")
    folder = tmp_path / "send"
    monkeypatch.chdir(tmp_path)
    done = reroll("-C", "send", "--tree", small.tree, "generate", "--base", "master", "-n")
    assert done.code == 0
    assert folder.is_dir()


def test_options_behind_the_verb(reroll: Run, small: Small) -> None:
    done = reroll("generate", "-C", small.folder, "--tree", small.tree, "--json", "-n")
    assert (done.code, done.out[0]) == (0, "{")


def test_no_verb(reroll: Run) -> None:
    done = reroll()
    assert (done.code, done.err.startswith("usage: reroll")) == (2, True)


def test_version(reroll: Run) -> None:
    assert reroll("--version").out.startswith("reroll 0.")


def test_a_bug_of_ours(reroll: Run, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_args: object) -> int:
        raise RuntimeError("impossible")

    monkeypatch.setattr(generate, "run", broken)
    done = reroll(*small.words("generate"))
    assert done.code == 70
    assert "RuntimeError: impossible" in done.err
    assert "this is a bug of reroll" in done.err


@pytest.mark.slow
def test_a_reader_that_leaves(small: Small) -> None:
    words = " ".join(f"'{word}'" for word in small.words("generate", "--json"))
    command = f"'{sys.executable}' -m series.cli {words} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["linux-tree"], 2, "usage:"),
        (["linux-tree", "v5", "x"], 2, "VERSION is a kernel series"),
        (["linux-tree", "5.10; touch PWN", "x"], 2, "VERSION is a kernel series"),
        (["linux-tree", "5.10", "full"], 2, "exists already"),
        (["linux-tree", "5.10", "new"], 4, "is missing: this script needs a Debian machine"),
        (["need", "git"], 0, ""),
    ],
)
def test_scripts_say_what_is_wrong(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "basename", "mktemp", "rm", "mkdir", "ls", "id", "cat"):
        (programs / name).symlink_to(f"/bin/{name}")
    script = ROOT / "scripts" / words[0]
    done = subprocess.run(
        ["/bin/sh", str(script), *words[1:]],
        cwd=tmp_path,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert not (tmp_path / "PWN").exists()
