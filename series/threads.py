"""Which patch of which version a mail answers.

Pure.  By Message-ID first: its parents, and theirs (RFC 5322, 3.6.4).  A mail whose
parents nobody knows is placed by the patch that it quotes, else by the title in its
subject, also where the series was renumbered since.  What is about something else in the same
thread, a version that is not here or another patch, is told apart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

from series import mail as mail_module
from series import posting
from series.version import Version

_VERSION = re.compile(r"\[[^\[\]]*(?:\b|patch|rfc)v(\d{1,5})\b[^\[\]]*\]", re.IGNORECASE)
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
    what the mail was recognised by.  ``other`` is why it is about something else all the
    same, in words, and empty where it is about that patch.
    """

    version: int
    patch: str
    number: int
    how: Literal["reply", "patch", "title"] = "reply"
    other: str = ""


@dataclass(frozen=True)
class _Known:
    """What mails are placed by: see ``targets``."""

    ours: Mapping[str, Target]
    titles: Mapping[str, Sequence[Target]]
    others: Mapping[str, Target]
    other_titles: Mapping[str, str]
    numbers: frozenset[int]
    branches: frozenset[str]


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
    others: Mapping[str, Target] | None = None,
    branches: frozenset[str] = frozenset(),
) -> dict[str, Target]:
    """What each of ``mails`` answers, by message id; those that answer nothing are left out.

    ``also`` has further ids of our mails: of resent patches, and of a second posting.
    Our own mails are not in the answer.  ``others`` are mails that are no patches of ours,
    with what an answer to them is about and why not a patch of ours (``Target.other``); a
    version of 0 there leaves that to what they answer themselves.  ``branches`` are those
    that our own subjects name (``posting.branches``).
    """
    apart = dict(others or {})
    ours = own(versions) | dict(also or {})
    numbers = frozenset(version.version for version in versions)
    skipped = {*ours, *(name for name, target in apart.items() if target.version)}
    known = {one.message_id: one for one in mails if one.message_id not in skipped}
    theirs = {
        folded(mail_module.title(one.subject)[0]): apart[name].other
        for name, one in known.items()
        if name in apart
    }
    about = _Known(ours, _titles(versions), apart, theirs, numbers, branches)
    found: dict[str, Target] = {}
    for one in known.values():
        _follow(one, known, about, found)
    return found


def _follow(
    first: Letter, known: Mapping[str, Letter], about: _Known, found: dict[str, Target]
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
        if one.message_id not in found and (made := _target(one, about, found)):
            found[one.message_id] = made


def _target(one: Letter, about: _Known, found: Mapping[str, Target]) -> Target | None:
    """What a mail answers; its subject may say that this is no patch of ours."""
    by_title = of_title(one.subject, about.titles)
    target = _of_parents(one, about, found, by_title)
    if one.message_id in about.others:
        return target and replace(target, other=target.other or "is a patch itself")
    if not mail_module.title(one.subject)[1] or (target and target.other):
        return target
    named = named_version(one.subject)
    if named and named not in about.numbers:
        base = _of_any_version(one, about) or target
        return base and Target(named, base.patch, 0, base.how, unknown(named))
    if target and posting.branches(one.subject) - about.branches:
        return replace(target, other=another(one.subject))
    title = folded(mail_module.title(one.subject)[0])
    if target and title in about.other_titles and title not in about.titles:
        return replace(target, other=about.other_titles[title])
    if target and named and named != target.version:
        why = f"names version {named}, but answers a mail of version {target.version}"
        return by_title or replace(target, other=why)
    return target


def _of_parents(
    one: Letter, about: _Known, found: Mapping[str, Target], by_title: Target | None
) -> Target | None:
    """What the nearest of a mail's parents that is known leads to, else its title."""
    for parent in one.parents:
        if away := about.others.get(parent):
            base = away if away.version else found.get(parent) or by_title
            if away.version not in {0, *about.numbers}:
                patch = (_of_any_version(one, about) or away).patch
                base = replace(away, patch=patch)
            return base and replace(base, other=away.other)
        if target := about.ours.get(parent) or found.get(parent):
            # Some clients name the cover letter only; the subject knows better.
            if not target.patch and by_title and by_title.version == target.version:
                return replace(by_title, other=target.other)
            return target
    # A mail that answers something else is no answer because of its title.
    return by_title


def _of_any_version(one: Letter, about: _Known) -> Target | None:
    """What the title of a reply names, whatever version stands there."""
    return next(iter(about.titles.get(folded(mail_module.title(one.subject)[0]), ())), None)


def unknown(version: int) -> str:
    """Why a mail about a version that is not here counts for nothing."""
    return f"is about version {version}, which is not known here"


def another(subject: str) -> str:
    """Why an answer to a patch of somebody else, or for something else, is not about ours."""
    return f"answers another patch: {subject[max(subject.find('['), 0) :]}"


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


def named_version(subject: str) -> int | None:
    """The version that a subject's brackets name, ``None`` where they name none."""
    title = mail_module.title(subject)[0]
    found = _VERSION.search(subject.strip().removesuffix(title))
    # "New words (was: [PATCH v2] old words)"
    found = found or next((one for one in _VERSION.finditer(title) if _PATCH.match(one[0])), None)
    return max(int(found[1]), 1) if found else None


def version_in(subject: str) -> int | None:
    """The version that a subject's prefix names: 1 where it has none, ``None`` without one."""
    return named_version(subject) or (1 if _PATCH.search(subject) else None)


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
