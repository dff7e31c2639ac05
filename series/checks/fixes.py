"""``Fixes:`` names a commit: there, before the base, with its 12 digits and its subject.

The rule is that of Documentation/process/submitting-patches.rst ("Describe your changes").
"""

import re
from collections.abc import Iterator, Sequence

from generator.tree import run_git
from series import store
from series.checks import linting
from series.checks.kinds import Finding, Ground, Patch, Result
from series.lint import trailers
from series.lint.finding import Finding as LintFinding
from series.lint.trailers import Trailer

_ID = re.compile(r"(?:commit\s+)?([0-9a-f]{7,40})\b", re.IGNORECASE)


class FixesCheck:
    """That part of the mails' lint that is about ``Fixes:``, and whether it comes first."""

    name = "fixes"
    text = "Fixes: names an ancestor of the base, with 12 digits and its subject"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        ground.progress("Fixes:")
        found = [one for one in linting.findings(ground) if one.check == "commit"]
        shallow = ground.tree.git("rev-parse", "--is-shallow-repository") == "true"
        for patch in patches:
            yield patch, _judged(ground, patch, found, shallow=shallow)


def _judged(ground: Ground, patch: Patch, found: Sequence[LintFinding], *, shallow: bool) -> Result:
    letter = linting.letter(ground, patch)
    named = {one.line.number: one for one in trailers.of_letter(letter) if one.known == "Fixes"}
    mine = [one for one in found if one.line in named and one.mail.endswith(patch.record.mail)]
    if unknown := next((one for one in mine if one.severity == "not run"), None):
        return Result("not run", why=unknown.what)
    findings = linting.of_patch(ground, patch, mine)
    if not shallow:
        findings += [_late(ground, patch, one) for one in named.values() if _is_late(ground, one)]
    return Result.of(findings)


def _is_late(ground: Ground, trailer: Trailer) -> bool:
    """Whether a commit is there, but no ancestor of the base."""
    found = _ID.match(trailer.value)
    if not found or not ground.tree.has(found[1]):
        return False
    words = ["merge-base", "--is-ancestor", found[1], ground.version.base]
    return run_git(words, cwd=ground.tree.path, check=False).returncode == 1


def _late(ground: Ground, patch: Patch, trailer: Trailer) -> Finding:
    path = store.mail_path(ground.folder, ground.version, patch.record.mail)
    return Finding(
        "error",
        f"Fixes: {trailer.value[:60]} is no ancestor of the base",
        str(path.relative_to(ground.folder)),
        trailer.line.number,
        trailer.line.text,
        "ancestor",
        "name the commit as the tree that the series is for has it",
    )
