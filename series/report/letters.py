"""The mails of a series as the page shows them: our own, and the replies to them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.errors import UsageError
from series import archive, mail, replies, store, threads
from series.mail import Mail
from series.report import words
from series.version import Version

# Bytes of all texts together: a page of 3 MB opens at once, also on a telephone.
BUDGET = 1_700_000
# A run of lines of one kind and its text: "quote", "add", "gone", "place" or "".
Run = tuple[str, str]


@dataclass(frozen=True)
class Letter:
    """One mail: ``anchor`` is its id in the page, ``number`` that of the patch it is or answers.

    ``file`` is where it is, seen from the series folder; ``url`` its place in an archive, or
    empty.  ``cut`` is how many bytes of its text the page leaves out.
    """

    anchor: str
    message_id: str
    sender: str
    date: int
    subject: str
    version: int
    patch: str
    number: int
    is_reply: bool
    file: str
    url: str
    runs: tuple[Run, ...]
    cut: int


@dataclass(frozen=True)
class _Found:
    mail: Mail
    version: int
    patch: str
    number: int
    is_reply: bool
    file: str


def read(
    folder: Path, versions: Sequence[Version], cited: Mapping[str, int], base: str
) -> tuple[Letter, ...]:
    """All mails of ``versions`` and what answers them, by version and then by date.

    ``cited`` are mails that tags and comments rest on, with the version that they are about;
    ``base`` is the archive (``series.archive``) or empty.  A mail that has gone is left out.
    Raises ``UsageError`` when a mailbox cannot be read.
    """
    own = [one for version in versions for one in _own(folder, version)]
    ids = {one.mail.message_id for one in own}
    found = [*own, *_replies(folder, versions, cited, ids)]
    most = level([words.size(one.mail.text) for one in found], BUDGET)
    order = {one.version: at for at, one in enumerate(versions)}
    found.sort(key=lambda one: (order.get(one.version, 0), one.is_reply))
    return tuple(_letter(at, one, most, base) for at, one in enumerate(found, 1))


def url(base: str, message_id: str) -> str:
    """Where ``message_id`` is in the archive ``base``; empty without one that is http(s)."""
    if not base.startswith(("http://", "https://")):
        return ""
    return archive.address(base, message_id).removesuffix("raw")


def level(sizes: Collection[int], budget: int) -> int:
    """The length to cut to, so that all ``sizes`` together stay in ``budget``."""
    left = budget
    for at, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - at)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)


def _own(folder: Path, version: Version) -> Iterator[_Found]:
    numbers = {patch.mail: (patch.id, patch.number) for patch in version.patches}
    for one in version.mails:
        try:
            path = store.mail_path(folder, version, one.mail)
            found = mail.parse(path.read_bytes())
        except (UsageError, OSError):
            continue
        patch, number = numbers.get(one.mail, ("", 0))
        # The manifest says what its id is, whatever the file says.
        known = Mail(
            one.message_id,
            found.sender,
            found.date,
            found.subject,
            found.parents,
            found.text,
            b"",
        )
        file = str(path.relative_to(folder))
        yield _Found(known, version.version, patch, number, False, file)


def _replies(
    folder: Path, versions: Sequence[Version], cited: Mapping[str, int], ours: Collection[str]
) -> Iterator[_Found]:
    paths = sorted((folder / replies.FOLDER).glob("*.mbox"))
    heads = {
        head.message_id: head
        for head in mail.read_heads(path for path in paths if path.is_file())
        if head.message_id not in ours
    }
    targets = threads.targets(heads.values(), versions)
    numbers = {one.version for one in versions}
    wanted = [name for name in heads if name in targets or name in cited]
    # In the order of the files, which is the quickest; then as people wrote them.
    loaded = zip(wanted, mail.load(heads[name] for name in wanted), strict=True)
    by_id = dict(loaded)
    for one in threads.in_order([heads[name] for name in wanted]):
        target = targets.get(one.message_id)
        version = target.version if target else cited[one.message_id]
        version = version if version in numbers else versions[-1].version
        patch, number = (target.patch, target.number) if target else ("", 0)
        file = str(one.place.path.relative_to(folder))
        yield _Found(by_id[one.message_id], version, patch, number, True, file)


def _letter(at: int, found: _Found, most: int, base: str) -> Letter:
    text, cut = _cut(found.mail.text, most)
    return Letter(
        anchor=f"mail-{at}",
        message_id=found.mail.message_id,
        sender=found.mail.sender or "unknown",
        date=found.mail.date,
        subject=found.mail.subject or "(no subject)",
        version=found.version,
        patch=found.patch,
        number=found.number,
        is_reply=found.is_reply,
        file=found.file,
        url=url(base, found.mail.message_id),
        runs=tuple(_runs(text.strip("\n"), is_patch=not found.is_reply)),
        cut=cut,
    )


def _cut(text: str, most: int) -> tuple[str, int]:
    """``text`` cut to about ``most`` bytes of the page, in whole lines where it has some.

    Answers how many bytes of it are left out, too.
    """
    raw, size = text.encode("utf-8", "replace"), words.size(text)
    if size <= most:
        return text, 0
    kept = raw[: len(raw) * most // size]
    kept = kept[: kept.rfind(b"\n") + 1] or kept
    return kept.decode("utf-8", "ignore"), len(raw) - len(kept)


def _runs(text: str, *, is_patch: bool) -> Iterator[Run]:
    """``text`` in runs of lines of one kind."""
    kind, lines = "", list[str]()
    for line, now in _kinds(text.split("\n"), is_patch=is_patch):
        if now != kind and lines:
            yield kind, "\n".join([*lines, ""])
            lines = []
        kind = now
        lines.append(line)
    yield kind, "\n".join(lines)


def _kinds(lines: Iterable[str], *, is_patch: bool) -> Iterator[tuple[str, str]]:
    in_diff = False
    signs = {"+": "add", "-": "gone", "@": "place"}
    for line in lines:
        if is_patch:
            in_diff = (in_diff or line.startswith("diff --git ")) and line != "-- "
            yield line, signs.get(line[:1], "") if in_diff else ""
        else:
            yield line, "quote" if re.match(r" ?[>|]", line) else ""
