"""``reroll comments``: what reviewers want; what became of it."""

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from generator.campaign import load
from generator.errors import CampaignError, ExpectedFailureError, UsageError
from generator.suggestion import ending
from series import addresses, comment_file, comments, editor, journal, options, store
from series.campaign_file import CampaignFile
from series.comment_file import Comment
from series.output import as_json, printable, say
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
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--note", metavar="TEXT", help="what became of it, in your words")
    words.add_argument(
        "--edit", "-e", action="store_true", help="write that note in your editor (git's)"
    )
    parser.add_argument(
        "--changelog",
        action="store_true",
        help="with --fixed: put a line in the reviewer's name into the next version's changelog",
    )
    parser.add_argument(
        "--patch",
        action="append",
        metavar="ID",
        help="only those on this patch ('' the cover); may be given again",
    )
    parser.add_argument(
        "-v",
        "--reroll-count",
        dest="versions",
        action="append",
        type=options.positive,
        metavar="N",
        help="only those on version N; may be given again",
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
    marks = args.state is not None or args.note is not None or args.edit
    if args.edit and args.dry_run:
        raise UsageError("--edit does not go with -n: there is nothing to show before you write")
    if args.changelog and args.state != "fixed":
        raise UsageError("--changelog is for comments that are marked --fixed")
    if marks and not args.dry_run:
        with store.lock(folder):
            return _mark(args, folder)
    return _mark(args, folder) if marks else _list(args, folder)


def _list(args: argparse.Namespace, folder: Path) -> int:
    known = comment_file.read(folder)
    named = _chosen(args, known)
    left = [one for one in named if one.state == "open"]
    whole = args.all or bool(args.ids)
    chosen = named if whole else left
    if args.json:
        say(as_json([asdict(one) for one in chosen]))
    else:
        _show(folder, chosen, messages=bool(args.ids))
        say(_count(left, len(named) - len(left), whole=whole))
    return 1 if args.check and left else 0


def _count(left: Sequence[Comment], closed: int, *, whole: bool) -> str:
    """How many of the comments that were named are open; whether the closed ones are shown."""
    told = sum(one.suggested != "" for one in left)
    parts = [
        f"{len(left)} open",
        f"{told} of them answered by mail, it seems (--suggested)" if told else "",
        f"{closed} closed{'' if whole else ' (--all shows them)'}" if closed else "",
    ]
    return ", ".join(part for part in parts if part)


def _chosen(args: argparse.Namespace, known: Sequence[Comment]) -> list[Comment]:
    """The comments that the words and options of the command line name."""
    chosen = comment_file.select(known, args.ids) if args.ids else known
    for patch in args.patch or ():
        if any(one.patch == patch for one in known):
            continue
        named = dict.fromkeys(one.patch or "''" for one in known)
        patches = f"{', '.join(named)}{ending(patch, named)}"
        raise UsageError(
            f"--patch {patch}: there is no comment on it",
            hint=f"there are comments on: {patches}" if patches else "run 'reroll collect' first",
        )
    return [
        one
        for one in chosen
        if (not args.patch or one.patch in args.patch)
        and (not args.versions or one.version in args.versions)
        and (one.suggested or not args.suggested)
    ]


def _mark(args: argparse.Namespace, folder: Path) -> int:
    """Mark what the command line names, and offer changelog lines for what is fixed."""
    if not (args.ids or args.suggested or args.patch or args.versions):
        raise UsageError("no comment is named", hint="give ids, --patch ID, -v N or --suggested")
    known = comment_file.read(folder)
    chosen = _chosen(args, known)
    if not args.ids and args.state != "open":  # what was marked before stays so
        chosen = [one for one in chosen if one.state == "open"]
    ids = [one.id for one in chosen]
    if args.edit and chosen and not _edit(args, folder, chosen):
        raise ExpectedFailureError("nothing was marked: the note is empty, or as it was")
    lines = _changelog(folder, _noted(args, chosen)) if args.state == "fixed" else []
    stay = _still_told(folder, chosen) if args.state not in (None, "fixed") else []
    if not args.dry_run:
        told = 0
        if lines and _wanted(args, lines):
            _write_changelog(folder, lines)
            told = max(number for number, _, _ in lines)
        comment_file.mark(folder, ids, args.state, args.note, told)
    if args.json:
        answer = {"marked": ids, "changelog": lines, "changelog_stays": stay}
        say(as_json(answer))
        return _code(args, folder)
    for number, patch, text in stay:
        say(f"changelog of v{number}, {patch or 'cover letter'} still says: {text}")
    if stay:
        say("(take such lines out of series.toml where they are no longer so)")
    end = "nothing was written; would mark" if args.dry_run else "marked"
    what = f" {args.state}" if args.state else ""
    which = "" if ids == args.ids or not ids else f": {', '.join(ids)}"
    say(f"{end} {len(ids)} comment{'' if len(ids) == 1 else 's'}{what}{which}")
    return _code(args, folder)


def _edit(args: argparse.Namespace, folder: Path, chosen: Sequence[Comment]) -> bool:
    """Let the user write ``args.note``; whether there is something to write down."""
    notes = {one.note for one in chosen}
    before = notes.pop() if len(notes) == 1 else ""
    written = editor.edited(
        _form(before, chosen),
        name="COMMENT_NOTE",
        cwd=folder,
        otherwise=f"--note TEXT does it, or edit {folder / comment_file.NAME}",
    )
    args.note = " ".join(written.split())
    return bool(args.note) and (args.note != before or args.state is not None)


def _form(note: str, chosen: Sequence[Comment]) -> str:
    """What the editor shows.

    The first and the last five lines are ours: there, editors take text for their settings.
    """
    quoted = []
    for one in chosen:
        quoted += [f"{one.id}  v{one.version}  {one.file}  {one.author}".rstrip()]
        quoted += [f"    > {one.quote}"] if one.quote else []
        quoted += [f"    {one.excerpt}", ""]
    above = ["What became of what is below, in your words, in the lines above.", "", ""]
    below = [
        "",
        "Lines that begin with '#' are left out, and line ends are blanks:",
        "a note is one paragraph.",
        "With an empty note, or the one that was there and no new state,",
        "nothing is marked.",
    ]
    lines = [line for text in (*above, *quoted, *below) for line in text.split("\n")]
    return f"{note}\n\n" + "".join(f"# {printable(line)}".rstrip() + "\n" for line in lines)


def _noted(args: argparse.Namespace, chosen: Iterable[Comment]) -> list[Comment]:
    """The comments with the note that they get."""
    return [replace(one, note=args.note) if args.note is not None else one for one in chosen]


def _still_told(folder: Path, chosen: Iterable[Comment]) -> list[tuple[int, str, str]]:
    """The lines of series.toml that say of comments which were fixed that they are."""
    fixed = [one for one in chosen if one.state == "fixed"]
    if not fixed:
        return []
    try:
        campaign = load(folder)
    except CampaignError:  # whoever reads it says so
        return []
    told = {"": campaign.series.changelog, **{one.id: one.changelog for one in campaign.patches}}
    lines = _placed(told.keys(), _changelog(folder, fixed))
    return [(at, patch, text) for at, patch, text in lines if text in told[patch].get(at, ())]


def _code(args: argparse.Namespace, folder: Path) -> int:
    return 1 if args.check and comment_file.open_ones(folder) else 0


def _changelog(folder: Path, chosen: Iterable[Comment]) -> list[tuple[int, str, str]]:
    """The lines to offer: version, patch of series.toml (empty: the cover), text.

    The shards of a patch have one changelog: what is said of one of several is told on
    the cover letter.
    """
    versions = _versions(folder)
    patches = {one.id: one.of or one.id for made in versions for one in made.patches}
    shards: dict[str, str] = {}
    for made in versions:
        several = Counter(one.of for one in made.patches if one.of)
        shards |= {one.id: one.title for one in made.patches if several[one.of] > 1}
    out = [made.version for made in versions if _is_out(folder, made)]
    found = []
    for one in chosen:
        number = max([*out, one.version]) + 1
        line = comments.changelog_line(one)
        if one.patch in shards:
            found.append((number, "", f'"{shards[one.patch]}": {line}'))
        else:
            found.append((number, patches.get(one.patch, one.patch), line))
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
    for number, patch, text in _placed(file.ids, lines):
        file.add_changelog(patch or None, number, [text])
    file.save()


def _placed(
    known: Collection[str], lines: Iterable[tuple[int, str, str]]
) -> Iterator[tuple[int, str, str]]:
    """The lines, each where it can be: the cover letter tells of a patch that is no more."""
    for number, patch, text in lines:
        yield number, patch if patch in known else "", text


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
