"""What checks said, for people: a table of patches and checks, then the findings."""

from collections.abc import Iterator, Sequence

from series.checks.kinds import Finding, Patch, Result
from series.checks.runner import Report
from series.output import one_line

# Columns of a title that are worth a title.
_TITLE = 24
_LEAST = 4
_SOURCE = 120
_CELLS = {"passed": "ok", "not run": "not run", "not built": "not built"}
# Findings of one check in one patch.
_MANY = 20


def lines(report: Report, width: int) -> Iterator[str]:
    """The table in lines of at most ``width`` columns, why checks did not run, the findings."""
    yield from table(report, width)
    yield from reasons(report)
    for patch in report.patches:
        yield from _of_patch(report, patch)


def table(report: Report, width: int) -> Iterator[str]:
    """A row a patch, a column a check; columns that do not fit come below, with titles again."""
    total = len(report.patches)
    heads = [f"{one.number}/{total}" for one in report.patches]
    columns = [[name, *_cells(report, name)] for name in report.results]
    room = max(width - len(max(heads, key=len, default="")) - 1, 1)
    sizes = [max(map(len, column)) + 2 for column in columns]
    # A title gives way to a column on the narrowest of terminals.
    least = min(_TITLE, max(room - max(sizes, default=0), _LEAST))
    groups = _groups(sizes, room - least)
    start = 0
    for size in groups:
        part = columns[start : start + size]
        start += size
        widths = [max(map(len, column)) for column in part]
        left = max(room - sum(widths) - 2 * len(widths), 0)
        titles = ["patch", *(one_line(one.title) for one in report.patches)]
        space = min(max(map(len, titles)), max(left, least))
        for at, title in enumerate(titles):
            head = heads[at - 1] if at else ""
            row = "".join(
                f"  {column[at]:<{size}}" for column, size in zip(part, widths, strict=True)
            )
            label = f"{head:>{len(heads[-1])}} {_cut(title, space):<{space}}" if at else ""
            first = f"{'patch':<{len(heads[-1]) + 1 + space}}"
            yield f"{label or first}{row}".rstrip()


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


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 3, 0)]}..."


def _cells(report: Report, name: str) -> list[str]:
    return [cell(report.results[name][one.number]) for one in report.patches]


def cell(result: Result) -> str:
    """A result in a word or two."""
    if result.state in _CELLS:
        notes = sum(one.severity == "note" for one in result.findings)
        return _CELLS[result.state] + (f", {_number(notes, 'note')}" if notes else "")
    parts = []
    for severity in ("error", "warning"):
        if count := sum(one.severity == severity for one in result.findings):
            parts.append(_number(count, severity))
    return ", ".join(parts) or result.state


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def reasons(report: Report) -> Iterator[str]:
    """Why what was not run, or not built, was not: a line a check and reason."""
    for name, said in report.results.items():
        told: dict[tuple[str, str], list[int]] = {}
        for number, result in said.items():
            if result.state in ("not run", "not built"):
                told.setdefault((result.state, result.why), []).append(number)
        for (state, why), numbers in told.items():
            which = ""
            if len(numbers) < len(report.patches):
                which = f"patch {', '.join(map(str, numbers))}: "
            yield one_line(f"{name}: {which}{state}: {why}")


def _of_patch(report: Report, patch: Patch) -> Iterator[str]:
    """The findings of one patch, each once, with the checks that found it."""
    found: dict[tuple[str, int, str], list[str]] = {}
    first: dict[tuple[str, int, str], Finding] = {}
    for name, said in report.results.items():
        for one in said[patch.number].findings[:_MANY]:
            place = (one.path, one.line, one.what)
            found.setdefault(place, []).append(name)
            first.setdefault(place, one)
    if not found:
        return
    yield ""
    yield one_line(f"patch {patch.number}/{len(report.patches)}: {patch.title}")
    order = {"error": 0, "warning": 1, "note": 2}
    for place, one in sorted(first.items(), key=lambda item: order[item[1].severity]):
        yield from _finding(one, list(dict.fromkeys(found[place])))
    for name, said in report.results.items():
        if (more := len(said[patch.number].findings) - _MANY) > 0:
            yield f"  {name}: and {more} more"


def _finding(one: Finding, names: Sequence[str]) -> Iterator[str]:
    place = f"{one.path}:{one.line}: " if one.line else f"{one.path}: " if one.path else ""
    rule = f" {one.rule}" if one.rule and one.rule not in names else ""
    yield one_line(f"  {place}{one.severity}: {one.what} [{', '.join(names)}{rule}]")
    if one.source.strip():
        yield one_line(f"      {one.source.expandtabs()[:_SOURCE].rstrip()}")
    if one.hint:
        yield one_line(f"      hint: {one.hint}")
