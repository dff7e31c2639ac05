"""``reroll apply``: a version onto another tree."""

import argparse
from dataclasses import asdict

from series import application, options, store
from series.output import as_json, say

EXAMPLE = "reroll -C my-series --tree ~/linux-next apply -v 7 --onto origin/master"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "apply", help="apply a version to another tree with git am -3", epilog=f"example: {EXAMPLE}"
    )
    options.add_version(parser)
    parser.add_argument("--onto", metavar="REV", default="HEAD", help="where to (default: HEAD)")
    parser.add_argument(
        "--branch", metavar="NAME", help="the branch to make (reroll/SERIES-vN-applied)"
    )
    parser.add_argument("--force", action="store_true", help="replace a branch that exists")
    options.add_dry_run(parser, "move")


def run(args: argparse.Namespace) -> int:
    """Apply, and say whether the tree is what was generated."""
    folder = options.folder_of(args)
    version = store.read(folder, args.version)
    tree = options.tree_of(args, options.settings_of(args))
    try:
        applied = application.apply_version(
            folder,
            version,
            tree,
            onto=tree.resolve(args.onto),
            branch=tree.branch_name(args.branch or application.default_branch(version)),
            force=args.force,
            dry_run=args.dry_run,
        )
    finally:
        tree.close()
    if args.json:
        say(as_json(asdict(applied)))
        return 0
    verb = "would apply" if args.dry_run else "applied"
    say(f"{verb} {len(version.patches)} patches: branch {applied.branch} at {applied.tip[:12]}")
    same = "identical to" if applied.identical else "not the same as"
    known = f", {same} the tree that was generated" if version.tree else ""
    say(f"tree {applied.tree}{known}")
    return 0
