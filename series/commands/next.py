"""``reroll next``: version N+1 of a series that was posted."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from series import changes, options, rerolling, sites, store
from series.changes import Changes, PatchChange
from series.output import as_json, say
from series.progress import progress
from series.rerolling import Rerolled, Wish

EXAMPLE = "reroll -C my-series --tree ~/linux next --base v5.11-rc1"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "next",
        help="the next version: rules again, tags carried, what changed",
        description="Makes the version after the newest one: the rules run again, tags that "
        "survive are carried, changelog lines are offered.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "--base", metavar="REV", default="", help="the commit to work on from now on"
    )
    parser.add_argument(
        "--prefix",
        metavar="TEXT",
        default="",
        help="other words for the subjects: PATCH, RFC PATCH",
    )
    parser.add_argument(
        "--range-diff",
        action="store_true",
        help="show what is different in the cover letter, from now on",
    )
    parser.add_argument(
        "--no-changelog", action="store_true", help="add no lines to the changelogs"
    )
    parser.add_argument(
        "--anyway", action="store_true", help="even where the newest version was not sent"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="the newest version once more, if it was not sent, with its changelog lines",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a branch that holds other work"
    )
    options.add_skip_unmatched(parser)
    options.add_spatch(parser)
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Make the next version, and say what became of each patch and tag."""
    folder = options.folder_of(args)
    tree = options.tree_of(args, options.settings_of(args))
    wish = Wish(
        folder=folder,
        tree=tree,
        settings=lambda campaign: options.settings_of(args, campaign),
        base=args.base,
        prefix=args.prefix,
        range_diff=args.range_diff,
        changelog=not args.no_changelog,
        anyway=args.anyway,
        again=args.again,
        force=args.force,
        skip_unmatched=args.skip_unmatched,
        allow_scripts=args.allow_scripts,
        dry_run=args.dry_run,
    )
    try:
        with store.lock(folder):
            made = rerolling.reroll(wish, lambda: progress(quiet=args.json))
        notes = (*tree.notes, *made.outcome.notes)
    finally:
        tree.close()
    for note in notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        say(as_json(_as_json(made), indent=2))
    else:
        _show(made, dry_run=args.dry_run)
    return 0


def _as_json(made: Rerolled) -> dict[str, object]:
    return {
        "versions": [
            {
                "name": one.new.name,
                "version": one.new.version,
                "base": one.new.base,
                "previous": one.old.version,
                "previous_base": one.old.base,
                "patches": [asdict(change) for change in one.patches],
                "pairs": [asdict(pair) for pair in one.pairs],
            }
            for one in made.changes
        ],
        "changelog": made.lines,
        "changelog_removed": made.removed,
        "skipped": [asdict(one) for one in made.outcome.skipped],
        "notes": made.outcome.notes,
    }


def _show(made: Rerolled, *, dry_run: bool) -> None:
    for one in made.changes:
        _show_version(one)
    for generated in made.outcome.generated:
        version = generated.version
        place = store.version_dir(generated.request.campaign.folder, version.version)
        if dry_run:
            say(f"nothing was written; it would be {place}")
        else:
            say(f"branch {version.branch}, tag {version.tag}; mails in {place}")
    for name, ledger in made.outcome.rest.items():
        if ledger.sites:
            say(f"in no shard of {name}:")
            sites.show(ledger, "  ")
    _show_lines(made.removed, "removed from", dry_run=dry_run)
    _show_lines(made.lines, "added to", dry_run=dry_run)
    if made.lines and not dry_run:
        say("read them, correct them there, and run 'reroll generate' again")


def _show_lines(lines: Mapping[str, tuple[str, ...]], what: str, *, dry_run: bool) -> None:
    """What becomes of lines of changelogs, by the id of their patch."""
    count = sum(map(len, lines.values()))
    verb = "would be" if dry_run else "was" if count == 1 else "were"
    if lines:
        say(f"{count} changelog line{'' if count == 1 else 's'} {verb} {what} series.toml:")
    for name, texts in lines.items():
        for line in texts:
            say(f"  {name or 'the series'}: {line}")


def _show_version(one: Changes) -> None:
    old, new = one.old, one.new
    say(f"{new.name} v{new.version} on {new.base_name}: {new.title}")
    if old.base and old.base != new.base:
        say(f"v{old.version} was on {old.base_name or old.base[:12]}")
    total = len(new.patches)
    for change in one.patches:
        _show_patch(change, total, one)


def _show_patch(change: PatchChange, total: int, one: Changes) -> None:
    if not change.number:
        why = f": {change.why}" if change.why else ""
        say(f"  gone: {change.title} [{change.id}]{why}")
        for line in _facts(change):
            say(f"      {line}")
        return
    moved = f", was {change.before}" if change.before not in (0, change.number) else ""
    number = f"{change.number:>{len(str(total))}}/{total}"
    say(f"  {number} {change.title} ({change.status}{moved})")
    for line in _facts(change):
        say(f"      {line}")
    for patch in one.new.patches:
        if patch.id == change.id:
            for reason in patch.skipped_steps:
                say(f"      step left out: {reason}")


def _facts(change: PatchChange) -> Iterator[str]:
    """What is to be said of a patch, one line each."""
    if change.was:
        yield f"was: {change.was}"
    if change.files:
        yield f"differs in: {', '.join(change.files)}"
    if change.appeared:
        yield f"new call sites, converted: {changes.counted(change.appeared)}"
    if change.gone:
        yield f"call sites that went away: {changes.counted(change.gone)}"
    for tag in change.carried:
        yield f"kept: {tag.trailer} ({tag.why})"
    for tag in change.dropped:
        yield f"not taken: {tag.trailer} (v{tag.version}; {tag.why})"
