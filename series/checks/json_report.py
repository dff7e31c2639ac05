"""What checks said, for scripts; docs/check.md has the format."""

import json
from dataclasses import asdict
from typing import Any

from series.checks.runner import Report

FORMAT = 1


def as_text(value: object, indent: int | None = None) -> str:
    """``value`` as JSON in ASCII that any reader takes (RFC 8259), on a terminal, too.

    Bytes of a path or a line that are no UTF-8 stand there as ``\\udcXX``: an unpaired surrogate
    is no Unicode text.
    """
    text = json.dumps(_readable(value), indent=indent)
    return text.replace("\x7f", "\\u007f")


def _readable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(one) for one in value]
    return value


def as_json(report: Report) -> dict[str, Any]:
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
