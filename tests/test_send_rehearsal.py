"""What would go out must be what was made: aliases, header commands, hooks, Reply-To."""

import json
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


def edit(small: Small, name: str, old: str, new: str) -> Path:
    """Change one mail of version 1 by hand."""
    mail = next((small.folder / "versions/v1").glob(name))
    text = mail.read_text()
    assert old in text
    mail.write_text(text.replace(old, new, 1))
    return mail


def test_aliases_that_would_add_people(reroll: Run, small: Small, inbox: Inbox) -> None:
    aliases = small.folder / "aliases"
    aliases.write_text("thea@example.org: everybody@example.org\nfriends: x@example.org\n")
    git(small.tree, "config", "sendemail.aliasesFile", str(aliases))
    git(small.tree, "config", "sendemail.aliasFileType", "sendmail")
    # git send-email looks up what the header has: a bare address can be a name, too.
    edit(small, "0001*", "Thea Rest <thea@example.org>", "thea@example.org")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "would add to the To header: everybody@example.org" in done.err
    assert "would leave out of the envelope: thea@example.org" in done.err


@pytest.mark.slow
def test_an_alias_of_the_users_own_as_bcc(reroll: Run, small: Small, inbox: Inbox) -> None:
    aliases = small.folder / "aliases"
    aliases.write_text("me: ada@example.org, home@example.org\n")
    git(small.tree, "config", "sendemail.aliasesFile", str(aliases))
    git(small.tree, "config", "sendemail.aliasFileType", "sendmail")
    git(small.tree, "config", "sendemail.bcc", "me")
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 0
    assert "    Bcc: home@example.org" in done.out
    assert "home@example.org" in inbox.envelopes[0].rcpt_tos


def test_suppressed_copies_are_refused(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "sendemail.suppressCc", "cc")
    mail = next((small.folder / "versions/v1").glob("0001*"))
    assert "\nCc: " in mail.read_text()
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert f"{mail.name}: git send-email would leave out of the Cc header" in done.err


@pytest.mark.parametrize(
    ("reply_to", "said"),
    [
        ("thea@example.org", "Reply-To is thea@example.org, who gets the mail"),
        ("Ada <ada@example.org>, all@lists.example.org", "Reply-To has more than one address"),
        ("ada@example.org", ""),
    ],
)
@pytest.mark.slow
def test_reply_to(reroll: Run, small: Small, inbox: Inbox, reply_to: str, said: str) -> None:
    mail = edit(small, "0001*", "Message-ID: ", f"Reply-To: {reply_to}\nMessage-ID: ")
    done = reroll(*small.words("send", "--yes"))
    if said:
        assert (done.code, inbox.envelopes) == (2, [])
        assert f"{mail.name}: {said}" in done.err
    else:
        assert done.code == 0
        assert inbox.messages[1]["Reply-To"] == reply_to


@pytest.mark.slow
def test_another_sender_writes_for_the_author(reroll: Run, small: Small, inbox: Inbox) -> None:
    """sendemail.from, set after the mails were made: git adds an in-body From, once."""
    git(small.tree, "config", "sendemail.from", "Ada at Work <ada@work.example>")
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 0
    assert "    From: Ada at Work <ada@work.example>" in done.out
    for mail in inbox.messages:
        assert mail["From"] == "Ada at Work <ada@work.example>"
        text = mail.get_payload(decode=True)
        assert isinstance(text, bytes)
        assert text.startswith(b"From: Ada Developer <ada@example.org>\n\n")
        assert text.count(b"\nFrom: ") == 0


def test_a_second_in_body_from_is_refused(reroll: Run, small: Small, inbox: Inbox) -> None:
    """git am would take the first, and the author would be lost."""
    mail = edit(small, "0001*", "\n\n", "\n\nFrom: Bob Author <bob@example.org>\n\n")
    assert reroll(*small.words("send", "--dry-run", "--override", "mail=it is a test")).code == 0
    git(small.tree, "config", "sendemail.from", "Ada at Work <ada@work.example>")
    done = reroll(*small.words("send", "--yes", "--override", "mail=it is a test"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert f"{mail.name}: a second in-body From would go out" in done.err


@pytest.mark.parametrize(
    "encoding", [pytest.param("base64", marks=pytest.mark.slow), "quoted-printable"]
)
@pytest.mark.slow
def test_another_transfer_encoding_is_the_same_text(
    reroll: Run, small: Small, inbox: Inbox, encoding: str
) -> None:
    git(small.tree, "config", "sendemail.transferEncoding", encoding)
    assert reroll(*small.words("send", "--yes")).code == 0
    for path, mail in zip(
        sorted((small.folder / "versions/v1").glob("*.patch")), inbox.messages, strict=True
    ):
        assert mail.get_payload(decode=True) == path.read_bytes().split(b"\n\n", 1)[1]


def test_a_header_line_that_is_too_long(reroll: Run, small: Small, inbox: Inbox) -> None:
    mail = edit(small, "0002*", "Message-ID: ", f"X-Long: {'x ' * 600}\nMessage-ID: ")
    done = reroll(*small.words("send", "--yes", "--override", "mail=it is a test"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert f"{mail.name}: the header line 'X-Long: x x" in done.err


@pytest.mark.slow
def test_a_hook_that_signs_is_kept_and_one_that_rewrites_is_refused(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    hook = small.tree / ".git/hooks/sendemail-validate"
    hook.write_text('#!/bin/sh\nsed -i "s/^Message-ID/X-Checked: yes\\n&/" "$1"\n')
    hook.chmod(0o755)
    assert reroll(*small.words("send", "--yes")).code == 0
    assert [mail["X-Checked"] for mail in inbox.messages] == ["yes"] * 3
    assert "X-Checked" not in next((small.folder / "versions/v1").glob("0001*")).read_text()
    hook.write_text('#!/bin/sh\nsed -i "s/new_call/newer_call/" "$1"\n')
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, len(inbox.envelopes)) == (2, 3)
    assert "git send-email would change the text" in done.err
    assert "Subject would be" in done.err


def test_a_delay_between_mails_does_not_delay_the_rehearsal(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    git(small.tree, "config", "sendemail.smtpBatchSize", "1")
    git(small.tree, "config", "sendemail.smtpReloginDelay", "3600")
    assert reroll(*small.words("send", "--dry-run")).code == 0


@pytest.mark.slow
def test_output_dir_has_the_exact_bytes(
    reroll: Run, small: Small, inbox: Inbox, tmp_path: Path
) -> None:
    done = reroll(*small.words("send", "-o", tmp_path / "out/there"))
    assert (done.code, inbox.envelopes) == (0, [])
    assert done.out.endswith("nothing was sent\n")
    written = sorted((tmp_path / "out/there").glob("*.eml"))
    assert (tmp_path / "out/there/v1.mbox").is_file()
    names = sorted(path.stem for path in (small.folder / "versions/v1").glob("*.patch"))
    assert [path.name for path in written] == [f"{name}.eml" for name in names]
    assert reroll(*small.words("send", "--yes")).code == 0
    for path, arrived in zip(written, inbox.contents, strict=True):
        there, sent = message_from_bytes(path.read_bytes()), message_from_bytes(arrived)
        for name in ("From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "X-Mailer"):
            assert there[name] == sent[name]
        assert there.get_payload() == sent.get_payload()
    done = reroll(*small.words("send", "--dry-run", "-o", small.folder / "series.toml"))
    assert done.code == 2


@pytest.mark.slow
def test_json_says_all_of_each_mail(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "sendemail.bcc", "me@example.org")
    rows = json.loads(reroll(*small.words("--json", "send", "--dry-run")).out)
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert {row["state"] for row in rows} == {"not sent"}
    assert rows[1]["file"].startswith("0001-")
    assert rows[1]["bcc"] == ["me@example.org"]
    assert set(rows[1]["envelope"]) >= {"alice@example.org", "me@example.org"}
    inbox.fail_at = 3
    assert reroll(*small.words("send", "--yes")).code == 5
    rows = json.loads(reroll(*small.words("--json", "send", "--dry-run", "--resume")).out)
    assert [row["state"] for row in rows] == ["accepted", "accepted", "failed"]
    inbox.fail_at = 0
    rows = json.loads(reroll(*small.words("--json", "send", "--yes", "--resume")).out)
    assert {row["state"] for row in rows} == {"accepted"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Bcc: x@example.org\n", "has a bcc header"),
        ("Resent-To: x@example.org\n", "has a resent-to header"),
        (
            "Disposition-Notification-To: x@example.org\n",
            "has a disposition-notification-to header",
        ),
        ("X-A: a\rBcc: x@example.org\n", "has a control character in a header"),
    ],
)
@pytest.mark.slow
def test_headers_that_nobody_looks_at(
    reroll: Run, small: Small, inbox: Inbox, line: str, said: str
) -> None:
    mail = next((small.folder / "versions/v1").glob("0001*"))
    head = mail.read_bytes()
    mail.write_bytes(head.replace(b"\nMessage-ID: ", f"\n{line}Message-ID: ".encode(), 1))
    done = reroll(*small.words("send", "--yes", "--override", "mail=it is a test"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert said in done.err
    mail.write_bytes(head)
    hook = small.tree / ".git/hooks/sendemail-validate"
    escaped = line.replace("\r", "\\r").replace("\n", "\\n")
    hook.write_text(f'#!/bin/sh\nsed -i "s/^Message-ID/{escaped}&/" "$1"\n')
    hook.chmod(0o755)
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert said in done.err


@pytest.mark.parametrize("sender", ["boss", "=?utf-8?q?=0aBcc:_x?= <boss@x.example>"])
def test_a_from_that_cannot_be(reroll: Run, small: Small, inbox: Inbox, sender: str) -> None:
    git(small.tree, "config", "sendemail.from", sender)
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "the From that would go out" in done.err


def test_what_is_changed_is_shown(reroll: Run, small: Small, inbox: Inbox) -> None:
    edit(small, "0001*", "Message-ID: ", "Reply-To: ada@example.org\nMessage-ID: ")
    git(small.tree, "config", "sendemail.from", "Ada at Work <ada@work.example>")
    assert "    Reply-To: ada@example.org\n" in reroll(*small.words("send", "--dry-run")).out
    row = json.loads(reroll(*small.words("--json", "send", "--dry-run")).out)[1]
    assert row["from"] == "Ada at Work <ada@work.example>"
    assert row["reply_to"] == ["ada@example.org"]


def test_suppressing_everybody_is_named(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "sendemail.suppressCc", "all")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "sendemail.suppressCc=all leaves people out: unset it" in done.err


def test_a_dry_run_refuses_what_send_refuses(reroll: Run, small: Small, inbox: Inbox) -> None:
    edit(small, "0001*", "Signed-off-by", "Acked-by")
    done = reroll(*small.words("send", "--dry-run"))
    assert (done.code, "nothing was sent: check mail finds" in done.err) == (1, True)
    assert "[PATCH 1/2]" in done.out
    assert reroll(*small.words("send", "--yes")).code == 1
    assert not (small.folder / "journal.jsonl").exists()
    assert reroll(*small.words("send", "--dry-run", "--override", "mail=it is a test")).code == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"message_id": "<', '"message_id": "<a@b>\\nBcc: <', "is no message id"),
        ('"number": 2', '"number": 1', "not numbered from 1 on"),
        ('"version": 1', '"version": 3', "it is of version 3"),
        ('"mail": "0001', '"mail": "\\u00000001', "is no mail"),
        ('"tip": "', '"tip": "--x', "is no commit"),
    ],
)
def test_a_damaged_manifest(
    reroll: Run, small: Small, inbox: Inbox, old: str, new: str, said: str
) -> None:
    manifest = small.folder / "versions/v1/manifest.json"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1))
    done = reroll(*small.words("send", "--yes", "-v", 1))
    assert (done.code, said in done.err, inbox.envelopes) == (2, True, [])


def test_a_manifest_with_a_patch_twice_or_none(reroll: Run, small: Small, inbox: Inbox) -> None:
    manifest = small.folder / "versions/v1/manifest.json"
    data = json.loads(manifest.read_text())
    first = data["patches"][0]
    for patches, said in (
        ([], "it has no patch"),
        ([first, {**first, "number": 2}], "is there twice"),
    ):
        manifest.write_text(json.dumps({**data, "patches": patches}))
        done = reroll(*small.words("send", "--yes"))
        assert (done.code, said in done.err, inbox.envelopes) == (2, True, [])
