"""Which headers of the tree spatch reads with a file: its local includes.

Pure.  spatch follows ``#include "x.h"`` from the directory of the file that says
so, because types declared there decide what some rules match.  With ``--all-includes`` or
``--recursive-includes`` it looks for ``<x.h>``, too, and for both in ``include/``.
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Mapping

# Whatever stands before it: a comment may, and one header too many does no harm.
_INCLUDE = re.compile(rb'#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)')


def included_names(content: bytes, *, everywhere: bool = False) -> tuple[str, ...]:
    """The names that ``content`` includes locally, or at all, as it says them, each once."""
    found = dict.fromkeys(
        local or other
        for local, other in _INCLUDE.findall(content)
        if local or (other and everywhere)
    )
    return tuple(name.decode("utf-8", "surrogateescape") for name in found)


def resolved(path: str, names: Iterable[str], *, everywhere: bool = False) -> set[str]:
    """Paths, from the root of the tree, of ``names`` that the file at ``path`` includes.

    They need not exist; paths that lead out of the tree are left out.
    """
    folders = [posixpath.dirname(path), *(["include"] if everywhere else [])]
    names = list(names)
    full = {posixpath.normpath(posixpath.join(folder, one)) for folder in folders for one in names}
    return {name for name in full if name != ".." and not name.startswith(("../", "/"))}


def graph(
    paths: Collection[str],
    names_of: Callable[[Collection[str]], Mapping[str, tuple[str, ...]]],
    *,
    everywhere: bool = False,
) -> dict[str, frozenset[str]]:
    """What each of ``paths``, and all that they lead to, includes.

    ``names_of`` answers what files include, and leaves out those that are not there.
    """
    found: dict[str, frozenset[str]] = {}
    todo = set(paths)
    while todo:
        said = names_of(todo)
        for path in todo:
            found[path] = frozenset(resolved(path, said.get(path, ()), everywhere=everywhere))
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
