"""A campaign on a base becomes commits, one a patch, in a temporary worktree."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator import edits
from generator.campaign import Campaign, Patch
from generator.errors import CampaignError, ConflictError, ExpectedFailureError
from generator.steps import CampaignTroubleError, StepReport, UnmatchedError, Workshop, run_step
from generator.templates import render_line, render_text
from generator.tree import Identity, run_git

# Lines at which "git am" believes that the message has ended and the patch begun.
_LIKE_HEADER = re.compile(r"(?:>?From|From|Date|Subject|Author): ?", re.IGNORECASE)
_ENDS_MESSAGE = re.compile(r"^(---(?:\s|$)|-- $|diff -|Index: )", re.MULTILINE)


@dataclass(frozen=True)
class BuiltPatch:
    """One commit of a series; ``number`` counts from 1 in the series as built."""

    id: str
    number: int
    title: str
    commit: str
    files: tuple[edits.FileEdit, ...]
    steps: tuple[StepReport, ...]
    skipped_steps: tuple[str, ...]

    @property
    def insertions(self) -> int:
        """Lines added."""
        return sum(file.added for file in self.files)

    @property
    def deletions(self) -> int:
        """Lines removed."""
        return sum(file.removed for file in self.files)


@dataclass(frozen=True)
class SkippedPatch:
    """A patch that was left out, as its campaign allows, and why."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True)
class Built:
    """The commits of a campaign on ``base``, in order, and the patches left out."""

    base: str
    tip: str
    patches: tuple[BuiltPatch, ...]
    skipped: tuple[SkippedPatch, ...]


def build(shop: Workshop, committer: Identity) -> Built:
    """Make the commits of ``shop.campaign`` in ``shop.worktree``, on top of where it is.

    ``committer`` has the date of the cover letter; each commit is a second
    later than what comes before it, so that sorting by date gives the order.
    Raises what the first failing patch raises, with the patch named.
    """
    campaign = shop.campaign
    base = shop.worktree.head()
    patches: list[BuiltPatch] = []
    skipped: list[SkippedPatch] = []
    for at, patch in enumerate(campaign.patches, 1):
        shop.progress(patch.title, at - 1, len(campaign.patches))
        try:
            patches.append(_build_patch(shop, patch, len(patches) + 1, committer))
        except UnmatchedError as error:
            if patch.unmatched == "fail":
                raise ExpectedFailureError(
                    f"patch {patch.id}: {error}",
                    hint='unmatched = "skip" leaves out a patch, or a step, that matches nothing',
                ) from error
            skipped.append(SkippedPatch(patch.id, patch.title, str(error)))
            shop.worktree.git("reset", "--quiet", "--hard", "HEAD")
    if not patches:
        raise ExpectedFailureError("nothing in this tree matches: every patch was left out")
    return Built(base, patches[-1].commit, tuple(patches), tuple(skipped))


def _build_patch(shop: Workshop, patch: Patch, number: int, committer: Identity) -> BuiltPatch:
    reports, left_out = _run_steps(shop, patch)
    diff = shop.worktree.staged_diff()
    if not diff:
        raise UnmatchedError("its steps leave the tree as it was")
    files = edits.summarize(diff)
    author = _author(patch, reports, committer)
    date = _later(committer.date, number)
    message = compose_message(shop.campaign, patch, reports, files, signer=committer)
    commit = shop.worktree.commit(
        message, replace(author, date=date), replace(committer, date=date)
    )
    title = message.split("\n", 1)[0]
    return BuiltPatch(patch.id, number, title, commit, files, tuple(reports), tuple(left_out))


def _run_steps(shop: Workshop, patch: Patch) -> tuple[list[StepReport], list[str]]:
    reports: list[StepReport] = []
    left_out: list[str] = []
    for at, step in enumerate(patch.step, 1):
        try:
            reports.append(run_step(shop, step))
        except UnmatchedError as error:
            if (step.unmatched or "fail") == "fail":
                raise
            left_out.append(str(error))
        except CampaignTroubleError as error:
            raise CampaignTroubleError(f"patch {patch.id}: {error.rule}", error.troubles) from error
        except CampaignError as error:
            named = [f"patch {patch.id}: step {at}: {problem}" for problem in error.problems]
            raise CampaignError(named, hint=error.hint) from error
        except (ConflictError, ExpectedFailureError) as error:
            raise type(error)(f"patch {patch.id}: step {at}: {error}", hint=error.hint) from error
    return reports, left_out


def _author(patch: Patch, reports: Sequence[StepReport], committer: Identity) -> Identity:
    """Who wrote the patch: as the campaign says, else the mail or commit it is, else we."""
    if patch.author and (found := re.fullmatch(r"([^<>]+) <([^<>\s]+)>", patch.author)):
        return Identity(found[1].strip(), found[2])
    taken = [report.author for report in reports if report.author]
    return taken[0] if taken else committer


def _later(date: str, seconds: int) -> str:
    stamp, zone = date.split()
    return f"{int(stamp) + seconds} {zone}"


def compose_message(
    campaign: Campaign,
    patch: Patch,
    reports: Sequence[StepReport],
    files: Sequence[edits.FileEdit],
    *,
    signer: Identity,
) -> str:
    """The commit message of a patch: title, rendered body, trailers with ours at the end.

    Raises ``CampaignError`` for a template that fails and for lines at which
    ``git am`` would cut the message.
    """
    name = f"patch {patch.id}"
    facts = {
        "files": [file.path for file in files],
        "insertions": sum(file.added for file in files),
        "deletions": sum(file.removed for file in files),
        "smpl": "\n".join(report.rule.text.strip() for report in reports if report.rule),
    }
    title = render_line(patch.title, facts, name=f"{name}: title")
    body = render_text(campaign.message_text(patch), facts, name=f"{name}: message")
    if header := _LIKE_HEADER.match(body):
        raise CampaignError([f"{name}: message: git am would take '{header[0]}' for a header"])
    if cut := _ENDS_MESSAGE.search(body):
        raise CampaignError(
            [f"{name}: message: the line '{cut[0].strip()}...' would end the message in git am"]
        )
    return sign_off(f"{title}\n\n{body}".strip() + "\n", signer)


def sign_off(message: str, signer: Identity) -> str:
    """``message`` with ``Signed-off-by: signer`` last, unless it has that trailer already.

    ``git interpret-trailers`` decides what a trailer is.
    """
    words = ("interpret-trailers", "--no-divider", "--where=end", "--if-exists=addIfDifferent")
    result = run_git(
        [*words, "--trailer", f"Signed-off-by: {signer}"], cwd=Path("/"), stdin=message.encode()
    )
    return result.stdout.decode()
