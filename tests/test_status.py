"""``reroll status``: where a series stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from series import overview
from series.version import Version
from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


def answer(reroll: Run, small: Small) -> Any:
    """What ``status --json`` says."""
    done = reroll("-C", small.folder, "status", "--json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def test_before_the_first_version(reroll: Run, small: Small, tmp_path: Path) -> None:
    (small.folder / "versions").rename(small.folder / "old")
    done = reroll("-C", small.folder, "status")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "no version has been generated yet\n"
        f"next: make the first version:\n    reroll -C {small.folder} generate\n"
    )
    nowhere = reroll("-C", tmp_path / "nowhere", "status")
    assert nowhere.code == 2
    assert nowhere.err.splitlines()[0].endswith("nowhere: there is no series here")


@pytest.mark.slow
def test_a_version_that_was_not_sent(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll("-C", small.folder, "status")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "new-call v1: Use new_call()"
    assert lines[3].startswith("v1   2020-09-13    2 patches  not sent")
    assert lines[5:8] == [
        "    patch                      v1  tags  open",
        "  1 drivers: a: use new_call()  +",
        "  2 drivers: b: use new_call()  +",
    ]
    assert lines[-2:] == [
        "next: see what would go to whom, then send:",
        f"    reroll -C {small.folder} send -v 1 --dry-run",
    ]
    assert reroll(*small.words("send", "--yes")).code == 0
    found = answer(reroll, small)
    assert found["versions"][0]["sending"] == "sent"
    assert found["next"]["command"] == f"reroll -C {small.folder} collect MBOX, then reroll next"
    assert len(inbox.envelopes) == 3


@pytest.mark.slow
def test_half_sent(reroll: Run, small: Small) -> None:
    with smtp_server() as inbox:
        send_to(inbox, small.tree)
        inbox.fail_at = 3
        assert reroll(*small.words("send", "--yes")).code == 5
    done = reroll("-C", small.folder, "status")
    assert "2 of 3 mails sent\n" in done.out
    assert done.out.endswith(f"reroll -C {small.folder} send -v 1 --resume\n")


def test_checks_that_sending_requires(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "--global", "reroll.required", "applies order build")
    found = answer(reroll, small)
    # Sending makes the others by itself.
    assert found["lacking"] == {"build": "was not run"}
    assert found["next"]["command"].endswith(" check -v 1 build")
    git(small.tree, "config", "--global", "reroll.required", "applies order")
    assert answer(reroll, small)["lacking"] == {}
    assert reroll(*small.words("check", "applies", "order", "remaining")).code == 0
    found = answer(reroll, small)
    assert (found["lacking"], found["checks"]["remaining"]) == ({}, "")
    assert (
        "checks: applies ok, order ok, remaining ok\n" in reroll("-C", small.folder, "status").out
    )
    mail = next((small.folder / "versions/v1").glob("0001*"))
    mail.write_text(mail.read_text() + "\n")
    assert answer(reroll, small)["lacking"]["order"] == "was run before the mails were changed"


@pytest.mark.slow
def test_what_became_of_each_patch(reroll: Run, small: Small) -> None:
    small.rewrite('id = "b"', 'id = "c"')
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    rule = (small.folder / "rename.cocci").read_text()
    (small.folder / "rename.cocci").write_text(rule.replace("new_call(E)", "newest_call(E)"))
    assert reroll(*small.words("generate", "-v", 3)).code == 0
    found = {one["id"]: one for one in answer(reroll, small)["patches"]}
    assert found["a"]["fates"] == ["new", "same", "changed"]
    assert found["c"]["fates"] == ["", "new", "changed"]
    assert found["b"]["fates"] == ["new", "gone", ""]
    assert [found[name]["number"] for name in "acb"] == [1, 2, 0]


def test_a_nak_is_named(reroll: Run, small: Small) -> None:
    head = 'version = 1\nauthor = "Bob Maintainer <bob@example.org>"\n'
    (small.folder / "comments.toml").write_text(
        f'[[comment]]\nid = "x"\npatch = "b"\n{head}excerpt = "NAK. Not this way."\n'
        f'[[comment]]\nid = "y"\npatch = ""\n{head}excerpt = "Nacked-by: Bob"\n'
        f'[[comment]]\nid = "z"\npatch = ""\n{head}excerpt = "Naked pointers: use %p."\n'
        f'[[comment]]\nid = "w"\npatch = ""\n{head}excerpt = "Sorry, NAK: it breaks. Why?"\n'
    )
    text = reroll(*small.words("status")).out
    assert "comments: 4 open, 3 NAKs: Bob Maintainer (2), Bob Maintainer, Bob" in text
    assert answer(reroll, small)["naks"] == ["x", "y", "w"]
    reroll(*small.words("comments", "x", "y", "w", "--answered"))
    assert "comments: 1 open\n" in reroll(*small.words("status")).out


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_fits_and_cannot_be_made_to_write_on_the_terminal(
    reroll: Run, small: Small, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    file = small.folder / "versions/v1/manifest.json"
    text = file.read_text().replace("drivers: a: use", "x\\u001b[31m\\u202e\\n" + "long " * 30)
    file.write_text(text)
    done = reroll("-C", small.folder, "status")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    shown, _, _ = done.out.partition("next: ")
    assert max(map(len, shown.splitlines())) <= max(columns, 60)


def test_many_versions(generated: Small) -> None:
    """The overview is made of what is there: no version is read twice, no tree is asked."""
    from series import store

    version = store.read(generated.folder)
    versions = [
        Version(
            **{**vars(version), "version": number, "patches": version.patches[: 1 + number % 2]}
        )
        for number in range(1, 13)
    ]
    found = overview.overview(versions, [], [], [])
    assert [one.number for one in found.versions] == list(range(1, 13))
    second = next(one for one in found.patches if one.id == "b")
    assert second.fates[:4] == ("new", "gone", "new", "gone")
    assert second.number == 0
