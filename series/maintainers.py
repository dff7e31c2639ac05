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

import functools
import re
from collections.abc import Container, Iterable, Mapping, Sequence
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
from series.maintainer_patterns import (
    EXCLUDED,
    FilePatterns,
    Keyword,
    Match,
    keywords_of_patch,
    read_keywords,
)
from series.maintainer_sections import Entry, MaintainersText, RawSection, Section

__all__ = ["Contact", "Entry", "Maintainers", "Section", "contacts", "covering", "parse"]

Kind = Literal["maintainer", "reviewer", "list"]

# The person who gets all of the kernel through others; the script leaves him out, too.
_CHIEF = re.compile(rb"Linus Torvalds <torvalds@")

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
class Mention:
    """One line that names a contact: ``address`` as it is there, as what, in which section.

    ``through`` is the pattern that led there; for a file that names its people
    itself it is the path, and ``section`` is empty.
    """

    address: str
    kind: Kind
    section: str
    through: str


@dataclass(frozen=True)
class Contact:
    """One person or list that wants to see a change.

    ``role`` is worded as ``get_maintainer.pl --rolestats`` words it.  It takes two
    addresses with one name for one person; ``mentions`` has them all, the one that
    it goes by first.
    """

    name: str
    address: str
    role: str
    kind: Kind
    mentions: tuple[Mention, ...]

    @property
    def reason(self) -> str:
        """The section and the pattern that made the role."""
        first = self.mentions[0]
        if not first.section:
            return f"named in {first.through}"
        return f"{first.kind} of {first.section} through {first.through}"


@dataclass(frozen=True, eq=False)
class Maintainers:
    """A MAINTAINERS file; what nobody asks for is not read."""

    _text: MaintainersText = field(repr=False)
    _patterns: FilePatterns = field(repr=False)
    _names: tuple[Keyword, ...] = field(repr=False)
    _keywords: tuple[Keyword, ...] = field(repr=False)
    _mailmap: Mailmap = field(repr=False)
    _ignore: bytes = field(repr=False)

    @functools.cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections that have a typed line, in the order of the file."""
        return tuple(self._text.section(number) for number in self._text.all_sections())

    @functools.cached_property
    def problems(self) -> tuple[str, ...]:
        """Each line that cannot be used, with its number and the reason."""
        from series import maintainer_problems

        return maintainer_problems.find(self._text)

    @functools.cached_property
    def ignored(self) -> frozenset[str]:
        """The people of ``.get_maintainer.ignore``, ``Name <address>`` as written there."""
        return frozenset(as_text(line) for line in read_ignore(self._ignore))

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
    directories: Container[str] | None = None,
) -> Maintainers:
    """Read the text of a MAINTAINERS file.

    ``mailmap`` and ``ignore`` are the texts of ``.mailmap`` and ``.get_maintainer.ignore``.
    ``directories`` holds the paths of all directories of the tree: a pattern such as
    ``F: drivers/foo`` covers what is below only if that is a directory.  Without it, a
    directory is known from the path of a file that is in it.

    Never raises on bad input: what cannot be used is named in ``problems``.
    """
    lines = MaintainersText(text)
    names, keywords = read_keywords(lines)
    return Maintainers(
        _text=lines,
        _patterns=FilePatterns(lines, directories),
        _names=names,
        _keywords=keywords,
        _mailmap=read_mailmap(mailmap),
        _ignore=ignore,
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
    texts = {} if contents is None else contents
    paths = [name.encode("utf-8", "surrogateescape") for name in files]
    if patch:
        paths = sorted(set(paths))
        keywords = keywords_of_patch(m._keywords, patch)
    else:
        keywords = _keywords_of_files(m._keywords, files, texts)
    collector = _Collector(m._mailmap)
    for path in paths:
        for number, pattern in _matching_sections(m, path):
            collector.add_section(m._text.raw(number), pattern)
    for keyword in _in_order(m._text, keywords):
        collector.add_section(m._text.raw(m._text.number_at(keyword.offset)), keyword.shown)
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
        m._text.section(number)
        for number, pattern in _matching_sections(m, name)
        if pattern.startswith("F:")
    )


# --- matching --------------------------------------------------------------------------


def _matching_sections(m: Maintainers, path: bytes) -> list[tuple[int, str]]:
    """Numbers of the sections that cover a path, best first, each with its pattern.

    Of several matching entries of one section, the last decides on the rank: that is what
    the script does.
    """
    found = m._patterns.matching(path)
    for name in m._names:
        if name.is_in(path):
            number = m._text.number_at(name.offset)
            if number not in found or found[number].offset < name.offset:
                found[number] = Match(name.offset, 0, name.shown)
    ranked = sorted(found.items(), key=lambda item: (-item[1].depth, item[0]))
    return [(number, match.shown) for number, match in ranked if match is not EXCLUDED]


def _keywords_of_files(
    keywords: Iterable[Keyword], files: Iterable[str], contents: Mapping[str, bytes]
) -> list[Keyword]:
    """The ``K:`` entries that the text of a file matches."""
    texts = [contents[name] for name in files if name in contents and name != "MAINTAINERS"]
    return [keyword for keyword in keywords if any(map(keyword.is_in, texts))]


def _in_order(text: MaintainersText, keywords: list[Keyword]) -> list[Keyword]:
    """Keywords in the script's order: it sorts the numbers of their lines as text."""
    if len(keywords) < 2:
        return keywords
    return sorted(keywords, key=lambda keyword: str(text.serial(keyword.offset)))


# --- gathering -------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """A contact on its way: mail address as the script prints it, role, and reason."""

    mail: bytes
    role: bytes
    kind: Kind
    mentions: list[Mention]


class _Collector:
    """Takes sections in order and leaves out who is there already, as the script does."""

    def __init__(self, mailmap: Mailmap) -> None:
        self._mailmap = mailmap
        self._people: list[_Found] = []
        self._lists: list[_Found] = []
        self._by_name: dict[bytes, _Found] = {}
        self._by_address: dict[bytes, _Found] = {}
        self._by_list: dict[bytes, _Found] = {}

    def add_section(self, section: RawSection, pattern: str) -> None:
        """Take the people and lists of a section, found through this pattern."""
        where = (as_text(section.title or section.heading), pattern)
        status = [line.value for line in section.contacts if line.letter == b"S"]
        standing = status[-1].lower() if status else b"unknown"
        role = _ROLES.get(standing, standing)
        for line in section.contacts:
            if line.letter == b"L":
                self._add_list(line.value, section.heading, where)
            elif line.letter == b"M":
                self._add_people(line.value, role + b":" + section.heading, "maintainer", where)
            elif line.letter == b"R":
                self._add_people(line.value, b"reviewer:" + section.heading, "reviewer", where)

    def _add_list(self, value: bytes, heading: bytes, where: tuple[str, str]) -> None:
        address, note = list_words(value)
        # The sender may not be a subscriber.
        if b"subscribers-only" in note:
            return
        mention = Mention(as_text(address), "list", *where)
        if known := self._by_list.get(address.lower()):
            known.mentions.append(mention)
            return
        role = b"moderated list" if b"moderated" in note else b"open list"
        if heading != b"THE REST":
            role += b":" + heading
        found = _Found(address, role, "list", [mention])
        self._lists.append(found)
        self._by_list[address.lower()] = found

    def _add_people(self, value: bytes, role: bytes, kind: Kind, where: tuple[str, str]) -> None:
        for mail in addresses_of(value):
            self._add_person(mail, role, kind, where)

    def _add_person(self, mail: bytes, role: bytes, kind: Kind, where: tuple[str, str]) -> None:
        name, address = split(mail)
        if not address:
            return
        mention = Mention(_shown(name, address), kind, *where)
        known = self._by_address.get(address.lower())
        if known or (known := self._by_name.get(name.lower()) if name else None):
            known.mentions.append(mention)
            return
        found = _Found(format_mail(name, address), role, kind, [mention])
        self._people.append(found)
        self._by_name[name.lower()] = self._by_address[address.lower()] = found

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
        for mail in mails_in_text(text):
            mail = self._mailmap.apply(mail)
            self._add_person(mail, b"", "maintainer", ("", as_text(path)))
            name, address = split(mail)
            for found in self._people:
                its_name, its_address = split(found.mail)
                if (name == its_name or address == its_address) and b"in file" not in found.role:
                    found.role = found.role + b",in file" if found.role else b"in file"

    def result(self) -> tuple[Contact, ...]:
        """People, then lists, each mail address once."""
        merged: dict[bytes, _Found] = {}
        for found in (*self._people, *self._lists):
            if first := merged.get(found.mail):
                first.mentions += found.mentions
            elif split(found.mail)[1]:
                merged[found.mail] = found
        return tuple(_contact(found) for found in merged.values())


def _contact(found: _Found) -> Contact:
    name, address = split(found.mail)
    return Contact(
        plain_name(name),
        as_text(address),
        as_text(found.role),
        found.kind,
        tuple(dict.fromkeys(found.mentions)),
    )


def _shown(name: bytes, address: bytes) -> str:
    """Name and address as people write them."""
    return f"{plain_name(name)} <{as_text(address)}>" if name else as_text(address)
