# SPDX-License-Identifier: GPL-2.0-or-later
"""Perl regular expressions in Python's spelling, as far as MAINTAINERS uses them.

Pure.  The grammar is perlre(1)'s; what has no counterpart raises ``re.error``.  So does a
pattern that Python could take exponential time for, where perl remembers what it tried
before: patterns come with the tree, and must not keep anybody waiting.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

BAD_PATTERN = (re.error, OverflowError, RecursionError)

# Escapes that mean the same in Python, and those that have to be spelled out.
_SAME_ESCAPES = frozenset("AbBdDsSwWnrtfa0123456789")
_ESCAPES = {
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": r"[ \t]",
    "H": r"[^ \t]",
    "v": r"[\n-\r\x85]",
    "N": r"[^\n]",
    "R": r"(?:\r\n|[\n-\r\x85])",
    "e": r"\x1b",
}
_SAME_CLASS_ESCAPES = frozenset("bdDsSwWnrtfa01234567")
_CLASS_ESCAPES = {"h": r" \t", "v": r"\n-\r\x85", "e": r"\x1b"}
_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
}


@functools.lru_cache(maxsize=8192)
def compile_perl(pattern: bytes, extended: bool, before: bytes = b"") -> re.Pattern[bytes] | None:
    """The perl pattern as a Python one; None if it cannot be used (``parse`` said so).

    ``before`` is put before it as it is, and so before its first alternative only.
    """
    try:
        return re.compile(before + translate(pattern, extended))
    except BAD_PATTERN:
        return None


def translate(pattern: bytes, extended: bool) -> bytes:
    """A perl pattern in Python's spelling, without /x; raises ``re.error`` where there is none."""
    python = _Translation(pattern.decode("latin-1"), extended).run().encode("latin-1")
    re.compile(python)
    return python


# A group of plain alternatives, a set, and all that is left of a pattern that both kinds
# of brackets may be cut out of without another meaning for the rest.
_PLAIN_GROUP = re.compile(rb"\((?>(?:\?:)?)[\w|\\ -]*+\)")
_PLAIN_SET = re.compile(rb"\[\^?+[^\]\[\\]+\]")
_SIMPLE = re.compile(rb"[\w/\",@=<>:;%&~'!.+*?^$-]*")
_BETWEEN_LITERALS = re.compile(rb".[*?]|[^\w/\",@=<>:;%&~'!-]")


def required_literal(pattern: bytes) -> bytes:
    """A text that every match of a perl pattern contains; empty where none is easily seen.

    To look for it takes no time, and there is none in most texts: so most patterns never
    need to be compiled.
    """
    bare = _PLAIN_GROUP.sub(b".", _PLAIN_SET.sub(b".", pattern)).replace(rb"\b", b".")
    if not _SIMPLE.fullmatch(bare):
        return b""
    return max(_BETWEEN_LITERALS.split(bare), key=len)


# With so many open-ended repetitions in a row, a line of 1000 characters takes a second.
_REPETITIONS = 2


@dataclass
class _Group:
    """A parenthesis: what inline flags opened in it, and whether /x holds.

    ``starts`` are the places where its alternatives begin.  A ``varied`` one can match
    one text in several ways, so that it must not be repeated; and it is no matter how
    many times an ``atomic`` one repeats its first item, because it never tries again.
    """

    extended: bool
    opened: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    varied: bool = False
    atomic: bool = False


class _Translation:
    """One pass over a perl pattern.

    Python has no inline flags in the middle of a pattern, so that ``a(?i)b|c`` becomes
    ``a(?i:b)|(?i:c)``; and comments and white space of /x are dropped here, because a
    comment would swallow the parentheses that this adds.
    """

    _FLAGS = re.compile(r"\(\?(\^?)([a-z]*)(?:-([a-z]*))?([:)])")
    _NAMED = re.compile(r"\(\?P?<([A-Za-z_]\w*)>|\(\?'([A-Za-z_]\w*)'")
    _PLAIN = re.compile(r"\(\?(?:<?[=!]|>)|\((?![?*])")
    _HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,2})\}|([0-9A-Fa-f]{1,2}))")
    _POSIX_CLASS = re.compile(r"\[:([a-z]+):\]")
    _QUANTIFIER = re.compile(r"(?:([*+])|(\?)|\{(\d*)(,?)(\d*)\})[+?]?")

    def __init__(self, source: str, extended: bool) -> None:
        self._source = source
        self._at = 0
        self._out: list[str] = []
        self._groups = [_Group(extended, starts=[0])]
        self._closed: _Group | None = None
        self._repetitions = 0

    def run(self) -> str:
        steps = {
            "\\": self._escape,
            "[": self._class,
            "(": self._open,
            ")": self._close,
            "|": self._alternative,
            **dict.fromkeys("*+?{", self._quantifier),
        }
        while self._at < len(self._source):
            char = self._source[self._at]
            if char in steps:
                steps[char]()
                if char != ")":
                    self._closed = None
            elif self._groups[-1].extended and char in " \t\n\r\f\v":
                self._at += 1
            elif self._groups[-1].extended and char == "#":
                end = self._source.find("\n", self._at)
                self._at = len(self._source) if end < 0 else end
            else:
                self._emit(char, 1)
                self._closed = None
        if len(self._groups) > 1:
            raise re.error("unbalanced parenthesis")
        self._emit(")" * len(self._groups[0].opened), 0)
        return "".join(self._out)

    def _emit(self, text: str, consumed: int) -> None:
        self._out.append(text)
        self._at += consumed

    def _hex(self) -> bool:
        number = self._HEX.match(self._source, self._at)
        if number:
            self._emit(f"\\x{number[1] or number[2]:0>2}", len(number[0]))
        return number is not None

    def _escape(self) -> None:
        if self._hex():
            return
        char = self._source[self._at + 1 : self._at + 2]
        if char in _ESCAPES:
            self._emit(_ESCAPES[char], 2)
        elif char in _SAME_ESCAPES or (char and not (char.isascii() and char.isalpha())):
            self._emit("\\" + char, 2)
        else:
            raise re.error(f"\\{char} of perl is not supported")

    def _class(self) -> None:
        self._emit("[", 1)
        if self._source.startswith("^", self._at):
            self._emit("^", 1)
        first = True
        while first or not self._source.startswith("]", self._at):
            if self._at >= len(self._source):
                raise re.error("unterminated character set")
            self._class_member()
            first = False
        self._emit("]", 1)

    def _class_member(self) -> None:
        char = self._source[self._at]
        if posix := self._POSIX_CLASS.match(self._source, self._at):
            if posix[1] not in _POSIX:
                raise re.error(f"[:{posix[1]}:] is no class")
            self._emit(_POSIX[posix[1]], len(posix[0]))
        elif char == "\\":
            self._class_escape()
        elif char in "[]&|~" or (char == "-" and self._out[-1] == "-"):
            # Python warns that some of these, doubled, may get a meaning one day.
            self._emit("\\" + char, 1)
        else:
            self._emit(char, 1)

    def _class_escape(self) -> None:
        if self._hex():
            return
        char = self._source[self._at + 1 : self._at + 2]
        if char in _CLASS_ESCAPES:
            self._emit(_CLASS_ESCAPES[char], 2)
        elif char in _SAME_CLASS_ESCAPES or (char and not char.isalnum()):
            self._emit("\\" + char, 2)
        else:
            raise re.error(f"\\{char} of perl is not supported in a set")

    def _open(self) -> None:
        source, at, group = self._source, self._at, self._groups[-1]
        if source.startswith("(?#", at):
            end = source.find(")", at)
            if end < 0:
                raise re.error("unterminated comment")
            self._at = end + 1
        elif flags := self._FLAGS.match(source, at):
            self._flags(flags)
        elif named := self._NAMED.match(source, at):
            self._emit(f"(?P<{named[1] or named[2]}>", len(named[0]))
            self._groups.append(_Group(group.extended, starts=[self._at]))
        elif plain := self._PLAIN.match(source, at):
            self._emit(plain[0], len(plain[0]))
            atomic = plain[0] == "(?>"
            self._groups.append(_Group(group.extended, starts=[self._at], atomic=atomic))
        else:
            raise re.error(f"{source[at : at + 3]} of perl is not supported")

    def _flags(self, flags: re.Match[str]) -> None:
        """``(?i)``, ``(?i-x)``, ``(?^i:`` or just ``(?:``."""
        on, off = flags[2], flags[3] or ""
        if set(on + off) - set("imsxap"):
            raise re.error(f"flags {flags[0]} of perl are not supported")
        group = self._groups[-1]
        extended = "x" in on or (group.extended and "x" not in off and not flags[1])
        if flags[1]:
            off = "".join(set("ims") - set(on))
        on = "".join(sorted(set(on) & set("ims")))
        off = "".join(sorted(set(off) & set("ims")))
        opening = f"(?{on}-{off}:" if off else f"(?{on}:"
        if flags[4] == ":":
            self._emit(opening, len(flags[0]))
            self._groups.append(_Group(extended, starts=[self._at]))
            return
        group.extended = extended
        group.opened.append(opening)
        self._emit(opening, len(flags[0]))

    def _close(self) -> None:
        if len(self._groups) == 1:
            raise re.error("unbalanced parenthesis")
        self._closed = group = self._groups.pop()
        firsts = [self._source[start : start + 1].lower() for start in group.starts]
        if len(firsts) > 1:
            plain = all(first.isalnum() or first == "_" for first in firsts)
            group.varied |= not plain or len(set(firsts)) < len(firsts)
        self._groups[-1].varied |= group.varied
        self._emit(")" * (len(group.opened) + 1), 1)

    def _alternative(self) -> None:
        opened = self._groups[-1].opened
        self._emit(")" * len(opened) + "|" + "".join(opened), 1)
        self._groups[-1].starts.append(self._at)

    def _quantifier(self) -> None:
        found = self._QUANTIFIER.match(self._source, self._at)
        if not found or found[0] == "{}":
            self._emit(self._source[self._at], 1)
            return
        endless, _, least, comma, most = found.groups(default="")
        group = self._groups[-1]
        if not group.atomic:
            self._repetitions += bool(endless or (comma and (not most or int(most) > 9)))
        group.atomic = False
        once = "?" in found[0][:1] or (least in ("0", "1", "") and most in ("0", "1"))
        if self._closed is not None and self._closed.varied and not once:
            raise re.error("repeats what can match in several ways")
        if self._repetitions > _REPETITIONS:
            raise re.error(f"has more than {_REPETITIONS} repetitions")
        group.varied |= not (least and not comma)
        self._emit(found[0], len(found[0]))
