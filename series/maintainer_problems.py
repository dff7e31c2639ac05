# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with a MAINTAINERS file: each line that cannot be used, and why.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from series.maintainer_addresses import as_text, list_words, split
from series.maintainer_patterns import file_regex, without_backtracking
from series.maintainer_sections import Line, MaintainersText
from series.perl_regex import BAD_PATTERN, translate


def find(text: MaintainersText) -> tuple[str, ...]:
    """One text for each problem, with its line, in the order of the file."""
    found = list(_of_encoding(text.text[1:-1]))
    for number in text.all_sections():
        section = text.raw(number)
        title = None if section.title else section.lines[0]
        for line in section.lines:
            if what := _of_pattern(line) or (_of_address(line) if line is not title else ""):
                found.append((text.line_number(line.offset), what))
    return tuple(f"line {number}: {what}" for number, what in sorted(found))


def _of_encoding(text: bytes) -> Iterator[tuple[int, str]]:
    """The lines that are no UTF-8, and the first carriage return, which patterns keep."""
    if b"\r\n" in text:
        yield text[: text.index(b"\r\n")].count(b"\n") + 1, "line ends in CR LF"
    if _is_utf8(text):
        return
    for number, line in enumerate(text.split(b"\n"), 1):
        if not _is_utf8(line):
            yield number, "not valid UTF-8"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _of_pattern(line: Line) -> str:
    """Why the pattern of an F:, X:, N: or K: line cannot be used; empty if it can."""
    letter, value = as_text(line.letter), line.value
    if letter not in ("F", "X", "N", "K"):
        return ""
    extended = letter in ("N", "K")
    if extended and not value:
        # In perl, an empty pattern means "the last one that matched", whatever that was.
        return f"{letter}: has no pattern"
    try:
        translate(value if extended else without_backtracking(file_regex(value)), extended)
    except BAD_PATTERN as error:
        return f"{letter}: {as_text(value)}: {error}"
    return ""


def _of_address(line: Line) -> str:
    letter, value = as_text(line.letter), line.value
    if letter not in ("L", "M", "R"):
        return ""
    mail = list_words(value)[0] if letter == "L" else value
    return "" if split(mail)[1] else f"{letter}: has no address: {as_text(value)}"
