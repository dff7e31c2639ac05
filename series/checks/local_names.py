"""Where a word of C is a parameter's, a local variable's or a label's name; pure.

Told from the text, as ``generator.c_context`` tells what is declared outside of functions.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from generator.c_source import Region, lex

# Types, as they stand in front of a name at the beginning of a statement or of a parameter.
_TYPES = r"\s*(?:[A-Za-z_]\w*(?:\s+|\s*\*[\s*]*))+"
_DECLARES = re.compile(_TYPES + r"\Z")
# "int a, *f": what comes before the last comma declares, too.
_LIST = re.compile(_TYPES + r"[A-Za-z_]\w*\b.*,[\s*]*\Z", re.DOTALL)
_STATEMENT = re.compile(
    r"\s*(?:return|goto|case|else|do|if|while|switch|sizeof|typeof|default|break|continue)\b"
)
_LABEL = re.compile(r"(?:[;{}:]|\A)\s*\Z")
# Characters in front of a word that are looked at.
_FAR = 400


class LocalNames:
    """The text of one file, and which places in it see a name of a function's own."""

    def __init__(self, text: str) -> None:
        """``text`` is the file's, a character a byte (latin-1)."""
        self._code = "".join(
            token.text if token.region is Region.CODE else re.sub(r"[^\n]", " ", token.text)
            for token in lex(text)
        )
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def among(self, word: str, places: Sequence[tuple[int, int]]) -> list[bool]:
        """Of each place (line and column, from 1): whether ``word`` is no file-level name there."""
        ranges = list(self._ranges(word))
        found = []
        for line, column in places:
            at = self._lines[line - 1] + column - 1
            local = any(start <= at < end for start, end in ranges)
            found.append(local or self._is_label(at, word))
        return found

    def _ranges(self, word: str) -> Iterator[tuple[int, int]]:
        """From each declaration of ``word`` in a function to that function's end."""
        for found in re.finditer(rf"\b{re.escape(word)}\b", self._code):
            at, end = found.span()
            if self._is_in_body(at):
                if self._declares_variable(at, end):
                    yield at, self._body_end(end)
            elif self._declares_parameter(at, end):
                after = re.compile(r"[;{]").search(self._code, end)
                if after:
                    ended = after[0] == ";"
                    yield at, after.start() if ended else self._body_end(after.start())

    def _is_in_body(self, at: int) -> bool:
        # A brace in the first column ends a function, whatever came before.
        start = self._tops[bisect_right(self._tops, at) - 1]
        return self._code.count("{", start, at) > self._code.count("}", start, at)

    @cached_property
    def _tops(self) -> list[int]:
        return [0, *(one.end() for one in re.finditer(r"^\}", self._code, re.MULTILINE))]

    def _body_end(self, at: int) -> int:
        end = self._code.find("\n}", at)
        return len(self._code) if end < 0 else end

    def _declares_variable(self, at: int, end: int) -> bool:
        head = re.split(r"[;{}]", self._code[max(at - _FAR, 0) : at])[-1]
        after = self._code[end : end + 80].lstrip()
        head = re.sub(r"\A\s*for\s*\(", "", head)
        if not re.match(r"[=;,\[)]", after) or _STATEMENT.match(head):
            return False
        if head.count("(") != head.count(")"):
            return False
        return bool(_DECLARES.match(head) or _LIST.match(head))

    def _declares_parameter(self, at: int, end: int) -> bool:
        head = re.split(r"[;{}]", self._code[max(at - _FAR, 0) : at])[-1]
        after = self._code[end : end + 80].lstrip()
        if head.count("(") <= head.count(")") or not re.match(r"[,)\[]", after):
            return False
        part = re.split(r"[(,]", head)[-1]
        pointer = re.match(r"\s*\*[\s*]*\Z", part) and head.rstrip(" *\n\t").endswith("(")
        return bool(_DECLARES.match(part) or (pointer and after.startswith(")")))

    def _is_label(self, at: int, word: str) -> bool:
        before = self._code[max(at - 80, 0) : at]
        after = self._code[at + len(word) : at + len(word) + 80].lstrip(" \t")
        if re.search(r"\bgoto\s+\Z", before):
            return True
        label = after.startswith(":") and not after.startswith("::")
        return label and self._is_in_body(at) and bool(_LABEL.search(before))
