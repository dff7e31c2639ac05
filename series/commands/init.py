"""``reroll init``: a new series folder from a bundled campaign, or from one rule."""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import get_args

from generator.campaign import FILE_NAME, Split, load
from generator.errors import RerollError, UsageError
from generator.rule import Rule, read_rule
from generator.rules import bundled_folder, find_rule
from generator.spatch import Engine, find_spatch
from series import options
from series.output import say
from series.skeleton import campaign_text

EXAMPLE = "reroll init my-series --campaign frame_vector"


def bundled() -> list[str]:
    """The names of the campaigns that come with reroll."""
    return sorted(path.parent.name for path in bundled_folder().glob(f"*/{FILE_NAME}"))


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "init",
        help="make a series folder from a bundled campaign or a rule",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--campaign", metavar="NAME", help="the bundled campaign to copy")
    source.add_argument(
        "--rule", metavar="FILE", help="a semantic patch, or the name of a bundled one"
    )
    parser.add_argument(
        "--split",
        choices=get_args(Split),
        default="none",
        help="with --rule: one patch per maintainer, subsystem, directory or file",
    )
    options.add_define(parser)
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Make a series folder in a place that does not exist yet, or is empty."""
    folder = options.folder_of(args) / args.folder
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:  # a name too long, a folder of somebody else
        raise UsageError(f"{folder}: {error.strerror}") from error
    if taken:
        raise UsageError(f"{folder}: exists already", hint="name a folder that does not")
    if args.rule:
        what = f"a campaign of the rule {args.rule}"
        fill = _of_rule(args)
    else:
        what = f"the campaign '{args.campaign}'"
        fill = _of_campaign(args)
    _make(folder, fill, keep=not args.dry_run)
    where = folder if args.directory != "." or args.folder == "." else args.folder
    following = f"reroll -C {where} --tree LINUX generate"
    if args.json:
        say(json.dumps({"folder": str(folder), "next": following}))
    else:
        say(f"{folder}: {what}; next: {following}")
    return 0


def _of_campaign(args: argparse.Namespace) -> Callable[[Path], None]:
    """How to fill a folder with a bundled campaign."""
    names = bundled()
    if args.campaign not in names:
        raise UsageError(
            f"there is no campaign '{args.campaign}'", hint=f"there are: {', '.join(names)}"
        )
    if args.split != "none" or args.define:
        raise UsageError("--split and -D go with --rule", hint="edit series.toml of the new folder")
    source = bundled_folder() / args.campaign
    ignored = shutil.ignore_patterns("__pycache__", "versions")
    return lambda folder: _copy(source, folder, ignored)


def _of_rule(args: argparse.Namespace) -> Callable[[Path], None]:
    """How to fill a folder with a campaign of one rule, which is read first."""
    path = find_rule(args.rule, options.folder_of(args))
    if not re.fullmatch(r"[\w.+-]+\.cocci(?:\.j2)?", path.name):
        raise UsageError(f"{args.rule}: the name of a rule ends in .cocci, and is plain")
    values = options.rule_values(path, args.define)
    rule = read_rule(path, name=path.name, **values)  # type: ignore[arg-type]
    given = {name: value for group in values.values() for name, value in group.items()}
    _check(rule, args)
    name = Path(args.folder).absolute().name
    text = campaign_text(rule, path.name, name=name, split=args.split, values=given)

    def fill(folder: Path) -> None:
        shutil.copyfile(path, folder / path.name)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
        load(folder)

    return fill


def _check(rule: Rule, args: argparse.Namespace) -> None:
    """Let spatch read the rule; say what is missing for a series worth reading."""
    if not rule.scripts:
        spatch = find_spatch(options.settings_of(args).spatch)
        with Engine(spatch, rule, timeout=30, jobs=1) as engine:
            engine.tokens()
    if not rule.description:
        note = "the rule has no '///' line: titles and messages of the patches say little"
        say(f"reroll: note: {note}", sys.stderr)


def _copy(source: Path, folder: Path, ignored: Callable[..., set[str]]) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)


def _make(folder: Path, fill: Callable[[Path], None], *, keep: bool) -> None:
    """Fill a temporary folder and, to ``keep`` it, put it in its place: all or nothing."""
    try:
        if keep:
            folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent if keep else None))
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        fill(temporary)
        temporary.chmod(0o755)
        if keep and folder.exists():
            # It may be somebody's current directory: it stays the same one.
            for item in temporary.iterdir():
                item.rename(folder / item.name)
        elif keep:
            temporary.rename(folder)
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
