"""The lines of a diff, each with its place in the files; pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from series.git_diff import path_named

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d{1,9}))? \+(\d+)(?:,(\d{1,9}))? @@")


@dataclass(frozen=True)
class DiffLine:
    """A line of a hunk: ``at`` counts from 1 in the diff (or the mail that it is in).

    ``sign`` is " ", "+" or "-", ``line`` the line of ``path``: before the change for "-", else
    after it.
    """

    at: int
    sign: str
    path: str
    line: int
    text: str


def diff_lines(diff: bytes) -> Iterator[DiffLine]:
    """The lines of all hunks, text as latin-1; what is around the hunks is passed over."""
    source = path = ""
    old = new = old_left = new_left = 0
    for at, line in enumerate(diff.split(b"\n"), 1):
        sign = line[:1].decode("latin-1") or " "
        if (old_left or new_left) and sign in " +-":
            name = source if sign == "-" else path
            number = old if sign == "-" else new
            yield DiffLine(at, sign, name or source, number, line[1:].decode("latin-1"))
            old, old_left = old + (sign != "+"), old_left - (sign != "+")
            new, new_left = new + (sign != "-"), new_left - (sign != "-")
        elif found := _HUNK.match(line):
            old, new = int(found[1]), int(found[3])
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)
        elif line.startswith(b"--- "):
            source = _name(line[4:])
        elif line.startswith(b"+++ "):
            path = _name(line[4:])


def _name(text: bytes) -> str:
    """The path in a "---" or "+++" line, as git writes it; empty for /dev/null."""
    return path_named(text).decode("utf-8", "surrogateescape")
