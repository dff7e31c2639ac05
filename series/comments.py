"""What reviewers want, found in their mails, and what the thread says became of it.

``series.comment_file`` keeps it; a comment stays there although its mail has gone.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from generator.errors import UsageError
from series import addresses, comment_file, mail, people, review, store
from series.comment_file import Comment
from series.mail import Mail
from series.output import shown
from series.reply_text import judged
from series.tags import Mention
from series.threads import Target

# Of the mail's part of an id, and of the comment's own; as many as it takes to differ.
_MAIL_DIGITS, _OWN_DIGITS = 6, 4


@dataclass(frozen=True)
class Updated:
    """What ``update`` did: the comments that are new, and all there are.

    ``cut`` are the ids of mails that were too long to be read to their end.
    """

    new: tuple[Comment, ...]
    all: tuple[Comment, ...]
    cut: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Comment, ...]:
        """The comments that wait for an answer."""
        return tuple(one for one in self.all if one.state == "open")


def update(
    folder: Path,
    mails: Iterable[Mail],
    targets: Mapping[str, Target],
    authors: str | Collection[str],
    *,
    mentions: Mapping[str, Sequence[Mention]] | None = None,
    dry_run: bool = False,
) -> Updated:
    """Add the comments in ``mails`` to ``comments.toml``, under the lock of the caller.

    ``mails`` are all mails of the threads, each read once, those of the ``authors`` among
    them: they are no comments, but answers.  ``targets`` has what each answers, by message
    id; a mail without a target is passed over.  ``authors`` is everybody who posted a
    version, or the one who did, as "Name <address>"; ``mentions`` are the tags in the
    mails, by message id, where they are known already.  Raises ``UsageError`` when the
    file cannot be read, ``RerollError`` when it cannot be written.
    """
    known = comment_file.read(folder)
    names = (authors,) if isinstance(authors, str) else tuple(authors)
    found, answered, cut = _found(folder, mails, targets, names, mentions or {})
    follows = {
        one.id: {
            "patch": one.patch,
            "version": one.version,
            "suggested": "answered" if one.message in answered else "",
        }
        for one in found
    }
    now = [replace(one, **follows.get(one.id, {})) for one in known]  # type: ignore[arg-type]
    ids = {one.id for one in known}
    new = [replace(one, **follows[one.id]) for one in found if one.id not in ids]  # type: ignore[arg-type]
    if not dry_run:
        comment_file.add(folder, known, now, new)
    return Updated(tuple(new), (*now, *new), cut)


def changelog_line(comment: Comment) -> str:
    """What a changelog says of a comment that was followed."""
    text = comment.note or review.first_sentence(comment.excerpt)
    return f"Review from {given_name(comment.author)}: {shown(text, review.EXCERPT_LENGTH)}"


def given_name(author: str) -> str:
    """The name by which a reviewer is called, fit for a terminal."""
    name, address = addresses.split(author)
    last, comma, first = name.partition(",")
    words = (first if comma and first.strip() else last).split()
    return shown(words[0] if words else address.partition("@")[0] or "a reviewer", 60)


@lru_cache(maxsize=1024)
def is_by(sender: str, author: str) -> bool:
    """Whether ``sender`` is ``author``, by address or by full name."""
    name = people.name_key(author)
    same = addresses.key(sender) == addresses.key(author) != ""
    return same or (bool(name) and people.name_key(sender) == name)


def _found(
    folder: Path,
    mails: Iterable[Mail],
    targets: Mapping[str, Target],
    authors: Sequence[str],
    mentions: Mapping[str, Sequence[Mention]],
) -> tuple[list[Comment], set[str], tuple[str, ...]]:
    """The comments of reviewers, each once; which mails were answered, which were cut."""
    patches = _Patches(folder)
    found: dict[str, Comment] = {}
    parents: dict[str, tuple[str, ...]] = {}
    own: list[str] = []
    cut: list[str] = []
    for one in mails:
        parents[one.message_id] = one.parents
        if any(is_by(one.sender, author) for author in authors):
            own += one.parents
        elif target := targets.get(one.message_id):
            there = mentions.get(one.message_id)
            text, more = judged(one.text)
            cut += [one.message_id] if more else []
            part = replace(one, text=text) if more else one
            for comment in _of_mail(part, target, patches.text(target), there):
                found.setdefault(comment.id, comment)
    return list(found.values()), _above(parents, own), tuple(cut)


class _Patches:
    """The texts of the patches of a series as they were posted, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: dict[int, dict[str, Path]] = {}
        self._texts: dict[tuple[int, str], str] = {}

    def text(self, target: Target) -> str:
        """The text of the patch mail that ``target`` names, empty where there is none."""
        place = (target.version, target.patch)
        if place not in self._texts:
            path = self._of_version(target.version).get(target.patch)
            try:
                self._texts[place] = mail.parse(path.read_bytes()).text if path else ""
            except OSError:
                self._texts[place] = ""
        return self._texts[place]

    def _of_version(self, number: int) -> dict[str, Path]:
        if number not in self._paths:
            place = store.version_dir(self._folder, number)
            try:
                records = store.read(self._folder, number).patches
            except UsageError:
                records = ()
            self._paths[number] = {one.id: place / one.mail for one in records}
        return self._paths[number]


def _of_mail(
    one: Mail, target: Target, patch: str, mentions: Sequence[Mention] | None
) -> Iterator[Comment]:
    """The comments of a mail; their ids follow from its id and their own first words."""
    used: set[str] = set()
    same: Counter[str] = Counter()
    for found in review.comments(one.text, sender=one.sender, patch=patch, mentions=mentions):
        yield Comment(
            id=_id(one.message_id, shown(found.text, 200), used, same),
            patch=target.patch,
            version=target.version,
            file=shown(found.file, 400),
            line=found.line,
            author=shown(one.sender, 200),
            date=_date(one.date),
            message=shown(one.message_id, 500),
            excerpt=found.excerpt,
            quote=found.quote,
            approximate=found.approximate,
        )


def _id(message: str, words: str, used: set[str], same: "Counter[str]") -> str:
    """An id that is the same at every collection.

    ``used`` are those of the mail so far, ``same`` how many were tried for the same words.
    """
    first = _digest(message)[:_MAIL_DIGITS]
    while True:
        made = f"{first}-{_digest(f'{message} {same[words]} {words}')[:_OWN_DIGITS]}"
        same[words] += 1
        if made not in used:
            used.add(made)
            return made


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""


def _above(parents: Mapping[str, Sequence[str]], names: Iterable[str]) -> set[str]:
    """The ids ``names`` and those of all mails above them in the thread."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(parents.get(name, ()))
    return found
