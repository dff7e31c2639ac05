"""A sealed environment: own home, own git identity, fixed dates, no network."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from series import cli
from tests.repositories import git, make_repository, make_sample
from tests.smtp import Inbox, send_to, smtp_server

EPOCH = 1_600_000_100

# A run in the background of a script has ^C ignored, and so would what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# How long an example takes is the machine's matter, and no test asserts it.
settings.register_profile("reroll", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("reroll")


def seal(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut what runs off from the user's configuration; ``home`` is its home.

    All tests of a process share a store of results: what spatch made of the same bytes is
    the same (tests/test_sources.py), and most tests are not about it.
    """
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_", "REROLL_T", "LC_", "SOURCE_DATE")) or "proxy" in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.parent / "cache"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Developer\n\temail = ada@example.org\n"
        "[init]\n\tdefaultBranch = master\n[gc]\n\tauto = 0\n"
        # Most tests are not about what is checked before sending.
        "[reroll]\n\trequired = mail\n"
    )


@contextlib.contextmanager
def sealed(home: Path) -> Iterator[None]:
    """The same for what is made once for many tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        seal(home, monkeypatch)
        yield


@pytest.fixture(autouse=True)
def hermetic_seal(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Cut every test off from the user's configuration; returns its home."""
    home = tmp_path_factory.mktemp("home")
    seal(home, monkeypatch)
    return home


@dataclass(frozen=True)
class Outcome:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def reroll(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``reroll`` with words, in this process."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as stopped:  # argparse
            code = int(stopped.code or 0)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """Make a repository from ``{name: content}``."""

    def make(files: dict[str, str | bytes], name: str = "tree") -> Path:
        return make_repository(tmp_path / name, files)

    return make


@pytest.fixture(scope="session")
def _sample_master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with sealed(tmp_path_factory.mktemp("sample-home")):
        return make_sample(tmp_path_factory.mktemp("sample") / "linux")


@pytest.fixture
def sample(_sample_master: Path, tmp_path: Path) -> Path:
    """A clone of the sample tree, this test's own."""
    place = tmp_path / "linux"
    git(tmp_path, "clone", "-q", str(_sample_master), str(place))
    return place


RENAME = """\
/// Use new_call() instead of old_call().
virtual patch
@@ expression E; @@
- old_call(E)
+ new_call(E)
"""
MAINTAINERS = """\
DRIVERS OF A
M:\tAlice Maintainer <alice@example.org>
R:\tRob Reviewer <rob@example.org>
L:\tdrivers@lists.example.org
S:\tMaintained
F:\tdrivers/a/

THE REST
M:\tThea Rest <thea@example.org>
L:\tall@lists.example.org
S:\tBuried alive in reporters
F:\t*
F:\t*/
"""
SMALL = {
    "MAINTAINERS": MAINTAINERS,
    ".gitignore": "/*\n",
    "drivers/a/a.c": "int a(int x)\n{\n\treturn old_call(x);\n}\n",
    "drivers/b/b.c": "/* old_call() */\nint b(int x)\n{\n\treturn old_call(x + 1);\n}\n",
    "drivers/b/Kconfig": "config B\n\tbool\n\tselect OLD\n",
}
CAMPAIGN = """\
[series]
name = "new-call"
title = "Use new_call()"
cover = "All users move over."

[series.changelog]
2 = ["done better"]

[[patch]]
id = "a"
title = "drivers: a: use new_call()"
message = "new_call() is better."
changelog = { 2 = ["said why"] }

[[patch.step]]
rule = "rename.cocci"
paths = ["drivers/a"]

[[patch]]
id = "b"
title = "drivers: b: use new_call()"
message = "new_call() is better here, too."

[[patch.step]]
rule = "rename.cocci"
paths = ["drivers/b"]

[[patch.step]]
edit = "drivers/b/Kconfig"
pattern = '^\\tselect OLD\\n'
replace = ""
"""


@dataclass(frozen=True)
class Small:
    """A small tree and a series folder with a campaign for it."""

    folder: Path
    tree: Path

    def words(self, *words: object) -> list[object]:
        """A command line for this series on this tree."""
        return ["-C", self.folder, "--tree", self.tree, *words]

    def rewrite(self, old: str, new: str) -> None:
        """Change the campaign's text; the old text must be there."""
        file = self.folder / "series.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


def _make_small(place: Path) -> Small:
    tree = make_repository(place / "small", SMALL)
    folder = place / "series"
    folder.mkdir()
    (folder / "series.toml").write_text(CAMPAIGN)
    (folder / "rename.cocci").write_text(RENAME)
    return Small(folder, tree)


def _copy(made: Small, place: Path) -> Small:
    shutil.copytree(made.folder.parent, place, dirs_exist_ok=True, symlinks=True)
    return Small(place / made.folder.name, place / made.tree.name)


@pytest.fixture(scope="session")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    with sealed(tmp_path_factory.mktemp("small-home")):
        return _make_small(tmp_path_factory.mktemp("made"))


@pytest.fixture
def small(_small: Small, tmp_path: Path) -> Small:
    """A tree of two drivers and a campaign of two patches, this test's own copy."""
    return _copy(_small, tmp_path)


@pytest.fixture(scope="session")
def _generated(tmp_path_factory: pytest.TempPathFactory, _small: Small) -> Small:
    made = _copy(_small, tmp_path_factory.mktemp("generated"))
    with sealed(tmp_path_factory.mktemp("generated-home")):
        assert cli.main([str(word) for word in made.words("generate")]) == 0
    return made


@pytest.fixture
def generated(_generated: Small, tmp_path: Path) -> Small:
    """The same with version 1 generated, this test's own copy."""
    return _copy(_generated, tmp_path)


@pytest.fixture
def inbox(small: Small) -> Iterator[Inbox]:
    """A server that the small tree's configuration sends to."""
    with smtp_server() as server:
        send_to(server, small.tree)
        yield server
