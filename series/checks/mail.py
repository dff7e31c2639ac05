"""The mails: everything that ``reroll check mail`` finds, patch by patch."""

from collections.abc import Iterator, Sequence

from series.checks import linting
from series.checks.kinds import Ground, Patch, Result


class MailCheck:
    """Lint of subjects, messages, recipients, bytes and diffs of the mails."""

    name = "mail"
    text = "lint of the mails: subjects, signatures, references, spelling, damage"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        ground.progress("mails")
        found = linting.findings(ground)
        for patch in patches:
            yield patch, Result.of(linting.of_patch(ground, patch, found))
