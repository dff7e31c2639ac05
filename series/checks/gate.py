"""What was checked of a version, as ``versions/vN/checks.json`` has it, and what keeps it back.

The manifest stays as it was written; what checks say comes later and goes beside it.  A record
counts for exactly the commits and mails that it was made of (``series.checks.requirement``).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator.errors import RerollError
from series import store
from series.checks.kept_findings import ROOM, bounded
from series.checks.kinds import Finding, Result, State
from series.output import printable
from series.version import Version
from series.whole_file import write_whole

NAME = "checks.json"
FORMAT = 1
_MOST = 1 << 26  # bytes; twelve checks with all that is kept of them take less


@dataclass(frozen=True)
class Verdict:
    """What one check said of one commit.

    ``findings`` are the most severe ones, with long texts cut; ``left_out`` how many more there
    were.  An older record has none.
    """

    commit: str
    state: State
    why: str = ""
    findings: tuple[Finding, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class CheckRecord:
    """What one check said of all patches, in their order.

    ``mails`` is the digest of the mails at that time, ``when`` seconds since 1970.
    """

    verdicts: tuple[Verdict, ...]
    mails: str
    when: int


@dataclass(frozen=True)
class Checks:
    """Everything that was checked of a version: ``checks`` by name."""

    format: int = FORMAT
    tip: str = ""
    checks: Mapping[str, CheckRecord] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What the check ``check`` found in the patch ``number`` (from 1), and where that stood.

    ``left_out`` more findings are not in the record.
    """

    check: str
    number: int
    commit: str
    findings: tuple[Finding, ...]
    left_out: int = 0


def told(checks: Checks, version: Version, mails: str) -> tuple[Told, ...]:
    """What checks found in exactly these commits and mails: by check, then in patch order.

    Only patches of which something was found are there.
    """
    return tuple(
        Told(name, number, one.commit, one.findings, one.left_out)
        for name, record in checks.checks.items()
        if not _outdated(record, version, mails)
        for number, one in enumerate(record.verdicts, 1)
        if one.findings
    )


def objection(
    checks: Checks, name: str, version: Version, mails: str, *, named: bool = False
) -> str:
    """Why the check ``name`` does not let exactly these commits and mails pass, or empty.

    With ``named`` somebody asked for this check: then it does not let pass what it could not be
    run on.  Without, it does: it is required where it can run.
    """
    record = checks.checks.get(name)
    if record is None:
        return "was not run"
    if why := _outdated(record, version, mails):
        return why
    for number, one in enumerate(record.verdicts, 1):
        if one.state == "failed":
            return f"patch {number} fails"
        if one.state in ("not run", "not built") and named:
            return f"patch {number}: {one.state}: {one.why}"
    return ""


def _outdated(record: CheckRecord, version: Version, mails: str) -> str:
    """Why a record does not count for these commits and mails; empty when it does."""
    if tuple(one.commit for one in record.verdicts) != tuple(one.commit for one in version.patches):
        return "was run on other commits"
    return "" if record.mails == mails else "was run before the mails were changed"


def recorded(
    checks: Checks,
    version: Version,
    mails: str,
    results: Mapping[str, Mapping[int, Result]],
    *,
    now: int,
) -> Checks:
    """``checks`` with what was found now; what was found of other commits is forgotten.

    ``results`` are those of each check, by the patch's number; only whole ones are taken.  That a
    check could not run this time takes back nothing of what it said of the same commits and mails.
    """
    known = dict(checks.checks) if checks.tip == version.tip else {}
    for name, said in results.items():
        if len(said) == len(version.patches):
            before = known.get(name)
            earlier = before.verdicts if before and before.mails == mails else ()
            verdicts = _verdicts(version, said, {one.commit: one for one in earlier})
            known[name] = CheckRecord(verdicts, mails, now)
    return replace(checks, format=FORMAT, tip=version.tip, checks=known)


def _verdicts(
    version: Version, said: Mapping[int, Result], earlier: Mapping[str, Verdict]
) -> tuple[Verdict, ...]:
    """What is said now of each patch, or was ``earlier`` where the check could not run now."""
    room = ROOM // max(len(version.patches), 1)
    found = [_verdict(patch.commit, said[patch.number], room) for patch in version.patches]
    return tuple(earlier.get(one.commit, one) if one.state == "not run" else one for one in found)


def _verdict(commit: str, said: Result, room: int) -> Verdict:
    kept = bounded(said.findings, room)
    # A path in it may be no UTF-8, which JSON cannot hold.
    why = printable(said.why)
    return Verdict(commit, said.state, why, kept, len(said.findings) - len(kept))


def mails_digest(folder: Path, version: Version) -> str:
    """The SHA-256 of the mails of a version, in their order; ``UsageError`` when one has gone."""
    digest = hashlib.sha256()
    for mail in version.mails:
        content = store.mail_path(folder, version, mail.mail).read_bytes()
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()


def read(folder: Path, number: int) -> Checks:
    """What was checked of version ``number``; nothing where that cannot be read."""
    from pydantic import TypeAdapter, ValidationError

    path = store.version_dir(folder, number) / NAME
    try:
        # A FIFO would hold us for ever, and of all that we write nothing is large.
        if not path.is_file() or path.stat().st_size > _MOST:
            return Checks()
        found = TypeAdapter(Checks).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Checks()
    return found if found.format == FORMAT else Checks()


def update(folder: Path, number: int, change: Callable[[Checks], Checks]) -> None:
    """Let ``change`` make the record of version ``number`` anew: whole, or not at all.

    Raises ``RerollError`` when it cannot be written.
    """
    from pydantic import TypeAdapter

    path = store.version_dir(folder, number) / NAME
    data = TypeAdapter(Checks).dump_json(change(read(folder, number)), indent=2)
    try:
        write_whole(path, data + b"\n")
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error
