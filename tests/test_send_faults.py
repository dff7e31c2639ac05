"""``reroll send`` and bad servers, full disks, damaged files: none lost, none twice."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from series import cli
from tests.conftest import Outcome, Run, Small
from tests.repositories import git
from tests.smtp import Inbox, send_to, smtp_server

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


def all_once(small: Small, inbox: Inbox) -> None:
    """Every mail of the version is at the server, once, in one thread."""
    manifest = json.loads((small.folder / "versions/v1/manifest.json").read_text())
    mails = [manifest["cover"], *manifest["patches"]]
    assert inbox.ids == {mail["message_id"]: 1 for mail in mails}
    cover = mails[0]["message_id"]
    assert {mail["In-Reply-To"] for mail in inbox.messages} == {None, cover}


def test_a_server_that_refuses_for_now(reroll: Run, small: Small, inbox: Inbox) -> None:
    inbox.fail_at = 2
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    assert "1 of 3 mails are out, then git send-email 0001-" in done.err
    assert "451 4.3.0 try again later" in done.err
    inbox.fail_at = 0
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    all_once(small, inbox)


def test_the_ninth_mail_of_ten(reroll: Run, small: Small) -> None:
    text = (small.folder / "series.toml").read_text()
    head, step = text.split("[[patch]]\n", 1)[0], 'edit = "drivers/b/b.c"\n'
    patches = [
        f'[[patch]]\nid = "p{n}"\ntitle = "drivers: b: step {n}"\nmessage = "Step {n}."\n'
        f"[[patch.step]]\n{step}pattern = 'x \\+ {n}'\nreplace = 'x + {n + 1}'\n"
        for n in range(1, 10)
    ]
    (small.folder / "series.toml").write_text(head + "\n".join(patches))
    assert reroll(*small.words("generate")).code == 0
    with smtp_server() as inbox:
        send_to(inbox, small.tree)
        inbox.fail_at = 9
        done = reroll(*small.words("send", "--yes"))
        assert (done.code, "8 of 10 mails are out" in done.err) == (5, True)
        inbox.fail_at = 0
        assert reroll(*small.words("send", "--yes", "--resume")).code == 0
        all_once(small, inbox)


def test_a_refused_recipient_is_named_and_nobody_gets_the_mail(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    inbox.unknown = "rob@example.org"
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 4
    assert "RCPT TO:<rob@example.org>: 550 5.1.1 nobody of that name here" in done.err
    assert "add 'rob@example.org' to 'bounce' in [recipients]" in done.err
    assert inbox.envelopes == []
    inbox.unknown = ""
    assert reroll(*small.words("send", "--yes")).code == 0
    all_once(small, inbox)


def test_a_server_that_leaves_before_the_final_dot(reroll: Run, small: Small, inbox: Inbox) -> None:
    """Without its final dot a mail is not accepted: no question is left."""
    inbox.drop_at = 2
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    inbox.drop_at = 0
    again = reroll(*small.words("send", "--yes", "--resume"))
    if again.code == 3:  # the mail was in the socket with its dot before the server had left
        assert "it may have been sent" in done.err
        again = reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent"))
    assert again.code == 0
    all_once(small, inbox)


@pytest.mark.parametrize(("takes", "fate"), [(True, "sent"), (False, "unsent")])
def test_a_server_that_leaves_after_the_final_dot(
    reroll: Run, small: Small, inbox: Inbox, takes: bool, fate: str
) -> None:
    inbox.leave_at, inbox.takes = 1, takes
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    assert re.search(r"then git send-email .*0000-.*; it may have been sent", done.err)
    inbox.leave_at = 0
    for words in (["--yes"], ["--yes", "--resume"]):
        assert reroll(*small.words("send", *words)).code in (2, 3)
    assert len(inbox.envelopes) == takes
    # What may be out is not made again.
    assert reroll(*small.words("generate")).code == 2
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", fate)).code == 0
    all_once(small, inbox)


def test_a_server_that_never_answers(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "reroll.sendTimeout", "1")
    inbox.hang_at = 2
    done = reroll(*small.words("send", "--yes"))
    assert done.code == 5
    assert "ran into its time limit; it may have been sent" in done.err
    inbox.hang_at = 0
    git(small.tree, "config", "reroll.sendTimeout", "60")
    assert reroll(*small.words("send", "--yes", "--resume")).code == 3
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent")).code == 0
    all_once(small, inbox)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_server_that_wants_a_password(reroll: Run, small: Small) -> None:
    assert reroll(*small.words("generate")).code == 0
    with smtp_server(auth_required=True, auth_require_tls=False) as inbox:
        send_to(inbox, small.tree)
        done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (4, [])
    assert "530 5.7.0 Authentication required" in done.err
    assert len(done.err.splitlines()) == 2


def test_encryption_that_the_server_does_not_have(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "sendemail.smtpEncryption", "tls")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, inbox.envelopes) == (4, [])
    assert "STARTTLS" in done.err
    assert len(done.err.splitlines()) == 2


@pytest.fixture
def broken_perl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Small
) -> Callable[[str], None]:
    """Run a shell line in git send-email's place, once the rehearsal is over."""

    def change(line: str) -> None:
        real = Path(git(small.tree, "--exec-path"))
        place = tmp_path / "git-core"
        place.mkdir()
        for program in real.iterdir():
            if program.name != "git-send-email":
                (place / program.name).symlink_to(program)
        wrapper = place / "git-send-email"
        wrapper.write_text(
            f'#!/bin/sh\ncase "$*" in *--smtp-debug*) {line};; esac\n'
            f'exec {real}/git-send-email "$@"\n'
        )
        wrapper.chmod(0o755)
        monkeypatch.setenv("GIT_EXEC_PATH", str(place))

    return change


@pytest.mark.parametrize("line", ["kill -9 $$", "kill -15 $$", "exit 0"])
def test_a_git_send_email_that_dies(
    reroll: Run,
    small: Small,
    inbox: Inbox,
    broken_perl: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    """Neither a signal nor status 0 without a word says what became of the mail."""
    broken_perl(line)
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, "it may have been sent" in done.err) == (5, True)
    assert inbox.envelopes == []
    monkeypatch.delenv("GIT_EXEC_PATH")
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent")).code == 0
    all_once(small, inbox)


@pytest.mark.parametrize(
    ("program", "code"), [("cat >/dev/null; exit 75", 4), ("cat >/dev/null; kill -9 $$", 5)]
)
def test_a_sendmail_program_that_fails(
    reroll: Run, small: Small, inbox: Inbox, program: str, code: int
) -> None:
    """sysexits(3) says that it did not take the mail; a signal says nothing."""
    script = small.folder / "sendmail"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    assert reroll(*small.words("send", "--yes")).code == code
    git(small.tree, "config", "--unset", "sendemail.sendmailCmd")
    words = ["--resume", "--assume", "unsent"] if code == 5 else []
    assert reroll(*small.words("send", "--yes", *words)).code == 0
    all_once(small, inbox)


def test_a_child_keeps_the_lock_when_reroll_is_killed(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    """The git send-email of a killed reroll may still be sending."""
    waiting, go = small.folder / "waiting", small.folder / "go"
    script = small.folder / "sendmail"
    script.write_text(
        f"#!/bin/sh\ncat >/dev/null\ntouch {waiting}\nwhile ! test -e {go}; do sleep 0.05; done\n"
    )
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    child = in_a_child(lambda: cli.main([str(word) for word in small.words("send", "--yes")]))
    until(waiting.exists)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    git(small.tree, "config", "--unset", "sendemail.sendmailCmd")
    done = reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent"))
    assert (done.code, inbox.envelopes) == (3, [])
    assert "or a git send-email that it left" in done.err
    go.touch()
    until(lambda: "at work" not in reroll(*small.words("send", "--yes", "--resume")).err)
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent")).code == 0
    all_once(small, inbox)


def test_interrupted_in_the_middle_of_a_mail(reroll: Run, small: Small, inbox: Inbox) -> None:
    """^C names the mail that may be out."""
    waiting = small.folder / "waiting"
    script = small.folder / "sendmail"
    script.write_text(f"#!/bin/sh\ncat >/dev/null\ntouch {waiting}\nsleep 20\n")
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    err = small.folder / "err"

    def work() -> int:
        sys.stderr = err.open("w")
        code = cli.main([str(word) for word in small.words("send", "--yes")])
        sys.stderr.flush()
        return code

    child = in_a_child(work)
    until(waiting.exists)
    os.kill(child, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert re.search(r"0000-.*: interrupted; it may have been sent", err.read_text())
    git(small.tree, "config", "--unset", "sendemail.sendmailCmd")
    assert reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent")).code == 0
    all_once(small, inbox)


def test_a_daemon_that_stays_does_not_keep_the_lock(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    """git-credential-cache stays for minutes, with all that it inherited."""
    script = small.folder / "sendmail"
    script.write_text("#!/bin/sh\ncat >/dev/null\nsleep 5 >/dev/null 2>&1 &\nexit 75\n")
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    assert reroll(*small.words("send", "--yes")).code == 4
    git(small.tree, "config", "--unset", "sendemail.sendmailCmd")
    assert reroll(*small.words("send", "--yes")).code == 0
    all_once(small, inbox)


def test_a_full_disk_at_any_point(reroll: Run, small: Small, inbox: Inbox) -> None:
    """Each run has a few bytes more; what is out is said, and nothing goes twice."""
    codes = set()
    # As much journal as the largest mail, so that the journal meets the limit, too.
    line = '{"version": 99, "message_id": "<%d@x.example>", "sha256": "", "event": "failed", '
    old = "".join(line % n + '"time": 0}\n' for n in range(30))
    (small.folder / "journal.jsonl").write_text(old)
    size = len(old)
    for room in (-2000, -1, 100, 700, 1000, 1250, 1500, 1800, 2200):
        again = ["--resume", "--assume", "sent"] if inbox.envelopes else []
        done = limited(small, size + room, *again)
        codes.add(done.code)
        assert "Traceback" not in done.err
        if done.code == 0:
            break
        assert len(done.err.splitlines()) <= 2
        out = len(inbox.envelopes)
        if out == 0:
            assert "nothing was sent" in done.err
        else:
            assert (done.code, f"{out} of 3 mails are out" in done.err) == (5, True)
    assert codes & {1, 4}
    if done.code:
        assert reroll(*small.words("send", "--yes", "--resume", "--assume", "sent")).code == 0
    all_once(small, inbox)


def limited(small: Small, size: int, *more: str) -> Outcome:
    """``reroll send`` in a child that can write files up to ``size``."""
    place = small.folder.parent

    def run() -> int:
        sys.stdout = (place / "out").open("w")
        sys.stderr = (place / "err").open("w")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        words = small.words("send", "--yes", *more)
        code = cli.main([str(word) for word in words])
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        sys.stderr.flush()
        return code

    _, status = os.waitpid(in_a_child(run), 0)
    return Outcome(os.waitstatus_to_exitcode(status), "", (place / "err").read_text())


def in_a_child(work: Callable[[], int]) -> int:
    """Do ``work`` in a process of its own; returns its id."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            code = work()
        finally:
            os._exit(code)
    return child


def until(true: Callable[[], bool]) -> None:
    """Wait for it, at most 20 s."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        '{"version": 1}',
        '{"version": 1, "message_id": ["x"], "sha256": "", "event": "accepted", "time": 0}',
        '{"version": 1, "message_id": "x", "sha256": "", "event": "eaten", "time": 0}',
        '{"version": "1", "message_id": "x", "sha256": "", "event": "failed", "time": 0}',
        "[" * 100000,
        "\x00\x01",
    ],
)
def test_a_damaged_journal(reroll: Run, small: Small, inbox: Inbox, line: str) -> None:
    (small.folder / "journal.jsonl").write_text(f"{line}\n\n")
    for verb in (["send", "--yes"], ["send", "--dry-run"], ["generate"]):
        done = reroll(*small.words(*verb))
        assert (done.code, inbox.envelopes) == (2, [])
        assert "journal.jsonl:1: is not a line that reroll wrote" in done.err


def test_a_journal_whose_last_line_end_an_editor_took(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    inbox.fail_at = 2
    assert reroll(*small.words("send", "--yes")).code == 5
    journal = small.folder / "journal.jsonl"
    lines = journal.read_text().splitlines()
    accepted = [n for n, line in enumerate(lines) if '"accepted"' in line]
    journal.write_text("\n".join(lines[: accepted[-1] + 1]))
    inbox.fail_at = 0
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    all_once(small, inbox)


def test_the_journal_of_an_older_reroll(reroll: Run, small: Small, inbox: Inbox) -> None:
    """It froze nothing and sent ``versions/v1`` as it was."""
    inbox.fail_at = 3
    assert reroll(*small.words("send", "--yes")).code == 5
    journal = small.folder / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    old = [
        {k: line[k] for k in ("version", "message_id", "sha256", "event", "time")} for line in lines
    ]
    journal.write_text("".join(json.dumps(e) + "\n" for e in old if e["event"] != "prepared"))
    for path in (small.folder / "outgoing/v1").iterdir():
        path.unlink()
    inbox.fail_at = 0
    first = next((small.folder / "versions/v1").glob("0001*"))
    text = first.read_bytes()
    first.write_bytes(text + b"\n")
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, f"{first.name}: no longer what it was" in done.err) == (3, True)
    first.write_bytes(text)
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    all_once(small, inbox)


@pytest.mark.parametrize("place", ["outgoing/v1", "versions/v1"])
def test_changed_bytes_are_refused(reroll: Run, small: Small, inbox: Inbox, place: str) -> None:
    inbox.fail_at = 2
    assert reroll(*small.words("send", "--yes")).code == 5
    inbox.fail_at = 0
    last = next((small.folder / place).glob("0002*"))
    text = last.read_text()
    last.write_text(text.replace("here, too", "there"))
    for words in (["--yes"], ["--dry-run"]):
        done = reroll(*small.words("send", "--resume", *words))
        assert done.code == 3
        assert f"{place}/{last.name}: no longer what it was" in done.err
    last.write_text(text)
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    all_once(small, inbox)


def test_a_lost_journal_lets_nothing_go_twice(reroll: Run, small: Small, inbox: Inbox) -> None:
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, "version 1 has not been sent yet" in done.err) == (2, True)
    assert reroll(*small.words("send", "--yes")).code == 0
    (small.folder / "journal.jsonl").unlink()
    for words in ([], ["--resume"], ["--dry-run"]):
        done = reroll(*small.words("send", "--yes", *words))
        assert (done.code, "restore journal.jsonl" in done.err) == (3, True)
        assert "outgoing/v1 shows that the sending of version 1 began" in done.err
    all_once(small, inbox)
    assert not (small.folder / "journal.jsonl").exists()


def test_children_that_hold_our_pipes_hold_nothing_up(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    script = small.folder / "sendmail"
    script.write_text("#!/bin/sh\ncat >/dev/null\nsetsid sleep 20 &\ntrue\n")
    script.chmod(0o755)
    git(small.tree, "config", "sendemail.sendmailCmd", str(script))
    hook = small.tree / ".git/hooks/sendemail-validate"
    hook.write_text("#!/bin/sh\nsetsid sleep 20 & exit 0\n")
    hook.chmod(0o755)
    before = time.monotonic()
    done = reroll(*small.words("send", "--yes", "--only", "0"))
    assert (done.code, "sent 1 mail of" in done.out) == (0, True)
    assert time.monotonic() - before < 15


def test_what_is_no_file_is_refused_at_once(reroll: Run, small: Small, inbox: Inbox) -> None:
    os.mkfifo(small.folder / "journal.jsonl")
    done = reroll(*small.words("send", "--yes"))
    assert (done.code, "journal.jsonl: is not a regular file" in done.err) == (2, True)
    (small.folder / "journal.jsonl").unlink()
    inbox.fail_at = 3
    assert reroll(*small.words("send", "--yes")).code == 5
    last = next((small.folder / "outgoing/v1").glob("0002*"))
    last.unlink()
    os.mkfifo(last)
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, f"{last.name}: no longer what it was" in done.err) == (3, True)
    manifest = small.folder / "versions/v1/manifest.json"
    manifest.unlink()
    os.mkfifo(manifest)
    done = reroll(*small.words("send", "--yes", "-v", 1))
    assert (done.code, "manifest.json: is not a regular file" in done.err) == (2, True)


def test_a_refused_recipient_of_a_later_mail(reroll: Run, small: Small, inbox: Inbox) -> None:
    inbox.unknown = "rob@example.org"
    assert reroll(*small.words("send", "--yes", "--only", "2")).code == 0
    done = reroll(*small.words("send", "--yes", "--resume", "--only", "1"))
    assert done.code == 5
    assert "can go only once the server takes rob@example.org" in done.err


def test_nobody_reads_what_is_printed(small: Small, inbox: Inbox) -> None:
    code = "import sys; from series import cli; sys.exit(cli.main(sys.argv[1:]))"
    for words, sent in ((["send"], 0), (["send", "--yes"], 3)):
        argv = [sys.executable, "-c", code, *map(str, small.words(*words))]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        os.close(writer)
        assert (done.returncode, len(inbox.envelopes)) == (0 if sent else 1, sent)
        assert done.stderr.startswith("" if sent else "reroll: nothing was sent")
        assert "Exception ignored" not in done.stderr


def test_what_is_frozen_goes_out_whatever_became_of_the_campaign(
    reroll: Run, small: Small, inbox: Inbox
) -> None:
    inbox.fail_at = 2
    assert reroll(*small.words("send", "--yes")).code == 5
    inbox.fail_at = 0
    (small.folder / "series.toml").write_text("[series\n")
    assert reroll(*small.words("send", "--yes", "--resume")).code == 0
    all_once(small, inbox)
