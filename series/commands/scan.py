"""``reroll scan``: try rules on a tree; the diff and the ledger, nothing written."""

import argparse
import json
import sys
from pathlib import Path

from generator.conversion import Order
from generator.errors import UsageError
from generator.rule import read_rule
from generator.rules import find_bundled, find_rule, nearest
from generator.scan import Scan, scan
from generator.tree import Tree, Worktree
from series import options, records, sites, workbench
from series.output import one_line, say
from series.progress import progress
from series.settings import Settings

EXAMPLE = "reroll scan generic/rename-function -D old=follow_pfn -D new=look_up_pfn --tree ~/linux"
_SUFFIXES = (".cocci", ".cocci.j2")
_SHOWN = 40


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "scan",
        help="try semantic patches: the diff, and every site they are about",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="RULE|PATH",
        help="semantic patches (files, the tree's scripts/coccinelle/..., or bundled ones by "
        "name), then files and directories of the tree to look at (default: all)",
    )
    parser.add_argument("--base", metavar="REV", default="HEAD", help="the commit to look at")
    options.add_define(parser)
    parser.add_argument(
        "--exclude",
        metavar="PATH=REASON",
        action="append",
        default=[],
        help="a file or directory to leave out, and why",
    )
    parser.add_argument(
        "--describe",
        metavar="NAME=TEXT",
        action="append",
        default=[],
        help="what the kernel-doc says of a new parameter or member",
    )
    parser.add_argument(
        "--token",
        dest="tokens",
        metavar="WORD",
        action="append",
        default=[],
        help="account for this word instead of those that the rules change",
    )
    parser.add_argument(
        "--remaining",
        choices=("none", "explained", "any"),
        help="which sites may be left for status 0 (default: as the rules say, else explained)",
    )
    parser.add_argument("--repeat", action="store_true", help="run a rule until it is stable")
    parser.add_argument("--no-kernel-doc", action="store_true", help="leave kernel-doc as it is")
    parser.add_argument("--no-style", action="store_true", help="leave the layout to spatch")
    parser.add_argument(
        "--all",
        action="store_true",
        help="list every site that is left, also those that need no look",
    )
    options.add_spatch(parser)


def run(args: argparse.Namespace) -> int:
    """Scan; status 1 when nothing matches or a site is left that ``--remaining`` forbids."""
    settings = options.settings_of(args)
    tree = options.tree_of(args, settings)
    try:
        for note in tree.notes:
            say(f"reroll: note: {note}", sys.stderr)
        found = _scan(args, settings, tree)
    finally:
        tree.close()
    args.remaining = args.remaining or found.remaining
    _show(found, args)
    troubles = _troubles(found, args.remaining)
    shown = troubles if args.all else troubles[:_SHOWN]
    for trouble in shown:
        say(f"reroll: {one_line(trouble)}", sys.stderr)
    if len(troubles) > len(shown):
        say(f"reroll: and {len(troubles) - len(shown)} more (--all)", sys.stderr)
    if not found.diff:
        say("reroll: nothing matches", sys.stderr)
    return 1 if troubles or not found.diff else 0


def _scan(args: argparse.Namespace, settings: Settings, tree: Tree) -> Scan:
    with (
        tree.worktree(tree.resolve(args.base)) as worktree,
        progress(quiet=args.json) as report,
        workbench.bench(
            worktree,
            settings,
            workbench.Spatches(settings.spatch),
            allow_scripts=args.allow_scripts,
            progress=report,
        ) as bench,
    ):
        found = scan(bench, _orders(args, worktree))
    for note in workbench.notes(bench.store):
        say(f"reroll: note: {note}", sys.stderr)
    return found


def _orders(args: argparse.Namespace, worktree: Worktree) -> list[Order]:
    """The rules among the words of the command line, each with the paths that are there, too."""
    rules: list[Path] = []
    paths: list[str] = []
    for word in args.words:
        path = _rule_path(word, options.folder_of(args), worktree)
        if path:
            rules.append(path)
        elif word.endswith(_SUFFIXES):
            find_rule(word, options.folder_of(args))  # says what is wrong
        else:
            paths.append(_tree_path(word, worktree))
    if not rules:
        find_rule(args.words[0], options.folder_of(args))
    exclude = options.pairs(args.exclude, "--exclude")
    for name in exclude:
        _tree_path(name, worktree)
    return [
        Order(
            rule=read_rule(rule, name=rule.name, **options.rule_values(rule, args.define)),  # type: ignore[arg-type]
            paths=tuple(paths),
            exclude=exclude,
            tokens=tuple(args.tokens),
            repeat=args.repeat,
            kernel_doc=None if args.no_kernel_doc else options.pairs(args.describe, "--describe"),
            style=not args.no_style,
        )
        for rule in rules
    ]


def _rule_path(word: str, folder: Path, worktree: Worktree) -> Path | None:
    """The rule that ``word`` names: a file, one of the tree's own, or a bundled one."""
    if word.endswith(_SUFFIXES):
        if (folder / word).is_file():
            return folder / word
        if word.startswith("scripts/coccinelle/") and worktree.exists(word):
            return worktree.file(word)
    return find_bundled(word)


def _tree_path(word: str, worktree: Worktree) -> str:
    """A path as the tree knows it; ``UsageError`` when it is not in there."""
    path = word.rstrip("/").removeprefix("./") or "."
    if word.startswith("/") or ".." in path.split("/"):
        raise UsageError(f"{word}: paths count from the root of the tree, and stay in it")
    if path != "." and not worktree.exists(path):
        raise UsageError(
            f"there is no {word} in the tree, and no rule of that name",
            hint=nearest(word)
            or "paths count from the root of the tree; rules end in .cocci or come with reroll",
        )
    return path


def _troubles(found: Scan, remaining: str) -> list[str]:
    if remaining == "any":
        return []
    troubles = [str(site) for site in found.ledger.offending(remaining)]
    for conversion in found.conversions:
        troubles += conversion.troubles
        troubles += [f"{text} (--describe NAME=TEXT)" for text in conversion.undescribed]
    return troubles


def _show(found: Scan, args: argparse.Namespace) -> None:
    ledger = records.ledger(found.ledger)
    if args.json:
        from pydantic import TypeAdapter

        answer = {
            "diff": found.diff.decode("utf-8", "backslashreplace"),
            "candidates": [item.candidates for item in found.conversions],
            "changed": sorted({path for item in found.conversions for path in item.changed}),
            "ledger": TypeAdapter(type(ledger)).dump_python(ledger, mode="json"),
            "troubles": _troubles(found, args.remaining),
        }
        say(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    # Bytes as they are: the diff is for git apply.
    sys.stdout.flush()
    sys.stdout.buffer.write(found.diff)
    sys.stdout.flush()
    for note in dict.fromkeys(note for item in found.conversions for note in item.notes):
        say(f"reroll: note: {note}", sys.stderr)
    # What is wrong is said last, each with our name in front.
    wrong = {str(site.bucket) for site in found.ledger.offending(args.remaining)}
    sites.show(ledger, everything=args.all, apart=wrong, stream=sys.stderr)
