"""Who gave a tag: which names and addresses in a thread are one person's.

Pure, but for what ``series.people`` read from the mailmap.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from series import addresses
from series.people import People, name_key


@dataclass
class Givers:
    """The people of a thread: ``people`` is what the mailmap says.

    One full name is one person, and so is one address.  An address counts without what is
    behind a ``+``, and one label more or less in front of its domain makes no other person,
    as b4 has it (``LoreTrailer.email_eq``; importing b4 for that takes longer than reading
    a thread).  b4 knows no other aliases: those of git send-email are names without a
    domain, which never stand in a tag.
    """

    people: People = field(default_factory=People)
    _names: dict[str, str] = field(default_factory=dict)

    def learn(self, given: Iterable[str]) -> None:
        """Remember the full names that addresses come with, for where they come without."""
        for one in given:
            if name := self._name(one):
                self._names.setdefault(_mailbox(one), name)

    def key(self, person: str) -> str:
        """What is the same for all names and addresses of a person."""
        known = self._name(person)
        return known or self._names.get(_mailbox(person), "") or _mailbox(person) or person.lower()

    def same(self, one: str, other: str) -> bool:
        """Whether two "Name <address>" are one person's."""
        if not one or not other:
            return False
        return self.key(one) == self.key(other) or _same_mailbox(_mailbox(one), _mailbox(other))

    def is_own(self, person: str, sender: str) -> bool:
        """Whether ``person``, as a tag names them, is who wrote the mail.

        Without an address a part of the name will do, or "me".
        """
        if self.same(person, sender):
            return True
        words = set(person.casefold().split()) if "@" not in person and "<" not in person else set()
        names = set(addresses.split(sender)[0].casefold().split())
        return bool(words) and words <= names | {"me", "myself"}

    def elsewhere(self, person: str, sender: str) -> bool:
        """Whether a mail came from an address that nothing but the name says is the person's."""
        mapped = self.people.proper(person), self.people.proper(sender)
        return not _same_mailbox(_mailbox(mapped[0]), _mailbox(mapped[1]))

    def _name(self, person: str) -> str:
        return _bare(name_key(self.people.proper(person)))


def _bare(name: str) -> str:
    """A name without the employer in parentheses, and without "via list"."""
    bare = re.sub(r"\([^)]*\)|\s+via\s.*", " ", name)
    return " ".join(bare.replace("'", "").replace('"', "").split())


def _mailbox(person: str) -> str:
    return re.sub(r"\+[^@]*@", "@", addresses.key(person))


def _same_mailbox(one: str, other: str) -> bool:
    if not one or not other:
        return False
    if one == other:
        return True
    (local, _, domain), (local2, _, domain2) = one.partition("@"), other.partition("@")
    longer, shorter = sorted((domain, domain2), key=len, reverse=True)
    deeper = longer.count(".") - shorter.count(".") == 1
    return local == local2 and deeper and longer.endswith(f".{shorter}")
