"""Which patch of one version of a series is which of another.

Pure.  Equal patch ids decide first, then titles (without regard to case and to the
subject prefix), then how alike the changed lines are.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# Fewer changed lines in common than that, of all in either, are not the same patch.
_ALIKE = 0.5


@dataclass(frozen=True)
class Known:
    """A patch as far as it can be recognised; ``key`` is what the caller knows it by."""

    key: str
    title: str
    patch_id: str = ""
    diff: bytes = b""


def match(old: Sequence[Known], new: Sequence[Known]) -> dict[str, str]:
    """The key of the patch of ``old`` that each of ``new`` is, by the key in ``new``.

    Each patch is matched once; those that are no patch of ``old`` are left out.
    """
    found: dict[str, str] = {}
    ways: tuple[Callable[[Known], Hashable], ...] = (
        lambda one: one.patch_id,
        lambda one: _words(one.title),
        lambda one: _words(_bare(one.title)),
    )
    for way in ways:
        found |= _pairs(way, _left(old, found.values()), _left(new, found))
    found |= _alike(_left(old, found.values()), _left(new, found))
    return found


def _left(patches: Sequence[Known], taken: Iterable[str]) -> list[Known]:
    done = set(taken)
    return [one for one in patches if one.key not in done]


def _pairs(
    way: Callable[[Known], Hashable], old: Sequence[Known], new: Sequence[Known]
) -> dict[str, str]:
    """Pairs that are equal in ``way``; equal ones of one version go by their order."""
    waiting: dict[Hashable, list[str]] = {}
    for one in old:
        if way(one):
            waiting.setdefault(way(one), []).append(one.key)
    return {one.key: keys.pop(0) for one in new if (keys := waiting.get(way(one)))}


def _words(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _bare(title: str) -> str:
    """A title without its subject prefixes ("drm/exynos: ", "RFC: ")."""
    bare = re.sub(r"\A(?:[\w./,|*{}() +&-]{1,40}: )+", "", title)
    # Two words say too little to go by.
    return bare if len(bare.split()) > 2 else title


def _alike(old: Sequence[Known], new: Sequence[Known]) -> dict[str, str]:
    """Pairs whose changed lines are alike, the most alike first."""
    before = {one.key: changed(one.diff) for one in old}
    after = {one.key: changed(one.diff) for one in new}
    scores = [
        (_likeness(before[left.key], after[right.key]), -at, left.key, right.key)
        for at, right in enumerate(new)
        for left in old
    ]
    found: dict[str, str] = {}
    for score, _, left, right in sorted(scores, reverse=True):
        if score >= _ALIKE and right not in found and left not in found.values():
            found[right] = left
    return found


def _likeness(one: Mapping[bytes, int], other: Mapping[bytes, int]) -> float:
    """How much of the changed lines two patches share: 0 to 1."""
    total = sum(one.values()) + sum(other.values())
    common = sum(min(count, other.get(line, 0)) for line, count in one.items())
    return 2 * common / total if total else 0.0


def changed(diff: bytes) -> Counter[bytes]:
    """The lines that a diff adds and removes, without white space, and how often."""
    return Counter(_changed_lines(diff))


def _changed_lines(diff: bytes) -> Iterator[bytes]:
    for line in diff.split(b"\n"):
        if line[:1] in (b"+", b"-") and not line.startswith((b"+++ ", b"--- ")):
            text = line[:1] + b"".join(line[1:].split())
            # A brace or an empty line is in every patch.
            if len(text) > 2:
                yield text
