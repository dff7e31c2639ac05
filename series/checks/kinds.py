"""What a check is, what it is given and what it says, as frozen records."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from generator.results import NoResults, Store
from generator.tree import Tree
from series.settings import Settings
from series.version import LedgerRecord, PatchRecord, Version

Severity = Literal["error", "warning", "note"]
State = Literal["passed", "warnings", "failed", "not run", "not built"]


@dataclass(frozen=True)
class Finding:
    """Something that a patch made worse than its parent was.

    ``path`` is from the tree's root (a mail's from the series folder) and ``line`` counts from
    1; empty and 0 where a finding is about the patch as a whole.  ``source`` is the text of
    that line, ``rule`` the kind of finding as the tool names it, ``hint`` what to do.
    """

    severity: Severity
    what: str
    path: str = ""
    line: int = 0
    source: str = ""
    rule: str = ""
    hint: str = ""


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """``findings``, errors first and notes last, else in their order."""
    ranks = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda one: ranks[one.severity])


def once(found: Iterable[tuple[str, Finding]]) -> list[tuple[Finding, tuple[str, ...]]]:
    """Each of the findings of checks once, errors first, with the names of the checks it is of."""
    first: dict[tuple[str, int, str], Finding] = {}
    names: dict[tuple[str, int, str], dict[str, None]] = {}
    for check, one in found:
        place = (one.path, one.line, one.what)
        first.setdefault(place, one)
        names.setdefault(place, {})[check] = None
    return [
        (one, tuple(names[one.path, one.line, one.what])) for one in by_severity(first.values())
    ]


@dataclass(frozen=True)
class Result:
    """What a check says of one patch: ``why`` goes with "not run" and "not built"."""

    state: State
    findings: tuple[Finding, ...] = ()
    why: str = ""

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> "Result":
        """The result that follows from findings: an error fails, a warning or note does not."""
        worst = {one.severity for one in findings}
        state: State = (
            "failed" if "error" in worst else "warnings" if "warning" in worst else "passed"
        )
        return cls(state, tuple(findings))


@dataclass(frozen=True)
class Patch:
    """One patch as a check sees it: ``number`` counts from 1, ``parent`` is its commit's."""

    number: int
    id: str
    title: str
    commit: str
    parent: str
    files: tuple[str, ...]
    ledger: LedgerRecord
    record: PatchRecord

    @property
    def declared(self) -> str:
        """The id of the patch in series.toml that it is, or is a shard of."""
        return self.record.of or self.id

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules of that patch's steps that changed something in it, in their order."""
        return tuple(dict.fromkeys(one.name for one in self.record.rules if one.changed))


@dataclass(frozen=True)
class Ground:
    """What checks stand on: the version and its folder, the tree, settings, earlier results.

    ``options`` are the check's own from the command line and git config, by name; ``progress``
    is told what is being done.
    """

    folder: Path
    version: Version
    tree: Tree
    settings: Settings
    store: Store = field(default_factory=NoResults)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None


class Check(Protocol):
    """One kind of check.

    ``name`` is what the user types, ``text`` a line for --help.
    """

    name: str
    text: str

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """The result for each of ``patches``, in their order, as soon as it is known.

        What was found for the same commits, tools and options before is not worked out again
        (``ground.store``).  A check that cannot run at all yields "not run" for each, with the
        reason; it raises nothing but what ends everything (^C, our own bugs).
        """
