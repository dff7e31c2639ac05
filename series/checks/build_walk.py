"""A series as a row of commits to compile, and what was found of them so far."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import cached_property

from generator.errors import UsageError
from series.checks import objects
from series.checks.build_advice import Advice
from series.checks.build_objects import LimitError, Objects, UnusableError
from series.checks.build_outcome import Outcome
from series.checks.build_place import Source, place_of
from series.checks.build_variants import Variant, variants
from series.checks.kinds import Ground, Patch
from series.settings import jobs_of

# Part of every key: another number when a result means something else.
_KEY = "build 3"
_LIMIT = 1800.0  # seconds a commit
# Sources that are compiled together: so much is lost by a run that is stopped.
_AT_ONCE = 64


class Walk:
    """The commits of a series and what was found of them; place 0 is the base.

    What was found before is taken from the store; the checkout is first locked, and written,
    when something must be built.  ``close`` lets go of it.
    """

    def __init__(self, ground: Ground, patches: Sequence[Patch]) -> None:
        self.ground = ground
        self.patches = patches
        self.commits = [patches[0].parent, *(patch.commit for patch in patches)] if patches else []
        self.variants = variants(ground.options)
        self._limit = _seconds(ground.options.get("limit", ()))
        self._trees = [ground.tree.tree_of(commit) for commit in self.commits]
        self._place = place_of(ground.tree, ground.options.get("objects", ()))
        self._everything = "build-all-users" in ground.options
        self._open = ExitStack()
        self._source: Source | None = None
        self._made: dict[str, Objects] = {}
        self._there: dict[int, frozenset[str]] = {}
        self._known: dict[bytes, Outcome] = {}
        self._differing: dict[int, frozenset[str]] = {}
        # What did not compile together with others, by variant and place.
        self._apart: set[tuple[str, int]] = set()

    def close(self) -> None:
        """Let others build here."""
        self._open.close()
        self._source = None

    @property
    def left_out(self) -> int:
        """How many more sources the series reaches."""
        return self._selection.left_out

    def sources_at(self, at: int) -> list[str]:
        """The sources that the series reaches and that there are at a place."""
        sources = self._selection.sources
        if at not in self._there:
            found = self.ground.tree.names(self.commits[at], sources) if sources else []
            self._there[at] = frozenset(found)
        return [path for path in sources if path in self._there[at]]

    def reached(self, at: int) -> list[str]:
        """The sources that the patch at a place can have changed, at the last one all.

        A patch of sources alone changes nothing but their own objects.  What no patch has reached
        yet is as in the base, and is not compiled before it is reached.
        """
        there = self.sources_at(at)
        if at == self._last or not self._is_narrow(at):
            return there
        return [path for path in there if path in self._changed(at)]

    @cached_property
    def _last(self) -> int:
        """The place of the last patch that is judged by what it builds."""
        building = (at for at, one in enumerate(self.patches, 1) if objects.builds(one.files))
        return max(building, default=0)

    def _is_narrow(self, at: int) -> bool:
        """Whether nothing changes with the patch at a place but the objects of what it touches."""
        return self._changed(at) <= {*self._selection.alone}

    def _changed(self, at: int) -> frozenset[str]:
        """What differs at a place from the one before, of a rename both names, but for prose."""
        if at not in self._differing:
            found = self.ground.tree.names_between(self._trees[at - 1], self._trees[at])
            self._differing[at] = frozenset(one for one in found if not objects.is_prose(one))
        return self._differing[at]

    def parent(self, at: int) -> int:
        """The place before ``at`` whose objects are those of the parent of the patch there."""
        above = at - 1
        while above > 0 and not objects.builds(self.patches[above - 1].files):
            above -= 1
        return above

    def renames(self, old: int, new: int) -> dict[str, str]:
        """The files that have another name at the place ``new``."""
        words = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status")
        said = self.ground.tree.git(*words, self.commits[old], self.commits[new]).split("\0")
        return dict(zip(said[1::3], said[2::3], strict=False))

    def outcome(self, variant: Variant, at: int, sources: Sequence[str], kind: str = "") -> Outcome:
        """What became of ``sources`` at a place; with ``kind``, what that program says of them.

        Raises ``RerollError`` where nothing can be said.
        """
        key = self._key("outcome", variant.digest, self._trees[at], kind, *sources)
        if not self._is_known(key) and at and not kind and sources == self.reached(at):
            self._compile_ahead(variant, at)
        if key not in self._known:
            self._keep(key, self._compiled(variant, at, sources, kind))
        return self._known[key]

    def advice(self, at: int, check: str) -> Callable[[str, str], str]:
        """What to do about a path that ``check`` left out at a place, for a reason."""
        made = Advice(self.ground.tree, self.commits[at], self.variants, check)
        configs = (word for one in self.variants for word in (one.arch, one.config_name))
        asked = ("advice", check, self._trees[at], *configs)

        def on(path: str, why: str) -> str:
            # To look a symbol up takes as long as all else of a second run.
            key = self._key(*asked, path, why)
            kept = self.ground.store.get([key]).get(key)
            if kept is None:
                kept = made.on(path, why).encode("utf-8", "surrogateescape")
                self.ground.store.put({key: kept})
            return kept.decode("utf-8", "surrogateescape")

        return on

    def _is_known(self, key: bytes) -> bool:
        if key not in self._known:
            kept = self.ground.store.get([key]).get(key)
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                self._known[key] = Outcome.from_bytes(kept or b"")
        return key in self._known

    def _keep(self, key: bytes, outcome: Outcome) -> None:
        self._known[key] = outcome
        self.ground.store.put({key: outcome.to_bytes()})

    def _compile_ahead(self, variant: Variant, at: int) -> None:
        """Compile what the patch at a place and the next ones reach in one go.

        An object is the same at the last of these commits as at its own when nothing that it
        depends on changes between.  What fails, or does depend on more, is left to be compiled
        at its own commit.
        """
        keys = {
            place: self._key(
                "outcome", variant.digest, self._trees[place], "", *self.reached(place)
            )
            for place in self._independent(at)
        }
        places = [
            place
            for place, key in keys.items()
            if (variant.digest, place) not in self._apart and not self._is_known(key)
        ]
        if at not in places or len(places) < 2:
            return
        self._apart.update((variant.digest, place) for place in places)
        # At the last one all is compiled, also what is compiled for one before it.
        sources = dict.fromkeys(path for place in places for path in self.reached(place))
        try:
            found = self._compiled(variant, places[-1], list(sources), "", first=at)
        except (LimitError, UnusableError):
            return
        if found.broken:
            return
        made = self._objects(variant)
        for place in places:
            mine = self.reached(place)
            built = {path: found.compiled[path] for path in mine if path in found.compiled}
            later = frozenset().union(*map(self._changed, range(place + 1, places[-1] + 1)))
            if all(one.good and not made.depends(path, later) for path, one in built.items()):
                unbuilt = {path: found.unbuilt[path] for path in mine if path in found.unbuilt}
                self._keep(keys[place], Outcome(built, unbuilt))

    def _independent(self, at: int) -> list[int]:
        """The place ``at`` and those behind it whose patches touch sources alone, each its own."""
        places: list[int] = []
        seen: set[str] = set()
        for place in range(at, self._last + 1):
            files = self._changed(place)
            if not files:
                continue
            if not self._is_narrow(place) or files & seen or len(seen | files) > _AT_ONCE:
                break
            places.append(place)
            seen |= files
        return places

    def _compiled(
        self, variant: Variant, at: int, sources: Sequence[str], kind: str, first: int = 0
    ) -> Outcome:
        where = f"patch {at} of {len(self.patches)}" if at else "the base"
        if 0 < first < at:
            where = f"patches {first} to {at} of {len(self.patches)}"
        self.ground.progress(f"{kind or 'build'}: {where}, {variant.name}")
        made = self._objects(variant)
        made.begin()
        try:
            if kind:
                return made.analyze(self.commits[at], sources, kind)
            if sources:
                return made.compile(self.commits[at], sources)
            return made.prepare(self.commits[at])
        except LimitError as error:
            hint = f"'reroll check {kind or 'build'} --limit SECONDS'"
            raise LimitError(f"{error} at {where}", hint=hint) from error

    def _objects(self, variant: Variant) -> Objects:
        if variant.digest not in self._made:
            jobs = jobs_of(self.ground.settings)
            made = Objects(self._checkout(), variant, jobs=jobs, limit=self._limit)
            self._made[variant.digest] = made
        return self._made[variant.digest]

    def _checkout(self) -> Source:
        """The checkout, ours until ``close``."""
        if self._source is None:
            source = Source(self.ground.tree, self._place)
            self._open.enter_context(source.locked())
            self._source = source
        return self._source

    @cached_property
    def _selection(self) -> objects.Selection:
        words = sorted({word for patch in self.patches for word in patch.ledger.words})
        ends = (self._trees[0], self._trees[-1])
        files = sorted({path for patch in self.patches for path in patch.files})
        key = self._key("sources", *ends, str(self._everything), *words, "", *files)
        kept = self.ground.store.get([key]).get(key)
        with suppress(ValueError, KeyError, TypeError):
            found = json.loads(kept or b"")
            sources, alone = tuple(found["sources"]), tuple(found["alone"])
            return objects.Selection(sources, int(found["left_out"]), alone)
        made = self._select()
        self.ground.store.put({key: json.dumps(asdict(made)).encode()})
        return made

    def _select(self) -> objects.Selection:
        self.ground.progress("build: which files the series reaches")
        source = self._checkout()
        source.move(self.commits[0])
        made = [self._objects(variant) for variant in self.variants]
        return objects.select(
            self.patches,
            self._diffs(),
            source.search,
            lambda header: {path for one in made for path in one.includers(header)},
            lambda words: set().union(*source.search(words, False, [":!Documentation"]).values()),
            source.text,
            everything=self._everything,
        )

    def _diffs(self) -> dict[str, str]:
        """What the series changes, by file."""
        files = sorted({path for patch in self.patches for path in patch.files})
        said = self.ground.tree.diff(self.commits[0], self.commits[-1], files).decode("latin-1")
        found = {}
        for part in re.split(r"^(?=diff --git )", said, flags=re.MULTILINE):
            if name := re.search(r"^(?:\+\+\+ b|--- a)/(.*)$", part, re.MULTILINE):
                new = re.search(r"^\+\+\+ b/(.*)$", part, re.MULTILINE)
                found[(new or name)[1].rstrip("\t")] = part
        return found

    def _key(self, what: str, *facts: str) -> bytes:
        parts = (_KEY, what, *facts)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).digest()


def _seconds(given: Sequence[str]) -> float:
    if not given:
        return _LIMIT
    if not given[-1].isdigit() or not 0 < int(given[-1]) <= 86400:
        raise UsageError(f"'{given[-1]}' is not a whole number of seconds from 1 to 86400")
    return float(given[-1])
