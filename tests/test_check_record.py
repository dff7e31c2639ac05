"""What is written down of a version's checks, and which versions it lets pass."""

import json
import os
from pathlib import Path

import pytest

from series import store
from series.checks import gate
from series.checks.gate import CheckRecord, Checks, Verdict
from series.checks.kinds import Finding, Result
from tests.conftest import Run, Small

NAME = "versions/v1/checks.json"


def told(folder: Path) -> list[tuple[str, int, list[Finding], int]]:
    """What the record has of the newest version, without the commits."""
    version = store.read(folder)
    mails = gate.mails_digest(folder, version)
    found = gate.told(gate.read(folder, version.version), version, mails)
    commits = [one.commit for one in version.patches]
    assert all(one.commit == commits[one.number - 1] for one in found)
    return [(one.check, one.number, list(one.findings), one.left_out) for one in found]


def write(folder: Path, findings: list[Finding], why: str = "") -> None:
    """Record ``findings`` of the first patch and the check "order"."""
    version = store.read(folder)
    mails = gate.mails_digest(folder, version)
    first = Result.of(findings) if findings else Result("not run", why=why)
    said = {"order": {1: first, 2: Result("passed")}}
    gate.update(folder, 1, lambda before: gate.recorded(before, version, mails, said, now=1))


def test_findings_are_in_the_record(generated: Small, reroll: Run) -> None:
    mail = next((generated.folder / "versions/v1").glob("*0002*"))
    mail.write_text(mail.read_text().replace("is better here", "is recieved here"))
    done = reroll(*generated.words("check", "mail", "applies", "--json"))
    said = json.loads(done.out)["patches"][1]["results"]["mail"]["findings"]
    (only,) = told(generated.folder)
    assert only == ("mail", 2, [Finding(**one) for one in said], 0)
    (found,) = [one for one in only[2] if one.rule == "spelling"]
    assert found.path == f"versions/v1/{mail.name}"
    assert "recieved" in found.source
    assert mail.read_text().split("\n")[found.line - 1] == found.source
    # Of mails that were changed since it says nothing.
    mail.write_text(mail.read_text() + "\n")
    assert told(generated.folder) == []


def test_findings_are_bounded(generated: Small) -> None:
    many = [Finding("note", f"n{at}", "a.c", at) for at in range(5000)]
    write(generated.folder, [*many, Finding("error", "x" * 100_000, source="\U0001f600" * 10_000)])
    ((_, _, found, left_out),) = told(generated.folder)
    assert (len(found), left_out) == (200, 4801)
    # What fails the patch is never what is left out.
    assert found[0].severity == "error"
    assert len(found[0].what) < 1000
    assert found[0].what.endswith("x...")
    assert [one.line for one in found[1:4]] == [0, 1, 2]
    assert (generated.folder / NAME).stat().st_size < 100_000


@pytest.mark.slow
def test_a_record_with_all_that_it_can_hold_is_read_back(generated: Small) -> None:
    version = store.read(generated.folder)
    mails = gate.mails_digest(generated.folder, version)
    one = Finding(
        "error", "\U0001f600" * 9999, "\\" * 9999, 1, '"' * 9999, "\x00" * 9999, "é" * 9999
    )
    full = dict.fromkeys((1, 2), Result.of([one] * 1000))
    said = dict.fromkeys(map(str, range(12)), full)
    gate.update(generated.folder, 1, lambda _: gate.recorded(Checks(), version, mails, said, now=1))
    assert len(told(generated.folder)) == 24
    assert (generated.folder / NAME).stat().st_size < 40_000_000


def test_what_is_no_text(generated: Small) -> None:
    bad = Finding("error", "a\x1b[2Jb\nc", "d/\udce4.c", 1, "\u202e\x9b\t\udcff", "\x07", "\r\n")
    write(generated.folder, [bad])
    ((_, _, (found,), _),) = told(generated.folder)
    assert (found.what, found.path) == ("a\\x1b[2Jb\\nc", "d/\\udce4.c")
    assert (found.source, found.rule, found.hint) == ("\\u202e\\x9b\t\\udcff", "\\x07", "\\r\\n")
    (generated.folder / NAME).unlink()
    write(generated.folder, [], why="d/\udce4.c: \x1b[2J")
    (first, _) = gate.read(generated.folder, 1).checks["order"].verdicts
    assert first.why == "d/\\udce4.c: \\x1b[2J"


def test_an_older_record(generated: Small, reroll: Run) -> None:
    """One without findings counts as before, and says of none."""
    assert reroll(*generated.words("check", "applies")).code == 0
    record = generated.folder / NAME
    found = json.loads(record.read_bytes())
    for one in found["checks"]["applies"]["verdicts"]:
        del one["findings"], one["left_out"]
    record.write_text(json.dumps(found))
    version = store.read(generated.folder)
    mails = gate.mails_digest(generated.folder, version)
    checks = gate.read(generated.folder, 1)
    assert gate.objection(checks, "applies", version, mails, named=True) == ""
    assert gate.told(checks, version, mails) == ()


@pytest.mark.parametrize(
    "finding",
    [
        3,
        {},
        {"severity": "fatal", "what": "x"},
        {"severity": "error", "what": ["x"]},
        {"severity": "error", "what": "x", "line": "three"},
        {"severity": "error", "what": "x", "path": "\ud800"},
    ],
)
def test_damaged_findings(generated: Small, reroll: Run, finding: object) -> None:
    """They are no record at all: the check is run again, and nothing stops for it."""
    write(generated.folder, [Finding("error", "x")])
    record = generated.folder / NAME
    found = json.loads(record.read_bytes())
    found["checks"]["order"]["verdicts"][0]["findings"] = [finding]
    record.write_text(json.dumps(found))
    assert gate.read(generated.folder, 1) == Checks()
    assert reroll(*generated.words("status")).code == 0
    assert reroll(*generated.words("check", "order")).code == 0
    assert list(gate.read(generated.folder, 1).checks) == ["order"]


def test_damaged_record(generated: Small) -> None:
    record = generated.folder / NAME
    for text in (b"{", b"\xff", b"[" * 100_000, b'{"format": 2}', b'{"checks": {"order": 3}}'):
        record.write_bytes(text)
        assert gate.read(generated.folder, 1) == Checks()
    record.unlink()
    os.mkfifo(record)
    assert gate.read(generated.folder, 1) == Checks()
    record.unlink()
    with record.open("wb") as file:
        file.truncate(1 << 30)
    assert gate.read(generated.folder, 1) == Checks()


def test_record_and_gate(generated: Small, reroll: Run) -> None:
    assert reroll(*generated.words("check", "applies", "remaining", "checkpatch")).code == 4
    version = store.read(generated.folder)
    mails = gate.mails_digest(generated.folder, version)
    found = gate.read(generated.folder, 1)
    assert found.tip == version.tip

    def said(name: str, mails: str = mails, *, named: bool = False) -> str:
        return gate.objection(found, name, version, mails, named=named)

    for name in ("applies", "remaining", "checkpatch"):
        assert said(name) == ""
    why = "patch 1: not run: the base has no scripts/checkpatch.pl"
    assert said("checkpatch", named=True) == why
    assert said("build") == "was not run"
    assert said("applies", "other") == "was run before the mails were changed"


def test_what_cannot_run_takes_back_nothing(generated: Small) -> None:
    """A build that failed still fails after one without a compiler, of the same commits."""

    version = store.read(generated.folder)
    failed = {1: Result("passed"), 2: Result("failed")}
    away = dict.fromkeys((1, 2), Result("not run", why="no gcc"))

    def after(*rows: tuple[dict[int, Result], str]) -> str:
        checks = Checks()
        for said, mails in rows:
            checks = gate.recorded(checks, version, mails, {"build": said}, now=1)
        return gate.objection(checks, "build", version, "m", named=True)

    assert after((failed, "m"), (away, "m")) == "patch 2 fails"
    assert after((failed, "other"), (away, "m")) == "patch 1: not run: no gcc"
    assert after((away, "m"), (failed, "m")) == "patch 2 fails"
    assert after((failed, "m"), (dict.fromkeys((1, 2), Result("passed")), "m")) == ""


def test_gate_is_of_these_commits(generated: Small) -> None:
    version = store.read(generated.folder)
    verdicts = tuple(Verdict(one.commit, "passed") for one in version.patches)
    failed = (Verdict(version.patches[0].commit, "failed"), *verdicts[1:])
    other = (*verdicts[:-1], Verdict("0" * 40, "passed"))
    for said, why in (
        (verdicts, ""),
        (other, "was run on other commits"),
        (failed, "patch 1 fails"),
    ):
        checks = Checks(tip=version.tip, checks={"order": CheckRecord(said, "m", 1)})
        assert gate.objection(checks, "order", version, "m") == why
