"""Kernel-doc comments that follow a change of parameters or members.

Pure: no process, no file.  spatch does not see comments, so after a rule has
dropped, added or renamed a parameter or a member its ``@name:`` line is stale.
Here is what changed from one text to the other and what that means for a comment;
``documented_source`` finds the comments and ``c_declarations`` the names that they
should describe, and ``doc_comments`` edits their text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.c_declarations import Declaration, declares
from generator.doc_comments import (
    add_entry,
    drop_entries,
    find_entries,
    headline_words,
    join_lines,
    rename_entries,
    rename_headline,
    rename_references,
    split_lines,
)
from generator.documented_source import (
    Doc,
    Source,
    declaration_of,
    described_member,
    pair_docs,
    read_source,
)


@dataclass(frozen=True)
class Undescribed:
    """A parameter or member that is new and that no text describes: where and its name."""

    line: int
    name: str
    of: str


@dataclass(frozen=True)
class Updated:
    """A text with its kernel-doc brought in line, and the numbers of the lines written for that.

    ``lines`` count from 1 in ``text``: comment lines that were added or altered.
    """

    text: str
    lines: tuple[int, ...]
    undescribed: tuple[Undescribed, ...]


@dataclass(frozen=True)
class _Changes:
    """What happened to a list of names; ``references`` are renames that only the prose follows."""

    dropped: frozenset[str]
    added: tuple[str, ...]
    renamed: dict[str, str]
    references: dict[str, str]


@dataclass(frozen=True)
class _Edit:
    """A piece of the text to replace, which of the new lines count, and who lacks a text."""

    start: int
    end: int
    text: str
    changed: tuple[int, ...] = ()
    undescribed: tuple[str, ...] = ()
    of: str = ""


def update(before: str, after: str, texts: Mapping[str, str]) -> Updated:
    """``after`` with its kernel-doc comments brought in line with its declarations.

    ``before`` is the text before a semantic patch, ``texts`` the descriptions of new
    parameters and members by name (decoded like the texts).  Only comments whose
    declaration has other names than in ``before`` are touched.  A rename keeps its
    description unless ``texts`` has one for the new name.
    """
    if before == after or "/**" not in after:
        return Updated(after, (), ())
    old, new = read_source(before), read_source(after)
    edits: list[_Edit] = []
    for mine, theirs in pair_docs(old, new):
        # Most functions of a file are as they were: no need to parse those.
        if old.text[mine.end : mine.limit] != new.text[theirs.end : theirs.limit]:
            edits += _follow(old, new, mine, theirs, texts)
    return _apply(after, edits)


def _follow(
    old: Source, new: Source, doc: Doc, target: Doc, texts: Mapping[str, str]
) -> list[_Edit]:
    """The edits of ``new`` that bring ``target``, once ``doc``, in line."""
    mine, theirs = declaration_of(old, doc), declaration_of(new, target)
    if not mine or not theirs:
        return []
    if mine.name != theirs.name and not _renamed(old, new, mine, theirs):
        return []
    if mine.names == theirs.names and mine.name == theirs.name:
        return []
    inline = [span for span in new.inline if theirs.body[0] <= span[0] < theirs.body[1]]
    described = {name for span in inline if (name := described_member(new.text, span))}
    documented = described | {entry.key for entry in find_entries(split_lines(target.text))}
    changes = _changes(mine.names, theirs.names, documented, texts)
    edit = _comment_edit(target, mine, theirs, changes, documented, texts)
    return [edit, *_inline_edits(new.text, inline, changes, theirs)]


def _renamed(old: Source, new: Source, mine: Declaration, theirs: Declaration) -> bool:
    """Whether the function or struct itself has a new name.

    Not when its comment was left behind above another one.
    """
    return mine.kind == theirs.kind and not (
        declares(old.code, theirs.name) or declares(new.code, mine.name)
    )


def _changes(
    before: Sequence[str],
    after: Sequence[str],
    documented: set[str],
    texts: Mapping[str, str],
) -> _Changes:
    """How the names ``after`` came from those ``before``.

    ``documented`` are those that the comment describes, ``texts`` new descriptions.
    """
    references = _renames(before, after)
    # A text for the new name wins over what was said of the old one, and so does one that is
    # there already: both replace the old description.
    renamed = {
        mine: theirs
        for mine, theirs in references.items()
        if theirs not in documented and not _text_of(theirs, texts)
    }
    dropped = frozenset(before) - frozenset(after) - frozenset(renamed)
    known = {*before, *renamed.values(), *documented}
    added = tuple(name for name in after if name not in known)
    return _Changes(dropped, added, renamed, references)


def _renames(before: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """The names ``after`` by those ``before`` where they are new ones for old ones.

    As many names as before, with new ones only in the places of old ones, are renames.
    """
    moved = [(mine, theirs) for mine, theirs in zip(before, after, strict=False) if mine != theirs]
    if len(before) != len(after) or any(
        mine in after or theirs in before for mine, theirs in moved
    ):
        return {}
    return dict(moved)


def _text_of(name: str, texts: Mapping[str, str]) -> str:
    """The description for ``name`` on one line, "" for none; ``a.b`` may be given as ``b``."""
    text = texts.get(name) or texts.get(_last(name), "")
    return " ".join(re.findall(r"[^ \t\r\n]+", text)).replace("*/", "* /")


def _last(name: str) -> str:
    """The last part of ``outer.inner``."""
    return name if name == "..." else name.rpartition(".")[2]


def _comment_edit(
    doc: Doc,
    mine: Declaration,
    theirs: Declaration,
    changes: _Changes,
    documented: set[str],
    texts: Mapping[str, str],
) -> _Edit:
    """The edit that brings the comment ``doc`` itself in line."""
    original = split_lines(doc.text)
    lines = rename_headline(original, mine.name, theirs.name)
    lines = rename_entries(lines, changes.renamed, changes.references, changes.dropped)
    # A comment that speaks of something else gets nothing added.
    ours = mine.name in headline_words(doc.text) or bool(documented & set(mine.names))
    added = [name for name in changes.added if ours and name not in theirs.private]
    for name in added:
        text = _text_of(name, texts)
        if text:
            lines = add_entry(lines, name, text, theirs.names)
    # Last, as what replaces a description takes over its style.
    lines = drop_entries(lines, changes.dropped)
    text, changed = join_lines(doc.text, original, lines)
    undescribed = tuple(name for name in added if not _text_of(name, texts))
    return _Edit(doc.start, doc.end, text, changed, undescribed, theirs.name)


def _inline_edits(
    text: str, spans: Sequence[tuple[int, int]], changes: _Changes, what: Declaration
) -> Iterator[_Edit]:
    """The edits of the comments inside a body: they go with their member or follow its name."""
    parts = {_last(name) for name in what.names}
    gone = {*changes.dropped, *map(_last, changes.dropped)} - parts
    # Inside an inner struct, people write only the last part of the name.
    short = {_last(old): _last(new) for old, new in changes.references.items()}
    renames = {old: new for old, new in short.items() if old not in parts} | changes.references
    for start, end in spans:
        if described_member(text, (start, end)) in gone:
            yield _Edit(*_whole_lines(text, start, end), "")
            continue
        comment = rename_references(text[start:end], renames)
        if comment != text[start:end]:
            lines = zip(comment.split("\n"), text[start:end].split("\n"), strict=True)
            changed = tuple(at for at, (new, old) in enumerate(lines) if new != old)
            yield _Edit(start, end, comment, changed)


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a comment to delete: with its lines when nothing else is on them."""
    line = text.rfind("\n", 0, start) + 1
    after = text.find("\n", end) + 1 or len(text)
    if text[end:after].strip(" \t\r\n"):
        return start, end + len(text[end:after]) - len(text[end:after].lstrip(" \t"))
    if text[line:start].strip(" \t"):
        return start - (len(text[line:start]) - len(text[line:start].rstrip(" \t"))), end
    before = text.rfind("\n", 0, max(line - 1, 0)) + 1
    below = text.find("\n", after) + 1 or len(text)
    above, next_line = (text[a:b].strip(" \t\r\n") for a, b in ((before, line), (after, below)))
    # No blank line at the beginning or end of a body, and no two in a row.
    if not next_line and (not above or above.endswith("{")):
        return line, below
    if not above and next_line.startswith("}"):
        return before, after
    return line, after


def _apply(after: str, edits: Sequence[_Edit]) -> Updated:
    """``after`` with ``edits``, and where they left what."""
    parts: list[str] = []
    lines: list[int] = []
    undescribed: list[Undescribed] = []
    last, line = 0, 1
    for edit in sorted(edits, key=lambda edit: edit.start):
        kept = after[last : edit.start]
        line += kept.count("\n")
        lines += (line + number for number in edit.changed)
        undescribed += (Undescribed(line, name, edit.of) for name in edit.undescribed)
        parts += (kept, edit.text)
        line += edit.text.count("\n")
        last = edit.end
    return Updated("".join([*parts, after[last:]]), tuple(lines), tuple(undescribed))
