"""What the outcome of a rule on a file follows from: contents, by git's blob ids.

A file is known by its path, its blob and the blobs of the headers that spatch reads with it,
without a byte of it being read.
"""

import hashlib
from collections.abc import Collection, Iterable

from generator import includes
from generator.results import Store
from generator.tree import Worktree

_LINK = "120000"
# Of what is remembered here; another number when it means something else.
_INCLUDES = b"includes 1\0"
_OUTCOME = b"outcome 1\0"


class Sources:
    """The files of a worktree as its index has them now, and what they include."""

    def __init__(self, worktree: Worktree, store: Store, paths: Collection[str]) -> None:
        """Look up ``paths`` and all headers that they lead to."""
        self._worktree = worktree
        self._store = store
        self._entries = worktree.entries()
        self._includes = includes.graph(paths, self._names)

    def files(self, paths: Iterable[str]) -> list[str]:
        """``paths`` and the headers that spatch reads with them, as far as they are in the tree."""
        every = {name for path in paths for name in (path, *self._reached(path))}
        return sorted(name for name in every if name in self._entries)

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
        known = {path: self._entries[path] for path in paths if path in self._entries}
        blobs = {path: blob for path, (mode, blob) in known.items() if mode != _LINK}
        keys = {blob: hashlib.sha256(_INCLUDES + blob.encode()).digest() for blob in blobs.values()}
        said = self._store.get(keys.values())
        missing = [blob for blob, key in keys.items() if key not in said]
        fresh = {
            keys[blob]: "\n".join(includes.included_names(content)).encode(
                "utf-8", "surrogateescape"
            )
            for blob, content in self._worktree.blobs(missing).items()
        }
        if fresh:
            self._store.put(fresh)
        said |= fresh
        names = {
            blob: tuple(said[key].decode("utf-8", "surrogateescape").split("\n"))
            for blob, key in keys.items()
            if said.get(key)
        }
        return {path: names.get(blob, ()) for path, blob in blobs.items()}
