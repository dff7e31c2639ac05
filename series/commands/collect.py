"""``reroll collect``: read replies: tags, withdrawals, comments."""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.errors import UsageError
from series import collecting, options, people, store
from series.collecting import Collected
from series.output import as_json, say
from series.trailer_file import Tag
from series.version import Version

# What a line has where nobody looks at it on a terminal.
_COLUMNS = 80
# Of a message id that nobody has the mail of.
_SHORT_ID = 40

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
            lambda version, given: people_of(args, version, given),
            dry_run=args.dry_run,
        )
    for note in made.notes:
        say(f"reroll: note: {note}", sys.stderr)
    if args.json:
        say(as_json(_json(made)))
        return 0
    _show(made)
    end = "nothing was written: " if args.dry_run else ""
    _say(0, f"{end}{_summary(made)}")
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


def people_of(args: argparse.Namespace, version: Version, given: Sequence[str]) -> people.People:
    """Who is who by the tree's mailmap, where a tree is named."""
    from series import addresses

    settings = options.settings_of(args)
    real = [one for one in dict.fromkeys(given) if not addresses.problem(one)]
    if not settings.tree or not real:
        return people.People()
    with closing(options.tree_of(args, settings)) as tree:
        return people.by_mailmap(tree, version.base or "HEAD", real)


def _show(made: Collected) -> None:
    """The tags by patch, and lines that gave none; each folded under its entry."""
    titles = {
        patch.id: f"{patch.title} (v{version.version} {patch.number})"
        for version in made.known
        for patch in version.patches
    }
    shown = None
    for tag in made.tags:
        if tag.patch != shown:
            shown = tag.patch
            _say(0, f"{shown}: {titles.get(shown, '')}" if shown else "of no patch")
        _say(2, f"{'+' if tag.taken else '-'} {tag.trailer}")
        who = "; ".join(made.written.get(name, _short(name)) for name in tag.messages)
        _say(4, "; ".join(filter(None, (f"v{tag.version}, {_why(tag)}", who))))
    loose = [one for one in made.accounts if not one.patches]
    if loose:
        say("not taken:")
    for one in loose:
        _say(2, f"{one.patch or 'cover letter'}: {one.text}")
        who = made.written.get(one.message_id, _short(one.message_id))
        _say(4, f"v{one.version}, {one.state}: {one.why}; {who}")


def _say(indent: int, text: str) -> None:
    """Print ``text`` with an indent, folded at the width of the terminal, never cut."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _COLUMNS
    lines = textwrap.wrap(
        text,
        max(width, _COLUMNS // 2),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    say("\n".join(lines))


def _short(name: str) -> str:
    """The beginning of a message id."""
    return name if len(name) <= _SHORT_ID else f"{name[:_SHORT_ID]}..."


def _why(tag: Tag) -> str:
    decided = f", you decided: {tag.decision}" if tag.decision else ""
    reason = f": {tag.why}" if tag.why else ""
    return f"{tag.state}{decided}{reason}"


def _summary(made: Collected) -> str:
    parts = [
        f"{made.new} new of {made.mails} replies",
        *(f"version {number} is new" for number in made.versions),
        f"{found(made)}, {len(made.changed)} new or changed",
        f"{counted(len(made.comments.open), 'open comment')}, {len(made.comments.new)} new",
    ]
    return "; ".join(parts)


def found(made: Collected) -> str:
    """How many tags there are, and how many of them go into the next version."""
    taken = sum(tag.taken for tag in made.tags)
    return f"{counted(len(made.tags), 'tag')}, {taken} to take"


def counted(number: int, what: str) -> str:
    """A number of things: "1 tag", "2 tags"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


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
