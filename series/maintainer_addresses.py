# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and addresses as ``get_maintainer.pl`` reads, maps and writes them.

Pure, on bytes, because the script knows no locale.  ``.mailmap`` is described in
gitmailmap(5), addresses in RFC 822, whose grammar the script takes its lists from.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# An address list longer than this is nobody's; it is not worth a slow grammar.
_LIST_LIMIT = 2000


_NAMED_MAIL = re.compile(rb"([^<]+)<(.+@.*)>.*$")
_BRACKETED_MAIL = re.compile(rb"\s*<(.+@\S*)>.*$")
_BARE_MAIL = re.compile(rb"(.+@\S*).*$")
_OUTER_QUOTE = re.compile(rb'^"|"$')
_NEEDS_QUOTES = re.compile(rb"[^\w \-]")
_BARE_QUOTE = re.compile(rb'(?<!\\)"')


def as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def split(mail: bytes) -> tuple[bytes, bytes]:
    """Name and address of one mail address; the name quoted if it has to be."""
    name = address = b""
    if named := _NAMED_MAIL.match(mail):
        name, address = named[1], named[2]
    elif bare := _BRACKETED_MAIL.match(mail) or _BARE_MAIL.match(mail):
        address = bare[1]
    return _quoted(name), address.strip()


def _quoted(name: bytes) -> bytes:
    name = _OUTER_QUOTE.sub(b"", name.strip())
    if _NEEDS_QUOTES.search(name):
        name = b'"' + _BARE_QUOTE.sub(rb'\\"', name) + b'"'
    return name


def format_mail(name: bytes, address: bytes) -> bytes:
    name, address = _quoted(name), address.strip()
    return name + b" <" + address + b">" if name else address


def plain_name(name: bytes) -> str:
    """A name as people write it, without the quotes of the mail header."""
    if len(name) > 1 and name.startswith(b'"') and name.endswith(b'"'):
        name = name[1:-1].replace(rb"\"", b'"')
    return as_text(name)


def list_words(value: bytes) -> tuple[bytes, bytes]:
    """The address of an ``L:`` line, and what is said about it."""
    words = value.split(None, 1)
    return (words[0], words[1]) if len(words) == 2 else (value, b"")


def _address_grammar() -> bytes:
    """RFC 822's grammar of an address whose comments are gone, as the script has it.

    Atomic where no other split can match, so that bad input takes no exponential time.  (A group
    with a possessive quantifier matches wrongly before Python 3.11.5.)
    """
    blank = rb"(?:(?:\r\n)?[ \t])"
    space = rb"(?>" + blank + rb"*)"
    specials = rb"()<>@,;:\\\"\.\[\]"
    end = rb"(?:(?>" + blank + rb"+)|\Z|(?=[" + specials + rb"]))"
    atom = rb"(?:[^" + specials + rb"\x00- \x7f]++" + end + rb")"
    quoted = rb'(?:"(?>(?:[^"\r\\]|\\[\x00-\xff]|\r\n[ \t])*)"' + space + rb")"
    literal = rb"(?:\[(?>(?:[^\[\]\r\\]|\\[\x00-\xff])*)\]" + space + rb")"
    word = rb"(?:" + atom + rb"|" + quoted + rb")"
    words = rb"(?>" + word + rb"*)"
    dot = rb"\." + space
    local = word + rb"(?>(?:" + dot + word + rb")*)"
    sub_domain = rb"(?:" + atom + rb"|" + literal + rb")"
    domain = sub_domain + rb"(?>(?:" + dot + sub_domain + rb")*)"
    spec = local + rb"@" + space + domain
    route = rb"(?:@" + domain + rb"(?>(?:,@" + space + domain + rb")*):" + space + rb")"
    angle = rb"<" + space + route + rb"?" + spec + rb">" + space
    mailbox = rb"(?:" + spec + rb"|" + words + angle + rb")"
    members = rb"(?:" + mailbox + rb"(?:,\s*" + mailbox + rb")*)?"
    group = words + rb":" + space + members + rb";\s*"
    return blank + rb"*(?:" + mailbox + rb"|" + group + rb")"


@functools.cache
def _address_patterns() -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Patterns of one address, of a list of them, and of the next one in a list."""
    one = _address_grammar()
    return (
        re.compile(one + rb"\Z"),
        re.compile(rb"(?:" + one + rb")?(?:,(?:" + one + rb")?)*\Z"),
        re.compile(rb"(?:^|,(?:(?:\r\n)?[ \t])*)(" + one + rb")"),
    )


_COMMENT = re.compile(
    rb'((?:[^"\\]|\\.)*(?:"(?:[^"\\]|\\.)*"(?:[^"\\]|\\.)*)*)\((?:[^()\\]|\\.)*\)', re.DOTALL
)


def addresses_of(value: bytes) -> list[bytes]:
    """The mail addresses of an ``M:`` or ``R:`` value: one, or a valid list of several."""
    if b"," not in value or len(value) > _LIST_LIMIT:
        return [value]
    bare = value
    while b"(" in bare and (comment := _COMMENT.match(bare)):
        bare = comment[1] + b" " + bare[comment.end() :]
    one, several, each = _address_patterns()
    if one.match(bare) or not several.match(bare):
        return [value]
    return each.findall(bare)


def read_ignore(text: bytes) -> Iterator[bytes]:
    """The people of ``.get_maintainer.ignore``, one a line; the rest of a line is comment."""
    for line in text.split(b"\n"):
        person = line.partition(b"#")[0].strip()
        if _address_patterns()[0].match(person):
            yield person


@dataclass(frozen=True)
class Mailmap:
    """``.mailmap``: the proper name and address, by address or by ``name <address>``."""

    names: Mapping[bytes, bytes]
    addresses: Mapping[bytes, bytes]

    def apply(self, mail: bytes) -> bytes:
        """The mail address with what the map knows better."""
        name, address = split(mail)
        key = format_mail(name, address)
        if key not in self.names and key not in self.addresses:
            key = address
        return format_mail(self.names.get(key, name), self.addresses.get(key, address))


# The four forms of a line, as git-shortlog(1) gives them: see the group names.
_MAP_NAME = re.compile(rb"([^<]+)<([^>]+)>$")
_MAP_ADDRESS = re.compile(rb"<([^>]+)>\s*<([^>]+)>$")
_MAP_BOTH = re.compile(rb"(.+)<([^>]+)>\s*<([^>]+)>$")
_MAP_PERSON = re.compile(rb"(.+)<([^>]+)>\s*(.+)\s*<([^>]+)>$")


def read_mailmap(text: bytes) -> Mailmap:
    names: dict[bytes, bytes] = {}
    addresses: dict[bytes, bytes] = {}
    for raw in text.split(b"\n"):
        line = raw.partition(b"#")[0].strip()
        if found := _MAP_NAME.match(line):
            name, address = split(_named(found[1], found[2]))
            names[address] = name
        elif found := _MAP_ADDRESS.match(line):
            addresses[found[2]] = found[1]
        elif found := _MAP_BOTH.match(line):
            names[found[3]], addresses[found[3]] = split(_named(found[1], found[2]))
        elif found := _MAP_PERSON.match(line):
            wrong = format_mail(*split(_named(found[3], found[4])))
            names[wrong], addresses[wrong] = split(_named(found[1], found[2]))
    return Mailmap(names, addresses)


def _named(name: bytes, address: bytes) -> bytes:
    return name.rstrip() + b" <" + address + b">"


# Bytes of the letters that the script allows in names, spelled as it sees them: without
# an encoding, its "from A-grave to y-diaeresis" is this.
_LETTERS = rb"A-Za-z\x80-\xc3"
_DOMAIN_IN_TEXT = re.compile(rb"[A-Za-z0-9.-]+\.[A-Za-z0-9]+")
# What is before the @, read backwards: the local part, a bracket, the name.
_BEFORE_AT = re.compile(rb"([A-Za-z0-9_.+-]++)[(<{]?(\s*+,*+\s*+[" + _LETTERS + rb"\"' ,.+-]*+)")
_NOT_IN_NAME = re.compile(rb"[^" + _LETTERS + rb"',.+-]")


def mails_in_text(text: bytes) -> Iterator[bytes]:
    """The addresses that a file names, with the names before them where there are any.

    Searches from each @ to both sides: a pattern of it all takes cubic time in Python.
    """
    backwards = text[::-1]
    done = 0
    at = text.find(b"@")
    while at >= 0:
        domain = _DOMAIN_IN_TEXT.match(text, at + 1)
        before = _BEFORE_AT.match(backwards, len(text) - at, len(text) - done)
        if domain and before:
            name, address = split(
                before[2][::-1] + b"<" + before[1][::-1] + b"@" + domain[0] + b">"
            )
            yield format_mail(_trimmed(_last_words(name)), address)
            done = domain.end() + (text[domain.end() : domain.end() + 1] in (b")", b">", b"}"))
        at = text.find(b"@", at + 1)


def _last_words(name: bytes) -> bytes:
    """The last two words of a name, or three if one of the first two is an initial."""
    words = _NOT_IN_NAME.split(name)
    while words and not words[-1]:
        words.pop()
    if len(words) < 3:
        return name
    first, middle, last = words[-3:]
    initial = re.compile(rb"[A-Za-z]|.\.", re.DOTALL)
    if initial.fullmatch(first) or len(middle) == 1 or (len(middle) == 2 and middle[1:] == b"."):
        return b" ".join((first, middle, last))
    return middle + b" " + last


def _trimmed(name: bytes) -> bytes:
    """A name without a comma or dot at its ends, within quotes or not."""
    if name[-1:] in (b",", b"."):
        name = name[:-1]
    elif name[-2:] in (b',"', b'."'):
        name = name[:-2] + b'"'
    if name[:1] in (b",", b"."):
        return name[1:]
    if name[:2] in (b'",', b'".'):
        return b'"' + name[2:]
    return name
