"""Rules tried on a tree: what they would change, and every site of theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from generator.conversion import (
    Bench,
    Conversion,
    Order,
    convert,
    ledger_of,
    run_rule,
    wanted,
)
from generator.execution import Executor, Files
from generator.ledger import Ledger
from generator.spatch import Each, Engine, Kind, Outcome


@dataclass(frozen=True)
class Scan:
    """What rules would change (a git diff, empty for nothing), and the ledger of all of them.

    ``remaining`` is what the rules themselves say of the sites they leave.
    """

    diff: bytes
    ledger: Ledger
    conversions: tuple[Conversion, ...]
    remaining: str = "explained"


def scan(
    bench: Bench, orders: Sequence[Order], begin: Callable[[Order], None] = lambda _: None
) -> Scan:
    """Run ``orders`` one after the other in the worktree; each sees what those before it did.

    ``begin`` is called before each of them.  Raises what ``convert`` raises.
    """
    _search(bench, orders)
    done = []
    for order in orders:
        begin(order)
        done.append(convert(bench, order))
    diff = bench.worktree.staged_diff()
    ledger = ledger_of(bench.worktree, [item.search for item in done], diff)
    said = {order.rule.remaining for order in orders}
    return Scan(diff, ledger, tuple(done), said.pop() if len(said) == 1 else "explained")


def _search(bench: Bench, orders: Sequence[Order]) -> None:
    """Look for the words of all rules at once."""
    searches = []
    for order in orders if len(orders) > 1 else ():
        with bench.engine(order.rule) as engine:
            searches.append((order.tokens or engine.tokens(), order.paths))
    bench.candidates.ahead(searches)


def preview(
    bench: Bench,
    order: Order,
    first: Sequence[str] = (),
    planned: Callable[[Sequence[str]], None] = lambda _: None,
) -> list[Outcome]:
    """What spatch itself makes of each file, sorted by path; nothing is changed.

    That is the first run of ``convert``: no second run, no layout, no kernel-doc.  ``bench.told``
    gets outcomes as they come; candidates among ``first`` are run before the others, in that
    order; ``planned`` is called with what is about to be run, in its order.  Raises
    ``CampaignError`` when the rule is wrong, and what ``bench.tick`` raises.
    """
    with bench.engine(order.rule) as engine:
        tokens = order.tokens or engine.tokens()

        def run(files: Sequence[str]) -> list[Outcome]:
            planned(files)
            return run_rule(bench, engine, order.rule, files, tokens, bench.told) if files else []

        with bench.candidates.lookup(tokens, order.paths, only_c=True) as lookup:
            outcomes = run(_ahead(wanted(bench, order, engine, lookup.early), first))
            files = set(wanted(bench, order, engine, lookup.settle()))
        late = files - {outcome.path for outcome in outcomes}
        outcomes += run(_ahead(sorted(late), first))
        outcomes = [outcome for outcome in outcomes if outcome.path in files]
        if outcomes and all(outcome.kind is Kind.FAILED for outcome in outcomes):
            engine.verify()  # it may be the rule, not the files
    return sorted(outcomes, key=lambda outcome: outcome.path)


def _ahead(files: Sequence[str], first: Sequence[str]) -> list[str]:
    """``files``, with those that are in ``first`` in front."""
    there = set(files)
    return list(dict.fromkeys([*(path for path in first if path in there), *files]))


class Soon:
    """An executor that hands files to another one in parts that grow: the first come soon."""

    def __init__(self, executor: Executor, jobs: int) -> None:
        """``jobs`` is how many files ``executor`` runs at a time."""
        self._executor = executor
        self._jobs = jobs

    def run(
        self,
        engine: Engine,
        files: Files,
        paths: Sequence[str],
        tokens: Sequence[str],
        each: Each,
        tick: Callable[[], None],
    ) -> None:
        """As ``Executor`` has it."""
        for part in _parts(paths, self._jobs):
            self._executor.run(engine, files, part, tokens, each, tick)

    def slowest(self) -> tuple[str, float]:
        """As ``Executor`` has it."""
        return self._executor.slowest()


def _parts(paths: Sequence[str], jobs: int) -> list[Sequence[str]]:
    """``paths`` in parts: ``jobs`` files, twice, four times as many, then all the others."""
    ends = [0, jobs, 3 * jobs, 7 * jobs, len(paths)]
    parts = [paths[start:end] for start, end in pairwise(ends)]
    return [part for part in parts if part]
