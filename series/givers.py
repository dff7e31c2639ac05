"""Who gave a tag: which names and addresses in a thread are one person's.

Pure, but for what ``series.people`` read from the mailmap.

Two addresses are one person's where the mailmap says so; where they are the same without
what is behind a ``+``, and with one label more or less in front of the domain, as b4 has it
(``LoreTrailer.email_eq``; importing b4 for that takes longer than reading a thread); and,
under one full name, where their domains are the same, or one is below the other, and not
those of a provider where everybody may have an address.  b4 knows no other aliases: those
of git send-email are names without a domain, which never stand in a tag.

Else one name is not one person: anybody can write a name in front of an address.  A tag in
a mail from one address that names another, under the same name, connects the two only

- where the author of the series wrote to the sender's address under that name, or posted
  from it: a forger's address is not among those;
- or where a mail from the tag's address names the sender's in a tag of its own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from series import addresses
from series.people import People, name_key

# Where everybody may have an address; a domain in common says nothing there.
_PROVIDERS = frozenset(
    {
        *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com"),
        *("yahoo.com", "ymail.com", "aol.com", "icloud.com", "me.com", "proton.me", "pm.me"),
        *("protonmail.com", "gmx.de", "gmx.net", "gmx.com", "gmx.at", "web.de", "mail.ru"),
        *("yandex.ru", "yandex.com", "qq.com", "foxmail.com", "163.com", "126.com", "sina.com"),
        *("139.com", "naver.com", "posteo.de", "mailbox.org", "fastmail.com", "tutanota.com"),
        *("zoho.com", "free.fr", "orange.fr", "libero.it", "t-online.de", "riseup.net"),
    }
)


@dataclass
class Givers:
    """The people of a thread: ``people`` is what the mailmap says.

    Where nothing was learned, one name is one person.
    """

    people: People = field(default_factory=People)
    _names: dict[str, str] = field(default_factory=dict)
    # Of each address another of the same person; the least one stands for them all.
    _above: dict[str, str] = field(default_factory=dict)
    _longer: dict[str, set[str]] = field(default_factory=dict)
    _places: dict[tuple[str, str], str] = field(default_factory=dict)
    _under: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    def learn(self, given: Iterable[str]) -> None:
        """Remember addresses ("Name <address>"), the names that they come with, and whose."""
        for one in sorted(set(given)):
            box, name = self._box(one), self._name(one)
            if box and name:
                self._names.setdefault(box, name)
            if box and (box not in self._above or name):
                self._above.setdefault(box, box)
                self._join_alike(box)
                if name:
                    self._join_named(box, name)

    def connect(self, trusted: Iterable[str], claims: Iterable[tuple[str, str]]) -> None:
        """Find out who else is one person, by the mails; all addresses were learned before.

        ``trusted`` are addresses that the author wrote to, or from; ``claims`` who wrote a
        mail, and whom a tag in it names.
        """
        known = {(self._name(one), self._box(one)) for one in trusted}
        alike = {
            (self._name(person), self._box(sender), self._box(person))
            for sender, person in set(claims)
            if self.namesakes(person, sender)
        }
        while True:
            named = {(self._root(box), self._root(other)) for _, box, other in alike}
            found = [
                (box, other)
                for name, box, other in sorted(alike)
                if self._root(box) != self._root(other)
                and ((name, box) in known or (self._root(other), self._root(box)) in named)
            ]
            if not found:
                return
            for box, other in found:
                self._join(box, other)

    def key(self, person: str) -> str:
        """What is the same for all names and addresses of a person."""
        name = self._name(person)
        if not self._above:
            return name or self._box(person) or person.lower()
        if box := self._box(person):
            return self._root(box)
        roots = {self._root(box) for box, known in self._names.items() if name and known == name}
        return roots.pop() if len(roots) == 1 else name or person.lower()

    def same(self, one: str, other: str) -> bool:
        """Whether two "Name <address>" are one person's."""
        if not one or not other:
            return False
        return self.key(one) == self.key(other) or _same_mailbox(self._box(one), self._box(other))

    def namesakes(self, one: str, other: str) -> bool:
        """Whether two have one full name, and nothing says that they are one person."""
        name = self._name(one)
        return bool(name) and name == self._name(other) and not self.same(one, other)

    def is_own(self, person: str, sender: str) -> bool:
        """Whether ``person``, as a tag names them, is who wrote the mail.

        Without an address a part of the name will do, or "me"; with one that cannot be
        ("ann@xxx") the name.
        """
        if self.same(person, sender):
            return True
        if self.namesakes(person, sender) and addresses.problem(person):
            return True
        words = set(person.casefold().split()) if "@" not in person and "<" not in person else set()
        names = set(addresses.split(sender)[0].casefold().split())
        return bool(words) and words <= names | {"me", "myself"}

    def elsewhere(self, person: str, sender: str) -> bool:
        """Whether a mail came from another address than the person's in a tag."""
        return not _same_mailbox(self._box(person), self._box(sender))

    def _name(self, person: str) -> str:
        return self._parts(person)[0]

    def _box(self, person: str) -> str:
        return self._parts(person)[1]

    def _parts(self, person: str) -> tuple[str, str]:
        """Name and address of a person, as they are compared."""
        if person not in self._seen:
            proper = self.people.proper(person)
            self._seen[person] = _bare(name_key(proper)), _mailbox(proper)
        return self._seen[person]

    def _root(self, box: str) -> str:
        while (above := self._above.get(box, box)) != box:
            box = above
        return box

    def _join(self, one: str, other: str) -> None:
        least, most = sorted((self._root(one), self._root(other)))
        self._above[most] = least

    def _join_alike(self, box: str) -> None:
        """Join an address with those that differ by a label in front of the domain."""
        local, _, domain = box.partition("@")
        shorter = f"{local}@{domain.partition('.')[2]}"
        for longer in self._longer.get(box, ()):
            self._join(box, longer)
        if shorter in self._above:
            self._join(box, shorter)
        if "." in shorter.partition("@")[2]:
            self._longer.setdefault(shorter, set()).add(box)

    def _join_named(self, box: str, name: str) -> None:
        """Join an address with those of the same name at the same domain, below or above."""
        domain = box.partition("@")[2]
        if domain in _PROVIDERS:
            return
        for below in self._under.get((name, domain), ()):
            self._join(box, below)
        labels = domain.split(".")
        for at in range(len(labels) - 1):
            place = (name, ".".join(labels[at:]))
            if place in self._places:
                self._join(box, self._places[place])
            self._under.setdefault(place, set()).add(box)
        self._places[name, domain] = box


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
