"""What the lint of mails says of a version, as findings of its patches."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from generator.tree import Tree
from series import store
from series.checks import kinds
from series.checks.gate import mails_digest
from series.checks.kinds import Ground, Patch
from series.lint import Mail, take_apart
from series.lint.finding import Finding
from series.lint.letter import Letter
from series.lint.version import check_version


@lru_cache(maxsize=2)
def _findings(folder: Path, number: int, tree: Path, _mails: str) -> tuple[Finding, ...]:
    """The findings in the mails of a version: three checks look at them."""
    version = store.read(folder, number)
    return tuple(check_version(folder, version, lambda: Tree(tree)))


def findings(ground: Ground) -> tuple[Finding, ...]:
    """Every finding in the mails of ``ground``'s version, as ``check mail`` has them."""
    digest = mails_digest(ground.folder, ground.version)
    return _findings(ground.folder, ground.version.version, ground.tree.path, digest)


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
