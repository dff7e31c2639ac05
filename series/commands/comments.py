"""``reroll comments``: what reviewers want; what became of it."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from generator.errors import UsageError
from series import addresses, comments, journal, options, store
from series.campaign_file import CampaignFile
from series.comments import Comment
from series.output import say
from series.version import Version

EXAMPLE = "reroll -C my-series comments 4f2a9c-1b --fixed --note 'takes the lock' --changelog"


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "comments",
        help="what reviewers want: list it, mark what became of it",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="a comment, by its id or the beginning of it; the part before '-' is all of a mail",
    )
    states = parser.add_mutually_exclusive_group()
    for state, text in (
        ("fixed", "the series was changed so"),
        ("declined", "it stays as it is"),
        ("answered", "it was answered by mail"),
    ):
        states.add_argument(
            f"--{state}", dest="state", action="store_const", const=state, help=f"mark: {text}"
        )
    states.add_argument(
        "--open", dest="state", action="store_const", const="open", help="mark as open again"
    )
    parser.add_argument("--note", metavar="TEXT", help="what became of it, in your words")
    parser.add_argument(
        "--changelog",
        action="store_true",
        help="with --fixed: put a line in the reviewer's name into the next version's changelog",
    )
    parser.add_argument("--patch", metavar="ID", help="only those on this patch ('' the cover)")
    parser.add_argument(
        "-v",
        "--reroll-count",
        dest="version",
        type=options.positive,
        metavar="N",
        help="only those on version N",
    )
    parser.add_argument(
        "--suggested", action="store_true", help="only those that a later mail of yours answers"
    )
    parser.add_argument("--all", action="store_true", help="list those that are not open, too")
    parser.add_argument("--check", action="store_true", help="exit with 1 when some are open")
    options.add_dry_run(parser, "write")


def run(args: argparse.Namespace) -> int:
    """List comments, or mark them."""
    folder = options.folder_of(args)
    marks = args.state is not None or args.note is not None
    if args.changelog and args.state != "fixed":
        raise UsageError("--changelog is for comments that are marked --fixed")
    if marks and not args.dry_run:
        with store.lock(folder):
            return _mark(args, folder)
    return _mark(args, folder) if marks else _list(args, folder)


def _list(args: argparse.Namespace, folder: Path) -> int:
    known = comments.read(folder)
    chosen = _chosen(args, known)
    if not (args.all or args.ids):
        chosen = [one for one in chosen if one.state == "open"]
    left = [one for one in chosen if one.state == "open"]
    if args.json:
        say(json.dumps([asdict(one) for one in chosen], ensure_ascii=False))
    else:
        _show(folder, chosen, messages=bool(args.ids))
        say(_count(known, left))
    return 1 if args.check and left else 0


def _count(known: Sequence[Comment], left: Sequence[Comment]) -> str:
    """How many of ``left`` are open, and what else is known."""
    told = sum(one.suggested != "" for one in left)
    closed = sum(one.state != "open" for one in known)
    parts = [
        f"{len(left)} open",
        f"{told} of them answered by mail, it seems (--suggested)" if told else "",
        f"{closed} closed (--all shows them)" if closed else "",
    ]
    return ", ".join(part for part in parts if part)


def _chosen(args: argparse.Namespace, known: Sequence[Comment]) -> list[Comment]:
    """The comments that the words and options of the command line name."""
    chosen = comments.select(known, args.ids) if args.ids else known
    if args.patch is not None and not any(one.patch == args.patch for one in known):
        patches = ", ".join(dict.fromkeys(one.patch or "''" for one in known))
        raise UsageError(
            f"--patch {args.patch}: there is no comment on it",
            hint=f"there are comments on: {patches}" if patches else "run 'reroll collect' first",
        )
    return [
        one
        for one in chosen
        if args.patch in (None, one.patch)
        and args.version in (None, one.version)
        and (one.suggested or not args.suggested)
    ]


def _mark(args: argparse.Namespace, folder: Path) -> int:
    """Mark what the command line names, and offer changelog lines for what is fixed."""
    if not (args.ids or args.suggested or args.patch is not None or args.version):
        raise UsageError("no comment is named", hint="give ids, --patch ID, -v N or --suggested")
    known = comments.read(folder)
    chosen = _chosen(args, known)
    if not args.ids and args.state != "open":  # what was marked before stays so
        chosen = [one for one in chosen if one.state == "open"]
    ids = [one.id for one in chosen]
    lines = _changelog(args, folder, chosen) if args.state == "fixed" else []
    if not args.dry_run:
        if lines and _wanted(args, lines):
            _write_changelog(folder, lines)
        comments.mark(folder, ids, args.state, args.note)
    if args.json:
        say(json.dumps({"marked": ids, "changelog": [list(line) for line in lines]}))
        return _code(args, folder)
    end = "nothing was written; would mark" if args.dry_run else "marked"
    what = f" {args.state}" if args.state else ""
    say(f"{end} {len(ids)} comment{'' if len(ids) == 1 else 's'}{what}")
    return _code(args, folder)


def _code(args: argparse.Namespace, folder: Path) -> int:
    return 1 if args.check and comments.open_ones(folder) else 0


def _changelog(
    args: argparse.Namespace, folder: Path, chosen: Iterable[Comment]
) -> list[tuple[int, str, str]]:
    """The lines to offer: version, patch of series.toml (empty: the cover), text."""
    versions = _versions(folder)
    patches = {one.id: one.of or one.id for made in versions for one in made.patches}
    out = [made.version for made in versions if _is_out(folder, made)]
    found = []
    for one in chosen:
        noted = replace(one, note=args.note) if args.note is not None else one
        number = max([*out, one.version]) + 1
        found.append((number, patches.get(one.patch, one.patch), comments.changelog_line(noted)))
    return list(dict.fromkeys(found))


def _versions(folder: Path) -> list[Version]:
    return [store.read(folder, number) for number in store.numbers(folder)]


def _is_out(folder: Path, version: Version) -> bool:
    return version.source == "mails" or bool(journal.accepted(folder, version.version))


def _wanted(args: argparse.Namespace, lines: Sequence[tuple[int, str, str]]) -> bool:
    """Show the lines; whether they go into series.toml."""
    if not args.json:
        for number, patch, text in lines:
            say(f"changelog of v{number}, {patch or 'cover letter'}: {text}")
    if args.changelog:
        return True
    if args.json or not sys.stdin.isatty():
        if not args.json:
            say("(--changelog puts such lines into series.toml)")
        return False
    answer = input("Put this into series.toml? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _write_changelog(folder: Path, lines: Sequence[tuple[int, str, str]]) -> None:
    file = CampaignFile(folder)
    for number, patch, text in lines:
        # A patch that is no more has no changelog: the cover letter tells of it.
        file.add_changelog(patch if patch in file.ids else None, number, [text])
    file.save()


def _show(folder: Path, chosen: Sequence[Comment], *, messages: bool) -> None:
    """The comments by patch, in the order of the newest version; ``messages``: with the mails."""
    order = _order(folder)
    groups: dict[str, list[Comment]] = {}
    for one in sorted(chosen, key=lambda one: order.get(one.patch, (len(order) + 1, ""))[0]):
        groups.setdefault(one.patch, []).append(one)
    for patch, members in groups.items():
        title = order.get(patch, (0, ""))[1]
        say(f"{patch or 'cover letter'}{f': {title}' if title else ''}")
        for one in sorted(members, key=lambda one: (one.version, one.date)):
            _show_one(one)
            if messages and one.message:
                say(f"      in {one.message}")
        say("")


def _order(folder: Path) -> dict[str, tuple[int, str]]:
    """Number and title of each patch, as the newest version that has it says."""
    found: dict[str, tuple[int, str]] = {"": (0, "")}
    for version in _versions(folder):
        found |= {one.id: (one.number, one.title) for one in version.patches}
    return found


def _show_one(one: Comment) -> None:
    place = f"{'~' if one.approximate else ''}{one.line}" if one.line else ""
    where = f"{one.file}:{place}" if one.file and place else one.file
    name = addresses.split(one.author)[0] or one.author
    state = one.state if one.state != "open" else f"{one.suggested}?" if one.suggested else ""
    words = (f"v{one.version}", where, name, f"({state})" if state else "")
    say(f"  {one.id}  {'  '.join(word for word in words if word)}")
    if one.quote:
        say(f"      > {one.quote}")
    say(f"      {one.excerpt}")
    if one.note:
        say(f"      note: {one.note}")
    for line in one.forced:
        say(f"      sent all the same: {line}")
