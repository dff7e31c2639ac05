"""What checks found in the newest version, by patch: each fault once, with the checks it is of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import UsageError
from series.checks import gate
from series.checks.gate import Told
from series.checks.kinds import Finding, once
from series.report import words
from series.version import Version

# Bytes of the page for all of them: more is read with ``reroll check``.
_MOST = 300_000
_MARKS = 260  # bytes of mark-up around one


@dataclass(frozen=True)
class Fault:
    """A finding, and the names of the checks that have it."""

    finding: Finding
    checks: tuple[str, ...]

    @property
    def size(self) -> int:
        """About how many bytes of the page it takes."""
        one = self.finding
        texts = (one.what, one.path, one.source, one.rule, one.hint, *self.checks)
        return _MARKS + sum(map(words.size, texts))


@dataclass(frozen=True)
class Found:
    """What checks found in a patch, errors first; ``left_out`` is how much more they found.

    ``counts`` says how many errors, warnings and notes are shown.
    """

    anchor: str
    number: int
    faults: tuple[Fault, ...]
    left_out: int
    counts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many there are, shown or not."""
        return len(self.faults) + self.left_out


def read(folder: Path, version: Version) -> tuple[Told, ...]:
    """What is on record for exactly the commits and mails of ``version``."""
    try:
        mails = gate.mails_digest(folder, version)
    except (UsageError, OSError):  # a mail has gone: nothing that was checked holds
        return ()
    return gate.told(gate.read(folder, version.version), version, mails)


def by_patch(told: Iterable[Told]) -> tuple[Found, ...]:
    """What was ``told`` of each patch that something was found in, in order.

    Where all of it takes too much of the page, notes are left out first and errors last.
    """
    groups: dict[int, list[Told]] = {}
    for one in told:
        groups.setdefault(one.number, []).append(one)
    faults = {number: _merged(some) for number, some in sorted(groups.items())}
    kept = _fitting(faults)
    return tuple(
        Found(
            anchor=f"findings-{number}",
            number=number,
            faults=tuple(kept[number]),
            left_out=sum(one.left_out for one in groups[number]) + len(some) - len(kept[number]),
            counts=_counts(kept[number]),
        )
        for number, some in faults.items()
    )


def _merged(told: Sequence[Told]) -> list[Fault]:
    """The faults of one patch, each once: some are found by two checks."""
    said = ((one.check, finding) for one in told for finding in one.findings)
    return [Fault(*one) for one in once(said)]


def _fitting(faults: Mapping[int, Sequence[Fault]]) -> dict[int, list[Fault]]:
    """Those for which the page has room: the worst of all patches come first."""
    kept: dict[int, list[Fault]] = {number: [] for number in faults}
    room = _MOST
    for severity in ("error", "warning", "note"):
        for number, some in faults.items():
            for fault in some:
                if fault.finding.severity == severity:
                    room -= fault.size
                    if room >= 0:
                        kept[number].append(fault)
    return kept


def _counts(faults: Sequence[Fault]) -> tuple[tuple[str, int], ...]:
    found = Counter(one.finding.severity for one in faults)
    return tuple((name, found[name]) for name in ("error", "warning", "note") if found[name])
