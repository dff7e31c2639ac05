"""Replies to earlier versions: mails in ``replies/`` of the series folder.

Every ``*.mbox`` there is read.  A mail belongs to the series when it answers, by
In-Reply-To or References (RFC 5322, 3.6.4), a mail of one of its versions.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from functools import partial
from pathlib import Path

from series import mail
from series.version import Version

FOLDER = "replies"
_PIECE = 1 << 16  # of a line, at a time
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")


@dataclass(frozen=True)
class Reply:
    """Somebody's answer to a mail: ``patch`` is the id of the patch, empty for the cover letter."""

    sender: str
    message_id: str
    version: int
    patch: str
    number: int


def read(folder: Path, versions: Sequence[Version]) -> tuple[Reply, ...]:
    """The replies in ``folder`` to any of ``versions``, in the order of the files.

    What is no mail, or answers something else, is passed over.
    """
    ours: dict[str, tuple[int, str, int]] = {}
    for version in versions:
        if version.cover:
            ours[version.cover.message_id] = (version.version, "", 0)
        for patch in version.patches:
            ours[patch.message_id] = (version.version, patch.id, patch.number)
    found: dict[str, Reply] = {}
    # A pipe would keep us waiting, a link may lead nowhere.
    paths = [path for path in sorted((folder / FOLDER).glob("*.mbox")) if path.is_file()]
    for path in paths if ours else []:
        for head in _heads(path):
            reply = _reply(head, ours)
            if reply and reply.message_id not in ours:
                found.setdefault(reply.message_id, reply)
    return tuple(found.values())


def _heads(path: Path) -> Iterator[bytes]:
    """The headers of each mail of an mbox."""
    head: list[bytes] = []
    in_head = False
    with path.open("rb") as file:
        for line in iter(partial(file.readline, _PIECE), b""):
            if line.startswith(b"From "):
                in_head, head = True, []
            elif in_head and line.strip():
                head.append(line)
            elif in_head:
                yield b"".join(head)
                in_head = False
    if in_head:
        yield b"".join(head)


def _reply(head: bytes, ours: Mapping[str, tuple[int, str, int]]) -> Reply | None:
    named = _MESSAGE_ID.findall(head.decode("ascii", "replace"))
    if ours.keys().isdisjoint(named):
        return None
    message = message_from_bytes(head)
    sender = mail.sender(head)
    parents = _MESSAGE_ID.findall(str(message["In-Reply-To"] or ""))
    # References names the whole line of ancestors, the nearest last.
    parents += _MESSAGE_ID.findall(str(message["References"] or ""))[::-1]
    known = [parent for parent in parents if parent in ours]
    own = _MESSAGE_ID.findall(str(message["Message-ID"] or ""))
    if not sender or not known or not own:
        return None
    return Reply(sender, own[0], *ours[known[0]])
