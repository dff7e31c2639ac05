"""What checks said of the newest version, and which required ones it has not passed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from series.checks import gate
from series.checks.gate import Told, Verdict
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

    ``passed`` is the number of patches that passed, ``found`` that of its findings, ``when`` in
    seconds since the epoch, 0 where it was not run.
    """

    name: str
    against: str
    required: bool
    passed: int
    said: tuple[Said, ...] = ()
    when: int = 0
    found: int = 0

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
    folder: Path,
    version: Version,
    said: Mapping[str, str],
    required: Sequence[str],
    told: Sequence[Told],
) -> tuple[Checked, ...]:
    """Every check that was run on ``version`` or is ``required``; ``said`` as in an overview.

    ``told`` is what they found.
    """
    if version.source == "mails":
        return ()
    records = gate.read(folder, version.version).checks
    commits = [patch.commit for patch in version.patches]
    amounts = Counter[str]()
    for one in told:
        amounts[one.check] += len(one.findings) + one.left_out
    made = []
    for name in dict.fromkeys([*said, *required]):
        record = records.get(name)
        verdicts = record.verdicts if record else ()
        if [one.commit for one in verdicts] != commits:  # they are numbered otherwise
            verdicts = ()
        made.append(
            Checked(
                name=name,
                against=said.get(name, "was not run"),
                required=name in required,
                passed=sum(one.state == "passed" for one in verdicts),
                said=_said(verdicts),
                when=record.when if record else 0,
                found=amounts[name],
            )
        )
    return tuple(made)


def _said(verdicts: Sequence[Verdict]) -> tuple[Said, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(verdicts, 1):
        if one.state != "passed":
            found.setdefault((one.state, one.why), []).append(number)
    return tuple(Said(state, why, tuple(numbers)) for (state, why), numbers in found.items())
