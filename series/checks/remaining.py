"""The ledger of each patch: sites that are neither converted nor explained."""

import contextlib
from collections.abc import Iterator, Sequence

from generator import campaign as campaign_module
from generator.buckets import EXPLAINED
from generator.errors import CampaignError
from series.checks.kinds import Finding, Ground, Patch, Result, Severity
from series.version import SiteRecord

_EXPLAINED = frozenset(map(str, EXPLAINED))


class RemainingCheck:
    """What the manifest says of the sites of each patch."""

    name = "remaining"
    text = "no site of the rules is left without an explanation"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        ground.progress("remaining sites")
        allowed = _allowed(ground)
        for patch in patches:
            sites = [one for one in patch.ledger.sites if one.bucket not in _EXPLAINED]
            severity: Severity = "warning" if patch.record.of in allowed else "error"
            sources = _sources(ground, patch, sites)
            yield patch, Result.of([_finding(one, severity, sources) for one in sites])


def _allowed(ground: Ground) -> frozenset[str]:
    """The patches of the campaign that say that any site may be left."""
    with contextlib.suppress(CampaignError):
        declared = campaign_module.load(ground.folder).patches
        return frozenset(one.id for one in declared if one.remaining == "any")
    return frozenset()


def _sources(ground: Ground, patch: Patch, sites: Sequence[SiteRecord]) -> dict[str, list[str]]:
    """The lines of the files with sites, as they were before the patch."""
    if not sites:
        return {}
    with ground.tree.worktree(patch.parent) as worktree:
        found = worktree.contents(dict.fromkeys(one.path for one in sites))
    return {path: text.decode("utf-8", "replace").split("\n") for path, text in found.items()}


def _finding(site: SiteRecord, severity: Severity, sources: dict[str, list[str]]) -> Finding:
    lines = sources.get(site.path, [])
    return Finding(
        severity,
        f"{site.word} is left: {site.bucket}{site.why and f', {site.why}'}",
        site.path,
        site.line,
        lines[site.line - 1] if 0 < site.line <= len(lines) else "",
        site.bucket,
        "convert it, or explain it in series.toml: exclude = { path = reason }",
    )
