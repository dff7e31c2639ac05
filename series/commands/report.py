"""``reroll report``: the whole series as one page of HTML."""

import argparse
from pathlib import Path

from generator.campaign import FILE_NAME, load
from generator.errors import CampaignError, RerollError, UsageError
from series import archive, options, store
from series.checks import requirement
from series.lacking import lacking_checks
from series.output import as_json, one_line, say
from series.report import page
from series.report.words import count
from series.whole_file import write_whole

EXAMPLE = "reroll -C my-series report -o my-series.html"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "report",
        help="the whole series as one page of HTML",
        description="Writes one file that needs neither a network nor a script: versions and "
        "patches, tags, range-diffs, sites, recipients, comments, checks, mails.  Message-IDs "
        "link to the archive that git config reroll.archive names.  Needs no tree.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "-o", dest="output", metavar="FILE", required=True, help="the file to write"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page; status 0."""
    folder = options.folder_of(args)
    if not store.numbers(folder) and not (folder / FILE_NAME).is_file():
        raise UsageError(
            f"{folder}: there is no series here",
            hint="name its folder with -C DIR, or make one with 'reroll init DIR'",
        )
    store.read(folder)  # says so where there is no version
    path = _place(args.output)
    try:
        campaign = load(folder)
    except CampaignError:  # it is of no matter to what was made of it
        campaign = None
    settings = options.settings_of(args, campaign)
    made = page.build(
        folder,
        archive=archive.followed(settings.archive, cwd=folder),
        required=requirement.required(settings).names,
        missing=lambda found: lacking_checks(args, found),
    )
    try:
        write_whole(path, made.content)
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error
    size = len(made.content)
    if args.json:
        say(as_json({"format": 1, "file": str(path), "bytes": size}, indent=2))
        return 0
    amounts = (
        count(made.versions, "version"),
        count(made.patches, "patch"),
        count(made.mails, "mail"),
    )
    say(f"{one_line(str(path))}: {', '.join(amounts)}, {(size + 1023) // 1024} KB")
    return 0


def _place(output: str) -> Path:
    """The file to write; ``UsageError`` for what is there and is no file."""
    path = Path(output)
    try:
        path = path.resolve()  # a link stays one
        if path.exists() and not path.is_file():
            raise UsageError(f"{output or '-o'}: is not a regular file", hint="name a file")
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{output}: is no path to write to: {error}") from error
    return path
