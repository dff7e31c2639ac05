"""The check "sparse": what sparse(1) says of the touched C files that it did not say before."""

from collections.abc import Iterator, Sequence
from shutil import which

from series.checks import diagnostics
from series.checks.build import Seen, each, merged, parent_outcome
from series.checks.build import finding as build_finding
from series.checks.build_variants import Variant
from series.checks.build_walk import Walk
from series.checks.kbuild import is_source
from series.checks.kinds import Ground, Patch, Result

_PROGRAM = "sparse"


class Sparse:
    """Run sparse as ``make C=2 CHECK=sparse`` does; the options are those of ``build``."""

    name = "sparse"
    text = "what sparse says of the touched C files that it did not say before"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """The result for each patch; "not run" for each without sparse or a compiler."""
        if which(_PROGRAM) is None:
            why = "no sparse (apt install sparse)"
            yield from ((patch, Result("not run", why=why)) for patch in patches)
            return
        yield from each(ground, patches, _results)


def _results(walk: Walk, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
    for at, patch in enumerate(patches, 1):
        if not any(_is_read(path) for path in patch.files):
            yield patch, Result("passed", why="there is no C file of the kernel among its files")
            continue
        seen = [_seen(walk, variant, at, patch) for variant in walk.variants]
        yield patch, merged([one.name for one in walk.variants], seen, walk.advice(at, _PROGRAM))


def _is_read(path: str) -> bool:
    return is_source(path) and path.endswith(".c")


def _seen(walk: Walk, variant: Variant, at: int, patch: Patch) -> Seen:
    touched = [path for path in walk.sources_at(at) if _is_read(path) and path in patch.files]
    now = walk.outcome(variant, at, touched, _PROGRAM)
    if now.broken:
        return Seen((), dict.fromkeys(touched, f"nothing can be built: {now.broken}"))
    loud = [path for path, one in now.compiled.items() if one.said]
    before = parent_outcome(walk, variant, at, loud, _PROGRAM)
    fresh = diagnostics.new(now.diagnostics(touched), before.diagnostics(before.compiled))
    failed = {path: "does not compile" for path, one in now.compiled.items() if not one.good}
    unbuilt = {**now.unbuilt, **failed}
    findings = tuple(build_finding(one, tool=_PROGRAM) for one in fresh)
    return Seen(findings, unbuilt, frozenset(touched) - set(unbuilt))
