"""The mails apply with git am: to the base, and to any other tree that is named."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import RerollError, UsageError
from generator.tree import Tree, Worktree, run_git
from series import store
from series.checks.gate import mails_digest
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.recall import keep, key, recall

# Commits that nobody sees need a committer all the same; a CI machine has none.
_COMMITTER = {"GIT_COMMITTER_NAME": "reroll", "GIT_COMMITTER_EMAIL": "reroll@localhost"}
_WORDS = ("am", "--3way", "--keep-cr", "--no-gpg-sign", "--committer-date-is-author-date")


@dataclass(frozen=True)
class Target:
    """A commit that the mails are to apply to: what it is called, and where it is."""

    name: str
    tree: Tree
    commit: str


@dataclass(frozen=True)
class _Stop:
    """Where git am stopped: the index of the mail, and why."""

    at: int
    findings: tuple[Finding, ...]


def target(tree: Tree, word: str) -> Target:
    """What ``--applies-to WORD`` names: a commit of ``tree``, or a directory with a git tree.

    Raises ``UsageError`` when it is neither.
    """
    place = Path(word).expanduser()
    if "/" in word and place.is_dir():
        other = Tree(place)
        return Target(word, other, other.resolve("HEAD"))
    try:
        return Target(word, tree, tree.resolve(word))
    except UsageError as error:
        raise UsageError(
            f"--applies-to {word}: is neither a commit in {tree.path} nor a directory with a tree",
            hint="fetch it first; a directory needs a '/' in its name, such as ./linux-next",
        ) from error


class AppliesCheck:
    """What ``git am -3`` says of each mail, on each target."""

    name = "applies"
    text = "the mails apply with git am: to the base, and to each --applies-to REV|DIR"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        base = ground.version.base
        targets = [Target(f"the base {ground.version.base_name}", ground.tree, base)]
        results: list[list[Result]] = []
        try:
            targets += [target(ground.tree, word) for word in ground.options.get("applies-to", ())]
            for one in targets:
                ground.progress(f"git am on {one.name}")
                results.append(_results(ground, one, patches))
        except RerollError as error:
            results.append([Result("not run", why=str(error)) for _ in patches])
        for patch, said in zip(patches, zip(*results, strict=True), strict=True):
            yield patch, _together(said)


def _together(results: Sequence[Result]) -> Result:
    """One result of those on all targets: what fails anywhere fails, then what was not run."""
    findings = tuple(finding for one in results for finding in one.findings)
    lacking = [one for one in results if one.state == "not run"]
    if lacking and not any(one.state == "failed" for one in results):
        return Result("not run", findings, lacking[0].why)
    return Result.of(findings)


def _results(ground: Ground, one: Target, patches: Sequence[Patch]) -> list[Result]:
    """The result of each patch on a target, as known or as git am now says it."""
    facts = (mails_digest(ground.folder, ground.version), one.name, one.tree.tree_of(one.commit))
    keys = [key("applies", "3", *facts, str(patch.number)) for patch in patches]
    known = [recall(ground.store, name) for name in keys]
    found = [result for result in known if result is not None]
    if len(found) == len(patches):
        return found
    paths = [store.mail_path(ground.folder, ground.version, one.record.mail) for one in patches]
    fresh = _applied(ground, one, patches, paths)
    for name, result in zip(keys, fresh, strict=True):
        keep(ground.store, name, result)
    return fresh


def _applied(
    ground: Ground, one: Target, patches: Sequence[Patch], paths: Sequence[Path]
) -> list[Result]:
    with one.tree.worktree(one.commit) as worktree:
        # git am itself writes files out before it merges, and then takes them for local changes.
        worktree.materialize(ground.tree.names_between(ground.version.base, ground.version.tip))
        words = [*_WORDS, *map(str, paths)]
        ended = run_git(words, cwd=worktree.path, check=False, env=_COMMITTER)
        said = (ended.stdout + b"\n" + ended.stderr).decode("utf-8", "replace")
        stopped = re.findall(r"^Patch failed at (\d{1,9}) ", said, re.MULTILINE)
        if ended.returncode == 0:
            made = worktree.git("log", "--reverse", "--format=%T", f"{one.commit}..HEAD")
            return _complete(ground, one, patches, made.decode().split())
        # Before that it has said what others wrote.
        at = min(max(int(stopped[-1]) - 1, 0), len(patches) - 1) if stopped else 0
        findings = _conflicts(worktree, patches[at], one, ended.complaint)
    why = f"patch {patches[at].number} does not apply to {one.name}"
    after = [Result("not run", why=why) for _ in patches[at + 1 :]]
    return [*(Result("passed") for _ in patches[:at]), Result.of(findings), *after]


def _complete(
    ground: Ground, one: Target, patches: Sequence[Patch], made: Sequence[str]
) -> list[Result]:
    """All apply; on the base each must make what its commit is. ``made`` are the trees."""
    results = [Result("passed") for _ in patches]
    # An unlike base (a series on top of another one) is told by its first patch.
    if one.commit != ground.version.base or patches[0].parent != ground.version.base:
        return results
    wanted = [ground.tree.tree_of(patch.commit) for patch in patches]
    for at, (mine, theirs) in enumerate(zip(made, wanted, strict=False)):
        if mine != theirs:
            paths = ground.tree.names_between(theirs, mine)
            what = "the mail makes something else than its commit"
            hint = "'reroll generate'; before that 'reroll absorb', if the branch has work of yours"
            found = Finding("error", what, next(iter(paths), ""), rule="applies", hint=hint)
            results[at] = Result.of([found])
            break
    return results


def _conflicts(worktree: Worktree, patch: Patch, one: Target, complaint: str) -> list[Finding]:
    """Where the mail does not fit, as file and line of the target."""
    unmerged = worktree.git("diff", "--name-only", "-z", "--diff-filter=U").decode(
        "utf-8", "surrogateescape"
    )
    diff = run_git(["am", "--show-current-patch=diff"], cwd=worktree.path, check=False).stdout
    what = f"does not apply to {one.name}"
    hint = "'reroll generate --base REV' for a newer base, or send it against this one and say so"
    places = [_marker(worktree, path) for path in unmerged.split("\0") if path]
    if not places:
        head = worktree.git("rev-parse", "HEAD^{tree}").decode().strip()
        texts = [(path, line) for path, line in worktree.misfits(diff, head)]
        old = worktree.contents(dict.fromkeys(path for path, _ in texts))
        places = [(path, line, _line(old.get(path, b""), line)) for path, line in texts]
    if not places:
        return [Finding("error", f"{what}: {complaint}", rule="applies", hint=hint)]
    return [Finding("error", what, *place, "applies", hint) for place in places if patch]


def _marker(worktree: Worktree, path: str) -> tuple[str, int, str]:
    """The first conflict of a file: its line as the target has it, and that line."""
    place = worktree.file(path)
    content = place.read_bytes() if place.is_file() and not place.is_symlink() else b""
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(b"<<<<<<< ") and number < len(lines):
            return path, number, lines[number].decode("utf-8", "replace")
    return path, 0, ""


def _line(content: bytes, number: int) -> str:
    lines = content.split(b"\n")
    return lines[number - 1].decode("utf-8", "replace") if 0 < number <= len(lines) else ""
