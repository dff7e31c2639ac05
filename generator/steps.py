"""The steps of a patch: each changes a worktree and its index, or says why not.

No step runs a command of the campaign's choosing, and every path is checked to
stay in the series folder or in the worktree.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.campaign import (
    ApplyStep,
    Campaign,
    EditStep,
    MoveStep,
    Patch,
    PickStep,
    RuleStep,
)
from generator.conversion import Bench, Conversion, Order, UnmatchedError, convert
from generator.errors import (
    CampaignError,
    ConflictError,
    ExpectedFailureError,
    UsageError,
)
from generator.resolving import Resolution, UnfitError, UnresolvedError, digest, hunks, keep
from generator.rule import Rule, read_rule
from generator.rules import find_rule
from generator.split import Shard, by_place, common_prefix, distinct, path_prefix, shards
from generator.tree import Identity, Tree, Worktree, run_git


@dataclass(frozen=True)
class Workshop:
    """What steps need: the campaign, the tree, and what a rule needs to run.

    ``keep_conflicts`` leaves a diff that does not fit in a worktree of its own;
    ``command`` is what to run again when it was resolved.
    """

    campaign: Campaign
    tree: Tree
    bench: Bench
    owners: Callable[[str, Sequence[str]], Mapping[str, str]] = lambda _kind, _files: {}
    previous: Mapping[str, Sequence[Shard]] = field(default_factory=dict)
    keep_conflicts: bool = True
    command: str = "reroll generate"

    def split(self, patch: Patch, files: Sequence[str]) -> list[Shard]:
        """``files`` of a patch in shards, each with its subject prefix."""
        if patch.split in ("directory", "file"):
            owners: Mapping[str, str] = by_place(patch.split, files)
        else:
            owners = self.owners(patch.split, files)
        found = shards(files, owners, self.previous.get(patch.id, ()))
        prefixes = self.prefixes(found)
        return [
            replace(shard, prefix=prefix) for shard, prefix in zip(found, prefixes, strict=True)
        ]

    def prefixes(self, groups: Sequence[Shard]) -> list[str]:
        """The subject prefix of each: from its files' history, else from their paths."""
        every = sorted({file for group in groups for file in group.files})
        subjects = self.tree.subjects(self.worktree.head(), every)
        found = [
            common_prefix(group.files, subjects) or path_prefix(group.files, group.label)
            for group in groups
        ]
        return distinct(found, [group.files for group in groups])

    @property
    def worktree(self) -> Worktree:
        """Where files are changed."""
        return self.bench.worktree


_LEAVE_OUT = 'or leave the patch out: omit = "why" in its table of series.toml'


@dataclass(frozen=True)
class StepReport:
    """What a step did: how many files it looked at and the ones it changed.

    ``scope`` says, for a rule, what else than its text the campaign decides: which
    files it is run on, and what is done after it.
    """

    step: str
    candidates: int
    changed: tuple[str, ...]
    rule: Rule | None = None
    author: Identity | None = None
    conversion: Conversion | None = None
    scope: str = ""


def rule_of(campaign: Campaign, step: RuleStep) -> Rule:
    """The rule of a step, read and rendered; ``CampaignError`` when it is wrong."""
    path = find_rule(step.rule, campaign.folder)
    return read_rule(path, name=step.rule, defines=step.define, parameters=step.parameters)


def run_step(
    shop: Workshop, step: RuleStep | EditStep | MoveStep | ApplyStep | PickStep
) -> StepReport:
    """Do one step in the worktree.

    Raises ``UnmatchedError`` when there is nothing for it to change,
    ``ConflictError`` when a diff does not fit, ``ExpectedFailureError`` when
    files were left that cannot be taken for done.
    """
    match step:
        case RuleStep():
            return _run_rule(shop, step)
        case EditStep():
            return _run_edit(shop, step)
        case MoveStep():
            return _run_move(shop, step)
        case ApplyStep():
            return _run_apply(shop, step)
        case PickStep():
            return _run_pick(shop, step)


def _run_rule(shop: Workshop, step: RuleStep) -> StepReport:
    rule = rule_of(shop.campaign, step)
    texts = step.kernel_doc if isinstance(step.kernel_doc, dict) else {}
    order = Order(
        rule=rule,
        paths=tuple(step.paths),
        exclude=step.exclude,
        tokens=tuple(step.tokens),
        repeat=step.repeat,
        kernel_doc=None if step.kernel_doc is False else texts,
        style=step.style,
    )
    done = convert(shop.bench, order)
    if not done.changed:
        raise UnmatchedError(
            f"{step.rule}: changes none of {_count(done.candidates, 'candidate file')}", done
        )
    if done.undescribed:
        raise ExpectedFailureError(
            f"{step.rule}: {'; '.join(done.undescribed)}",
            hint='describe each: kernel_doc = { name = "what it is" }, or kernel_doc = false',
        )
    return StepReport(
        step.rule, done.candidates, done.changed, rule=rule, conversion=done, scope=_scope(step)
    )


def _scope(step: RuleStep) -> str:
    """What a rule's step says of files and passes, as text that is equal when that is."""
    told = step.model_dump(include={"paths", "tokens", "repeat", "kernel_doc", "style"})
    # Why a file is left out is for people.
    return json.dumps(told | {"exclude": sorted(step.exclude)}, sort_keys=True)


def _run_edit(shop: Workshop, step: EditStep) -> StepReport:
    if not shop.worktree.exists(step.edit):
        near = shop.worktree.likely(step.edit)
        raise UnmatchedError(f"{step.edit}: there is no such file in the tree{near}")
    file = shop.worktree.file(step.edit)
    if not file.is_file() or file.is_symlink():
        raise UsageError(f"{step.edit}: is not a plain file")
    # newline="" and surrogateescape: every byte that does not match stays as it is.
    before = file.read_bytes().decode("utf-8", "surrogateescape")
    after, count = re.compile(step.pattern, re.MULTILINE).subn(step.replace, before)
    if count == 0:
        raise UnmatchedError(f"{step.edit}: nothing matches the pattern {_short(step.pattern)}")
    if count != step.count:
        raise ExpectedFailureError(
            f"{step.edit}: the pattern {_short(step.pattern)} matches {count} times, "
            f"not {step.count} as the campaign says"
        )
    file.write_bytes(after.encode("utf-8", "surrogateescape"))
    shop.worktree.stage([step.edit])
    return StepReport(f"edit {step.edit}", 1, (step.edit,) if after != before else ())


def _run_move(shop: Workshop, step: MoveStep) -> StepReport:
    worktree = shop.worktree
    if not worktree.exists(step.move):
        near = worktree.likely(step.move)
        raise UnmatchedError(f"{step.move}: there is no such file in the tree{near}")
    source, target = worktree.file(step.move), worktree.file(step.to)
    if target.exists() or worktree.exists(step.to):
        raise ConflictError(f"cannot move {step.move}: {step.to} exists already")
    if not source.is_file() or source.is_symlink():
        raise UsageError(f"{step.move}: is not a plain file")
    folders = [str(one) for one in Path(step.to).parents]
    if files := worktree.staged_contents(folders):
        raise UsageError(f"cannot move {step.move} to {step.to}: {min(files)} is a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise UsageError(f"cannot move {step.move} to {step.to}: {error.strerror}") from error
    worktree.stage([step.move, step.to])
    return StepReport(f"move {step.move}", 1, (step.move, step.to))


def _run_apply(shop: Workshop, step: ApplyStep) -> StepReport:
    author, diff = diff_of(shop.campaign.folder, step)
    before = shop.worktree.snapshot()
    try:
        shop.worktree.apply(diff, three_way=True)
    except ConflictError as error:
        misfits = shop.worktree.misfits(diff, before)
        with shop.worktree.scratch_index() as index:
            index.reset(before)
            if index.has(diff):
                raise UnmatchedError(f"{step.apply}: the tree has this change already") from error
        raise UnfitError(step, diff, before, misfits) from error
    if shop.worktree.snapshot() == before:  # a three-way merge finds nothing left to do
        raise UnmatchedError(f"{step.apply}: the tree has this change already")
    return StepReport(f"apply {step.apply}", 1, (), author=author)


def diff_of(folder: Path, step: ApplyStep) -> tuple[Identity | None, bytes]:
    """The diff that a step applies, and who wrote it where that is a mail.

    Raises ``CampaignError`` when the mail cannot be read or is not there.
    """
    content = _message(folder / step.apply, step)
    if re.match(rb"From |[A-Za-z-]+: ", content):
        return _split_mail(content, step.apply)
    return None, content


def _message(path: Path, step: ApplyStep) -> bytes:
    """The bytes of a diff or mail file, or of the one message with the step's id in an mbox."""
    if step.message is None:
        return path.read_bytes()
    import mailbox

    wanted = step.message.strip().strip("<>")
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.keys():  # noqa: SIM118  an mbox iterates over messages, not keys
            if str(box[key].get("Message-ID", "")).strip().strip("<>") == wanted:
                return box.get_bytes(key)
    finally:
        box.close()
    raise CampaignError([f"{step.apply}: holds no message <{wanted}>"])


def _split_mail(content: bytes, name: str) -> tuple[Identity | None, bytes]:
    """Author and diff of a mail, as git takes them from it (``git mailinfo``)."""
    with TemporaryDirectory(prefix="reroll-mail-") as place:
        folder = Path(place)
        result = run_git(["mailinfo", "msg", "diff"], cwd=folder, stdin=content, check=False)
        if result.returncode != 0:
            raise CampaignError([f"{name}: git cannot read this mail: {result.complaint}"])
        diff = (folder / "diff").read_bytes()
    facts = dict(
        line.split(": ", 1)
        for line in result.stdout.decode("utf-8", "replace").splitlines()
        if ": " in line
    )
    author = None
    if facts.get("Author") and facts.get("Email"):
        author = Identity(facts["Author"], facts["Email"])
    return author, diff


def unresolved(shop: Workshop, patch: Patch, at: int, error: UnfitError) -> ConflictError:
    """What to say of a diff that does not fit, which is left in a worktree to be resolved."""
    message = f"patch {patch.id}: step {at}: {error}"
    if not shop.keep_conflicts:
        return ConflictError(message, hint=f"without -n it can be resolved; {_LEAVE_OUT}")
    folder, step = shop.campaign.folder, error.step
    wanted = Resolution(patch.id, at, step.apply, step.hand, digest(error), shop.command)
    place = keep(shop.tree, shop.worktree, folder, wanted, error)
    shown = [f"patch {patch.id}: {hunk}" for hunk in hunks(error.diff, error.misfits)]
    hint = (
        f"resolve it in {place}, then 'reroll absorb --resolved {place}'; "
        f"'reroll absorb --abort {place}' removes that; {_LEAVE_OUT}"
    )
    return UnresolvedError(message, shown, hint=hint)


def _run_pick(shop: Workshop, step: PickStep) -> StepReport:
    commit = shop.tree.resolve(step.pick)
    words = ["cherry-pick", "--no-commit", commit]
    result = run_git(words, cwd=shop.worktree.path, check=False)
    if result.returncode != 0:
        files = shop.worktree.git("diff", "--name-only", "--diff-filter=U").decode(
            "utf-8", "replace"
        )
        raise ConflictError(
            f"commit {step.pick} does not apply: {', '.join(files.split()) or result.complaint}"
        )
    return StepReport(f"pick {step.pick}", 1, (), author=shop.tree.author(commit))


def check_rules(bench: Bench, campaign: Campaign) -> None:
    """Let spatch read every rule of the campaign, before anything is done.

    What the rules look for is then searched for in one go.  Raises ``CampaignError``
    with the problems of all of them.
    """
    problems: list[str] = []
    searches: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for patch in campaign.patches:
        for step in patch.step:
            if patch.omit or not isinstance(step, RuleStep):
                continue
            try:
                rule = rule_of(campaign, step)
                with bench.engine(rule) as engine:
                    words = engine.tokens()
                searches.append((tuple(step.tokens) or words, tuple(step.paths)))
            except CampaignError as error:
                problems += error.problems
            except UsageError as error:
                problems.append(str(error))
    if problems:
        raise CampaignError(list(dict.fromkeys(problems)))
    bench.candidates.ahead(searches)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _short(pattern: str) -> str:
    return f"'{pattern if len(pattern) <= 60 else pattern[:57] + '...'}'"
