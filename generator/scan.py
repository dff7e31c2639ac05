"""Rules tried on a tree: what they would change, and every site of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from generator.conversion import Bench, Conversion, Order, convert, ledger_of
from generator.ledger import Ledger


@dataclass(frozen=True)
class Scan:
    """What rules would change (a git diff, empty for nothing), and the ledger of all of them."""

    diff: bytes
    ledger: Ledger
    conversions: tuple[Conversion, ...]


def scan(bench: Bench, orders: Sequence[Order]) -> Scan:
    """Run ``orders`` one after the other in the worktree; each sees what those before it did.

    Raises what ``convert`` raises.
    """
    done = [convert(bench, order) for order in orders]
    diff = bench.worktree.staged_diff()
    return Scan(diff, ledger_of(bench.worktree, [item.search for item in done], diff), tuple(done))
