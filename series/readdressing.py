"""Other recipients for a version that was not sent yet: same commits and texts, new To and Cc."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from generator.campaign import Campaign
from generator.errors import UsageError
from generator.tree import Tree
from series import compose, journal, planning, sending, store
from series.planning import Job, Letter, Plans
from series.settings import Settings
from series.version import Version


@dataclass(frozen=True)
class Readdressed:
    """A version with new recipients, its mails by file name, and what is to be said of it."""

    version: Version
    mails: Mapping[str, bytes]
    notes: tuple[str, ...]


def readdress(campaign: Campaign, tree: Tree, settings: Settings, version: Version) -> Readdressed:
    """``version`` with the recipients that follow from ``campaign`` and ``settings`` as they are.

    Nothing is written.  Raises ``UsageError`` when some of it was sent, or the
    campaign or the tree no longer knows one of its patches.
    """
    folder = campaign.folder
    store.refuse_posted(version)
    sending.require_journal(folder, version.version)
    if journal.accepted(folder, version.version):
        raise UsageError(
            f"version {version.version} has been sent, in whole or in part, and stays as it is",
            hint="'reroll next' makes the next one",
        )
    contents = {
        mail.mail: store.mail_path(folder, version, mail.mail).read_bytes()
        for mail in version.mails
    }
    tree.resolve(version.tip)
    with tree.worktree(tree.resolve(version.base)) as worktree:
        number, sender = version.version, planning.sender_of(tree)
        job = Job(campaign, tree, worktree, version.base, settings, number, sender)
        letters = _letters(campaign, tree, version, contents)
        plans = planning.plans(job, letters, cover=version.cover is not None)
    made = replace(
        _with(version, plans, campaign.series.allow_many or ""),
        decided_by=planning.decided_by(campaign, settings, tree),
    )
    mails = {
        mail.mail: compose.readdress(contents[mail.mail], mail.recipients) for mail in made.mails
    }
    return Readdressed(made, mails, plans.notes)


def install(campaign: Campaign, readdressed: Readdressed) -> None:
    """Write the version in place of what was there, whole or not at all, under ``store.lock``."""
    version = readdressed.version
    with store.Draft(campaign.folder, version.version) as draft:
        draft.write({**readdressed.mails, store.MANIFEST: store.dump(version).encode()})
        draft.install()


def _letters(
    campaign: Campaign, tree: Tree, version: Version, contents: Mapping[str, bytes]
) -> list[Letter]:
    declared = {patch.id for patch in campaign.patches}
    if gone := [patch.id for patch in version.patches if patch.of not in declared]:
        raise UsageError(
            f"series.toml has no patch '{gone[0]}' any more, which version {version.version} has",
            hint=f"run 'reroll generate -v {version.version}'",
        )
    first = tree.resolve(version.patches[0].commit)
    messages = tree.messages(f"{first}~", version.tip)
    files = tree.files_of(f"{first}~", version.tip)
    if lost := [patch.commit for patch in version.patches if patch.commit not in messages]:
        raise UsageError(
            f"{tree.path}: {lost[0][:12]} is no commit of version {version.version}",
            hint=f"is it the right tree? else run 'reroll generate -v {version.version}'",
        )
    return [
        Letter(
            id=patch.id,
            of=patch.of,
            message=messages[patch.commit],
            files=files[patch.commit],
            mail=contents[patch.mail],
        )
        for patch in version.patches
    ]


def _with(version: Version, plans: Plans, allow_many: str) -> Version:
    cover = version.cover and replace(
        version.cover, recipients=plans.cover.recipients, left_out=plans.cover.left_out
    )
    patches = tuple(
        replace(patch, recipients=plan.recipients, left_out=plan.left_out)
        for patch, plan in zip(version.patches, plans.patches, strict=True)
    )
    return replace(version, cover=cover, patches=patches, allow_many=allow_many)
