"""Which headers of the tree spatch reads with a file: its local includes.

Pure.  spatch follows ``#include "x.h"`` from the directory of the file that says
so, because types declared there decide what some rules match.
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping

_LOCAL = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def included_names(content: bytes) -> tuple[str, ...]:
    """The names that ``content`` includes locally, as it says them, each once."""
    found = dict.fromkeys(_LOCAL.findall(content))
    return tuple(name.decode("utf-8", "surrogateescape") for name in found)


def resolved(path: str, names: Iterable[str]) -> set[str]:
    """Paths, from the root of the tree, of ``names`` that the file at ``path`` includes.

    They need not exist; paths that lead out of the tree are left out.
    """
    folder = posixpath.dirname(path)
    full = (posixpath.normpath(posixpath.join(folder, name)) for name in names)
    return {name for name in full if not name.startswith(("../", "/"))}


def graph(
    paths: Collection[str], names_of: Callable[[Collection[str]], Mapping[str, tuple[str, ...]]]
) -> dict[str, frozenset[str]]:
    """What each of ``paths``, and all that they lead to, includes.

    ``names_of`` answers what files include, and leaves out those that are not there.
    """
    found: dict[str, frozenset[str]] = {}
    todo = set(paths)
    while todo:
        said = names_of(todo)
        for path in todo:
            found[path] = frozenset(resolved(path, said.get(path, ())))
        todo = {name for path in todo for name in found[path]} - found.keys()
    return found


def reached(path: str, includes: Mapping[str, frozenset[str]]) -> set[str]:
    """All that ``path`` includes, and what that includes, by a ``graph``; not ``path`` itself."""
    seen = {path}
    todo = [path]
    while todo:
        fresh = includes.get(todo.pop(), frozenset()) - seen
        seen |= fresh
        todo += fresh
    return seen - {path}
