"""``reroll b4``: the real b4 on what reroll hands over, and what comes back from it."""

import base64
import gzip
import json
import mailbox
import os
import re
import shutil
import subprocess
import sys
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator import campaign as campaign_module
from generator.campaign import Campaign
from generator.errors import UsageError
from series import b4_cover, store
from series.b4_cover import Cover, Tracking
from tests.conftest import Run, Small
from tests.repositories import git, state_of
from tests.smtp import send_to, smtp_server

BRANCH = "b4/new-call"


def b4(place: Path, *words: str, editor: str = "", fails: bool = False) -> str:
    """What ``b4 WORDS`` prints in a checkout; without network, and without questions."""
    command = [sys.executable, "-m", "b4.command", "--offline-mode", "-n", *words]
    environment = {**os.environ, "B4_TEST": "1"}
    if editor:
        environment["GIT_EDITOR"] = editor
    done = subprocess.run(
        command,
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def prep(generated: Small) -> Small:
    """The small series with version 1 generated, in a tree from which b4 sends nowhere."""
    git(generated.tree, "config", "sendemail.smtpserver", "127.0.0.1")
    git(generated.tree, "config", "sendemail.smtpserverport", "9")
    return generated


def checkout(small: Small, branch: str = BRANCH) -> Path:
    """A work tree of ``branch`` of its own, for b4."""
    place = small.tree.parent / "work"
    git(small.tree, "worktree", "add", "-q", str(place), branch)
    return place


def leave(small: Small) -> None:
    """Remove the work tree that ``checkout`` made."""
    git(small.tree, "worktree", "remove", "--force", str(small.tree.parent / "work"))


def info_of(place: Path) -> dict[str, str]:
    """What ``b4 prep --show-info`` says, by key."""
    lines = b4(place, "prep", "--show-info").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def campaign_of(small: Small) -> tuple[Campaign, bytes]:
    """The campaign, and the bytes of its file."""
    return campaign_module.load(small.folder), (small.folder / "series.toml").read_bytes()


def sent(small: Small, reroll: Run, number: int) -> None:
    """Send version ``number`` to a server of this machine."""
    with smtp_server() as server:
        send_to(server, small.tree)
        done = reroll(
            *small.words("send", "-v", number, "--yes", "--override", "mail=it is a test")
        )
        assert done.code == 0, done.err


def test_export_moves_nothing_but_its_branch(reroll: Run, prep: Small) -> None:
    before = state_of(prep.tree)
    done = reroll(*prep.words("b4", "export"))
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "b4/new-call: v1, 2 patches"
    refs, head, status = state_of(prep.tree)
    assert (head, status) == before[1:]
    new = set(refs.splitlines()) - set(before[0].splitlines())
    assert [line.split("\t")[1] for line in new] == [f"refs/heads/{BRANCH}"]
    # Same trees, authors and messages, above an empty commit.
    ours = git(prep.tree, "log", "--format=%T %an %ad %B", "master..reroll/new-call")
    theirs = git(prep.tree, "log", "-2", "--format=%T %an %ad %B", BRANCH)
    assert ours == theirs
    assert git(prep.tree, "diff", "master", f"{BRANCH}~2") == ""


@pytest.mark.slow
def test_b4_knows_the_branch(reroll: Run, prep: Small) -> None:
    prep.rewrite('title = "Use new_call()"', 'title = "Use new_call()"\nprefix = "RFC PATCH"')
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    info = info_of(checkout(prep))
    version = store.read(prep.folder, 2)
    assert info["cover-subject"] == "Use new_call()"
    assert info["revision"] == "2"
    assert info["change-id"] == version.change_id
    assert info["base-commit"] == version.base
    assert info["prefixes"] == "RFC PATCH"
    assert info["cover-strategy"] == "commit"
    assert (info["needs-editing"], info["needs-recipients"]) == ("False", "False")
    subjects = [value for key, value in info.items() if key.startswith("commit-")]
    assert subjects == ["drivers: b: use new_call()", "drivers: a: use new_call()"]


def mails_in(folder: Path) -> list[EmailMessage]:
    """The mails that ``b4 send -o`` wrote, in order."""
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.iterdir()
    ]
    return sorted(found, key=lambda mail: str(mail["Subject"]))


def diff_of(text: str) -> str:
    """The diff in a mail, without the signature; b4 shortens the ids of blobs."""
    diff = text[text.index("diff --git") :].split("\n-- \n")[0].rstrip()
    return re.sub(r"^index (\w{7})\w*\.\.(\w{7})\w*", r"index \1..\2", diff, flags=re.MULTILINE)


@pytest.mark.slow
def test_b4_sends_the_same_mails(reroll: Run, prep: Small) -> None:
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    out = prep.tree.parent / "out"
    b4(checkout(prep), "send", "--no-sign", "-o", str(out))
    version = store.read(prep.folder, 2)
    ours = [
        message_from_bytes((prep.folder / "versions/v2" / mail.mail).read_bytes())
        for mail in version.mails
    ]
    theirs = mails_in(out)
    assert [mail["Subject"] for mail in theirs] == [mail["Subject"] for mail in ours]
    for own, other in zip(ours[1:], theirs[1:], strict=True):
        assert diff_of(other.get_content()) == diff_of(str(own.get_payload()))
        # What is in the message is the same, too; its changelog b4 cannot have.
        assert other.get_content().split("\n---\n")[0] == str(own.get_payload()).split("\n---\n")[0]
    wanted = {one.address for one in version.cover.recipients} if version.cover else set()
    for other in theirs:
        got = {str(one) for name in ("To", "Cc") for one in other[name].addresses}
        # b4 writes to everybody that a trailer names: the author, here.
        assert got - {"Ada Developer <ada@example.org>"} == wanted
        assert str(other["To"]).startswith("Alice Maintainer <alice@example.org>")
    body = theirs[0].get_content()
    assert body.startswith(
        "All users move over.\n\n---\nChanges in v2:\n- done better\n"
        "- drivers: a: use new_call(): said why\n\n---\nAda Developer (2):\n"
    )
    assert f"base-commit: {version.base}\nchange-id: {version.change_id}\n" in body


@pytest.mark.slow
def test_b4_compares_with_what_was_sent(reroll: Run, prep: Small) -> None:
    sent(prep, reroll, 1)
    prep.rewrite("new_call() is better.", "new_call() is better by far.")
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    done = reroll(*prep.words("b4", "export"))
    assert done.code == 0, done.err
    first = store.read(prep.folder, 1)
    tag = f"sent/{first.change_id}-v1"
    assert f"tag {tag}" in done.out
    assert git(prep.tree, "rev-parse", f"{tag}^{{commit}}") == first.tip
    message = git(prep.tree, "for-each-ref", "--format=%(contents)", f"refs/tags/{tag}")
    assert message.startswith("Use new_call()\n\nAll users move over.\n\nTo: Alice")
    assert message.rstrip().endswith(
        f"---\nbase-commit: {first.base}\nchange-id: {first.change_id}"
    )
    work = checkout(prep)
    said = b4(work, "prep", "--compare-to", "v1")
    assert re.search(r"^1:  \w+ ! 1:  \w+ drivers: a: use new_call\(\)", said, re.MULTILINE)
    assert re.search(r"^2:  \w+ = 2:  \w+ drivers: b: use new_call\(\)", said, re.MULTILINE)
    info = info_of(work)
    assert info["series-v1"].endswith(first.mails[0].message_id.strip("<>"))
    # The tag is b4's from now on.
    leave(prep)
    again = reroll(*prep.words("b4", "export"))
    assert (again.code, "tag" in again.out) == (0, False)


def reply_box(place: Path, small: Small, number: int) -> Path:
    """A mailbox with version ``number`` and an answer to its first patch."""
    version = store.read(small.folder, number)
    box = mailbox.mbox(place / "thread.mbox")
    for one in version.mails:
        content = (small.folder / f"versions/v{number}" / one.mail).read_bytes()
        box.add(content.partition(b"\n")[2])
    patch = version.patches[0]
    box.add(
        f"From: Alice Maintainer <alice@example.org>\nTo: ada@example.org\n"
        f"Subject: Re: [PATCH 1/2] {patch.title}\nDate: Mon, 14 Sep 2020 10:00:00 +0000\n"
        f"Message-ID: <reply@example.org>\nIn-Reply-To: {patch.message_id}\n"
        f"References: {patch.message_id}\n\nThanks.\n\n"
        "Acked-by: Alice Maintainer <alice@example.org>\n"
    )
    box.close()
    return place / "thread.mbox"


@pytest.mark.slow
def test_round_trip_by_b4(reroll: Run, prep: Small) -> None:
    before = campaign_of(prep)
    assert reroll(*prep.words("b4", "export")).code == 0
    untouched = reroll(*prep.words("b4", "import", BRANCH))
    assert (untouched.code, untouched.err) == (0, "")
    assert untouched.out == f"{prep.folder}: nothing was written\n"
    work = checkout(prep)
    thread = reply_box(prep.tree.parent, prep, 1)
    b4(work, "trailers", "-u", "-m", str(thread), "reply@example.org")
    assert "Acked-by: Alice" in git(work, "log", "-1", "--format=%B", f"{BRANCH}~1")
    leave(prep)
    done = reroll(*prep.words("b4", "import", BRANCH))
    assert done.code == 0, done.err
    assert "has a trailer there: Acked-by: Alice Maintainer <alice@example.org>" in done.err
    assert "reroll collect MBOX" in done.err
    assert campaign_of(prep) == before
    # Work that is nowhere else is not overwritten.
    refused = reroll(*prep.words("b4", "export"))
    assert refused.code == 3
    assert f"the branch {BRANCH} holds work that is not in version 1" in refused.err
    assert "reroll b4 import b4/new-call" in refused.err
    assert reroll(*prep.words("b4", "export", "--force")).code == 0
    assert "Acked-by" not in git(prep.tree, "log", "-3", "--format=%B", BRANCH)


def edit_cover(work: Path, *changes: tuple[str, str]) -> None:
    """Change the cover letter by ``b4 prep --edit-cover``."""
    script = work.parent / "editor.py"
    script.write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[-1])\nt = p.read_text()\n"
        f"for old, new in {changes!r}:\n    assert old in t, t\n    t = t.replace(old, new)\n"
        "p.write_text(t)\n"
    )
    b4(work, "prep", "--edit-cover", editor=f"{sys.executable} {script}")


@pytest.mark.slow
def test_words_edited_by_b4_come_back(reroll: Run, prep: Small) -> None:
    prep.rewrite('name = "new-call"', 'name = "new-call" # the name stays\ncc = ["x@example.org"]')
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    work = checkout(prep)
    edit_cover(
        work,
        ("Use new_call()\n", "Use new_call() everywhere\n"),
        ("move over.", "move over to {{ new }}.\n\n># A heading"),
        ("- done better", "- done best\n- and {% said %} more\n  on two lines"),
        ("Cc: x@example.org", "Cc: New Person <new@example.org>"),
    )
    b4(work, "prep", "--set-prefixes", "RFC")
    leave(prep)
    planned = reroll(*prep.words("b4", "import", "-n", "new-call"))
    assert (planned.code, planned.out.splitlines()[-1][-19:]) == (0, "nothing was written")
    done = reroll(*prep.words("--json", "b4", "import", BRANCH))
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["changes"] == [
        "title: Use new_call() everywhere",
        "cover letter: 3 lines new, 1 gone",
        "prefix: PATCH RFC",
        "cc: New Person <new@example.org>",
        "cc: no longer x@example.org",
        "changelog of v2: done best",
        "changelog of v2: and {% said %} more on two lines",
        "changelog of v2: no longer 'done better'",
    ]
    # Once more, before anything is generated: nothing is taken twice.
    again = reroll(*prep.words("b4", "import", BRANCH))
    assert (again.code, again.out[-20:]) == (0, "nothing was written\n")
    assert "# the name stays" in (prep.folder / "series.toml").read_text()
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    cover = (prep.folder / "versions/v2/v2-0000-cover-letter.patch").read_text()
    assert "Subject: [PATCH RFC v2 0/2] Use new_call() everywhere\n" in cover
    assert (
        "All users move over to {{ new }}.\n\n# A heading\n\nChanges in v2:\n- done best\n" in cover
    )
    assert "New Person <new@example.org>" in cover
    assert "x@example.org" not in cover
    # Nothing is left to take, and nothing to lose.
    again = reroll(*prep.words("b4", "import", BRANCH))
    assert (again.code, again.err) == (0, "")
    assert again.out.endswith("nothing was written\n")
    assert reroll(*prep.words("b4", "export")).code == 0


@pytest.mark.slow
def test_a_template_that_was_not_touched_stays_one(reroll: Run, prep: Small) -> None:
    prep.rewrite('cover = "All users', 'cover = "All {{ patches | length }} users')
    assert reroll(*prep.words("generate")).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    work = checkout(prep)
    edit_cover(work, ("Use new_call()\n", "Use it\n"))
    leave(prep)
    assert reroll(*prep.words("b4", "import", BRANCH)).code == 0
    read = campaign_module.load(prep.folder)
    assert read.cover_text() == "All {{ patches | length }} users move over."
    assert read.series.title == "Use it"


@pytest.mark.slow
def test_what_absorb_took_is_no_difference_any_more(reroll: Run, prep: Small) -> None:
    assert reroll(*prep.words("b4", "export")).code == 0
    work = checkout(prep)
    b4(work, "trailers", "-u", "-m", str(reply_box(work.parent, prep, 1)), "reply@example.org")
    with (work / "drivers/b/b.c").open("a") as file:
        file.write("/* by hand */\n")
    git(work, "commit", "-qa", "--amend", "--no-edit")
    leave(prep)
    refused = reroll(*prep.words("b4", "import", BRANCH))
    assert "the code of 'drivers: b: use new_call()'" in refused.err
    assert reroll(*prep.words("absorb", "--branch", BRANCH)).code == 0
    assert reroll(*prep.words("generate")).code == 0
    assert "Acked-by: Alice" in git(prep.tree, "log", "-1", "--format=%B", "reroll/new-call~1")
    done = reroll("b4", "import", BRANCH, *prep.words())
    assert (done.code, done.err, done.out[-20:]) == (0, "", "nothing was written\n")
    assert reroll("b4", "export", "--json", *prep.words()).code == 0
    assert git(prep.tree, "rev-parse", f"{BRANCH}^{{tree}}") == git(
        prep.tree, "rev-parse", "reroll/new-call^{tree}"
    )


@pytest.mark.slow
def test_what_was_changed_on_both_sides_is_refused(reroll: Run, prep: Small) -> None:
    assert reroll(*prep.words("b4", "export")).code == 0
    prep.rewrite("All users move", "Most users move")
    prep.rewrite("done better", "done best")
    # What b4 did not touch does not come back, generated anew or not.
    for words in (("b4", "import", BRANCH), ("generate",), ("b4", "import", BRANCH)):
        done = reroll(*prep.words(*words))
        assert (done.code, done.err) == (0, "")
    before = campaign_of(prep)
    assert "Most users move" in before[0].series.cover
    work = checkout(prep)
    edit_cover(work, ("Use new_call()\n", "Use it\n"))
    leave(prep)
    assert reroll(*prep.words("b4", "import", BRANCH)).out.startswith("title: Use it\n")
    git(prep.tree, "worktree", "add", "-q", str(work), BRANCH)
    edit_cover(work, ("move over", "walk over"))
    leave(prep)
    before = campaign_of(prep)
    done = reroll(*prep.words("b4", "import", BRANCH))
    assert done.code == 3
    assert "changed there, and here since it was exported: cover letter" in done.err
    assert campaign_of(prep) == before


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("commit", "--amend", "-q", "-m", "other: title"), "'other: title' is new"),
        (("reset", "-q", "--hard", "HEAD~1"), "'drivers: b: use new_call()' is gone"),
        (
            ("commit", "--amend", "-q", "-m", "drivers: b: use new_call()\n\nWords.\n"),
            "the message of 'drivers: b: use new_call()'",
        ),
        (
            ("commit", "--amend", "-q", "--no-edit", "--author=B <b@example.org>"),
            "the author of 'drivers: b: use new_call()'",
        ),
    ],
)
def test_commits_that_differ_are_for_absorb(
    reroll: Run, prep: Small, words: tuple[str, ...], named: str
) -> None:
    assert reroll(*prep.words("b4", "export")).code == 0
    work = checkout(prep)
    git(work, *words)
    leave(prep)
    before = (prep.folder / "series.toml").read_bytes()
    done = reroll(*prep.words("b4", "import", BRANCH))
    assert done.code == 3
    assert named in done.err
    assert f"reroll absorb --branch {BRANCH}" in done.err
    assert (prep.folder / "series.toml").read_bytes() == before
    assert reroll(*prep.words("b4", "import", "--cover-only", BRANCH)).code == 0


def make_series(tree: Path) -> None:
    """Two commits as a person makes them."""
    (tree / "drivers/a/a.c").write_text("int a(int x)\n{\n\treturn 2 * x;\n}\n")
    git(tree, "commit", "-qam", "drivers: a: do it twice\n\nA {{ reason }}.\n---\nv2: less of it")
    (tree / "drivers/b/data.bin").write_bytes(bytes(range(256)))
    (tree / "drivers/b/crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    git(tree, "add", "-f", "drivers")
    git(tree, "commit", "-qm", "drivers: b: add data", "--author=Bob <bob@example.org>")


@pytest.mark.parametrize(
    "strategy",
    [
        "commit",
        pytest.param("branch-description", marks=pytest.mark.slow),
        pytest.param("tip-commit", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_a_branch_of_b4_becomes_a_folder(
    reroll: Run, small: Small, tmp_path: Path, strategy: str
) -> None:
    git(small.tree, "config", "b4.prep-cover-strategy", strategy)
    if strategy == "commit":
        b4(small.tree, "prep", "-n", "my topic")
        make_series(small.tree)
    else:
        git(small.tree, "checkout", "-qb", "b4/my-topic")
        make_series(small.tree)
        b4(small.tree, "prep", "-e", "master")
    no_title = reroll("-C", tmp_path / "new", "--tree", small.tree, "b4", "import", "my-topic")
    assert no_title.code == 2
    assert "no title yet: 'EDITME: cover title for" in no_title.err
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\npathlib.Path(sys.argv[-1]).write_text('''Do it\\n\\nWhy.\\n\\n"
        "To: Alice <alice@example.org>\\nCc: list@lists.example.org\\n\\n---\\n"
        "Changes in v2:\\n- EDITME: describe\\n- better\\n''')\n"
    )
    b4(small.tree, "prep", "--edit-cover", editor=f"{sys.executable} {script}")
    b4(small.tree, "prep", "--force-revision", "2")
    tip = git(small.tree, "rev-parse", "HEAD^{tree}")
    git(small.tree, "checkout", "-q", "--detach", "master")
    done = reroll("-C", tmp_path / "new", "--tree", small.tree, "b4", "import", "my-topic")
    assert done.code == 0, done.err
    assert "left out, because b4 wants it edited: 'EDITME: describe'" in done.err
    read = campaign_module.load(tmp_path / "new")
    assert (read.series.name, read.series.title, read.series.version) == ("my-topic", "Do it", 2)
    assert (read.cover_text(), read.series.changelog) == ("Why.", {2: ["better"]})
    assert (read.series.to, read.series.cc) == (
        ["Alice <alice@example.org>"],
        ["list@lists.example.org"],
    )
    assert read.series.base == git(small.tree, "rev-parse", "master")
    assert [patch.author for patch in read.patches] == [None, "Bob <bob@example.org>"]
    assert read.patches[0].changelog == {2: ["less of it"]}
    made = reroll("-C", tmp_path / "new", "--tree", small.tree, "generate")
    assert made.code == 0, made.err
    assert git(small.tree, "diff", "--stat", tip, "reroll/my-topic") == ""
    assert "A {{ reason }}." in git(small.tree, "log", "-1", "--format=%B", "reroll/my-topic~1")
    told = (
        git(small.tree, "config", "branch.b4/my-topic.b4-tracking")
        if (strategy == "branch-description")
        else git(small.tree, "log", "--format=%B", "master..b4/my-topic")
    )
    assert f'"change-id": "{store.read(tmp_path / "new", 2).change_id}"' in told


def sent_by_b4(reroll: Run, prep: Small) -> Path:
    """A mailbox of what ``b4 send`` makes of the small series' version 2."""
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    out = prep.tree.parent / "out"
    work = checkout(prep)
    b4(work, "send", "--no-sign", "-o", str(out))
    leave(prep)
    box = mailbox.mbox(prep.tree.parent / "sent.mbox")
    for path in sorted(out.iterdir()):
        box.add(path.read_bytes())
    box.close()
    return prep.tree.parent / "sent.mbox"


@pytest.mark.slow
def test_mails_with_tracking_become_a_folder(reroll: Run, prep: Small, tmp_path: Path) -> None:
    box = sent_by_b4(reroll, prep)
    before = store.read(prep.folder, 2)
    new = tmp_path / "from-mail"
    done = reroll("-C", new, "b4", "import", box)
    assert done.code == 0, done.err
    read = campaign_module.load(new)
    assert (read.series.title, read.cover_text()) == ("Use new_call()", "All users move over.")
    assert read.series.changelog == {2: ["done better", "drivers: a: use new_call(): said why"]}
    assert read.series.base == before.base
    version = store.read(new, 2)
    assert (version.source, version.change_id) == ("mails", before.change_id)
    git(prep.tree, "branch", "-D", "reroll/new-call")
    made = reroll("-C", new, "--tree", prep.tree, "generate", "-v", 3)
    assert made.code == 0, made.err
    assert store.read(new, 3).change_id == before.change_id
    assert store.read(new, 3).tree == before.tree


@pytest.mark.slow
def test_mails_with_tracking_bring_the_words_back(reroll: Run, prep: Small) -> None:
    box = sent_by_b4(reroll, prep)
    before = campaign_of(prep)
    done = reroll(*prep.words("b4", "import", box))
    assert done.code == 0, done.err
    assert campaign_of(prep) == before
    text = box.read_bytes().replace(b"All users move over.", b"All users moved over.")
    box.write_bytes(text)
    done = reroll(*prep.words("b4", "import", box))
    assert "cover letter: 1 lines new, 1 gone" in done.out
    assert campaign_module.load(prep.folder).cover_text() == "All users moved over."


def test_what_b4_sent_is_the_next_version(reroll: Run, prep: Small) -> None:
    """After a real send, b4 makes revision 2 and a changelog to fill in."""
    assert reroll(*prep.words("b4", "export")).code == 0
    told = git(prep.tree, "log", "-1", "--format=%B", f"{BRANCH}~2")
    told = told.replace('"revision": 1', '"revision": 2').replace(
        f"\n\n{b4_cover.MARKER}",
        "\n\n---\nChanges in v2:\n- EDITME: describe what is new in this series revision.\n"
        f"- Link to v1: https://example.org/r/1@example.org\n\n{b4_cover.MARKER}",
    )
    work = checkout(prep)
    git(work, "reset", "-q", "--hard", "HEAD~2")
    git(work, "commit", "-q", "--amend", "--allow-empty", "-F", "-", stdin=told.encode())
    git(work, "cherry-pick", "reroll/new-call~2..reroll/new-call")
    leave(prep)
    done = reroll(*prep.words("b4", "import", BRANCH))
    assert done.code == 0, done.err
    assert "version: 2" in done.out
    read = campaign_module.load(prep.folder)
    assert read.series.version == 2
    assert read.series.changelog[2][-1] == "Link to v1: https://example.org/r/1@example.org"


@pytest.mark.slow
def test_one_patch_keeps_its_changelog(reroll: Run, prep: Small) -> None:
    text = (prep.folder / "series.toml").read_text()
    (prep.folder / "series.toml").write_text(text[: text.index('[[patch]]\nid = "b"')])
    assert reroll(*prep.words("generate", "-v", 2)).code == 0
    assert reroll(*prep.words("b4", "export")).code == 0
    out = prep.tree.parent / "out"
    work = checkout(prep)
    edit_cover(work, ("- said why", "- said why, and how"))
    b4(work, "send", "--no-sign", "-o", str(out))
    leave(prep)
    (mail,) = mails_in(out)
    assert mail["Subject"] == "[PATCH v2] drivers: a: use new_call()"
    below = mail.get_content().split("\n---\n", 1)[1]
    assert below.startswith("Changes in v2:\n- said why, and how\n")
    assert reroll(*prep.words("b4", "import", BRANCH)).code == 0
    (patch,) = campaign_module.load(prep.folder).patches
    assert patch.changelog == {2: ["said why, and how"]}
    box = prep.tree.parent / "one.mbox"
    shutil.copy(next(out.iterdir()), box)
    new = prep.tree.parent / "one"
    done = reroll("-C", new, "b4", "import", box)
    assert done.code == 0, done.err
    assert campaign_module.load(new).patches[0].changelog == {2: ["said why, and how"]}


# -- bad input ------------------------------------------------------------------------------


def craft(small: Small, message: str) -> None:
    """A branch b4/bad whose cover letter's commit has ``message``."""
    tree = git(small.tree, "rev-parse", "master^{tree}")
    made = git(small.tree, "commit-tree", tree, "-p", "master", stdin=message.encode())
    git(small.tree, "branch", "-f", "b4/bad", made)


def tracking(**series: object) -> str:
    """b4's tracking data with some values changed."""
    known = {"revision": 1, "change-id": "20200913-x-0123456789ab", "prefixes": []}
    return f"{b4_cover.MARKER}\n# ...\n" + json.dumps({"series": {**known, **series}})


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("T\n\nbody\n\n" + tracking(revision="1"), "'revision' is not a number"),
        ("T\n\nbody\n\n" + tracking(revision=True), "'revision' is not a number"),
        ("T\n\nbody\n\n" + tracking(**{"change-id": "a\nb"}), "'change-id' is not one word"),
        ("T\n\nbody\n\n" + tracking(**{"change-id": None}), "'change-id' is not one word"),
        ("T\n\nbody\n\n" + tracking(prefixes="RFC"), "'prefixes' is not a list of words"),
        ("T\n\nbody\n\n" + tracking(prefixes=["a]b"]), "'a]b' cannot be a prefix"),
        ("T\n\nbody\n\n" + tracking(history=["v1"]), "'history' is not a table"),
        ("T\n\nbody\n\n" + tracking(history={"v1": ["a b"]}), "'history' is not a table of"),
        ("T\n\nbody\n\n" + tracking()[:-4], "is not JSON"),
        ("T\n\nbody\n\n" + b4_cover.MARKER + '\n{"a": ' + "[" * 100000, "is not JSON"),
        ("T\n\nbody\n\n" + b4_cover.MARKER + '\n{"a": 1}', "has no 'series'"),
        ("T\n\nbody\n\n" + b4_cover.MARKER, "holds no tracking data"),
        (tracking(), "the cover letter has no title"),
    ],
)
def test_damaged_tracking_data_are_named(message: str, named: str) -> None:
    with pytest.raises(UsageError, match=re.escape(named)):
        words, _ = b4_cover.split_commit(message, where="there")
        b4_cover.parse_cover(words, where="there")


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("T\n\nbody\n\n" + tracking(revision=10**30), "'revision' is not a number from 1 to 99999"),
        ("T\n\nbody\n\n" + tracking(**{"change-id": "a\x1b[2J"}), "'change-id' is not one word"),
        ("T\n\nbody\n\n" + tracking() + tracking(), "or holds it twice"),
        ("only a title\n\n" + tracking(), ""),
        ("two\nlines\n\n" + tracking(), "the cover letter has no title"),
        ("T\n\nb\x1b[2Jody\n\n" + tracking(), "has the control character \\x1b"),
        ("T\n\nbody\n\nTo: a b@c\n\n---\n\n" + tracking(), "in the cover letter"),
    ],
)
def test_a_damaged_branch_is_one_clear_line(
    reroll: Run, generated: Small, message: str, named: str
) -> None:
    craft(generated, message)
    before = (generated.folder / "series.toml").read_bytes()
    done = reroll(*generated.words("b4", "import", "b4/bad"))
    assert done.code == (2 if named else 3)
    assert named in done.err
    assert "b4/bad" in done.err
    assert "\x1b" not in done.err
    assert (generated.folder / "series.toml").read_bytes() == before


def test_branches_that_b4_does_not_know(reroll: Run, generated: Small) -> None:
    git(generated.tree, "branch", "plain", "master")
    done = reroll(*generated.words("b4", "import", "plain"))
    assert done.code == 2
    assert "plain: is not a branch that b4 prep keeps for you" in done.err
    done = reroll(*generated.words("b4", "import", "nowhere"))
    assert done.code == 2
    assert "nowhere" in done.err
    git(generated.tree, "config", "branch.plain.b4-prep-cover-strategy", "tip-merge")
    done = reroll(*generated.words("b4", "import", "plain"))
    assert (done.code, "'tip-merge'" in done.err) == (2, True)
    git(generated.tree, "config", "branch.plain.b4-prep-cover-strategy", "branch-description")
    done = reroll(*generated.words("b4", "import", "plain"))
    assert (done.code, "is not a branch that b4" in done.err) == (2, True)
    data = {"series": {"revision": 1, "change-id": "x", "base-branch": "--exec=x"}}
    git(generated.tree, "config", "branch.plain.b4-tracking", json.dumps(data))
    git(generated.tree, "config", "branch.plain.description", "T\n\nbody")
    done = reroll(*generated.words("b4", "import", "plain"))
    assert (done.code, "there is no commit '--exec=x'" in done.err) == (2, True)


@pytest.mark.slow
def test_export_refuses_what_it_would_break(reroll: Run, prep: Small) -> None:
    git(prep.tree, "branch", BRANCH, "master")
    done = reroll(*prep.words("b4", "export"))
    assert (done.code, "holds work that is not in version 1" in done.err) == (3, True)
    assert reroll(*prep.words("b4", "export", "--branch", "topic")).code == 0
    checkout(prep, "topic")
    done = reroll(*prep.words("b4", "export", "--branch", "topic", "--force"))
    assert (done.code, "is checked out in" in done.err) == (3, True)
    for bad in ("reroll/new-call", "a..b", "-x", "a b"):
        done = reroll(*prep.words("b4", "export", f"--branch={bad}"))
        assert done.code == 2
    done = reroll(*prep.words("b4", "export", "-v", 9))
    assert (done.code, "there is no version 9" in done.err) == (2, True)
    prep.rewrite("All users", f"{b4_cover.MARKER}\\nAll users")
    assert reroll(*prep.words("generate")).code == 0
    done = reroll(*prep.words("b4", "export", "--branch", "other"))
    assert (done.code, "by which b4 finds cover letters" in done.err) == (2, True)


def test_a_detached_and_a_shallow_tree(reroll: Run, prep: Small, tmp_path: Path) -> None:
    git(prep.tree, "checkout", "-q", "--detach")
    assert reroll(*prep.words("b4", "export")).code == 0
    assert reroll(*prep.words("b4", "import", BRANCH)).code == 0
    shallow = tmp_path / "shallow"
    words = ("clone", "-q", "--depth=3", "--branch", BRANCH, prep.tree.as_uri(), str(shallow))
    git(tmp_path, *words)
    done = reroll("-C", tmp_path / "new", "--tree", shallow, "b4", "import", BRANCH)
    assert done.code == 2
    assert "this clone is shallow" in done.err
    assert not (tmp_path / "new").exists()


def test_commits_that_are_no_patches(reroll: Run, prep: Small, tmp_path: Path) -> None:
    assert reroll(*prep.words("b4", "export")).code == 0
    work = checkout(prep)
    git(work, "commit", "-q", "--allow-empty", "-m", "nothing")
    done = reroll("-C", tmp_path / "new", "--tree", prep.tree, "b4", "import", BRANCH)
    assert (done.code, "(nothing) changes nothing" in done.err) == (2, True)
    git(work, "reset", "-q", "--hard", "HEAD~1")
    git(work, "merge", "-q", "--no-ff", "-m", "merged", "reroll/new-call")
    done = reroll("-C", tmp_path / "new", "--tree", prep.tree, "b4", "import", BRANCH)
    assert (done.code, "(merged) merges" in done.err) == (2, True)


def tracked_mail(value: str) -> bytes:
    """A cover letter with a header X-B4-Tracking."""
    return (
        f"From: a@example.org\nSubject: [PATCH 0/1] T\nMessage-ID: <m@example.org>\n"
        f"X-B4-Tracking: {value}\n\nbody\n"
    ).encode()


def packed(data: bytes) -> str:
    return "v=1; b=" + base64.b64encode(gzip.compress(data, mtime=0)).decode()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("v=1; b=???", "X-B4-Tracking is not gzip in base64"),
        ("v=1; b=AAAA", "X-B4-Tracking is not gzip in base64"),
        (packed(b"{}")[:-20], "X-B4-Tracking is"),
        (packed(b" " * 50_000_000), "is cut short, or too long"),
        (packed(b"\xff\xfe"), "is not JSON"),
        (packed(b'{"series": {"revision": -1}}'), "'revision' is not a number"),
        (packed(b'{"series": {"revision": 1, "change-id": "x"}}'), "patches are missing"),
    ],
)
def test_a_damaged_header_is_one_clear_line(
    reroll: Run, tmp_path: Path, value: str, named: str
) -> None:
    (tmp_path / "mail").write_bytes(tracked_mail(value))
    began = time.monotonic()
    done = reroll("-C", tmp_path / "new", "b4", "import", tmp_path / "mail")
    assert (done.code, named in done.err) == (2, True), done.err
    assert time.monotonic() - began < 5
    assert not (tmp_path / "new").exists()


def test_other_files_are_no_mails_of_b4(reroll: Run, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(b"From: a@example.org\nSubject: x\n\nbody\n")
    done = reroll("-C", tmp_path / "new", "b4", "import", tmp_path / "mail")
    assert (done.code, "no mail in it has an X-B4-Tracking header" in done.err) == (2, True)


def test_a_folder_with_something_in_it_is_left_alone(
    reroll: Run, prep: Small, tmp_path: Path
) -> None:
    assert reroll(*prep.words("b4", "export")).code == 0
    new = tmp_path / "taken"
    new.mkdir()
    (new / "notes").write_text("mine")
    (new / "patches").write_text("mine")
    done = reroll("-C", new, "--tree", prep.tree, "b4", "import", BRANCH)
    assert (done.code, "has patches already" in done.err) == (2, True)
    (new / "patches").unlink()
    assert reroll("-C", new, "--tree", prep.tree, "b4", "import", BRANCH).code == 0
    assert sorted(path.name for path in new.iterdir()) == ["notes", "patches", "series.toml"]


def test_text_survives_b4s_form() -> None:
    cover = Cover(
        "A title",
        "# no comment\n\ntext\n\n---\nmore below\n\nLink: https://example.org/",
        ("Ann <ann@example.org>",),
        ("b@example.org",),
        {3: ("one", "two words"), 1: ("x",)},
    )
    text = b4_cover.message(cover, Tracking(3, "20200913-x-0123456789ab", ("RFC",), {1: ("a@b",)}))
    words, data = b4_cover.split_commit(text, where="x")
    assert b4_cover.parse_cover(words, where="x") == cover
    assert (data.revision, data.prefixes, data.history) == (3, ("RFC",), {1: ("a@b",)})


_LINES = st.sampled_from(
    [
        *("", "word", "two words", "# heading", ">#", "---", "- item", "  more", "v2: said"),
        *("To: a@example.org", "Cc: B C <b@example.org>", "Link: https://example.org/", "Bye"),
        *("Changes in v2:", "Changes in v3:", " 1 file changed", "Ada (2):", "EDITME: this"),
    ]
)


@given(st.lists(_LINES, max_size=12).map("\n".join), st.lists(_LINES, max_size=4))
@example("---\nTo: a@example.org", [])
def test_what_came_from_b4_goes_back_the_same(body: str, log: list[str]) -> None:
    entries = tuple(line for line in log if line)
    first = Cover("A title", body, changelog={2: entries} if entries else {})
    came = b4_cover.parse_cover(b4_cover.cover_text(first), where="x")
    assert b4_cover.parse_cover(b4_cover.cover_text(came), where="x") == came


def test_shortlog_diffstat_and_range_diff_are_no_words() -> None:
    text = (
        "Why.\n\nBob (2):\n  is no shortlog\n\nChanges in v2:\n- x y\n\nAda (1):\n  one\n\n"
        "Bob (2):\n  two\n  three\n\n a.c | 2 +-\n 1 file changed, 1 insertion(+)\n\n"
        "Range-diff against v1:\n1:  abc = 1:  def one\n\n\nbase-commit: 0123\n"
    )
    assert b4_cover.body_of(text, 3) == ("Why.\n\nBob (2):\n  is no shortlog", {2: ("x y",)})


def test_commits_elsewhere_are_named(reroll: Run, prep: Small, tmp_path: Path) -> None:
    words = ("clone", "-q", "--branch", "master", "--single-branch", "--no-tags")
    git(tmp_path, *words, prep.tree.as_uri(), str(tmp_path / "other"))
    done = reroll("-C", prep.folder, "--tree", tmp_path / "other", "b4", "export")
    assert (done.code, "there is no commit" in done.err) == (2, True)
