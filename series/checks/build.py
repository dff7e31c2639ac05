"""The check "build": does each commit compile, and without a warning that its parent had not?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from generator.errors import RerollError
from series.checks import diagnostics, objects
from series.checks.build_objects import LimitError
from series.checks.build_outcome import Outcome
from series.checks.build_variants import Variant, variants
from series.checks.build_walk import Walk
from series.checks.diagnostics import Diagnostic
from series.checks.kbuild import is_source
from series.checks.kinds import Finding, Ground, Patch, Result

# Findings of one patch in one variant: one wrong line in a header has thousands.
_SHOWN = 30
_ALL = "'reroll check build --build-all-users' compiles them, too"
BREAK = "bisect-break"
UNBUILT = "not-built"


class Build:
    """Compile what each commit reaches.

    Options: ``arch``, ``config``, ``cross`` (see ``build_variants``), ``objects`` (a directory
    to build in), ``limit`` (seconds a commit), ``build-all-users`` (any value: take all users).
    """

    name = "build"
    text = "compiles what each patch reaches: new errors and warnings, bisect breaks"

    def obstacle(self, ground: Ground) -> str:
        """Why nothing of the base can be built, or empty."""
        wanted = {"Makefile", "Kconfig"}
        if set(ground.tree.names(ground.version.base, sorted(wanted))) != wanted:
            return "the base has no Makefile and Kconfig"
        try:
            variants(ground.options)
        except RerollError as error:
            return str(error)
        return ""

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """The result for each patch; "not run" for each where nothing can be built."""
        yield from each(ground, patches, _results)


Work = Callable[[Walk, Sequence[Patch]], Iterator[tuple[Patch, Result]]]


def each(ground: Ground, patches: Sequence[Patch], work: Work) -> Iterator[tuple[Patch, Result]]:
    """What ``work`` says of each patch, and "not run" of the rest once it cannot go on."""
    left = list(patches)
    try:
        with closing(Walk(ground, patches)) as walk:
            for patch, result in work(walk, patches):
                left = left[1:]
                yield patch, result
    except (RerollError, OSError) as error:
        hint = getattr(error, "hint", "")
        why = f"{error}{f' ({hint})' if hint else ''}"
        yield from ((patch, Result("not run", why=why)) for patch in left)


def _results(walk: Walk, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
    for at, patch in enumerate(patches, 1):
        if not objects.builds(patch.files):
            yield patch, nothing_to_build(patch)
            continue
        seen = [_seen(walk, variant, at, patch) for variant in walk.variants]
        result = merged([one.name for one in walk.variants], seen, walk.advice(at, "build"))
        more = walk.left_out
        if at == 1 and more:
            note = f"{more} more files use what the series changes, and are not compiled"
            extra = Finding("note", note, rule=UNBUILT, hint=_ALL)
            result = replace(result, findings=(*result.findings, extra))
        yield patch, result


def nothing_to_build(patch: Patch) -> Result:
    """The result for a patch of no file that the kernel's build reads."""
    code = [path for path in patch.files if path.endswith((".c", ".S", ".rs", ".dts", ".dtsi"))]
    if code:
        return Result("not built", why=f"{code[0]} is not compiled with the kernel's objects")
    return Result("passed", why="there is nothing to build in its files")


@dataclass(frozen=True)
class Seen:
    """What one variant shows of a patch.

    ``unbuilt`` are touched sources with the reason why nothing can be said of them, ``built``
    the others.
    """

    findings: tuple[Finding, ...] = ()
    unbuilt: Mapping[str, str] = field(default_factory=dict)
    built: frozenset[str] = frozenset()


def _seen(walk: Walk, variant: Variant, at: int, patch: Patch) -> Seen:
    sources = walk.reached(at)
    now = walk.outcome(variant, at, sources)
    if now.broken and sources != walk.sources_at(at):
        # One object alone does not tell what is wrong with all from what is wrong with it.
        sources = walk.sources_at(at)
        now = walk.outcome(variant, at, sources)
    if now.broken:
        return _broken(walk, variant, at, now)
    loud = [path for path, one in now.compiled.items() if one.said or not one.good]
    before = parent_outcome(walk, variant, at, loud)
    fresh = diagnostics.new(now.diagnostics(sources), before.diagnostics(before.compiled))
    fresh += _spread(now, before, fresh)
    findings = [
        finding(one, _again(walk, variant, at, one.main) if one.severity == "error" else "")
        for one in fresh[:_SHOWN]
    ]
    if len(fresh) > _SHOWN:
        findings.append(Finding("note", f"{len(fresh) - _SHOWN} more errors and warnings"))
    unsure = {
        path: _since(walk, variant, at, path)
        for path, one in now.compiled.items()
        if not one.good and _failing(before, path)
    }
    touched = [path for path in sources if path in patch.files]
    unbuilt = {path: why for path, why in {**now.unbuilt, **unsure}.items() if path in touched}
    return Seen(tuple(findings), unbuilt, frozenset(touched) - set(unbuilt))


def _spread(now: Outcome, before: Outcome, fresh: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Errors that are not new, but stop a source that built before: it began to include them."""
    told = {one.identity for one in fresh}
    found = []
    for path, one in now.compiled.items():
        errors = [error for error in one.said if error.severity == "error"]
        built = path in before.compiled and before.compiled[path].good
        if built and not one.good and told.isdisjoint(error.identity for error in errors):
            found += [replace(error, note=f"now in {path}, too") for error in errors]
    return found


def parent_outcome(
    walk: Walk, variant: Variant, at: int, paths: Sequence[str], kind: str = ""
) -> Outcome:
    """What became of ``paths`` before the patch at a place, under the names that it gives them."""
    if not paths:
        return Outcome()
    above = walk.parent(at)
    renames = walk.renames(above, at)
    names = {old: new for old, new in renames.items() if new in paths}
    # A series names a file that it moves by the new name.
    there = [*walk.sources_at(above), *(name for name in names if is_source(name))]
    wanted = sorted(({*paths} - set(names.values()) | set(names)) & set(there))
    known = walk.reached(above) if above and not kind else []
    found = walk.outcome(variant, above, known if {*wanted} <= {*known} else wanted, kind)
    if found.broken and not above:
        raise base_fault(found)
    compiled = {
        names.get(path, path): replace(one, said=tuple(diagnostics.renamed(one.said, names)))
        for path, one in found.compiled.items()
        if path in wanted
    }
    return replace(found, compiled=compiled)


def base_fault(found: Outcome) -> RerollError:
    """The error that the base does not build: no patch is to blame, and none can be judged."""
    return RerollError(f"the base does not build, without any patch: {found.broken}")


def _failing(outcome: Outcome, path: str) -> bool:
    return bool(outcome.broken) or (path in outcome.compiled and not outcome.compiled[path].good)


def _broken(walk: Walk, variant: Variant, at: int, now: Outcome) -> Seen:
    """A commit of which nothing can be built."""
    above = walk.parent(at)
    before = walk.outcome(variant, above, walk.sources_at(above))
    if before.broken and not above:
        raise base_fault(before)
    if before.broken:
        return Seen((), {"": f"nothing can be built: {now.broken}; nor with the patch before"})
    again = _again(walk, variant, at, "")
    fresh = [one for one in diagnostics.distinct(now.said) if one.severity == "error"]
    plain = Diagnostic("error", "", 0, now.broken)
    return Seen(tuple(finding(one, again) for one in fresh[:_SHOWN] or [plain]), {})


def _since(walk: Walk, variant: Variant, at: int, path: str) -> str:
    """Since when a source has not built, which does not build at a place."""
    place = at
    while place:
        place = walk.parent(place)
        if path not in walk.sources_at(place):
            return f"does not build since patch {at}"
        known = walk.reached(place) if place else [path]
        if path not in known:
            continue
        if not _failing(walk.outcome(variant, place, known), path):
            return f"does not build since patch {at}"
        at = place
    return "does not build in the base, either"


def _again(walk: Walk, variant: Variant, at: int, path: str) -> str:
    """With which later patch a source that fails now builds again; empty when with none."""
    for later in range(at + 1, len(walk.commits)):
        if walk.parent(later + 1) != later:
            continue
        sources = walk.reached(later)
        if path and path not in sources and path not in walk.patches[later - 1].files:
            continue
        try:
            found = walk.outcome(variant, later, sources)
        except LimitError:
            return ""
        if not found.broken and not _failing(found, path):
            return f"does not build alone: builds again with patch {later}"
    return ""


def finding(one: Diagnostic, again: str = "", *, tool: str = "compiler") -> Finding:
    """A diagnostic as a finding; ``again`` says when what fails builds again."""
    what = f"{one.text} [{one.flag}]" if one.flag else one.text
    return Finding(
        severity=one.severity,
        what=f"{what}; {again}" if again else what,
        path=one.path,
        line=one.line,
        source=one.source,
        rule=BREAK if again else one.flag or f"{tool}-{one.severity}",
        hint=one.note,
    )


def merged(
    names: Sequence[str], seen: Sequence[Seen], advise: Callable[[str, str], str] = lambda *_: ""
) -> Result:
    """One result of what the variants of these ``names`` show.

    ``advise`` says what to do about a path that is not built, for a reason.
    """
    by: dict[Finding, list[str]] = {}
    for name, one in zip(names, seen, strict=True):
        for finding in one.findings:
            by.setdefault(finding, []).append(name)
    findings = [
        one if len(where) == len(names) else replace(one, what=f"{', '.join(where)}: {one.what}")
        for one, where in by.items()
    ]
    built = {path for one in seen for path in one.built}
    unbuilt = {path: why for one in reversed(seen) for path, why in one.unbuilt.items()}
    left = {path: why for path, why in unbuilt.items() if path not in built}
    notes = [
        Finding("note", f"not built: {why}", path=path, rule=UNBUILT, hint=advise(path, why))
        for path, why in left.items()
    ]
    notes += [
        Finding(
            "note", f"{name}: not built: {why}", path=path, rule=UNBUILT, hint=advise(path, why)
        )
        for name, one in zip(names, seen, strict=True)
        for path, why in one.unbuilt.items()
        if path in built
    ]
    if left and not built and not findings:
        path, why = next(iter(left.items()))
        more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
        return Result("not built", tuple(notes), f"{f'{path} ' if path else ''}{why}{more}")
    return Result.of([*findings, *notes])
