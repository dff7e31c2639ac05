"""A series folder that is made whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from generator.campaign import FILE_NAME
from generator.errors import RerollError


def make(folder: Path, fill: Callable[[Path], None], *, keep: bool) -> None:
    """Fill a temporary folder and, to ``keep`` it, put it in its place, series.toml last.

    A ``folder`` that is there stays the same one and keeps what it has: the caller has
    looked that nothing is in the way.  Raises what ``fill`` raises, and ``RerollError``
    where nothing can be written.
    """
    try:
        if keep:
            folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent if keep else None))
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        fill(temporary)
        temporary.chmod(0o755)
        if keep and folder.exists():
            # It may be somebody's current directory.
            for item in sorted(temporary.iterdir(), key=lambda one: one.name == FILE_NAME):
                item.rename(folder / item.name)
        elif keep:
            temporary.rename(folder)
    except OSError as error:
        raise RerollError(f"{folder}: cannot be made: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
