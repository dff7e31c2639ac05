"""The steps of a patch: each changes a worktree and its index, or says why not.

No step runs a command of the campaign's choosing, and every path is checked to
stay in the series folder or in the worktree.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import spatch
from generator.campaign import (
    ApplyStep,
    Campaign,
    EditStep,
    MoveStep,
    PickStep,
    RuleStep,
)
from generator.errors import (
    CampaignError,
    ConflictError,
    ExpectedFailureError,
    UsageError,
)
from generator.includes import local_includes
from generator.rule import Rule, read_rule
from generator.tree import Identity, Tree, Worktree, run_git

Progress = Callable[[str, int, int], None]


class UnmatchedError(ExpectedFailureError):
    """A step found nothing to change; whether that is an error is the campaign's to say."""


@dataclass(frozen=True)
class Workshop:
    """What steps need: the campaign, the tree, a worktree of it and a spatch."""

    campaign: Campaign
    tree: Tree
    worktree: Worktree
    spatch: Callable[[], spatch.Spatch]
    timeout: int
    jobs: int
    progress: Progress = lambda _what, _done, _total: None


@dataclass(frozen=True)
class StepReport:
    """What a step did: how many files it looked at and the ones it changed."""

    step: str
    candidates: int
    changed: tuple[str, ...]
    rule: Rule | None = None
    author: Identity | None = None


def rule_of(campaign: Campaign, step: RuleStep) -> Rule:
    """The rule of a step, read and rendered; ``CampaignError`` when it is wrong."""
    path = campaign.folder / step.rule
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
    for path in step.paths:
        if not shop.worktree.exists(path):
            raise UnmatchedError(f"{step.rule}: there is no {path} in the tree")
    with spatch.Engine(shop.spatch(), rule, timeout=shop.timeout, jobs=shop.jobs) as engine:
        derived = engine.tokens()
        tokens = step.tokens or derived
        files = shop.worktree.candidates(tokens, step.paths)
        files = [file for file in files if not _within(file, step.exclude)]
        _materialize(shop.worktree, files)
        outcomes = engine.run(
            shop.worktree.path,
            files,
            tokens,
            lambda done: shop.progress(step.rule, done, len(files)),
        )
    if troubles := [outcome.trouble for outcome in outcomes if outcome.trouble]:
        raise CampaignTroubleError(step.rule, troubles)
    changed = [outcome for outcome in outcomes if outcome.diff]
    if not changed:
        raise UnmatchedError(f"{step.rule}: changes none of {_count(len(files), 'candidate file')}")
    shop.worktree.apply(b"".join(outcome.diff for outcome in changed))
    return StepReport(step.rule, len(files), tuple(item.path for item in changed), rule=rule)


class CampaignTroubleError(ExpectedFailureError):
    """Files that spatch did not finish, each on a line of its own."""

    def __init__(self, rule: str, troubles: Sequence[str]) -> None:
        super().__init__(f"{rule}: {'; '.join(troubles)}")
        self.rule = rule
        self.troubles = tuple(troubles)

    def lines(self) -> list[str]:
        """One line a file and what can be done."""
        hint = 'exclude a file with its reason: exclude = { "path" = "reason" }, or raise --timeout'
        return [*(f"{self.rule}: {trouble}" for trouble in self.troubles), f"hint: {hint}"]


def _materialize(worktree: Worktree, files: Sequence[str]) -> None:
    """Write out ``files`` and the headers that spatch reads with them."""
    seen: set[str] = set()
    todo = set(files)
    while todo:
        worktree.materialize(sorted(todo))
        seen |= todo
        present = [path for path in todo if (worktree.path / path).is_file()]
        todo = {
            header
            for path in present
            if not (worktree.path / path).is_symlink()
            for header in local_includes(path, (worktree.path / path).read_bytes())
        } - seen


def _within(file: str, paths: Sequence[str] | dict[str, str]) -> bool:
    return any(file == path or file.startswith(f"{path}/") for path in paths)


def _run_edit(shop: Workshop, step: EditStep) -> StepReport:
    if not shop.worktree.exists(step.edit):
        raise UnmatchedError(f"{step.edit}: there is no such file in the tree")
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
        raise UnmatchedError(f"{step.move}: there is no such file in the tree")
    source, target = worktree.file(step.move), worktree.file(step.to)
    if target.exists():
        raise ConflictError(f"cannot move {step.move}: {step.to} exists already")
    if not source.is_file() or source.is_symlink():
        raise UsageError(f"{step.move}: is not a plain file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise UsageError(f"cannot move {step.move} to {step.to}: {error.strerror}") from error
    worktree.stage([step.move, step.to])
    return StepReport(f"move {step.move}", 1, (step.move, step.to))


def _run_apply(shop: Workshop, step: ApplyStep) -> StepReport:
    content = _message(shop.campaign.folder / step.apply, step)
    author = None
    diff = content
    if re.match(rb"From |[A-Za-z-]+: ", content):
        author, diff = _split_mail(content, step.apply)
    try:
        shop.worktree.apply(diff, three_way=True)
    except ConflictError as error:
        raise ConflictError(f"{step.apply}: {error}") from error
    return StepReport(f"apply {step.apply}", 1, (), author=author)


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


def check_rules(shop_spatch: spatch.Spatch, campaign: Campaign) -> None:
    """Let spatch read every rule of the campaign, before anything is done.

    Raises ``CampaignError`` with the problems of all of them.
    """
    problems: list[str] = []
    seen: set[str] = set()
    for patch in campaign.patches:
        for step in patch.step:
            if not isinstance(step, RuleStep):
                continue
            try:
                rule = rule_of(campaign, step)
                if rule.text in seen:
                    continue
                seen.add(rule.text)
                with spatch.Engine(shop_spatch, rule, timeout=30, jobs=1) as engine:
                    engine.tokens()
            except CampaignError as error:
                problems += error.problems
            except UsageError as error:
                problems.append(str(error))
    if problems:
        raise CampaignError(list(dict.fromkeys(problems)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _short(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 60 else pattern[:57] + "...")
