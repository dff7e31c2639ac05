"""What people and scripts read goes through one function."""

import json
import re
import sys
from typing import TextIO

# What could move the cursor, colour the screen, turn or hide text: answers quote mails and trees.
# Joiners (U+200C, U+200D) stay: some scripts cannot be written without them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print ``text`` and a line end; control characters are shown, never obeyed.

    ``stream`` is standard output, unless another one is given.
    """
    (stream or sys.stdout).write(printable(text) + "\n")


def printable(text: str) -> str:
    """``text`` with control characters and unpaired surrogates as escapes."""
    escaped = _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return escaped.encode("utf-8", "backslashreplace").decode()


def one_line(text: str) -> str:
    """``text`` with line ends as escapes: file names may have some."""
    return text.replace("\n", "\\n").replace("\r", "\\r")


def as_json(value: object, indent: int | None = None) -> str:
    """``value`` as JSON in ASCII that any reader takes (RFC 8259), on a terminal, too.

    Bytes of a path or a line that are no UTF-8 stand there as ``\\udcXX``: an unpaired surrogate
    is no Unicode text.
    """
    text = json.dumps(_readable(value), indent=indent)
    return text.replace("\x7f", "\\u007f")


def _readable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(one) for one in value]
    return value


def shown(text: str, length: int) -> str:
    """``text`` as one line of at most ``length`` characters, without any a terminal obeys."""
    words = " ".join(text.split())
    safe = words
    if not words.isprintable():
        safe = "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in words
        )
    return safe if len(safe) <= length else f"{safe[: length - 1].rstrip()}…"


def cut(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters (from 3), with "..." where some were left out."""
    return text if len(text) <= most else f"{text[: max(most - 3, 0)]}..."
