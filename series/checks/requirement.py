"""What must have been checked before a version is sent, and what stands against sending it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import RerollError, UsageError
from generator.suggestion import ending
from series.checks import gate, runner
from series.checks.gate import Checks, mails_digest
from series.checks.kinds import Ground
from series.settings import Settings
from series.version import OverrideRecord, Version

# Where neither git config nor series.toml names any.
USUAL = ("applies", "build", "remaining", "mail")
_NO_TREE = "no Linux tree is named"


@dataclass(frozen=True)
class Required:
    """The checks that are required; ``named`` when somebody named them.

    The usual ones are required where they can run, named ones in any case.
    """

    names: tuple[str, ...]
    named: bool


@dataclass(frozen=True)
class Blocked:
    """A check that keeps a version back, and why."""

    check: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """What keeps a version back, and what would, but for a reason that was given.

    ``overridden`` is to be recorded when the version is sent.
    """

    blocked: tuple[Blocked, ...] = ()
    overridden: tuple[OverrideRecord, ...] = ()


def required(settings: Settings) -> Required:
    """What ``settings`` require; ``UsageError`` for a check that there is not."""
    if settings.required is None:
        return Required(USUAL, named=False)
    known(settings.required, "'required' (series.toml, or git config reroll.required)")
    return Required(tuple(dict.fromkeys(settings.required)), named=True)


def known(names: Iterable[str], where: str = "") -> None:
    """``UsageError``, naming ``where`` that stands, when one of ``names`` is no check."""
    there = runner.known()
    for name in names:
        if name not in there:
            raise UsageError(
                f"{where and f'{where}: '}there is no check '{name}'",
                hint=f"the checks are: {', '.join(there)}{ending(name, there)}",
            )


def objections(
    folder: Path, version: Version, wanted: Required, ground: Ground | None, *, write: bool
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Why checks that are required do not let ``version`` pass, by name; and notes.

    Quick ones that were not run on it are run on ``ground`` (``None``: there is no tree); with
    ``write`` that is recorded.  "mail" is not looked at: who sends looks at the mails anyway.
    """
    mails = mails_digest(folder, version)
    checks = gate.read(folder, version.version)
    names = [name for name in wanted.names if name != "mail"]
    stale = [name for name in names if gate.objection(checks, name, version, mails, named=True)]
    slow = [name for name in stale if name in runner.SLOW and not _ran(checks, name, version)]
    cannot = {name: why for name in slow if (why := _obstacle(name, ground))}
    if quick := [name for name in stale if name not in runner.SLOW]:
        try:
            checks = _run(ground, checks, mails, quick, write=write)
        except RerollError as error:
            cannot |= dict.fromkeys(quick, str(error))
    said = {name: f"cannot run here: {why}" for name, why in cannot.items()}
    for name in names:
        if why := gate.objection(checks, name, version, mails, named=True):
            said.setdefault(name, why)
    excused = [name for name in said if name in cannot or _excused(checks, name, version, mails)]
    notes = () if wanted.named else tuple(f"check {name} {said.pop(name)}" for name in excused)
    return said, (*notes, *_not_required(checks, wanted, version, mails))


def _excused(checks: Checks, name: str, version: Version, mails: str) -> bool:
    """Whether a check stands in nobody's way who did not name it: it could not run."""
    # What takes minutes could run here now, and did not when it was asked to.
    able = name in runner.SLOW and "not run" in _states(checks, name)
    return not able and not gate.objection(checks, name, version, mails)


def _not_required(
    checks: Checks, wanted: Required, version: Version, mails: str
) -> tuple[str, ...]:
    """What to note of checks that fail, and that nobody requires."""
    return tuple(
        f"check {name} {why}, and is not required"
        for name in checks.checks
        if name not in wanted.names
        and (why := gate.objection(checks, name, version, mails)).endswith("fails")
    )


def _obstacle(name: str, ground: Ground | None) -> str:
    return runner.obstacle(name, ground) if ground else _NO_TREE


def _run(
    ground: Ground | None, checks: Checks, mails: str, names: Sequence[str], *, write: bool
) -> Checks:
    """``checks`` with what those called ``names`` say now."""
    if ground is None:
        raise UsageError(_NO_TREE)
    report = runner.run(ground, names)
    if write:
        runner.record(ground, report)
    return gate.recorded(checks, ground.version, mails, report.results, now=0)


def _ran(checks: Checks, name: str, version: Version) -> bool:
    """Whether the check has looked at these commits, all of them."""
    there = checks.tip == version.tip and name in checks.checks
    return there and "not run" not in _states(checks, name)


def _states(checks: Checks, name: str) -> set[str]:
    """What the check said of the patches; empty where it never ran."""
    return {one.state for one in checks.checks[name].verdicts} if name in checks.checks else set()


def judge(
    version: Version, found: Mapping[str, str], reasons: Mapping[str, str], *, now: int
) -> Verdict:
    """What of ``found`` keeps ``version`` back when ``reasons`` are given for some checks.

    What was overridden before, of the same version and for the same cause, still is.
    """
    before = {(one.check, one.why) for one in version.overrides}
    blocked = []
    overridden = []
    for name, why in found.items():
        if name in reasons:
            overridden.append(OverrideRecord(name, why, reasons[name], now))
        elif (name, why) not in before:
            blocked.append(Blocked(name, why))
    return Verdict(tuple(blocked), tuple(overridden))


def said(blocked: Sequence[Blocked]) -> tuple[str, str]:
    """What to tell of the checks that keep a version back: a text, and a hint."""
    text = "; ".join(f"check {one.check} {one.why}" for one in blocked)
    names = [one.check for one in blocked]
    hints = ["correct series.toml or the messages, and generate again"] if "mail" in names else []
    # It has nothing to say of these commits: it was not run, or on others.
    silent = [one.check for one in blocked if not one.why.startswith(("patch ", "cannot "))]
    if unseen := [name for name in silent if name != "mail"]:
        hints.append(f"run 'reroll check {' '.join(unseen)}'")
    if others := [name for name in names if name not in ("mail", *unseen)]:
        hints.append(f"'reroll check {' '.join(others)}' says more")
    each = " for each" if len(names) > 1 else ""
    return text, f"{'; '.join(hints)}; --override NAME=REASON{each} sends all the same"
