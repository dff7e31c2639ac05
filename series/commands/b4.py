"""``reroll b4``: hand a series over to ``b4 prep``, or take one from it."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from generator import campaign as campaign_module
from generator.campaign import FILE_NAME
from generator.errors import UsageError
from generator.suggestion import ending
from generator.tree import Tree
from series import b4_branch, b4_import, b4_source, imported, new_folder, options, store
from series.b4_import import Folder
from series.b4_source import Source
from series.output import as_json, say

EXAMPLE = "reroll -C my-series --tree ~/linux b4 export -v 7"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "b4", help="hand a series over to b4, or take one from it", epilog=f"example: {EXAMPLE}"
    )
    ways = parser.add_subparsers(dest="way", metavar="export|import", required=True)
    export = ways.add_parser("export", help="make a branch that b4 prep, trailers and send know")
    options.add_version(export)
    export.add_argument(
        "--branch", metavar="NAME", help="the branch to make (default: b4/ and the series' name)"
    )
    export.add_argument(
        "--force", action="store_true", help="replace a branch that holds other work"
    )
    options.add_dry_run(export, "write")
    taking = ways.add_parser("import", help="take over a branch of b4 prep, or mails of b4 send")
    taking.add_argument("source", metavar="BRANCH|MBOX", help="a branch of the tree, or a mailbox")
    taking.add_argument(
        "--cover-only",
        action="store_true",
        help="take the cover letter alone, whatever became of the commits",
    )
    options.add_dry_run(taking, "write")
    for way in (export, taking):
        _add_common(way)


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The options of all verbs are understood behind the second word, too."""
    parser.add_argument("-C", dest="directory", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--tree", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )


def run(args: argparse.Namespace) -> int:
    """Export a version, or import what b4 has."""
    return _export(args) if args.way == "export" else _import(args)


def _export(args: argparse.Namespace) -> int:
    folder = options.folder_of(args)
    with store.lock(folder), _tree(args) as tree:
        version = store.read(folder, args.version)
        branch = args.branch or f"b4/{version.name.lower()}"
        made = b4_branch.prepare(tree, folder, version, branch, force=args.force)
        if not args.dry_run:
            b4_branch.install(tree, made)
    for note in made.notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        facts = {
            "branch": branch,
            "tip": made.tip,
            "base": made.base,
            "revision": made.tracking.revision,
            "change_id": made.tracking.change_id,
            "prefixes": made.tracking.prefixes,
            "tags": sorted(made.tags),
            "notes": made.notes,
        }
        say(as_json(facts, indent=2))
        return 0
    count = len(version.patches)
    say(f"{branch}: v{version.version}, {count} patch{'es' if count != 1 else ''}")
    for name in sorted(made.tags):
        say(f"tag {name}")
    say("nothing was written" if args.dry_run else f"next: git checkout {branch}; b4 prep ...")
    return 0


@contextmanager
def _tree(args: argparse.Namespace) -> Iterator[Tree]:
    tree = options.tree_of(args, options.settings_of(args))
    try:
        yield tree
    finally:
        tree.close()


def _import(args: argparse.Namespace) -> int:
    folder = options.folder_of(args)
    is_file = Path(args.source).is_file() or Path(args.source).is_dir()
    if is_file and not options.settings_of(args).tree:
        return _take(args, folder, None)
    with _tree(args) as tree:
        return _take(args, folder, tree)


def _take(args: argparse.Namespace, folder: Path, tree: Tree | None) -> int:
    branch = b4_branch.find(tree, args.source) if tree else ""
    if tree is not None and branch:
        source = b4_source.of_branch(tree, branch)
    elif Path(args.source).exists():
        source = b4_source.of_mails(Path(args.source))
    else:
        where = f"{tree.path} and " if tree else ""
        known = b4_branch.names(tree) if tree else []
        raise UsageError(
            f"{args.source}: {where}the file system have no branch and no mailbox of that name"
            f"{ending(args.source, known)}"
        )
    if (folder / FILE_NAME).exists():
        return _update(args, folder, tree, source)
    return _create(args, folder, tree, source)


def _update(args: argparse.Namespace, folder: Path, tree: Tree | None, source: Source) -> int:
    with store.lock(folder):
        made = b4_import.update(tree, folder, source, cover_only=args.cover_only)
        if made.changes and not args.dry_run:
            made.file.save()
    ending = "nothing was written" if args.dry_run or not made.changes else "written"
    _report(args, folder, made.changes, made.notes, ending)
    return 0


def _create(args: argparse.Namespace, folder: Path, tree: Tree | None, source: Source) -> int:
    made = b4_import.new_folder(tree, source)
    _require_free(folder, made.files)
    new_folder.make(folder, lambda place: _fill(place, made, source), keep=not args.dry_run)
    changes = [f"{FILE_NAME}: {source.cover.title}", *sorted(made.files)]
    ending = "nothing was written" if args.dry_run else f"next: reroll -C {folder} generate"
    _report(args, folder, changes, made.notes, ending)
    return 0


def _report(
    args: argparse.Namespace,
    folder: Path,
    changes: Sequence[str],
    notes: Sequence[str],
    ending: str,
) -> None:
    for note in notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        facts = {"folder": str(folder), "changes": list(changes), "notes": list(notes)}
        say(as_json(facts, indent=2))
        return
    for change in changes:
        say(change)
    say(f"{folder}: {ending}")


def _fill(folder: Path, made: Folder, source: Source) -> None:
    for name, content in made.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / FILE_NAME).write_text(made.text, encoding="utf-8")
    campaign_module.load(folder)
    if source.found:
        with store.lock(folder):
            imported.record(folder, source.found, made.ids)


def _require_free(folder: Path, files: Mapping[str, bytes]) -> None:
    """``UsageError`` when the folder has something where the series would be."""
    tops = {FILE_NAME, "versions", *(re.split("/", name)[0] for name in files)}
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is not a folder", hint="name another one with -C DIR")
        taken = sorted(name for name in tops if (folder / name).exists())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    if taken:
        raise UsageError(
            f"{folder}: has {taken[0]} already, and no {FILE_NAME}",
            hint="name a new folder with -C DIR",
        )
