"""Includes of headers that a tree does not have; pure.

The kernel's include paths are many (include/, arch/*/include/, what Makefiles add, headers that
kbuild makes).  So a header counts as there when any file of the tree could be it, and only headers
that a series adds or removes are looked at.
"""

import re
from collections.abc import Collection, Iterator
from posixpath import dirname, join, normpath

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
# What kbuild makes of include/asm-generic for an architecture without its own (generic-y).
_GENERIC = re.compile(r"\A(?:uapi/)?asm/")


def includes(text: str) -> Iterator[tuple[int, str]]:
    """Each line (from 1) of ``text`` that includes a header, and the header as it is written."""
    for found in _INCLUDE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[1]


def may_be(path: str, name: str, source: str) -> bool:
    """Whether a file ``source`` that includes ``name`` may mean the file ``path``."""
    if path == normpath(join(dirname(source), name)):
        return True
    plain = normpath(name)
    while plain.startswith("../"):
        plain = plain[3:]
    generic = _GENERIC.sub("asm-generic/", plain)
    return any(path == one or path.endswith(f"/{one}") for one in {plain, generic})


def lacking(name: str, source: str, headers: Collection[str]) -> bool:
    """Whether none of ``headers``, all that a tree has, can be what ``source`` includes."""
    return not any(may_be(path, name, source) for path in headers)
