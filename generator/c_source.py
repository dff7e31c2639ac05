"""C source as a sequence of coarse tokens: code, comments, strings, directives.

A Pygments lexer with its own, short table of tokens.  Pygments' own C lexer gives
every operator a token of its own and is ten times slower; what it calls a comment, a
string or disabled code is the oracle of our tests.

Lexical rules are those of C11 6.4 and 6.10; ``#if 0`` counts as disabled, as it does
for spatch, and every other condition as code, whatever the configuration.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import RegexLexer


class Region(StrEnum):
    """What a stretch of a source file is."""

    CODE = "code"
    COMMENT = "comment"
    STRING = "string"
    DISABLED = "disabled"
    MACRO = "macro"
    DIRECTIVE = "directive"


@dataclass(frozen=True, slots=True)
class Token:
    """One stretch of text and where it starts (in characters from 0)."""

    offset: int
    region: Region
    text: str


# "#if 0" and nothing else: with "|| defined(X)" behind it, it may well be built.
_NEVER = r"if[ \t]+0(?=[ \t]*(?:/\*(?:[^*\n]|\*(?!/))*\*/[ \t]*|//[^\n\\]*)?\r?$)"


@cache
def _lexer() -> "RegexLexer":
    from pygments.lexer import RegexLexer
    from pygments.token import Comment, Generic, Name, String

    comment = (r"/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|//(?:\\\r?\n|[^\n])*", Comment)
    string = (r'"(?:\\(?:\r\n|[\s\S])|[^"\\\n])*"?', String)
    character = (r"'(?:\\(?:\r\n|[\s\S])|[^'\\\n])*'?", String.Char)
    # Disabled code is made of tokens as well: a comment does not begin in its strings.
    quoted = (f"{string[0]}|{character[0]}", Comment.Special)
    start = r"^[ \t\f]*#[ \t]*"

    class CoarseLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
        """C in as few tokens as what is asked of it allows."""

        flags = re.MULTILINE
        tokens = {  # noqa: RUF012  Pygments' way to declare a lexer
            "root": [
                comment,
                (start + _NEVER, Comment.Preproc, ("disabled", "rest-disabled")),
                (start + r"define\b", Generic, "macro"),
                (start + r"[A-Za-z]*", Comment.Preproc, "directive"),
                string,
                character,
                # A line end is part of the code unless a directive follows.
                (r"(?:[^/\"'#\n]+|\n(?![ \t\f]*#))+", Name),
                (r"[\s\S]", Name),
            ],
            "macro": [
                comment,
                string,
                character,
                (r"(?:[^/\"'\\\n]|\\\r?\n|\\)+", Generic),
                (r"\n", Generic, "#pop"),
                (r"/", Generic),
            ],
            "directive": [
                comment,
                string,
                character,
                (r"(?:[^/\"'\\\n]|\\\r?\n|\\)+", Comment.Preproc),
                (r"\n", Comment.Preproc, "#pop"),
                (r"/", Comment.Preproc),
            ],
            # The rest of the line that opens or shuts a disabled part.
            "rest-disabled": [
                comment,
                (r"[^/\n]+|/", Comment.Preproc),
                (r"\n", Comment.Preproc, "#pop"),
            ],
            "disabled": [
                comment,
                quoted,
                (start + r"if", Comment.Special, ("nested", "rest-disabled")),
                (start + r"(?:else|elif)\b", Comment.Preproc, ("#pop", "directive")),
                (start + r"endif\b", Comment.Preproc, ("#pop", "directive")),
                (r"[^/\"'\n]+|\n|/", Comment.Special),
            ],
            "nested": [
                comment,
                quoted,
                (start + r"if", Comment.Special, ("#push", "rest-disabled")),
                (start + r"endif\b", Comment.Special, ("#pop", "rest-disabled")),
                (r"[^/\"'\n]+|\n|/", Comment.Special),
            ],
        }

    return CoarseLexer()


@cache
def _regions() -> dict[object, Region]:
    from pygments.token import Comment, Generic, Name, String

    return {
        Comment: Region.COMMENT,
        Comment.Special: Region.DISABLED,
        Comment.Preproc: Region.DIRECTIVE,
        Generic: Region.MACRO,
        String: Region.STRING,
        String.Char: Region.STRING,
        Name: Region.CODE,
    }


def lex(text: str) -> Iterator[Token]:
    """The tokens of ``text``, in order and without a gap."""
    regions = _regions()
    for offset, kind, value in _lexer().get_tokens_unprocessed(text):
        yield Token(offset, regions[kind], value)
