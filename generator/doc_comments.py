"""The text of one kernel-doc comment: its headline, and its descriptions ``@name: text``.

Pure.  A comment is taken apart into lines (``split_lines``), on which every edit works,
and put together again (``join_lines``).  The format is that of
Documentation/doc-guide/kernel-doc.rst of the kernel, read as scripts/kernel-doc reads it;
what is added takes over the style of its neighbours.  Texts are latin-1, in which every
byte is a character, so white space and words are those of ASCII and lines end at ``\\n``.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_WIDTH = 80
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CLOSING = re.compile(r"[ \t]*\*+/\Z")
# doc_sect of scripts/kernel-doc; "@name - text" is no kernel-doc, but what people meant by it.
_ENTRY = re.compile(
    r"([ \t]*\*[ \t]*@)([\w.]+)([ \t]*:)(?!:)([ \t]*)(.*)"
    r"|([ \t]*\* @)([\w.]+)([ \t]+-(?=[ \t]))([ \t]*)(.*)",
    re.ASCII | re.DOTALL,
)
_SECTION = re.compile(
    r"[ \t]*\*[ \t]*(?:description|context|returns?|notes?|examples?)[ \t]*:(?!:)"
    r"|[ \t]*\*[ \t]?returns?\b",
    re.ASCII | re.IGNORECASE,
)
_HEADING = re.compile(r"[ \t]*\*[ \t]?[A-Z][\w /-]*:(?:[ \t\r]|\Z)", re.ASCII)
_BLANK = re.compile(r"[ \t]*\*?[ \t\r]*\Z")
_INDENTED = re.compile(r"[ \t]*\*[ \t]{2,}[^ \t\r]")
_LEAD = re.compile(r"[ \t]*\*?[ \t]*")


@dataclass(frozen=True)
class Line:
    """A line of a comment, without its newline, and whether it is not as it was."""

    text: str
    changed: bool = False


@dataclass(frozen=True)
class Entry:
    """A description ``@name: text`` on the lines from ``first`` up to ``last``.

    ``prefix`` is all up to the colon and ``gap`` the white space after it; ``text`` is
    that of the first line.
    """

    first: int
    last: int
    name: str
    prefix: str
    gap: str
    text: str

    @property
    def key(self) -> str:
        """The name; a variable argument documented as ``args...`` is ``args``."""
        return self.name.removesuffix("...") or self.name

    @property
    def width(self) -> int:
        """The column after the colon."""
        return _columns(self.prefix)

    @property
    def column(self) -> int:
        """The column of the text, or 0 when the text begins on the next line."""
        return _columns(self.prefix + self.gap) if self.text.strip(" \t\r") else 0


def headline_words(comment: str) -> frozenset[str]:
    """The words before the dash or colon of the first line of text of ``comment``.

    The name of what it documents is one of them.  None for a ``DOC:`` block, which
    documents no declaration ("Overview documentation comments" in kernel-doc.rst).
    """
    lines = comment.split("\n", 2)
    head = re.split(r"[-:]", lines[1], maxsplit=1)[0] if len(lines) > 1 else ""
    words = frozenset(_WORD.findall(head))
    return frozenset() if words == {"DOC"} else words


def split_lines(comment: str) -> list[Line]:
    """The lines of a comment up to, and without, its closing mark and the line of that."""
    body = _CLOSING.sub("", comment)
    return [Line(text) for text in body.removesuffix("\n").split("\n")]


def join_lines(
    comment: str, original: Sequence[Line], lines: Sequence[Line]
) -> tuple[str, tuple[int, ...]]:
    """The comment with ``lines`` for its ``original`` ones, and which of them are changed.

    ``original`` is what ``split_lines(comment)`` gave, ``lines`` what edits made of it;
    the changed ones are counted from 0 in what comes out.
    A closing mark at the end of a text goes to a line of its own when that text went.
    """
    closing = _CLOSING.search(comment)
    mark = closing[0] if closing else ""
    body = "\n".join(line.text for line in lines)
    changed = tuple(number for number, line in enumerate(lines) if line.changed)
    if comment[: len(comment) - len(mark)].endswith("\n"):
        return f"{body}\n{mark}", changed
    if lines[-1] is original[-1] or len(lines) == len(original):
        return body + mark, changed
    eol = _eol(original)
    ended = [line.text.removesuffix(eol) + eol for line in lines]
    loser = [number for number, line in enumerate(lines) if line is original[-1]]
    return "\n".join([*ended, " */"]), tuple(sorted({*changed, *loser, len(lines)}))


def _eol(lines: Sequence[Line]) -> str:
    """What stands before the newline of each line."""
    return "\r" if lines[0].text.endswith("\r") else ""


def find_entries(lines: Sequence[Line]) -> list[Entry]:
    """The descriptions in a comment, in its order (doc_sect of scripts/kernel-doc)."""
    found = []
    for number, line in enumerate(lines):
        match = _ENTRY.match(line.text) if number else None
        if match:
            mark, name, colon, gap, text = (item for item in match.groups() if item is not None)
            end = _extent(lines, number)
            found.append(Entry(number, end, name, mark + name + colon, gap, text))
    return found


def _extent(lines: Sequence[Line], first: int) -> int:
    """Where the description that begins on line ``first`` ends.

    At the next description, a blank line or a section.  Indented paragraphs after a
    blank line belong to it too (kernel-doc's STATE_BODY_WITH_BLANK_LINE), but only
    between two descriptions: at the end of the list they are rather prose.
    """
    end = first + 1
    while end < len(lines) and not _ends(lines[end].text):
        end += 1
    at = end
    while at < len(lines) and _belongs(lines[at].text):
        at += 1
    if at == len(lines) or not _ENTRY.match(lines[at].text):
        return end
    while at > end and _BLANK.match(lines[at - 1].text):
        at -= 1
    return at


def _ends(text: str) -> bool:
    """Whether the line ``text`` is no continuation of a description."""
    return any(pattern.match(text) for pattern in (_BLANK, _ENTRY, _SECTION, _HEADING))


def _belongs(text: str) -> bool:
    """Whether the line ``text`` after a blank one is part of the description before it."""
    other = _ENTRY.match(text) or _SECTION.match(text)
    return bool(_BLANK.match(text) or (_INDENTED.match(text) and not other))


def rename_headline(lines: list[Line], old: str, new: str) -> list[Line]:
    """``lines`` with ``new`` for ``old`` in the headline, and for ``old()`` elsewhere.

    ``old()`` is kernel-doc's reference to a function; a mere word is left alone.
    """
    if old == new or len(lines) < 2:
        return lines
    word = re.compile(rf"\b{re.escape(old)}\b", re.ASCII)
    call = re.compile(rf"\b{re.escape(old)}\(\)", re.ASCII)
    head, mark, rest = re.split(r"([-:]|\Z)", lines[1].text, maxsplit=1)
    head = word.sub(new, head, count=1)
    texts = [line.text for line in lines]
    texts[1] = head + mark + rest
    return [
        _altered(line, call.sub(f"{new}()", text)) for line, text in zip(lines, texts, strict=True)
    ]


def _altered(line: Line, text: str) -> Line:
    """``line`` with ``text``."""
    return line if text == line.text else Line(text, True)


def rename_entries(
    lines: list[Line],
    renamed: Mapping[str, str],
    references: Mapping[str, str],
    dropped: Collection[str],
) -> list[Line]:
    """``lines`` with new names in the descriptions and in the references to them.

    ``renamed`` has the new names by the old ones for descriptions, ``references`` for
    ``@name`` in any text.  The descriptions of ``dropped`` names stay as they are.
    """
    if not references:
        return lines
    entries = find_entries(lines)
    column = _shared_column(entries)
    result = list(lines)
    for entry in entries:
        new = renamed.get(entry.name)
        if new:
            aligned = entry.column and entry.column in (column, _continuation(lines, entry)[1])
            result[entry.first] = Line(_renamed_text(entry, new, bool(aligned)), True)
    # A dropped description must still be found by its old name.
    kept = {entry.first for entry in entries if entry.key in dropped}
    return [
        line if number in kept else _altered(line, rename_references(line.text, references))
        for number, line in enumerate(result)
    ]


def _renamed_text(entry: Entry, name: str, aligned: bool) -> str:
    """The first line of ``entry`` with ``name``, its text in the column it had if ``aligned``."""
    start = entry.prefix.index("@") + 1
    prefix = entry.prefix[:start] + name + entry.prefix[start + len(entry.name) :]
    gap = _pad(prefix, entry.column, entry.gap) if aligned else entry.gap
    return prefix + gap + entry.text


def rename_references(text: str, renames: Mapping[str, str]) -> str:
    """``text`` with ``@new`` for each ``@old``, as whole words.

    ``renames`` has the new names by the old ones.  ``@name`` is kernel-doc's reference
    to a parameter or member ("Highlights and cross-references" in kernel-doc.rst).
    """
    if "@" not in text or not renames:
        return text
    names = "|".join(re.escape(name) for name in sorted(renames, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)@({names})(?!\w)", re.ASCII)
    return pattern.sub(lambda match: "@" + renames[match[1]], text)


def drop_entries(lines: list[Line], names: Collection[str]) -> list[Line]:
    """``lines`` without the descriptions of ``names``.

    Of the blank lines before and after one, which then meet, only one stays, and none
    at the end of the comment.
    """
    result: list[Line] = []
    at = 0
    for entry in find_entries(lines):
        if entry.key not in names:
            continue
        result += lines[at : entry.first]
        at = entry.last
        before = bool(_BLANK.match(result[-1].text))
        if before and at == len(lines):
            result.pop()
        elif before and _BLANK.match(lines[at].text):
            at += 1
    return result + lines[at:]


def add_entry(lines: list[Line], name: str, text: str, names: Sequence[str]) -> list[Line]:
    """``lines`` with ``@name: text`` after the description of the name before it in ``names``.

    ``names`` are those of the declaration in order, ``name`` among them; ``text`` is on
    one line and is wrapped.  Without such a description it comes before those of other
    ``names``, and without any of those after the brief description.
    """
    entries = find_entries(lines)
    by_name = {entry.key: entry for entry in entries}
    earlier = [by_name[item] for item in names[: names.index(name)] if item in by_name]
    ours = [entry for entry in entries if entry.key in names]
    new = [Line(item, True) for item in _description(lines, entries, earlier, name, text)]
    spaced = _spaced(lines, earlier[-1:] or ours[:1])
    blank = [Line(_lead(lines).rstrip(" \t") + _eol(lines), True)] if spaced else []
    if earlier:
        at = earlier[-1].last
        new = blank + new
    elif ours:
        at = ours[0].first
        new = new + blank
    else:
        at = _after_headline(lines)
    return [*lines[:at], *new, *lines[at:]]


def _spaced(lines: Sequence[Line], entries: Sequence[Entry]) -> bool:
    """Whether a blank line stands between the first of ``entries`` and another description."""
    at = entries[0].last if entries else len(lines)
    return (
        at + 1 < len(lines)
        and bool(_BLANK.match(lines[at].text))
        and bool(_ENTRY.match(lines[at + 1].text))
    )


def _after_headline(lines: Sequence[Line]) -> int:
    """The line after the brief description, which may have several lines."""
    at = min(2, len(lines))
    while at < len(lines) and not _ends(lines[at].text):
        at += 1
    return at


def _lead(lines: Sequence[Line]) -> str:
    """What stands left of the text of the headline: `` * ``."""
    match = _LEAD.match(lines[1].text) if len(lines) > 1 else None
    return match[0] if match and "*" in match[0] else " * "


def _description(
    lines: Sequence[Line],
    entries: Sequence[Entry],
    earlier: Sequence[Entry],
    name: str,
    text: str,
) -> list[str]:
    """The lines of a new description, in the style of its neighbours."""
    near = [*reversed(earlier), *entries]
    mark = near[0].prefix[: near[0].prefix.index("@")] if near else _lead(lines)
    prefix = f"{mark}@{name}:"
    column = _shared_column(entries)
    gap = _gap(prefix, near, column)
    start = _columns(prefix + gap)
    lead = _continued(lines, near, mark.rstrip(" \t"), start, bool(column))
    if near and not any(entry.column for entry in near):
        # Neighbours whose text begins on the next line.
        wrapped = [prefix, *_wrap(text, _columns(lead), _columns(lead))]
    else:
        wrapped = _wrap(text, start, _columns(lead))
        wrapped[0] = prefix + gap + wrapped[0]
    eol = _eol(lines)
    return [wrapped[0] + eol, *(lead + item + eol for item in wrapped[1:])]


def _gap(prefix: str, near: Sequence[Entry], column: int) -> str:
    """What comes after ``prefix``, as in the nearest of ``near`` with a text on its line.

    Up to ``column`` unless that is 0.
    """
    gap = next((entry.gap for entry in near if entry.column), " ")
    return _pad(prefix, column, gap) if column else gap


def _continued(
    lines: Sequence[Line], near: Sequence[Entry], star: str, start: int, aligned: bool
) -> str:
    """What stands left of a second line, as the nearest of ``near`` that has one does it.

    Under the text, which begins at ``start``, where that one or all of them are
    aligned; a tab where nothing tells.
    """
    for entry in near:
        continued, at = _continuation(lines, entry)
        if at and at != entry.column:
            return continued
        if at:
            return star + _indent(star, start, continued)
    return star + (_indent(star, start, near[0].gap) if aligned else "\t")


def _indent(star: str, column: int, like: str) -> str:
    """White space from ``star`` to exactly ``column``, with tabs if ``like`` has one."""
    tabs = ""
    while "\t" in like and _columns(star + tabs + "\t") <= column:
        tabs += "\t"
    return tabs + " " * (column - _columns(star + tabs))


def _wrap(text: str, first: int, others: int) -> list[str]:
    """``text`` in lines that end before column 80 when the first begins at column ``first``."""
    wrapped = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * first,
        subsequent_indent=" " * others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [item.lstrip(" ") for item in wrapped]


def _columns(text: str) -> int:
    """The width of ``text`` with tab stops every 8 columns."""
    return len(text.expandtabs(8))


def _pad(prefix: str, column: int, gap: str) -> str:
    """White space, of tabs if ``gap`` has one, from the end of ``prefix`` to ``column``."""
    if "\t" not in gap:
        return " " * max(1, column - _columns(prefix))
    tabs = "\t"
    while _columns(prefix + tabs) < column:
        tabs += "\t"
    return tabs


def _shared_column(entries: Sequence[Entry]) -> int:
    """The column that texts after names of different lengths are aligned to, or 0."""
    columns = Counter(entry.column for entry in entries if entry.column)
    for column, count in columns.most_common(1):
        widths = {entry.width for entry in entries if entry.column == column}
        if count > 1 and len(widths) > 1:
            return column
    return 0


def _continuation(lines: Sequence[Line], entry: Entry) -> tuple[str, int]:
    """What stands left of the second line of a description, and its column; ("", 0) for none."""
    if entry.last == entry.first + 1:
        return "", 0
    match = _LEAD.match(lines[entry.first + 1].text)
    lead = match[0] if match else ""
    return lead, _columns(lead)
