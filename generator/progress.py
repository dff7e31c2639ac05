"""How far work is: what a display, or a script, may be told."""

from collections.abc import Callable
from dataclasses import dataclass


def _nothing() -> tuple[str, float]:
    return "", 0.0


@dataclass(frozen=True)
class State:
    """``done`` of ``total`` parts of ``what``; of files, what is known of them, too.

    ``ran`` are the files that were not known from an earlier run, ``changed`` those that
    the rule changes, ``slowest`` gives the file that takes longest at the time of asking,
    and for how many seconds it does.
    """

    what: str
    done: int
    total: int
    ran: int = 0
    changed: int = 0
    slowest: Callable[[], tuple[str, float]] = _nothing


Progress = Callable[[State], None]


def silent(_state: State) -> None:
    """Tell nobody."""
