"""``journal.jsonl``: what became of each mail, on disk before the next one goes.

One JSON object a line: ``version``, ``message_id``, ``sha256`` of the frozen bytes,
``event``, ``time``, and since mails are frozen ``source`` (``sha256`` of the mail in
``versions/vN``), ``resend`` (0, or which resend of the version) and ``evidence`` (how
a fate became known that git send-email did not tell).  A mail goes
``prepared`` → ``handed over`` → ``accepted`` or ``failed``; a mail whose last word is
``handed over`` may be out or not.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from generator.errors import ConflictError, RerollError, UsageError

NAME = "journal.jsonl"
Event = Literal["prepared", "handed over", "accepted", "failed"]


@dataclass(frozen=True)
class Entry:
    """One line of the journal; ``time`` is in seconds since the epoch."""

    version: int
    message_id: str
    sha256: str
    event: Event
    time: int
    source: str = ""
    resend: int = 0
    evidence: str = ""

    @property
    def out(self) -> bool:
        """Whether the mail is out, or may be."""
        return self.event in ("handed over", "accepted")


def read(folder: Path) -> list[Entry]:
    """All entries, oldest first; a last line cut short by a crash is passed over.

    Raises ``UsageError`` when another line cannot be read.
    """
    path = folder / NAME
    entries: list[Entry] = []
    try:
        _require_file(path)
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        entry = _parse(line)
        if entry is None and number < len(lines):
            raise UsageError(
                f"{path}:{number}: is not a line that reroll wrote",
                hint="restore the journal: it is what keeps mails from going twice",
            )
        if entry is not None:
            entries.append(entry)
    return entries


def _require_file(path: Path) -> None:
    """``UsageError`` for a FIFO or a device, which would hold us or keep nothing."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a regular file", hint="move it away")


def _parse(line: str) -> Entry | None:
    try:
        entry = Entry(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = (entry.version, entry.time, entry.resend)
    texts = (entry.message_id, entry.sha256, entry.source, entry.evidence)
    if not all(type(value) is int for value in numbers):
        return None
    if not all(isinstance(value, str) for value in texts):
        return None
    return entry if entry.event in get_args(Event) else None


def last_events(folder: Path, version: int, resend: int = 0) -> dict[str, Entry]:
    """The last entry of each message of ``version``, as it was sent the first or another time."""
    return {
        entry.message_id: entry
        for entry in read(folder)
        if (entry.version, entry.resend) == (version, resend)
    }


def accepted(folder: Path, version: int) -> set[str]:
    """The ids of the messages of ``version`` that are out, or may be, resends among them."""
    events = {entry.message_id: entry for entry in read(folder) if entry.version == version}
    return {name for name, entry in events.items() if entry.out}


class Journal:
    """The journal, open for appending; every entry is on disk when ``add`` returns.

    ``descriptor`` holds the lock.  A child that inherits it keeps the lock for
    as long as it runs, even when we are killed.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.lent = False

    def add(self, *entries: Entry) -> None:
        """Append ``entries``; ``RerollError`` when they cannot be written, and then none is."""
        data = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries).encode()
        size = os.fstat(self.descriptor).st_size
        try:
            while data:  # write(2) may take a part
                data = data[os.write(self.descriptor, data) :]
            os.fsync(self.descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self.descriptor, size)
            raise RerollError(f"{NAME}: cannot be written: {error.strerror}") from error

    @contextmanager
    def lend(self) -> Iterator[int]:
        """The descriptor for a child; left by an exception, the lock stays with the child."""
        self.lent = True
        yield self.descriptor
        self.lent = False


@contextmanager
def journal(folder: Path) -> Iterator[Journal]:
    """The journal of the series in ``folder``, for one sender at a time.

    Raises ``ConflictError`` when another process holds it.
    """
    path = folder / NAME
    _require_file(path)
    try:
        known = path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if not known:
            sync_directory(folder)
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error
    book = Journal(descriptor)
    held = False
    try:
        _lock(descriptor, folder)
        held = True
        _mend(descriptor)
        yield book
    finally:
        if held and not os.fstat(descriptor).st_size:
            with suppress(OSError):
                path.unlink()  # a send that was refused leaves nothing
        # A daemon that git send-email left behind (git-credential-cache) has our
        # descriptor: only an explicit release ends the lock while it lives.
        if not book.lent:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def sync_directory(folder: Path) -> None:
    """See that the names in ``folder`` are on disk; ``OSError`` when they cannot be."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another one may have taken an empty journal away after we opened it.
        if not os.path.samestat(os.fstat(descriptor), (folder / NAME).stat()):
            raise BlockingIOError
    except (BlockingIOError, FileNotFoundError) as error:
        raise ConflictError(
            f"another 'reroll send' is at work in {folder}, or a git send-email that it left",
            hint="wait until it has ended, then 'reroll send --resume'",
        ) from error


def _mend(descriptor: int) -> None:
    """Drop a line cut short by a crash: the next one must not be glued to it.

    A whole line that only lacks its end (an editor took it) is kept.
    """
    content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    end = content.rfind(b"\n") + 1
    if end == len(content):
        return
    try:
        if _parse(content[end:].decode("utf-8", "replace")):
            os.write(descriptor, b"\n")
        else:
            os.ftruncate(descriptor, end)
    except OSError as error:
        raise RerollError(f"{NAME}: cannot be written: {error.strerror}") from error
