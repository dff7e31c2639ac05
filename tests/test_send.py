"""``reroll send``: through the real git send-email to a real SMTP server."""

import json
import os
import shutil
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, free_port, send_to, smtp_server, without_mail_address


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


def test_one_thread_reaches_everybody_once(reroll: Run, small: Small, inbox: Inbox) -> None:
    small.rewrite(
        'title = "Use new_call()"',
        'title = "Use nëw_call(), a title that is so long that it folds"',
    )
    small.rewrite('id = "a"', 'id = "a"\ncc = ["Jürgen \\"J\\" Groß, Dr. <j@example.org>"]')
    assert reroll(*small.words("generate", "-v", 7)).code == 0
    done = reroll(*small.words("send", "-v", 7, "--yes"))
    assert (done.code, done.err) == (0, "")
    mails = inbox.messages
    subjects = [
        " ".join(str(make_header(decode_header(mail["Subject"]))).split()) for mail in mails
    ]
    assert subjects == [
        "[PATCH v7 0/2] Use nëw_call(), a title that is so long that it folds",
        "[PATCH v7 1/2] drivers: a: use new_call()",
        "[PATCH v7 2/2] drivers: b: use new_call()",
    ]
    cover = mails[0]["Message-ID"]
    assert [mail["In-Reply-To"] for mail in mails] == [None, cover, cover]
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert sorted(inbox.envelopes[1].rcpt_tos) == [
        "alice@example.org",
        "all@lists.example.org",
        "drivers@lists.example.org",
        "j@example.org",
        "rob@example.org",
        "thea@example.org",
    ]
    assert "j@example.org" in inbox.envelopes[0].rcpt_tos
    assert "j@example.org" not in inbox.envelopes[2].rcpt_tos
    named = str(make_header(decode_header(mails[1]["Cc"])))
    assert "Jürgen" in named
    assert "Groß" in named


def test_what_arrives_is_what_was_generated(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("send", "--yes")).code == 0
    for path, arrived in zip(
        sorted((small.folder / "versions/v1").glob("*.patch")), inbox.contents, strict=True
    ):
        body = path.read_bytes().split(b"\n\n", 1)[1]
        assert arrived.split(b"\n\n", 1)[1] == body


def test_shows_what_goes_to_whom_and_dry_run_sends_nothing(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    git(small.tree, "config", "sendemail.bcc", "me@example.org")
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--dry-run"))
    assert done.code == 0
    assert done.out.splitlines()[:4] == [
        "[PATCH 0/2] Use new_call()",
        "    To: Alice Maintainer <alice@example.org>",
        "    To: Thea Rest <thea@example.org>",
        "    Cc: Rob Reviewer <rob@example.org>",
    ]
    assert "    Bcc: me@example.org" in done.out
    assert "Dry-Sent" not in done.out
    assert done.out.endswith("nothing was sent\n")
    assert inbox.envelopes == []
    assert not (small.folder / "journal.jsonl").exists()


def test_nobody_to_ask(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send"))
    assert (done.code, inbox.envelopes) == (2, []), done.err
    assert "give --yes" in done.err


@pytest.mark.slow
def test_a_sent_version_is_not_sent_or_made_again(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("generate", "-v", 3)).code == 0
    assert reroll(*small.words("send", "--yes")).code == 0
    for words in (["send", "--yes"], ["send", "--yes", "--resume"]):
        done = reroll(*small.words(*words))
        assert (done.code, "has been sent" in done.err) == (2, True)
    done = reroll(*small.words("generate", "-v", 3))
    assert (done.code, "has been sent" in done.err) == (2, True)
    assert len(inbox.envelopes) == 3
    assert reroll(*small.words("generate", "-v", 4)).code == 0


@pytest.mark.slow
def test_server_down(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "sendemail.smtpServer", "127.0.0.1")
    git(small.tree, "config", "sendemail.smtpServerPort", str(free_port()))
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 4
    assert "Unable to initialize SMTP properly" in done.err
    assert len(done.err.splitlines()) <= 2
    # Nothing went: the same version may be generated and sent again.
    assert reroll(*small.words("generate")).code == 0
    with smtp_server() as server:
        send_to(server, small.tree)
        assert reroll(*small.words("send", "--yes")).code == 0
        assert len(server.envelopes) == 3


def test_stopped_midway_and_resumed(reroll: Run, small: Small, inbox: Inbox) -> None:
    inbox.fail_at = 3
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    assert "2 of 3 mails are out" in done.err
    assert "reroll send --resume" in done.err
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, "give --resume" in done.err) == (2, True)
    inbox.fail_at = 0
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    ids = [mail["Message-ID"] for mail in inbox.messages]
    assert (len(ids), len(set(ids))) == (3, 3)


@pytest.mark.slow
def test_stopped_before_the_mails_were_frozen(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "sendemail.smtpServer", "127.0.0.1")
    git(small.tree, "config", "sendemail.smtpServerPort", str(free_port()))
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("send", "--yes")).code == 4
    # As a kill between the journal's first lines and the frozen mails leaves it.
    journal = small.folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"prepared"' in line))
    shutil.rmtree(small.folder / "outgoing")
    with smtp_server() as server:
        send_to(server, small.tree)
        done = reroll(*small.words("send", "--yes", "--resume"))
        assert (done.code, done.err) == (0, "")
        assert len(server.ids) == len(server.envelopes) == 3


@pytest.mark.slow
def test_a_mail_of_unknown_fate_is_asked_about(reroll: Run, small: Small, inbox: Inbox) -> None:
    inbox.fail_at = 3
    assert reroll(*small.words("send", "--yes")).code == 5
    journal = small.folder / "journal.jsonl"
    lines = journal.read_text().splitlines()
    # As if reroll had been killed before it heard of the third mail, mid-line.
    journal.write_text("\n".join(lines[:-1]) + '\n{"version": 1, "mess')
    inbox.fail_at = 0
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert done.code == 3
    assert "it is not known whether 0002" in done.err
    assert len(inbox.envelopes) == 2
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent")).code == 0
    assert len(inbox.envelopes) == 3


def test_changed_mails_under_a_half_sent_version(reroll: Run, small: Small, inbox: Inbox) -> None:
    inbox.fail_at = 2
    assert reroll(*small.words("send", "--yes")).code == 5
    cover = next((small.folder / "versions/v1").glob("*0000*"))
    cover.write_text(cover.read_text().replace("All users", "Some users"))
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert done.code == 3
    assert f"versions/v1/{cover.name}: no longer what it was" in done.err
    assert len(inbox.envelopes) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("alice@example.org", "alice@xxxxxxx", "is obfuscated"),
        ("alice@example.org", "alice@localhost", "has no domain"),
        ("Alice Maintainer <alice@example.org>", "-froot@example.org", "begins with '-'"),
        ("Alice Maintainer", "Alice \x07 Maintainer", "has control characters"),
        ("Alice Maintainer <alice@example.org>", "Alice Maintainer", "has no address"),
    ],
)
def test_addresses_that_cannot_be_real(
    reroll: Run, small: Small, inbox: Inbox, old: str, new: str, said: str
) -> None:
    mail = next((small.folder / "versions/v1").glob("*0001*"))
    text = mail.read_text()
    line = text[: text.index(old)].count("\n") + 1
    mail.write_text(text.replace(old, new, 1))
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 2
    assert f"{mail.name}:{line}:" in done.err
    assert said in done.err
    assert inbox.envelopes == []


def test_obfuscated_trailer(reroll: Run, small: Small, inbox: Inbox) -> None:
    mail = next((small.folder / "versions/v1").glob("*0002*"))
    text = mail.read_text().replace(
        "Signed-off-by: Ada", "Acked-by: Bob <bob@xxxxxxxxxxx>\nSigned-off-by: Ada", 1
    )
    mail.write_text(text)
    line = text[: text.index("Acked-by")].count("\n") + 1
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 2
    assert f"{mail.name}:{line}: Acked-by: 'Bob <bob@xxxxxxxxxxx>' is obfuscated" in done.err
    assert inbox.envelopes == []


@pytest.mark.slow
def test_recipients_of_the_users_configuration_are_not_added_unseen(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    git(small.tree, "config", "sendemail.ccCmd", "echo hidden@example.org")
    git(small.tree, "config", "sendemail.signedOffByCc", "true")
    git(small.tree, "config", "sendemail.cc", "watcher@example.org")
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("send", "--yes")).code == 0
    everybody = {address for mail in inbox.envelopes for address in mail.rcpt_tos}
    assert "hidden@example.org" not in everybody
    assert "ada@example.org" not in everybody
    assert "watcher@example.org" in everybody
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    planned = manifest["patches"][0]["recipients"]
    reasons = {one["address"]: one["reasons"] for one in planned}
    assert "git config sendemail.cc" in reasons["watcher@example.org"]


def test_missing_git_email(
    reroll: Run, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path(git(small.tree, "--exec-path"))
    bare = tmp_path / "git-core"
    bare.mkdir()
    for program in real.iterdir():
        if not program.name.startswith("git-send-email"):
            (bare / program.name).symlink_to(program)
    monkeypatch.setenv("GIT_EXEC_PATH", str(bare))
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 4
    assert "'git-send-email' is not installed" in done.err
    assert "apt install git-email" in done.err


def test_missing_perl_module(
    reroll: Run, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITPERLLIB", str(without_mail_address(tmp_path / "perl")))
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 4
    assert done.err == (
        "reroll: git send-email: perl has no module Mail::Address\n"
        "reroll: hint: nothing was sent by this run; apt install libmailtools-perl\n"
    )


@pytest.mark.slow
def test_the_users_validate_hook_sees_all_mails_before_one_goes(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    hook = small.tree / ".git/hooks/sendemail-validate"
    refuses = "grep -q '^Subject.*drivers: b' \"$1\" && echo 'no b, please' && exit 1\nexit 0\n"
    hook.write_text(f"#!/bin/sh\n{refuses}")
    hook.chmod(0o755)
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (4, [])
    assert "-drivers-b" in done.err
    assert "the sendemail-validate hook rejects it: no b, please" in done.err
    # Nothing is out: the version may be made and sent again.
    hook.write_text(f'#!/bin/sh\necho "$1" >>{small.folder}/asked\n')
    assert reroll(*small.words("generate")).code == 0
    assert reroll(*small.words("send", "--yes")).code == 0
    assert len(inbox.envelopes) == 3
    assert len((small.folder / "asked").read_text().splitlines()) == 3


def test_a_second_sender_stops(reroll: Run, small: Small, inbox: Inbox) -> None:
    import fcntl

    assert reroll(*small.words("generate")).code == 0
    held = os.open(small.folder / "journal.jsonl", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        done = reroll(*small.words("send", "--yes"))
    finally:
        os.close(held)
    assert (done.code, inbox.envelopes) == (3, [])
    assert "another 'reroll send' is at work" in done.err


@pytest.mark.slow
def test_a_server_that_leaves_without_an_answer(reroll: Run, small: Small, inbox: Inbox) -> None:
    """It may have taken the mail: reroll must not send it again by itself."""
    inbox.leave_at = 2
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    assert "it may have been sent" in done.err
    inbox.leave_at = 0
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, "it is not known whether 0001" in done.err) == (3, True)
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "sent")).code == 0
    assert len(inbox.envelopes) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("To: Alice", "To: hidden@example.org\nTo: Alice", "more than one to header"),
        ("Subject: [PATCH", "Subject: =?utf-99?b?zz?= [PATCH", "cannot be decoded"),
        ("To: Alice", "To: =?nope?q?x?= <x@example.org>, Alice", "cannot be decoded"),
    ],
)
def test_mails_edited_by_hand(
    reroll: Run, small: Small, inbox: Inbox, old: str, new: str, said: str
) -> None:
    mail = next((small.folder / "versions/v1").glob("0001*"))
    mail.write_text(mail.read_text().replace(old, new, 1))
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, []), done.err
    assert said in done.err
    assert mail.name in done.err


def test_a_mail_whose_header_is_nested_deep(reroll: Run, small: Small, inbox: Inbox) -> None:
    mail = next((small.folder / "versions/v1").glob("0001*"))
    mail.write_text(mail.read_text().replace("To: Alice", f"To: {'(' * 5000}\nX-To: Alice", 1))
    done = reroll(*small.words("send", "--yes"))
    # Whether Python's email package can read it, which depends on its version, or not.
    assert (done.code in (1, 2), inbox.envelopes) == (True, []), done.err
    assert mail.name in done.err


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Somebody With A Name", marks=pytest.mark.slow),
        "Álvaro Ñuñez de la Fernández-Güemes Éxito de los Ángeles",
    ],
)
@pytest.mark.slow
def test_long_names_fold_and_are_sent(reroll: Run, small: Small, inbox: Inbox, name: str) -> None:
    address = f"{'long' * 9}@users.noreply.of.a.long.example.org"
    git(small.tree, "config", "user.name", name)
    git(small.tree, "config", "user.email", address)
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, done.err) == (0, "")
    for mail in inbox.messages:
        assert address in mail["From"]
        assert str(make_header(decode_header(mail["From"]))).split("<")[0].strip() == name


def test_headers_are_ascii(reroll: Run, small: Small) -> None:
    git(small.tree, "config", "user.name", "Álvaro Ñuñez")
    small.rewrite('id = "a"', 'id = "a"\ncc = ["Jürgen Groß <j@example.org>"]')
    assert reroll(*small.words("generate")).code == 0
    for path in (small.folder / "versions/v1").glob("*.patch"):
        assert path.read_bytes().split(b"\n\n")[0].isascii()


@pytest.mark.slow
def test_errors_of_lint_keep_mails_from_going(reroll: Run, small: Small, inbox: Inbox) -> None:
    mail = next((small.folder / "versions/v1").glob("0001*"))
    mail.write_text(mail.read_text().replace("is better.\n", "is better.\n\n--\nv1: said why\n"))
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (1, [])
    assert f"{mail.name}:" in done.err
    assert "nothing was sent: check mail finds" in done.err
    assert reroll(*small.words("send", "--dry-run")).code == 1
    assert reroll(*small.words("send", "--yes", "--override", "mail=known")).code == 0
    assert len(inbox.envelopes) == 3


@pytest.mark.slow
def test_more_patches_than_lists_like_need_a_reason(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    patch = (
        '[[patch]]\nid = "p{0}"\ntitle = "drivers: b: step {0}"\nmessage = "One step."\n'
        '[[patch.step]]\nedit = "drivers/b/b.c"\npattern = \'x \\+ {0}\'\nreplace = "x + {1}"\n'
    )
    head = (small.folder / "series.toml").read_text().split("[[patch]]\n", 1)[0]
    patches = "\n".join(patch.format(number, number + 1) for number in range(1, 17))
    (small.folder / "series.toml").write_text(head + patches)
    done = reroll(*small.words("generate"))
    assert (done.code, "16 patches, lists ask for at most 15" in done.err) == (0, True)
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, []), done.err
    assert "16 patches are more than the 15 that lists ask for" in done.err
    small.rewrite("[series]\n", '[series]\nallow_many = "one step a patch"\n')
    assert reroll(*small.words("recipients", "--update")).code == 0
    assert reroll(*small.words("send", "--dry-run")).code == 0
