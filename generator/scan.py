"""Rules tried on a tree: what they would change, and every site of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from generator.conversion import Bench, Conversion, Order, convert, ledger_of
from generator.ledger import Ledger


@dataclass(frozen=True)
class Scan:
    """What rules would change (a git diff, empty for nothing), and the ledger of all of them.

    ``remaining`` is what the rules themselves say of the sites they leave.
    """

    diff: bytes
    ledger: Ledger
    conversions: tuple[Conversion, ...]
    remaining: str = "explained"


def scan(bench: Bench, orders: Sequence[Order]) -> Scan:
    """Run ``orders`` one after the other in the worktree; each sees what those before it did.

    Raises what ``convert`` raises.
    """
    done = [convert(bench, order) for order in orders]
    diff = bench.worktree.staged_diff()
    ledger = ledger_of(bench.worktree, [item.search for item in done], diff)
    said = {order.rule.remaining for order in orders}
    return Scan(diff, ledger, tuple(done), said.pop() if len(said) == 1 else "explained")
