"""Changelogs as people write them below ``---`` and in cover letters.

Pure.  "v2: ...", "Changes in v2:", "Changes since v1:" (which is 2), "v1 -> v2:" and
their kin begin the entries of a version; what follows in the paragraph, and lists right
below it, belong to it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_NUMBER = r"(?:patch\s*set|version|ver|rev(?:ision)?|rfc[\s-]*v|v)\.?\s*(\d{1,3})(?![\w.])"
_LIST = r"(?:[-*+•#=~]+\s*)?\[?"
_TAIL = r"\]?(?:\s*\([^()]{1,40}\))?\s*(?:[:;,]|--?(?=\s|$)|\u2013|$)\s*(.*)"
_WORD = (
    r"(?:(?:what'?s\s+)?(?:changes?|changed|changelog|change\s+log|diff(?:erences)?|new|history)"
)
# "v1 -> v2", "from v1 to v2": the newer one counts.
_STEP = re.compile(
    rf"{_LIST}{_WORD}\s+)?(?:from|between|since|in|for)?\s*{_NUMBER}"
    rf"\s*(?:->|=>|→|\.\.+|-|to|and|\.{{2,}})\s*{_NUMBER}\s*{_TAIL}",
    re.IGNORECASE,
)
_SINCE = re.compile(
    rf"{_LIST}{_WORD}\s+)?(?:since|from|compared\s+to|against|vs\.?|over)\s+(?:the\s+)?{_NUMBER}"
    rf"\s*{_TAIL}",
    re.IGNORECASE,
)
_IN = re.compile(
    rf"{_LIST}{_WORD}\s*[:,-]?\s+)?(?:in|for|of|to)?\s*{_NUMBER}\s*{_TAIL}", re.IGNORECASE
)
_HEADING = re.compile(
    r"(?:[-*#=~]+\s*)?(?:changes?|changelog|change\s+log|(?:revision|version|patch)?\s*history)"
    r"\s*:?\s*[-=~]*\Z",
    re.IGNORECASE,
)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,2}[.)]|\(\d{1,2}\))\s+(.*)")
_LINKS = re.compile(r"\s*<?https?://\S+>?\s*\Z|\s*<?[\w.+-]+@[\w.-]+>?\s*\Z")


@dataclass(frozen=True)
class Changelog:
    """Entries by version, each one line; ``rest`` is the text that is none of it."""

    entries: Mapping[int, Sequence[str]] = field(default_factory=dict)
    rest: str = ""


def parse(text: str) -> Changelog:
    """Take the changelog out of ``text``."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.take(line.rstrip())
    return reader.result()


def version_of(line: str) -> tuple[int, str] | None:
    """The version that ``line`` begins the entries of, and what it says already."""
    for form, more in ((_STEP, 0), (_SINCE, 1), (_IN, 0)):
        if found := form.match(line.strip()):
            number, said = int(found.groups()[-2]) + more, found.groups()[-1]
            # "v1: https://..." is a list of earlier postings.
            if _LINKS.match(said) or not 0 < number <= 999:
                return None
            return number, said.strip()
    return None


class _Reader:
    """The state between two lines: which version's entries are being read, if any."""

    def __init__(self) -> None:
        self._entries: dict[int, list[str]] = {}
        self._rest: list[str] = []
        self._open = 0  # the version being read
        self._blank = False  # the last line was empty
        self._fresh = False  # nothing was said of the version yet
        self._listed = False  # its last entry was an item of a list
        self._indent = 0  # of that item's mark
        self._nested = False  # items of a list inside it were read
        self._heading: list[str] = []

    def take(self, line: str) -> None:
        """Read the next line."""
        if not line:
            self._blank = True
            if not self._open:
                self._rest += [*self._heading, ""]
                self._heading = []
            return
        known = version_of(line)
        if known:
            self._begin(*known)
        elif self._open and self._belongs(line):
            self._add(line)
        elif _HEADING.match(line.strip()) and not self._heading:
            self._open = 0
            self._heading = [line]
            return
        else:
            if self._open:
                self._rest.append("")
            self._open = 0
            self._rest += [*self._heading, line]
        self._heading = []
        self._blank = False

    def _begin(self, version: int, said: str) -> None:
        self._open = version
        self._entries.setdefault(version, [])
        self._fresh = not said
        self._listed = self._nested = False
        if said:
            self._entries[version].append(said)

    def _belongs(self, line: str) -> bool:
        """Whether a line that names no version is one of the version being read."""
        return not self._blank or self._fresh or bool(_ITEM.match(line)) or line[0] in " \t"

    def _add(self, line: str) -> None:
        entries = self._entries[self._open]
        item = _ITEM.match(line)
        indent = len(line) - len(line.lstrip())
        if item and entries and self._listed and indent > self._indent:
            # An entry is one line in series.toml: "Review from Ann: one; another".
            entries[-1] += f"{_joint(entries[-1], nested=self._nested)} {item[1].strip()}"
            self._nested = True
        elif item or self._fresh or (self._blank and line[0] not in " \t"):
            entries.append(item[1].strip() if item else line.strip())
            self._listed, self._nested, self._indent = bool(item), False, indent
        else:
            entries[-1] = f"{entries[-1]} {line.strip()}".strip() if entries else line.strip()
        self._fresh = False

    def result(self) -> Changelog:
        """All that was read."""
        found = {number: tuple(filter(None, lines)) for number, lines in self._entries.items()}
        text = re.sub(r"\n{3,}", "\n\n", "\n".join([*self._rest, *self._heading]))
        return Changelog({number: lines for number, lines in found.items() if lines}, text.strip())


def _joint(entry: str, *, nested: bool) -> str:
    """What stands between an entry and an item of a list inside it."""
    if nested:
        return "" if entry.endswith((";", ",")) else ";"
    return "" if entry.endswith((":", ";", ",", ".", "-", "\u2013")) else ":"
