"""Temporary directories that are known to be left over when nobody holds them any more.

Each has a locked file (flock(2)) for as long as its process lives, whatever ends it: process
ids say nothing in another container.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir, mkdtemp

_LOCK = "lock"
_DAY = 86400


@contextlib.contextmanager
def held(prefix: str) -> Iterator[Path]:
    """A new directory in the system's place for temporary files; it goes on the way out."""
    place = Path(mkdtemp(prefix=prefix))
    try:
        with (place / f"{_LOCK}.new").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Not before: what has a lock that nobody holds is taken for left over.
            (place / f"{_LOCK}.new").rename(place / _LOCK)
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def abandoned(prefix: str) -> list[Path]:
    """Directories of ours like that, whose process ended before it could remove them."""
    found = []
    with os.scandir(gettempdir()) as entries:
        for entry in entries:
            if not entry.name.startswith(prefix):  # of what may be hundreds of thousands
                continue
            with contextlib.suppress(OSError):  # it has just gone
                place = Path(entry.path)
                ours = entry.is_dir(follow_symlinks=False) and place.lstat().st_uid == os.getuid()
                if ours and _is_free(place):
                    found.append(place)
    return found


def _is_free(place: Path) -> bool:
    """Whether nobody holds a directory; one that has no lock yet is left alone for a day."""
    try:
        with (place / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            return place.stat().st_mtime < time.time() - _DAY
        return False
    except OSError:
        return False
