"""Mails to oneself: the bytes that would go out, to one's own address only.

git send-email takes the envelope from the headers, so this goes the way that
``b4 send --reflect`` goes: ``b4.get_smtp()`` reads ``sendemail.*``.
"""

import argparse
import contextlib
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from generator import process
from generator.errors import ProgramError, UsageError
from series import addresses, sending
from series.rehearsal import Rehearsed

# -t, alone or among other letters, also within a word for a shell; not in the value of
# an option that takes one (sendmail(8), msmtp(1)).
_READS_RECIPIENTS = re.compile(r"(?<!\S)-(?![-aofFrBNRVOXC])\w*t|(?<!\S)--read-rec")


def own_address(rehearsed: Sequence[Rehearsed]) -> str:
    """The one address that gets reflected mails: whom they are from.

    Raises ``UsageError`` when that is not one address that can be real.
    """
    found = {addresses.split(one.sender)[1] for one in rehearsed}
    own = found.pop() if len(found) == 1 else ""
    if why := addresses.problem(own):
        raise UsageError(f"the sender's address '{addresses.printable(own)}' {why}")
    return own


def reflect(rehearsed: Sequence[Rehearsed], *, cwd: Path, timeout: float) -> str:
    """Send all mails to their sender and to nobody else; returns the address.

    ``timeout`` is in seconds a step of the way.  Raises ``UsageError`` when
    nothing is configured to send with, ``ProgramError`` when sending fails.
    """
    if not (
        sending.configured("smtpserver", cwd=cwd) or sending.configured("sendmailcmd", cwd=cwd)
    ):
        raise UsageError(
            "neither sendemail.smtpServer nor sendemail.sendmailCmd is configured",
            hint="--reflect sends only where git config says",
        )
    own = own_address(rehearsed)
    import smtplib

    try:
        with _patience(timeout), contextlib.chdir(cwd):
            way = _way()
            if isinstance(way, list):
                _by_program(rehearsed, [*way, own], cwd=cwd, timeout=timeout)
            elif way is not None:
                with way:
                    for one in rehearsed:
                        # smtplib takes bytes as they are; SMTP's line end is CRLF.
                        way.sendmail(own, [own], one.content.replace(b"\n", b"\r\n"))
    except (smtplib.SMTPException, OSError) as error:
        said = " ".join(str(error).split())
        raise ProgramError(
            f"reflecting to {own}: {said}", hint="check 'git config --get-regexp ^sendemail'"
        ) from error
    return own


def _way() -> "list[str] | smtplib.SMTP | None":  # type: ignore[name-defined]  # noqa: F821
    import b4

    # A tree's own .b4-config must not choose the identity that mail leaves with.
    b4.setup_config(argparse.Namespace(config={"b4.sendemail-identity": ""}))
    way, _ = b4.get_smtp()
    return way


def _by_program(
    rehearsed: Sequence[Rehearsed], argv: Sequence[str], *, cwd: Path, timeout: float
) -> None:
    # A program that reads recipients from the headers would write to everybody.
    if any(_READS_RECIPIENTS.search(word) for word in argv):
        raise UsageError(
            "the configured sendmail program reads recipients from the mail (-t)",
            hint="--reflect needs one that takes them as arguments only",
        )
    for one in rehearsed:
        process.run(argv, cwd=cwd, stdin=one.content, timeout=timeout, check=True)


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """The limit of every socket made meanwhile: ``b4.get_smtp()`` takes none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
