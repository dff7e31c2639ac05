# SPDX-License-Identifier: GPL-2.0-or-later
"""MAINTAINERS, read as ``scripts/get_maintainer.pl --nogit --nogit-fallback`` reads it.

Pure: no process, no network, no file is opened.  The caller reads MAINTAINERS,
``.mailmap`` and ``.get_maintainer.ignore`` and hands in their bytes.

The format is described at the top of the kernel's own MAINTAINERS file; where that
description and the script differ, the script is followed, because its answer is what
reviewers expect.  It works on bytes without a locale, and so does everything below the
public functions: ``\\w``, ``\\s`` and lower case are ASCII, a UTF-8 name counts as one
that has to be quoted, and a long section title is cut at a byte.

Where the script leaves the order to chance (sections that match equally well come out in
the order of a perl hash), sections are taken in the order of the file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from series.maintainer_addresses import (
    Mailmap,
    addresses_of,
    as_text,
    format_mail,
    list_words,
    mails_in_text,
    plain_name,
    read_ignore,
    read_mailmap,
    split,
)
from series.perl_regex import BAD_PATTERN, compile_perl, translate

Kind = Literal["maintainer", "reviewer", "list"]

# The person who gets all of the kernel through others; the script leaves him out, too.
_CHIEF = re.compile(rb"Linus Torvalds <torvalds@")
_TITLE_LIMIT = 50

_ROLES = {
    b"supported": b"supporter",
    b"maintained": b"maintainer",
    b"odd fixes": b"odd fixer",
    b"orphan": b"orphan minder",
    b"obsolete": b"obsolete minder",
    b"buried alive in reporters": b"chief penguin",
}


# --- what callers see ------------------------------------------------------------------


@dataclass(frozen=True)
class Contact:
    """One person or list that wants to see a change.

    ``role`` is worded as ``get_maintainer.pl --rolestats`` words it; ``reason`` names the
    section and the pattern that brought the contact in.
    """

    name: str
    address: str
    role: str
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``X: value`` line of a section."""

    letter: str
    value: str
    line: int


@dataclass(frozen=True)
class Section:
    """One section: its title, the last ``S:`` value, its entries, the title's line number."""

    title: str
    status: str
    entries: tuple[Entry, ...]
    line: int

    def values(self, letter: str) -> tuple[str, ...]:
        """The values of all entries with this letter, in the order of the file."""
        return tuple(entry.value for entry in self.entries if entry.letter == letter)


@dataclass(frozen=True)
class Maintainers:
    """A parsed MAINTAINERS file.

    ``problems`` names, with its line number, each line that cannot be used.  ``ignored``
    holds the lines of ``.get_maintainer.ignore``, ``Name <address>`` as written there.
    """

    sections: tuple[Section, ...]
    problems: tuple[str, ...]
    ignored: frozenset[str]
    _index: _Index = field(repr=False, compare=False)

    def ignores(self, name: str, address: str) -> bool:
        """Whether ``.get_maintainer.ignore`` names this person.

        The script asks this only about people it found in git history, never about those
        whom MAINTAINERS names, and so ``contacts()`` doesn't.
        """
        return as_text(format_mail(name.encode(), address.encode())) in self.ignored


def parse(
    text: bytes,
    *,
    mailmap: bytes = b"",
    ignore: bytes = b"",
    directories: Collection[str] | None = None,
) -> Maintainers:
    """Read the text of a MAINTAINERS file.

    ``mailmap`` and ``ignore`` are the texts of ``.mailmap`` and ``.get_maintainer.ignore``.
    ``directories`` holds the paths of all directories of the tree: a pattern such as
    ``F: drivers/foo`` covers what is below only if that is a directory.  Without it, a
    directory is known from the path of a file that is in it.

    Never raises on bad input: what cannot be used is named in ``problems``.
    """
    drafts = _read_sections(text)
    known = None if directories is None else frozenset(directories)
    problems = _Problems()
    problems.check_encoding(text)
    index = _build_index(drafts, known, read_mailmap(mailmap), problems)
    return Maintainers(
        sections=tuple(_section(draft) for draft in drafts),
        problems=problems.in_order(),
        ignored=frozenset(as_text(line) for line in read_ignore(ignore)),
        _index=index,
    )


def contacts(
    m: Maintainers,
    files: Sequence[str],
    patch: bytes = b"",
    *,
    contents: Mapping[str, bytes] | None = None,
) -> tuple[Contact, ...]:
    """Who wants to see a change of ``files``, in the order in which the script prints them.

    ``files`` are the paths as in the diff (of a rename, both).  With ``patch``, the bytes
    of one mail as git format-patch writes it, ``K:`` patterns are matched as the script
    matches them: anywhere in the message, and in the changed lines of the diff.

    ``contents`` maps paths to what the tree has there.  Without ``patch`` the ``K:``
    patterns are matched in it, as ``get_maintainer.pl -f`` does; with or without, the
    addresses in ``.yaml`` files (device tree bindings name their maintainers) are added.

    Signers of a commit that the patch's ``Fixes:`` names are not among the contacts: they
    are in git, which this module doesn't read.
    """
    index = m._index
    texts = {} if contents is None else contents
    paths = [name.encode("utf-8", "surrogateescape") for name in files]
    if patch:
        paths = sorted(set(paths))
        keywords = _keywords_of_patch(index.keywords, patch)
    else:
        keywords = _keywords_of_files(index.keywords, files, texts)
    collector = _Collector(index)
    for path in paths:
        for number, pattern in _matching_sections(index, path):
            collector.add_section(index.sections[number], pattern)
    # The script sorts the numbers of these entries as text.
    for keyword in sorted(keywords, key=lambda k: str(k.serial)):
        collector.add_section(index.sections[keyword.section], keyword.shown)
    collector.settle()
    for path in paths:
        text = texts.get(path.decode("utf-8", "surrogateescape"))
        if text and path.endswith(b".yaml"):
            collector.add_addresses_of(path, text)
    return collector.result()


def covering(m: Maintainers, path: str) -> tuple[Section, ...]:
    """The sections whose ``F:`` patterns cover ``path``, the one that fits best first."""
    name = path.encode("utf-8", "surrogateescape")
    return tuple(
        m.sections[number]
        for number, pattern in _matching_sections(m._index, name)
        if pattern.startswith("F:")
    )


# --- the file's lines ------------------------------------------------------------------

_ENTRY = re.compile(rb"([A-Z]):\s*(.*)")


@dataclass(frozen=True, slots=True)
class _Line:
    """One typed line; ``serial`` counts the lines of the file that are not blank or comment."""

    letter: bytes
    value: bytes
    number: int
    serial: int


@dataclass(slots=True)
class _Draft:
    """A section while it is read: a title, or none, and the typed lines after it."""

    title: bytes
    number: int
    lines: list[_Line]

    @property
    def contacts(self) -> list[_Line]:
        """The lines that may name contacts: all, but without a title the first stands for it."""
        return self.lines if self.title else self.lines[1:]

    @property
    def heading(self) -> bytes:
        """The title, cut as the script cuts it for roles."""
        first = self.lines[0]
        title = self.title or first.letter + b":" + first.value
        if len(title) > _TITLE_LIMIT:
            title = title[: _TITLE_LIMIT - 3].rstrip() + b"..."
        return title


def _read_sections(text: bytes) -> list[_Draft]:
    """Split the file into sections: each run of typed lines, with the line before as title."""
    drafts: list[_Draft] = []
    current = _Draft(b"", 1, [])
    serial = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        if typed := _ENTRY.match(line):
            if not current.lines:
                drafts.append(current)
            current.lines.append(_Line(typed[1], typed[2], number, serial))
        elif not (bare := line.strip()) or bare.startswith(b"#"):
            continue
        else:
            current = _Draft(line, number, [])
        serial += 1
    return drafts


def _section(draft: _Draft) -> Section:
    entries = tuple(
        Entry(as_text(line.letter), as_text(line.value), line.number) for line in draft.lines
    )
    status = [entry.value for entry in entries if entry.letter == "S"]
    return Section(as_text(draft.title), status[-1] if status else "", entries, draft.number)


class _Problems:
    """What cannot be used, gathered while the file is read."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, what: str) -> None:
        self._found.append((line, f"line {line}: {what}"))

    def check_encoding(self, text: bytes) -> None:
        """Name the lines that are no UTF-8, and carriage returns, which patterns keep."""
        if b"\r\n" in text:
            self.add(text[: text.index(b"\r\n")].count(b"\n") + 1, "line ends in CR LF")
        if _is_utf8(text):
            return
        for number, line in enumerate(text.split(b"\n"), 1):
            if not _is_utf8(line):
                self.add(number, "not valid UTF-8")

    def in_order(self) -> tuple[str, ...]:
        return tuple(what for _, what in sorted(self._found))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- patterns --------------------------------------------------------------------------

# All that a regular expression, or a glob, gives a meaning to.  A dot has none: the
# script escapes it in file patterns.
_SPECIAL = re.compile(rb"[*?\[\](){}|+^$\\]")
_BEYOND_GLOB = re.compile(rb"[\[\](){}|+^$\\]")


@dataclass(frozen=True, slots=True)
class _FilePattern:
    """An ``F:`` or ``X:`` entry.

    A match starts with ``prefix``; ``regex`` is empty when there is nothing more to it.
    ``depth`` ranks the section: the deeper the pattern, the earlier its people are named.
    """

    section: int
    serial: int
    excludes: bool
    prefix: bytes
    regex: bytes
    whole_directory: bool
    slashes: int
    depth: int
    shown: str

    @property
    def may_be_directory(self) -> bool:
        """Whether this would cover all that is below, if there were such a directory."""
        return not (self.regex or self.whole_directory or b"." in self.prefix)

    def matches(self, path: bytes, slashes: int) -> bool:
        """Whether the pattern covers this path, which has so many slashes."""
        if not self.whole_directory and slashes != self.slashes:
            return False
        if not path.startswith(self.prefix):
            return False
        if not self.regex:
            return True
        compiled = compile_perl(b"^" + self.regex, False)
        return compiled is not None and compiled.search(path) is not None


@dataclass(frozen=True, slots=True)
class _Keyword:
    """An ``N:`` or ``K:`` entry: a perl regular expression, with /x."""

    section: int
    serial: int
    regex: bytes
    shown: str


@dataclass(frozen=True)
class _Index:
    """Everything ``contacts()`` asks, arranged for the asking.

    ``by_directory`` holds the file patterns under the directory that each one's fixed part
    names (with its slash), so that only the ancestors of a path are looked at.
    ``bare_directories`` holds those that become directory patterns if there is one.
    """

    sections: tuple[_Draft, ...]
    by_directory: Mapping[bytes, Sequence[_FilePattern]]
    bare_directories: Mapping[bytes, Sequence[_FilePattern]]
    names: tuple[_Keyword, ...]
    keywords: tuple[_Keyword, ...]
    mailmap: Mailmap


def _build_index(
    drafts: Sequence[_Draft],
    directories: Collection[str] | None,
    mailmap: Mailmap,
    problems: _Problems,
) -> _Index:
    by_directory: dict[bytes, list[_FilePattern]] = {}
    bare: dict[bytes, list[_FilePattern]] = {}
    names: list[_Keyword] = []
    keywords: list[_Keyword] = []
    for number, draft in enumerate(drafts):
        for line in draft.lines:
            if line.letter in (b"F", b"X"):
                pattern = _file_pattern(number, line, directories, problems)
                by_directory.setdefault(_directory(pattern.prefix), []).append(pattern)
                if directories is None and pattern.may_be_directory:
                    bare.setdefault(pattern.prefix, []).append(_below(pattern))
            elif line.letter in (b"N", b"K") and _is_usable(line, problems):
                shown = f"{as_text(line.letter)}: {as_text(line.value)}"
                target = names if line.letter == b"N" else keywords
                target.append(_Keyword(number, line.serial, line.value, shown))
        for line in draft.contacts:
            _check_address(line, problems)
    return _Index(tuple(drafts), by_directory, bare, tuple(names), tuple(keywords), mailmap)


def _directory(prefix: bytes) -> bytes:
    return prefix[: prefix.rfind(b"/") + 1]


def _is_usable(line: _Line, problems: _Problems) -> bool:
    """Whether the perl pattern of an ``N:`` or ``K:`` line can be used; else say why."""
    letter = as_text(line.letter)
    if not line.value:
        # In perl, an empty pattern means "the last one that matched", whatever that was.
        problems.add(line.number, f"{letter}: has no pattern")
        return False
    try:
        translate(line.value, True)
    except BAD_PATTERN as error:
        problems.add(line.number, f"{letter}: {as_text(line.value)}: {error}")
        return False
    return True


def _check_address(line: _Line, problems: _Problems) -> None:
    if line.letter == b"L" and not split(list_words(line.value)[0])[1]:
        problems.add(line.number, f"L: has no address: {as_text(line.value)}")
    elif line.letter in (b"M", b"R") and not split(line.value)[1]:
        problems.add(line.number, f"{as_text(line.letter)}: has no address: {as_text(line.value)}")


def _file_pattern(
    section: int, line: _Line, directories: Collection[str] | None, problems: _Problems
) -> _FilePattern:
    value = line.value
    regex = value.replace(b".", rb"\.").replace(b"*", b".*").replace(b"?", b".")
    if directories is not None and _names_directory(regex, directories):
        value, regex = value + b"/", regex + b"/"
    if value and _BEYOND_GLOB.search(value):
        try:
            translate(regex, False)
        except BAD_PATTERN as error:
            problems.add(line.number, f"{as_text(line.letter)}: {as_text(value)}: {error}")
    prefix = _fixed_prefix(value)
    slashes = regex.count(b"/")
    depth = slashes if regex.endswith(b"/") else slashes + 1
    return _FilePattern(
        section=section,
        serial=line.serial,
        excludes=line.letter == b"X",
        prefix=prefix,
        regex=b"" if prefix == value else regex,
        whole_directory=regex.endswith(b"/"),
        slashes=slashes,
        depth=-1 if regex.startswith(b".*") else depth,
        shown=f"{as_text(line.letter)}: {as_text(line.value)}",
    )


def _names_directory(regex: bytes, directories: Collection[str]) -> bool:
    """Whether a pattern without a slash at its end is the path of a directory.

    The script asks the file system after it made a regular expression of the pattern: it
    never finds a directory that has a dot in its name, but takes ``?`` for the dot that is
    every directory's own name.
    """
    if not regex or regex.endswith(b"/"):
        return False
    path = posixpath.normpath(regex.decode("utf-8", "surrogateescape"))
    return path in directories or path in (".", "..")


def _fixed_prefix(value: bytes) -> bytes:
    """The part of a file pattern that each match begins with, for sure."""
    special = _SPECIAL.search(value)
    if special is None:
        return value
    if b"|" in value:
        return b""
    end = special.start()
    # These two may make the character before them optional.
    return value[: max(end - 1, 0)] if special[0] in b"+{" else value[:end]


def _below(pattern: _FilePattern) -> _FilePattern:
    """The same pattern, as it reads when there is a directory of that name."""
    return _FilePattern(
        section=pattern.section,
        serial=pattern.serial,
        excludes=pattern.excludes,
        prefix=pattern.prefix + b"/",
        regex=b"",
        whole_directory=True,
        slashes=pattern.slashes + 1,
        depth=pattern.depth,
        shown=pattern.shown,
    )


# --- matching --------------------------------------------------------------------------


def _candidates(index: _Index, path: bytes) -> Iterator[_FilePattern]:
    """The file patterns whose fixed part allows for this path."""
    yield from index.by_directory.get(b"", ())
    end = path.find(b"/")
    while end >= 0:
        yield from index.by_directory.get(path[: end + 1], ())
        yield from index.bare_directories.get(path[:end], ())
        end = path.find(b"/", end + 1)


def _matching_sections(index: _Index, path: bytes) -> list[tuple[int, str]]:
    """Numbers of the sections that cover a path, best first, each with its pattern.

    Of several matching entries of one section, the last decides on the rank: that is what
    the script does.
    """
    slashes = path.count(b"/")
    excluded: set[int] = set()
    found: dict[int, tuple[int, int, str]] = {}
    for pattern in _candidates(index, path):
        if not pattern.matches(path, slashes):
            continue
        if pattern.excludes:
            excluded.add(pattern.section)
        elif pattern.section not in found or found[pattern.section][0] < pattern.serial:
            found[pattern.section] = (pattern.serial, pattern.depth, pattern.shown)
    for name in index.names:
        compiled = compile_perl(name.regex, True)
        if compiled is None or not compiled.search(path):
            continue
        if name.section not in found or found[name.section][0] < name.serial:
            found[name.section] = (name.serial, 0, name.shown)
    ranked = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))
    return [(number, shown) for number, (_, _, shown) in ranked if number not in excluded]


_FILE_LINE = re.compile(rb"\+\+\+\s+\S|---\s+\S")
# Lines that the script takes for something else than text, and looks for no keyword in.
_OTHER_LINE = re.compile(
    rb" mode change [0-7]+ => [0-7]+ \S+\s*$"
    rb"|rename (?:from|to) \S+\s*$"
    rb"|diff --git a/\S+ b/\S+\s*$"
    rb"|Fixes:\s+[0-9a-fA-F]{6,40}"
    rb"|@@ -\d+,\d+"
)
# What makes a pattern look beyond the line it is matched in.
_LOOKS_AROUND = re.compile(rb"\\[AzZ]|\(\?<?[=!]|\(\?[a-z^-]*m")


def _keywords_of_patch(keywords: Iterable[_Keyword], patch: bytes) -> list[_Keyword]:
    """The ``K:`` entries that a patch matches.

    Before the first ``---`` or ``+++`` line with a name, a line matches anywhere.  After
    it the script puts "starts with + or -" before the pattern, which binds to the first
    alternative only: the others match in context lines, too.
    """
    intro: list[bytes] | None = None
    body: list[bytes] = []
    found = []
    for keyword in keywords:
        if not _may_match(keyword, patch):
            continue
        if intro is None:
            intro, body = _text_lines(patch)
        plain = compile_perl(keyword.regex, True)
        changed = compile_perl(rb"^[+-].*" + keyword.regex, True)
        if (plain is not None and any(map(plain.search, intro))) or (
            changed is not None and any(map(changed.search, body))
        ):
            found.append(keyword)
    return found


def _may_match(keyword: _Keyword, patch: bytes) -> bool:
    """Cheaply rule out most keywords: one search in the whole patch, not one in each line."""
    if _LOOKS_AROUND.search(keyword.regex):
        return True
    anywhere = compile_perl(keyword.regex, True, re.MULTILINE)
    return anywhere is not None and anywhere.search(patch) is not None


def _text_lines(patch: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines of a patch to look for keywords in: those of the message, and the others."""
    intro: list[bytes] = []
    body: list[bytes] = []
    lines = intro
    for line in re.findall(rb"[^\n]*\n|[^\n]+", patch):
        if _OTHER_LINE.match(line):
            continue
        if _FILE_LINE.match(line):
            lines = body
        else:
            lines.append(line)
    return intro, body


def _keywords_of_files(
    keywords: Iterable[_Keyword], files: Iterable[str], contents: Mapping[str, bytes]
) -> list[_Keyword]:
    """The ``K:`` entries that the text of a file matches."""
    texts = [contents[name] for name in files if name in contents and name != "MAINTAINERS"]
    return [keyword for keyword in keywords if texts and _matches_any(keyword, texts)]


def _matches_any(keyword: _Keyword, texts: Iterable[bytes]) -> bool:
    compiled = compile_perl(keyword.regex, True)
    return compiled is not None and any(map(compiled.search, texts))


# --- gathering -------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """A contact on its way: mail address as the script prints it, role, and reason."""

    mail: bytes
    role: bytes
    kind: Kind
    reason: str


class _Collector:
    """Takes sections in order and leaves out who is there already, as the script does."""

    def __init__(self, index: _Index) -> None:
        self._mailmap = index.mailmap
        self._people: list[_Found] = []
        self._lists: list[_Found] = []
        self._names: set[bytes] = set()
        self._addresses: set[bytes] = set()
        self._list_addresses: set[bytes] = set()

    def add_section(self, section: _Draft, pattern: str) -> None:
        """Take the people and lists of a section, found through this pattern."""
        where = f"of {as_text(section.heading)} through {pattern}"
        status = [line.value for line in section.contacts if line.letter == b"S"]
        standing = status[-1].lower() if status else b"unknown"
        role = _ROLES.get(standing, standing)
        for line in section.contacts:
            if line.letter == b"L":
                self._add_list(line.value, section.heading, f"list {where}")
            elif line.letter == b"M":
                self._add_people(line.value, role + b":" + section.heading, "maintainer", where)
            elif line.letter == b"R":
                self._add_people(line.value, b"reviewer:" + section.heading, "reviewer", where)

    def _add_list(self, value: bytes, heading: bytes, reason: str) -> None:
        address, note = list_words(value)
        # The sender may not be a subscriber.
        if address.lower() in self._list_addresses or b"subscribers-only" in note:
            return
        self._list_addresses.add(address.lower())
        role = b"moderated list" if b"moderated" in note else b"open list"
        if heading != b"THE REST":
            role += b":" + heading
        self._lists.append(_Found(address, role, "list", reason))

    def _add_people(self, value: bytes, role: bytes, kind: Kind, where: str) -> None:
        for mail in addresses_of(value):
            self._add_person(mail, role, kind, f"{kind} {where}")

    def _add_person(self, mail: bytes, role: bytes, kind: Kind, reason: str) -> None:
        name, address = split(mail)
        if not address or address.lower() in self._addresses:
            return
        if name and name.lower() in self._names:
            return
        self._names.add(name.lower())
        self._addresses.add(address.lower())
        self._people.append(_Found(format_mail(name, address), role, kind, reason))

    def settle(self) -> None:
        """Apply the mailmap, merge who turns out to be the same, leave out the chief."""
        by_name: dict[bytes, bytes] = {}
        by_address: dict[bytes, bytes] = {}
        for found in (*self._people, *self._lists):
            mail = self._mailmap.apply(found.mail)
            name, address = split(mail)
            known = by_name.get(name.lower()) if name else None
            known = known or by_address.get(address.lower())
            if known is None:
                by_name[name.lower()] = by_address[address.lower()] = known = mail
            found.mail = self._mailmap.apply(known)
        self._people = [found for found in self._people if not _CHIEF.search(found.mail)]

    def add_addresses_of(self, path: bytes, text: bytes) -> None:
        """Take the people that a file names itself."""
        reason = f"named in {as_text(path)}"
        for mail in mails_in_text(text):
            mail = self._mailmap.apply(mail)
            self._add_person(mail, b"", "maintainer", reason)
            name, address = split(mail)
            for found in self._people:
                its_name, its_address = split(found.mail)
                if (name == its_name or address == its_address) and b"in file" not in found.role:
                    found.role = found.role + b",in file" if found.role else b"in file"

    def result(self) -> tuple[Contact, ...]:
        """People, then lists, each mail address once."""
        seen: set[bytes] = set()
        merged = []
        for found in (*self._people, *self._lists):
            name, address = split(found.mail)
            if not address or found.mail in seen:
                continue
            seen.add(found.mail)
            merged.append(
                Contact(
                    plain_name(name),
                    as_text(address),
                    as_text(found.role),
                    found.kind,
                    found.reason,
                )
            )
        return tuple(merged)
