"""The file behind ``generator.results``: private, locked, judged before it is believed.

It is an SQLite database in WAL mode (https://sqlite.org/wal.html): a reader never waits for a
writer, and kill -9 at any moment leaves it whole.  ``synchronous=NORMAL`` is safe there after a
power loss, too (https://sqlite.org/pragma.html#pragma_synchronous); what was put last may be
forgotten then.

SQLite asks that nobody renames or removes a database that somebody has open: the other one, on
closing, would take the new file's log away (https://sqlite.org/howtocorrupt.html).  So whoever
has the file open holds a shared lock beside it, and it is made or replaced only under an
exclusive one.  No file descriptor of the database is ever opened and closed beside SQLite's:
closing one drops all POSIX locks that the process has on the file.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from generator.results import SET_ASIDE

# Another layout gets another number: versions of reroll that differ do not meet.
NAME = "results-1.sqlite"
LOCK = "results-1.lock"
PATIENCE = 2.0  # seconds for a lock of another process
SYNCHRONOUS = "NORMAL"

_APPLICATION = 0x7265726C  # "rerl", in the file's header
_LAYOUT = 1
# Rows stay in the order of their coming, so that those of one run, which are used together and
# go together, share pages; only the index of keys is random.
_SCHEMA = (
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, "
    "used INTEGER NOT NULL, value BLOB NOT NULL)",
    "CREATE INDEX by_use ON entries (used)",
)
_SETTINGS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",  # KiB
    "PRAGMA wal_autocheckpoint = 4000",  # pages; as much again
    "PRAGMA journal_size_limit = 16000000",
)
_HEADER = b"SQLite format 3\0"
_CHUNK = 500  # keys a statement
_STEP = 5000  # entries removed a transaction: others wait for it
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_UNUSABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOLFS,
}

Row = tuple[bytes, int, bytes]  # key, time of last use (seconds since 1970), value


class DamagedError(Exception):
    """The file is not what we wrote."""


class BusyError(Exception):
    """Another process has locked the file for longer than ``PATIENCE``."""


class UnusableError(Exception):
    """The file cannot be used; the text says why."""


class ResultFile:
    """The open file; every method may raise the three errors above."""

    def __init__(self, connection: sqlite3.Connection, lock: int) -> None:
        self._connection = connection
        self._lock = lock

    def close(self) -> None:
        """Close; the last one to do so takes SQLite's log into the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        os.close(self._lock)

    def find(self, keys: Sequence[bytes]) -> list[Row]:
        """The rows of ``keys``, as they are: nothing in them is checked."""
        sql = f"SELECT key, used, value FROM entries WHERE {_ONE_OF}"  # noqa: S608
        found: list[Row] = []
        with _translated():
            for chunk in _chunks(keys):
                found += self._connection.execute(sql, chunk).fetchall()
        return found

    def write(self, rows: Sequence[Row], *, touched: Sequence[bytes], now: int) -> None:
        """Put ``rows``, and note that those of ``touched`` were used ``now``: all or nothing."""
        sql = f"UPDATE entries SET used = ? WHERE {_ONE_OF}"  # noqa: S608
        with self._transaction() as connection:
            connection.executemany(sql, ([now, *chunk] for chunk in _chunks(touched)))
            connection.executemany(
                "INSERT OR REPLACE INTO entries (key, used, value) VALUES (?, ?, ?)", rows
            )

    def remove(self, keys: Sequence[bytes]) -> None:
        """Remove the rows of ``keys``."""
        sql = f"DELETE FROM entries WHERE {_ONE_OF}"  # noqa: S608
        with self._transaction() as connection:
            connection.executemany(sql, _chunks(keys))

    def trim(self, limit: int) -> None:
        """Remove what was not used for longest, until a little less than ``limit`` bytes is left.

        Does nothing while ``limit`` is kept.  Several transactions, so that no other process
        has to wait long; whoever comes next goes on where a killed one stopped.
        """
        size = self.size()
        if size > limit:
            goal = limit - limit // 200  # more at a time would only make one put a long one
            while size > goal and self._remove_oldest(1 - goal / size):
                size = self.size()
        surplus = self._number("page_count") - limit // self._number("page_size")
        if surplus > 0:
            self._give_back(surplus)

    def _remove_oldest(self, share: float) -> bool:
        """Remove that ``share`` of the entries, or a first step; whether there were any."""
        with self._transaction() as connection:
            (entries,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            removed = connection.execute(
                "DELETE FROM entries WHERE id IN "
                "(SELECT id FROM entries ORDER BY used, id LIMIT ?)",
                [min(int(entries * share) + 1, _STEP)],
            ).rowcount
        return removed > 0

    def size(self) -> int:
        """Bytes in use in the file; pages that wait to be used again do not count."""
        pages = self._number("page_count") - self._number("freelist_count")
        return pages * self._number("page_size")

    def entries(self) -> int:
        """How many there are."""
        with _translated():
            return int(self._connection.execute("SELECT count(*) FROM entries").fetchone()[0])

    def oldest(self) -> int | None:
        """When the entry that goes first was used, in seconds since 1970."""
        with _translated():
            found = self._connection.execute("SELECT min(used) FROM entries").fetchone()[0]
        return found if isinstance(found, int) else None

    def clear(self) -> None:
        """Remove everything, and give the space back."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM entries")
        self._give_back(0)
        with _translated():
            # A reader that is in the way only keeps the space for itself a little longer.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def sound(self) -> bool:
        """Whether SQLite finds nothing wrong in the whole file, or cannot say."""
        try:
            return _sound(self._connection)
        except (BusyError, UnusableError):
            return True

    def _give_back(self, pages: int) -> None:
        """Give so many pages (0: all) that are not in use back to the file system."""
        with _translated():
            # Not execute(): it would stop after the first page.
            self._connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def rows(self) -> Iterator[list[Row]]:
        """All rows, some at a time; ``DamagedError`` first when the file itself is not sound."""
        if not self.sound():
            raise DamagedError
        last: int | None = -(2**63)
        while last is not None:
            with _translated():
                found = self._connection.execute(
                    "SELECT id, key, used, value FROM entries WHERE id > ? ORDER BY id LIMIT ?",
                    [last, _CHUNK],
                ).fetchall()
            yield [row[1:] for row in found]
            last = found[-1][0] if found else None

    def _number(self, pragma: str) -> int:
        with _translated():
            return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; waits for other writers before it reads, so that it cannot fail later."""
        with _translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


_ONE_OF = f"key IN ({','.join('?' * _CHUNK)})"


def _chunks(keys: Sequence[bytes]) -> Iterator[list[bytes]]:
    """``keys`` in lists of one length, so that SQLite prepares one statement."""
    for start in range(0, len(keys), _CHUNK):
        chunk = list(keys[start : start + _CHUNK])
        yield chunk + chunk[-1:] * (_CHUNK - len(chunk))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors as ours."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise  # ours
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in _BUSY:
            raise BusyError("another program has locked it") from error
        if code in _UNUSABLE:
            raise UnusableError(str(error)) from error
        raise DamagedError(str(error)) from error
    except UnicodeDecodeError as error:  # a message that quotes what is damaged
        raise DamagedError(str(error)) from error
    except OSError as error:
        raise UnusableError(error.strerror or str(error)) from error


def open_file(place: Path, *, doubt: int = 0) -> ResultFile:
    """The file in the directory ``place``; both are made when they are not there.

    What is there and is not ours is set aside, what is ours and damaged is replaced, unless
    another process uses it (``UnusableError``).  ``doubt``: 1 looks at the whole file first, 2
    replaces it in any case.
    """
    with _translated():
        _private_directory(place)
        lock = _lock_file(place)
        try:
            return ResultFile(_opened(place, lock, doubt), lock)
        except BaseException:
            os.close(lock)
            raise


def _private_directory(place: Path) -> None:
    """Make ``place`` a directory that nobody else can use."""
    if not place.is_absolute():  # no home, or a relative one
        raise UnusableError("there is no home directory")
    for folder in (*reversed(place.parents), place):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    found = place.stat()
    if found.st_uid != os.geteuid():
        raise UnusableError("the directory belongs to another user")
    if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o077:
        place.chmod(0o700)


def _lock_file(place: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(place / LOCK, flags, 0o600)


def _opened(place: Path, lock: int, doubt: int) -> sqlite3.Connection:
    """A connection to a file that was judged good, with a shared lock on it."""
    _wait_for(lock, fcntl.LOCK_SH)
    if not doubt and (connection := _judged(place)):
        return connection
    # Everybody lets the shared lock go first: else two would wait for each other.
    fcntl.flock(lock, fcntl.LOCK_UN)
    _wait_for(lock, fcntl.LOCK_EX)
    found = _judged(place)
    if found and doubt and (doubt > 1 or not _sound(found)):
        found.close()
        found = None
    if not found:
        _make_room(place)
        _make(place)
        found = _judged(place)
    if not found:
        raise UnusableError("it cannot be made")
    try:
        _wait_for(lock, fcntl.LOCK_SH)
    except BaseException:
        found.close()
        raise
    return found


def _wait_for(lock: int, operation: int) -> None:
    """Take the lock; ``UnusableError`` when others hold it for longer than ``PATIENCE``."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise UnusableError("it is missing or damaged, and others use it") from None
            time.sleep(0.01)
        else:
            return


def _judged(place: Path) -> sqlite3.Connection | None:
    """A connection, or ``None`` when there is no file or not one of ours."""
    path = place / NAME
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
        return None
    if found.st_mode & 0o177:
        path.chmod(0o600)
    connection = _connect(path)
    try:
        with _translated():
            if _is_ours(connection):
                return connection
    except DamagedError:
        pass
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode=rw",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,  # one thread at a time: generator.results sees to that
    )
    connection.text_factory = bytes  # a damaged value may say that it is text
    return connection


def _is_ours(connection: sqlite3.Connection) -> bool:
    for setting in (f"PRAGMA synchronous = {SYNCHRONOUS}", *_SETTINGS):
        connection.execute(setting)
    numbers = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    ]
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    schema = [row[0] for row in found]
    return numbers == [_APPLICATION, _LAYOUT] and schema == [text.encode() for text in _SCHEMA]


def _sound(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds nothing wrong in the whole file."""
    try:
        with _translated():
            return connection.execute("PRAGMA integrity_check(1)").fetchall() == [(b"ok",)]
    except DamagedError:
        return False


def _make_room(place: Path) -> None:
    """Take away what is in the file's place; what we did not make is kept under another name.

    A symbolic link is set aside as such: what it leads to is neither read nor written.
    """
    path = place / NAME
    if _made_by_us(path):
        path.unlink(missing_ok=True)
    else:
        path.replace(place / SET_ASIDE)
    for ending in ("-wal", "-shm", "-journal"):
        (place / f"{NAME}{ending}").unlink(missing_ok=True)


def _made_by_us(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        head = os.read(descriptor, 72)
    finally:
        os.close(descriptor)
    # https://sqlite.org/fileformat2.html: the magic string, the application id at byte 68.
    ours = head.startswith(_HEADER) and head[68:] == _APPLICATION.to_bytes(4, "big")
    return ours or not head


def _make(place: Path) -> None:
    """Make the file; nobody else is there (the exclusive lock)."""
    path = place / NAME
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with contextlib.closing(_connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # nothing is in it that could be lost
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for sql in (
            *_SCHEMA,
            f"PRAGMA application_id = {_APPLICATION}",
            f"PRAGMA user_version = {_LAYOUT}",
        ):
            connection.execute(sql)
        connection.execute("COMMIT")
