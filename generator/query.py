"""What a file must hold for a semantic patch to match in it, as spatch says it.

``spatch --parse-cocci --use-idutils`` prints a formula such as
``((kmalloc|kzalloc)&memcpy)``.  Pure.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from generator.ledger import words_pattern

_PRINTED = re.compile(r"^Idutils query\n(.*)\Z", re.MULTILINE | re.DOTALL)
_PART = re.compile(r"\s*([A-Za-z_]\w*|[|&()])")

# A word, or a sign ("&", "|") and what it joins.
Formula = str | tuple[str, tuple["Formula", ...]]


@dataclass(frozen=True)
class Query:
    """The words that a rule is about, and a formula of them; no formula: any word will do.

    ``weak`` words need not be in the file: they name types, which headers may declare for
    the variables that a file uses.
    """

    words: tuple[str, ...] = ()
    formula: Formula | None = None
    weak: frozenset[str] = frozenset()

    @property
    def anywhere(self) -> bool:
        """Whether the rule may match in files with none of the words."""
        return self.formula is not None and _holds(self.formula, self.weak)

    def holds(self, text: str) -> bool:
        """Whether the rule may match in a file of which ``text`` are the lines with its words."""
        if self.formula is None or not self.words:
            return True
        found = frozenset(words_pattern(self.words).findall(text))
        return _holds(self.formula, found | self.weak)


def parse(said: str) -> Query:
    """The query in what spatch printed; one without words when there is none.

    What is not understood is no formula.
    """
    printed = _PRINTED.search(said)
    if not printed:
        return Query()
    words = tuple(sorted(set(re.findall(r"[^\s|&()]+", printed[1])) - {"None", "TRUE"}))
    parts: list[str] = []
    at = 0
    text = printed[1].strip()
    while at < len(text):
        part = _PART.match(text, at)
        if not part:
            return Query(words)
        parts.append(part[1])
        at = part.end()
    try:
        formula, rest = _joined(parts)
    except (IndexError, RecursionError):
        return Query(words)
    return Query(words) if rest or set(words) != _words(formula) else Query(words, formula)


def _joined(parts: list[str]) -> tuple[Formula, list[str]]:
    """One operand, or several with the same sign between them; what is left."""
    first, parts = _single(parts)
    if not parts or parts[0] == ")":
        return first, parts
    sign = parts[0]
    every = [first]
    while parts and parts[0] == sign:
        one, parts = _single(parts[1:])
        every.append(one)
    return (sign, tuple(every)), parts


def _single(parts: list[str]) -> tuple[Formula, list[str]]:
    if parts[0] == "(":
        inner, rest = _joined(parts[1:])
        if rest[0] != ")":
            raise IndexError
        return inner, rest[1:]
    if parts[0] in "&|)":
        raise IndexError
    return parts[0], parts[1:]


def _words(formula: Formula) -> set[str]:
    if isinstance(formula, str):
        return {formula}
    return {word for part in formula[1] for word in _words(part)}


def _holds(formula: Formula, found: Collection[str]) -> bool:
    if isinstance(formula, str):
        return formula in found
    sign, parts = formula
    return (all if sign == "&" else any)(_holds(part, found) for part in parts)
