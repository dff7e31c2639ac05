"""``git send-email``: how it is called, and what became of a mail that it was given.

Mails are complete when they get there: recipients, message ids and threading are
theirs, and the options below keep git send-email from changing any of it.  How mail
leaves (``sendemail.smtp*``, ``sendemail.sendmailCmd``, identities, Bcc) is the user's
own configuration.  Its exit status says too little: it is 0 after SIGTERM, and a
server that went away may have the mail or not.  So it shows its talk with the server
(``--smtp-debug``, Net::Cmd(3pm)), which is read and never shown: it holds passwords.
"""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from generator import process
from generator.tree import environment

_OPTIONS = (
    "--confirm=never",
    "--no-thread",
    "--no-annotate",
    # Recipients are the mail's own.  "true" prints nothing, and as a --to-cmd it
    # keeps git send-email from asking for a To address.
    *("--no-to", "--no-cc", "--to-cmd=true", "--cc-cmd=true"),
    *("--no-to-cover", "--no-cc-cover"),
    *("--suppress-cc=body", "--suppress-cc=author", "--suppress-cc=self"),
    "--no-signed-off-by-cc",
    "--8bit-encoding=UTF-8",
)
# Debian's git-email only recommends what it cannot do without.
_MAIL_PACKAGE = "apt install git-email libmailtools-perl"
_PACKAGES = {
    "Mail::Address": "libmailtools-perl",
    "Error": "liberror-perl",
    "IO::Socket::SSL": "libio-socket-ssl-perl",
    "Net::SMTP::SSL": "libnet-smtp-ssl-perl",
    "Authen::SASL": "libauthen-sasl-perl",
}
# Perl's words, and those of Git::LoadCPAN where a distribution left out git's own copy.
_NO_MODULE = re.compile(r"Can't locate (\S+)\.pm in @INC|The '([\w:]+)' module is not here")
_TRIAL = 20.0  # seconds
_DIALOGUE = re.compile(rb"^Net::SMTP\S*=GLOB\(0x[0-9a-f]+\)(>>>|<<<) ?(.*)$")
_CONNECTED = re.compile(rb"^Net::SMTP\S*>>> ", re.MULTILINE)
# What Net::Cmd, IO::Socket::SSL and Carp add when --smtp-debug is on.
_CHATTER = re.compile(r"^(Net::SMTP|DEBUG: |\s|>>>|<<<)")
_WHERE = re.compile(r" at \S+ line \d+\.?(?:, <\w+> (?:line|chunk) \d+\.?)?$")
# How a sendmail program complains when the server went away without a word on the mail.
_UNCERTAIN = re.compile(r"clos|time.?out|timed out|EOF|reset|broken pipe|unexpected", re.IGNORECASE)
_SENT = re.compile(rb"^(?:OK\. Log says:|Sent )", re.MULTILINE)


@dataclass(frozen=True)
class Verdict:
    """What became of a mail, and in ``why`` how that shows; ``failed``: it is not out."""

    fate: Literal["accepted", "failed", "uncertain"]
    why: str = ""


def require() -> None:
    """``ProgramError`` when this git has no send-email."""
    path = process.run(["git", "--exec-path"], cwd=Path("/"), check=True).stdout.decode().strip()
    if not (Path(path) / "git-send-email").exists():
        process.find("git-send-email", hint=_MAIL_PACKAGE)


def trouble(*, cwd: Path) -> tuple[str, str]:
    """Why git send-email cannot run with the configuration of ``cwd``, and the command that mends
    it where there is one; both empty when it can.

    It is given a mail to show; nothing leaves, no server is asked.
    """
    with TemporaryDirectory(prefix="reroll-mail-") as name:
        mail = Path(name, "0001-mail.patch")
        mail.write_text("From: a@example.org\nTo: b@example.org\nSubject: [PATCH] mail\n\nText\n")
        options = ["--dry-run", "--quiet", "--no-validate", "--from=a@example.org"]
        result = run(options, [mail], cwd=cwd, timeout=_TRIAL, interactive=False)
    if result.returncode == 0 and not result.timed_out:
        return "", ""
    return complaint(result), package(result)


def run(
    options: Sequence[str],
    paths: Sequence[Path],
    *,
    cwd: Path,
    timeout: float,
    inherit: Sequence[int] = (),
    interactive: bool = True,
) -> process.Result:
    """``git send-email`` over ``paths`` in ``cwd``, at most ``timeout`` seconds."""
    # A terminal is left to git send-email, which may have to ask for a password.
    terminal = interactive and sys.stdin.isatty() and sys.stderr.isatty()
    variables = environment(
        {"GIT_TERMINAL_PROMPT": os.environ.get("GIT_TERMINAL_PROMPT", "1"), "LANGUAGE": ""}
    )
    argv = ["git", "send-email", *_OPTIONS, *options, *map(str, paths)]
    return process.run(
        argv, cwd=cwd, env=variables, timeout=timeout, interactive=terminal, inherit=inherit
    )


def send(path: Path, *, cwd: Path, timeout: float, inherit: Sequence[int] = ()) -> Verdict:
    """Send one mail; ``inherit`` are descriptors that its processes keep open.

    The user's hook has seen all mails before (``series.rehearsal``) and is not asked again.
    """
    options = ["--no-validate", "--smtp-debug=1"]
    return judge(run(options, [path], cwd=cwd, timeout=timeout, inherit=inherit))


def judge(result: process.Result) -> Verdict:
    """What became of the mail of a ``git send-email --smtp-debug=1`` (pure)."""
    if _CONNECTED.search(result.stderr):
        return _judge_talk(_dialogue(result.stderr), result)
    said = complaint(result)
    if result.returncode == 0 and not result.timed_out:
        if _SENT.search(result.stdout):
            return Verdict("accepted")
        return Verdict("uncertain", "it ended without a word on the mail")
    if "Unable to initialize SMTP" in said:
        return Verdict("failed", said)
    # git tells of a signal as 128 + number; 255 without a word is perl's "or die"
    # on a sendmail program that a signal ended.
    silent = result.returncode == 255 and said.startswith(("Died", "ended with"))
    signalled = result.returncode < 0 or 128 <= result.returncode < 255
    if result.timed_out or signalled or silent or _UNCERTAIN.search(said):
        return Verdict("uncertain", said)
    return Verdict("failed", said)


def _dialogue(stderr: bytes) -> list[tuple[bool, str]]:
    """The talk with the server as (whether we said it, the line)."""
    found = (_DIALOGUE.match(line) for line in stderr.split(b"\n"))
    return [
        (one[1] == b">>>", one[2].decode("utf-8", "replace").strip("\r")) for one in found if one
    ]


def _judge_talk(talk: list[tuple[bool, str]], result: process.Result) -> Verdict:
    """A line is shown before it is sent: without the final dot nothing can be out."""
    dots = [at for at, (ours, text) in enumerate(talk) if ours and text == "."]
    answers = [text for ours, text in talk[dots[-1] + 1 :] if not ours] if dots else []
    final = next((text for text in answers if text[3:4] != "-"), "")
    if final[:1] == "2":
        return Verdict("accepted")
    if dots and final[:1] not in ("4", "5"):
        return Verdict("uncertain", complaint(result))
    return Verdict("failed", _refusal(talk) or complaint(result))


def _refusal(talk: list[tuple[bool, str]]) -> str:
    """What the server refused, and how, when its last word is a 4xx or 5xx."""
    while talk and talk[-1][0]:
        talk = talk[:-1]
    said = talk[-1][1] if talk else ""
    if said[:1] not in ("4", "5"):
        return ""
    asked = next((text for ours, text in reversed(talk) if ours), "")
    command = re.match(r"(?:RCPT TO|MAIL FROM):<[^>]*>|STARTTLS|DATA", asked)
    return f"{command[0]}: {said}" if command else said


def refused_recipient(why: str) -> str:
    """The address that the server refused for good (5xx, RFC 5321, 4.2.1), or empty."""
    found = re.search(r"RCPT TO:<([^<>\s]+)>: 5\d\d", why)
    return found[1] if found else ""


def complaint(result: process.Result) -> str:
    """What git send-email died of, in one line: without perl's place and SMTP chatter."""
    if result.timed_out:
        return result.complaint
    if module := _lacking(result):
        return f"perl has no module {module}"
    lines = result.stderr.decode("utf-8", "replace").replace("\r", "").split("\n")
    words = [line for line in lines if line.strip() and not _CHATTER.match(line)]
    telling = [line for line in words if not line.startswith("Died at ")] or words
    if not telling:
        return process.Result(result.argv, result.returncode, b"", b"").complaint
    return _WHERE.sub("", telling[-1].strip()).rstrip(". ")


def package(result: process.Result) -> str:
    """The command that installs the Perl module that ``result`` ended for want of, or empty."""
    name = _PACKAGES.get(_lacking(result), "")
    return name and f"apt install {name}"


def _lacking(result: process.Result) -> str:
    found = _NO_MODULE.search(result.stderr.decode("utf-8", "replace"))
    return (found[1] or found[2]).replace("/", "::") if found else ""
