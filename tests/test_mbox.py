"""What reroll writes as mail is an mbox to git and to mail programs."""

from pathlib import Path

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.threads import Thread

TRICKY = "The commit says:\n\nFrom here on it is new.\n>From there it was old.\n"


def split(place: Path, *mailboxes: Path, form: str = "--mboxrd") -> list[str]:
    """What ``git mailsplit`` makes of the mailboxes."""
    place.mkdir()
    git(place, "mailsplit", form, f"-o{place}", "--", *map(str, mailboxes))
    return [one.read_text() for one in sorted(place.iterdir())]


def applied(small: Small, *words: object) -> str:
    """The tree after ``git am``, on the base."""
    git(small.tree, "checkout", "-q", "--detach", "master")
    git(small.tree, "am", "-q", *map(str, words))
    return git(small.tree, "rev-parse", "HEAD^{tree}")


def made(small: Small) -> str:
    """The tree that ``generate`` made."""
    return git(small.tree, "rev-parse", "reroll/new-call^{tree}")


@pytest.fixture
def tricky(reroll: Run, small: Small) -> Small:
    """A version whose first message has lines that begin as a mail of an mbox does."""
    small.rewrite('message = "new_call() is better."', f'message = """{TRICKY}"""')
    assert reroll(*small.words("generate")).code == 0
    return small


def test_a_version_is_mailboxes_of_one_mail(tricky: Small, tmp_path: Path) -> None:
    mails = sorted((tricky.folder / "versions/v1").glob("*.patch"))
    # git format-patch quotes nothing, and git am takes nothing for quoted.
    whole = split(tmp_path / "split", *mails, form="--keep-cr")
    assert [one.startswith("From ") for one in whole] == [True] * 3
    assert TRICKY in whole[1]
    assert applied(tricky, *mails[1:]) == made(tricky)
    assert TRICKY in git(tricky.tree, "show", "-s", "--format=%B", "HEAD~")


def test_what_would_be_sent_applies(reroll: Run, tricky: Small, tmp_path: Path) -> None:
    assert reroll(*tricky.words("send", "-o", tmp_path / "out")).code == 0
    mails = sorted((tmp_path / "out").glob("*.eml"))
    assert len(mails) == 3
    assert applied(tricky, *mails[1:]) == made(tricky)
    whole = split(tmp_path / "split", tmp_path / "out/v1.mbox")
    assert [one.split("\nSubject: ")[1].split("\n")[0] for one in whole] == [
        one.read_text().split("\nSubject: ")[1].split("\n")[0] for one in mails
    ]
    assert TRICKY in whole[1]
    assert TRICKY in git(tricky.tree, "show", "-s", "--format=%B", "HEAD~")


def test_replies_stay_whole(reroll: Run, tmp_path: Path) -> None:
    thread = Thread(1)
    thread.reply(1, f"> new_call()\n\n{TRICKY}\nAcked-by: Bob <bob@example.org>\n")
    thread.reply(2, "Fine.\n\nFrom nobody Thu Jan  1 00:00:00 1970\nmore\n")
    folder = tmp_path / "posted"
    mails = thread.write(tmp_path / "thread.mbox")
    assert reroll("init", folder, "--from-mbox", mails).code == 0
    assert reroll("-C", folder, "collect", mails).code == 0
    whole = split(tmp_path / "split", folder / "replies/v1.mbox")
    assert len(whole) == 2
    assert TRICKY in whole[0]
    assert whole[1].endswith("Fine.\n\nFrom nobody Thu Jan  1 00:00:00 1970\nmore\n\n")
