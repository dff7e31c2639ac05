"""Results of checks, kept for later runs under what they follow from."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import get_args

from generator.results import Store
from series.checks.kinds import Finding, Result, State


def key(*facts: str | bytes) -> bytes:
    """A key of the store: ``facts`` are all that a result follows from.

    The first two are the check's name and a number that is another one when the check is.
    """
    digest = hashlib.sha256()
    for fact in ("check 1", *facts):
        data = fact.encode("utf-8", "surrogateescape") if isinstance(fact, str) else fact
        digest.update(b"%d:" % len(data) + data)
    return digest.digest()


def recall(store: Store, name: bytes) -> Result | None:
    """The result that is known under ``name``."""
    known = store.get([name]).get(name)
    if known is None:
        return None
    try:
        state, why, findings = json.loads(known)
        found = tuple(Finding(**one) for one in findings)
    except (ValueError, TypeError):  # of another reroll
        return None
    return Result(state, found, why) if state in get_args(State) else None


def keep(store: Store, name: bytes, result: Result) -> None:
    """Remember ``result``; what was not run may be run the next time."""
    if result.state != "not run":
        told = [result.state, result.why, [asdict(one) for one in result.findings]]
        store.put({name: json.dumps(told).encode()})


def recalled(store: Store, name: bytes, make: Callable[[], Result]) -> Result:
    """The result that is known under ``name``, else what ``make`` makes, which is kept."""
    known = recall(store, name)
    if known is None:
        known = make()
        keep(store, name, known)
    return known
