"""``make dist`` refuses what must not be released.

That what it makes passes its own tests is for ``make dist`` itself to show.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repositories import git

SCRIPT = Path(__file__).parents[1] / "scripts/release"
PROJECT = """\
[project]
name = "thing"
version = "1.2.3"

[tool.hatch.build.targets.wheel]
packages = ["thing"]
"""


@pytest.fixture
def project(tree: Callable[..., Path]) -> Path:
    """A project that could be released."""
    place = tree({"pyproject.toml": PROJECT, "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (today)\n"})
    (place / "scripts").mkdir()
    shutil.copy(SCRIPT, place / "scripts/release")
    git(place, "add", ".")
    git(place, "commit", "-qm", "thing 1.2.3")
    return place


def refusal(project: Path, *words: str) -> str:
    """What the script says when it refuses; nothing was made then."""
    command = [sys.executable, "scripts/release", *words]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert not (project / "build").exists()
    assert not (project / "dist").exists()
    return done.stderr


def test_only_what_is_committed_is_released(project: Path) -> None:
    (project / "new.py").touch()
    assert refusal(project) == "release: 1 file is not as committed: new.py\n"
    (project / "pyproject.toml").write_text(PROJECT + "\n")
    assert refusal(project) == "release: 2 files are not as committed: pyproject.toml, new.py\n"


def test_the_changelog_tells_of_this_version(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.2.3 (today)\n")
    git(project, "commit", "-qam", "begun")
    assert refusal(project) == (
        "release: CHANGELOG.md begins with Unreleased, pyproject.toml says 1.2.3: the first "
        "heading must be '## 1.2.3 (YEAR-MONTH-DAY)'\n"
    )


def test_a_version_is_one_commit(project: Path) -> None:
    git(project, "tag", "-m", "thing 1.2.3", "v1.2.3", "HEAD~")
    tagged = git(project, "rev-parse", "HEAD~")[:12]
    assert refusal(project) == f"release: v1.2.3 is the tag of {tagged}: raise the version\n"


def test_everything_that_is_wrong_is_said_at_once(project: Path) -> None:
    git(project, "tag", "v1.2.3", "HEAD~")
    (project / "CHANGELOG.md").write_text("# Changelog\n")
    git(project, "commit", "-qam", "nothing told")
    (project / "new.py").touch()
    said = refusal(project, "tests/test_cli.py")
    assert len(said.splitlines()) == 4
    assert "CHANGELOG.md begins with nothing" in said
    assert said.endswith("runs all tests: some only with --trial (make dist TRIAL=1)\n")
