"""``reroll status``: where a series stands, and what to do next."""

import argparse
import os
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from generator.errors import RerollError, UsageError
from series import addresses, options, overview, store
from series.lacking import lacking_checks
from series.output import as_json, cut, one_line, printable, say
from series.overview import Overview, PatchState, VersionState
from series.trailer_file import Tag
from series.version import Version

if TYPE_CHECKING:
    from series.patchwork import Standings

EXAMPLE = "reroll -C my-series status"
_MARKS = {"new": "+", "same": "=", "changed": "~", "gone": "-", "": " "}
# SGR parameters (ECMA-48): green, yellow, red.
_COLOURS = {"+": "32", "~": "33", "-": "31"}
# The same for what checks on a patchwork server say together.
_CHECKED = {"success": "32", "warning": "33", "fail": "31"}
# Versions side by side, and tags that were not taken, in lines.
_VERSIONS, _TAGS = 10, 8
_LEAST = 20
# Of what a patchwork server says, the longest that is shown whole ("awaiting-upstream" has 17).
_STATE = 18
# Of the checks of a patch that did not succeed.
_BAD_CHECKS = 5


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "status",
        help="where a series stands, and what to do next",
        description="Every version and every patch: + new, = the same change as in the version "
        "before, ~ changed, - gone; tags, open comments, checks, what was sent, and the next "
        "command.  Needs no tree; asks nobody, but with --patchwork.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument(
        "--patchwork",
        action="store_true",
        help="ask the patchwork server of git config b4.pw-url and b4.pw-project (or pw.server and "
        "pw.project) for state, checks and delegate of the patches that were sent last",
    )


def run(args: argparse.Namespace) -> int:
    """Show the state of the series; status 0.

    What patchwork does not tell is an error only after all else was shown.
    """
    folder = options.folder_of(args)
    found = overview.read(folder)
    if found.newest is None:
        _require_campaign(folder)
    trouble: RerollError | None = None
    standings: Standings | None = None
    if args.patchwork:
        try:
            standings = _standings(args, folder, found)
        except RerollError as error:
            trouble = error
    _show(args, found, standings, trouble)
    if trouble:
        raise trouble
    return 0


def _require_campaign(folder: Path) -> None:
    """``UsageError`` where there is no series."""
    from generator.campaign import FILE_NAME

    if not (folder / FILE_NAME).is_file():
        raise UsageError(
            f"{folder}: there is no series here",
            hint="name its folder with -C DIR, or make one with 'reroll init DIR'",
        )


def _standings(args: argparse.Namespace, folder: Path, found: Overview) -> "Standings":
    """What the patchwork server says of the version that was sent last."""
    from series import patchwork

    sent = next((one for one in reversed(found.versions) if one.sending != "not sent"), None)
    if sent is None:
        raise UsageError("no version was sent yet: no patchwork server knows of one")
    server = patchwork.configured(cwd=_configured_in(args, folder))
    return patchwork.ask(server, store.read(folder, sent.number), sent.resent)


def _configured_in(args: argparse.Namespace, folder: Path) -> Path:
    """The directory whose git configuration counts: the tree's, where one is named."""
    settings = options.settings_of(args)
    if not settings.tree:
        return folder
    with closing(options.tree_of(args, settings)) as tree:
        return tree.path


def _show(
    args: argparse.Namespace,
    found: Overview,
    standings: "Standings | None",
    trouble: RerollError | None,
) -> None:
    lacking = lacking_checks(args, found)
    what, command = overview.advice(found, lacking)
    here = [] if args.directory == "." else ["-C", args.directory]
    line = f"{shlex.join(['reroll', *here])} {command}"
    if args.json:
        answer = _json(found, lacking, what, line)
        if args.patchwork:
            answer["patchwork"] = asdict(standings) if standings else {"error": str(trouble)}
        say(as_json(answer, indent=2))
        return
    width = max(shutil.get_terminal_size((80, 24)).columns, 40)
    lines = [*_lines(found, lacking, width)]
    if standings:
        lines += ["", *_patchwork(standings, width)]
    for text in lines:
        sys.stdout.write(f"{text if _is_coloured() else _plain(text)}\n")
    say(f"next: {what}:\n    {one_line(line)}")


def _is_coloured() -> bool:
    """Whether colours are wanted (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _plain(text: str) -> str:
    for colour in {*_COLOURS.values(), *_CHECKED.values()}:
        text = text.replace(f"\x1b[{colour}m", "")
    return text.replace("\x1b[m", "")


def _lines(found: Overview, lacking: Mapping[str, str], width: int) -> Iterator[str]:
    if found.newest is None:
        yield "no version has been generated yet"
        return
    yield from _head(found.newest, width)
    yield ""
    yield from _versions(found.versions)
    yield ""
    yield from _matrix(found, width)
    yield ""
    yield from _tags(found, width)
    yield from wrap(printable(f"comments: {_comments(found)}"), width, subsequent_indent="  ")
    if found.newest.source != "mails":
        checks = printable(one_line(f"checks: {_checks(found.checks, lacking)}"))
        yield from wrap(checks, width, subsequent_indent="  ")


def _comments(found: Overview) -> str:
    """How many comments are open, and whose of them are a NAK."""
    if not found.naks:
        return f"{found.open} open" if found.open else "none open"
    numbers = {one.id: one.number for one in found.patches}
    said = []
    for one in found.naks:
        number = numbers.get(one.patch)
        where = f" ({number})" if number else ""
        name, address = addresses.split(one.author)
        said.append(f"{name or address}{where}")
    count = len(said)
    return f"{found.open} open, {count} NAK{'' if count == 1 else 's'}: {', '.join(said)}"


def _head(newest: Version, width: int) -> Iterator[str]:
    yield _cut(f"{newest.name} v{newest.version}: {newest.title}", width)
    if newest.base:
        name = f"{newest.base_name} " if newest.base_name else ""
        yield _cut(f"base {name}({newest.base[:12]}) {newest.branch}".rstrip(), width)


def _versions(versions: Sequence[VersionState]) -> Iterator[str]:
    for one in versions:
        seconds = int(one.date.split()[0])
        date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
        patches = f"{one.patches:>3} {'patch' if one.patches == 1 else 'patches':<7}"
        text = f"v{one.number:<3} {date}  {patches}  {_sending(one)}"
        yield _coloured(text, "33") if one.sending == "partly sent" else text


def _sending(one: VersionState) -> str:
    text: str = one.sending
    if one.sending == "partly sent":
        text = f"{one.out} of {one.mails} mails sent"
        text += f", {one.uncertain} of unknown fate" if one.uncertain else ""
    if one.resent:
        text += f", resent {'once' if one.resent == 1 else f'{one.resent} times'}"
    return text


def _matrix(found: Overview, width: int) -> Iterator[str]:
    shown = found.versions[-_VERSIONS:]
    heads = [f"v{one.number}" for one in shown]
    sizes = [max(len(head), 2) for head in heads]
    counts = [_counts(one) for one in found.patches]
    tail = max(len("tags"), *(len(one[0]) for one in counts))
    room = width - 4 - sum(size + 1 for size in sizes) - tail - 2 - 6
    room = min(max(room, _LEAST), max(len(one.title) for one in found.patches))
    columns = " ".join(f"{head:>{size}}" for head, size in zip(heads, sizes, strict=True))
    yield f"{'':>3} {'patch':<{room}} {columns}  {'tags':<{tail}}  open"
    for one, (tags, waiting) in zip(found.patches, counts, strict=True):
        marks = (_MARKS[fate] for fate in one.fates[-len(shown) :])
        cells = " ".join(
            _coloured(f"{mark:>{size}}", _COLOURS.get(mark, ""))
            for mark, size in zip(marks, sizes, strict=True)
        )
        number = str(one.number) if one.number else ""
        title = _cut(one.title, room)
        yield f"{number:>3} {title:<{room}} {cells}  {tags:<{tail}}  {waiting}".rstrip()
    yield "    + new   = same change   ~ changed   - gone"


def _patchwork(standings: "Standings", width: int) -> Iterator[str]:
    """State, checks and delegate of each patch on a patchwork server."""
    yield _cut(f"patchwork: v{standings.version}, {standings.server}", width)
    rows: list[tuple[str, ...]] = [("", "state", "checks", "delegate", "patch")]
    for one in standings.patches:
        said = (one.state or "not there", one.check, one.delegate)
        rows.append((str(one.number), *(_cut(text, _STATE) for text in said), one.title))
    sizes = [max(len(row[column]) for row in rows) for column in range(1, 4)]
    room = max(width - 4 - sum(size + 2 for size in sizes), 3)
    for number, state, check, delegate, title in rows:
        check = _coloured(f"{check:<{sizes[1]}}", _CHECKED.get(check, ""))
        cells = (f"{state:<{sizes[0]}}", check, f"{delegate:<{sizes[2]}}", _cut(title, room))
        yield f"{number:>3} {'  '.join(cells)}".rstrip()
    for one in standings.patches:
        for bad in one.checks[:_BAD_CHECKS]:
            text = _cut(f"{bad.context}: {bad.description}", max(width - 13, 3))
            yield f"{one.number:>3} {_coloured(f'{bad.state:<7}', _CHECKED[bad.state])}  {text}"
        if len(one.checks) > _BAD_CHECKS:
            yield f"{one.number:>3} and {len(one.checks) - _BAD_CHECKS} more (--json has all)"


def _counts(one: PatchState) -> tuple[str, str]:
    """How many tags will be taken, and how many were not; how many comments are open."""
    taken = sum(tag.taken for tag in one.tags)
    left = len(one.tags) - taken
    text = " ".join(part for part in (str(taken or ""), f"({left})" if left else "") if part)
    return text, str(one.open or "")


def _tags(found: Overview, width: int) -> Iterator[str]:
    """How many tags there are in which state, and those that are not taken."""
    tags = found.tags
    if not tags:
        yield "tags: none"
        return
    states = Counter(tag.state for tag in tags)
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    yield _cut(f"tags: {len(tags)}: {counts}", width)
    left = [(one.number, tag) for one in found.patches for tag in one.tags if not tag.taken]
    left += [(0, tag) for tag in found.loose if not tag.taken]
    for number, tag in left[:_TAGS]:
        yield _cut(f"  not taken: {f'{number}: ' if number else ''}{_tag(tag)}", width)
    if len(left) > _TAGS:
        yield f"  and {len(left) - _TAGS} more that are not taken (trailers.toml)"


def _tag(tag: Tag) -> str:
    state = "dropped by you" if tag.decision == "drop" else tag.state
    return f"{tag.trailer} (v{tag.version}, {state})"


def _checks(checks: Mapping[str, str], lacking: Mapping[str, str]) -> str:
    parts = [f"{name} {why or 'ok'}" for name, why in checks.items()]
    parts += [f"{name} {why}" for name, why in lacking.items() if name not in checks]
    return ", ".join(parts) or "none run"


def _coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[m" if colour else text


def _cut(text: str, width: int) -> str:
    """``text`` in one line of at most ``width`` columns that no terminal obeys."""
    return cut(printable(one_line(text)), width)


def _json(
    found: Overview, lacking: Mapping[str, str], what: str, command: str
) -> dict[str, object]:
    newest = found.newest
    return {
        "format": 1,
        "name": newest.name if newest else None,
        "title": newest.title if newest else None,
        "version": newest.version if newest else None,
        "base": newest.base if newest else None,
        "tip": newest.tip if newest else None,
        "versions": [asdict(one) for one in found.versions],
        "patches": [asdict(one) for one in found.patches],
        "tags": [asdict(one) for one in found.loose],
        "open": found.open,
        "naks": [one.id for one in found.naks],
        "checks": dict(found.checks),
        "lacking": dict(lacking),
        "next": {"what": what, "command": command},
    }
