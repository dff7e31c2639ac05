"""What the outcome of a rule on a file follows from: contents, by git's blob ids.

A file is known by its path, its blob and the blobs of the headers that spatch reads with it,
without a byte of it being read.  Where spatch is to read them they are written out, below a
directory that is no worktree: no index has to follow.
"""

import hashlib
import posixpath
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from generator import includes
from generator.results import Store
from generator.spatch import outside
from generator.tree import Entry, Worktree

_AT_A_TIME = 128  # what git says of so many files is held twice for a moment
# Of what is remembered here; another number when it means something else.
_INCLUDES = (b"includes 2\0", b"all includes 2\0")
_OUTCOME = b"outcome 2\0"
# Links on the way to a file, as the kernel has them (Linux: 40).
_LINKS = 8


class Shelf:
    """Files of a tree, below a directory of their own, to be read.

    No links: who writes a file where a link was would write to where it leads.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir(exist_ok=True)
        self._there: dict[str, str] = {}
        self._lock = threading.Lock()

    def put(self, worktree: Worktree, wanted: Mapping[str, Entry | None]) -> None:
        """Write out what is not there yet, and take away what is ``None`` or a link."""
        with self._lock:
            todo = {path: entry.blob for path, entry in wanted.items() if entry and entry.plain}
            for path in self._there.keys() & wanted.keys() - todo.keys():
                (self.root / path).unlink(missing_ok=True)
                del self._there[path]
            lacking = [path for path in todo if self._lacks(path, todo[path])]
            for start in range(0, len(lacking), _AT_A_TIME):
                part = lacking[start : start + _AT_A_TIME]
                contents = worktree.blobs({todo[path] for path in part})
                for path in part:
                    if todo[path] in contents:
                        self._write(path, contents[todo[path]])
                        self._there[path] = todo[path]

    def _lacks(self, path: str, blob: str) -> bool:
        # A tree that somebody made by hand may have a file "../x".
        return self._there.get(path) != blob and not outside(path)

    def _write(self, path: str, content: bytes) -> None:
        place = self.root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            # What was a file is a directory now, or the other way round.
            self._make_way(place)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def _make_way(self, place: Path) -> None:
        """Remove what is in the way of a file: what was one, or a directory."""
        for one in (place, *place.relative_to(self.root).parents):
            one = self.root / one
            if one == self.root:
                break
            if one.is_dir() and one == place:
                shutil.rmtree(one)
            elif one.is_file():
                one.unlink()
        self._there = {path: blob for path, blob in self._there.items() if self._has(path)}

    def _has(self, path: str) -> bool:
        return (self.root / path).is_file()


Blobs = Callable[[Collection[str]], Mapping[str, bytes]]


def _led(path: str, links: Mapping[str, Entry], targets: Mapping[str, bytes]) -> str:
    """Where the first link on the way of ``path`` leads; empty for out of the tree."""
    parts = path.split("/")
    for at in range(len(parts)):
        link = links.get("/".join(parts[: at + 1]))
        if link and link.blob in targets:
            target = targets[link.blob].decode("utf-8", "surrogateescape")
            led = posixpath.normpath("/".join([*parts[:at], target, *parts[at + 1 :]]))
            return "" if target.startswith("/") or led.startswith("..") else led
    return ""


class Listing:
    """Mode and blob of the files of a worktree, as its index has them at one time."""

    def __init__(self, worktree: Worktree) -> None:
        self._tree, self._base = worktree.origin
        self._changes = worktree.changes()
        self._folders: dict[str, dict[str, Entry]] = {}

    def refresh(self, worktree: Worktree) -> None:
        """See what was staged since."""
        self._changes = worktree.changes()

    def entries(self, paths: Collection[str]) -> dict[str, Entry]:
        """Those of ``paths`` that are files."""
        self._read({path.rpartition("/")[0] for path in paths} - self._folders.keys())
        found = {}
        for path in paths:
            known = self._folders[path.rpartition("/")[0]].get(path)
            entry = self._changes.get(path, known) if self._changes else known
            if entry:
                found[path] = entry
        return found

    def followed(self, paths: Collection[str], blobs: Blobs) -> dict[str, Entry]:
        """Those of ``paths`` that are files, or lead to one by symbolic links in the tree."""
        found: dict[str, Entry] = {}
        ends = {path: path for path in paths}
        for _ in range(_LINKS):
            entries = self.entries(ends.values())
            done = {path for path, end in ends.items() if end in entries and entries[end].plain}
            found |= {path: entries[ends[path]] for path in done}
            ends = {path: end for path, end in ends.items() if path not in done}
            links = self._links(ends.values())
            if not links:
                break
            targets = blobs({entry.blob for entry in links.values()})
            ends = {
                path: led
                for path, end in ends.items()
                if (led := _led(end, links, targets)) and led != end
            }
        return found

    def _links(self, paths: Iterable[str]) -> dict[str, Entry]:
        """The symbolic links that ``paths`` are, or have on their way."""
        ways = {
            "/".join(parts[: at + 1])
            for parts in (path.split("/") for path in paths)
            for at in range(len(parts))
        }
        return {path: entry for path, entry in self.entries(ways).items() if not entry.plain}

    def _read(self, folders: set[str]) -> None:
        if not folders:
            return
        self._folders |= {folder: {} for folder in folders}
        for path, entry in self._tree.entries(self._base, folders).items():
            self._folders.setdefault(path.rpartition("/")[0], {})[path] = entry


class Sources:
    """Files of a worktree as its index has them now, and what they include."""

    def __init__(
        self,
        worktree: Worktree,
        listing: Listing,
        store: Store,
        shelf: Shelf,
        paths: Collection[str],
        *,
        everywhere: bool = False,
    ) -> None:
        """Look up ``paths`` and all headers that they lead to; ``everywhere``: also ``<x.h>``."""
        self._everywhere = everywhere
        self._worktree = worktree
        self._listing = listing
        self._store = store
        self._shelf = shelf
        self._entries: dict[str, Entry] = {}
        self._includes = includes.graph(paths, self._names, everywhere=everywhere)

    @property
    def root(self) -> Path:
        """The directory that ``write_out`` writes below."""
        return self._shelf.root

    def links(self, paths: Iterable[str]) -> list[str]:
        """Those of ``paths`` that are symbolic links."""
        found = self._listing.entries(list(paths))
        return [path for path, entry in found.items() if not entry.plain]

    def write_out(self, paths: Sequence[str], /) -> None:
        """See that ``paths`` and their headers are below ``root``; links as what they lead to.

        Raises ``OSError`` when they cannot be written.
        """
        wanted = {name: self._entries.get(name) for name in self._with_headers(paths)}
        self._shelf.put(self._worktree, wanted)

    def contents(self, paths: Sequence[str], /) -> dict[str, bytes]:
        """``paths`` and their headers, by path; links as what they lead to."""
        known = {name: self._entries.get(name) for name in self._with_headers(paths)}
        ids = {name: entry.blob for name, entry in known.items() if entry}
        blobs = self._worktree.blobs(set(ids.values()))
        return {name: blobs[blob] for name, blob in ids.items() if blob in blobs}

    def _with_headers(self, paths: Iterable[str]) -> list[str]:
        return sorted({name for path in paths for name in (path, *self._reached(path))})

    def key(self, path: str, fingerprint: bytes) -> bytes:
        """The digest of all that the outcome for ``path`` follows from.

        ``fingerprint`` is of everything but the files.
        """
        digest = hashlib.sha256(_OUTCOME + fingerprint)
        for name in (path, *sorted(self._reached(path))):
            mode, blob = self._entries.get(name, ("", ""))
            digest.update(f"{name}\0{mode} {blob}\0".encode("utf-8", "surrogateescape"))
        return digest.digest()

    def _reached(self, path: str) -> set[str]:
        return includes.reached(path, self._includes)

    def _names(self, paths: Collection[str]) -> dict[str, tuple[str, ...]]:
        """What each of ``paths`` includes, where it is a file."""
        known = self._listing.followed(paths, self._worktree.blobs)
        self._entries |= known
        blobs = {path: entry.blob for path, entry in known.items()}
        kind = _INCLUDES[self._everywhere]
        keys = {blob: hashlib.sha256(kind + blob.encode()).digest() for blob in blobs.values()}
        said = self._store.get(keys.values())
        missing = [blob for blob, key in keys.items() if key not in said]
        fresh: dict[bytes, bytes] = {}
        for start in range(0, len(missing), _AT_A_TIME):
            contents = self._worktree.blobs(missing[start : start + _AT_A_TIME])
            for blob, content in contents.items():
                every = includes.included_names(content, everywhere=self._everywhere)
                said_there = "\n".join(every)
                fresh[keys[blob]] = said_there.encode("utf-8", "surrogateescape")
        if fresh:
            self._store.put(fresh)
        said |= fresh
        names = {
            blob: tuple(said[key].decode("utf-8", "surrogateescape").split("\n"))
            for blob, key in keys.items()
            if said.get(key)
        }
        return {path: names.get(blob, ()) for path, blob in blobs.items()}
