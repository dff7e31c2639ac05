"""``reroll generate``: campaign → commits → ``versions/vN/``."""

import argparse
import json
import shlex
import sys

from generator import campaign as campaign_module
from generator.campaign import Campaign
from series import generate, options, sites, store
from series.generate import Outcome
from series.output import as_json, say
from series.progress import progress
from series.version import Version

EXAMPLE = "reroll -C my-series --tree ~/linux generate -v 7"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "generate",
        help="run the campaign: commits, patches, cover letter",
        epilog=f"example: {EXAMPLE}",
    )
    options.add_version(parser)
    parser.add_argument(
        "--base", metavar="REV", help="the commit to work on (default: series.toml, else HEAD)"
    )
    options.add_skip_unmatched(parser)
    options.add_spatch(parser)
    parser.add_argument(
        "--force", action="store_true", help="replace a branch that holds other work"
    )
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Generate a version and install it."""
    campaign = campaign_module.load(options.folder_of(args))
    if args.skip_unmatched:
        campaign = campaign.skipping()
    settings = options.settings_of(args, campaign)
    tree = options.tree_of(args, settings)
    try:
        request = generate.Request(
            campaign=campaign,
            tree=tree,
            settings=settings,
            version=_number(args, campaign),
            base=tree.resolve(args.base or campaign.series.base or "HEAD"),
            force=args.force,
            allow_scripts=args.allow_scripts,
            keep_conflicts=not args.dry_run,
            command=_command(args),
        )
        for note in tree.notes:
            say(f"reroll: note: {note}", sys.stderr)
        with store.lock(campaign.folder):
            with progress(quiet=args.json) as report:
                outcome = generate.generate(request, report)
            if not args.dry_run:
                generate.install(request, outcome.generated)
    finally:
        tree.close()
    _show(outcome, args)
    return 0


def _command(args: argparse.Namespace) -> str:
    """The command line that asks for the same again."""
    words = ["reroll", "generate", *(["-v", str(args.version)] if args.version else [])]
    words += ["--base", args.base] if args.base else []
    flags = ("skip_unmatched", "force", "allow_scripts")
    return shlex.join([*words, *(f"--{one.replace('_', '-')}" for one in flags if vars(args)[one])])


def _number(args: argparse.Namespace, campaign: Campaign) -> int:
    """The version: as asked for, as series.toml says, else the newest there is, else 1."""
    if args.version:
        return int(args.version)
    return campaign.series.version or max(store.numbers(campaign.folder), default=1)


def _show(outcome: Outcome, args: argparse.Namespace) -> None:
    for note in outcome.notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        every = [json.loads(store.dump(one.version)) for one in outcome.generated]
        # In ASCII: what is printed has no character that a terminal would obey.
        say(as_json(every[0] if len(every) == 1 else every, indent=2))
        return
    for one in outcome.generated:
        _show_version(one.version)
        place = store.version_dir(one.request.campaign.folder, one.version.version)
        if args.dry_run:
            say(f"nothing was written; it would be {place}")
        else:
            say(f"branch {one.version.branch}, tag {one.version.tag}; mails in {place}")
    for name, ledger in outcome.rest.items():
        if ledger.sites:
            say(f"in no shard of {name}:")
            sites.show(ledger, "  ")
    for skipped in outcome.skipped:
        say(f"left out: {skipped.title} [{skipped.id}]: {skipped.reason}")


def _show_version(version: Version) -> None:
    say(f"{version.name} v{version.version} on {version.base_name}: {version.title}")
    total = len(version.patches)
    for patch in version.patches:
        count = f"{len(patch.files)} file{'s' if len(patch.files) != 1 else ''}"
        say(
            f"  {patch.number:>{len(str(total))}}/{total} {patch.title} "
            f"({count}, +{patch.insertions} -{patch.deletions})"
        )
        for reason in patch.skipped_steps:
            say(f"      step left out: {reason}")
        for tag in patch.carried:
            say(f"      kept: {tag.trailer} ({tag.why})")
        for tag in patch.dropped:
            say(f"      not taken: {tag.trailer} (v{tag.version}; {tag.why})")
        if patch.rules:
            sites.show(patch.ledger, "      ")
