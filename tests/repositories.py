"""Real git repositories for tests and the demo, made from files."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from subprocess import run

SAMPLE = Path(__file__).parent / "sample_tree"
_DATE = "1600000000 +0000"


def git(repository: Path, *words: str, stdin: bytes = b"") -> str:
    """What ``git WORDS`` prints; ``AssertionError`` with its complaint when it fails."""
    result = run(["git", *words], cwd=repository, input=stdin, capture_output=True, check=False)
    said = result.stderr.decode(errors="replace")
    if result.returncode != 0:
        raise AssertionError(f"git {' '.join(words)}: {said}")
    return result.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def commit_all(repository: Path, message: str) -> str:
    """Commit every file there is, at a fixed date; returns the commit."""
    os.environ.setdefault("GIT_CONFIG_NOSYSTEM", "1")
    git(repository, "add", "--force", "--all")
    dates = {"GIT_AUTHOR_DATE": _DATE, "GIT_COMMITTER_DATE": _DATE}
    command = ["git", "-c", "commit.gpgSign=false", "commit", "-q", "-m", message]
    run(command, cwd=repository, env={**os.environ, **dates}, check=True)
    return git(repository, "rev-parse", "HEAD")


def make_repository(place: Path, files: Mapping[str, str | bytes]) -> Path:
    """A repository at ``place`` with one commit of ``files``."""
    place.mkdir(parents=True, exist_ok=True)
    git(place, "init", "-q", "-b", "master")
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    commit_all(place, "the base")
    return place


def make_sample(place: Path) -> Path:
    """The sample tree as a repository at ``place``, tagged v5.10."""
    shutil.copytree(SAMPLE, place)
    git(place, "init", "-q", "-b", "master")
    commit_all(place, "sample: a small tree in the shape of Linux 5.10")
    git(place, "tag", "v5.10")
    return place


def state_of(repository: Path) -> tuple[str, str, str]:
    """What a command must leave alone: refs, HEAD and the state of files and index."""
    return (
        git(repository, "for-each-ref"),
        git(repository, "symbolic-ref", "HEAD"),
        git(repository, "status", "--porcelain"),
    )
