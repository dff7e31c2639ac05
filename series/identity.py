"""Which patch of one version of a series is which of another.

Pure.  Equal patch ids decide first, then a title together with its files.  What is left goes
by title (without regard to case and to the subject prefix), files and changed lines together:
in one conversion of many drivers titles and lines may all be alike, and only the files tell.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item", bound=Hashable)
# Fewer changed lines in common than that, of all in either, are not the same patch.
_ALIKE = 0.5


@dataclass(frozen=True)
class Known:
    """A patch as far as it can be recognised; ``key`` is what the caller knows it by.

    ``files`` are the paths that it touches; empty where they are not known.
    """

    key: str
    title: str
    patch_id: str = ""
    diff: bytes = b""
    files: frozenset[str] = frozenset()


def match(old: Sequence[Known], new: Sequence[Known]) -> dict[str, str]:
    """The key of the patch of ``old`` that each of ``new`` is, by the key in ``new``.

    Each patch is matched once; those that are no patch of ``old`` are left out.
    """
    found: dict[str, str] = {}
    sure: tuple[Callable[[Known], Hashable], ...] = (
        lambda one: one.patch_id,
        lambda one: one.files and _words(one.title) and (_words(one.title), one.files),
    )
    for way in sure:
        found |= _pairs(way, _left(old, found.values()), _left(new, found))
    found |= _alike(_Side(old, found.values()), _Side(new, found))
    # Nothing is known of these but the title.
    bare_old = [one for one in _left(old, found.values()) if not one.files]
    bare_new = [one for one in _left(new, found) if not one.files]
    found |= _pairs(_title, _left(old, found.values()), bare_new)
    return found | _pairs(_title, bare_old, _left(new, found))


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


def _title(one: Known) -> str:
    return _words(one.title)


def _words(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


def _bare(title: str) -> str:
    """A title without its subject prefixes ("drm/exynos: ", "RFC: ")."""
    bare = re.sub(r"\A(?:[\w./,|*{}() +&-]{1,40}: )+", "", title)
    # Two words say too little to go by.
    return bare if len(bare.split()) > 2 else title


def _numbered(title: str) -> str:
    """A title without numbers: "part 1" and "part 2" are places, not names."""
    return re.sub(r"\b\d+\b", "#", _words(title))


class _Side:
    """One version: its patches that wait for a partner, and what is telling about each."""

    def __init__(self, patches: Sequence[Known], taken: Iterable[str]) -> None:
        self.left = _left(patches, taken)
        self.lines = {one.key: changed(one.diff) for one in patches}
        self.words = {one.key: Counter(_words(_bare(one.title)).split()) for one in patches}
        self._titles = Counter(_numbered(one.title) for one in patches)
        self._bare = Counter(_words(_bare(one.title)) for one in patches)
        self._files = Counter(name for one in patches for name in one.files)
        self._telling: dict[str, bool] = {}

    def own_files(self, one: Known) -> frozenset[str]:
        """The files that no other patch of the version touches."""
        return frozenset(name for name in one.files if self._files[name] == 1)

    def own_title(self, one: Known) -> bool:
        """Whether the title, less its numbers, is that of no other patch."""
        return self._titles[_numbered(one.title)] == 1

    def own_bare_title(self, one: Known) -> bool:
        """Whether the title without prefixes is that of no other patch."""
        return self._bare[_words(_bare(one.title))] == 1

    def telling(self, one: Known) -> bool:
        """Whether no other patch of the version changes lines like these."""
        if one.key not in self._telling:
            mine = self.lines[one.key]
            others = (lines for key, lines in self.lines.items() if key != one.key)
            self._telling[one.key] = all(_likeness(mine, lines) < _ALIKE for lines in others)
        return self._telling[one.key]


def _alike(old: _Side, new: _Side) -> dict[str, str]:
    """Pairs that are alike, the most alike first; equal ones in the order of the patches."""
    scores = [
        (-score, at, before, right.key, left.key)
        for at, right in enumerate(new.left)
        for before, left in enumerate(old.left)
        if (score := _score(old, left, new, right))
    ]
    found: dict[str, str] = {}
    used: set[str] = set()
    for *_, right, left in sorted(scores):
        if right not in found and left not in used:
            found[right] = left
            used.add(left)
    return found


def _score(old: _Side, left: Known, new: _Side, right: Known) -> float:
    """How alike two patches are, 0 where they are not the same one."""
    known = bool(left.files and right.files)
    files = _common_files(old, left, new, right)
    lines = _likeness(old.lines[left.key], new.lines[right.key])
    same_title = _title(left) == _title(right) != ""
    title = 1.0 if same_title else _likeness(old.words[left.key], new.words[right.key])
    if known and not files:
        # Another file: a rename, or another driver that is changed in the same way.
        own = same_title and old.own_title(left) and new.own_title(right)
        if not own and (lines < _ALIKE or not (old.telling(left) and new.telling(right))):
            return 0.0
        return lines + title
    # The author calls it the same: that counts more than what became of it.
    score = lines + files + title + (same_title and old.own_title(left) and new.own_title(right))
    if lines >= _ALIKE or (files == 1 and lines + title >= _ALIKE):
        return score
    if same_title:
        return score if known or (old.own_title(left) and new.own_title(right)) else 0.0
    bare = _words(_bare(left.title)) == _words(_bare(right.title)) != ""
    return score if bare and old.own_bare_title(left) and new.own_bare_title(right) else 0.0


def _common_files(old: _Side, left: Known, new: _Side, right: Known) -> float:
    """How many files two patches share, 0 to 1; those of several patches tell nothing."""
    one, other = old.own_files(left), new.own_files(right)
    if not (one and other):
        one, other = left.files, right.files
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0


def _likeness(one: Mapping[_Item, int], other: Mapping[_Item, int]) -> float:
    """How much two bags have in common: 0 to 1."""
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
