"""``reroll absorb``: work done by hand on the branch → the campaign."""

import argparse
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from generator import campaign as campaign_module
from generator.tree import Tree
from series import absorbing, absorption, journal, options, resolutions, store
from series.absorbing import Plan
from series.output import as_json, one_line, say
from series.progress import progress

EXAMPLE = "reroll -C my-series --tree ~/linux absorb"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "absorb",
        help="take work done by hand on the branch back into the campaign",
        epilog=f"example: {EXAMPLE}",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--branch", metavar="NAME", default="", help="another branch than the series' own"
    )
    source.add_argument(
        "--range", dest="span", metavar="BASE..TIP", default="", help="these commits"
    )
    source.add_argument(
        "--resolved", metavar="DIR", help="take back a hand edit that was resolved in DIR"
    )
    source.add_argument("--abort", metavar="DIR", help="remove DIR, where one was to be resolved")
    options.add_spatch(parser)
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Absorb a branch, or a resolved hand edit."""
    campaign = campaign_module.load(options.folder_of(args))
    settings = options.settings_of(args, campaign)
    with closing(options.tree_of(args, settings)) as tree, store.lock(campaign.folder):
        if args.resolved or args.abort:
            return _resolution(args, campaign.folder, tree)
        with progress(quiet=args.json) as report:
            made = absorbing.plan(
                absorption.Request(
                    campaign=campaign,
                    tree=tree,
                    settings=settings,
                    report=report,
                    branch=args.branch,
                    span=args.span,
                    allow_scripts=args.allow_scripts,
                )
            )
        if made and not args.dry_run:
            absorbing.write(campaign.folder, made)
    _show(made, args, campaign.folder)
    return 0


def _resolution(args: argparse.Namespace, folder: Path, tree: Tree) -> int:
    place = Path(args.resolved or args.abort).absolute()
    if args.abort:
        resolutions.drop(folder, tree, place)
        answer = {"removed": str(place)}
        text = f"{place} was removed"
    else:
        patch, file, command = resolutions.take_back(folder, tree, place)
        answer = {"patch": patch, "file": file, "removed": str(place), "next": command}
        what = f"{file} is as you resolved it" if file else "no hand edit any more"
        text = f"patch {patch}: {what}\nnow run '{one_line(command)}' again"
    say(as_json(answer, indent=2) if args.json else text)
    return 0


def _show(made: Plan | None, args: argparse.Namespace, folder: Path) -> None:
    if args.json:
        answer = {"changes": [], "notes": [], "written": False}
        if made:
            answer = {
                "version": made.version.version,
                "base": made.base,
                "tip": made.tip,
                "changes": [asdict(change) for change in made.changes],
                "notes": list(made.notes),
                "written": not args.dry_run,
            }
        say(as_json(answer, indent=2))
        return
    if made is None:
        say("nothing to absorb: the branch is as it was made")
        return
    for note in made.notes:
        say(f"reroll: note: {note}", sys.stderr)
    for change in made.changes:
        source = f" [{change.commit[:12]}]" if change.commit else ""
        say(f"{change.patch + ': ' if change.patch else ''}{change.what}{source}")
    if not made.changes:
        say("the campaign makes these commits already")
    if args.dry_run:
        say("nothing was written")
    else:
        say(f"now run '{_next(made, folder)}'")


def _next(made: Plan, folder: Path) -> str:
    """The command that makes the branch anew."""
    number = made.version.version
    if journal.accepted(folder, number):
        return "reroll next"
    if store.numbers(folder)[0] < number:  # so that the changelog tells it
        return f"reroll next --again --base {made.base[:12]}"
    return f"reroll generate -v {number} --base {made.base[:12]}"
