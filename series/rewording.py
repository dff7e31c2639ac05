"""Words of a commit become those of a campaign again: pure.

What reroll adds to a message by itself (our Signed-off-by, tags that it carries from
version to version) does not belong into the campaign.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher

from generator.templates import literal

_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Words:
    """A title, and the rest of a message without what reroll adds."""

    title: str
    body: str


def words_of(message: str, added: Collection[str]) -> Words:
    """The words of a commit's ``message``; ``added`` are trailer lines that reroll adds."""
    first, _, body = message.strip().partition("\n\n")
    head, gap, block = body.strip().rpartition("\n\n")
    kept = [line for line in block.split("\n") if line.rstrip() not in added]
    text = f"{head}{gap}" + "\n".join(kept)
    return Words(" ".join(part.strip() for part in first.split("\n")), text.strip())


def reword(template: str, old: str, new: str) -> str:
    """The template that gives ``new`` where ``template`` gave ``old``.

    Lines that hold no expression are changed in place; where that cannot be done, the
    template becomes the plain text.
    """
    if not _TEMPLATE.search(template):
        return literal(new)
    lines = template.strip().split("\n")
    was, now = old.split("\n"), new.split("\n")
    origin = _origin(was, lines)
    for kind, i1, i2, j1, j2 in reversed(SequenceMatcher(None, was, now, False).get_opcodes()):
        if kind == "equal":
            continue
        span = _span(origin, i1, i2, len(was), len(lines))
        if span is None:
            return literal(new)
        lines[span[0] : span[1]] = [literal(line) for line in now[j1:j2]]
    return "\n".join(lines)


def _origin(was: list[str], lines: list[str]) -> dict[int, int]:
    """By line of what a template gave: the plain line of the template that it is."""
    blocks = SequenceMatcher(None, was, lines, False).get_matching_blocks()
    every = [(block.a + at, block.b + at) for block in blocks for at in range(block.size)]
    return {one: other for one, other in every if not _TEMPLATE.search(lines[other])}


def _span(
    origin: dict[int, int], start: int, end: int, count: int, size: int
) -> tuple[int, int] | None:
    """The template's lines that lines ``start`` to ``end`` of ``count`` come from."""
    if start == end:
        if start - 1 in origin:
            return (origin[start - 1] + 1,) * 2
        if start in origin:
            return (origin[start],) * 2
        return (size, size) if start == count else None
    places = [origin.get(at) for at in range(start, end)]
    first = places[0]
    if first is None or places != list(range(first, first + len(places))):
        return None
    return first, first + len(places)


def retitle(template: str, old: str, new: str) -> str:
    """The template of a title that gives ``new`` where ``template`` gave ``old``.

    A prefix that reroll found (an expression at the start, or in front of it) stays.
    """
    found = re.match(r"(\{\{ *prefix *\}\}: )?(.*)\Z", template)
    rest = found[2] if found else template
    if old == rest or _TEMPLATE.search(rest) or not old.endswith(rest):
        return literal(new)
    prefix = old.removesuffix(rest)
    lead = (found[1] or "") if found else ""
    return lead + literal(new.removeprefix(prefix)) if new.startswith(prefix) else literal(new)
