"""Send a version through ``git send-email``, one mail at a time, with a journal.

``git send-email`` has no memory: after a failure it would send everything again.
So each mail goes in a call of its own, and the journal says of each, on disk,
that it was handed over and that it was accepted.  The mails are complete when they
get there: recipients, message ids and threading are theirs, and the options below
keep git send-email from changing any of it.  How mail leaves (``sendemail.smtp*``,
``sendemail.sendmailCmd``, identities, hooks, Bcc) is the user's own configuration.
"""

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import Path

from generator import process
from generator.errors import CampaignError, ConflictError, ProgramError, SendingStoppedError
from generator.tree import environment, read_settings
from series import addresses, journal, store
from series.version import Version

_OPTIONS = (
    "--confirm=never",
    "--no-thread",
    "--no-annotate",
    # Recipients are the mail's own.  "true" prints nothing, and as a --to-cmd it
    # keeps git send-email from asking for a To address.
    *("--no-to", "--no-cc", "--to-cmd=true", "--cc-cmd=true"),
    *("--suppress-cc=body", "--suppress-cc=author", "--suppress-cc=self"),
    "--no-signed-off-by-cc",
    "--8bit-encoding=UTF-8",
)
# Headers that a mail has once (RFC 5322, 3.6).
_SINGLE = frozenset({"from", "to", "cc", "subject", "message-id", "date", "in-reply-to"})
# How git send-email dies when the server went away without a word on the mail.
_UNCERTAIN = re.compile(r"clos|time.?out|timed out|EOF|reset|broken pipe|unexpected", re.IGNORECASE)
_MAIL_PACKAGE = "apt install git-email"


@dataclass(frozen=True)
class Outgoing:
    """A mail as it will go out."""

    path: Path
    subject: str
    message_id: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    sha256: str


def outgoing(folder: Path, version: Version) -> list[Outgoing]:
    """The mails of ``version``, read from its folder, cover letter first.

    Raises ``CampaignError`` naming mail and line of every address, in a header
    or in a trailer, that cannot be real.
    """
    mails = []
    problems: list[str] = []
    for record in version.mails:
        path = store.mail_path(folder, version, record.mail)
        content = path.read_bytes()
        problems += [f"{path.name}:{line}: {text}" for line, text in check(content)]
        try:
            mails.append(_read(path, content))
        except (LookupError, ValueError, MessageError) as error:
            problems.append(f"{path.name}: a header cannot be decoded: {error}")
    if problems:
        raise CampaignError(
            problems, hint="correct series.toml or the messages, and generate again"
        )
    return mails


def _read(path: Path, content: bytes) -> Outgoing:
    head = content.partition(b"\n\n")[0] + b"\n\n"
    message = message_from_bytes(head, policy=policy.compat32)
    subject = str(make_header(decode_header(str(message["Subject"] or ""))))
    return Outgoing(
        path=path,
        subject=" ".join(subject.split()),
        message_id=str(message["Message-ID"] or "").strip(),
        to=tuple(addresses.in_header(str(message["To"] or ""))),
        cc=tuple(addresses.in_header(str(message["Cc"] or ""))),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def check(content: bytes) -> list[tuple[int, str]]:
    """What is wrong with the addresses of a mail, as (line from 1, text)."""
    head, _, body = content.partition(b"\n\n")
    found: list[tuple[int, str]] = []
    lines = head.decode("utf-8", "replace").split("\n")
    fields = _fields(lines)
    for number, name, value in fields:
        if name in ("from", "to", "cc"):
            try:
                found += _bad_addresses(number, value)
            except (LookupError, ValueError, MessageError) as error:
                found.append((number, f"the {name} header cannot be decoded: {error}"))
    present = [name for _, name, _ in fields]
    for number, name, _ in fields:
        if name in _SINGLE and present.count(name) > 1:
            found.append((number, f"there is more than one {name} header"))
    found += [
        (1, f"has no {name} header") for name in ("To", "Message-ID") if name.lower() not in present
    ]
    message, cut, _ = body.partition(b"\n---\n")
    if cut:
        offset = len(lines) + 1
        for number, line in addresses.trailer_block(message.decode("utf-8", "replace")):
            if (trailer := addresses.of_trailer(line)) and (why := addresses.problem(trailer[1])):
                found.append((offset + number, f"{trailer[0]}: '{trailer[1]}' {why}"))
    return found


def _fields(lines: list[str]) -> list[tuple[int, str, str]]:
    """The headers among ``lines`` as (line, lower-case name, value with its folds)."""
    fields: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, 1):
        if line[:1] in " \t" and fields:
            at, name, value = fields[-1]
            fields[-1] = (at, name, f"{value}\n{line}")
        elif ":" in line and " " not in line.split(":", 1)[0]:
            name, _, value = line.partition(":")
            fields.append((number, name.lower(), value.strip()))
    return fields


def _bad_addresses(number: int, value: str) -> list[tuple[int, str]]:
    """Bad addresses of one header, each with the line of the fold that holds it."""
    folds = value.split("\n")
    found = []
    for text in addresses.in_header(value):
        if why := addresses.problem(text):
            address = addresses.split(text)[1] or text
            offset = next((at for at, fold in enumerate(folds) if address in fold), 0)
            found.append((number + offset, f"'{text}' {why}"))
    return found


def configured(key: str, *, cwd: Path) -> tuple[str, ...]:
    """The addresses of ``sendemail.KEY`` (to, cc, bcc), or those of the identity in use."""
    found = read_settings("sendemail", cwd=cwd)
    identity = found.get("identity", ("",))[-1]
    return found.get(f"{identity}.{key}") or found.get(key, ())


def require_send_email() -> None:
    """``ProgramError`` when this git has no send-email."""
    path = process.run(["git", "--exec-path"], cwd=Path("/"), check=True).stdout.decode().strip()
    if not (Path(path) / "git-send-email").exists():
        process.find("git-send-email", hint=_MAIL_PACKAGE)


def dry_run(mails: Sequence[Outgoing], *, cwd: Path) -> str:
    """What git send-email says it would do; nothing is sent."""
    result = _send_email(
        [*_OPTIONS, "--dry-run", "--quiet"], [mail.path for mail in mails], cwd=cwd
    )
    if result.returncode != 0:
        raise ProgramError(f"git send-email --dry-run: {result.complaint}")
    return result.stdout.decode("utf-8", "replace")


def send(
    folder: Path,
    version: Version,
    mails: Sequence[Outgoing],
    *,
    cwd: Path,
    assume: str | None = None,
    report: Callable[[Outgoing], None] = lambda _mail: None,
) -> int:
    """Send what has not been accepted yet, in order; returns how many mails went.

    ``assume`` ("sent" or "unsent") decides about mails that were handed over
    without a word of what became of them.  Raises ``ConflictError`` for such a
    mail without ``assume`` and for bytes that changed under a version partly
    sent, ``ProgramError`` when nothing could be sent and
    ``SendingStoppedError`` when some mails are out and others not.
    """
    sent = 0
    with journal.journal(folder) as book:
        events = journal.last_events(folder, version.version)
        waiting = _waiting(mails, events, assume)
        for mail in mails:
            if assume == "sent" and _fate(events, mail) == "handed over":
                book.add(_entry(version, mail, "accepted"))
        for mail in waiting:
            try:
                _send_one(book, version, mail, cwd=cwd)
            except ProgramError as error:
                out = len(mails) - len(waiting) + sent
                if out == 0:
                    raise
                raise SendingStoppedError(
                    f"{out} of {len(mails)} mails are out, then {error}",
                    hint="mend the cause, then 'reroll send --resume'",
                ) from error
            sent += 1
            report(mail)
    return sent


def _waiting(
    mails: Sequence[Outgoing], events: dict[str, journal.Entry], assume: str | None
) -> list[Outgoing]:
    """The mails that must still go."""
    known = {entry.sha256 for entry in events.values() if entry.event != "failed"}
    if changed := known - {mail.sha256 for mail in mails}:
        raise ConflictError(
            f"{len(changed)} mails that were sent, or may have been, are no longer what they were",
            hint="restore versions/ as it was when sending began",
        )
    unsure = [mail for mail in mails if _fate(events, mail) == "handed over"]
    if unsure and assume is None:
        named = ", ".join(mail.path.name for mail in unsure)
        raise ConflictError(
            f"it is not known whether {named} was sent: reroll was stopped while sending it",
            hint="look it up in the list's archive, then --resume --assume sent (or unsent)",
        )
    done = {"accepted"} | ({"handed over"} if assume == "sent" else set())
    return [mail for mail in mails if _fate(events, mail) not in done]


def _fate(events: dict[str, journal.Entry], mail: Outgoing) -> str:
    entry = events.get(mail.message_id)
    return entry.event if entry else ""


def _send_one(book: journal.Journal, version: Version, mail: Outgoing, *, cwd: Path) -> None:
    book.add(_entry(version, mail, "handed over"))
    result = _send_email(_OPTIONS, [mail.path], cwd=cwd)
    if result.returncode < 0:
        # Ended by a signal: it may or may not have finished.
        raise ProgramError(f"git send-email {mail.path.name}: {result.complaint}")
    if result.returncode != 0 and _UNCERTAIN.search(result.complaint):
        raise ProgramError(
            f"git send-email {mail.path.name}: {_complaint(result)}; it may have been sent"
        )
    if result.returncode != 0:
        book.add(_entry(version, mail, "failed"))
        raise ProgramError(
            f"git send-email {mail.path.name}: {_complaint(result)}",
            hint="check 'git config --get-regexp ^sendemail'",
        )
    book.add(_entry(version, mail, "accepted"))


def _complaint(result: process.Result) -> str:
    """What git send-email died of: perl adds where, and STARTTLS chatter may follow."""
    text = result.complaint
    return text.split(" at /", 1)[0]


def _send_email(options: Sequence[str], paths: Sequence[Path], *, cwd: Path) -> process.Result:
    # A terminal is left to git send-email, which may have to ask for a password.
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    variables = environment({"GIT_TERMINAL_PROMPT": os.environ.get("GIT_TERMINAL_PROMPT", "1")})
    argv = ["git", "send-email", *options, *map(str, paths)]
    return process.run(argv, cwd=cwd, env=variables, interactive=terminal)


def _entry(version: Version, mail: Outgoing, event: journal.Event) -> journal.Entry:
    return journal.Entry(version.version, mail.message_id, mail.sha256, event, int(time.time()))
