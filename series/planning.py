"""The recipients of all mails of a version: wishes from every source, under the policy."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from generator.campaign import Campaign
from generator.errors import CampaignError, UsageError
from generator.tree import Identity, Tree, Worktree
from series import (
    addresses,
    journal,
    ownership,
    people,
    policy,
    recipients,
    replies,
    sending,
    store,
    wishes,
)
from series.recipients import Plan, Wish
from series.settings import Settings
from series.version import MANY, Version


@dataclass(frozen=True)
class Job:
    """What recipients depend on beside the patches.

    ``worktree`` is one of the base, where MAINTAINERS is read: not of the
    series, because a campaign must not bring its own get_maintainer.pl.
    """

    campaign: Campaign
    tree: Tree
    worktree: Worktree
    base: str
    settings: Settings
    version: int
    sender: Identity


@dataclass(frozen=True)
class Letter:
    """A patch that wants recipients: its ids, message, files (of a rename both) and mail."""

    id: str
    of: str
    message: str
    files: tuple[str, ...]
    mail: bytes


@dataclass(frozen=True)
class Plans:
    """The plan of every mail; ``cover`` is empty where there is no cover letter."""

    cover: Plan
    patches: tuple[Plan, ...]
    notes: tuple[str, ...] = ()


def sender_of(tree: Tree) -> Identity:
    """Who sends: ``sendemail.from``, else who commits; ``UsageError`` when it is no address."""
    known = tree.identity()
    configured = sending.configured("from", cwd=tree.path)
    if not configured:
        return known
    if why := addresses.problem(configured[-1]):
        shown = addresses.printable(configured[-1])
        raise UsageError(f"git config sendemail.from: '{shown}' {why}")
    name, address = addresses.split(configured[-1])
    return Identity(name or known.name, address, known.date)


def plans(job: Job, letters: Sequence[Letter], *, cover: bool) -> Plans:
    """Who gets each of ``letters``, and the cover letter where there is one.

    Raises ``CampaignError`` with every bad address that the campaign or a
    message names, and what get_maintainer.pl raises where it is used.
    """
    rules = policy.with_table(job.settings.recipients, job.campaign.recipients)
    answers = replies.read(job.campaign.folder, earlier(job.campaign, job.version))
    wanted = _wishes(job, letters, answers)
    everywhere = _everywhere(job)
    if rules.scope == "series":
        wanted = recipients.for_whole_series(wanted)
    given = [wish for one in (*wanted, everywhere) for wish in one]
    usable = (wish.address for wish in given if not addresses.problem(wish.address))
    known = people.by_mailmap(job.tree, job.base, usable)
    made: list[Plan] = []
    problems: list[str] = []
    for letter, one in zip(letters, wanted, strict=True):
        try:
            what = f"patch {letter.id}"
            sender = str(job.sender)
            made.append(
                recipients.plan([*one, *everywhere], rules, known, sender=sender, what=what)
            )
        except CampaignError as error:
            problems += error.problems
    if problems:
        raise CampaignError(problems, hint="correct series.toml or the message")
    notes = _notes(job, rules)
    if not cover:
        return Plans(Plan(()), tuple(made), notes)
    union = [*everywhere, *recipients.for_cover(made), *_answers_to_all(answers, letters)]
    whole = recipients.plan(union, rules, known, sender=str(job.sender), what="cover letter")
    if rules.scope == "cover":
        made = [recipients.cover_only(one) for one in made]
    return Plans(whole, tuple(made), notes)


def _wishes(
    job: Job, letters: Sequence[Letter], answered: Sequence[replies.Reply]
) -> list[list[Wish]]:
    """The wishes of each letter, from all sources but those that hold for the whole series."""
    mails = [letter.mail for letter in letters]
    files = [letter.files for letter in letters]
    if job.settings.maintainers == "script":
        owners = wishes.from_script(job.worktree, mails)
    else:
        owners = wishes.from_maintainers(job.worktree, mails, files)
    fixes = wishes.from_fixes(job.tree, [letter.message for letter in letters])
    answers = wishes.from_replies(answered, [letter.id for letter in letters])
    declared = {patch.id: patch for patch in job.campaign.patches}
    found = []
    for number, letter in enumerate(letters):
        patch = declared[letter.of]
        found.append(
            [
                *owners[number],
                *wishes.from_trailers(letter.message),
                *wishes.from_campaign(patch.to, patch.cc, f"series.toml, patch {patch.id}"),
                *fixes[number],
                *answers[number],
            ]
        )
    return found


def _notes(job: Job, rules: policy.Policy) -> tuple[str, ...]:
    """What of the rules has no effect."""
    if not rules.without:
        return ()
    known = {section.title.strip().casefold() for section in ownership.read(job.worktree).sections}
    return tuple(
        f"recipients.without: MAINTAINERS has no section '{title}'"
        for title in rules.without
        if title.strip().casefold() not in known
    )


def _everywhere(job: Job) -> list[Wish]:
    """Who gets every mail: as series.toml says, and the user's own git configuration."""
    series = job.campaign.series
    found = {key: sending.configured(key, cwd=job.tree.path) for key in ("to", "cc")}
    return [
        *wishes.from_campaign(series.to, series.cc, "series.toml"),
        *wishes.from_configuration(found),
    ]


def _answers_to_all(answered: Sequence[replies.Reply], letters: Sequence[Letter]) -> list[Wish]:
    """Those who answered the cover letter, or a patch that is no more, get the cover letter."""
    ids = {letter.id for letter in letters}
    return wishes.answers([reply for reply in answered if reply.patch not in ids])


def decided_by(campaign: Campaign, settings: Settings, tree: Tree) -> str:
    """A digest of what a user declares about recipients: rules, addresses, configuration."""
    given = (
        policy.with_table(settings.recipients, campaign.recipients),
        settings.maintainers,
        campaign.series.to,
        campaign.series.cc,
        campaign.series.allow_many,
        [(patch.id, patch.to, patch.cc) for patch in campaign.patches],
        [sending.configured(key, cwd=tree.path) for key in ("to", "cc", "from")],
    )
    return hashlib.sha256(repr(given).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def outdated(version: Version, campaign: Campaign, settings: Settings, tree: Tree) -> str:
    """What to say when ``version`` was addressed under other rules than there are now, or empty."""
    if version.decided_by in ("", decided_by(campaign, settings, tree)):
        return ""
    return (
        f"the recipients of version {version.version} were decided under other rules than there "
        f"are now: 'reroll recipients -v {version.version} --update' addresses the mails anew"
    )


def too_many(version: Version) -> bool:
    """Whether a version has more patches than lists ask for, and gives no reason."""
    return len(version.patches) > MANY and not version.allow_many


def earlier(campaign: Campaign, version: int) -> list[Version]:
    """The versions before ``version`` that the series folder has, in order."""
    folder = campaign.folder
    return [store.read(folder, number) for number in store.numbers(folder) if number < version]


def posted(campaign: Campaign, version: int) -> list[Version]:
    """The versions before ``version`` that were posted, in whole or in part, in order."""
    return [
        one
        for one in earlier(campaign, version)
        if one.source == "mails" or journal.accepted(campaign.folder, one.version)
    ]
