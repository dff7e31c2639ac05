"""``reroll init``: a new series folder from a bundled campaign."""

import argparse
import shutil
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

from generator.campaign import FILE_NAME
from generator.errors import RerollError, UsageError
from series import options
from series.output import say

EXAMPLE = "reroll init my-series --campaign frame_vector"


def bundled() -> list[str]:
    """The names of the campaigns that come with reroll."""
    root = files("semantic_patches")
    return sorted(item.name for item in root.iterdir() if (item / FILE_NAME).is_file())


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "init", help="make a series folder from a bundled campaign", epilog=f"example: {EXAMPLE}"
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    parser.add_argument("--campaign", metavar="NAME", required=True, help="the campaign to copy")
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Copy a bundled campaign to a folder that does not exist yet, or is empty."""
    names = bundled()
    if args.campaign not in names:
        raise UsageError(
            f"there is no campaign '{args.campaign}'", hint=f"there are: {', '.join(names)}"
        )
    folder = options.folder_of(args) / args.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists already", hint="name a folder that does not")
    if not args.dry_run:
        _copy(Path(str(files("semantic_patches") / args.campaign)), folder)
    following = f"reroll -C {args.folder} --tree LINUX generate"
    say(f"{folder}: the campaign '{args.campaign}'; next: {following}")
    return 0


def _copy(source: Path, folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        ignored = shutil.ignore_patterns("__pycache__", "versions")
        shutil.copytree(source, temporary, dirs_exist_ok=True, ignore=ignored)
        temporary.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
