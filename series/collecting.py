"""Replies from mailboxes into a series folder: kept, placed, read for tags and comments.

What is kept in ``replies/`` decides: tags and comments follow from all mails there, so that
the order of mailboxes does not matter and nothing is counted twice.  Written in this order,
each file whole or not at all: versions, replies, ``trailers.toml``, ``comments.toml``; a run
that was stopped is made good by the next.
"""

import contextlib
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from generator.errors import RerollError, UsageError
from series import (
    addresses,
    comment_file,
    comments,
    identity,
    imported,
    journal,
    mail,
    mailbox_files,
    posting,
    recipients,
    reply_text,
    store,
    tags,
    threads,
    trailer_file,
    trailers,
)
from series.givers import Givers
from series.mail import Head, Mail
from series.people import People
from series.posting import PostedPatch, Posting
from series.replies import FOLDER
from series.tags import Mention
from series.threads import Target
from series.trailer_file import Tag
from series.trailers import Account, Said
from series.version import PatchRecord, Version

# Of words that are shown.
_LONGEST = 500
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
    ``known`` are all versions.  ``written`` says of mails, by message id, who wrote them and
    when; ``untaken`` are the numbers of versions that mails are about and that are not here.
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
    written: Mapping[str, str] = field(default_factory=dict)
    untaken: tuple[int, ...] = ()


@dataclass
class _Work:
    """A run: what is known so far.

    ``also`` are mails of ours that no record has, ``others`` patches that are not ours, with
    what an answer to either is about; ``branches`` those that our subjects name; ``twice``
    the numbers of patches, by version, that were posted again with another change.
    """

    folder: Path
    dry_run: bool
    versions: dict[int, Version]
    heads: dict[str, Head]
    stored: set[str]
    authors: tuple[str, ...]
    branches: frozenset[str]
    take: bool
    postings: dict[int, Posting] = field(default_factory=dict)
    also: dict[str, Target] = field(default_factory=dict)
    others: dict[str, Target] = field(default_factory=dict)
    twice: dict[int, set[int]] = field(default_factory=dict)
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
    take: bool = True,
) -> Collected:
    """Read mailboxes for the series in ``folder``, under ``store.lock`` unless ``dry_run``.

    ``people`` says which of some addresses are one person's.  Without ``take`` no version
    is taken from the mails, and what is about one that is not here is left where it is.
    Raises ``UsageError`` for a folder without a version, a mailbox that cannot be read, and
    a damaged ``trailers.toml`` or ``comments.toml``; then nothing has been written.
    """
    work = _begin(folder, paths, dry_run=dry_run, take=take)
    trailer_file.read(folder)
    comment_file.read(folder)
    _find_versions(work)
    found = _placed(work)
    untaken = {target.version for target in found.values()} - set(work.versions)
    untaken |= {target.version for target in work.others.values()} - {0, *work.versions}
    if not take:
        found = {name: target for name, target in found.items() if target.version not in untaken}
    replies = [head for name, head in work.heads.items() if name in found]
    new = [head for head in replies if head.message_id not in work.stored]
    if not dry_run:
        _keep(work, new, found)
    made = _read(work, threads.in_order(replies), found, len(new), people)
    return replace(made, untaken=tuple(sorted(untaken)))


def _begin(folder: Path, paths: Sequence[Path], *, dry_run: bool, take: bool) -> _Work:
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
    authors, branches = _authors(folder, versions)
    work = _Work(folder, dry_run, versions, heads, set(stored), authors, branches, take)
    if not heads and paths:
        work.notes.append("there is no mail in what was named")
    work.notes += _differing(again)
    return work


def _authors(
    folder: Path, versions: Mapping[int, Version]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Who posts the series, and for which stable kernels: each version's first mail says."""
    paths = [store.mail_path(folder, one, one.mails[0].mail) for one in versions.values()]
    first = [mail.parse(path.read_bytes()) for path in paths]
    branches = (posting.branches(one.subject) for one in first)
    return tuple(dict.fromkeys(one.sender for one in first)), frozenset().union(*branches)


def _differing(again: Sequence[tuple[Head, Head]]) -> list[str]:
    """What to say of mails that came twice with other words."""
    named = {
        first.message_id: first
        for first, other in again
        if first.place != other.place and _digest(first) != _digest(other)
    }
    if not named:
        return []
    return [
        f"{_mails(len(named))} came again with another text; the first was kept: "
        f"{_some(list(named.values()))}"
    ]


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count} mails"


def _some(heads: Sequence[Head]) -> str:
    """The first of some mails, as a person finds them: who wrote them, and when."""
    shown = "; ".join(_written(head) for head in heads[:_SHOWN])
    return shown + ("; ..." if len(heads) > _SHOWN else "")


def _written(head: Head | Mail) -> str:
    name, address = addresses.split(head.sender)
    when = f"{datetime.fromtimestamp(head.date, UTC):%Y-%m-%d %H:%M}" if head.date else "no date"
    return f"{name or address or head.sender or 'nobody'}, {when}"


def _digest(head: Head) -> bytes:
    """Of the body: lists change headers."""
    content = next(mailbox_files.contents([head.place])).replace(b"\r\n", b"\n")
    return hashlib.sha256(content.partition(b"\n\n")[2].strip()).digest()


def _find_versions(work: _Work) -> None:
    """Take versions that the folder does not have from the mails, and know what was sent twice."""
    seen: set[str] = set()
    for _ in range(_ROUNDS):
        patches = [
            head for head in _related(work) if _is_patch(head) and head.message_id not in seen
        ]
        if not patches:
            break
        seen |= {head.message_id for head in patches}
        ours = threads.own(work.known)
        mails = [one for one in mail.load(patches) if one.message_id not in ours]
        made = posting.with_patch_ids(posting.postings(mails)) if mails else ()
        newest = max(work.versions)
        for one in sorted(made, key=lambda one: (abs(one.version - newest), one.version)):
            _take(work, one)
    for version, numbers in sorted(work.twice.items()):
        work.notes.append(
            f"version {version}: {recipients.patches(sorted(numbers))} came again with another "
            "change; tags for what is not in versions/ need your decision"
        )


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
    ours, by_us = _ours(work, found), _by_us(work, found)
    if not (ours and by_us):
        if ours and found.version not in work.versions:
            work.notes.append(
                f"version {found.version} was not taken: somebody else posted it: "
                f"{_written(found.first)}"
            )
        # Somebody's own patch in our thread is an answer.
        for one in _letters(found):
            _set_apart(work, one, Target(0, "", 0, other=threads.another(one.subject)))
        return
    if found.version in work.versions:
        _again(work, found)
        return
    if found.missing or not work.take:
        if work.take:
            listed = ", ".join(map(str, found.missing))
            work.notes.append(
                f"version {found.version} was not taken: of its {found.count} patches these are "
                f"missing: {listed}"
            )
        for one in _letters(found):
            why = threads.unknown(found.version)
            _set_apart(work, one, Target(found.version, "", 0, other=why))
        return
    ids = imported.ids_for(work.folder, found)
    if work.dry_run:
        made = imported.version_of(found, ids, name=work.known[-1].name)
    else:
        made = imported.record(work.folder, found, ids)
    work.versions[made.version] = made
    work.postings[made.version] = found
    _again(work, found)


def _letters(found: Posting) -> list[Mail]:
    """All mails of a posting."""
    patches = [one.mail for one in (*found.patches, *found.resent)]
    return [*([found.cover] if found.cover else []), *patches]


def _set_apart(work: _Work, one: Mail, target: Target) -> None:
    """Note that answers to a mail are about something else than the patches that are here."""
    if one.message_id not in work.also:
        work.others[one.message_id] = target


def _by_us(work: _Work, found: Posting) -> bool:
    return any(Givers().same(found.first.sender, one) for one in work.authors)


def _ours(work: _Work, found: Posting) -> bool:
    """Whether it is a version of this series, for the same kernel, whoever posted it.

    It has the cover's title, or half of its patches have titles of ours.
    """
    if posting.branches(f"[{found.prefix}]") - work.branches:
        return False
    known = {threads.folded(patch.title) for one in work.known for patch in one.patches}
    if found.cover and threads.folded(found.cover_title) in {
        threads.folded(one.title) for one in work.known
    }:
        return True
    same = sum(threads.folded(patch.title) in known for patch in found.patches)
    # A version that we have, under another cover: it takes more to be the same.
    other = found.cover is not None and found.version in work.versions
    return same * 2 >= len(found.patches) + other > 0


def _again(work: _Work, found: Posting) -> None:
    """Remember mails of a version that are not those of its record."""
    version = work.versions[found.version]
    ours = threads.own([version])
    for one in (*found.patches, *found.resent):
        if one.mail.message_id not in ours:
            _sent_again(work, version, one)
    if found.cover and found.cover.message_id not in ours:
        work.also[found.cover.message_id] = Target(version.version, "", 0)


def _sent_again(work: _Work, version: Version, one: PostedPatch) -> None:
    """A further mail of a patch: it is the same one, unless its change is another."""
    patch = _which(work, version, one)
    if patch is None:
        other = threads.another(one.mail.subject)
        _set_apart(work, one.mail, Target(version.version, "", 0, other=other))
        return
    target = Target(version.version, patch.id, patch.number)
    recorded = posting.patch_of(_patch_mail(work, version, patch.number))
    if one.patch_id == patch.patch_id or (
        recorded and identity.changed(recorded.diff) == identity.changed(one.diff)
    ):
        work.also[one.mail.message_id] = target
        return
    what = f"patch {patch.number} of version {version.version}"
    work.twice.setdefault(version.version, set()).add(patch.number)
    why = f"answers {what} as it was posted another time, with another change"
    _set_apart(work, one.mail, replace(target, other=why))


def _which(work: _Work, version: Version, one: PostedPatch) -> PatchRecord | None:
    """The patch of a version that a further mail of it has."""
    title = threads.folded(one.title)
    named = [patch for patch in version.patches if threads.folded(patch.title) == title]
    if len(named) == 1:
        return named[0]
    known = imported.known_patches(work.folder, version)
    found = identity.match(known, [imported.known_by(one, "")]).get("")
    return next((patch for patch in version.patches if patch.id == found), None)


def _placed(work: _Work) -> dict[str, Target]:
    """What each reply answers, by message id."""
    related = {head.message_id: head for head in _related(work)}
    found = _targets(work, related.values(), {})
    ours = {*threads.own(work.known), *work.also, *work.others}
    # What nobody knows the parents of may still quote a patch.
    lost = [
        head
        for name, head in work.heads.items()
        if name not in found and name not in ours and mail.title(head.subject)[1]
    ]
    quoting = _by_quote(work, lost) if lost else {}
    if quoting:
        found = {**_targets(work, work.heads.values(), quoting), **quoting, **found}
    left = [head for head in lost if head.message_id in related and head.message_id not in found]
    for head in left:
        version = threads.named_version(head.subject)
        if version and version not in work.versions:
            found[head.message_id] = Target(version, "", 0, "title", threads.unknown(version))
    _note_lost(work, [head for head in left if head.message_id not in found], found)
    return found


def _targets(
    work: _Work, heads: Iterable[Head], quoting: Mapping[str, Target]
) -> dict[str, Target]:
    return threads.targets(heads, work.known, {**work.also, **quoting}, work.others, work.branches)


def _note_lost(work: _Work, lost: Sequence[Head], found: Mapping[str, Target]) -> None:
    """Say which mails count for nothing, because what they answer is not here."""
    if lost and work.take:
        answer = "answers" if len(lost) == 1 else "answer"
        work.notes.append(
            f"{_mails(len(lost))} of these threads {answer} nothing that is known here: "
            f"{_some(lost)}"
        )
    about = Counter(target.version for target in found.values())
    for version in sorted(about.keys() - work.versions.keys()) if work.take else ():
        which = "1 reply is" if about[version] == 1 else f"{about[version]} replies are"
        said = any(note.startswith(f"version {version} ") for note in work.notes)
        hint = "" if said else ": name a mailbox that has all its patches"
        work.notes.append(f"{which} about version {version}, which is not known here{hint}")


def _by_quote(work: _Work, lost: Sequence[Head]) -> dict[str, Target]:
    """Replies that quote a patch of ours, by message id."""
    patches = [
        (Target(version.version, patch.id, patch.number), threads.changed_lines(text))
        for version in work.known
        for patch, text in _patch_texts(work, version)
    ]
    found = {}
    for one in mail.load(lost):
        version = threads.named_version(one.subject)
        fitting = [pair for pair in patches if version in (None, pair[0].version)]
        if target := threads.by_quote(one.text, fitting):
            found[one.message_id] = target
    return found


def _patch_texts(work: _Work, version: Version) -> Iterator[tuple[PatchRecord, str]]:
    for patch in version.patches:
        yield patch, _patch_mail(work, version, patch.number).text


def _patch_mail(work: _Work, version: Version, number: int) -> Mail:
    """The mail of a patch, as it was posted."""
    if found := work.postings.get(version.version):
        return next(one.mail for one in found.patches if one.number == number)
    patch = next(one for one in version.patches if one.number == number)
    return mail.parse(store.mail_path(work.folder, version, patch.mail).read_bytes())


def _keep(work: _Work, new: Sequence[Head], found: Mapping[str, Target]) -> None:
    """Add mails to ``replies/vN.mbox``: replies, and patches that say what they are about."""
    newest = max(work.versions)
    by_version: dict[int, list[Head]] = {}
    for head in new:
        by_version.setdefault(found[head.message_id].version, []).append(head)
    for name, target in (work.also | work.others).items():
        away = not work.take and target.version not in work.versions and target.version
        if name in work.heads and name not in work.stored and name not in found and not away:
            by_version.setdefault(target.version or newest, []).append(work.heads[name])
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
    heard = {
        one.message_id: tags.mentions(reply_text.judged(one.text)[0]) for one in mail.load(replies)
    }
    patches = _posted(work, found)
    said, loose = _said(work, replies, found, heard, patches)
    given = [one.sender for one in said if one.sender]
    given += [person for one in said for _, person in one.posted]
    given += [mention.person for one in said for mention in one.mentions]
    givers = Givers(people(work.known[-1], given))
    outcome = trailers.states(said, work.known, givers)
    known = frozenset({*threads.own(work.known), *work.heads})
    there, changed = trailer_file.update(
        work.folder, outcome.tags, known, givers, dry_run=work.dry_run
    )
    _note_undated(work, replies, heard)
    about = [head for head in replies if _is_comment(work, found[head.message_id])]
    talk = comments.update(
        work.folder,
        (replace(one, content=b"") for one in mail.load(about)),
        found,
        work.authors,
        mentions=heard,
        dry_run=work.dry_run,
    )
    _note_too_long(work, replies, talk.cut)
    return Collected(
        mails=len(replies),
        new=new,
        versions=tuple(sorted(work.postings)),
        tags=there,
        changed=changed,
        accounts=(*outcome.accounts, *loose),
        comments=talk,
        known=tuple(work.known),
        notes=tuple(dict.fromkeys(work.notes)),
        written={
            **{head.message_id: _written(head) for head in replies},
            **{one.message_id: _written(one) for one, _ in patches},
        },
    )


def _is_comment(work: _Work, target: Target) -> bool:
    """Whether a mail talks about a patch that is here, or about one that was put against it."""
    return target.version in work.versions and not (target.other and target.how == "title")


def _note_undated(
    work: _Work, replies: Sequence[Head], heard: Mapping[str, Sequence[Mention]]
) -> None:
    """Say which mails about tags have no date: what was said first is not sure then."""
    undated = [head for head in replies if not head.date and heard[head.message_id]]
    if undated:
        have = "has" if len(undated) == 1 else "have"
        work.notes.append(
            f"{_mails(len(undated))} with tags {have} no date: what was said first is a guess, "
            f"see trailers.toml: {_some(undated)}"
        )


def _note_too_long(work: _Work, replies: Sequence[Head], names: Collection[str]) -> None:
    """Say which mails are too long for anybody to have written them."""
    cut = [head for head in replies if head.message_id in names]
    if cut:
        which = "reply is" if len(cut) == 1 else "replies are"
        were = "was" if len(cut) == 1 else "were"
        work.notes.append(
            f"{len(cut)} {which} too long and {were} not read to the end: {_some(cut)}"
        )


def _posted(work: _Work, found: Mapping[str, Target]) -> list[tuple[Mail, Target]]:
    """The patches of the versions that people have seen, and where they are."""
    answered = {target.version for target in found.values()}
    return [
        (
            _patch_mail(work, version, patch.number),
            Target(version.version, patch.id, patch.number),
        )
        for version in work.known
        if version.source == "mails"
        or version.version in answered
        or journal.accepted(work.folder, version.version)
        for patch in version.patches
    ]


def _said(
    work: _Work,
    replies: Sequence[Head],
    found: Mapping[str, Target],
    heard: Mapping[str, tuple[Mention, ...]],
    patches: Sequence[tuple[Mail, Target]],
) -> tuple[list[Said], list[Account]]:
    """What posted patches carry, and what the replies say, in the order of the mails.

    And accounts of what is said of something else than the patches that are here.
    """
    every: dict[str, Said] = {}
    loose: list[Account] = []
    for head in replies:
        name, target = head.message_id, found[head.message_id]
        mentions = heard[name]
        if target.other:
            mentions, away = _apart(mentions, target, here=target.version in work.versions)
            if name not in work.others:
                loose += (_account(head, target, one) for one in away)
        every[name] = Said(name, head.sender, target, mentions=mentions)
    for one, target in patches:
        there = posting.patch_of(one)
        held = tags.in_message(there.message) if there else ()
        every[one.message_id] = Said(one.message_id, one.sender, target, posted=held)
    letters: list[Head | Mail] = [*(one for one, _ in patches), *replies]
    return [every[one.message_id] for one in threads.in_order(letters)], loose


def _account(head: Head, target: Target, mention: Mention) -> Account:
    """What became of a mention that has no effect, because it is about something else."""
    quoted = mention.kind == "elsewhere"
    return Account(
        head.message_id,
        head.sender,
        target.version,
        target.patch,
        mention.line,
        _plain(mention.text),
        "quoted commit" if quoted else "unclear",
        _plain(target.other),
    )


def _plain(text: str) -> str:
    """Words of a mail as one line that no terminal trips over."""
    return addresses.printable(" ".join(text.split()))[:_LONGEST]


def _apart(
    mentions: Sequence[Mention], target: Target, *, here: bool
) -> tuple[tuple[Mention, ...], list[Mention]]:
    """What is said of another patch: tags that the user may decide on, and what has no effect.

    ``here`` tells whether the target's version is; tags are for nothing where it is not.
    """
    kept, away = [], []
    for one in mentions:
        if one.kind == "given" and here and one.name != "Signed-off-by":
            kept.append(replace(one, unclear=target.other))
        else:
            away.append(one)
    return tuple(kept), away
