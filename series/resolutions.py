"""What a user made of a diff that no longer fitted goes back into the campaign."""

from pathlib import Path

from generator import campaign as campaign_module
from generator.campaign import ApplyStep, Campaign, Patch
from generator.errors import ExpectedFailureError, UsageError
from generator.resolving import find, resolved
from generator.steps import diff_of
from generator.tree import Tree
from series.campaign_file import CampaignFile


def take_back(folder: Path, tree: Tree, place: Path) -> tuple[str, str, str]:
    """Take back what a user made of a diff that did not fit.

    Returns the patch, the file, and the command that had failed.

    The file is empty when the hand edit is needed no more.  The worktree goes.  Raises
    ``UsageError`` when ``place`` is no such worktree, or the campaign has changed since,
    ``ExpectedFailureError`` while something is left to resolve.
    """
    worktree, wanted = find(tree, folder, place)
    file = CampaignFile(folder)
    campaign = campaign_module.load(folder)
    patch = next((one for one in campaign.patches if one.id == wanted.patch), None)
    step = patch.step[wanted.at - 1] if patch and wanted.at <= len(patch.step) else None
    if patch is None or not isinstance(step, ApplyStep) or step.apply != wanted.file:
        raise UsageError(
            f"patch {wanted.patch} has no step {wanted.at} that applies {wanted.file} any more",
            hint=f"'reroll absorb --abort {place}' removes the worktree",
        )
    name = _take_resolution(file, campaign, patch, wanted.at, resolved(worktree))
    file.save()
    tree.drop_kept(worktree.path)
    return patch.id, name, wanted.command


def _take_resolution(
    file: CampaignFile, campaign: Campaign, patch: Patch, at: int, diff: bytes
) -> str:
    step = patch.step[at - 1]
    assert isinstance(step, ApplyStep)  # noqa: S101
    if not diff:
        if not step.hand or len(patch.step) == 1:
            raise ExpectedFailureError(
                f"patch {patch.id}: nothing is left of {step.apply}",
                hint='omit = "reason" in series.toml leaves a patch out',
            )
        file.remove_step(patch.id)
        return ""
    used = [s.apply for p in campaign.patches for s in p.step if isinstance(s, ApplyStep)]
    if step.message is None and used.count(step.apply) == 1:
        name = step.apply
    else:  # the file is of others, too
        name = f"patches/{patch.id}-{at}.patch"
        file.set_step(patch.id, at, {"apply": name})
    if author := _author_of(campaign, patch, step):
        file.set_patch(patch.id, "author", author)
    file.write_file(name, diff)
    return name


def _author_of(campaign: Campaign, patch: Patch, step: ApplyStep) -> str:
    """Who wrote the mail that a diff comes from, where the patch does not say so itself."""
    author, _ = diff_of(campaign.folder, step)
    return "" if patch.author or author is None else str(author)


def drop(folder: Path, tree: Tree, place: Path) -> None:
    """Remove a worktree that was left to resolve in; ``UsageError`` when it is none."""
    worktree, _ = find(tree, folder, place)
    tree.drop_kept(worktree.path)
