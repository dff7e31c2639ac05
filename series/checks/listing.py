"""What checks found, for people: patch by patch, each cause once with all its places."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from series.checks.kinds import Finding, Patch, by_severity, once
from series.checks.runner import Report
from series.output import one_line

_SOURCE = 120
# Findings of one check in one patch.
_MANY = 20


@dataclass(frozen=True)
class _Found:
    """A finding, and the checks that found it."""

    finding: Finding
    checks: tuple[str, ...]


def findings(report: Report, typed: Callable[[str], str] = str) -> Iterator[str]:
    """The findings of each patch, in lines; ``typed`` makes the commands in hints complete."""
    for patch in report.patches:
        found = _found(report, patch)
        if not found:
            continue
        yield ""
        yield from _heading(patch, len(report.patches))
        yield from _causes(found, typed)
        for name, said in report.results.items():
            if (more := len(said[patch.number].findings) - _MANY) > 0:
                yield f"  {name}: and {more} more (--json has all)"


def _heading(patch: Patch, total: int) -> Iterator[str]:
    """Which patch it is: number, commit and subject; and what in series.toml makes it."""
    yield one_line(f"patch {patch.number}/{total}: {patch.commit[:12]} {patch.title}")
    shard = f" ({patch.record.label})" if patch.record.label else ""
    many = "" if len(patch.rules) == 1 else "s"
    rules = f", rule{many} {', '.join(patch.rules)}" if patch.rules else ""
    yield one_line(f"  from patch '{patch.declared}'{shard} of series.toml{rules}")


def _found(report: Report, patch: Patch) -> list[_Found]:
    """The findings of one patch, the worst first, each once with the checks that found it."""
    said = (
        (name, finding)
        for name, results in report.results.items()
        for finding in by_severity(results[patch.number].findings)[:_MANY]
    )
    return [_Found(*one) for one in once(said)]


def _causes(found: Iterable[_Found], typed: Callable[[str], str]) -> Iterator[str]:
    """Each cause with its places; a hint that several causes in a row have, once behind them."""
    for hint, same in groupby(_together(found), key=lambda cause: cause[0].finding.hint):
        causes = list(same)
        for cause in causes:
            yield from _cause(cause)
        if hint:
            which = f" for these {len(causes)}" if len(causes) > 1 else ""
            yield one_line(f"      hint{which}: {typed(hint)}")


def _together(found: Iterable[_Found]) -> list[list[_Found]]:
    """``found`` with what differs in its place only put together."""
    same: dict[tuple[str, ...], list[_Found]] = {}
    for one in found:
        said = one.finding
        cause = (said.severity, said.what, said.hint, said.rule, *one.checks)
        same.setdefault(cause, []).append(one)
    return list(same.values())


def _cause(same: Sequence[_Found]) -> Iterator[str]:
    one, names = same[0].finding, same[0].checks
    rule = f" {one.rule}" if one.rule and one.rule not in names else ""
    said = f"{one.severity}: {one.what} [{', '.join(names)}{rule}]"
    if len(same) == 1:
        yield one_line(f"  {_place(one)}{said}")
        if one.source.strip():
            yield one_line(f"      {_source(one).rstrip()}")
    else:
        yield one_line(f"  {said}, {len(same)} places:")
        for other in same:
            source = _source(other.finding).strip()
            place = _place(other.finding)
            yield one_line(f"      {place}{source}" if source else f"      {place.rstrip(': ')}")


def _place(one: Finding) -> str:
    return f"{one.path}:{one.line}: " if one.line else f"{one.path}: " if one.path else ""


def _source(one: Finding) -> str:
    return one.source[:_SOURCE].expandtabs()[:_SOURCE]
