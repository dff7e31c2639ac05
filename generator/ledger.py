"""The site ledger: every occurrence of a rule's words, and what became of it.

spatch does not say which sites it passed over.  So every textual occurrence of the
words that a rule changes is put into exactly one bucket, from the text before the
patch, the diff of the patch, and what spatch said of the file.  What no bucket
explains is for a human to look at.

Pure: texts and diffs come in (latin-1, a byte a character), records go out.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from generator.buckets import EXPLAINED, REMAINING, Bucket
from generator.c_context import address, brace_kind, member, outside
from generator.c_source import Region, Token, lex
from generator.edits import Change
from generator.errors import RerollError

_REGIONS = {
    Region.COMMENT: (Bucket.COMMENT, "in a comment"),
    Region.STRING: (Bucket.STRING, "in a string"),
    Region.DISABLED: (Bucket.DISABLED, "under #if 0"),
}
# Code that is built, or run, but that spatch cannot read.
_OTHER_CODE = (".S", ".s", ".rs", ".lds", ".cpp", ".cc", ".hpp", ".y", ".l", ".inc")


_OPENED = re.compile(r"\s*\(")
_PARENTHESIS = re.compile(r"[()]")
_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\Z")
_NO_CALL = frozenset({"sizeof", "typeof", "return", "if", "while", "for", "switch"})
# Characters that the arguments of one call may take.
_FAR = 20_000


_RENAMED = "a definition that has another name now"


@dataclass(frozen=True, order=True)
class Site:
    """One occurrence of ``word`` at ``path``:``line`` (from 1) before the patch."""

    path: str
    line: int
    column: int
    word: str
    bucket: Bucket
    why: str = ""

    def __str__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"{self.path}:{self.line}: {self.word}: {self.bucket}{why}"


@dataclass(frozen=True)
class Search:
    """What one rule looked for, where, and what is known of the files.

    ``hits`` is the number of occurrences by path as ``git grep`` has them;
    ``members`` are the words that the rule itself uses behind ``.`` or ``->``,
    ``only_members`` those it uses nowhere else;
    ``unparsed`` holds lines of text that spatch could not parse, ``failed``
    the files that it did not finish; ``changed`` are the files that the rule
    changed.  Paths are those at the time of the search.
    """

    rule: str
    words: tuple[str, ...]
    paths: tuple[str, ...] = ()
    hits: Mapping[str, int] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    only_members: frozenset[str] = frozenset()
    excluded: Mapping[str, str] = field(default_factory=dict)
    unparsed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, tuple[Bucket, str]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        """Whether ``path`` is in the rule's scope."""
        return not self.paths or within(path, self.paths) is not None

    def exclusion(self, path: str) -> str:
        """The campaign's reason to leave ``path`` out, or empty."""
        found = within(path, self.excluded)
        return self.excluded[found] if found is not None else ""


@dataclass(frozen=True)
class Ledger:
    """All sites of a patch, sorted by path and line."""

    words: tuple[str, ...]
    sites: tuple[Site, ...]

    @property
    def counts(self) -> dict[Bucket, int]:
        """How many sites are in each bucket that holds any, in the order of the buckets."""
        counted = Counter(site.bucket for site in self.sites)
        return {bucket: counted[bucket] for bucket in Bucket if counted[bucket]}

    @property
    def left(self) -> tuple[Site, ...]:
        """The sites that were not converted."""
        return tuple(site for site in self.sites if site.bucket is not Bucket.CONVERTED)

    @property
    def remaining(self) -> tuple[Site, ...]:
        """The sites that are code and still to be converted."""
        return tuple(site for site in self.sites if site.bucket in REMAINING)

    def offending(self, allowed: str) -> tuple[Site, ...]:
        """The sites that ``remaining = "none" | "explained" | "any"`` does not allow."""
        if allowed == "any":
            return ()
        if allowed == "none":
            return self.left
        return tuple(site for site in self.sites if site.bucket not in EXPLAINED)


def within(path: str, paths: Iterable[str]) -> str | None:
    """The one of ``paths`` that is ``path`` or a directory above it, or ``None``."""
    for one in paths:
        if path == one or path.startswith(f"{one.rstrip('/')}/") or one == ".":
            return one
    return None


def account(
    searches: Sequence[Search],
    texts: Mapping[str, str],
    changes: Mapping[str, Change],
    moves: Mapping[str, str] | None = None,
) -> Ledger:
    """Put every site of ``searches`` into its bucket.

    ``texts`` are the files before the patch, by path: at least those that the
    searches hit or the patch changes; ``changes`` is the patch, by the path
    before it; ``moves`` gives the new path of a file that it moves.  Raises
    ``RerollError`` when a file holds more or fewer occurrences than were found.
    """
    moves = moves or {}
    sources = {new: old for old, new in moves.items()}
    dirty = {sources.get(path, path) for search in searches for path in search.changed}
    dirty |= set(changes)
    words = frozenset(word for search in searches for word in search.words)
    sites: dict[tuple[str, int], Site] = {}
    for search in searches:
        if not search.words:
            continue
        pattern = words_pattern(search.words)
        covered = {
            path for path in dirty if search.covers(path) or search.covers(moves.get(path, path))
        }
        for path in sorted({*(sources.get(path, path) for path in search.hits), *covered}):
            if path not in texts:
                continue
            text, change = texts[path], changes.get(path)
            later = path if path in search.hits else moves.get(path, path)
            found = _File(path, text, search, change, later, words).sites(pattern)
            _check(search, path, text, found, dirty=path in dirty)
            for offset, site in found:
                old = sites.get((path, offset))
                if old is None or old.bucket is Bucket.EXCLUDED:
                    sites[path, offset] = site
    ordered = dict.fromkeys(word for search in searches for word in search.words)
    return Ledger(tuple(ordered), tuple(sorted(_without_definition(sites.values()))))


def _without_definition(sites: Iterable[Site]) -> Iterator[Site]:
    """``sites``; an export or prototype of what has another name now explains nothing."""
    found = list(sites)
    renamed = {(site.path, site.word) for site in found if site.why == _RENAMED}
    words = {word for _, word in renamed}
    for site in found:
        export = site.bucket is Bucket.EXPORT and (site.path, site.word) in renamed
        if export or (site.bucket is Bucket.PROTOTYPE and site.word in words):
            why = f"{site.why} of what has another name now"
            yield replace(site, bucket=Bucket.UNEXPLAINED, why=why)
        else:
            yield site


def words_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Matches each of ``words`` as a whole word (what ``git grep -w`` takes for one)."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.ASCII)


def _check(
    search: Search, path: str, text: str, found: Sequence[tuple[int, Site]], *, dirty: bool
) -> None:
    """The sums agree: what the lexer found is what a plain search finds."""
    hits = search.hits.get(path, 0)
    if dirty:  # an earlier step may have changed the file before the search
        hits = len(words_pattern(search.words).findall(text))
    if hits != len(found):
        raise RerollError(
            f"{search.rule}: {path} holds its words {hits} times, the ledger has {len(found)}: "
            "the sums do not agree",
            hint="please report this file; 'remaining = \"any\"' does not help",
        )


class _File:
    """One file before the patch, and what may be asked of a place in it."""

    def __init__(
        self,
        path: str,
        text: str,
        search: Search,
        change: Change | None,
        later: str,
        words: frozenset[str],
    ) -> None:
        self._words = words  # of all searches
        self._path = path
        self._later = later  # where it was when it was searched
        self._text = text
        self._search = search
        self._change = change
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def sites(self, pattern: re.Pattern[str]) -> list[tuple[int, Site]]:
        """Every occurrence and its offset."""
        return [
            (offset, self._site(offset, word, region))
            for offset, word, region in self._occurrences(pattern)
        ]

    def _occurrences(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str, Region | None]]:
        if not self._path.endswith((".c", ".h")):
            for found in pattern.finditer(self._text):
                yield found.start(), found[0], None
            return
        for token in self._tokens:
            for found in pattern.finditer(token.text):
                yield token.offset + found.start(), found[0], token.region

    def _site(self, offset: int, word: str, region: Region | None) -> Site:
        line = bisect_right(self._starts, offset)
        bucket, why = self._judge(offset, word, region, line)
        column = offset - self._starts[line - 1] + 1
        return Site(self._path, line, column, word, bucket, why)

    def _judge(
        self, offset: int, word: str, region: Region | None, line: int
    ) -> tuple[Bucket, str]:
        if region in _REGIONS or region is None:
            # Of a comment or a string, only the word itself counts.
            if self._change and self._change.touches([(offset, offset + len(word))]):
                return Bucket.CONVERTED, ""
        elif self._code_change and self._code_change.touches(self._own(offset, word)):
            return Bucket.CONVERTED, self._renamed(offset, word)
        if region is Region.STRING and self._is_code(offset):
            return Bucket.UNEXPLAINED, "in a string that is code"
        if region in _REGIONS:
            return _REGIONS[region]
        bucket, why = self._judge_left(offset, word, region, line)
        reason = self._search.exclusion(self._later)
        if reason and bucket not in EXPLAINED:
            return Bucket.EXCLUDED, reason
        return bucket, why

    def _judge_left(
        self, offset: int, word: str, region: Region | None, line: int
    ) -> tuple[Bucket, str]:
        """What a site is that was not changed, and is neither comment nor string."""
        if region is None:
            if self._path.endswith(_OTHER_CODE):
                return Bucket.UNEXPLAINED, "code, but not C"
            return Bucket.NOT_C, "no C source"
        if self._later in self._search.failed:
            return self._search.failed[self._later]
        if self._line(line) in self._search.unparsed.get(self._later, ()):
            return Bucket.UNPARSED, "spatch could not parse this code"
        return self._judge_code(offset, word, region)

    def _renamed(self, offset: int, word: str) -> str:
        """Whether a site that was changed is a definition that got another name."""
        if not self._code_change or not self._code_change.touches([(offset, offset + len(word))]):
            return ""
        return _RENAMED if self._judge_use(offset, word)[0] is Bucket.DEFINITION else ""

    @cached_property
    def _code_change(self) -> Change | None:
        """The change without the words of comments, which no code depends on."""
        if self._change is None:
            return None
        code = self._code
        removed = [pair for pair in self._change.removed if code[pair[0] : pair[1]].strip()]
        return Change(tuple(removed), self._change.inserted)

    def _is_code(self, offset: int) -> bool:
        """Whether a string at ``offset`` is for the assembler or the linker."""
        before = re.split(r"[;{}]", self._plain[max(0, offset - 400) : offset])[-1]
        return bool(re.search(r"\b(?:asm|__asm__|__asm|_?_?alias_?_?|weakref)\b", before))

    def _line(self, line: int) -> str:
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        return self._text[self._starts[line - 1] : end].strip()

    def _judge_code(self, offset: int, word: str, region: Region) -> tuple[Bucket, str]:
        if region is Region.MACRO:
            if re.search(r"#[ \t]*define[ \t]+\Z", self._text[max(0, offset - 80) : offset]):
                return Bucket.DEFINITION, "the definition of a macro"
            return Bucket.UNEXPLAINED, "in the body of a macro"
        if region is Region.DIRECTIVE:
            directive = self._text[self._text.rfind("\n", 0, offset) + 1 : offset]
            if re.match(r"[ \t]*#[ \t]*include\b", directive):
                return Bucket.STRING, "the name of an included file"
            return Bucket.UNEXPLAINED, "in a preprocessor directive"
        return self._judge_use(offset, word)

    def _judge_use(self, offset: int, word: str) -> tuple[Bucket, str]:
        before = self._plain[max(0, offset - 400) : offset].rstrip()
        end = self._end(offset, word)
        after = self._code[end : end + 400].lstrip()
        called = self._code[offset + len(word) : end].lstrip().startswith("(")
        if before.endswith(("->", ".")) and not before.endswith("..."):
            if word not in self._search.members:
                return Bucket.OTHER_NAME, "a member of that name"
            return Bucket.UNEXPLAINED, "the member is used"
        brace = self._brace(offset)
        if word in self._search.only_members and brace not in ("struct", "union"):
            return Bucket.OTHER_NAME, "no member"
        if brace in ("", "extern"):
            arguments = self._plain[offset + len(word) : end].strip()
            return outside(before, after, arguments)
        if brace in ("struct", "union", "enum"):
            return member(before, after, brace, word in self._search.members)
        if called:
            return Bucket.UNEXPLAINED, "a call"
        if re.search(r"\b(?:struct|union|enum)\Z", before):
            return Bucket.UNEXPLAINED, "used as a type"
        return Bucket.UNEXPLAINED, address(before)

    def _own(self, offset: int, word: str) -> list[tuple[int, int]]:
        """The word and what is in its parentheses, less what is in those of another call."""
        end = offset + len(word)
        close = self._end(offset, word)
        if close == end:
            return [(offset, end)]
        found, start, depth = [], offset, 0
        opened: list[bool] = []
        for mark in _PARENTHESIS.finditer(self._code, self._code.index("(", end) + 1, close - 1):
            if mark[0] == "(":
                before = _CALLED.search(self._code[max(0, mark.start() - 80) : mark.start()])
                opened.append(before is not None and before[1] not in _NO_CALL)
                if before and opened[-1] and depth == 0:
                    # The name in front is our argument, unless it is a site of its own.
                    name = mark.start() - len(before[0])
                    found.append((start, name if before[1] in self._words else mark.end()))
                depth += opened[-1]
            elif opened and opened.pop():
                depth -= 1
                start = mark.start() if depth == 0 else start
        return [*found, (start, close)]

    def _end(self, offset: int, word: str) -> int:
        """Where the word, with the parentheses behind it, ends."""
        end = offset + len(word)
        opened = _OPENED.match(self._code, end)
        if not opened:
            return end
        depth = 0
        # A parenthesis that nothing closes must not be followed to the end of the file.
        for found in _PARENTHESIS.finditer(self._code, opened.end() - 1, opened.end() + _FAR):
            depth += 1 if found[0] == "(" else -1
            if depth == 0:
                return found.end()
        return end

    @cached_property
    def _code(self) -> str:
        """The text with all that is no code, and every directive, blanked out."""
        if not self._path.endswith((".c", ".h")):
            return self._text
        return self._only(Region.CODE, Region.MACRO)

    @cached_property
    def _plain(self) -> str:
        """The same without macros."""
        return self._only(Region.CODE)

    @cached_property
    def _tokens(self) -> list[Token]:
        return list(lex(self._text))

    def _only(self, *kept: Region) -> str:
        return "".join(
            token.text if token.region in kept else re.sub(r"[^\n]", " ", token.text)
            for token in self._tokens
        )

    @cached_property
    def _braces(self) -> tuple[list[int], list[str]]:
        """Where nesting changes, and what is innermost from there on (empty: outside)."""
        plain = self._plain
        places, kinds = [0], [""]
        stack: list[str] = []
        last = 0
        for found in re.finditer(r"(^)?([{};])", plain, re.MULTILINE):
            if found[2] == "{":
                # A brace in the first column opens a function, whatever came before.
                stack = [] if found[1] is not None else stack
                stack.append(brace_kind(plain[last : found.start()]))
            elif found[2] == "}":
                stack = [] if found[1] is not None else stack[:-1]
            last = found.end()
            places.append(found.end())
            kinds.append(stack[-1] if stack else "")
        return places, kinds

    def _brace(self, offset: int) -> str:
        places, kinds = self._braces
        return kinds[bisect_right(places, offset) - 1]
