"""Replies from mailboxes into a series folder: kept, placed, read for tags and comments.

What is kept in ``replies/`` decides: tags and comments follow from all mails there, so that
the order of mailboxes does not matter and nothing is counted twice.  Written in this order,
each file whole or not at all: versions, replies, ``trailers.toml``, ``comments.toml``; a run
that was stopped is made good by the next.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from generator.errors import RerollError, UsageError
from series import (
    comments,
    imported,
    journal,
    mail,
    mailbox_files,
    posting,
    store,
    tags,
    threads,
    trailers,
)
from series.givers import Givers
from series.mail import Head, Mail
from series.people import People
from series.posting import Posting
from series.replies import FOLDER
from series.threads import Target
from series.trailers import Account, Said, Tag
from series.version import PatchRecord, Version

# Each round may find a version whose titles lead to an older one.
_ROUNDS = 20
_SHOWN = 3


@dataclass(frozen=True)
class Collected:
    """What a run found.

    ``mails`` are the replies there are, ``new`` those that were not there before;
    ``versions`` the numbers of versions that were taken from the mails.  ``tags`` are all
    there are, ``changed`` those that are new or other than before; ``accounts`` has every
    line that looks like a tag.  ``comments`` says what ``comments.toml`` has now;
    ``known`` are all versions.
    """

    mails: int
    new: int
    versions: tuple[int, ...]
    tags: tuple[Tag, ...]
    changed: tuple[Tag, ...]
    accounts: tuple[Account, ...]
    comments: comments.Updated
    known: tuple[Version, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Work:
    """A run: what is known so far."""

    folder: Path
    dry_run: bool
    versions: dict[int, Version]
    heads: dict[str, Head]
    stored: set[str]
    author: str
    postings: dict[int, Posting] = field(default_factory=dict)
    also: dict[str, Target] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def known(self) -> list[Version]:
        """The versions in their order."""
        return [self.versions[number] for number in sorted(self.versions)]


def collect(
    folder: Path,
    paths: Sequence[Path],
    people: Callable[[Version, Sequence[str]], People],
    *,
    dry_run: bool = False,
) -> Collected:
    """Read mailboxes for the series in ``folder``, under ``store.lock`` unless ``dry_run``.

    ``people`` says which of some addresses are one person's.  Raises ``UsageError`` for a
    folder without a version, a mailbox that cannot be read, and a damaged
    ``trailers.toml`` or ``comments.toml``; then nothing has been written.
    """
    work = _begin(folder, paths, dry_run=dry_run)
    trailers.read(folder)
    comments.read(folder)
    _find_versions(work)
    found = _placed(work)
    replies = [head for name, head in work.heads.items() if name in found]
    new = [head for head in replies if head.message_id not in work.stored]
    if not dry_run:
        _keep(work, new, found)
    return _read(work, threads.in_order(replies), found, len(new), people)


def _begin(folder: Path, paths: Sequence[Path], *, dry_run: bool) -> _Work:
    versions = {number: store.read(folder, number) for number in store.numbers(folder)}
    if not versions:
        raise UsageError(
            f"{folder}: there is no version that anybody could have answered",
            hint="'reroll init DIR --from-mbox MBOX' begins with a posted series",
        )
    boxes = [path for path in sorted((folder / FOLDER).glob("*.mbox")) if path.is_file()]
    stored = {head.message_id: head for head in mail.read_heads(boxes)}
    heads = dict(stored)
    again: list[tuple[Head, Head]] = []
    for head in mail.read_heads(paths):
        if heads.setdefault(head.message_id, head) is not head:
            again.append((heads[head.message_id], head))
    work = _Work(folder, dry_run, versions, heads, set(stored), _author(folder, versions))
    if not heads and paths:
        work.notes.append("there is no mail in what was named")
    work.notes += _differing(again)
    return work


def _author(folder: Path, versions: Mapping[int, Version]) -> str:
    """Who posts the series: the sender of the newest version's first mail."""
    newest = versions[max(versions)]
    path = store.mail_path(folder, newest, newest.mails[0].mail)
    return mail.parse(path.read_bytes()).sender


def _differing(again: Sequence[tuple[Head, Head]]) -> list[str]:
    """What to say of mails that came twice with other words."""
    named = []
    for first, other in again:
        if first.place != other.place and _digest(first) != _digest(other):
            named.append(first.message_id)
    if not named:
        return []
    shown = ", ".join(named[:_SHOWN]) + (", ..." if len(named) > _SHOWN else "")
    return [f"{len(named)} mails came again with another text; the first was kept: {shown}"]


def _digest(head: Head) -> bytes:
    """Of the body: lists change headers."""
    content = next(mailbox_files.contents([head.place])).replace(b"\r\n", b"\n")
    return hashlib.sha256(content.partition(b"\n\n")[2].strip()).digest()


def _find_versions(work: _Work) -> None:
    """Take versions that the folder does not have from the mails, and know what was sent twice."""
    seen: set[str] = set()
    for _ in range(_ROUNDS):
        patches = [
            head
            for head in _related(work)
            if _is_patch(head) and head.message_id not in seen | work.stored
        ]
        if not patches:
            return
        seen |= {head.message_id for head in patches}
        ours = threads.own(work.known)
        mails = [one for one in mail.load(patches) if one.message_id not in ours]
        made = posting.with_patch_ids(posting.postings(mails)) if mails else ()
        newest = max(work.versions)
        for one in sorted(made, key=lambda one: (abs(one.version - newest), one.version)):
            _take(work, one)


def _is_patch(head: Head) -> bool:
    return not mail.title(head.subject)[1] and threads.version_in(head.subject) is not None


def _related(work: _Work) -> list[Head]:
    """The mails that hang together with ours, or have a title of ours."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = parent[above]
            name = above
        return name

    titles = {threads.folded(one.title) for one in work.known}
    titles |= {threads.folded(patch.title) for one in work.known for patch in one.patches}
    seeds = {*threads.own(work.known), *work.also, *work.stored}
    for head in work.heads.values():
        for other in head.parents:
            parent[root(other)] = root(head.message_id)
        if threads.folded(mail.title(head.subject)[0]) in titles - {""}:
            seeds.add(head.message_id)
    roots = {root(name) for name in seeds}
    return [head for name, head in work.heads.items() if root(name) in roots]


def _take(work: _Work, found: Posting) -> None:
    """A posting: a version that is new here, or one that we have, sent again."""
    sender = (found.cover or found.patches[0].mail).sender if found.patches else ""
    names = [one.mail.message_id for one in (*found.patches, *found.resent)]
    names += [found.cover.message_id] if found.cover else []
    if not Givers().same(sender, work.author) or not _ours(work, found):
        # Somebody's own patch in our thread is an answer.
        return
    if found.version in work.versions:
        _again(work, found)
        return
    if found.missing:
        listed = ", ".join(map(str, found.missing))
        work.notes.append(
            f"version {found.version} was not taken: of its {found.count} patches these are "
            f"missing: {listed}"
        )
        work.foreign |= set(names)
        return
    ids = imported.ids_for(work.folder, found)
    if work.dry_run:
        made = imported.version_of(found, ids, name=work.known[-1].name)
    else:
        made = imported.record(work.folder, found, ids)
    work.versions[made.version] = made
    work.postings[made.version] = found
    _again(work, found)


def _ours(work: _Work, found: Posting) -> bool:
    """Whether it is a version of this series: the cover's title, or half of the patches'."""
    known = {threads.folded(patch.title) for one in work.known for patch in one.patches}
    if found.cover and threads.folded(found.cover_title) in {
        threads.folded(one.title) for one in work.known
    }:
        return True
    same = sum(threads.folded(patch.title) in known for patch in found.patches)
    return same * 2 >= len(found.patches) > 0


def _again(work: _Work, found: Posting) -> None:
    """Remember mails of a version that are not those of its record."""
    version = work.versions[found.version]
    ours = threads.own([version])
    places = {threads.folded(patch.title): patch for patch in version.patches}
    by_number = {patch.number: patch for patch in version.patches}
    for one in (*found.patches, *found.resent):
        patch = places.get(threads.folded(one.title)) or by_number.get(one.number)
        if one.mail.message_id not in ours and patch is not None:
            target = Target(version.version, patch.id, patch.number)
            work.also[one.mail.message_id] = target
    if found.cover and found.cover.message_id not in ours:
        work.also[found.cover.message_id] = Target(version.version, "", 0)


def _placed(work: _Work) -> dict[str, Target]:
    """What each reply answers, by message id."""
    related = {head.message_id: head for head in _related(work)}
    known = work.known
    found = threads.targets(related.values(), known, work.also)
    ours = {*threads.own(known), *work.also, *work.foreign}
    numbers = set(work.versions)
    # What nobody knows the parents of may still quote a patch.
    lost = [
        head
        for name, head in work.heads.items()
        if name not in found and name not in ours and mail.title(head.subject)[1]
    ]
    quoting = _by_quote(work, lost) if lost else {}
    if quoting:
        answers = threads.targets(work.heads.values(), known, work.also | quoting)
        found = {**answers, **quoting, **found}
    missing = [head for head in lost if head.message_id in related and head.message_id not in found]
    if missing:
        named = {threads.version_in(head.subject) for head in missing} - numbers - {None}
        of = f" (of version {', '.join(map(str, sorted(named)))})" if named else ""  # type: ignore[type-var]
        shown = ", ".join(head.message_id for head in missing[:_SHOWN])
        work.notes.append(
            f"{len(missing)} mails of these threads answer nothing that is known here{of}: {shown}"
        )
    return found


def _by_quote(work: _Work, lost: Sequence[Head]) -> dict[str, Target]:
    """Replies that quote a patch of ours, by message id."""
    patches = [
        (Target(version.version, patch.id, patch.number), threads.changed_lines(text))
        for version in work.known
        for patch, text in _patch_texts(work, version)
    ]
    found = {}
    for one in mail.load(lost):
        if target := threads.by_quote(one.text, patches):
            found[one.message_id] = target
    return found


def _patch_texts(work: _Work, version: Version) -> Iterator[tuple[PatchRecord, str]]:
    for patch in version.patches:
        yield patch, _patch_mail(work, version, patch.number).text


def _patch_mail(work: _Work, version: Version, number: int) -> Mail:
    """The mail of a patch, as it was posted."""
    if found := work.postings.get(version.version):
        return next(one.mail for one in found.patches if one.number == number)
    patch = version.patches[number - 1]
    return mail.parse(store.mail_path(work.folder, version, patch.mail).read_bytes())


def _keep(work: _Work, new: Sequence[Head], found: Mapping[str, Target]) -> None:
    """Add mails to ``replies/vN.mbox``."""
    by_version: dict[int, list[Head]] = {}
    for head in new:
        by_version.setdefault(found[head.message_id].version, []).append(head)
    for number, heads in sorted(by_version.items()):
        path = work.folder / FOLDER / f"v{number}.mbox"
        places = (head.place for head in heads)
        try:
            _append(path, map(mailbox_files.escaped, mailbox_files.contents(places)))
        except OSError as error:
            raise RerollError(f"{path}: cannot be written: {error.strerror}") from error


def _append(path: Path, mails: Iterable[bytes]) -> None:
    """Add to a file, or leave it as it is."""
    path.parent.mkdir(exist_ok=True)
    with NamedTemporaryFile(prefix=f".{path.name}-", dir=path.parent, delete=False) as file:
        try:
            if path.exists():
                with path.open("rb") as before:
                    shutil.copyfileobj(before, file)
                shutil.copymode(path, file.name)
            else:
                Path(file.name).chmod(0o644)
            for content in mails:
                file.write(content)
            file.flush()
            journal.sync_directory(path.parent)
            Path(file.name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
            raise


def _read(
    work: _Work,
    replies: Sequence[Head],
    found: Mapping[str, Target],
    new: int,
    people: Callable[[Version, Sequence[str]], People],
) -> Collected:
    """Tags and comments of all replies, in the order they were written."""
    said = _said(work, replies, found)
    given = [one.sender for one in said if one.sender]
    given += [person for one in said for _, person in one.posted]
    given += [mention.person for one in said for mention in one.mentions]
    givers = Givers(people(work.known[-1], given))
    outcome = trailers.states(said, work.known, givers)
    known = frozenset({*threads.own(work.known), *work.heads})
    there, changed = trailers.update(work.folder, outcome.tags, known, givers, dry_run=work.dry_run)
    texts = (replace(one, content=b"") for one in mail.load(replies))
    talk = comments.update(
        work.folder,
        texts,
        found,
        work.author,
        mentions={one.message_id: one.mentions for one in said if not one.posted},
        dry_run=work.dry_run,
    )
    return Collected(
        mails=len(replies),
        new=new,
        versions=tuple(sorted(work.postings)),
        tags=there,
        changed=changed,
        accounts=outcome.accounts,
        comments=talk,
        known=tuple(work.known),
        notes=tuple(work.notes),
    )


def _said(work: _Work, replies: Sequence[Head], found: Mapping[str, Target]) -> list[Said]:
    """What posted patches carry, and what the replies say, in the order of the mails."""
    answered = {target.version for target in found.values()}
    posted = [
        version
        for version in work.known
        if version.source == "mails"
        or version.version in answered
        or journal.accepted(work.folder, version.version)
    ]
    patches = {
        one.message_id: (one, Target(version.version, patch.id, patch.number))
        for version in posted
        for patch in version.patches
        for one in [_patch_mail(work, version, patch.number)]
    }
    heard = {
        one.message_id: Said(
            one.message_id,
            one.sender,
            found[one.message_id],
            mentions=tags.mentions(one.text),
        )
        for one in mail.load(replies)
    }
    for name, (one, target) in patches.items():
        there = posting.patch_of(one)
        held = tags.in_message(there.message) if there else ()
        heard[name] = Said(name, one.sender, target, posted=held)
    letters: list[Head | Mail] = [*(one for one, _ in patches.values()), *replies]
    return [heard[one.message_id] for one in threads.in_order(letters) if one.message_id in heard]
