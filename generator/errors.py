"""What a user can cause, as a small hierarchy.

Each class carries the exit code that ``series.cli`` ends with and, where there
is one, a hint that says what to do.  The exit codes are part of the interface
and documented in README.md and in the man page.
"""

from collections.abc import Sequence


class RerollError(Exception):
    """An error a user can cause.

    ``str()`` of it is one line that says what and where; ``hint`` is one more
    that says what to do, or empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def lines(self) -> list[str]:
        """What to print on standard error, one line a problem, the hint last."""
        return [str(self), *([f"hint: {self.hint}"] if self.hint else [])]


class ExpectedFailureError(RerollError):
    """The work was done and its answer is no: nothing matched, a check found something."""

    exit_code = 1


class UsageError(RerollError):
    """The command line, a setting, a path or a revision is wrong."""

    exit_code = 2


class CampaignError(RerollError):
    """A campaign or a rule is wrong; holds every problem found, not the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems), hint=hint)

    def lines(self) -> list[str]:
        """One line a problem, the hint last."""
        return [*self.problems, *([f"hint: {self.hint}"] if self.hint else [])]


class ConflictError(RerollError):
    """A patch does not apply, or a ref is not what it was."""

    exit_code = 3


class ProgramError(RerollError):
    """A needed program is missing or failed."""

    exit_code = 4


class SendingStoppedError(RerollError):
    """Some mails are out and some are not."""

    exit_code = 5


class TerminatedError(BaseException):
    """SIGTERM arrived; raised in the main thread so that everything is undone on the way out."""
