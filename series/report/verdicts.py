"""What checks said of the newest version, and which required ones it has not passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from series.checks import gate
from series.checks.gate import Verdict
from series.version import Version


@dataclass(frozen=True)
class Said:
    """What a check said of some patches, by their numbers, other than that they pass."""

    state: str
    why: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Checked:
    """One check: ``against`` is why it does not let the version pass, or empty.

    ``passed`` is the number of patches that passed, ``when`` in seconds since the epoch, 0
    where it was not run.
    """

    name: str
    against: str
    required: bool
    passed: int
    said: tuple[Said, ...] = ()
    when: int = 0

    @property
    def word(self) -> str:
        """What it says of the version, in a word or more."""
        states = {one.state for one in self.said}
        if self.against:
            return self.against
        if states & {"not run", "not built"}:
            return "not run on all"
        return "warnings" if "warnings" in states else "passed"


def checks(
    folder: Path, version: Version, said: Mapping[str, str], required: Sequence[str]
) -> tuple[Checked, ...]:
    """Every check that was run on ``version`` or is ``required``; ``said`` as in an overview."""
    if version.source == "mails":
        return ()
    records = gate.read(folder, version.version).checks
    made = []
    for name in dict.fromkeys([*said, *required]):
        record = records.get(name)
        verdicts = record.verdicts if record else ()
        made.append(
            Checked(
                name=name,
                against=said.get(name, "was not run"),
                required=name in required,
                passed=sum(one.state == "passed" for one in verdicts),
                said=_said(verdicts),
                when=record.when if record else 0,
            )
        )
    return tuple(made)


def _said(verdicts: Sequence[Verdict]) -> tuple[Said, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(verdicts, 1):
        if one.state != "passed":
            found.setdefault((one.state, one.why), []).append(number)
    return tuple(Said(state, why, tuple(numbers)) for (state, why), numbers in found.items())
