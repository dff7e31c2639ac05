# SPDX-License-Identifier: GPL-2.0-or-later
"""The patterns of MAINTAINERS: files and directories (F, X), and regular expressions (N, K).

Pure, on bytes.  The rules are those of ``scripts/get_maintainer.pl``.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from series.maintainer_addresses import as_text
from series.maintainer_sections import MaintainersText
from series.perl_regex import compile_perl, required_literal

# --- files and directories --------------------------------------------------------------

# All that a regular expression, or a glob, gives a meaning to.  A dot has none: the
# script escapes it in file patterns.
_SPECIAL = re.compile(rb"[*?\[\](){}|+^$\\]")
# The letter; unless a character may become optional, or there are alternatives: the
# directory and the name that each match begins with, for sure.
_FILE_LINE = re.compile(
    rb"\n([FX]):[^\S\n]*+"
    rb"(?>(?:((?>(?:[^/\n*?\[\](){}|+^$\\]*+/)*))([^/\n*?\[\](){}|+^$\\]*+)"
    rb"(?=[^|+{\n]*+\n))?)"
)


@dataclass(frozen=True, slots=True)
class _FilePattern:
    """An ``F:`` or ``X:`` entry.

    A match starts with ``prefix``; ``regex`` is empty when there is nothing more to it.
    ``depth`` ranks the section: the deeper the pattern, the earlier its people are named.
    """

    offset: int
    excludes: bool
    prefix: bytes
    regex: bytes
    whole_directory: bool
    slashes: int
    depth: int
    shown: str

    def matches(self, path: bytes, slashes: int) -> bool:
        """Whether the pattern covers this path, which has so many slashes."""
        if not self.whole_directory and slashes != self.slashes:
            return False
        if not path.startswith(self.prefix):
            return False
        if not self.regex:
            return True
        compiled = compile_perl(b"^" + without_backtracking(self.regex), False)
        return compiled is not None and compiled.search(path) is not None


class Match(NamedTuple):
    """The entry that brings a section in: where it is, its rank, and the line as it is read."""

    offset: int
    depth: int
    shown: str


# A section that an X: line matches.  No entry comes after it.
EXCLUDED = Match(1 << 62, 0, "")


class FilePatterns:
    """All ``F:`` and ``X:`` lines, by the directory that their fixed part names.

    So only lines of a path's ancestors are looked at, and only those are taken apart.
    ``directories`` are those of the tree, or None when nothing is known of them.
    """

    def __init__(self, text: MaintainersText, directories: Container[str] | None) -> None:
        self._text = text
        self._directories = directories
        self._made: dict[int, tuple[_FilePattern, ...]] = {}
        self._lines: dict[bytes, list[re.Match[bytes]]] = {}
        lines = self._lines
        for line in _FILE_LINE.finditer(text.text):
            lines.setdefault(line[2] or b"", []).append(line)

    def matching(self, path: bytes) -> dict[int, Match]:
        """Sections that have a line for this path, by number, with the last such line.

        With an ``X:`` line among them, it is ``EXCLUDED``.
        """
        slashes = path.count(b"/")
        found: dict[int, Match] = {}
        for pattern in self._candidates(path):
            if pattern.matches(path, slashes):
                number = self._text.number_at(pattern.offset)
                known = found.get(number)
                if pattern.excludes:
                    found[number] = EXCLUDED
                elif known is None or known.offset < pattern.offset:
                    found[number] = Match(pattern.offset, pattern.depth, pattern.shown)
        return found

    def _candidates(self, path: bytes) -> Iterator[_FilePattern]:
        """The patterns whose fixed part allows for this path."""
        end = 0
        while True:
            for line in self._lines.get(path[:end], ()):
                fixed = line[3]
                if fixed is None or path.startswith(fixed, end):
                    yield from self._patterns(line)
            end = path.find(b"/", end) + 1
            if not end:
                return

    def _patterns(self, line: re.Match[bytes]) -> tuple[_FilePattern, ...]:
        offset = line.start()
        if offset not in self._made:
            self._made[offset] = self._make(line)
        return self._made[offset]

    def _make(self, line: re.Match[bytes]) -> tuple[_FilePattern, ...]:
        text = self._text.text
        start = line.end() if line[2] is None else line.start(2)
        value = text[start : text.index(b"\n", start)]
        letter, offset, directories = line[1], line.start(), self._directories
        shown = f"{as_text(letter)}: {as_text(value)}"
        regex = file_regex(value)
        if directories is not None and _names_directory(regex, directories):
            value, regex = value + b"/", regex + b"/"
        pattern = _file_pattern(letter, value, regex, offset, shown)
        plain = not (pattern.regex or pattern.whole_directory or b"." in pattern.prefix)
        if directories is not None or not plain:
            return (pattern,)
        # It covers all that is below, if there is such a directory.
        return (pattern, _file_pattern(letter, value + b"/", regex + b"/", offset, shown))


def file_regex(value: bytes) -> bytes:
    """A file pattern as the perl regular expression that the script makes of it."""
    return value.replace(b".", rb"\.").replace(b"*", b".*").replace(b"?", b".")


_GLOB = re.compile(rb"(?:[^\[\](){}|+^$\\]|\\\.|\[[\w-]+\])*")


def without_backtracking(regex: bytes) -> bytes:
    """A glob's regular expression that takes linear time.

    After a ``*``, the first place where what follows it is found is as good as any.
    """
    if not _GLOB.fullmatch(regex):
        return regex
    first, *others = regex.split(b".*")
    return first + b"".join(b"(?>.*?" + other + b")" for other in others)


def _file_pattern(
    letter: bytes, value: bytes, regex: bytes, offset: int, shown: str
) -> _FilePattern:
    prefix = _fixed_prefix(value)
    slashes = regex.count(b"/")
    whole_directory = regex.endswith(b"/")
    depth = slashes if whole_directory else slashes + 1
    return _FilePattern(
        offset=offset,
        excludes=letter == b"X",
        prefix=prefix,
        regex=b"" if prefix == value else regex,
        whole_directory=whole_directory,
        slashes=slashes,
        depth=-1 if regex.startswith(b".*") else depth,
        shown=shown,
    )


def _names_directory(regex: bytes, directories: Container[str]) -> bool:
    """Whether a pattern without a slash at its end is the path of a directory.

    The script asks the file system after it made a regular expression of the pattern: it
    never finds a directory that has a dot in its name, but takes ``?`` for the dot that is
    every directory's own name.
    """
    if not regex or regex.endswith(b"/"):
        return False
    path = posixpath.normpath(regex.decode("utf-8", "surrogateescape"))
    return path in directories or path in (".", "..")


def _fixed_prefix(value: bytes) -> bytes:
    """The part of a file pattern that each match begins with, for sure."""
    special = _SPECIAL.search(value)
    if special is None:
        return value
    if b"|" in value:
        return b""
    end = special.start()
    # These two may make the character before them optional.
    return value[: max(end - 1, 0)] if special[0] in b"+{" else value[:end]


# --- names and keywords -----------------------------------------------------------------

_REGEX_LINE = re.compile(rb"\n([NK]):[^\S\n]*+([^\n]+)")


@dataclass(frozen=True)
class Keyword:
    """An ``N:`` or ``K:`` entry: a perl regular expression, with /x; never an empty one."""

    offset: int
    letter: bytes
    regex: bytes

    @functools.cached_property
    def literal(self) -> bytes:
        return required_literal(self.regex)

    @property
    def shown(self) -> str:
        """The line as people read it."""
        return f"{as_text(self.letter)}: {as_text(self.regex)}"

    def is_in(self, text: bytes) -> bool:
        """Whether the pattern matches anywhere in ``text``, whose first line ``^`` means."""
        if self.literal not in text:
            return False
        compiled = compile_perl(self.regex, True)
        return compiled is not None and compiled.search(text) is not None


def read_keywords(text: MaintainersText) -> tuple[tuple[Keyword, ...], tuple[Keyword, ...]]:
    """The ``N:`` and the ``K:`` entries of the file."""
    found = [Keyword(line.start(), line[1], line[2]) for line in _REGEX_LINE.finditer(text.text)]
    names = tuple(keyword for keyword in found if keyword.letter == b"N")
    return names, tuple(keyword for keyword in found if keyword.letter == b"K")


_FILE_HEADER = re.compile(rb"\+\+\+\s+\S|---\s+\S")
# Lines that the script takes for something else than text, and looks for no keyword in.
_OTHER_LINE = re.compile(
    rb" mode change [0-7]+ => [0-7]+ \S+\s*$"
    rb"|rename (?:from|to) \S+\s*$"
    rb"|diff --git a/\S+ b/\S+\s*$"
    rb"|Fixes:\s+[0-9a-fA-F]{6,40}"
    rb"|@@ -\d+,\d+"
)
# What comes later in a longer line is not looked at, so that no pattern takes long.
_LINE_LIMIT = 1000


def keywords_of_patch(keywords: tuple[Keyword, ...], patch: bytes) -> list[Keyword]:
    """The ``K:`` entries that a patch matches.

    Before the first ``---`` or ``+++`` line with a name, a line matches anywhere.  After
    it the script puts "starts with + or -" before the pattern, which binds to the first
    alternative only: the others match in context lines, too.
    """
    intro, body = _text_lines(patch)
    found = []
    for keyword in keywords:
        if keyword.literal not in patch:
            continue
        plain = compile_perl(keyword.regex, True)
        changed = compile_perl(keyword.regex, True, rb"^[+-].*")
        if plain is None or changed is None:
            continue
        if any(map(plain.search, intro)) or any(map(changed.search, body)):
            found.append(keyword)
    return found


def _text_lines(patch: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines of a patch to look for keywords in: those of the message, and the others."""
    intro: list[bytes] = []
    body: list[bytes] = []
    lines = intro
    for line in re.findall(rb"[^\n]*\n|[^\n]+", patch):
        if _OTHER_LINE.match(line):
            continue
        if _FILE_HEADER.match(line):
            lines = body
        else:
            lines.append(line[:_LINE_LIMIT])
    return intro, body
