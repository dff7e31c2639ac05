"""``reroll scan``: try rules on a tree; the diff and the ledger, nothing written."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

from generator import process
from generator.conversion import Bench, Order
from generator.errors import UsageError
from generator.progress import Progress, silent
from generator.rule import read_rule
from generator.rules import find_bundled, find_rule, nearest
from generator.scan import Scan, scan
from generator.tree import Tree, Worktree
from series import options, sites, workbench
from series.json_lines import JsonLines, decoded
from series.output import as_json, one_line, say
from series.progress import progress
from series.settings import Settings
from series.version import LedgerRecord

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
        help="list every site that is left, also those that need no look; with --watch, show "
        "every diff, also those that are as before",
    )
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="JSON as things happen, an object a line; the last one is what --json prints",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="run again whenever a rule's file is saved, until ^C, and show what is new: what "
        "spatch itself makes of the files, without ledger, second run, layout and kernel-doc",
    )
    options.add_spatch(parser)


def run(args: argparse.Namespace) -> int:
    """Scan; status 1 when nothing matches or a site is left that ``--remaining`` forbids."""
    _check(args)
    settings = options.settings_of(args)
    lines = JsonLines() if args.json_lines else None
    tree = options.tree_of(args, settings)
    with closing(tree):
        if args.watch:
            _note(tree.notes)
            return _watch(args, settings, tree)
        found = _scan(args, settings, tree, lines)
        _note(tree.notes)  # now it may be known
    args.remaining = args.remaining or found.remaining
    _show(found, args, lines)
    troubles = _troubles(found, args.remaining)
    shown = troubles if args.all else troubles[:_SHOWN]
    for trouble in shown:
        say(f"reroll: {one_line(trouble)}", sys.stderr)
    if len(troubles) > len(shown):
        say(f"reroll: and {len(troubles) - len(shown)} more (--all)", sys.stderr)
    if not found.diff:
        say("reroll: nothing matches", sys.stderr)
    return 1 if troubles or not found.diff else 0


def _note(notes: Sequence[str]) -> None:
    for note in notes:
        say(f"reroll: note: {note}", sys.stderr)


def _check(args: argparse.Namespace) -> None:
    """``UsageError`` for options that exclude each other."""
    if args.json and args.json_lines:
        raise UsageError(
            "--json and --json-lines: only one of them", hint="--json-lines ends as --json"
        )
    if not args.watch:
        return
    for option in ("json", "json_lines", "repeat", "remaining"):
        if getattr(args, option):
            raise UsageError(
                f"--watch goes without --{option.replace('_', '-')}",
                hint="it shows what spatch itself makes of the files, until ^C",
            )


def _scan(
    args: argparse.Namespace, settings: Settings, tree: Tree, lines: JsonLines | None
) -> Scan:
    with (
        tree.worktree(tree.resolve(args.base)) as worktree,
        progress(quiet=args.json or args.json_lines) as report,
        _bench(args, settings, worktree, lines.progress if lines else report) as bench,
    ):
        orders = _Words(args, worktree).orders()
        if lines:
            told = replace(bench, told=lines.files)
            found = scan(told, orders, lambda order: lines.begin(order.rule.name))
        else:
            found = scan(bench, orders)
    for note in workbench.notes(bench.store):
        say(f"reroll: note: {note}", sys.stderr)
    return found


def _watch(args: argparse.Namespace, settings: Settings, tree: Tree) -> int:
    """Run the rules whenever they are saved; status 0 when ^C ends that."""
    from series.watching import Watch

    try:
        with (
            tree.worktree(tree.resolve(args.base)) as worktree,
            _bench(args, settings, worktree, silent) as bench,
        ):
            words = _Words(args, worktree)
            for rule in words.rules:
                if worktree.holder in rule.parents:
                    raise UsageError(
                        f"{rule.name}: is the base's, which nobody edits",
                        hint="--watch needs the path of a file",
                    )
            Watch(bench, words.rules, words.order, progress, everything=args.all).run()
    except KeyboardInterrupt:
        process.kill_all()
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # behind the "^C" that the terminal shows
    return 0


def _bench(
    args: argparse.Namespace, settings: Settings, worktree: Worktree, report: Progress
) -> AbstractContextManager[Bench]:
    return workbench.bench(
        worktree,
        settings,
        workbench.Spatches(settings.spatch),
        allow_scripts=args.allow_scripts,
        progress=report,
    )


class _Words:
    """The words of the command line: rules, and paths that are there."""

    def __init__(self, args: argparse.Namespace, worktree: Worktree) -> None:
        self._args = args
        self.rules: list[Path] = []
        self._paths: list[str] = []
        folder = options.folder_of(args)
        for word in args.words:
            path = _rule_path(word, folder, worktree)
            if path:
                self.rules.append(path)
            elif word.endswith(_SUFFIXES):
                find_rule(word, folder)  # says what is wrong
            else:
                self._paths.append(_tree_path(word, worktree))
        if not self.rules:
            find_rule(args.words[0], folder)
        self._exclude = options.pairs(args.exclude, "--exclude")
        for name in self._exclude:
            _tree_path(name, worktree)

    def orders(self) -> list[Order]:
        """The rules, each with the paths and how it is to be run."""
        return [self.order(rule) for rule in self.rules]

    def order(self, rule: Path) -> Order:
        """One of them, as its file is now."""
        args = self._args
        values = options.rule_values(rule, args.define)
        return Order(
            rule=read_rule(rule, name=rule.name, **values),  # type: ignore[arg-type]
            paths=tuple(self._paths),
            exclude=self._exclude,
            tokens=tuple(args.tokens),
            repeat=args.repeat,
            kernel_doc=None if args.no_kernel_doc else options.pairs(args.describe, "--describe"),
            style=not args.no_style,
        )


def _rule_path(word: str, folder: Path, worktree: Worktree) -> Path | None:
    """The rule that ``word`` names: a file, one of the tree's own, or a bundled one."""
    if word.endswith(_SUFFIXES):
        if (folder / word).is_file():
            return folder / word
        if word.startswith("scripts/coccinelle/") and worktree.exists(word):
            return worktree.extracted(word)
    return find_bundled(word)


def _tree_path(word: str, worktree: Worktree) -> str:
    """A path as the tree knows it; ``UsageError`` when it is not in there."""
    path = word.rstrip("/").removeprefix("./") or "."
    if word.startswith("/") or ".." in path.split("/"):
        raise UsageError(f"{word}: paths count from the root of the tree, and stay in it")
    if path != "." and not worktree.exists(path):
        raise UsageError(
            f"there is no {word} in the tree, and no rule of that name{worktree.likely(path)}",
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


def _show(found: Scan, args: argparse.Namespace, lines: JsonLines | None) -> None:
    ledger = LedgerRecord.of(found.ledger)
    if args.json or lines:
        from pydantic import TypeAdapter

        answer = {
            "diff": decoded(found.diff),
            "candidates": [item.candidates for item in found.conversions],
            "changed": sorted({path for item in found.conversions for path in item.changed}),
            "ledger": TypeAdapter(type(ledger)).dump_python(ledger, mode="json"),
            "troubles": _troubles(found, args.remaining),
        }
        if lines:
            lines.result(answer)
        else:
            # ASCII: what say() makes of a control character is no escape of JSON's.
            say(as_json(answer, indent=2))
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
