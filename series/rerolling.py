"""Version N+1: the rules run again, on the same base or another one.

Nothing is half done when that fails.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from generator.campaign import FILE_NAME, Campaign
from generator.errors import UsageError
from generator.progress import Progress
from generator.tree import Tree
from series import changes, comment_file, generate, journal, range_diff, store, trailer_file
from series.campaign_file import CampaignFile
from series.changes import Changes, Side
from series.comment_file import Comment
from series.generate import Generated, Outcome, Request
from series.settings import Settings
from series.version import Version
from series.whole_file import write_whole


@dataclass(frozen=True)
class Wish:
    """What is asked for: where, on what, and how the next version is to be made.

    ``again``: the newest one, which was not sent, once more.
    """

    folder: Path
    tree: Tree
    settings: Callable[[Campaign], Settings]
    base: str = ""
    prefix: str = ""
    range_diff: bool = False
    changelog: bool = True
    anyway: bool = False
    again: bool = False
    force: bool = False
    skip_unmatched: bool = False
    allow_scripts: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Rerolled:
    """The version that was made, what is different in it, and lines for the changelogs.

    ``lines`` are by patch id, those of the series under "".  ``removed`` are lines that were
    offered before, stood there unchanged and do not hold any more.
    """

    outcome: Outcome
    changes: tuple[Changes, ...]
    lines: Mapping[str, tuple[str, ...]]
    removed: Mapping[str, tuple[str, ...]]


def reroll(wish: Wish, progress: Callable[[], AbstractContextManager[Progress]]) -> Rerolled:
    """Make the version after the newest one, or that one again; under ``store.lock``.

    ``series.toml`` gets the new number (base, prefix, range_diff) and changelog lines only when
    all was made.  Raises ``UsageError`` when the newest version was not posted, and
    what ``generate.generate`` raises.
    """
    number = _number(wish)
    edits = CampaignFile(wish.folder)
    edits.set_series("version", number)
    if wish.base:
        edits.set_series("base", wish.base)
    if wish.prefix:
        edits.set_series("prefix", wish.prefix)
    if wish.range_diff:  # in the file, so that 'generate' makes the same version again
        edits.set_series("range_diff", True)
    campaign = edits.preview()
    with progress() as report:
        made = generate.construct(_request(wish, campaign), report)
        outcome = generate.write_mails(made, campaign)
        found = tuple(_changes_of(one) for one in outcome.generated if _older(one))
        told = _Told({}, {}, generate.offered(made.request))
        if wish.changelog:
            remarks = comment_file.read(wish.folder)
            told = _told(found, campaign, number, remarks, told.offered)
        _write_changelogs(edits, number, told)
        if wish.skip_unmatched:  # in the file, too: 'generate' is to make the same version
            for one in _unmatched(campaign, outcome):
                edits.set_patch(one, "unmatched", "skip")
        if told.added or told.removed:
            campaign = edits.preview()
            made = replace(made, request=replace(made.request, offered=told.offered))
            outcome = generate.write_mails(made, campaign)
    if not wish.dry_run:
        _install(wish, edits, made.request, outcome)
    return Rerolled(outcome, found, told.added, told.removed)


_Lines = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class _Told:
    """Lines to add to the changelogs and to remove, and all that were ever offered."""

    added: _Lines
    removed: _Lines
    offered: _Lines


def _told(
    found: Sequence[Changes],
    campaign: Campaign,
    number: int,
    remarks: Sequence[Comment],
    before: _Lines,
) -> _Told:
    """What becomes of the changelogs; ``before`` was offered when this version was made before.

    What a person has changed or taken out since is not offered again.
    """
    blank = changes.taken_back(campaign, number, before)
    wanted = changes.lines(found, blank, remarks)
    holding = changes.lines(found, blank, remarks, every=True)
    there = {one.id: one.changelog.get(number, ()) for one in campaign.patches}
    there[""] = campaign.series.changelog.get(number, ())
    standing = {name: [one for one in before.get(name, ()) if one in there[name]] for name in there}
    # The patch of a split may have another title now.
    gone = [one for texts in _difference(before, there).values() for one in texts]
    taken = {changes.untitled(one) for one in gone if "Review from " in one}
    reviews = {
        name: [one for one in texts if changes.untitled(one) not in taken]
        for name, texts in wanted.items()
    }
    added = _difference(reviews, before)
    removed = _difference(standing, holding)
    kept = _difference(before, removed)
    names = dict.fromkeys((*kept, *added))
    offered = {name: (*kept.get(name, ()), *added.get(name, ())) for name in names}
    return _Told(added, removed, offered)


def _difference(
    lines: Mapping[str, Sequence[str]], less: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """``lines`` without those of ``less``, by name; names without any are left out."""
    left = {
        name: tuple(one for one in texts if one not in less.get(name, ()))
        for name, texts in lines.items()
    }
    return {name: texts for name, texts in left.items() if texts}


def _write_changelogs(edits: CampaignFile, number: int, told: _Told) -> None:
    for name, texts in told.removed.items():
        edits.remove_changelog(name or None, number, texts)
    for name, texts in told.added.items():
        edits.add_changelog(name or None, number, texts)


def _unmatched(campaign: Campaign, outcome: Outcome) -> list[str]:
    """The ids of the patches that were left out although they do not say so themselves."""
    left_out = {one.id for one in outcome.skipped}
    return [
        one.id
        for one in campaign.patches
        if one.id in left_out and not one.omit and one.unmatched == "fail"
    ]


def _request(wish: Wish, campaign: Campaign) -> Request:
    base = campaign.series.base or "HEAD"
    return Request(
        campaign=campaign.skipping() if wish.skip_unmatched else campaign,
        tree=wish.tree,
        settings=wish.settings(campaign),
        version=campaign.series.version or 1,
        base=wish.tree.resolve(base),
        force=wish.force,
        allow_scripts=wish.allow_scripts,
        keep_conflicts=not wish.dry_run,
        command=_command(wish),
    )


def _command(wish: Wish) -> str:
    """The command line that asks for the same again."""
    words = ["reroll", "next"]
    words += ["--base", wish.base] if wish.base else []
    words += ["--prefix", wish.prefix] if wish.prefix else []
    flags = {
        "--range-diff": wish.range_diff,
        "--no-changelog": not wish.changelog,
        "--anyway": wish.anyway,
        "--force": wish.force,
        "--skip-unmatched": wish.skip_unmatched,
        "--allow-scripts": wish.allow_scripts,
    }
    return shlex.join([*words, *(flag for flag, given in flags.items() if given)])


def _number(wish: Wish) -> int:
    """The version to make; ``UsageError`` where it cannot be that one."""
    newest = store.read(wish.folder)
    if not wish.again:
        _require_posted(wish, newest)
        return newest.version + 1
    if newest.source == "mails" or len(store.numbers(wish.folder)) < 2:
        raise UsageError(
            f"version {newest.version} is not one that 'next' has made",
            hint="'reroll generate' makes a version again that was not sent",
        )
    return newest.version


def _require_posted(wish: Wish, old: Version) -> None:
    posted = old.source == "mails" or journal.accepted(wish.folder, old.version)
    if not posted and not wish.anyway:
        raise UsageError(
            f"version {old.version} was neither sent nor posted",
            hint=f"'reroll generate -v {old.version}' makes it again; "
            f"--anyway makes version {old.version + 1} all the same",
        )


def _install(wish: Wish, edits: CampaignFile, request: Request, outcome: Outcome) -> None:
    """Write series.toml, then move refs and folders; the old text comes back when that fails."""
    file = wish.folder / FILE_NAME
    before = file.read_bytes()
    edits.save()
    try:
        generate.install(request, outcome.generated)
    except BaseException:
        write_whole(file, before)
        raise


def _older(made: Generated) -> list[int]:
    """The versions that a series has before the one that was made."""
    numbers = store.numbers(made.request.campaign.folder)
    return [number for number in numbers if number < made.version.version]


def _changes_of(made: Generated) -> Changes:
    folder = made.request.campaign.folder
    old = store.read(folder, _older(made)[-1])
    after = [
        range_diff.of_mail(made.mails[patch.mail], patch.title, patch.commit)
        for patch in made.version.patches
    ]
    before = Side(old, range_diff.side_of(folder, old))
    return changes.changes(before, Side(made.version, after), trailer_file.read(folder))
