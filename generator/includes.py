"""Which headers of the tree spatch reads with a file: its local includes.

Pure.  spatch follows ``#include "x.h"`` from the directory of the file that says
so, because types declared there decide what some rules match.
"""

import posixpath
import re

_LOCAL = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


def local_includes(path: str, content: bytes) -> set[str]:
    """The paths, from the root of the tree, that ``content`` of ``path`` includes locally.

    They need not exist; paths that lead out of the tree are left out.
    """
    folder = posixpath.dirname(path)
    found = set()
    for name in _LOCAL.findall(content):
        full = posixpath.normpath(posixpath.join(folder, name.decode("utf-8", "surrogateescape")))
        if not full.startswith(("../", "/")):
            found.add(full)
    return found
