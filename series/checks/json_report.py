"""What checks said, for scripts; docs/check.md has the format."""

from dataclasses import asdict
from typing import Any

from series.checks.runner import Report

FORMAT = 1


def as_report(report: Report) -> dict[str, Any]:
    """A report as plain values."""
    return {
        "format": FORMAT,
        "name": report.version.name,
        "version": report.version.version,
        "base": report.version.base,
        "tip": report.version.tip,
        "checks": list(report.results),
        "patches": [
            {
                "number": patch.number,
                "id": patch.id,
                "title": patch.title,
                "commit": patch.commit,
                "parent": patch.parent,
                "declared": patch.declared,
                "shard": patch.record.label,
                "rules": list(patch.rules),
                "results": {
                    name: {
                        "state": said[patch.number].state,
                        "why": said[patch.number].why,
                        "findings": [asdict(one) for one in said[patch.number].findings],
                    }
                    for name, said in report.results.items()
                },
            }
            for patch in report.patches
        ],
    }
