"""``reroll doctor``: what this machine lacks for reroll, and how to get it."""

import argparse
import os
from contextlib import closing, nullcontext
from pathlib import Path
from shutil import which

from generator.errors import RerollError
from generator.tree import Tree
from series import doctor, options
from series.output import as_json, say
from series.settings import Settings

EXAMPLE = "reroll --tree ~/linux doctor"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    verbs.add_parser(
        "doctor",
        help="what this machine lacks for reroll, and how to get it",
        description="Names the programs, settings and files that reroll works with: what is "
        "there, what is not, and the command that mends it. Sends nothing, changes nothing. "
        "Status 1 when something is missing that is needed.",
        epilog=f"example: {EXAMPLE}",
    )


def run(args: argparse.Namespace) -> int:
    """Look, and tell; status 1 when something is missing that is needed."""
    settings, misset = _settings(args)
    tree, trouble = _tree(args, settings)
    with closing(tree) if tree else nullcontext():
        folder = options.folder_of(args)
        cwd = tree.path if tree else folder if folder.is_dir() else Path(os.curdir)
        found = doctor.examine(settings, tree, cwd=cwd, trouble=trouble, misset=misset)
    if args.json:
        say(as_json(doctor.as_json(found), indent=2))
    else:
        say("\n".join(doctor.lines(found)))
    return 0 if doctor.healthy(found) else 1


def _settings(args: argparse.Namespace) -> tuple[Settings, str]:
    """The settings, or the usual ones and what is wrong with those that there are."""
    try:
        return options.settings_of(args), ""
    except RerollError as error:
        # Without git there are none.
        return Settings(tree=args.tree or ""), str(error) if which("git") else ""


def _tree(args: argparse.Namespace, settings: Settings) -> tuple[Tree | None, str]:
    """The tree that is named, or why it cannot be used; neither where none is named."""
    if not settings.tree:
        return None, ""
    try:
        return options.tree_of(args, settings), ""
    except RerollError as error:
        return None, str(error)
