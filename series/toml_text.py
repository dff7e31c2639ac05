"""A TOML text in its pieces, so that one can be changed and the others stay as they are: pure.

Tokens and tables as https://toml.io/en/v1.0.0 has them.  The text must be valid TOML with
line feeds only; nothing here parses values.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# What separates tokens, and strings, in which nothing is a bracket, a comment or a line end.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>\"{3}(?>(?:[^"\\]|\\.|"(?!""))*)"{3,5} | '{3}(?>(?:[^']|'(?!''))*)'{3,5}
        | "(?>(?:[^"\\\n]|\\.)*)" | '[^'\n]*+')
    |(?P<open>[\[{]) | (?P<close>[\]}]) | (?P<comma>,)
    |(?P<end>\n) | (?P<blank>[ \t]+) | (?P<word>[^\s"'\#\[\]{},]+)""",
    re.VERBOSE | re.DOTALL,
)
_SILENT = ("comment", "end", "blank")
# Comments right below a statement, and the blank lines that part them from what follows.
_PARTED = re.compile(r"((?:[ \t]*#[^\n]*\n)*)((?:[ \t]*\n)+)")
_ATTACHED = re.compile(r"(?:[ \t]*#[^\n]*(?:\n|\Z))*\Z")


@dataclass(frozen=True)
class Section:
    """A table's header and the statements below it.

    ``lead`` are the comments above that belong to it, ``body`` is from the header to the
    last statement and the comments right below that, ``gap`` the blank lines behind it.
    ``path`` is the table's name, empty for what is above the first and below the last table;
    ``array`` says that it is an element of an array of tables.
    """

    path: tuple[str, ...]
    array: bool
    lead: str
    body: str
    gap: str

    @property
    def text(self) -> str:
        """All of it."""
        return self.lead + self.body + self.gap


def sections(text: str) -> list[Section]:
    """The sections of ``text``, in order; their texts together are ``text``."""
    made: list[Section] = []
    path: tuple[str, ...] = ()
    array, lead = False, ""
    start = 0  # of what the next section's body begins with
    for header, before in _headers(text):
        at_end, gap = header == len(text), text[before:header]
        if before == 0:  # no statement yet: what heads the file stays there
            tail, blank = _ATTACHED.sub("", gap), ""
        else:
            found = _PARTED.match(gap)
            tail, blank = found.groups() if found else (gap if at_end else "", "")
        made.append(Section(path, array, lead, text[start:before] + tail, blank))
        lead, start = gap[len(tail + blank) :], header
        if not at_end:
            path, array = _name(text[header:].split("\n", 1)[0])
    made.append(Section((), False, lead, "", ""))
    return [one for one in made if one.text]


def _headers(text: str) -> Iterator[tuple[int, int]]:
    """Where each header's line begins, and where the line of the statement before it ends.

    Ends with the same for the end of the text.
    """
    depth = line = before = 0
    fresh = True  # nothing of a statement was in this line
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if kind == "end" and depth == 0:
            before = before if fresh else token.end()
            fresh, line = True, token.end()
        elif kind not in _SILENT:
            if kind == "open" and fresh:
                yield line, before
            fresh = False
            depth += (kind == "open") - (kind == "close")
    yield len(text), before if fresh else len(text)


def _name(header: str) -> tuple[tuple[str, ...], bool]:
    """The name of the table that a header line begins, and whether it is one of an array."""
    path: list[str] = []
    value: Any = tomllib.loads(header)
    while isinstance(value, dict) and value:
        (key, value), *_ = value.items()
        path.append(key)
    return tuple(path), isinstance(value, list)


def appended(array: str, values: Sequence[str]) -> str:
    """The text of an array with further ``values``; what is there stays, comments too."""
    close = array.rindex("]")
    depth, last, comma, kept = 0, 1, True, False
    indent = None
    for token in _TOKEN.finditer(array, 0, close):
        kind = token.lastgroup or ""
        if kind in _SILENT:
            continue
        if depth == 1 and kind != "comma" and indent is None:
            found = re.search(r"\n([ \t]*)\Z", array[: token.start()])
            indent = found[1] if found else None
        depth += (kind == "open") - (kind == "close")
        if token.end() > 1:
            last, comma, kept = token.end(), kind == "comma" and depth == 1, True
    head = array[:last] + ("" if comma else ",")
    trailing = "," if comma and kept else ""
    if "\n" in array[last:close]:
        line = array.rindex("\n", 0, close) + 1
        pad = "    " if indent is None else indent
        rows = ",\n".join(f"{pad}{value}" for value in values)
        return f"{head}{array[last:line]}{rows}{trailing}\n{array[line:]}"
    pad = f"\n{indent}" if indent is not None else " " if kept else ""
    rows = f",{pad or ' '}".join(values)
    return f"{head}{pad}{rows}{trailing}{array[last:]}"
