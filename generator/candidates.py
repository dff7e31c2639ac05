"""Which files of a worktree hold the words of a rule, and the lines that do.

To search what is committed takes git ten times as long as to search files: it has to
inflate every blob.  So the user's own files are searched, as far as git says that they are
what the base has, and the blobs of the others.  Rules can begin with what the first, quick
look at the C files finds; ``Lookup.settle`` has the truth.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from generator.errors import ProgramError
from generator.ledger import words_pattern
from generator.results import Store
from generator.tree import Entry, Worktree

Lines = Mapping[str, Sequence[str]]

_C_FILES = (".c", ".h")
# More files than that which are not as in the base are no longer looked at one by one.
_MANY = 3000
_AT_A_TIME = 128
# More words than that are slower to search for together than rule by rule.
_TOGETHER = 40
# Of what is remembered here; another number when it means something else.
_KEY = b"candidates 1\0"


@dataclass(frozen=True)
class _Quick:
    """What the user's C files hold, and what the index was like before they were searched."""

    index: tuple[int, ...]
    lines: Lines


class Lookup:
    """A search that has begun: ``early`` are C files that probably hold a word, and the lines."""

    def __init__(self, early: Mapping[str, str], settled: Future[dict[str, str]]) -> None:
        self.early = early
        self._settled = settled

    def settle(self) -> dict[str, str]:
        """Every tracked file with one of the words, by path: the lines that hold it.

        Lines are latin-1, a byte a character.  Raises ``ProgramError`` when git fails.
        """
        return self._settled.result()


class Candidates:
    """Searches in a worktree, as its index has the files now."""

    def __init__(self, worktree: Worktree, store: Store) -> None:
        self._worktree = worktree
        self._tree, self._base = worktree.origin
        self._store = store
        # What the base holds, by the paths and words that were searched for.
        self._known: dict[tuple[tuple[str, ...], frozenset[str]], Lines] = {}
        # The same of its C files alone, where nobody asked for others.
        self._known_c: dict[tuple[tuple[str, ...], frozenset[str]], Lines] = {}

    @contextlib.contextmanager
    def lookup(
        self, words: Sequence[str], paths: Sequence[str], *, only_c: bool = False
    ) -> Iterator[Lookup]:
        """Search for whole ``words`` below ``paths`` (none: everywhere).

        No words means every C file, without a line.  ``only_c`` leaves out other files.
        """
        paths = _plain(paths)
        settled: Future[dict[str, str]]
        with ThreadPoolExecutor(1) as executor:
            known_c = self._known_c.get((paths, frozenset(words))) if only_c else None
            if known_c is not None and not self._worktree.made:
                settled = Future()
                settled.set_result(_joined(known_c))
                yield Lookup(settled.result(), settled)
            elif not words or self._worktree.made or self._recall(words, paths) is not None:
                settled = Future()
                settled.set_result(self._now(words, paths))
                yield Lookup(settled.result(), settled)
            else:
                quick = self._quick(words, paths)
                settled = executor.submit(self._settled, words, paths, quick, only_c)
                yield Lookup(_joined(quick.lines if quick else {}), settled)

    def ahead(self, searches: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
        """Search once for what several rules will ask for: words, and paths to search.

        One rule alone is not searched for: it can begin before its search has ended.
        """
        together: dict[tuple[str, ...], set[str]] = {}
        every = [(words, _plain(paths)) for words, paths in searches if words]
        for words, paths in every if len(every) > 1 else ():
            if self._recall(words, paths) is None:
                together.setdefault(paths, set()).update(words)
        # The whole tree first: a search of all of it answers for its parts.
        for paths, sought in sorted(together.items()):
            if len(sought) <= _TOGETHER and self._recall(sorted(sought), paths) is None:
                with self.lookup(sorted(sought), paths) as lookup:
                    lookup.settle()

    def c_files(self, paths: Sequence[str]) -> list[str]:
        """All C files below ``paths`` (none: everywhere)."""
        return list(self._now((), _plain(paths)))

    def _now(self, words: Sequence[str], paths: tuple[str, ...]) -> dict[str, str]:
        """What the index holds: what the base does, but for the files that were changed since."""
        changes = self._worktree.changes()
        if not words:
            names = [
                *(name for name in self._tree.names(self._base, paths) if name not in changes),
                *(name for name in changes if changes[name] and _below(name, paths)),
            ]
            return {name: "" for name in sorted(names) if name.endswith(_C_FILES)}
        found = self._recall(words, paths)
        if found is None:
            found = self._settle(words, paths, self._quick(words, paths))
        changed = {name: entry for name, entry in changes.items() if _below(name, paths)}
        kept = {name: lines for name, lines in found.items() if name not in changed}
        return _joined(kept | self._in_blobs(words, changed))

    def _settled(
        self, words: Sequence[str], paths: tuple[str, ...], quick: "_Quick | None", only_c: bool
    ) -> dict[str, str]:
        if only_c and quick:
            found = self._on_disk_and_base(words, quick, {}, _c_specs(paths))
            if found is not None:
                found = {k: v for k, v in found.items() if k.endswith(_C_FILES)}
                self._known_c[paths, frozenset(words)] = found
                return _joined(found)
        return _joined(self._settle(words, paths, quick))

    def _settle(
        self, words: Sequence[str], paths: tuple[str, ...], quick: "_Quick | None"
    ) -> Lines:
        """What the base holds; ``quick`` is what its C files do on disk, if that is known."""
        found: Lines | None = None
        if quick:
            no_c = [f":(exclude)*{end}" for end in _C_FILES]
            others = self._on_disk(words, [*_literal(paths), *no_c])
            found = self._on_disk_and_base(words, quick, others, _literal(paths))
        if found is None:
            found = self._tree.grep(words, _literal(paths), self._base)
        self._remember(words, paths, found)
        return found

    def _on_disk_and_base(
        self, words: Sequence[str], quick: "_Quick", others: Lines | None, specs: Sequence[str]
    ) -> Lines | None:
        """What files hold that are the base's, and the base of the others; ``None``: not known."""
        # Asked for last, so that what the user saves in the meantime is seen.
        unlike = self._unlike(specs) if others is not None else None
        if others is None or unlike is None or len(unlike) > _MANY:
            return None
        # What git has written to in the meantime may have been unlike when it was searched.
        if self._tree.index_state() != quick.index:
            return None
        same = {k: v for k, v in {**quick.lines, **others}.items() if k not in unlike}
        return same | self._in_blobs(words, self._entries(sorted(unlike)))

    def _quick(self, words: Sequence[str], paths: tuple[str, ...]) -> "_Quick | None":
        index = self._tree.index_state()
        found = self._on_disk(words, _c_specs(paths))
        return None if found is None or index is None else _Quick(index, found)

    def _on_disk(self, words: Sequence[str], specs: Sequence[str]) -> Lines | None:
        """What the user's files hold; ``None`` where there are none or git cannot say."""
        if self._tree.bare:
            return None
        with contextlib.suppress(ProgramError):
            return self._tree.grep(words, specs)
        return None

    def _unlike(self, specs: Sequence[str]) -> frozenset[str] | None:
        with contextlib.suppress(ProgramError):
            return self._tree.unlike(self._base, specs)
        return None

    def _entries(self, names: Sequence[str]) -> dict[str, Entry]:
        folders = {name.rpartition("/")[0] for name in names}
        listed = self._tree.entries(self._base, folders)
        return {name: listed[name] for name in names if name in listed}

    def _in_blobs(
        self, words: Sequence[str], entries: Mapping[str, Entry | None]
    ) -> dict[str, Sequence[str]]:
        """The lines with a word in files that are looked at one by one; links are left out."""
        pattern = re.compile(words_pattern(words).pattern.encode())
        there = [
            (name, entry.blob) for name, entry in sorted(entries.items()) if entry and entry.plain
        ]
        found: dict[str, Sequence[str]] = {}
        for start in range(0, len(there), _AT_A_TIME):
            part = there[start : start + _AT_A_TIME]
            contents = self._tree.blobs({blob for _, blob in part})
            for name, blob in part:
                if lines := _lines(contents.get(blob, b""), pattern):
                    found[name] = lines
        return found

    def _recall(self, words: Sequence[str], paths: tuple[str, ...]) -> Lines | None:
        """What is known of the base: from this run, maybe by a wider search, or a run before."""
        for (where, sought), lines in self._known.items():
            if where in (paths, ()) and sought >= set(words):
                if where == paths and sought == set(words):
                    return lines
                return _narrowed(lines, words, paths)
        key = self._key(words, paths)
        with contextlib.suppress(KeyError, ValueError):
            self._known[paths, frozenset(words)] = json.loads(self._store.get([key])[key])
            return self._known[paths, frozenset(words)]
        return None

    def _remember(self, words: Sequence[str], paths: tuple[str, ...], lines: Lines) -> None:
        self._known[paths, frozenset(words)] = lines
        self._store.put({self._key(words, paths): json.dumps(lines).encode()})

    def _key(self, words: Sequence[str], paths: tuple[str, ...]) -> bytes:
        facts = json.dumps([self._tree.tree_of(self._base), sorted(set(words)), sorted(paths)])
        return hashlib.sha256(_KEY + facts.encode()).digest()


def _lines(content: bytes, pattern: re.Pattern[bytes]) -> list[str]:
    if not pattern.search(content):
        return []
    return [line.decode("latin-1") for line in content.split(b"\n") if pattern.search(line)]


def _narrowed(lines: Lines, words: Sequence[str], paths: tuple[str, ...]) -> Lines:
    """Of what a wider search found: what a search for ``words`` below ``paths`` finds."""
    pattern = words_pattern(words)
    found = {
        name: [line for line in every if pattern.search(line)]
        for name, every in lines.items()
        if _below(name, paths)
    }
    return {name: every for name, every in found.items() if every}


def _joined(lines: Lines) -> dict[str, str]:
    return {name: "\n".join(every) for name, every in sorted(lines.items())}


def _below(name: str, paths: Collection[str]) -> bool:
    return not paths or any(name == path or name.startswith(f"{path}/") for path in paths)


def _plain(paths: Sequence[str]) -> tuple[str, ...]:
    """Paths as trees have them; none for the whole tree."""
    return () if "." in paths else tuple(path.rstrip("/") for path in paths)


def _literal(paths: Iterable[str]) -> list[str]:
    return [f":(literal){path}" for path in paths]


def _c_specs(paths: Sequence[str]) -> list[str]:
    return [spec for path in paths or ("",) for spec in _c(path)]


def _c(path: str) -> list[str]:
    """Pathspecs of the C files that ``path`` is or holds."""
    if path.endswith(_C_FILES):
        return [f":(literal){path}"]
    folder = re.sub(r"([\\*?\[\]])", r"\\\1", path)
    prefix = f"{folder}/" if folder else ""
    return [f":(glob){prefix}**/*{end}" for end in _C_FILES]
