"""``reroll check``: what should be seen to before a version is sent."""

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict

from generator.errors import UsageError
from series import options, store
from series.lint.finding import Finding
from series.lint.version import check_version
from series.output import one_line, say

EXAMPLE = "reroll -C my-series --tree ~/linux check mail -v 7"
# The checks there are, with what --help says of each.
CHECKS = {"mail": "lint of the mails: subjects, signatures, references, spelling, damage"}


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    known = "; ".join(f"{name}: {text}" for name, text in CHECKS.items())
    parser = verbs.add_parser(
        "check",
        help="check a version before it is sent",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "words", nargs="*", metavar="NAME", help=f"the checks to make (default: all). {known}"
    )
    options.add_version(parser)


def run(args: argparse.Namespace) -> int:
    """Check; status 1 when there is an error, 0 with warnings only."""
    _require_known(args.words)
    folder = options.folder_of(args)
    version = store.read(folder, args.version)
    store.refuse_posted(version)
    findings = check_version(
        folder, version, lambda: options.tree_of(args, options.settings_of(args))
    )
    _show(findings, len(version.mails), as_json=args.json)
    if not any(one.severity == "error" for one in findings):
        return 0
    say("reroll: hint: correct series.toml or the messages, and generate again", sys.stderr)
    return 1


def _require_known(words: list[str]) -> None:
    for word in words:
        if word not in CHECKS:
            raise UsageError(
                f"there is no check '{one_line(word)}'", hint=f"the checks are: {', '.join(CHECKS)}"
            )


def _show(findings: list[Finding], mails: int, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps([asdict(one) for one in findings], ensure_ascii=True))
        return
    for one in findings:
        say(one_line(str(one)))
    counts = Counter(one.severity for one in findings)
    parts = [_number(counts["error"], "error"), _number(counts["warning"], "warning")]
    if counts["not run"]:
        parts.append(f"{_number(counts['not run'], 'check')} not run")
    say(f"{_number(mails, 'mail')}: {', '.join(parts)}")


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
