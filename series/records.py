"""What was built, as the records of a version's manifest."""

import hashlib
from collections.abc import Callable, Sequence

from generator.commits import Built, BuiltPatch
from generator.rule import Rule
from generator.steps import StepReport
from generator.tree import Tree
from series import compose
from series.carrying import Decided
from series.recipients import Plan
from series.version import (
    LedgerRecord,
    PatchRecord,
    RuleRecord,
    SkippedRecord,
)


def patches(
    tree: Tree,
    built: Built,
    mails: Sequence[compose.RawMail],
    plans: Sequence[Plan],
    thread: compose.Thread,
    tags: Callable[[str], Decided],
) -> tuple[PatchRecord, ...]:
    """The patches of a series, each with its mail and the plan of who gets it.

    ``tags`` has what became of the tags that a patch, by its id, was given.
    """
    ids = patch_ids(tree, built.base, built.tip)
    return tuple(
        PatchRecord(
            number=patch.number,
            id=patch.id,
            title=patch.title,
            commit=patch.commit,
            patch_id=ids.get(patch.commit, ""),
            insertions=patch.insertions,
            deletions=patch.deletions,
            files=tuple(file.path for file in patch.files),
            rules=_rules(patch),
            skipped_steps=patch.skipped_steps,
            mail=mail.name,
            message_id=thread.ids[patch.number],
            recipients=plan.recipients,
            left_out=plan.left_out,
            of=patch.of,
            label=patch.label,
            ledger=LedgerRecord.of(patch.ledger),
            carried=tags(patch.id).carried,
            dropped=tags(patch.id).dropped,
        )
        for patch, mail, plan in zip(built.patches, mails, plans, strict=True)
    )


def rule_digests(steps: Sequence[StepReport]) -> tuple[tuple[str, str], ...]:
    """Name and digest of the rules that made a patch; none where a step was no rule."""
    if not all(step.rule for step in steps):
        return ()
    return tuple((step.rule.name, _digest(step.rule, steps)) for step in steps if step.rule)


def _digest(rule: Rule, steps: Sequence[StepReport]) -> str:
    """The SHA-256 of a rule's text and of what else decides what it makes.

    That is: its definitions, the files and passes of all rules of the patch, and the
    names of steps beside it that are no rules.
    """
    more = [f"-D {name}={value}" for name, value in sorted(rule.defines.items())]
    more += [step.scope if step.rule else step.step for step in steps]
    return hashlib.sha256("\0".join([rule.text, *more]).encode()).hexdigest()


def _rules(patch: BuiltPatch) -> tuple[RuleRecord, ...]:
    files = {name for file in patch.files for name in (file.path, file.source)}
    return tuple(
        RuleRecord(
            name=step.rule.name,
            sha256=_digest(step.rule, patch.steps),
            candidates=step.candidates,
            changed=tuple(path for path in step.changed if path in files),
            words=step.conversion.search.words if step.conversion else (),
        )
        for step in patch.steps
        if step.rule
    )


def patch_ids(tree: Tree, base: str, tip: str) -> dict[str, str]:
    """The stable patch id (git-patch-id(1)) of each commit of ``base..tip``."""
    log = tree.git(
        "log", "--patch", "--full-index", "--no-ext-diff", "--no-textconv", f"{base}..{tip}"
    )
    said = tree.git("patch-id", "--stable", stdin=(log + "\n").encode("utf-8", "surrogateescape"))
    return {commit: patch for patch, commit in (line.split() for line in said.splitlines())}


def skipped(built: Built) -> tuple[SkippedRecord, ...]:
    """The patches that were left out, and why."""
    return tuple(SkippedRecord(item.id, item.title, item.reason) for item in built.skipped)


def rest(built: Built) -> dict[str, LedgerRecord]:
    """The sites that are in no shard, by the id of the split patch."""
    return {name: LedgerRecord.of(sites) for name, sites in built.rest.items()}
