"""A C file with its kernel-doc comments, each with the declaration that it documents.

Pure.  Which comment is a kernel-doc comment is the rule of
Documentation/doc-guide/kernel-doc.rst of the kernel, as scripts/kernel-doc reads it: one
that opens with ``/**`` at the left margin documents what follows; one inside a body, with
``@name:`` in it, documents one member.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generator.c_declarations import Declaration, blank, declaration_at
from generator.doc_comments import headline_words

# Not c_source.lex(): only comments and strings are asked for, over whole files, and this
# one expression is four times faster.
_COMMENT_OR_STRING = re.compile(
    r"""/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)
    | //[^\n]*
    | "[^"\\\n]*(?:\\.[^"\\\n]*)*"
    | '[^'\\\n]*(?:\\.[^'\\\n]*)*'""",
    re.DOTALL | re.VERBOSE,
)
_OPENING = re.compile(r"/\*\*[ \t]*\r?\n")
_INLINE = re.compile(r"/\*\*[\s*]*@([\w.]+)[ \t]*:", re.ASCII)


@dataclass(frozen=True)
class Doc:
    """A kernel-doc comment at the left margin; its declaration ends before ``limit``."""

    text: str
    start: int
    end: int
    limit: int


@dataclass(frozen=True)
class Source:
    """A C file, the same with comments and strings blank, and its kernel-doc comments.

    ``inline`` are the spans of the comments that describe one member inside a body.
    """

    text: str
    code: str
    docs: tuple[Doc, ...]
    inline: tuple[tuple[int, int], ...]


def read_source(text: str) -> Source:
    """``text``, a C file decoded as latin-1, taken apart: see ``Source``."""
    parts: list[str] = []
    last = 0
    tops: list[tuple[int, int]] = []
    inline: list[tuple[int, int]] = []
    for match in _COMMENT_OR_STRING.finditer(text):
        start, end = match.span()
        parts += (text[last:start], blank(match))
        last = end
        if text.startswith("/**", start) and text.endswith("*/", start + 4, end):
            margin = start == 0 or text[start - 1] == "\n"
            if margin and _OPENING.match(text, start) and not _INLINE.match(text, start):
                tops.append((start, end))
            else:
                inline.append((start, end))
    parts.append(text[last:])
    return Source(text, "".join(parts), _docs(text, tops), tuple(inline))


def _docs(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Doc, ...]:
    """The comments at ``spans``; a declaration ends at the latest where the next one begins."""
    limits = [start for start, _ in spans[1:]] + [len(text)]
    return tuple(
        Doc(text[start:end], start, end, limit)
        for (start, end), limit in zip(spans, limits, strict=False)
    )


def declaration_of(source: Source, doc: Doc) -> Declaration | None:
    """What ``doc``, a comment of ``source``, documents.

    None for a ``DOC:`` block and when no list of names follows.
    """
    words = headline_words(doc.text)
    if not words:
        return None
    return declaration_at(source.text, source.code, doc.end, doc.limit, words)


def described_member(text: str, span: tuple[int, int]) -> str:
    """The member that the comment at ``span`` of ``text`` describes, or "" for none.

    The format is that of "In-line member documentation comments" in kernel-doc.rst.
    """
    match = _INLINE.match(text, *span)
    return match[1] if match else ""


def pair_docs(old: Source, new: Source) -> Iterator[tuple[Doc, Doc]]:
    """The comments of two texts of a file that belong together, the old one first.

    By what they say and their order, as a rule leaves comments alone; where one of
    several equal ones is gone or new, by what they document.
    """
    mine: dict[str, list[Doc]] = defaultdict(list)
    theirs: dict[str, list[Doc]] = defaultdict(list)
    for group, source in ((mine, old), (theirs, new)):
        for doc in source.docs:
            group[doc.text].append(doc)
    left: list[Doc] = []
    for text, docs in theirs.items():
        if len(docs) == len(mine[text]):
            yield from zip(mine.pop(text), docs, strict=True)
        else:
            left += docs
    waiting: dict[tuple[str, str], list[Doc]] = defaultdict(list)
    for doc in sorted((doc for docs in mine.values() for doc in docs), key=lambda doc: -doc.start):
        waiting[_key(old, doc)].append(doc)
    for doc in sorted(left, key=lambda doc: doc.start):
        found = waiting[_key(new, doc)]
        if found:
            yield found.pop(), doc


def _key(source: Source, doc: Doc) -> tuple[str, str]:
    """Kind and name of what ``doc`` documents."""
    what = declaration_of(source, doc)
    return (what.kind, what.name) if what else ("", "")
