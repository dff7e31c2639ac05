"""``reroll adopt``: let semantic patches make what a hand-written patch does."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from generator import campaign as campaign_module
from generator.campaign import Campaign
from generator.errors import RerollError, UsageError
from series import adopting, options, sites, store, workbench
from series.adopting import Rules, Trial
from series.output import as_json, one_line, say
from series.progress import progress
from series.version import LedgerRecord

EXAMPLE = "reroll -C my-series --tree ~/linux adopt exynos-pages pages.cocci --paths drivers/gpu"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "adopt",
        help="let semantic patches make what a hand-written patch does",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="ID RULE",
        help="the patch's id, then semantic patches (files, or bundled ones by name)",
    )
    parser.add_argument(
        "--paths",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="run the rules on these files and directories only",
    )
    options.add_define(parser)
    parser.add_argument(
        "--base", metavar="REV", help="the commit to work on (default: series.toml, else HEAD)"
    )
    parser.add_argument(
        "--swap", action="store_true", help="put the rules in place of the hand-written step"
    )
    parser.add_argument(
        "--keep-rest",
        action="store_true",
        help="with --swap: keep what the rules leave as a second apply step",
    )
    options.add_spatch(parser)
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Compare; with ``--swap`` write series.toml.  Status 1 when they differ and nothing was."""
    if len(args.words) < 2:
        raise UsageError("adopt needs a patch's id and at least one rule", hint=EXAMPLE)
    if args.keep_rest and not args.swap:
        raise UsageError("--keep-rest goes with --swap")
    folder = options.folder_of(args)
    campaign = campaign_module.load(folder)
    name, *words = args.words
    adopting.hand_written(campaign, name)
    rules = _rules(args, campaign.folder, words)
    trial = _compare(args, campaign, name, rules)
    swapped = False
    if args.swap:
        with store.lock(folder):
            file = adopting.swap(campaign, trial, rules, keep_rest=args.keep_rest)
            if not args.dry_run:
                file.save()
                swapped = True
    _show(args, trial, swapped=swapped)
    return 0 if trial.same or args.swap else 1


def _rules(args: argparse.Namespace, folder: Path, words: list[str]) -> Rules:
    """The rules that are named, as steps."""
    found: list[tuple[str, Mapping[str, object]]] = []
    files: dict[str, bytes] = {}
    for word in words:
        try:
            path, name, copied = adopting.find(folder, word)
        except OSError as error:
            raise RerollError(f"{one_line(word)}: cannot be read: {error.strerror}") from error
        values = options.rule_values(path, args.define)
        keys = {"defines": "define", "parameters": "parameters"}
        found.append((name, {keys[key]: value for key, value in values.items() if value}))
        files |= copied
    return adopting.rules_of(found, args.paths, files)


def _compare(args: argparse.Namespace, campaign: Campaign, name: str, rules: Rules) -> Trial:
    settings = options.settings_of(args, campaign)
    tree = options.tree_of(args, settings)
    try:
        base = tree.resolve(args.base or campaign.series.base or "HEAD")
        with (
            tree.worktree(base) as worktree,
            progress(quiet=args.json) as report,
            workbench.bench(
                worktree,
                settings,
                workbench.Spatches(settings.spatch),
                allow_scripts=args.allow_scripts,
                progress=report,
            ) as bench,
        ):
            return adopting.compare(campaign, tree, bench, name, rules)
    finally:
        tree.close()


def _show(args: argparse.Namespace, trial: Trial, *, swapped: bool) -> None:
    ledger = LedgerRecord.of(trial.ledger)
    kept = args.keep_rest and bool(trial.rest)
    if args.json:
        from pydantic import TypeAdapter

        answer = {
            "patch": trial.patch,
            "same": trial.same,
            "files": [
                {"path": file.path, "added": file.added, "removed": file.removed}
                for file in trial.files
            ],
            "diff": trial.diff.decode("utf-8", "backslashreplace"),
            "unmatched": trial.unmatched,
            "ledger": TypeAdapter(type(ledger)).dump_python(ledger, mode="json"),
            "swapped": swapped,
            "rest": adopting.rest_name(trial.patch) if kept else "",
        }
        say(as_json(answer, indent=2))
        return
    for text in trial.unmatched:
        say(f"reroll: note: {one_line(text)}", sys.stderr)
    if trial.same:
        say(f"patch {trial.patch}: the rules make the same change")
    else:
        _show_difference(trial)
    sites.show(ledger)
    if args.swap:
        _show_swap(trial, kept=kept, swapped=swapped)


def _show_swap(trial: Trial, *, kept: bool, swapped: bool) -> None:
    if not swapped:
        say("nothing was written")
        return
    say(f"patch {trial.patch}: series.toml has the rules in place of the hand-written diff")
    if kept:
        say(f"what they leave is in {adopting.rest_name(trial.patch)}, a step of its own")
    elif not trial.same:
        say("the difference above is in the series no more (--keep-rest keeps it)")


def _show_difference(trial: Trial) -> None:
    count = len(trial.files)
    where = f"{count} file{'' if count == 1 else 's'}"
    say(f"patch {trial.patch}: the rules make another change in {where} (-: by hand, +: by rule):")
    for file in trial.files:
        say(f"  {one_line(file.path)} +{file.added} -{file.removed}")
    say(trial.diff.decode("utf-8", "backslashreplace").rstrip("\n"))
