"""Comments and tags by patch, each with its place on the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from series.comment_file import Comment
from series.report.matrix import Row
from series.trailer_file import Tag


@dataclass(frozen=True)
class Topic:
    """What was said of one patch: ``row`` is ``None`` for what is about no patch.

    ``anchor`` ends the ids of what is about it; ``settled`` are comments that are not open.
    """

    anchor: str
    row: Row | None
    open: tuple[Comment, ...]
    settled: tuple[Comment, ...]
    tags: tuple[Tag, ...]


def topics(
    rows: Sequence[Row], loose: Sequence[Tag], comments: Sequence[Comment]
) -> tuple[Topic, ...]:
    """All patches that something was said of, in order; what is about none comes first."""
    known = {row.patch.id for row in rows}
    by_patch: dict[str | None, list[Comment]] = {}
    for one in comments:
        by_patch.setdefault(one.patch if one.patch in known else None, []).append(one)
    made = [_topic("general", None, by_patch.get(None, ()), loose)]
    made += [
        _topic(row.anchor, row, by_patch.get(row.patch.id, ()), row.patch.tags) for row in rows
    ]
    return tuple(one for one in made if one.open or one.settled or one.tags)


def _topic(anchor: str, row: Row | None, comments: Sequence[Comment], tags: Sequence[Tag]) -> Topic:
    return Topic(
        anchor,
        row,
        tuple(one for one in comments if one.state == "open"),
        tuple(one for one in comments if one.state != "open"),
        tuple(tags),
    )


def states(found: Sequence[Comment] | Sequence[Tag]) -> tuple[tuple[str, int], ...]:
    """How many there are in each state, the most frequent first."""
    return tuple(Counter(str(one.state) for one in found).most_common())
