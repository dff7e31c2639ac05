"""What checks said, as SARIF 2.1.0 (OASIS), which CI systems show beside the code.

One run with a rule for each check and kind of finding.  Paths are relative to the tree's root
(``SRCROOT``), those of mails to the series folder (``SERIES``).
"""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from series.checks.kinds import Finding, Patch, Result
from series.checks.runner import Report
from series.output import printable

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def as_sarif(report: Report, version: str) -> dict[str, Any]:
    """A report as a SARIF log; ``version`` is that of reroll."""
    rules: dict[str, dict[str, Any]] = {}
    results = [
        _result(name, patch, one, rules, report.version.version)
        for name, said in report.results.items()
        for patch in report.patches
        for one in said[patch.number].findings
    ]
    lacking = [
        _notification(name, patch, said[patch.number])
        for name, said in report.results.items()
        for patch in report.patches
        if said[patch.number].state in ("not run", "not built")
    ]
    driver = {"name": "reroll", "version": version, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {
            "SRCROOT": {"description": {"text": "the root of the Linux tree"}},
            "SERIES": {"description": {"text": "the series folder"}},
        },
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": lacking},
        ],
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(
    name: str, patch: Patch, one: Finding, rules: dict[str, dict[str, Any]], version: int
) -> dict[str, Any]:
    rule = f"{name}/{one.rule}" if one.rule and one.rule != name else name
    if rule not in rules:
        text = f"reroll check {name}{f': {one.rule}' if rule != name else ''}"
        rules[rule] = {"id": rule, "shortDescription": {"text": printable(text)}}
    named = f"patch {patch.number} ({patch.commit[:12]} {patch.title})"
    text = f"{named}: {one.what}{one.hint and f'; {one.hint}'}"
    found: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(rules).index(rule),
        "level": _LEVELS[one.severity],
        "message": {"text": printable(text)},
        "properties": _origin(patch),
    }
    # What is about a patch as a whole is about its mail.
    mail = f"versions/v{version}/{patch.record.mail}"
    place = one if one.path else replace(one, path=mail)
    found["locations"] = [{"physicalLocation": _place(place)}]
    return found


def _origin(patch: Patch) -> dict[str, Any]:
    """The patch's number and commit, and what in series.toml it comes from."""
    names = {"declared": patch.declared, "shard": patch.record.label, "rules": list(patch.rules)}
    return {"patch": patch.number, "commit": patch.commit, **names}


def _place(one: Finding) -> dict[str, Any]:
    base = "SERIES" if one.path.startswith("versions/v") else "SRCROOT"
    uri = quote(one.path.encode("utf-8", "surrogateescape"))
    place: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": base}}
    if one.line:
        region: dict[str, Any] = {"startLine": one.line}
        if one.source:
            region["snippet"] = {"text": printable(one.source)}
        place["region"] = region
    return place


def _notification(name: str, patch: Patch, result: Result) -> dict[str, Any]:
    text = f"{name}: patch {patch.number}: {result.state}: {result.why}"
    return {"level": "warning", "message": {"text": printable(text)}}
