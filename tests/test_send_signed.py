"""Mails signed with patatt: the signature holds in what the server got."""

import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import patatt
import pytest
from nacl.signing import SigningKey

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server

pytestmark = pytest.mark.slow


@pytest.fixture
def inbox(reroll: Run, small: Small) -> Iterator[Inbox]:
    """A server for a version whose title is not ASCII."""
    small.rewrite('title = "Use new_call()"', 'title = "Use nëw_call(), which is better and folds"')
    assert reroll(*small.words("generate")).code == 0
    with smtp_server() as server:
        send_to(server, small.tree)
        yield server


@pytest.fixture
def keyring(small: Small, tmp_path: Path) -> str:
    """A new key, configured for the tree; returns a keyring with its public half."""
    key = SigningKey.generate()
    private = tmp_path / "private.key"
    private.write_bytes(b64encode(bytes(key)))
    git(small.tree, "config", "patatt.signingkey", f"ed25519:{private}")
    public = tmp_path / "keys/ed25519/example.org/ada"
    public.mkdir(parents=True)
    (public / "default").write_bytes(b64encode(key.verify_key.encode()))
    return str(tmp_path / "keys")


def verdicts(inbox: Inbox, keyring: str) -> set[int]:
    """What patatt says of the mails that arrived."""
    return {patatt.validate_message(mail, [keyring])[0][0] for mail in inbox.contents}


def test_signatures_outlive_the_way(reroll: Run, small: Small, inbox: Inbox, keyring: str) -> None:
    inbox.fail_at = 2
    assert reroll(*small.words("send", "--yes")).code == 5
    frozen = {path.name: path.read_bytes() for path in (small.folder / "outgoing/v1").iterdir()}
    inbox.fail_at = 0
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    assert verdicts(inbox, keyring) == {patatt.RES_VALID}
    # A resumed send signs nothing anew.
    for path in (small.folder / "outgoing/v1").iterdir():
        assert path.read_bytes() == frozen[path.name]
    assert reroll(*small.words("send", "--yes", "--resend")).code == 0
    assert len(inbox.envelopes) == 6
    assert verdicts(inbox, keyring) == {patatt.RES_VALID}


def test_mails_frozen_before_there_was_a_key(
    reroll: Run, small: Small, inbox: Inbox, keyring: str
) -> None:
    git(small.tree, "config", "b4.send-no-patatt-sign", "yes")
    assert reroll(*small.words("send", "--yes", "--only", "0")).code == 0
    git(small.tree, "config", "--unset", "b4.send-no-patatt-sign")
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, "these mails go unsigned" in done.err) == (0, True)


def test_a_signature_outlives_another_transfer_encoding(
    reroll: Run, small: Small, inbox: Inbox, keyring: str
) -> None:
    git(small.tree, "config", "sendemail.transferEncoding", "base64")
    assert reroll(*small.words("send", "--yes")).code == 0
    assert verdicts(inbox, keyring) == {patatt.RES_VALID}


def test_a_signature_that_would_not_hold_is_refused(
    reroll: Run, small: Small, inbox: Inbox, keyring: str
) -> None:
    git(small.tree, "config", "sendemail.from", "Ada at Work <ada@work.example>")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (2, [])
    assert "its signature would not hold: git send-email would change " in done.err


def test_no_key_no_signature_no_noise(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, done.err) == (0, "")
    assert {mail["X-Developer-Signature"] for mail in inbox.messages} == {None}


def test_signing_can_be_turned_off(reroll: Run, small: Small, inbox: Inbox, keyring: str) -> None:
    git(small.tree, "config", "b4.send-no-patatt-sign", "yes")
    assert reroll(*small.words("send", "--yes")).code == 0
    assert {mail["X-Developer-Signature"] for mail in inbox.messages} == {None}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("ed25519:nowhere", "Could not find the key matching nowhere"),
        ("rot13:me", "Unknown key type"),
        ("ed25519:{folder}/series.toml", ""),
        ("openpgp:0000000000000000", ""),
        ("openssh:/nowhere", ""),
    ],
)
def test_a_key_that_fails(reroll: Run, small: Small, inbox: Inbox, key: str, said: str) -> None:
    git(small.tree, "config", "patatt.signingkey", key.format(folder=small.folder))
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (4, [])
    assert "the mails cannot be signed with the key" in done.err
    assert said in done.err
    assert len(done.err.splitlines()) == 2


def test_a_signing_hook_is_enough(reroll: Run, small: Small, inbox: Inbox, keyring: str) -> None:
    """The usual set-up, patatt as a hook: its signature stands instead of ours."""
    hook = small.tree / ".git/hooks/sendemail-validate"
    program = Path(sys.executable).with_name("patatt")
    hook.write_text(f'#!/bin/sh\n{program} sign --hook "$1"\n')
    hook.chmod(0o755)
    assert reroll(*small.words("send", "--yes")).code == 0
    for mail in inbox.messages:
        assert len(mail.get_all("X-Developer-Signature") or []) == 1
    assert verdicts(inbox, keyring) == {patatt.RES_VALID}
