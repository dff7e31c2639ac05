"""A range-diff in lines and words, for colours: which words of a changed line are new.

Pure.  Lines that go and come are compared word by word where they are about alike; where
nearly nothing stays, the colour of the line says it all.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["add", "gone", "place", "same"]
# A text and whether it is other than on the other side.
Piece = tuple[str, bool]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
# Words of a block: comparing takes time that grows with their product.
_MOST = 1500
_ALIKE = 0.4  # of 1: what is less alike has no words in common that say something


@dataclass(frozen=True)
class Line:
    """A line of a range-diff: ``sign`` is its outer sign, ``pieces`` what stands behind it."""

    kind: Kind
    sign: str
    pieces: tuple[Piece, ...]


def lines(text: str) -> tuple[Line, ...]:
    """The lines of a pair's text (``series.range_diff.Pair``)."""
    return tuple(_lines(text.split("\n"))) if text else ()


def _lines(texts: Sequence[str]) -> Iterator[Line]:
    at = 0
    while at < len(texts):
        gone = _block(texts, at, "-")
        come = _block(texts, at + len(gone), "+")
        if gone and come:
            yield from _compared(gone, come)
        elif gone or come:
            yield from (_plain(text) for text in (*gone, *come))
        else:
            yield _plain(texts[at])
        at += max(len(gone) + len(come), 1)


def _block(texts: Sequence[str], at: int, sign: str) -> list[str]:
    end = at
    while end < len(texts) and texts[end].startswith(sign):
        end += 1
    return list(texts[at:end])


def _plain(text: str) -> Line:
    kinds: dict[str, Kind] = {"+": "add", "-": "gone", "@": "place"}
    kind = kinds.get(text[:1], "same")
    if kind == "place":
        return Line(kind, "", ((text, False),))
    return Line(kind, text[:1], ((text[1:], False),))


def _compared(gone: Sequence[str], come: Sequence[str]) -> Iterator[Line]:
    """A block that goes and one that comes, with the words marked that differ."""
    old, new = _words(gone), _words(come)
    if len(old) > _MOST or len(new) > _MOST:
        yield from (_plain(text) for text in (*gone, *come))
        return
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        yield from (_plain(text) for text in (*gone, *come))
        return
    olds, news = [True] * len(old), [True] * len(new)
    for block in matcher.get_matching_blocks():
        olds[block.a : block.a + block.size] = [False] * block.size
        news[block.b : block.b + block.size] = [False] * block.size
    yield from _marked("gone", "-", old, olds)
    yield from _marked("add", "+", new, news)


def _words(texts: Sequence[str]) -> list[str]:
    """The words of lines without their outer sign, a line end between them."""
    found: list[str] = []
    for text in texts:
        found += [*_WORD.findall(text[1:]), "\n"]
    return found[:-1]


def _marked(kind: Kind, sign: str, words: Sequence[str], differ: Sequence[bool]) -> Iterator[Line]:
    pieces: list[Piece] = []
    for word, other in zip(words, differ, strict=True):
        if word == "\n":
            yield Line(kind, sign, tuple(pieces))
            pieces = []
        elif pieces and pieces[-1][1] == other:
            pieces[-1] = (pieces[-1][0] + word, other)
        else:
            pieces.append((word, other))
    yield Line(kind, sign, tuple(pieces))
