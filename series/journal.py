"""``journal.jsonl``: what became of each mail, on disk before the next one goes.

One JSON object a line: ``version``, ``message_id``, ``sha256`` of the mail's bytes,
``event`` (``handed over`` to git send-email, ``accepted`` by it, ``failed``) and ``time``.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from generator.errors import ConflictError, RerollError, UsageError

NAME = "journal.jsonl"
Event = Literal["handed over", "accepted", "failed"]


@dataclass(frozen=True)
class Entry:
    """One line of the journal; ``time`` is in seconds since the epoch."""

    version: int
    message_id: str
    sha256: str
    event: Event
    time: int


def read(folder: Path) -> list[Entry]:
    """All entries, oldest first; a last line cut short by a crash is passed over.

    Raises ``UsageError`` when another line cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        return []
    entries: list[Entry] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError) as error:
            if number == len(lines):
                break
            raise UsageError(f"{path}:{number}: is not a line that reroll wrote") from error
    return entries


def last_events(folder: Path, version: int) -> dict[str, Entry]:
    """The last entry of each message of ``version``."""
    return {entry.message_id: entry for entry in read(folder) if entry.version == version}


def accepted(folder: Path, version: int) -> set[str]:
    """The ids of the messages of ``version`` that are out, or may be."""
    events = last_events(folder, version)
    return {name for name, entry in events.items() if entry.event != "failed"}


class Journal:
    """The journal, open for appending; every entry is on disk when ``add`` returns."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def add(self, entry: Entry) -> None:
        """Append ``entry``; ``RerollError`` when it cannot be written."""
        line = json.dumps(asdict(entry)) + "\n"
        try:
            os.write(self._descriptor, line.encode())
            os.fsync(self._descriptor)
        except OSError as error:
            raise RerollError(f"{NAME}: cannot be written: {error.strerror}") from error


@contextmanager
def journal(folder: Path) -> Iterator[Journal]:
    """The journal of the series in ``folder``, for one sender at a time.

    Raises ``ConflictError`` when another process holds it.
    """
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise RerollError(f"{folder / NAME}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError(f"another 'reroll send' is at work in {folder}") from error
        _mend(descriptor)
        yield Journal(descriptor)
    finally:
        os.close(descriptor)


def _mend(descriptor: int) -> None:
    """Drop a line cut short by a crash: the next one must not be glued to it."""
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.ftruncate(descriptor, content.rfind(b"\n") + 1)
