"""Commits become mails: ``git format-patch`` makes them, we add what it cannot know.

That is: the cover letter's subject and body, changelogs below ``---``, To and Cc,
message ids and the thread.  Mails are bytes throughout, because patches may be in
any encoding (RFC 5322 for headers, RFC 2047 for words that are not ASCII).
"""

import hashlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.header import Header
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.errors import ProgramError
from generator.tree import Identity, Tree, Worktree, run_git
from series import addresses
from series.version import Recipient

_SUBJECT = b"*** SUBJECT HERE ***"
_BLURB = b"*** BLURB HERE ***"
_MIME = (
    b"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"
)
# What a user's configuration must not add to mails that reroll composes.
_FORMAT = (
    "core.abbrev=12",
    "format.filenameMaxLength=64",
    "format.mboxrd=false",
    "format.notes=false",
    "format.forceInBodyFrom=no",
)


@dataclass(frozen=True)
class RawMail:
    """A mail as git made it; number 0 is the cover letter."""

    number: int
    name: str
    content: bytes


@dataclass(frozen=True)
class Thread:
    """Message ids by number; a mail replies to the cover letter, where there is one.

    ``parent`` is the message that the first mail answers, or empty.
    """

    ids: Mapping[int, str]
    parent: str = ""

    def headers(self, number: int) -> bytes:
        """``Message-ID`` and, for an answer, ``In-Reply-To`` and ``References``."""
        lines = [f"Message-ID: {self.ids[number]}"]
        line = [self.parent] if self.parent else []
        if number and 0 in self.ids:
            line.append(self.ids[0])
        if line:
            lines += [f"In-Reply-To: {line[-1]}", f"References: {' '.join(line)}"]
        return "".join(f"{line}\n" for line in lines).encode()


def format_patch(
    tree: Tree | Worktree,
    base: str,
    tip: str,
    *,
    root: str,
    version: int,
    prefix: str,
    sender: Identity,
    cover: bool,
) -> list[RawMail]:
    """The mails of ``base..tip`` as ``git format-patch`` makes them, in order.

    They name ``root`` as base commit, and what is between it and ``base`` as prerequisites.
    """
    with TemporaryDirectory(prefix="reroll-mails-") as place:
        words = [
            *("format-patch", "--output-directory", place, "--no-thread"),
            "--numbered" if cover else "--no-numbered",
            *(
                "--no-to",
                "--no-cc",
                "--no-add-header",
                "--no-signoff",
                "--no-color",
                "--no-attach",
                "--no-signature",
            ),
            *("--cover-letter" if cover else "--no-cover-letter", "--no-notes", "--suffix=.patch"),
            *("--cover-from-description=none", "--no-ext-diff", "--binary"),
            *(f"--base={root}", f"--subject-prefix={prefix}", f"--from={sender}"),
            # A first version has no number (Documentation/process/submitting-patches.rst).
            *((f"-v{version}",) if version > 1 else ()),
            f"{base}..{tip}",
        ]
        result = run_git(words, cwd=tree.path, settings=_FORMAT)
        names = [Path(line).name for line in result.stdout.decode().splitlines()]
        first = 0 if cover else 1
        if not names:
            raise ProgramError(f"git format-patch made no mails of {base}..{tip}")
        return [
            RawMail(number, name, (Path(place) / name).read_bytes())
            for number, name in enumerate(names, first)
        ]


def message_ids(
    numbers: Sequence[int],
    *,
    name: str,
    version: int,
    date: str,
    tip: str,
    sender: Identity,
    parent: str = "",
) -> Thread:
    """Message ids that follow from what is sent: the same series has the same ids."""
    digest = hashlib.sha256(f"{tip} {version} {date}".encode()).hexdigest()[:12]
    domain = sender.email.rpartition("@")[2]
    stem = f"{date.split()[0]}.{digest}.{name}-v{version}"
    return Thread({number: f"<{stem}-{number}@{domain}>" for number in numbers}, parent)


def add_change_id(mail: RawMail, change_id: str) -> RawMail:
    """A mail with ``change-id:`` below git's ``base-commit:``, where b4 looks for it."""
    head, mark, rest = mail.content.rpartition(b"\nbase-commit: ")
    line, end, tail = rest.partition(b"\n")
    if not mark:
        raise ProgramError("git format-patch named no base commit")
    content = head + mark + line + end + f"change-id: {change_id}\n".encode() + tail
    return RawMail(mail.number, mail.name, content)


def readdress(content: bytes, recipients: Sequence[Recipient]) -> bytes:
    """A mail that ``address_mail`` made, with other recipients."""
    head, separator, body = content.partition(b"\n\n")
    bare = re.sub(rb"^(?:To|Cc):.*\n(?:[ \t].*\n)*", b"", head + b"\n", flags=re.MULTILINE)
    block = _address_block(recipients)
    # Where address_mail puts them.
    place = re.search(rb"^(?:MIME-Version|Message-ID):", bare, re.MULTILINE)
    at = place.start() if place else len(bare)
    return (bare[:at] + block + bare[at:]).rstrip(b"\n") + separator + body


def day(date: str) -> str:
    """The day of git's raw date, as YYYYMMDD."""
    return _moment(date).strftime("%Y%m%d")


def changelog(entries: Mapping[int, Sequence[str]], version: int, *, wide: bool = False) -> str:
    """``Changes in vN:`` paragraphs, newest first, up to ``version``; empty for none."""
    parts = []
    for number in sorted(entries, reverse=True):
        if number > version or not entries[number]:
            continue
        lines = [f"Changes in v{number}:"]
        for entry in entries[number]:
            lines += textwrap.wrap(
                entry,
                width=72 if not wide else 75,
                initial_indent="- ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def finish_cover(mail: RawMail, *, title: str, body: str, date: str) -> RawMail:
    """The cover letter with its subject and body instead of git's placeholders.

    ``date`` (git's raw form) stands instead of the time of now.  Raises
    ``ProgramError`` when git left no placeholders.
    """
    head, separator, rest = mail.content.partition(b"\n\n")
    if _SUBJECT not in head or _BLURB not in rest:
        raise ProgramError("git format-patch made a cover letter without its usual placeholders")
    found = re.search(rb"^Subject: (.*?)" + re.escape(_SUBJECT), head, re.MULTILINE | re.DOTALL)
    prefix = re.sub(rb"\n\s*", b" ", found[1]).decode() if found else ""
    subject = f"Subject: {prefix}{_encoded(title, len(prefix) + len('Subject: '))}".encode()
    head = re.sub(
        rb"^Subject: .*?" + re.escape(_SUBJECT), lambda _: subject, head, count=1, flags=re.M | re.S
    )
    # git leaves the sender of a cover letter as it is, not as RFC 2047 wants it.
    head = re.sub(rb"^From: .*(?:\n[ \t].*)*", _encoded_from, head, count=1, flags=re.MULTILINE)
    head = re.sub(rb"^Date: .*", f"Date: {_mail_date(date)}".encode(), head, count=1, flags=re.M)
    rest = rest.replace(_BLURB, body.strip().encode(), 1)
    return RawMail(mail.number, mail.name, head + separator + rest)


def _encoded_from(found: re.Match[bytes]) -> bytes:
    value = " ".join(found[0].decode("utf-8", "replace").split()).removeprefix("From: ")
    plain = value.isascii() and "=?" not in value
    return found[0] if plain else f"From: {addresses.header_form(value)}".encode()


def _mail_date(date: str) -> str:
    """git's raw date (seconds and zone) as RFC 5322 has it."""
    return format_datetime(_moment(date))


def _moment(date: str) -> datetime:
    stamp, zone = date.split()
    minutes = int(f"{zone[0]}1") * (int(zone[1:3]) * 60 + int(zone[3:5]))
    return datetime.fromtimestamp(int(stamp), timezone(timedelta(minutes=minutes)))


def _encoded(text: str, used: int) -> str:
    if text.isascii() and "=?" not in text:
        return Header(text, "us-ascii", maxlinelen=76, header_name="x" * (used - 2)).encode(
            linesep="\n"
        )
    return addresses.encoded(text, used=used)


def add_below_cut(content: bytes, text: str) -> bytes:
    """A patch mail with ``text`` between its ``---`` line and the diffstat."""
    if not text:
        return content
    head, separator, rest = content.partition(b"\n\n")
    message, cut, diff = rest.partition(b"\n---\n")
    added = text.encode("utf-8", "surrogateescape")
    return head + separator + message + cut + added + b"\n\n" + diff


def add_below_diffstat(mail: RawMail, text: str) -> RawMail:
    """A cover letter with ``text`` where git puts a range-diff: above the base commit."""
    if not text:
        return mail
    head, mark, rest = mail.content.rpartition(b"\nbase-commit: ")
    if not mark:
        raise ProgramError("git format-patch named no base commit")
    added = text.encode("utf-8", "surrogateescape")
    content = head.rstrip(b"\n") + b"\n\n" + added + b"\n\n" + mark + rest
    return RawMail(mail.number, mail.name, content)


def address_mail(content: bytes, recipients: Sequence[Recipient], thread_headers: bytes) -> bytes:
    """A mail with To, Cc and its place in the thread, and a charset where it is not ASCII."""
    head, separator, body = content.partition(b"\n\n")
    block = _address_block(recipients)
    if not body.isascii() and not re.search(rb"^Content-Type:", head, re.MULTILINE | re.IGNORECASE):
        block += _MIME
    return head + b"\n" + block + thread_headers.rstrip(b"\n") + separator + body


def _address_block(recipients: Sequence[Recipient]) -> bytes:
    block = b""
    for field, name in (("to", "To"), ("cc", "Cc")):
        values = [recipient.address for recipient in recipients if recipient.field == field]
        if values:
            block += addresses.header_block(name, values).encode()
    return block
