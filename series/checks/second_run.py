"""Each rule of a patch, run again on what the patch made, changes nothing more."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from generator import campaign as campaign_module
from generator.campaign import Campaign, RuleStep
from generator.campaign import Patch as CampaignPatch
from generator.conversion import Order, UnmatchedError
from generator.errors import CampaignError, RerollError
from generator.ledger import within
from generator.scan import preview
from generator.spatch import Kind, Outcome
from generator.steps import rule_of
from series import workbench
from series.checks.diff_lines import diff_lines
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.recall import key, recalled
from series.workbench import Spatches

# Of such a file nobody knows what the rule would change.
_LOST = (Kind.TIMED_OUT, Kind.FAILED)
_HINT = "let the rule exclude what it has done, say repeat = true, or give it the files it left"


class SecondRunCheck:
    """What spatch makes of the tree as a patch leaves it, with the rules of that patch."""

    name = "second-run"
    text = "the rules of a patch, run on what it made, change nothing more"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        try:
            campaign = campaign_module.load(ground.folder)
        except CampaignError as error:
            yield from ((patch, Result("not run", why=str(error))) for patch in patches)
            return
        spatches = Spatches(ground.settings.spatch)
        declared = {one.id: one for one in campaign.patches}
        for patch in patches:
            ground.progress(f"second run: patch {patch.number}")
            yield patch, _judged(ground, patch, campaign, declared, spatches)


def _judged(
    ground: Ground,
    patch: Patch,
    campaign: Campaign,
    declared: Mapping[str, CampaignPatch],
    spatches: Spatches,
) -> Result:
    if not patch.record.rules:
        return Result("passed")
    found = declared.get(patch.record.of or patch.id)
    if found is None:
        return Result("not run", why=f"series.toml has no patch '{patch.record.of}' any more")
    try:
        orders = [_order(campaign, step) for step in found.step if isinstance(step, RuleStep)]
        programs = [str(spatches.choose(one.rule)) for one in orders]
        facts = [f"{one.rule.text} {one.rule.arguments} {_scope(one)}" for one in orders]
        facts += [*programs, str(ground.settings.timeout), found.split, *patch.files]
        name = key("second-run", "2", ground.tree.tree_of(patch.commit), *facts)
        return recalled(
            ground.store, name, lambda: _run(ground, patch, orders, spatches, found.split != "none")
        )
    except RerollError as error:
        return Result("not run", why=str(error))


def _scope(order: Order) -> str:
    return hashlib.sha256(
        repr((order.paths, order.tokens, sorted(order.exclude))).encode()
    ).hexdigest()


def _order(campaign: Campaign, step: RuleStep) -> Order:
    return Order(
        rule=rule_of(campaign, step),
        paths=tuple(step.paths),
        exclude=step.exclude,
        tokens=tuple(step.tokens),
    )


def _run(
    ground: Ground, patch: Patch, orders: Sequence[Order], spatches: Spatches, only_own: bool
) -> Result:
    findings: list[Finding] = []
    with ExitStack() as stack:
        worktree = stack.enter_context(ground.tree.worktree(patch.commit))
        bench = stack.enter_context(
            workbench.bench(
                worktree,
                ground.settings,
                spatches,
                allow_scripts=bool(ground.options.get("allow-scripts")),
                progress=lambda _: None,
            )
        )
        for order in orders:
            try:
                outcomes = preview(bench, order)
            except UnmatchedError:
                continue
            # Of a patch in shards, the other files are another shard's.
            mine = [one for one in outcomes if not only_own or within(one.path, patch.files)]
            if lost := next((one for one in mine if one.kind in _LOST), None):
                return Result("not run", why=f"{order.rule.name}: {lost.trouble}")
            findings += [finding for one in mine for finding in _findings(order, one)]
    return Result.of(findings)


def _findings(order: Order, outcome: Outcome) -> Iterator[Finding]:
    changed = next((one for one in diff_lines(outcome.diff) if one.sign != " "), None)
    if changed:
        what = f"{order.rule.name} changes this once more when it is run again"
        place = (outcome.path, changed.line, changed.text if changed.sign == "-" else "")
        yield Finding("error", what, *place, "second-run", _HINT)
