"""``reroll init``: a new series folder from a bundled campaign, a rule, or a posted series."""

import argparse
import posixpath
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import get_args

from generator.campaign import FILE_NAME, Split, load
from generator.errors import ExpectedFailureError, UsageError
from generator.rule import Rule, read_rule
from generator.rules import bundled_folder, find_rule
from generator.spatch import Engine, find_spatch
from generator.suggestion import meant
from generator.tree import Tree
from series import (
    collecting,
    imported,
    mailbox_files,
    new_folder,
    options,
    posted_campaign,
    posted_mails,
    posting,
    recipients,
    wishes,
)
from series.addresses import key
from series.collecting import Collected
from series.commands import collect
from series.mail import Mail
from series.output import as_json, one_line, say
from series.posted_campaign import Made
from series.posting import Posting
from series.skeleton import campaign_text

EXAMPLE = "reroll init my-series --campaign frame_vector"


def bundled() -> list[str]:
    """The names of the campaigns that come with reroll."""
    return sorted(path.parent.name for path in bundled_folder().glob(f"*/{FILE_NAME}"))


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "init",
        help="make a series folder from a bundled campaign, a rule, or a posted series",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder to make")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="PATH",
        help="with --rule: files and directories of the tree to change (default: all)",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--campaign", metavar="NAME", help="the bundled campaign to copy")
    source.add_argument(
        "--rule", metavar="FILE", help="a semantic patch, or the name of a bundled one"
    )
    source.add_argument(
        "--from-mbox",
        metavar="F",
        help="the mails of a posted series: an mbox, a maildir; with --network also a "
        "message id in <> or the URL of a message",
    )
    parser.add_argument(
        "-v",
        "--reroll-count",
        dest="version",
        type=options.positive,
        metavar="N",
        help="with --from-mbox: the version to take (default: the newest in F)",
    )
    parser.add_argument(
        "--title", default="", metavar="WORDS", help="with --from-mbox: which series in F"
    )
    parser.add_argument(
        "--partial", action="store_true", help="with --from-mbox: go on without missing patches"
    )
    parser.add_argument(
        "--network", action="store_true", help="with --from-mbox: let b4 fetch a thread"
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
    command = _command(args, folder)
    if args.from_mbox is not None:
        return _run_from_mbox(args, folder, command)
    if args.version or args.title or args.partial or args.network:
        raise UsageError("-v, --title, --partial and --network go with --from-mbox")
    if args.words and not args.rule:
        raise UsageError(f"{args.words[0]}: only with --rule is a part of the tree named")
    if args.rule:
        what = f"a campaign of the rule {args.rule}"
        fill = _of_rule(args)
    else:
        what = f"the campaign '{args.campaign}'"
        fill = _of_campaign(args)
    new_folder.make(folder, fill, keep=not args.dry_run)
    following = f"{command} generate"
    if args.json:
        say(as_json({"folder": str(folder), "next": following}))
    else:
        say(f"{folder}: {what}; next: {following}")
    return 0


def _command(args: argparse.Namespace, folder: Path) -> str:
    """How reroll is called for the new series: with a tree that nobody named yet."""
    where = folder if args.directory != "." or args.folder == "." else args.folder
    words = ["reroll", "-C", str(where)]
    if getattr(args, "tree", None):
        words += ["--tree", args.tree]
    elif not options.settings_of(args).tree:
        words += ["--tree", "LINUX"]
    return shlex.join(words)


def _run_from_mbox(args: argparse.Namespace, folder: Path, command: str) -> int:
    """Make a series folder of a posted series, and say what was taken and what is odd."""
    if args.split != "none" or args.define or args.words:
        raise UsageError("--split, -D and PATH go with --rule")
    mails = _mails(args)
    found = _posted(args, mails)
    owners, notes = _owners(args, found)
    made = posted_campaign.make(found, owners)
    collected: list[Collected] = []

    def fill(place: Path) -> None:
        for name, content in made.files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_bytes(content)
        (place / FILE_NAME).write_text(made.text, encoding="utf-8")
        load(place)
        imported.record(place, found, made.ids)
        with _mailbox(args, mails) as path:
            collected.append(_replies(args, place, path))

    new_folder.make(folder, fill, keep=not args.dry_run)
    _show_posted(args, folder, found, made, (notes, collected[0], command))
    return 0


@contextmanager
def _mailbox(args: argparse.Namespace, mails: Sequence[Mail]) -> Iterator[Path]:
    """The mailbox that is named, or a file of the mails that came from the network."""
    if not posted_mails.on_network(args.from_mbox):
        yield Path(args.from_mbox)
        return
    with NamedTemporaryFile(prefix="reroll-mail-") as file:
        for one in mails:
            file.write(mailbox_files.escaped(one.content))
        file.flush()
        yield Path(file.name)


def _replies(args: argparse.Namespace, place: Path, mailbox: Path) -> Collected:
    """What the posted patches carry, and what people answered in the same mailbox.

    Other versions in it stay there: which of them count is for 'collect' to be told.
    """
    return collecting.collect(
        place,
        [mailbox],
        lambda version, given: collect.people_of(args, version, given),
        take=False,
    )


def _mails(args: argparse.Namespace) -> list[Mail]:
    """The mails that may be of the series; all of the thread, where it is on the network."""
    name = args.from_mbox
    if posted_mails.on_network(name):
        if not args.network:
            raise UsageError(
                f"{one_line(name)}: is on the network, which is only asked with --network",
                hint="or save the thread and name the file",
            )
        return posted_mails.in_archive(name)
    return posted_mails.in_mailbox(Path(name))


def _posted(args: argparse.Namespace, mails: Sequence[Mail]) -> Posting:
    """The posting that is asked for; what makes it useless is refused by name."""
    name = args.from_mbox
    every = posting.postings(mails)
    found = posted_mails.choose(every, name, args.version, args.title)
    if wrong := posted_campaign.outside(found):
        raise UsageError("; ".join(wrong[:5]), hint="nothing was written")
    if found.missing and not args.partial:
        gone = [line for line in found.problems if "missing" in line or "no whole diff" in line]
        older = [one.version for one in every if one.patches and not one.missing]
        whole = f"-v {older[-1]} takes the newest whole version; " if older else ""
        raise ExpectedFailureError(
            f"{name}: version {found.version} is not whole: {'; '.join(gone)}",
            hint=f"{whole}--partial goes on without",
        )
    return posting.with_patch_ids([found])[0]


def _owners(
    args: argparse.Namespace, found: Posting
) -> tuple[Sequence[frozenset[str]], Sequence[str]]:
    """Whom MAINTAINERS names for each patch, where a tree is named; and what is to be said."""
    if not getattr(args, "tree", None):
        return (), ()
    with closing(options.tree_of(args, options.settings_of(args))) as tree:
        base, notes = _base(tree, found)
        with tree.worktree(base) as worktree:
            records = imported.version_of(found, dict.fromkeys(range(found.count + 1), ""), name="")
            files = [patch.files for patch in records.patches]
            contents = [imported.plain(patch.mail) for patch in found.patches]
            named = wishes.from_maintainers(worktree, contents, files)
    return [frozenset(key(wish.address) for wish in one) for one in named], notes


def _base(tree: Tree, found: Posting) -> tuple[str, list[str]]:
    """The commit whose MAINTAINERS counts: the base of the posting, else HEAD."""
    if found.base:
        try:
            return tree.resolve(found.base), []
        except UsageError:
            return tree.resolve("HEAD"), [f"{tree.path} does not have the base {found.base[:12]}"]
    return tree.resolve("HEAD"), []


def _show_posted(
    args: argparse.Namespace,
    folder: Path,
    found: Posting,
    made: Made,
    more: tuple[Sequence[str], Collected, str],
) -> None:
    """Say what was made; ``more`` are notes, the replies, and how reroll is called next."""
    notes, collected, command = more
    odd = [*made.notes, *notes, *collected.notes]
    following = f"{command} next"
    if args.json:
        patches = [
            {"number": patch.number, "id": made.ids[patch.number], "title": patch.title}
            for patch in found.patches
        ]
        answer = {
            "folder": str(folder),
            "version": found.version,
            "title": found.cover_title,
            "base": found.base,
            "patches": patches,
            "replies": collected.mails,
            "tags": len(collected.tags),
            "comments": len(collected.comments.open),
            "other_versions": list(collected.untaken),
            "notes": odd,
            "next": following,
        }
        say(as_json(answer))
        return
    say(f"{folder}: version {found.version} as posted: {one_line(found.cover_title)}")
    for patch in found.patches:
        title = one_line(patch.title)
        say(
            f"  {patch.number:>{len(str(found.count))}}/{found.count} {title} "
            f"[{made.ids[patch.number]}]"
        )
    if not found.base:
        say("the mails name no base commit: give --base, or base in series.toml")
    for note in odd:
        say(f"odd: {one_line(note)}")
    say(
        f"replies: {collected.mails}; {collect.found(collected)}; "
        f"{collect.counted(len(collected.comments.open), 'open comment')}"
    )
    if collected.untaken:
        numbers = recipients.patches(collected.untaken).partition(" ")[2]
        which = f"version{'s' if len(collected.untaken) > 1 else ''} {numbers}"
        name = one_line(args.from_mbox)
        say(f"{name} is about {which}, too: '{command} collect {name}' reads these replies")
    say("nothing was written" if args.dry_run else f"next: {following}")


def _of_campaign(args: argparse.Namespace) -> Callable[[Path], None]:
    """How to fill a folder with a bundled campaign."""
    names = bundled()
    if args.campaign not in names:
        raise UsageError(
            f"there is no campaign '{args.campaign}'",
            hint=meant(args.campaign, names) or f"there are: {', '.join(names)}",
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
    words = _check(rule, args)
    name = Path(args.folder).absolute().name
    text = campaign_text(
        rule,
        path.name,
        name=name,
        split=args.split,
        values=given,
        words=words,
        paths=_parts(args.words),
    )

    def fill(folder: Path) -> None:
        shutil.copyfile(path, folder / path.name)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
        load(folder)

    return fill


def _parts(words: Sequence[str]) -> list[str]:
    """The paths, each once; none where one of them is the whole tree."""
    paths = list(dict.fromkeys(map(_part, words)))
    return [] if "." in paths else paths


def _part(word: str) -> str:
    """A path of the tree as git names it; ``UsageError`` for what is none."""
    path = posixpath.normpath(word)
    if not word or not word.isprintable() or path.startswith("/") or path.split("/")[0] == "..":
        raise UsageError(
            f"{one_line(word)}: is no path of the tree as git names it, such as drivers/media"
        )
    return path


def _check(rule: Rule, args: argparse.Namespace) -> Sequence[str]:
    """Let spatch read the rule; say what is missing for a series worth reading.

    Returns the words that a file must hold for the rule.
    """
    words: Sequence[str] = ()
    if not rule.scripts:
        spatch = find_spatch(options.settings_of(args).spatch)
        with Engine(spatch, rule, timeout=30, jobs=1) as engine:
            words = engine.tokens()
    if not rule.description:
        note = "the rule has no '///' line: say in series.toml what it does, in titles and messages"
        say(f"reroll: note: {note}", sys.stderr)
    return words


def _copy(source: Path, folder: Path, ignored: Callable[..., set[str]]) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)
