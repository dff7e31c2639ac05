"""What somebody meant who typed a name that there is not: the nearest one that there is.  Pure."""

from collections.abc import Iterable
from difflib import get_close_matches


def meant(word: str, known: Iterable[str]) -> str:
    """A question that names the one of ``known`` most like ``word``, or empty."""
    name = nearest(word, known)
    return f"did you mean '{name}'?" if name else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of ``known`` that is most like ``word``, or empty; case does not count."""
    folded = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), folded, 1)
    return folded[near[0]] if near else ""


def ending(word: str, known: Iterable[str]) -> str:
    """The same as the end of a line that says what is wrong: behind a semicolon, or empty."""
    question = meant(word, known)
    return question and f"; {question}"
