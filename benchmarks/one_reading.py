# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""Who wants to see each patch: MAINTAINERS read once, and every patch answered.

Run as ``python -m benchmarks.one_reading TREE PATCH...``.  It prints a line a contact,
as get_maintainer.pl does, with an empty line after each patch; and on standard error how
many seconds it took without the start of Python and the imports.
"""

import os
import sys
import time

from series.maintainers import Maintainers, contacts, parse


class Directories:
    """The directories of a tree, looked up when one is asked for, as the script does."""

    def __init__(self, tree: str) -> None:
        self._tree = tree

    def __contains__(self, path: object) -> bool:
        return os.path.isdir(f"{self._tree}/{path}")  # noqa: PTH112 - pathlib takes 10 ms


def main(tree: str, *patches: str) -> None:
    """Print the contacts of all patches."""
    start = time.perf_counter()
    known = parse(
        _read(f"{tree}/MAINTAINERS"),
        mailmap=_read(f"{tree}/.mailmap"),
        ignore=_read(f"{tree}/.get_maintainer.ignore"),
        directories=Directories(tree),
    )
    said = "\n".join(_answer(known, tree, _read(name)) for name in patches)
    print(said)
    print(time.perf_counter() - start, file=sys.stderr)


def _answer(known: Maintainers, tree: str, patch: bytes) -> str:
    files = _files(patch)
    bindings = {name: _read(f"{tree}/{name}") for name in files if name.endswith(".yaml")}
    found = contacts(known, files, patch, contents=bindings)
    return "".join(f"{contact.name} <{contact.address}> ({contact.role})\n" for contact in found)


def _files(patch: bytes) -> list[str]:
    """The paths of a diff, of a renamed file both."""
    names = set()
    for line in patch.split(b"\n"):
        if line.startswith((b"--- a/", b"+++ b/")):
            names.add(line[6:].decode())
        elif line.startswith((b"rename from ", b"rename to ")):
            names.add(line.split(b" ", 2)[2].decode())
    return sorted(names)


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError:
        return b""


if __name__ == "__main__":
    main(*sys.argv[1:])
