"""What ``reroll send`` wants checked before it sends, and how somebody overrides it."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox


@pytest.fixture
def small(generated: Small, hermetic_seal: Path) -> Small:
    """A series whose version 1 is generated, and nothing configured about checks."""
    git(generated.tree, "config", "--global", "--unset", "reroll.required")
    assert "required" not in (hermetic_seal / ".gitconfig").read_text()
    return generated


def require(small: Small, *names: str) -> None:
    """Name the checks that a version must pass."""
    git(small.tree, "config", "reroll.required", " ".join(names))


def manifest(small: Small) -> dict[str, object]:
    """What the manifest of version 1 says."""
    read = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    assert isinstance(read, dict)
    return read


def record(small: Small) -> Path:
    """Where it is written what was checked."""
    return small.folder / "versions/v1/checks.json"


def break_mail(small: Small) -> None:
    """Let the second mail make something else than its commit does."""
    (path,) = (small.folder / "versions/v1").glob("0002*")
    path.write_text(
        path.read_text().replace("+\treturn new_call(x + 1);", "+\treturn new_call(x);")
    )


@pytest.mark.slow
def test_usual_checks_are_made_where_they_can_run(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send", "--yes"))
    note = "reroll: note: check build cannot run here: the base has no Makefile and Kconfig\n"
    assert (done.code, done.err) == (0, note)
    assert len(inbox.envelopes) == 3
    said = json.loads(record(small).read_text())["checks"]
    assert sorted(said) == ["applies", "remaining"]
    assert [one["state"] for one in said["applies"]["verdicts"]] == ["passed", "passed"]
    assert manifest(small)["overrides"] == []


@pytest.mark.slow
def test_a_tree_with_a_build_wants_to_be_built(reroll: Run, small: Small, inbox: Inbox) -> None:
    for name in ("Makefile", "Kconfig"):
        (small.tree / name).write_text("# of a kernel\n")
    git(small.tree, "add", "-f", "Makefile", "Kconfig")
    git(small.tree, "commit", "-q", "-m", "build")
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (1, [])
    assert "reroll: nothing was sent: check build was not run\n" in done.err
    assert f"--tree {small.tree} check build'; --override NAME=REASON sends" in done.err
    why = "build=there is no compiler for it"
    assert reroll(*small.words("send", "--yes", "--override", why)).code == 0
    (kept,) = manifest(small)["overrides"]  # type: ignore[misc]
    assert (kept["check"], kept["why"]) == ("build", "was not run")
    assert kept["reason"] == "there is no compiler for it"


@pytest.mark.slow
def test_not_run_is_no_pass_where_it_could_run(reroll: Run, small: Small, inbox: Inbox) -> None:
    """The record says that a check that takes minutes was not run, and here is all it needs."""
    for name in ("Makefile", "Kconfig"):
        (small.tree / name).write_text("# of a kernel\n")
    git(small.tree, "add", "-f", "Makefile", "Kconfig")
    git(small.tree, "commit", "-q", "-m", "build")
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("check", "applies", "remaining")).code == 0
    said = json.loads(record(small).read_text())
    for state, code in (("not run", 1), ("not built", 0)):
        build = json.loads(json.dumps(said["checks"]["applies"]))
        build["verdicts"][1] |= {"state": state, "why": "the time limit"}
        said["checks"]["build"] = build
        record(small).write_text(json.dumps(said))
        done = reroll(*small.words("send", "--dry-run"))
        assert done.code == code
        assert f"check build patch 2: {state}: the time limit\n" in done.err


def test_what_fails_keeps_a_version_back(reroll: Run, small: Small, inbox: Inbox) -> None:
    break_mail(small)
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (1, [])
    last = done.err.splitlines()[-2]
    assert last.startswith("reroll: nothing was sent: check mail finds 1 error; ")
    assert last.endswith("check applies patch 2 fails")
    before = manifest(small)
    excused = ["--override", "mail=known", "--override", "applies=known, too"]
    assert reroll(*small.words("send", "--dry-run", *excused)).code == 0
    assert manifest(small) == before
    assert reroll(*small.words("send", "--yes", *excused[:2])).code == 1
    assert reroll(*small.words("send", "--yes", *excused)).code == 0
    assert [one["check"] for one in manifest(small)["overrides"]] == ["mail", "applies"]  # type: ignore[attr-defined]
    assert len(inbox.envelopes) == 3
    # The same commits and mails again need no other reason.
    assert reroll(*small.words("send", "--yes", "--resend")).code == 0


@pytest.mark.slow
def test_what_is_said_though_nothing_stands_in_the_way(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    break_mail(small)
    assert reroll(*small.words("check", "applies")).code == 1
    require(small, "order")
    done = reroll(*small.words("send", "--yes", "--override", "order=known"))
    assert (done.code, len(inbox.envelopes)) == (0, 3)
    assert "note: --override order: nothing of it stands in the way\n" in done.err
    assert "note: check applies patch 2 fails, and is not required\n" in done.err
    assert manifest(small)["overrides"] == []


def test_a_dry_run_checks_and_writes_nothing(reroll: Run, small: Small, inbox: Inbox) -> None:
    break_mail(small)
    done = reroll(*small.words("send", "--dry-run"))
    assert (done.code, inbox.envelopes) == (1, [])
    assert "check applies patch 2 fails" in done.err
    assert not record(small).exists()


@pytest.mark.slow
def test_a_check_that_is_named_must_run(reroll: Run, small: Small, inbox: Inbox) -> None:
    require(small, "order", "checkpatch", "build")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (1, [])
    assert "check checkpatch patch 1: not run: the base has no scripts/checkpatch.pl" in done.err
    assert "check build cannot run here: the base has no Makefile and Kconfig" in done.err
    assert "check order" not in done.err
    require(small, "order")
    assert reroll(*small.words("send", "--yes")).code == 0


@pytest.mark.slow
def test_series_toml_names_checks(reroll: Run, small: Small, inbox: Inbox) -> None:
    require(small, "checkpatch")
    text = (small.folder / "series.toml").read_text()
    (small.folder / "series.toml").write_text(text + "\n[settings]\nrequired = []\n")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, done.err) == (0, "")
    assert not record(small).exists()
    assert len(inbox.envelopes) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--override", "biuld=x"], "--override: there is no check 'biuld'"),
        (["--override", "build"], "'build' is not NAME=REASON"),
        (["--override", "build= "], "'build= ' is not NAME=REASON"),
        (["--override", "build=a\nb"], "is not NAME=REASON, in one line"),
    ],
)
def test_bad_overrides(
    reroll: Run, small: Small, inbox: Inbox, words: list[str], said: str
) -> None:
    done = reroll(*small.words("send", "--yes", *words))
    assert (done.code, inbox.envelopes) == (2, [])
    assert said in done.err


def test_bad_settings(reroll: Run, small: Small, inbox: Inbox) -> None:
    require(small, "applies", "compile")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "reroll.required): there is no check 'compile'" in done.err
    small.rewrite("[series]", "[settings]\nrequired = 3\n\n[series]")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "settings.required: must be a list" in done.err


@pytest.mark.slow
def test_without_a_tree(reroll: Run, small: Small, inbox: Inbox) -> None:
    config = (small.tree / ".git/config").read_text()
    git(small.folder, "init", "-q")
    (small.folder / ".git/config").write_text(config)
    done = reroll("-C", small.folder, "send", "--yes")
    assert (done.code, len(inbox.envelopes)) == (0, 3)
    for name in ("applies", "build", "remaining"):
        assert f"note: check {name} cannot run here: no Linux tree is named\n" in done.err


@pytest.mark.slow
def test_other_commits_are_checked_again(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("check", "applies", "remaining")).code == 0
    first = record(small).read_bytes()
    small.rewrite("new_call() is better.", "new_call() is much better.")
    assert reroll(*small.words("generate")).code == 0
    assert not record(small).exists()
    assert reroll(*small.words("send", "--yes")).code == 0
    assert record(small).read_bytes() != first
    assert len(inbox.envelopes) == 3
