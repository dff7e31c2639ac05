"""``reroll collect``: read replies: tags, withdrawals, comments."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.errors import UsageError
from series import collecting, options, people, store
from series.collecting import Collected
from series.output import say
from series.trailers import Tag
from series.version import Version

EXAMPLE = "reroll -C my-series collect ~/mail/my-series.mbox"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "collect",
        help="read replies: tags, withdrawals, comments",
        description="Read mailboxes and keep what answers this series in replies/; bring "
        "trailers.toml and comments.toml up to date.  Without MBOX only the latter.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "words",
        metavar="MBOX",
        nargs="*",
        help="an mbox, a maildir or a mail, also with gzip; '-': standard input",
    )
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """Collect, and show each tag with its state, what is not taken, and what was new."""
    folder = options.folder_of(args)
    with _mailboxes(args.words) as paths, nullcontext() if args.dry_run else store.lock(folder):
        made = collecting.collect(
            folder,
            paths,
            lambda version, given: _people(args, version, given),
            dry_run=args.dry_run,
        )
    for note in made.notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        say(json.dumps(_json(made)))
        return 0
    _show(made)
    end = "nothing was written: " if args.dry_run else ""
    say(f"{end}{_summary(made)}")
    return 0


@contextmanager
def _mailboxes(words: Sequence[str]) -> Iterator[list[Path]]:
    """The paths to read; standard input is kept in a file, because it is read twice."""
    if words.count("-") > 1:
        raise UsageError("collect: '-' is given twice")
    with TemporaryDirectory(prefix="reroll-mail-") as place:
        paths = []
        for word in words:
            path = Path(word).expanduser()
            if word == "-":
                path = Path(place) / "standard-input"
                with path.open("wb") as file:
                    while block := sys.stdin.buffer.read(1 << 20):
                        file.write(block)
            paths.append(path)
        yield paths


def _people(args: argparse.Namespace, version: Version, given: Sequence[str]) -> people.People:
    """Who is who by the tree's mailmap, where a tree is named."""
    from series import addresses

    settings = options.settings_of(args)
    real = [one for one in dict.fromkeys(given) if not addresses.problem(one)]
    if not settings.tree or not real:
        return people.People()
    with closing(options.tree_of(args, settings)) as tree:
        return people.by_mailmap(tree, version.base or "HEAD", real)


def _show(made: Collected) -> None:
    """The tags by patch, and lines that gave none."""
    titles = {
        patch.id: f"{patch.title} (v{version.version} {patch.number})"
        for version in made.known
        for patch in version.patches
    }
    shown = None
    for tag in made.tags:
        if tag.patch != shown:
            shown = tag.patch
            say(f"{shown}: {titles.get(shown, '')}" if shown else "of no patch")
        say(f"  {'+' if tag.taken else '-'} {tag.trailer}")
        say(f"    v{tag.version}, {_why(tag)}; {' '.join(tag.messages)}")
    loose = [one for one in made.accounts if not one.patches]
    if loose:
        say("not taken:")
    for one in loose:
        say(f"  {one.patch or 'cover letter'}: {one.text}")
        say(f"    v{one.version}, {one.state}: {one.why}; {one.sender} {one.message_id}")


def _why(tag: Tag) -> str:
    decided = f", you decided: {tag.decision}" if tag.decision else ""
    reason = f": {tag.why}" if tag.why else ""
    return f"{tag.state}{decided}{reason}"


def _summary(made: Collected) -> str:
    still = made.comments.open
    taken = sum(tag.taken for tag in made.tags)
    parts = [
        f"{made.new} new of {made.mails} replies",
        *(f"version {number} is new" for number in made.versions),
        f"{len(made.tags)} tags, {taken} to take, {len(made.changed)} new or changed",
        f"{len(still)} open comments, {len(made.comments.new)} new",
    ]
    return "; ".join(parts)


def _json(made: Collected) -> dict[str, object]:
    changed = set(made.changed)
    return {
        "replies": made.mails,
        "new": made.new,
        "versions": list(made.versions),
        "tags": [{**asdict(tag), "taken": tag.taken, "new": tag in changed} for tag in made.tags],
        "lines": [asdict(one) for one in made.accounts],
        "comments": {
            "open": len(made.comments.open),
            "new": len(made.comments.new),
            "all": len(made.comments.all),
        },
        "notes": list(made.notes),
    }
