"""A ledger as people read it: how many sites in which bucket, and those that were left."""

from collections.abc import Collection, Sequence
from typing import TextIO

from generator.buckets import EXPLAINED
from series.output import one_line, say
from series.version import LedgerRecord, SiteRecord

# Sites that only need a glance come as a number, when there are more of them than this; so do
# those that are left, when nobody could look at each.
_SHOWN = 10
_LEFT = 100


def show(
    ledger: LedgerRecord,
    indent: str = "",
    *,
    everything: bool = False,
    apart: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Say the counts, then a line a site that was left: place, bucket and why.

    What needs no look is cut after ten, the others after a hundred, unless ``everything`` is
    asked for.  Sites in the buckets ``apart`` are shown elsewhere.
    """
    if not ledger.words:
        say(
            f"{indent}no sites: the rule changes no word to account for (name some as tokens)",
            stream,
        )
        return
    if not ledger.sites:
        say(f"{indent}sites of {_words(ledger.words)}: none", stream)
        return
    counts = ", ".join(f"{count} {bucket}" for bucket, count in ledger.counts.items())
    say(f"{indent}sites of {_words(ledger.words)}: {len(ledger.sites)} = {counts}", stream)
    left = [site for site in ledger.sites if site.bucket not in ("converted", *apart)]
    plain = [at for at, site in enumerate(left) if site.bucket in EXPLAINED]
    others = [at for at, site in enumerate(left) if site.bucket not in EXPLAINED]
    cut = set() if everything else {*plain[_SHOWN:], *others[_LEFT:]}
    for line in _table([site for at, site in enumerate(left) if at not in cut]):
        say(f"{indent}  {line}", stream)
    if more := len(cut & set(others)):
        say(f"{indent}  and {more} more that are left", stream)
    if more := len(cut & set(plain)):
        say(f"{indent}  and {more} more that need no look", stream)


def _words(words: Sequence[str]) -> str:
    """The words of a rule, or the first of many."""
    if len(words) <= 3:
        return ", ".join(words)
    return f"{words[0]} and {len(words) - 1} other words"


def _table(sites: Sequence[SiteRecord]) -> list[str]:
    rows = [(f"{site.path}:{site.line}", site.word, site.bucket, site.why) for site in sites]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        one_line(
            f"{place:<{widths[0]}}  {word:<{widths[1]}}  {bucket:<{widths[2]}}  {why}".rstrip()
        )
        for place, word, bucket, why in rows
    ]
