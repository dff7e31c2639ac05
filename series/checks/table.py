"""What checks said of a version at a glance: a table of patches and checks, and why some did not.

Where the width is too small for words there are counts and short names, with a legend.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from series.checks.kinds import Result
from series.checks.runner import Report
from series.output import cut, one_line, printable

# Columns of a title: that are worth one, and that are better than a second table.
_TITLE = 24
_LEAST = 10
_STATES = {"passed": "ok", "not run": "not run", "not built": "not built"}
_SIGNS = {"passed": "ok", "not run": "n/r", "not built": "n/b"}
_LETTERS = {"error": "E", "warning": "W", "note": "N"}
_SHORT = {
    "applies": "appl",
    "order": "ordr",
    "remaining": "rem",
    "second-run": "2nd",
    "kernel-doc": "kdoc",
    "checkpatch": "chkp",
    "fixes": "fix",
    "trailers": "trlr",
    "rules": "rule",
    "sparse": "sprs",
    "build": "bld",
}


@dataclass(frozen=True)
class _Row:
    """What stands left of the cells: "3/17", and the title."""

    head: str
    title: str


def table(report: Report, width: int) -> Iterator[str]:
    """A row a patch, a column a check, in lines of at most ``width`` columns, and a legend.

    What does not fit even when it is short comes below, with titles again.
    """
    total = len(report.patches)
    rows = [_Row("patch", "")]
    rows += [_Row(f"{one.number}/{total}", _plain(one.title)) for one in report.patches]
    longest = max((len(one.title) for one in rows), default=0)
    words = [[name, *_cells(report, name, cell)] for name in report.results]
    signs = [[name, *_cells(report, name, sign)] for name in report.results]
    short = [[_short(name), *column] for name, *column in signs]
    worst = [[_short(name), *_cells(report, name, worst_sign)] for name in report.results]
    layouts = [(words, 2, _TITLE), (signs, 2, _TITLE), (short, 2, _TITLE)]
    layouts += [(short, 1, _LEAST), (worst, 1, _LEAST)]
    for columns, gap, least in layouts:
        if _width(rows, columns, gap) + min(longest, least) <= width:
            break
    else:
        columns, gap, least = layouts[3]
    room = max(width - _margin(rows), 1)
    # A title gives way to a column on the narrowest of terminals.
    sizes = [gap + max(map(len, column)) for column in columns]
    least = min(least, longest, max(room - max(sizes, default=0), 4))
    start = 0
    for size in _groups(sizes, room - least):
        yield from _part(rows, columns[start : start + size], gap, room, least)
        start += size
    if columns is not words:
        legend = _legend(report, columns)
        yield from wrap(legend, max(width, 20), subsequent_indent="  ", break_on_hyphens=False)


def _margin(rows: Sequence[_Row]) -> int:
    """The columns of the patches' numbers, and a blank."""
    return max((len(one.head) for one in rows[1:]), default=0) + 1


def _width(rows: Sequence[_Row], columns: Sequence[Sequence[str]], gap: int) -> int:
    return _margin(rows) + sum(gap + max(map(len, column)) for column in columns)


def _groups(widths: Sequence[int], room: int) -> list[int]:
    """How many columns go side by side each time; one at least."""
    groups: list[int] = []
    left = 0
    for width in widths:
        if groups and width <= left:
            groups[-1] += 1
            left -= width
        else:
            groups.append(1)
            left = room - width
    return groups


def _part(
    rows: Sequence[_Row], columns: Sequence[Sequence[str]], gap: int, room: int, least: int
) -> Iterator[str]:
    """The lines of columns that go side by side; ``room`` is what titles and they have."""
    sizes = [max(map(len, column)) for column in columns]
    left = max(room - sum(sizes) - gap * len(sizes), least)
    space = min(max(len(one.title) for one in rows), left)
    margin = _margin(rows)
    for at, row in enumerate(rows):
        label = f"{row.head:>{margin - 1}} {cut(row.title, space):<{space}}" if at else row.head
        cells = (
            f"{'':<{gap}}{column[at]:<{size}}" for column, size in zip(columns, sizes, strict=True)
        )
        yield f"{label:<{margin + space}}{''.join(cells)}".rstrip()


def _short(name: str) -> str:
    return _SHORT.get(name, name[:4])


def _plain(text: str) -> str:
    return printable(one_line(text)).replace("\t", " ")


def _cells(report: Report, name: str, write: Callable[[Result], str]) -> list[str]:
    return [write(report.results[name][one.number]) for one in report.patches]


def cell(result: Result) -> str:
    """A result in a word or two."""
    counts = _counts(result)
    parts = [_number(counts[name], name) for name in ("error", "warning") if counts[name]]
    if parts and result.state not in _STATES:
        return ", ".join(parts)
    notes = f", {_number(counts['note'], 'note')}" if counts["note"] else ""
    return f"{_STATES[result.state]}{notes}" if result.state in _STATES else result.state


def sign(result: Result) -> str:
    """A result in a few characters, like "2E1W"."""
    counts = _counts(result)
    if result.state != "passed" and result.state in _SIGNS:
        return _SIGNS[result.state]
    shown = {name: count for name, count in counts.items() if name != "note"}
    if not any(shown.values()):
        shown = counts
    text = "".join(f"{count}{_LETTERS[name]}" for name, count in shown.items() if count)
    return text or _SIGNS.get(result.state, result.state)


def worst_sign(result: Result) -> str:
    """The same with the worst only, like "2E+": there are warnings, too."""
    whole = sign(result)
    first = re.match(r"\d+[A-Z]", whole)
    return f"{first[0]}{'+' if first[0] != whole else ''}" if first else whole


def _counts(result: Result) -> dict[str, int]:
    found = [one.severity for one in result.findings]
    return {name: found.count(name) for name in ("error", "warning", "note")}


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _legend(report: Report, columns: Sequence[Sequence[str]]) -> str:
    """What the short names and signs in ``columns`` mean."""
    names = [
        f"{head}={name}"
        for name, (head, *_) in zip(report.results, columns, strict=True)
        if head != name
    ]
    used = {text for column in columns for text in column[1:]}
    signs = [f"{_SIGNS[name]}={name}" for name in ("not run", "not built") if _SIGNS[name] in used]
    counted = "".join(one for one in used if one[:1].isdigit())
    letters = [f"{one}={name}" for name, one in _LETTERS.items() if one in counted]
    letters += ["+=and warnings"] if "+" in counted else []
    return ", ".join([*names, *letters, *signs])


def reasons(report: Report, typed: Callable[[str], str] = str) -> Iterator[str]:
    """Why what was not run, or not built, was not: a line a check and reason.

    ``typed`` makes the commands in it complete.
    """
    for name, said in report.results.items():
        told: dict[tuple[str, str], list[int]] = {}
        for number, result in said.items():
            if result.state in ("not run", "not built"):
                told.setdefault((result.state, result.why), []).append(number)
        for (state, why), numbers in told.items():
            which = ""
            if len(numbers) < len(report.patches):
                which = f"patch {', '.join(map(str, numbers))}: "
            yield one_line(f"{name}: {which}{state}: {typed(why)}")
