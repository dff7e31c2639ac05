"""``reroll cache``: the results that are kept for later runs."""

import argparse
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from generator.results import Results, Statistics, Verdict, default_place
from generator.tree import read_settings
from series import options
from series.checks.build_place import Kept, above_all, kept, remove
from series.output import as_json, one_line, say

EXAMPLE = "reroll cache --verify"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "cache",
        help="results kept for later runs: show, check, remove",
        description="What spatch made of a file is kept, so that it is not worked out again while "
        "nothing changed that it depends on; so is what checks found. git config "
        "reroll.cacheLimit bounds how much (1g), reroll.cache = false switches it off. "
        "'reroll check build' keeps checkouts and objects beside it.",
        epilog=f"example: {EXAMPLE}",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--clear", action="store_true", help="remove all results, and what 'check build' keeps"
    )
    what.add_argument(
        "--verify",
        action="store_true",
        help="look at every result and remove the damaged ones; status 1 when there were some",
    )


def run(args: argparse.Namespace) -> int:
    """Show, clear or verify; status 1 when something is damaged or cannot be used."""
    settings = options.settings_of(args)
    place, verdict = default_place(), None
    builds = _builds(clear=args.clear)
    with Results(place, limit=settings.cachelimit) as results:
        if args.verify:
            verdict = results.verify()
        elif args.clear:
            results.clear()
        found = results.statistics()
    if args.json:
        more = {"verified": asdict(verdict)} if verdict else {}
        rows = [{"place": str(one.place), "size": one.size, "busy": one.busy} for one in builds]
        answer = {"place": str(place), "enabled": settings.cache, **asdict(found), **more}
        answer["builds"] = rows
        say(as_json(answer, indent=2))
    else:
        say("\n".join(_lines(place, found, verdict)))
        for one in builds:
            busy = ", in use" if one.busy else ""
            say(f"build:   {one_line(str(one.place))} ({one.size / (1 << 30):.1f} GB{busy})")
        if not settings.cache:
            say("switched off by git config reroll.cache")
    if results.problem:
        say(f"reroll: {one_line(results.problem)}", sys.stderr)
    return 1 if results.problem or (verdict and verdict.dropped) else 0


def _builds(*, clear: bool) -> list[Kept]:
    """Where trees were built; with ``clear`` those that are left, for they are in use."""
    named = read_settings("reroll", cwd=Path(os.curdir)).get("checkobjects", ())
    places = {above_all(()), above_all(named)}
    found = [one for place in sorted(places) for one in kept(place)]
    if clear:
        for one in found:
            if not one.busy:
                remove(one)
        found = [one for one in found if one.busy]
    return found


def _lines(place: Path, found: Statistics, verdict: Verdict | None) -> list[str]:
    lines = [
        f"place:   {one_line(str(place))}",
        f"entries: {found.entries}",
        f"size:    {found.size / (1 << 20):.1f} MB of {found.limit / (1 << 20):.1f} MB",
    ]
    if found.oldest is not None:
        used = time.strftime("%Y-%m-%d", time.gmtime(found.oldest))
        lines.append(f"oldest:  last used {used}")
    if verdict:
        lines.append(f"checked: {verdict.good} good, {verdict.dropped} damaged and removed")
    return lines
