"""Where a posted series is read from: a mailbox, or an archive on the network; which one it is."""

import argparse
import re
from collections.abc import Sequence
from email.errors import MessageError
from pathlib import Path

from generator.errors import ExpectedFailureError, ProgramError, UsageError
from series import mail as mail_module
from series import posting
from series.mail import Mail
from series.posting import Posting

_LINK = re.compile(r"https?://\S+@\S+\Z")
_MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f]+@[^<>\s\x00-\x1f\x7f]+>\Z")


def on_network(name: str) -> bool:
    """Whether ``name`` is a message id in angle brackets, or the URL of a message."""
    return bool(_LINK.match(name) or _MESSAGE_ID.match(name))


def in_mailbox(path: Path) -> list[Mail]:
    """The mails of a mailbox that may be of a posted series, in full.

    Raises ``UsageError`` when it cannot be read or is no mailbox.
    """
    heads = mail_module.read_heads([path])
    return list(mail_module.load(head for head in heads if posting.subject(head.subject)))


def in_archive(name: str) -> list[Mail]:
    """The mails of the thread that the message ``name`` (an id or a URL) is in.

    b4 fetches them, from the archive that it is configured for (``b4.midmask``).
    Raises ``ProgramError`` when it cannot.
    """
    import b4

    try:
        b4.setup_config(argparse.Namespace(config=None))
        found = b4.get_pi_thread_by_msgid(b4.parse_msgid(name), nocache=True, quiet=True)
        contents = [one.as_bytes(policy=b4.emlpolicy) for one in found or ()]
    except (OSError, ValueError, LookupError, MessageError, RuntimeError, SystemExit) as error:
        raise ProgramError(f"{name}: b4 cannot fetch this thread: {error}") from error
    if not contents:
        raise ProgramError(
            f"{name}: the archive has no such thread, or cannot be reached",
            hint="see 'git config b4.midmask'; or save the thread and name the file",
        )
    return [mail_module.parse(content) for content in contents]


def choose(found: Sequence[Posting], where: str, version: int | None, words: str) -> Posting:
    """The newest of the posted versions, or ``version``, of the series whose title has ``words``.

    Raises ``ExpectedFailureError`` where there is no series, and ``UsageError``
    where there are several, or not that version.
    """
    wanted = [one for one in found if words.casefold() in one.cover_title.casefold()]
    wanted = [one for one in wanted if one.patches]
    # What was made of it for a stable kernel is not what goes on.
    wanted = [one for one in wanted if not posting.branches(f"[{one.prefix}]")] or wanted
    if not wanted:
        what = f"no posted patch series whose title has '{words}'" if words else "no patch"
        raise ExpectedFailureError(f"{where}: {what} is in it")
    series = _apart(wanted)
    if len(series) > 1:
        raise UsageError(
            f"{where}: has {len(series)} series: {'; '.join(_called(one) for one in series)}",
            hint="name one by words of its title, with --title",
        )
    if version is None:
        return wanted[-1]
    numbers = [one.version for one in wanted]
    if version not in numbers:
        there = ", ".join(str(number) for number in numbers)
        raise UsageError(f"{where}: has no version {version}", hint=f"it has {there}")
    return wanted[numbers.index(version)]


def _apart(found: Sequence[Posting]) -> list[list[Posting]]:
    """Postings by the series they are of, each in order of versions."""
    series: list[list[Posting]] = []
    for one in found:
        same = [known for known in series if any(posting.related(one, other) for other in known)]
        merged = [*(other for known in same for other in known), one]
        series = [*(known for known in series if known not in same), merged]
    return series


def _called(series: Sequence[Posting]) -> str:
    versions = ", ".join(f"v{one.version}" for one in series)
    return f"'{series[-1].cover_title}' ({versions})"
