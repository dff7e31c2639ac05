"""A range-diff in lines and words, for colours: which words of a changed line are new.

Pure.  Lines that go and come are compared word by word where they are about alike; where
nearly nothing stays, the colour of the line says it all.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from series.report import words

Kind = Literal["add", "gone", "place", "same"]
# A text and whether it is other than on the other side.
Piece = tuple[str, bool]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
# Steps of comparing for each character: real series take 12 at most, words that come again and
# again the cube of their number.
_STEPS = 300
_ALIKE = 0.4  # of 1: what is less alike has no words in common that say something


@dataclass(frozen=True)
class Line:
    """A line of a range-diff: ``sign`` is its outer sign, ``pieces`` what stands behind it."""

    kind: Kind
    sign: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """About how many bytes of the page it takes, with its mark-up."""
        text = words.size("".join(text for text, _ in self.pieces)) + len("-\n")
        if self.kind == "same":
            return text
        marks = sum(len("<ins></ins>") for _, other in self.pieces if other)
        return text + marks + len('<span class="place"></span>')


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
    """A block that goes and one that comes, with the words marked that differ.

    What would take too long as a whole is compared line by line, where as many come as go.
    """
    old, new = _words(gone), _words(come)
    if _steps(old, new) <= _STEPS * sum(map(len, (*old, *new))):
        yield from _marked_block(gone, come, old, new)
    elif len(gone) == len(come) > 1:
        pairs = [list(_compared([one], [other])) for one, other in zip(gone, come, strict=True)]
        yield from (line for pair in pairs for line in pair if line.kind == "gone")
        yield from (line for pair in pairs for line in pair if line.kind == "add")
    else:
        yield from (_plain(text) for text in (*gone, *come))


def _steps(old: Sequence[str], new: Sequence[str]) -> int:
    """How many steps ``difflib`` takes at worst.

    It goes through all pairs of equal words, spaces aside, for each stretch that it finds.
    """
    counts = Counter(word for word in new if not word.isspace())
    pairs = sum(counts[word] for word in old)
    return pairs * min(len(old), len(new))


def _marked_block(
    gone: Sequence[str], come: Sequence[str], old: Sequence[str], new: Sequence[str]
) -> Iterator[Line]:
    """``gone`` and ``come``, whose words are ``old`` and ``new``."""
    matcher = difflib.SequenceMatcher(str.isspace, old, new, autojunk=False)
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


def _marked(kind: Kind, sign: str, parts: Sequence[str], differ: Sequence[bool]) -> Iterator[Line]:
    pieces: list[Piece] = []
    for word, other in zip(parts, differ, strict=True):
        if word == "\n":
            yield Line(kind, sign, tuple(pieces))
            pieces = []
        elif pieces and pieces[-1][1] == other:
            pieces[-1] = (pieces[-1][0] + word, other)
        else:
            pieces.append((word, other))
    yield Line(kind, sign, tuple(pieces))
