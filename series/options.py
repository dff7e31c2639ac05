"""What several verbs need from a command line: declared once, read once."""

import argparse
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import CampaignError, UsageError
from generator.tree import Tree
from series import settings as settings_module
from series.settings import Settings
from series.version import Version

if TYPE_CHECKING:
    from generator.campaign import Campaign


def add_version(parser: argparse.ArgumentParser) -> None:
    """``-v N``: which version of the series."""
    parser.add_argument(
        "-v",
        "--reroll-count",
        dest="version",
        type=positive,
        metavar="N",
        help="the version of the series (default: as series.toml says, else the newest)",
    )


def add_dry_run(parser: argparse.ArgumentParser, what: str) -> None:
    """``-n``: do everything but ``what``."""
    parser.add_argument("-n", "--dry-run", action="store_true", help=f"{what} nothing")


def add_skip_unmatched(parser: argparse.ArgumentParser) -> None:
    """``--skip-unmatched``: as if every patch had ``unmatched = "skip"``."""
    parser.add_argument(
        "--skip-unmatched",
        action="store_true",
        help="leave out, and name, every patch that matches nothing on this base",
    )


def add_allow_scripts(parser: argparse.ArgumentParser) -> None:
    """``--allow-scripts``: run the script rules of semantic patches."""
    parser.add_argument(
        "--allow-scripts",
        action="store_true",
        help="run script:python and script:ocaml rules, which can do anything you can",
    )


def add_define(parser: argparse.ArgumentParser) -> None:
    """``-D``: the values that a rule asks for."""
    parser.add_argument(
        "-D",
        dest="define",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a virtual identifier of a .cocci file, or a parameter of a .cocci.j2 template",
    )


def add_spatch(parser: argparse.ArgumentParser) -> None:
    """How spatch is run."""
    parser.add_argument("--spatch", metavar="FILE", help="the spatch to use")
    parser.add_argument("--timeout", metavar="SECONDS", help="spatch's limit a file (120)")
    parser.add_argument("--jobs", metavar="N", help="processes at a time (default: processors)")
    parser.add_argument(
        "--executor", metavar="local|dask", help="what runs spatch: this machine, or a cluster"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster: tls://HOST:PORT or tcp://..."
    )
    add_allow_scripts(parser)


def positive(text: str) -> int:
    """A whole number from 1; ``argparse.ArgumentTypeError`` for anything else."""
    if not text.isdecimal() or not 1 <= int(text) <= 99999:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def folder_of(args: argparse.Namespace) -> Path:
    """The series folder: ``-C DIR``, else the current directory."""
    return Path(args.directory).absolute()


def settings_of(args: argparse.Namespace, campaign: "Campaign | None" = None) -> Settings:
    """Defaults, git config (of the tree, where one is named), series.toml, command line.

    Where nobody names a tree, it is the one that we are called in.
    """
    folder = folder_of(args)
    here = folder if folder.is_dir() else Path(os.curdir)
    known = settings_module.merge(settings_module.from_git(here), vars(args))
    around = "" if known.tree else _kernel_around(Path.cwd())
    known = replace(known, tree=known.tree or around)
    if known.tree and Path(known.tree).expanduser().is_dir():
        known = settings_module.from_git(_tree_path(known, args))
    if campaign is not None:
        known = settings_module.with_campaign(known, campaign.settings)
    known = settings_module.merge(known, vars(args))
    known = replace(known, tree=known.tree or around)
    if getattr(args, "scheduler", None) and known.executor != "dask":
        raise UsageError(f"--scheduler {args.scheduler}: goes with --executor dask")
    return known


def _kernel_around(here: Path) -> str:
    """The kernel tree that ``here`` is in, or empty: it counts where nobody named another."""
    # A folder above may be one that we may not look into.
    with suppress(OSError):
        for place in (here, *here.parents):
            if (place / ".git").exists():
                return str(place) if (place / "MAINTAINERS").is_file() else ""
    return ""


def _tree_path(settings: Settings, args: argparse.Namespace) -> Path:
    """--tree counts from where the command runs, a configured tree from the series folder."""
    path = Path(settings.tree).expanduser()
    return path if getattr(args, "tree", None) else folder_of(args) / path


def tree_of(args: argparse.Namespace, settings: Settings) -> Tree:
    """The Linux tree to work on; ``UsageError`` when none is named or it is no repository."""
    if not settings.tree:
        raise UsageError(
            "no Linux tree is named",
            hint="give --tree DIR, or 'git config --global reroll.tree DIR', or call it in one",
        )
    return Tree(_tree_path(settings, args))


def outdated_recipients(args: argparse.Namespace, version: Version) -> str:
    """What to say when ``version`` was addressed under other rules than there are now, or empty.

    Nothing where no tree is named or the campaign cannot be read.
    """
    from generator import campaign
    from series import planning

    folder, settings = folder_of(args), settings_of(args)
    if not settings.tree or not (folder / campaign.FILE_NAME).is_file():
        return ""
    try:
        declared = campaign.load(folder)
        with closing(tree_of(args, settings)) as tree:
            return planning.outdated(version, declared, settings_of(args, declared), tree)
    except CampaignError:
        return ""


def pairs(words: Sequence[str], option: str) -> dict[str, str]:
    """The ``NAME=VALUE`` words of an option; ``UsageError`` for anything else."""
    found = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not (name and separator and value):
            raise UsageError(f"{option} {word}: must be NAME=VALUE")
        if name in found:
            raise UsageError(f"{option} {word}: '{name}' is given twice")
        found[name] = value
    return found


def rule_values(rule: Path, define: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """``-D`` words as the kind of rule takes them: identifiers, or values as TOML has them."""
    given = pairs(define, "-D")
    if not rule.name.endswith(".j2"):
        return {"defines": given}
    return {"parameters": {name: _typed(value) for name, value in given.items()}}


def _typed(text: str) -> object:
    """``text`` as a number, truth value or list, where TOML reads it as one; else as it is."""
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, int | bool | list) else text


def typed(args: argparse.Namespace) -> Callable[[str], str]:
    """What makes commands in hints ones that can be typed as they stand, from where we are."""
    words = ["reroll"]
    words += [] if args.directory == "." else ["-C", args.directory]
    words += ["--tree", args.tree] if args.tree else []
    version = f" -v {args.version}" if args.version else ""

    def complete(found: "re.Match[str]") -> str:
        return f"'{shlex.join(words)} {found[1]}{version if found[1] == 'check' else ''}"

    return lambda text: re.sub(r"'reroll (\w+)", complete, text)
