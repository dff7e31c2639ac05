"""Rules instead of a hand-written patch: does a semantic patch make the same change?

The series is built up to the patch, then its own steps and the rules are each run on
what is there; the difference of the two trees is the answer.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import campaign as campaign_module
from generator import edits
from generator.campaign import ApplyStep, Campaign, Patch
from generator.commits import build
from generator.conversion import Bench, UnmatchedError, ledger_of
from generator.errors import ConflictError, ExpectedFailureError, UsageError
from generator.ledger import Ledger, Search
from generator.rules import find_bundled, find_rule
from generator.steps import StepReport, Workshop, check_rules, run_step
from generator.suggestion import ending
from generator.tree import Tree, Worktree
from series import ownership
from series.campaign_file import CampaignFile

# What of a series folder a trial does not need.
_LEFT = ("versions", "outgoing", "replies", "series", "resolve", ".git")


@dataclass(frozen=True)
class Rules:
    """Rule steps as ``series.toml`` has them, and the files that go beside it."""

    steps: tuple[Mapping[str, object], ...]
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Trial:
    """What rules make of a patch, against what is there by hand.

    ``diff`` leads from the hand-written result to that of the rules, ``rest``
    back; both are empty when they are the same.  ``ledger`` accounts for the
    rules' sites; ``unmatched`` says which rules changed nothing; ``author`` is
    whom the hand-written mail names.
    """

    patch: str
    diff: bytes
    rest: bytes
    ledger: Ledger
    unmatched: tuple[str, ...]
    author: str

    @property
    def same(self) -> bool:
        """Whether the rules make the same change."""
        return not self.diff

    @property
    def files(self) -> tuple[edits.FileEdit, ...]:
        """The files in which the two differ."""
        return edits.summarize(self.diff) if self.diff else ()


def find(folder: Path, word: str) -> tuple[Path, str, Mapping[str, bytes]]:
    """The rule ``word``: where it is, what a step calls it, and what must be copied for that.

    A file in the series folder, one anywhere else, or a bundled rule by name.
    Raises ``UsageError`` when there is none, or the folder has another file of that name.
    """
    inside = folder / word
    path = inside if inside.is_file() else Path(word)
    if not path.is_file():
        known = find_bundled(word)
        # find_rule() says what is wrong with a name that is none.
        return (known, word, {}) if known else (find_rule(word, folder), word, {})
    place = path.resolve()
    if folder.resolve() in place.parents:
        return path, place.relative_to(folder.resolve()).as_posix(), {}
    content, own = path.read_bytes(), folder / path.name
    if own.exists() and own.read_bytes() != content:
        raise UsageError(
            f"{word}: the series folder has another {path.name}", hint="give the rule another name"
        )
    return path, path.name, {path.name: content}


def change(file: CampaignFile, patch: Patch, rules: Rules, author: str = "") -> None:
    """Put the rules where the ``apply`` steps of ``patch`` are."""
    steps: list[Mapping[str, object]] = []
    done = False
    for step in patch.step:
        if not isinstance(step, ApplyStep):
            steps.append(step.model_dump(exclude_unset=True))
        elif not done:
            steps += rules.steps
            done = True
    for name, content in rules.files.items():
        file.write_file(name, content)
    file.set_steps(patch.id, steps)
    if author and not patch.author:  # the mail that named it is no step any more
        file.set_patch(patch.id, "author", author)


def hand_written(campaign: Campaign, name: str) -> Patch:
    """The patch with the id ``name``; ``UsageError`` where it has no ``apply`` step."""
    found = [patch for patch in campaign.patches if patch.id == name]
    if not found:
        known = [patch.id for patch in campaign.patches]
        hint = f"there are: {', '.join(known)}{ending(name, known)}"
        raise UsageError(f"series.toml has no patch '{name}'", hint=hint)
    if not any(isinstance(step, ApplyStep) for step in found[0].step):
        raise UsageError(f"patch {name}: has no apply step that rules could stand for")
    return found[0]


def compare(campaign: Campaign, tree: Tree, bench: Bench, name: str, rules: Rules) -> Trial:
    """Run the patch ``name`` as it is, and with ``rules``, in ``bench``'s worktree, at the base.

    Nothing but objects is written.  Raises what the steps raise, with the patch named.
    """
    patch = hand_written(campaign, name)
    worktree = bench.worktree
    with TemporaryDirectory(prefix="reroll-adopt-") as place:
        trial = _changed(campaign, patch, rules, Path(place) / "series")
        check_rules(bench, trial)
        shop = Workshop(
            campaign=campaign,
            tree=tree,
            bench=bench,
            owners=lambda kind, files: ownership.labels(worktree, kind, files),
            keep_conflicts=False,
        )
        before = campaign.patches[: campaign.patches.index(patch)]
        if before:
            build(replace(shop, campaign=replace(campaign, patches=before)), tree.identity())
        start = worktree.head()
        reports = _run(shop, patch)[0]
        by_hand = worktree.snapshot()
        worktree.git("reset", "--quiet", "--hard", start)
        changed = next(one for one in trial.patches if one.id == name)
        _, searches, unmatched = _run(replace(shop, campaign=trial), changed)
        by_rules = worktree.snapshot()
        ledger = ledger_of(worktree, searches, worktree.staged_diff())
    authors = [str(report.author) for report in reports if report.author]
    return Trial(
        patch=name,
        diff=_diff(worktree, by_hand, by_rules),
        rest=_diff(worktree, by_rules, by_hand),
        ledger=ledger,
        unmatched=tuple(unmatched),
        author=authors[0] if authors else "",
    )


def _changed(campaign: Campaign, patch: Patch, rules: Rules, place: Path) -> Campaign:
    """A copy of the campaign at ``place``, in which the rules stand for the patch."""
    shutil.copytree(campaign.folder, place, ignore=shutil.ignore_patterns(*_LEFT), symlinks=True)
    file = CampaignFile(place)
    change(file, patch, rules)
    file.save()
    return campaign_module.load(place)


def _run(shop: Workshop, patch: Patch) -> tuple[list[StepReport], list[Search], list[str]]:
    """Run the steps of a patch; rules that change nothing are named, not fatal."""
    reports: list[StepReport] = []
    searches: list[Search] = []
    unmatched: list[str] = []
    for step in patch.step:
        try:
            reports.append(run_step(shop, step))
            done = reports[-1].conversion
        except UnmatchedError as error:
            unmatched.append(str(error))
            done = error.conversion
        except ConflictError as error:
            raise ConflictError(f"patch {patch.id}: {error}", hint=error.hint) from error
        except ExpectedFailureError as error:
            raise ExpectedFailureError(f"patch {patch.id}: {error}", hint=error.hint) from error
        if done:
            searches.append(done.search)
    return reports, searches, unmatched


def _diff(worktree: Worktree, old: str, new: str) -> bytes:
    words = ("--full-index", "--binary", "--no-ext-diff", "--no-textconv", "--find-renames")
    return worktree.git("diff", *words, old, new) if old != new else b""


def rest_name(patch: str) -> str:
    """The file of what rules leave of a hand-written patch."""
    return f"patches/{patch}-rest.patch"


def swap(campaign: Campaign, trial: Trial, rules: Rules, *, keep_rest: bool) -> CampaignFile:
    """``series.toml`` with the rules in place of the hand-written steps; not saved yet.

    With ``keep_rest`` what they leave is a further ``apply`` step.  Raises
    ``ExpectedFailureError`` when the rules change nothing at all.
    """
    if len(trial.unmatched) == len(rules.steps):
        raise ExpectedFailureError(f"patch {trial.patch}: {'; '.join(trial.unmatched)}")
    file = CampaignFile(campaign.folder)
    change(file, hand_written(campaign, trial.patch), rules, trial.author)
    if keep_rest and trial.rest:
        file.write_file(rest_name(trial.patch), trial.rest)
        file.add_step(trial.patch, {"apply": rest_name(trial.patch)})
    return file


def rules_of(
    found: Sequence[tuple[str, Mapping[str, object]]],
    paths: Sequence[str],
    files: Mapping[str, bytes],
) -> Rules:
    """Steps for rules by name with their values, all on ``paths``."""
    where = {"paths": list(paths)} if paths else {}
    return Rules(tuple({"rule": name, **where, **values} for name, values in found), files)
