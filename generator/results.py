"""Results that were worked out before, found again by what they were made from.

A key is a digest of everything that a result depends on, so a result never becomes wrong, only
unneeded, and to forget one costs time and nothing else.  So nothing here fails a run: what
cannot be read, kept or believed is a miss, and ``problem`` says why.
"""

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from generator.result_file import ResultFile, Row

DEFAULT_LIMIT = 1 << 30
SET_ASIDE = "set-aside"  # what was in the file's place and not ours
_DAY = 86400
_PATIENCE = 3  # waits for other programs' locks before we do without
_CHECK_LENGTH = 16
_WORTH_COMPRESSING = 512  # bytes; below, zlib takes longer (0.1 ms) than the bytes are worth
_PLAIN, _DEFLATED = b"\0", b"\1"

T = TypeVar("T")


@dataclass(frozen=True)
class Statistics:
    """What a store holds: ``size`` and ``limit`` in bytes of the file; ``oldest``: when the
    entry that goes first was last used (seconds since 1970), give or take a day."""

    entries: int
    size: int
    limit: int
    oldest: int | None


@dataclass(frozen=True)
class Verdict:
    """What ``verify`` found: good entries, damaged ones (removed), and whether the file itself
    was so damaged that it was begun anew."""

    good: int
    dropped: int
    anew: bool


class Store(Protocol):
    """What keeps results: ``Results``, or ``NoResults``."""

    @property
    def problem(self) -> str:
        """Why results are not kept or found; empty when all is well."""

    def get(self, keys: Iterable[bytes], /) -> dict[bytes, bytes]:
        """The values of those ``keys`` that are known."""

    def put(self, items: Mapping[bytes, bytes], /) -> None:
        """Remember ``items``."""

    def close(self) -> None:
        """Done; what is asked later finds nothing."""


def default_place() -> Path:
    """The directory in the user's cache directory; it need not exist.

    After the XDG Base Directory Specification: ``$XDG_CACHE_HOME`` unless it is relative,
    else ``~/.cache``.  Without a home the path is relative, and the store does without.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    if given.startswith("/"):
        return Path(given) / "reroll"
    try:
        return Path.home() / ".cache/reroll"
    except RuntimeError:
        return Path("~/.cache/reroll")


def size_below(folder: Path) -> int:
    """The bytes of the files in ``folder`` and below; what goes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
    return total


class NoResults:
    """The store that is switched off: it remembers nothing."""

    problem = ""

    def get(self, _keys: Iterable[bytes], /) -> dict[bytes, bytes]:
        """Nothing is known."""
        return {}

    def put(self, _items: Mapping[bytes, bytes], /) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Results:
    """The store in the directory ``place``, of at most ``limit`` bytes; a context manager.

    Any number of threads and processes may use one place at a time; one object is not for both
    sides of a fork.  Nothing is opened or made before the first question.  ``clock`` gives
    seconds since 1970.
    """

    def __init__(
        self, place: Path, *, limit: int = DEFAULT_LIMIT, clock: Callable[[], float] = time.time
    ) -> None:
        self.place = place
        self.limit = limit
        self._clock = clock
        self._problem = ""
        # One connection behind a lock: SQLite lets one write at a time anyway, and what takes
        # long (digests, zlib) is done outside.
        self._lock = threading.RLock()
        self._file: ResultFile | None = None
        self._touched: set[bytes] = set()
        self._waits = 0
        self._renewals = 0
        self._closed = False
        self._forgets = False

    @property
    def problem(self) -> str:
        """The first thing that went wrong, in one line; empty when all is well."""
        return self._problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, keys: Iterable[bytes], /) -> dict[bytes, bytes]:
        """The values of those ``keys`` (of 32 bytes) that are known and undamaged."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        rows: list[Row] = self._do(lambda file: file.find(wanted), otherwise=[])
        now = int(self._clock())
        found, damaged, stale = {}, [], []
        for row in rows:
            value = _value_of(row)
            if value is None:
                damaged.append(row[0])
                continue
            found[row[0]] = value
            if abs(now - row[1]) > _DAY:  # a clock may have been wrong, too
                stale.append(row[0])
        if damaged:
            self._do(lambda file: file.remove(damaged), otherwise=None, writes=True)
        with self._lock:
            # Written with the next results, or on closing: a hit alone writes nothing.
            self._touched.update(stale)
        return found

    def put(self, items: Mapping[bytes, bytes], /) -> None:
        """Remember ``items``, all or none; the least recently used go when it gets too much."""
        now = int(self._clock())
        largest = self.limit // 10
        rows = [
            (key, now, _sealed(key, value))
            for key, value in sorted(items.items())
            if len(value) <= largest
        ]
        if rows:
            self._do(lambda file: self._write(file, rows, now), otherwise=None, writes=True)

    def _write(self, file: "ResultFile", rows: "list[Row]", now: int) -> None:
        touched, self._touched = sorted(self._touched), set()
        file.write(rows, touched=touched, now=now)
        file.trim(self.limit)

    def close(self) -> None:
        """Write down what was used, and close; what is asked later finds nothing."""
        with self._lock:
            if self._touched and self._file:
                now = int(self._clock())
                self._do(lambda file: self._write(file, [], now), otherwise=None, writes=True)
            self._closed = True
            self._drop()

    def statistics(self) -> Statistics:
        """What there is; nothing is made for it."""
        nothing = Statistics(0, 0, self.limit, None)
        if not self._exists():
            return nothing
        return self._do(
            lambda file: Statistics(file.entries(), file.size(), self.limit, file.oldest()),
            otherwise=nothing,
        )

    def clear(self) -> None:
        """Forget everything, also a file that was set aside."""
        if self._exists():
            self._do(lambda file: file.clear(), otherwise=None, writes=True)
            with suppress(OSError):
                (self.place / SET_ASIDE).unlink(missing_ok=True)

    def verify(self) -> Verdict:
        """Look at every entry, and remove the damaged ones."""
        if not self._exists():
            return Verdict(0, 0, anew=False)
        before = self._renewals
        good, dropped = self._do(self._verified, otherwise=(0, 0), writes=True)
        return Verdict(good, dropped, anew=self._renewals > before)

    def _verified(self, file: "ResultFile") -> tuple[int, int]:
        good, damaged = 0, []
        for rows in file.rows():
            bad = [row[0] for row in rows if _value_of(row) is None]
            good += len(rows) - len(bad)
            damaged += bad
        file.remove(damaged)
        return good, len(damaged)

    def _exists(self) -> bool:
        return os.path.lexists(self.place)

    def _do(self, work: "Callable[[ResultFile], T]", *, otherwise: T, writes: bool = False) -> T:
        """What ``work`` gives, or ``otherwise`` when the file is of no use.

        A damaged file is begun anew, and the work done again on it.  When only writing fails
        (a full disk), reading goes on.
        """
        with self._lock:
            try:
                from generator import result_file
            except ImportError:
                self._give_up("this Python has no sqlite3")
                return otherwise
            for doubt in (0, 1, 2):
                if self._closed or (writes and self._forgets):
                    break
                try:
                    if self._file is None:
                        self._file = result_file.open_file(self.place, doubt=doubt)
                    return work(self._file)
                except result_file.DamagedError:
                    self._renew()
                except result_file.BusyError as error:
                    self._lose_patience(str(error))
                    break
                except result_file.UnusableError as error:
                    if self._file and not self._file.sound():
                        self._renew()  # a damaged file may say that it is full
                        continue
                    self._lose_use(str(error), reading=not (writes and self._file))
                    break
        return otherwise

    def _renew(self) -> None:
        """The file is damaged: the next opening looks at all of it, and may make another."""
        self._drop()
        self._renewals += 1
        if self._renewals > _PATIENCE:
            self._give_up("it is damaged again and again")
        else:
            self._say("it was damaged, and is begun anew")

    def _lose_patience(self, why: str) -> None:
        self._say(why)
        self._waits += 1
        if self._waits >= _PATIENCE:
            self._give_up(why)

    def _lose_use(self, why: str, *, reading: bool) -> None:
        if reading:
            self._give_up(why)
        else:
            self._say(why)
            self._forgets = True

    def _give_up(self, why: str) -> None:
        self._say(why)
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._file:
            self._file.close()
        self._file = None

    def _say(self, why: str) -> None:
        self._problem = self._problem or f"{self.place}: {why}"


def _sealed(key: bytes, value: bytes) -> bytes:
    """``value`` as it is stored: a digest of the key and what follows, how it is kept, itself."""
    body = _PLAIN + value
    if len(value) >= _WORTH_COMPRESSING:
        body = min(body, _DEFLATED + zlib.compress(value, 1), key=len)
    return _check(key, body) + body


def _value_of(row: "Row") -> bytes | None:
    """The value in a row of the file; ``None`` when anything in the row is damaged."""
    key, used, sealed = row
    if not (isinstance(key, bytes) and isinstance(used, int) and isinstance(sealed, bytes)):
        return None
    check, body = sealed[:_CHECK_LENGTH], sealed[_CHECK_LENGTH:]
    if _check(key, body) != check:
        return None
    return zlib.decompress(body[1:]) if body[:1] == _DEFLATED else body[1:]


def _check(key: bytes, body: bytes) -> bytes:
    return blake2b(key + body, digest_size=_CHECK_LENGTH).digest()
