"""What the lint of mails says of a version, as findings of its patches.

It is kept under all that it follows from: the version and its mails, what of the tree is here,
the dictionary, and the lint itself.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from generator import split
from generator.results import Store
from generator.tree import Tree, run_git
from series import addresses, lint, maintainers, store
from series.checks import kinds
from series.checks.gate import mails_digest
from series.checks.kinds import Ground, Patch
from series.checks.recall import key
from series.lint import Mail, take_apart
from series.lint.finding import Finding
from series.lint.letter import Letter
from series.lint.trailers import named_commits
from series.lint.version import check_version
from series.version import Version

# Seconds: what takes as long may have been cut off (``generator.tree.Tree.subjects``).
_LIMIT = 25


@lru_cache(maxsize=1)
def _findings(
    folder: Path, number: int, tree: Tree, results: Store, mails: str
) -> tuple[Finding, ...]:
    """The findings in the mails of a version: three checks look at them."""
    version = store.read(folder, number)
    name = _key(folder, version, tree, mails)
    with suppress(ValueError, TypeError):  # nothing, or of another reroll
        return tuple(Finding(**one) for one in json.loads(results.get([name]).get(name, b"")))
    began = time.monotonic()
    found = tuple(check_version(folder, version, lambda: Tree(tree.path)))
    if time.monotonic() - began < _LIMIT:
        results.put({name: json.dumps([asdict(one) for one in found]).encode()})
    return found


def _key(folder: Path, version: Version, tree: Tree, mails: str) -> bytes:
    """A key that is another one when anything is that ``check_version`` looks at."""
    letters = [
        take_apart(
            Mail(
                one.mail,
                getattr(one, "number", 0),
                store.mail_path(folder, version, one.mail).read_bytes(),
            )
        )
        for one in version.mails
    ]
    named = sorted(set().union(*map(named_commits, letters)))
    # A commit may be fetched later on, and a history that is cut off may become a longer one.
    asked = [f"{name}^{{commit}}" for name in named]
    asked += [f"{version.base}:{path}" for path in ("MAINTAINERS", "scripts/spelling.txt")]
    stdin = "".join(f"{one}\n" for one in asked).encode()
    env = {"GIT_NO_LAZY_FETCH": "1"}
    words = ["cat-file", "--batch-check"]
    there = run_git(words, cwd=tree.path, stdin=stdin, env=env, check=False).stdout
    common = tree.git("rev-parse", "--path-format=absolute", "--git-common-dir")
    cut = Path(common) / "shallow"
    ends = cut.read_bytes() if cut.is_file() else b""
    return key("mail lint", "1", repr(version), mails, str(tree.path), there, ends, *_programs())


def _programs() -> list[str | bytes]:
    """The text of the lint and of what its rules are made of, and which dictionary it has."""
    sources = sorted(Path(one) for place in lint.__path__ for one in Path(place).glob("*.py"))
    sources += [Path(str(one.__file__)) for one in (addresses, maintainers, split)]
    found: list[str | bytes] = [one.read_bytes() for one in sources]
    words = find_spec("codespell_lib")
    for place in (words and words.submodule_search_locations) or ():
        facts = (Path(place) / "data/dictionary.txt").stat()
        found.append(f"{facts.st_size} {facts.st_mtime_ns}")
    return found


def findings(ground: Ground) -> tuple[Finding, ...]:
    """Every finding in the mails of ``ground``'s version, as ``check mail`` has them."""
    digest = mails_digest(ground.folder, ground.version)
    number = ground.version.version
    # A store is known by its identity, which its protocol does not say.
    return _findings(ground.folder, number, ground.tree, ground.store, digest)  # type: ignore[arg-type]


def letter(ground: Ground, patch: Patch) -> Letter:
    """The mail of a patch, taken apart."""
    content = store.mail_path(ground.folder, ground.version, patch.record.mail).read_bytes()
    return take_apart(Mail(patch.record.mail, patch.number, content, patch.commit))


def of_patch(ground: Ground, patch: Patch, found: Sequence[Finding]) -> list[kinds.Finding]:
    """Those of ``found`` that are about a patch; what is about none of them goes with the first."""
    numbers = {one.mail: one.number for one in ground.version.patches}
    first = ground.version.patches[0].number
    return [
        _finding(ground, one)
        for one in found
        if numbers.get(Path(one.mail).name, first) == patch.number
    ]


def _finding(ground: Ground, one: Finding) -> kinds.Finding:
    severity: kinds.Severity = "note" if one.severity == "not run" else one.severity
    source = ""
    if one.mail and one.line:
        lines = (ground.folder / one.mail).read_bytes().split(b"\n")
        source = lines[one.line - 1].decode("utf-8", "replace") if one.line <= len(lines) else ""
    return kinds.Finding(severity, one.what, one.mail, one.line, source, one.check, one.hint)
