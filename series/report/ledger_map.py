"""Where in the tree the sites are, converted or left: a tree map of directories.

Pure.  The area of a directory is its number of sites ("Squarified Treemaps", Bruls,
Huizing, van Wijk 2000: each rectangle about as wide as high); its colours are the shares
of what became of them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.buckets import REMAINING, Bucket
from series.version import LedgerRecord, PatchRecord, SiteRecord, Version

WIDTH, HEIGHT = 960, 320  # pixels of the picture
_MOST_PLACES = 48
_MOST_SITES = 500
_SMALL = 20  # one in so many sites: a directory with fewer is not shown by its parts
# Pixels: a letter of the picture's type, a line of it.
_LETTER, _LINE = 8, 18


@dataclass(frozen=True)
class Site:
    """A site as a ledger has it, and the patch whose ledger that is (0: none)."""

    record: SiteRecord
    patch: int

    @property
    def kind(self) -> str:
        """What became of it: "converted", "left" or "explained"."""
        if self.record.bucket == Bucket.CONVERTED:
            return "converted"
        return "left" if self.record.bucket in REMAINING else "explained"


@dataclass(frozen=True)
class Place:
    """A directory: its numbers of sites, and those that were not converted, as far as shown."""

    anchor: str
    path: str
    converted: int
    left: int
    explained: int
    sites: tuple[Site, ...]
    unshown: int = 0

    @property
    def total(self) -> int:
        """All sites."""
        return self.converted + self.left + self.explained


@dataclass(frozen=True)
class Box:
    """A directory in the picture, in pixels: three parts above each other, and a label."""

    place: Place
    x: float
    y: float
    width: float
    height: float

    @property
    def parts(self) -> tuple[tuple[str, float, float], ...]:
        """The kind, top and height of each part that is not empty."""
        found, top = [], self.y
        one = self.place
        for kind, size in (
            ("converted", one.converted),
            ("left", one.left),
            ("explained", one.explained),
        ):
            if size:
                height = self.height * size / one.total
                found.append((kind, top, height))
                top += height
        return tuple(found)

    @property
    def label(self) -> str:
        """The path as far as there is room for it."""
        letters = int((self.width - 8) // _LETTER)
        if self.height < _LINE + 4 or letters < 3:
            return ""
        path = self.place.path
        while len(path) > letters and "/" in path.removeprefix("…/"):
            path = f"…/{path.removeprefix('…/').partition('/')[2]}"
        return path if len(path) <= letters else f"{path[: letters - 1]}…"


@dataclass(frozen=True)
class Map:
    """All directories, the largest first, and the picture."""

    places: tuple[Place, ...]
    boxes: tuple[Box, ...]
    words: tuple[str, ...]

    @property
    def converted(self) -> int:
        """How many sites were converted."""
        return sum(one.converted for one in self.places)

    @property
    def left(self) -> int:
        """How many sites still do what the rules are there to end."""
        return sum(one.left for one in self.places)

    @property
    def explained(self) -> int:
        """How many sites need nothing: comments, strings, definitions."""
        return sum(one.explained for one in self.places)


def of_version(version: Version) -> Map:
    """The sites of all ledgers of ``version``.

    What a patch leaves to a later one is in that one's ledger, and counted there alone.
    """
    sites = [
        Site(record, number)
        for number, ledger in _ledgers(version)
        for record in ledger.sites
        if record.bucket != Bucket.LATER
    ]
    words = sorted({word for _, ledger in _ledgers(version) for word in ledger.words})
    places, room = list[Place](), _MOST_SITES
    for at, (path, members) in enumerate(_groups(sites), 1):
        place = _place(f"place-{at}", path, members, room)
        places.append(place)
        room -= len(place.sites)
    boxes = tuple(_boxes(places, 0, 0, WIDTH, HEIGHT))
    return Map(tuple(places), boxes, tuple(words))


def _ledgers(version: Version) -> Iterator[tuple[int, LedgerRecord]]:
    patch: PatchRecord
    for patch in version.patches:
        yield patch.number, patch.ledger
    for rest in version.rest.values():
        yield 0, rest


def _groups(sites: Sequence[Site]) -> list[tuple[str, list[Site]]]:
    """Sites by directory, the most first: large directories by their parts, down the tree."""
    found = _parts(sites, 1)
    depths = dict.fromkeys(found, 1)
    while len(found) < _MOST_PLACES:
        large = [
            path
            for path, depth in depths.items()
            if depth and len(found[path]) * _SMALL > len(sites)
        ]
        if not large:
            break
        path = max(large, key=lambda name: len(found[name]))
        depth = depths.pop(path) + 1
        members = found.pop(path)
        parts = sorted(_parts(members, depth).items(), key=lambda part: -len(part[1]))
        room = _MOST_PLACES - len(found)
        if len(parts) > room:
            rest = [one for _, some in parts[room - 1 :] for one in some]
            parts = [*parts[: room - 1], (f"{path}: others", rest)]
        for name, some in parts:
            found[name] = some
            # Files right in a directory have no parts.
            depths[name] = 0 if name in (path, f"{path}: others") else depth
    return sorted(found.items(), key=lambda group: (-len(group[1]), group[0]))


def _parts(sites: Sequence[Site], depth: int) -> dict[str, list[Site]]:
    """Sites by the first ``depth`` names of their directory."""
    found: dict[str, list[Site]] = {}
    for one in sites:
        path = "/".join(one.record.path.split("/")[:-1][:depth])
        found.setdefault(path or "(top)", []).append(one)
    return found


def _place(anchor: str, path: str, members: Sequence[Site], room: int) -> Place:
    counts = Counter(one.kind for one in members)
    # What is left comes first: it is what somebody has to look at.
    others = sorted(
        (one for one in members if one.kind != "converted"),
        key=lambda one: (one.kind != "left", one.record.path, one.record.line),
    )
    return Place(
        anchor,
        path,
        counts["converted"],
        counts["left"],
        counts["explained"],
        tuple(others[:room]),
        len(others) - len(others[:room]),
    )


def _boxes(
    places: Sequence[Place], x: float, y: float, width: float, height: float
) -> Iterator[Box]:
    """``places``, the largest first, in a rectangle: row by row along its shorter side."""
    rest = list(places)
    while rest:
        total = sum(one.total for one in rest)
        side = min(width, height)
        scale = width * height / total
        row = _row([one.total * scale for one in rest], side)
        thick = sum(one.total for one in rest[:row]) * scale / side
        along = 0.0
        for one in rest[:row]:
            length = one.total * scale / thick
            if width >= height:
                yield Box(one, x, y + along, thick, length)
            else:
                yield Box(one, x + along, y, length, thick)
            along += length
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick
        rest = rest[row:]


def _row(areas: Sequence[float], side: float) -> int:
    """How many areas make a row in which no box is thinner than it need be."""

    def worst(size: int) -> float:
        total = sum(areas[:size])
        return max(
            max(side**2 * area / total**2, total**2 / (side**2 * area)) for area in areas[:size]
        )

    size = 1
    while size < len(areas) and worst(size + 1) <= worst(size):
        size += 1
    return size
