"""Misspelt words in what people read: codespell's dictionary, and the tree's own list.

Pure but for ``dictionary``, which reads codespell's file.  Only common mistakes are
known, so a word that is not in the dictionary is never one.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib.resources import files

from series.lint.finding import Finding
from series.lint.letter import Letter, Line

_EDGES = "()[]{}<>.,;:!?*"
_WORD = re.compile(r"[A-Za-z][a-z]{2,}(?:['\u2019-][a-z]+)*")
# The parts of "run-time": of three letters and less, many are abbreviations.
_LEAST = 4


@cache
def dictionary() -> Mapping[str, str]:
    """codespell's mistakes and corrections: ``mistake->correction[, correction][, reason]``.

    A list of several corrections ends in a comma (codespell's README, "Dictionary format").
    """
    text = (files("codespell_lib") / "data" / "dictionary.txt").read_text(encoding="utf-8")
    pairs = (line.partition("->") for line in text.splitlines())
    return {mistake.lower(): right.strip(" ,") for mistake, arrow, right in pairs if arrow}


def tree_list(text: bytes) -> dict[str, str]:
    """The tree's ``scripts/spelling.txt``: ``mistake||correction``, ``#`` for comments."""
    found = {}
    for line in text.decode("utf-8", "replace").splitlines():
        mistake, bars, right = line.partition("||")
        if bars and not line.startswith("#"):
            found[mistake.strip().lower()] = right.strip(" ,")
    return found


def check(letter: Letter, mistakes: Mapping[str, str], known: Collection[str]) -> Iterator[Finding]:
    """Misspelt words of subject, message and notes; ``known`` are words in lower case."""
    lines = [Line(letter.subject_line, re.sub(r"^.*: ", "", letter.title)), *letter.prose]
    before = "."
    for line in lines:
        for word, starts in _words(line.text, before):
            for part in _parts(word):
                if part in mistakes and part not in known and (starts or word.islower()):
                    yield Finding(
                        "warning",
                        "spelling",
                        letter.mail.name,
                        line.number,
                        f"'{word}' may be misspelt",
                        f"did you mean '{mistakes[part]}'?",
                    )
                    break
        # A name is not spelt wrong: capitals count only where a sentence begins.
        before = line.text.rstrip()[-1:] or "."


def _words(text: str, before: str) -> Iterator[tuple[str, bool]]:
    """The words of a line that are no code, each with whether it begins a sentence."""
    starts = before in ".:!?"
    for token in text.split():
        bare = token.strip(_EDGES)
        if _WORD.fullmatch(bare) and "()" not in token and not token.startswith("<"):
            yield bare, starts
        starts = token[-1] in ".:!?-*" or (not bare)


def _parts(word: str) -> list[str]:
    whole = word.lower().replace("\u2019", "'")
    pieces = whole.split("-")
    return [whole, *(piece for piece in pieces if len(piece) >= _LEAST and len(pieces) > 1)]
