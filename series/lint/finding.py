"""What a check of mails has to say, as a frozen record."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "not run"]

# Of one kind in one mail: a mail that is garbage all through would fill the screen.
_SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """One finding: ``line`` of ``mail`` counts from 1, ``hint`` says what to do.

    ``check`` names the kind, ``patch`` is the id of the patch in series.toml.  A check
    that could not be made is a finding "not run", of no mail where it concerns all of them.
    """

    severity: Severity
    check: str
    mail: str
    line: int
    what: str
    hint: str = ""
    patch: str = ""

    def __str__(self) -> str:
        place = f"{self.mail}:{self.line}: " if self.mail else ""
        patch = f" [{self.patch}]" if self.patch else ""
        return f"{place}{self.severity}: {self.what}{self.hint and f'; {self.hint}'}{patch}"


def arranged(findings: Iterable[Finding]) -> list[Finding]:
    """``findings`` by mail and line, what was not run last; too many of a kind are counted."""
    ranked = sorted(
        set(findings),
        key=lambda one: (not one.mail, one.mail, one.line, one.severity, one.check, one.what),
    )
    seen: Counter[tuple[str, str, str]] = Counter()
    kept = []
    for one in ranked:
        kind = (one.mail, one.check, one.severity)
        seen[kind] += 1
        if seen[kind] <= _SHOWN or not one.mail:
            kept.append(one)
        elif seen[kind] == _SHOWN + 1:
            kept.append(
                Finding(one.severity, one.check, one.mail, one.line, f"more of '{one.check}'")
            )
    return kept
