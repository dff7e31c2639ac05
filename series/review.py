"""The text of one reply → the comments in it.

Pure.  A comment is what a reviewer wrote: what is no quote, tag, greeting, closing or
signature.  What it is about follows from the quoted lines above it: the file and line of
the diff (git-diff(1), "Generating patch text with -p"), or the words of the message.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice

from series.courtesies import pointing, polite
from series.output import shown
from series.reply_text import TRIMMED, Line, read
from series.tags import Mention

EXCERPT_LINES = 3
EXCERPT_LENGTH = 300
_QUOTE_LENGTH = 120
# So many quoted lines tell a place of a patch from others.
_RUN = 12
# So many of a diff are looked for in a text.
_MOST_FILES = 300


# A paragraph that asks for something begins a comment of its own: it is marked by itself.
_WISH = re.compile(
    r"\b(?:please|pls|should(?:n't)?|needs? (?:to|an?|the|some|more)\b"
    r"|(?:could|can|would) (?:you|we)|how about|why not|what about|prefer"
    r"|would (?:really )?(?:like|love|rather)|I'd (?:like|rather)"
    r"|nit(?:s|pick(?:s|ing)?)?\b|typos?|misspel\w+|btw|by the way|missing|instead of"
    r"|must (?:not )?be)\b|\bs([/,|])[^/,|\n]{1,80}\1[^/,|\n]{0,80}\1"
    r"|\A\s*(?:[-*] |\d{1,2}[.)] |(?:Add|Use|Remove|Drop|Rename|Move|Fix|Make|Split|Mention|Check"
    r"|Also|Just|Don't|Do not|Another)\b)",
    re.IGNORECASE,
)
_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_FILE = re.compile(r'diff --git "?a/.* "?b/(.*?)"?$')
# Lines that say nothing of what is below them: ends of a message, a diffstat, a mail.
_DULL = re.compile(r"-{2,3}\s*$|\d+\.\d+[\w.-]*\s*$| ?\d+ files? changed, ")
_SIDE = re.compile(r'(?:---|\+\+\+) "?(?:[ab]/)?([^\t"]+)')


@dataclass(frozen=True)
class Comment:
    """What a reviewer says about one place.

    ``file`` and ``line`` (of the patched file, from 1) are what is quoted above it;
    empty and 0 where that is no diff.  ``approximate``: quoted lines were left out
    between the hunk's header and it.  ``quote`` is the line right above it,
    ``excerpt`` the first lines of ``text``; both are one line, fit for a terminal.
    """

    file: str
    line: int
    approximate: bool
    quote: str
    excerpt: str
    text: str


@dataclass(frozen=True)
class _Place:
    """Where in a diff a quoted line is."""

    file: str = ""
    line: int = 0
    approximate: bool = False


@dataclass
class _Reader:
    """Follows one diff, line by line; ``place`` is that of the line read last."""

    file: str = ""
    old_left: int = 0
    new_left: int = 0
    next_line: int = 0
    approximate: bool = False
    place: _Place = field(default_factory=_Place)

    def read(self, line: str) -> bool:
        """Take a line of a diff, or of anything else; whether it is one of a hunk."""
        if found := _HUNK.match(line):
            self.old_left, self.new_left = int(found[1] or 1), int(found[3] or 1)
            self.next_line, self.approximate = int(found[2]), False
            self.place = _Place(self.file, self.next_line)
            return False
        if found := _FILE.match(line):
            self._begin(found[1])
        elif line in ("-- ", "--"):
            self._begin("")
        elif self.next_line and (line[:1] in (" ", "+", "-", "\\", "\t") or not line):
            return self._count(line)
        elif not self.next_line and (found := _SIDE.match(line)):
            if found[1].strip() != "/dev/null":
                self._begin(found[1].strip())
        elif self.next_line:
            self.skip()
        return False

    def skip(self) -> None:
        """Lines were left out here, or something that is no diff stands here."""
        self.approximate = True
        self.place = replace(self.place, approximate=bool(self.place.line))

    def _begin(self, file: str) -> None:
        self.file, self.next_line, self.approximate = file, 0, False
        self.place = _Place(file)

    def _count(self, line: str) -> bool:
        if line.startswith("--- ") and self.new_left <= 0 and self.old_left <= 0:
            self._begin((_SIDE.match(line) or [line, ""])[1].strip())
            return False
        if not line and self.new_left <= 0:  # an empty line behind the hunk
            return False
        self.place = _Place(self.file, self.next_line, self.approximate)
        if line.startswith("\\"):
            return False
        self.old_left -= not line.startswith("+")
        if not line.startswith("-"):
            self.new_left -= 1
            self.next_line += 1
        return True


@dataclass
class _Above:
    """What was quoted so far: the place it ends at, its last lines, the last that says something.

    Every depth of quoting has its own diff.
    """

    readers: dict[int, _Reader] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    place: _Place = field(default_factory=_Place)
    quote: str = ""

    def read(self, line: Line) -> None:
        """Take one more quoted line."""
        content = line.content
        reader = self.readers.setdefault(line.depth, _Reader())
        reader.read(content)
        if TRIMMED.match(content):
            reader.skip()
            self.recent.clear()
        elif reader.file or content in ("-- ", "--"):
            self.place = reader.place
        if content[:1] in ("+", "-", " ", "\t") or (self.place.line and not content):
            self.recent.append(content)
        else:
            self.recent.clear()
        if content.strip() and not _DULL.match(content):
            self.quote = content

    def skip(self) -> None:
        """Quoted lines were left out here."""
        self.recent.clear()
        for reader in self.readers.values():
            reader.skip()


def comments(
    text: str, *, sender: str = "", patch: str = "", mentions: Sequence[Mention] | None = None
) -> tuple[Comment, ...]:
    """The comments in ``text``, the plain text of a reply, in their order.

    ``sender`` ("Name <address>") helps to see a bare name as a signature; ``patch`` is
    the text of the patch that is answered, where it is known: quoted lines are looked
    up in it, so that their numbers are right although lines were left out.
    ``mentions`` are the tags in the text, where they are known already.
    """
    lines = read(text, sender, mentions)
    original = _numbered(patch)
    files = _files(line.content for line in lines if line.kind == "quote") or _files(
        patch.split("\n")
    )
    found = []
    for block, place, quote in _blocks(lines, original):
        for part in _parts(block):
            if not polite(part):
                where = place if place.file else _Place(_named(part, files))
                found.append(_comment(part, where, quote))
    # What points to other comments is none; where those were not found, it must be seen.
    said = tuple(one for one in found if not pointing(one.text))
    return said or tuple(found)


def _comment(text: str, place: _Place, quote: str) -> Comment:
    above = shown(quote, _QUOTE_LENGTH)
    return Comment(place.file, place.line, place.approximate, above, excerpt(text), text)


def excerpt(text: str) -> str:
    """The first lines of ``text`` as one, fit for a terminal."""
    lines = [line for line in text.split("\n") if line.strip()]
    more = " …" if len(lines) > EXCERPT_LINES else ""
    return shown(" ".join(lines[:EXCERPT_LINES]) + more, EXCERPT_LENGTH)


def first_sentence(text: str) -> str:
    """The first sentence of ``text``, or all of it where it does not end."""
    found = re.match(r"(.{8,}?[^.\s][.!?])(?=\s+[^a-z\s]|\s*$)", text, re.DOTALL)
    return found[1] if found else text


def _blocks(
    lines: Sequence[Line], original: "_Original"
) -> Iterator[tuple[list[str], _Place, str]]:
    """Each run of reviewer's text, with the place quoted above it and the line quoted last."""
    above = _Above()
    block: list[str] = []
    for line in [*lines, Line("aside", 0, "")]:
        if line.kind in ("text", "blank"):
            block.append(line.content)
            continue
        if any(text.strip() for text in block):
            yield block, _exact(above.place, above.recent, original), above.quote
        block = []
        if line.kind == "quote":
            above.read(line)
        elif line.kind == "trimmed":
            above.skip()


@dataclass(frozen=True)
class _Original:
    """The lines of a patch's hunks with their places, and where each text is."""

    lines: tuple[tuple[_Place, str], ...]
    where: Mapping[str, Sequence[int]]


@lru_cache(maxsize=64)
def _numbered(patch: str) -> _Original:
    reader = _Reader()
    lines = tuple((reader.place, line.rstrip()) for line in patch.split("\n") if reader.read(line))
    where: dict[str, list[int]] = {}
    for at, (_, line) in enumerate(lines):
        where.setdefault(line, []).append(at)
    return _Original(lines, where)


def _exact(place: _Place, recent: Sequence[str], original: _Original) -> _Place:
    """The place in the patch itself of the lines quoted last, where there is just one."""
    lines = [line.rstrip() for line in recent[-_RUN:]]
    if not any(re.search(r"\w{3}", line) for line in lines):
        return place
    best = 0
    places: list[_Place] = []
    for at in original.where.get(lines[-1], ()):
        known = original.lines[at][0]
        length = _agreeing(original.lines, at, lines) if place.file in ("", known.file) else 0
        if length > best:
            best, places = length, []
        if length and length == best:
            places.append(known)
    if len(places) != 1:
        return place
    return places[0]


def _agreeing(original: Sequence[tuple[_Place, str]], at: int, lines: Sequence[str]) -> int:
    """How many of ``lines``, from the last one up, are those of the patch that end at ``at``."""
    length = 0
    for line in reversed(lines):
        if length > at or original[at - length][1] != line:
            break
        if original[at - length][0].file != original[at][0].file:
            break
        length += 1
    return length


def _parts(block: Sequence[str]) -> Iterator[str]:
    """A block in the parts that can be marked by themselves: one a wish."""
    parts: list[list[str]] = []
    for paragraph in _paragraphs(block):
        code = paragraph[0].startswith(("\t", "  ", "+", "-\t", "diff ", "@@ "))
        leads = parts and parts[-1][-1].rstrip().endswith(":")
        if parts and (code or leads or not _WISH.search("\n".join(paragraph))):
            parts[-1] += ["", *paragraph]
        else:
            parts.append(list(paragraph))
    return ("\n".join(part) for part in parts)


def _paragraphs(block: Sequence[str]) -> Iterator[list[str]]:
    paragraph: list[str] = []
    for line in [*block, ""]:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []


def _files(lines: Iterator[str] | Sequence[str]) -> tuple[str, ...]:
    """The files that a diff is about."""
    found = (_FILE.match(line) or re.match(r"\+\+\+ b/(\S+)", line) for line in lines)
    names = dict.fromkeys(match[1] for match in found if match and _tail(match[1]))
    return tuple(islice(names, _MOST_FILES))


def _named(text: str, files: Sequence[str]) -> str:
    """The one file of ``files`` that ``text`` names, else empty."""
    hits = [
        name
        for name in files
        if _tail(name) in text
        and re.search(
            rf"(?<![\w/.-])(?:{re.escape(name)}|[\w/.-]*{re.escape(_tail(name))})(?![\w/-])", text
        )
    ]
    return hits[0] if len(hits) == 1 else ""


def _tail(name: str) -> str:
    return name.rpartition("/")[2]
