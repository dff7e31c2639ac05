"""``reroll send --only``, ``--resend`` and ``--reflect``."""

from collections.abc import Iterator

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server

pytestmark = pytest.mark.slow


@pytest.fixture
def inbox(reroll: Run, small: Small) -> Iterator[Inbox]:
    """A server for a version that is generated."""
    assert reroll(*small.words("generate", "-v", 7)).code == 0
    with smtp_server() as server:
        send_to(server, small.tree)
        yield server


def subjects(inbox: Inbox) -> list[str]:
    """The subjects that arrived, up to the end of their prefix."""
    return [str(mail["Subject"]).split("]")[0] + "]" for mail in inbox.messages]


def test_some_mails_first(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send", "--yes", "--only", "0", "--only", "2"))
    assert done.code == 0
    assert "sent 2 mails of new-call v7; 1 is left for --resume" in done.out
    assert subjects(inbox) == ["[PATCH v7 0/2]", "[PATCH v7 2/2]"]
    done = reroll(*small.words("send", "--yes", "--only", "0"))
    assert (done.code, "the mails of --only are out already" in done.err) == (2, True)
    done = reroll(*small.words("send", "--yes", "--only", "1"))
    assert (done.code, "give --resume" in done.err) == (2, True)
    done = reroll(*small.words("send", "--yes", "--resume", "--only", "0,2"))
    assert (done.code, "the mails of --only are out already" in done.err) == (2, True)
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    assert subjects(inbox)[2] == "[PATCH v7 1/2]"
    assert set(inbox.ids.values()) == {1}
    cover = inbox.messages[0]["Message-ID"]
    assert [mail["In-Reply-To"] for mail in inbox.messages] == [None, cover, cover]


@pytest.mark.parametrize(
    ("words", "said"),
    [("3", "--only 3: version 7 has no such mail"), ("x", "not numbers of mails")],
)
def test_mails_that_there_are_not(
    reroll: Run, small: Small, inbox: Inbox, words: str, said: str
) -> None:
    done = reroll(*small.words("send", "--yes", "--only", words))
    assert (done.code, said in done.err, inbox.envelopes) == (2, True, [])


def test_a_version_goes_again_on_purpose(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send", "--yes", "--resend"))
    assert (done.code, "has not been sent yet" in done.err) == (2, True)
    assert reroll(*small.words("send", "--yes", "--only", "0")).code == 0
    done = reroll(*small.words("send", "--yes", "--resend"))
    assert (done.code, "give --resume" in done.err) == (2, True)
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, "--resend sends this one again" in done.err) == (2, True)

    inbox.fail_at = 6
    assert reroll(*small.words("send", "--yes", "--resend")).code == 5
    done = reroll(*small.words("send", "--yes", "--resend"))
    assert (done.code, "give --resume" in done.err) == (2, True)
    inbox.fail_at = 0
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    assert subjects(inbox)[3:] == [f"[PATCH v7 RESEND {n}/2]" for n in range(3)]
    assert set(inbox.ids.values()) == {1}
    first, again = inbox.messages[0], inbox.messages[3]
    assert again["Message-ID"] == first["Message-ID"].replace("@", "-resend1@")
    assert [mail["In-Reply-To"] for mail in inbox.messages[4:]] == [again["Message-ID"]] * 2
    assert again["References"] is None
    assert sorted(path.name for path in (small.folder / "outgoing").iterdir()) == [
        "v7",
        "v7-resend1",
    ]
    assert reroll(*small.words("send", "--yes", "--resend")).code == 0
    assert inbox.messages[6]["Message-ID"].count("-resend2@") == 1
    assert reroll(*small.words("generate", "-v", 7)).code == 2


def test_a_first_version_has_no_number_in_a_resend(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    with smtp_server() as inbox:
        send_to(inbox, small.tree)
        assert reroll(*small.words("send", "--yes")).code == 0
        assert reroll(*small.words("send", "--yes", "--resend")).code == 0
        assert subjects(inbox)[3:] == [f"[PATCH RESEND {n}/2]" for n in range(3)]


def test_reflected_mails_reach_their_sender_only(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "sendemail.bcc", "me@example.org")
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert (done.code, done.err) == (0, "")
    assert "reflected 3 mails to ada@example.org; nobody else got any" in done.out
    assert [mail.rcpt_tos for mail in inbox.envelopes] == [["ada@example.org"]] * 3
    assert {mail.mail_from for mail in inbox.envelopes} == {"ada@example.org"}
    assert "alice@example.org" in inbox.messages[1]["To"]
    assert not (small.folder / "journal.jsonl").exists()
    assert not (small.folder / "outgoing").exists()
    assert reroll(*small.words("send", "--yes")).code == 0
    reflected, sent = inbox.messages[:3], inbox.messages[3:]
    for name in ("From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To"):
        assert [mail[name] for mail in reflected] == [mail[name] for mail in sent]
    assert [mail.get_payload() for mail in reflected] == [mail.get_payload() for mail in sent]


def test_reflecting_through_a_program(reroll: Run, small: Small, inbox: Inbox) -> None:
    script = small.folder / "sendmail"
    script.write_text(f'#!/bin/sh\necho "$@" >>{small.folder}/words\ncat >>{small.folder}/mails\n')
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    assert reroll(*small.words("send", "--yes", "--reflect")).code == 0
    assert (small.folder / "words").read_text() == "-i ada@example.org\n" * 3
    assert (small.folder / "mails").read_text().count("Message-I") == 3
    git(small.tree, "config", "sendemail.sendmailCmd", f"{script} -t")
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert (done.code, "reads recipients from the mail (-t)" in done.err) == (2, True)
    assert (small.folder / "words").read_text().count("\n") == 3


def test_reflecting_needs_a_configured_way(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert done.code == 2
    assert "neither sendemail.smtpServer nor sendemail.sendmailCmd is configured" in done.err
    git(small.tree, "config", "sendemail.smtpServer", "127.0.0.1")
    git(small.tree, "config", "sendemail.smtpServerPort", "1")
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert (done.code, "reflecting to ada@example.org" in done.err) == (4, True)


def test_resuming_never_begins_a_round(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("send", "--yes")).code == 0
    done = reroll(*small.words("send", "--yes", "--resend", "--resume"))
    assert (done.code, "version 7 has been sent" in done.err) == (2, True)
    assert reroll(*small.words("send", "--yes", "--resend", "--only", "0")).code == 0
    assert reroll(*small.words("send", "--yes", "--resend", "--resume")).code == 0
    done = reroll(*small.words("send", "--yes", "--resend", "--resume"))
    assert (done.code, "version 7 (resend 1) has been sent" in done.err) == (2, True)
    assert len(inbox.envelopes) == 6


def test_what_was_sent_can_be_reflected(reroll: Run, small: Small, inbox: Inbox) -> None:
    assert reroll(*small.words("send", "--yes")).code == 0
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert (done.code, done.out.startswith("all to ada@example.org only:\n")) == (0, True)
    assert [mail.rcpt_tos for mail in inbox.envelopes[3:]] == [["ada@example.org"]] * 3


@pytest.mark.parametrize("word", ["-vt", "-it", "--read-recipients", "-v -t"])
def test_programs_that_read_recipients_are_not_reflected_to(
    reroll: Run, small: Small, inbox: Inbox, word: str
) -> None:
    git(small.tree, "config", "sendemail.sendmailCmd", f"{small.folder}/none {word}")
    done = reroll(*small.words("send", "--yes", "--reflect"))
    assert (done.code, "reads recipients from the mail (-t)" in done.err) == (2, True)
