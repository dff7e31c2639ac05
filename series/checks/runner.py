"""Which checks there are, and running them on the patches of a version."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from generator.errors import RerollError, UsageError
from generator.tree import Tree
from series.checks import gate
from series.checks.gate import mails_digest
from series.checks.kinds import Check, Ground, Patch, Result
from series.version import Version

# In the order of the table's columns: where each is, and what --help says of it.  Their modules
# are imported only when asked for; a check whose module is not there is left out.
_REGISTRY = {
    "applies": (
        "series.checks.applies:AppliesCheck",
        "the mails apply with git am: to the base, and to each --applies-to REV|DIR",
    ),
    "order": (
        "series.checks.order:OrderCheck",
        "no patch uses what a later one adds, or removes what is still used",
    ),
    "remaining": (
        "series.checks.remaining:RemainingCheck",
        "no site of the rules is left without an explanation",
    ),
    "second-run": (
        "series.checks.second_run:SecondRunCheck",
        "the rules of a patch, run on what it made, change nothing more",
    ),
    "kernel-doc": (
        "series.checks.kernel_doc:KernelDocCheck",
        "the tree's scripts/kernel-doc: complaints that a patch brings",
    ),
    "checkpatch": (
        "series.checks.checkpatch:CheckpatchCheck",
        "the tree's scripts/checkpatch.pl (--strict: its checks, too)",
    ),
    "fixes": (
        "series.checks.fixes:FixesCheck",
        "Fixes: names an ancestor of the base, with 12 digits and its subject",
    ),
    "trailers": (
        "series.checks.trailers:TrailersCheck",
        "signatures and other tags: there, spelt right, in the right place",
    ),
    "mail": (
        "series.checks.mail:MailCheck",
        "lint of the mails: subjects, signatures, references, spelling, damage",
    ),
    "rules": (
        "series.checks.rules:RulesCheck",
        "coccicheck's own rules on touched files: new reports",
    ),
    "sparse": (
        "series.checks.sparse:Sparse",
        "what sparse says of the touched C files that it did not say before",
    ),
    "build": (
        "series.checks.build:Build",
        "compiles what each patch reaches: new errors and warnings, bisect breaks",
    ),
}
# These take minutes: they are run when they are named.
SLOW = ("rules", "sparse", "build")

Each = Callable[[str, Patch, Result], None]


@dataclass(frozen=True)
class Report:
    """What checks said: ``results`` by check and patch number, in the order of the checks.

    ``mails`` is the digest of the mails when the checks began.
    """

    version: Version
    patches: tuple[Patch, ...]
    results: Mapping[str, Mapping[int, Result]]
    mails: str = ""

    def states(self) -> set[str]:
        """The states that there are."""
        return {one.state for said in self.results.values() for one in said.values()}


def known() -> tuple[str, ...]:
    """The names of the checks that there are."""
    return tuple(
        name for name, (place, _) in _REGISTRY.items() if find_spec(place.partition(":")[0])
    )


def load(name: str) -> Check:
    """The check called ``name``, one of ``known()``."""
    module, _, thing = _REGISTRY[name][0].partition(":")
    made: Check = getattr(import_module(module), thing)()
    return made


def obstacle(name: str, ground: Ground) -> str:
    """Why the check ``name`` cannot run here at all, as far as can be told at once; or empty."""
    look = getattr(load(name), "obstacle", None)
    return str(look(ground)) if look else ""


def texts() -> dict[str, str]:
    """What --help says of each check."""
    return {name: _REGISTRY[name][1] for name in known()}


def patches_of(version: Version, tree: Tree) -> tuple[Patch, ...]:
    """The patches of ``version``, with the parents that their commits have in ``tree``.

    Raises ``UsageError`` when a commit is not there.
    """
    wanted = [version.base, *(one.commit for one in version.patches)]
    asked = "".join(f"{commit}^{{commit}}\n" for commit in wanted).encode()
    said = tree.git("cat-file", "--batch-check", stdin=asked).split("\n")
    gone = [name for name, line in zip(wanted, said, strict=True) if line.endswith(" missing")]
    if gone:
        what = "the base" if gone[0] == version.base else "a commit"
        raise UsageError(
            f"{tree.path} lacks {what} of version {version.version}, {gone[0][:12]}",
            hint="name the clone that it was generated in with --tree, or generate it again",
        )
    parents = {one.id: one.parents for one in tree.commits(version.base, version.tip)}
    return tuple(
        Patch(
            number=one.number,
            id=one.id,
            title=one.title,
            commit=one.commit,
            parent=(parents.get(one.commit) or (before,))[0],
            files=one.files,
            ledger=one.ledger,
            record=one,
        )
        for one, before in zip(version.patches, wanted, strict=False)
    )


def run(
    ground: Ground, names: Sequence[str], each: Each = lambda _name, _patch, _result: None
) -> Report:
    """Run the checks called ``names`` on all patches of ``ground``'s version.

    ``each`` is told what is known as soon as it is.  What is known is kept in the store by then,
    so that a run that is ended goes on where it was.
    """
    patches = patches_of(ground.version, ground.tree)
    # Not afterwards: a mail that is changed meanwhile may have been looked at before.
    mails = mails_digest(ground.folder, ground.version)
    results: dict[str, dict[int, Result]] = {}
    for name in names:
        check = load(name)
        said = results.setdefault(name, {})
        for patch, result in _guarded(check, ground, patches):
            said[patch.number] = result
            each(name, patch, result)
    return Report(ground.version, patches, results, mails)


def _guarded(
    check: Check, ground: Ground, patches: Sequence[Patch]
) -> Iterator[tuple[Patch, Result]]:
    """What a check says; an error of the user's, or silence, is "not run" for the others."""
    done = set()
    why = "the check said nothing"
    try:
        for patch, result in check.run(ground, patches):
            done.add(patch.number)
            yield patch, result
    except RerollError as error:
        why = str(error)
    for patch in patches:
        if patch.number not in done:
            yield patch, Result("not run", why=why)


def record(ground: Ground, report: Report) -> None:
    """Write down what was found, beside the manifest; ``RerollError`` when that fails."""
    now = int(time.time())
    gate.update(
        ground.folder,
        ground.version.version,
        lambda before: gate.recorded(before, ground.version, report.mails, report.results, now=now),
    )
