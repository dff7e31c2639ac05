"""Which patch of which version a mail answers.

Pure.  By Message-ID first: its parents, and theirs (RFC 5322, 3.6.4).  A mail whose
parents nobody knows is placed by the patch that it quotes, else by the title in its
subject, also where the series was renumbered since.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from series import mail as mail_module
from series.version import Version

_BRACKET = re.compile(r"\[[^\[\]]*\bv(\d{1,5})\b[^\[\]]*\]", re.IGNORECASE)
_PATCH = re.compile(r"\[[^\[\]]*\b(?:patch|rfc)[^\[\]]*\]", re.IGNORECASE)
_QUOTED_CHANGE = re.compile(r"[ \t]?(?:>[ \t]?)*([+-])(?!\1\1)(.*)")
# Fewer quoted lines than that, or fewer of them in a patch, prove nothing.
_ENOUGH = 2
_ALIKE = 0.6


class Letter(Protocol):
    """What is needed of a mail: its head."""

    @property
    def message_id(self) -> str:
        """The id, "<...>"."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The ids of what it answers, the nearest first."""

    @property
    def subject(self) -> str:
        """The decoded subject."""

    @property
    def date(self) -> int:
        """Seconds since the epoch, 0 where unknown."""


_Letter = TypeVar("_Letter", bound=Letter)


@dataclass(frozen=True)
class Target:
    """What a mail answers: ``patch`` is the id of the patch, empty for the cover letter.

    ``number`` is that of the patch in ``version``, 0 for the cover letter; ``how`` says
    what the mail was recognised by.
    """

    version: int
    patch: str
    number: int
    how: Literal["reply", "patch", "title"] = "reply"


def own(versions: Iterable[Version]) -> dict[str, Target]:
    """Our mails, by message id, as what an answer to them answers."""
    found: dict[str, Target] = {}
    for version in versions:
        if version.cover:
            found[version.cover.message_id] = Target(version.version, "", 0)
        for patch in version.patches:
            found[patch.message_id] = Target(version.version, patch.id, patch.number)
    return found


def targets(
    mails: Iterable[Letter],
    versions: Sequence[Version],
    also: Mapping[str, Target] | None = None,
) -> dict[str, Target]:
    """What each of ``mails`` answers, by message id; those that answer nothing are left out.

    ``also`` has further ids of our mails: of resent patches, and of a second posting.
    Our own mails are not in the answer.
    """
    ours = own(versions) | dict(also or {})
    known = {one.message_id: one for one in mails if one.message_id not in ours}
    titles = _titles(versions)
    found: dict[str, Target] = {}
    for one in known.values():
        _follow(one, known, ours, titles, found)
    return found


def _follow(
    first: Letter,
    known: Mapping[str, Letter],
    ours: Mapping[str, Target],
    titles: Mapping[str, Sequence[Target]],
    found: dict[str, Target],
) -> None:
    """Find what ``first`` answers, and what its ancestors do, without recursion."""
    line: list[Letter] = [first]
    seen = {first.message_id}
    while line:
        one = line[-1]
        waiting = [
            parent
            for parent in one.parents
            if parent in known and parent not in found and parent not in seen
        ]
        if waiting:
            seen.add(waiting[0])
            line.append(known[waiting[0]])
            continue
        line.pop()
        if one.message_id not in found and (made := _target(one, ours, titles, found)):
            found[one.message_id] = made


def _target(
    one: Letter,
    ours: Mapping[str, Target],
    titles: Mapping[str, Sequence[Target]],
    found: Mapping[str, Target],
) -> Target | None:
    by_title = of_title(one.subject, titles)
    for parent in one.parents:
        if target := ours.get(parent) or found.get(parent):
            # Some clients name the cover letter only; the subject knows better.
            if not target.patch and by_title and by_title.version == target.version:
                return by_title
            return target
    # A mail that answers something else is no answer because of its title.
    return by_title


def _titles(versions: Iterable[Version]) -> dict[str, list[Target]]:
    """Every title, folded, with what has it; the newest version last."""
    found: dict[str, list[Target]] = {}
    for version in sorted(versions, key=lambda one: one.version):
        found.setdefault(folded(version.title), []).append(Target(version.version, "", 0, "title"))
        for patch in version.patches:
            target = Target(version.version, patch.id, patch.number, "title")
            found.setdefault(folded(patch.title), []).append(target)
    found.pop("", None)
    return found


def of_title(subject: str, titles: Mapping[str, Sequence[Target]]) -> Target | None:
    """What a reply's subject names: in the version it names, else in the newest."""
    title, replied = mail_module.title(subject)
    named = titles.get(folded(title), ())
    if not named or not replied:
        return None
    version = version_in(subject)
    of_version = [one for one in named if version in (None, one.version)]
    return of_version[-1] if of_version else None


def version_in(subject: str) -> int | None:
    """The version that a subject's prefix names: 1 where it has none, ``None`` without one."""
    if found := _BRACKET.search(subject):
        return int(found[1])
    return 1 if _PATCH.search(subject) else None


def folded(title: str) -> str:
    """A title as it is compared: without regard to case and white space."""
    return " ".join(title.casefold().split())


def changed_lines(diff: str) -> frozenset[str]:
    """The lines that a diff, also a quoted one, adds or removes, without white space."""
    found = set()
    for line in diff.split("\n"):
        if (change := _QUOTED_CHANGE.match(line)) and (words := "".join(change[2].split())):
            found.add(change[1] + words)
    return frozenset(found)


def by_quote(text: str, patches: Sequence[tuple[Target, frozenset[str]]]) -> Target | None:
    """The patch that a mail quotes or has attached, by its ``changed_lines``.

    The newest of those that it fits best; ``None`` where it fits none.
    """
    quoted = changed_lines(text)
    best: tuple[float, int] = (0.0, 0)
    found = None
    for target, changed in patches:
        common = len(quoted & changed)
        likeness = (common / len(quoted) if quoted else 0.0, target.version)
        if common >= _ENOUGH and likeness[0] >= _ALIKE and likeness > best:
            best = likeness
            found = Target(target.version, target.patch, target.number, "patch")
    return found


def in_order(mails: Sequence[_Letter]) -> list[_Letter]:
    """The mails by date, an answer always behind what it answers, whatever its clock said."""
    when: dict[str, int] = {}
    known = {one.message_id: one for one in mails}
    for one in mails:
        line, seen = [one], {one.message_id}
        while line:
            last = line[-1]
            parent = next((name for name in last.parents if name in known), "")
            if parent and parent not in when and parent not in seen:
                seen.add(parent)
                line.append(known[parent])
                continue
            line.pop()
            when.setdefault(last.message_id, max(last.date, when.get(parent, -1) + 1))
    return sorted(mails, key=lambda one: when[one.message_id])
