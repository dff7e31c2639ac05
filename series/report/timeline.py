"""When versions came and when they were answered: a picture, and a row for each version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from series.overview import Overview, VersionState
from series.report import addressees
from series.report.letters import Letter

WIDTH, HEIGHT, BASE = 960, 230, 190  # pixels; ``BASE`` is where the time line runs
_EDGE = 24
_BINS = 120
_TALLEST = 80
_DAY = 86_400  # seconds
# A span without anything that is longer than the first is drawn as the second.
_QUIET, _SHORT = 30 * _DAY, 8 * _DAY
# Who answers later than this after the last version has a clock that is off.
_LATE = 3650 * _DAY
_LABEL = 34  # pixels that a label takes
_LINES = 6  # of labels


@dataclass(frozen=True)
class Mark:
    """A version in the picture: where it is, and in which line its label is."""

    number: int
    date: int
    x: float
    y: int


@dataclass(frozen=True)
class Bar:
    """Replies of a span of time that begins at ``date``."""

    x: float
    width: float
    height: float
    count: int
    date: int


@dataclass(frozen=True)
class Picture:
    """The time line from ``first`` to ``last`` (seconds).

    ``gaps`` are spans without anything: from, to and how many days they really are.
    """

    marks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    gaps: tuple[tuple[float, float, int], ...]
    first: int
    last: int


@dataclass(frozen=True)
class Stage:
    """A version and what it was answered."""

    state: VersionState
    date: int
    replies: int
    people: int
    first: int
    last: int


def stages(found: Overview, letters: Sequence[Letter]) -> tuple[Stage, ...]:
    """A row for each version, oldest first."""
    made = []
    for state in found.versions:
        mine = [one for one in letters if one.is_reply and one.version == state.number]
        dates = [one.date for one in mine if one.date]
        made.append(
            Stage(
                state,
                int(state.date.split()[0]),
                len(mine),
                len({addressees.key(one.sender) for one in mine}),
                min(dates, default=0),
                max(dates, default=0),
            )
        )
    return tuple(made)


def picture(rows: Sequence[Stage], letters: Sequence[Letter]) -> Picture:
    """The picture; a reply whose clock is far off is drawn at the edge."""
    first = min(row.date for row in rows)
    end = max(row.date for row in rows) + _LATE
    dates = [min(max(one.date, first), end) for one in letters if one.is_reply and one.date]
    moments = sorted({row.date for row in rows} | set(dates))
    places, gaps = _places(moments)
    scale = (WIDTH - 2 * _EDGE - _LABEL) / max(places[moments[-1]], _DAY)
    xs = {moment: _EDGE + place * scale for moment, place in places.items()}
    wide = (WIDTH - 2 * _EDGE) / _BINS
    bins: dict[int, list[int]] = {}
    for date in sorted(dates):
        bins.setdefault(int((xs[date] - _EDGE) // wide), []).append(date)
    most = max(map(len, bins.values()), default=1)
    bars = tuple(
        Bar(_EDGE + at * wide, wide - 1, max(_TALLEST * len(some) / most, 3), len(some), some[0])
        for at, some in bins.items()
    )
    quiet = tuple((xs[start], xs[stop], (stop - start) // _DAY) for start, stop in gaps)
    return Picture(_marks(rows, xs), bars, quiet, first, moments[-1])


def _places(moments: Sequence[int]) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """Where each of ``moments`` is in time when long quiet spans are short, and those spans."""
    at, places, gaps = 0, {moments[0]: 0}, []
    for before, moment in pairwise(moments):
        span = moment - before
        if span > _QUIET:
            gaps.append((before, moment))
            span = _SHORT
        at += span
        places[moment] = at
    return places, gaps


def _marks(rows: Sequence[Stage], xs: Mapping[int, float]) -> tuple[Mark, ...]:
    """The versions; labels that would cover each other go into other lines."""
    ends: list[float] = []
    marks = []
    for row in rows:
        x = xs[row.date]
        line = next((at for at, end in enumerate(ends) if end <= x), len(ends))
        ends[line : line + 1] = [x + _LABEL]
        marks.append(Mark(row.state.number, row.date, x, 16 + 16 * min(line, _LINES - 1)))
    return tuple(marks)
