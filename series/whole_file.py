"""Files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, its folder made; ``OSError`` when it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(prefix=f".{path.name}-", dir=path.parent, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            mode = path.stat().st_mode if path.exists() else 0o644
            os.chmod(file.name, mode & 0o777)  # noqa: PTH101
            Path(file.name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
            raise
