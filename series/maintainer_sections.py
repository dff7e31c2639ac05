# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines and sections of a MAINTAINERS file.

Pure, on bytes.  A section is a title and the typed lines (``X: value``) that follow it up
to the next line that is neither typed, nor blank, nor a comment.  Of 20,000 lines a
series asks for a few dozen, so only the titles are found at once; a section is read when
it is asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from series.maintainer_addresses import as_text

_TITLE_LIMIT = 50

# One line break before every line makes these searches for a literal, which are fast.
_TITLE = re.compile(rb"\n(?![A-Z]:)[^\S\n]*+[^\s#]")
_TYPED = re.compile(rb"\n([A-Z]):[^\S\n]*+([^\n]*+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``X: value`` line of a section."""

    letter: str
    value: str
    line: int


@dataclass(frozen=True)
class Section:
    """One section: its title, the last ``S:`` value, its entries, the title's line number."""

    title: str
    status: str
    entries: tuple[Entry, ...]
    line: int

    def values(self, letter: str) -> tuple[str, ...]:
        """The values of all entries with this letter, in the order of the file."""
        return tuple(entry.value for entry in self.entries if entry.letter == letter)


@dataclass(frozen=True, slots=True)
class Line:
    """One typed line, and where in the text it begins."""

    letter: bytes
    value: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class RawSection:
    """A section as bytes: a title, or none, and the typed lines after it."""

    title: bytes
    offset: int
    lines: tuple[Line, ...]

    @property
    def contacts(self) -> tuple[Line, ...]:
        """The lines that may name contacts: all, but without a title the first stands for it."""
        return self.lines if self.title else self.lines[1:]

    @property
    def heading(self) -> bytes:
        """The title, cut as the script cuts it for roles."""
        first = self.lines[0]
        title = self.title or first.letter + b":" + first.value
        if len(title) > _TITLE_LIMIT:
            title = title[: _TITLE_LIMIT - 3].rstrip() + b"..."
        return title


class MaintainersText:
    """The text of the file, read section by section.

    Offsets are those of the line break before a line, in ``text``.  Sections have numbers
    in the order of the file; number 0 is what comes before the first title.
    """

    def __init__(self, text: bytes) -> None:
        self.text = b"\n" + text + b"\n"
        self._titles = [title.start() for title in _TITLE.finditer(self.text)]
        self._raw: dict[int, RawSection] = {}
        self._sections: dict[int, Section] = {}

    def number_at(self, offset: int) -> int:
        """The number of the section that the line at ``offset`` is in."""
        return bisect_right(self._titles, offset)

    def raw(self, number: int) -> RawSection:
        """The section with this number, as bytes."""
        if number not in self._raw:
            self._raw[number] = self._read(number)
        return self._raw[number]

    def section(self, number: int) -> Section:
        """The section with this number, as callers see it."""
        if number not in self._sections:
            raw = self.raw(number)
            entries = []
            at, line_number = raw.offset, self.line_number(raw.offset)
            for line in raw.lines:
                line_number += self.text.count(b"\n", at, line.offset)
                at = line.offset
                entries.append(Entry(as_text(line.letter), as_text(line.value), line_number))
            status = [entry.value for entry in entries if entry.letter == "S"]
            self._sections[number] = Section(
                as_text(raw.title),
                status[-1] if status else "",
                tuple(entries),
                self.line_number(raw.offset),
            )
        return self._sections[number]

    def all_sections(self) -> Iterator[int]:
        """The numbers of the sections that have a typed line."""
        return (number for number in range(len(self._titles) + 1) if self.raw(number).lines)

    def line_number(self, offset: int) -> int:
        """The number of the line at ``offset``, from 1."""
        return self.text.count(b"\n", 0, offset + 1)

    def serial(self, offset: int) -> int:
        """How many lines that are not blank or comment come before the one at ``offset``."""
        typed = sum(1 for _ in _TYPED.finditer(self.text, 0, offset))
        return self.number_at(offset) + typed

    def _read(self, number: int) -> RawSection:
        text, titles = self.text, self._titles
        start = titles[number - 1] if number else 0
        end = titles[number] if number < len(titles) else len(text)
        lines = tuple(
            Line(typed[1], typed[2], typed.start()) for typed in _TYPED.finditer(text, start, end)
        )
        title = text[start + 1 : text.index(b"\n", start + 1)] if number else b""
        return RawSection(title, start, lines)
