"""Diffs as values, read with unidiff.

Pure: no process, no file.  Diffs are bytes of any encoding, so they are read
as latin-1, in which every byte is a character and comes out as it went in.
"""

from dataclasses import dataclass

from generator.errors import RerollError


@dataclass(frozen=True)
class FileEdit:
    """What a diff does to one file; ``source`` differs from ``path`` for a move."""

    path: str
    source: str
    added: int
    removed: int


def summarize(diff: bytes) -> tuple[FileEdit, ...]:
    """The files that ``diff`` (a unified or git diff) touches, in its order.

    Raises ``RerollError`` when it is no diff.
    """
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        patches = PatchSet(diff.decode("latin-1"))
    except UnidiffParseError as error:
        raise RerollError(f"not a diff: {error}") from error
    return tuple(
        FileEdit(
            path=_name(file.path),
            source=_name(file.source_file).removeprefix("a/"),
            added=file.added,
            removed=file.removed,
        )
        for file in patches
    )


def _name(name: str) -> str:
    """A file name of a diff; git quotes one with control characters, quotes or backslashes."""
    if name.startswith('"') and name.endswith('"'):
        name = name[1:-1].encode("latin-1").decode("unicode_escape").removeprefix("b/")
    return name.encode("latin-1").decode("utf-8", "surrogateescape")
