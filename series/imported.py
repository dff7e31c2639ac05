"""A posted series as a version in ``versions/vN/``: its mails as they came, and a manifest."""

import re
import time
from collections.abc import Iterable, Mapping
from email import message_from_bytes
from email.errors import MessageError
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from pathlib import Path

from generator import campaign as campaign_module
from generator.campaign import FILE_NAME
from generator.errors import CampaignError, UsageError
from generator.split import slug
from series import addresses, identity, posted_diff, store
from series import mail as mail_module
from series import posting as posting_module
from series.identity import Known
from series.mail import Mail
from series.posting import PostedPatch, Posting
from series.version import MANIFEST_FORMAT, CoverRecord, PatchRecord, Recipient, Version

# As git format-patch has it here (compose.py), with the number and the suffix.
_NAME = 64


def record(folder: Path, posting: Posting, ids: Mapping[int, str]) -> Version:
    """Write ``versions/vN/`` of a posted series into ``folder``; returns the version.

    ``ids`` are the patches' stable ids by number.  To be called under
    ``store.lock``.  Raises ``UsageError`` when that version is there already,
    and for a posting without a patch.
    """
    if posting.version in store.numbers(folder):
        raise UsageError(f"{store.version_dir(folder, posting.version)}: exists already")
    if not posting.patches:
        raise UsageError(f"version {posting.version} has no patch among the mails")
    made = version_of(posting, ids, name=_series_name(folder, posting))
    contents = {patch.number: patch.mail for patch in posting.patches}
    files = {patch.mail: plain(contents[patch.number]) for patch in made.patches}
    if made.cover and posting.cover:
        files[made.cover.mail] = plain(posting.cover)
    with store.Draft(folder, posting.version) as draft:
        draft.write({**files, store.MANIFEST: store.dump(made).encode()})
        draft.install()
    return made


def ids_for(folder: Path, found: Posting) -> dict[int, str]:
    """A stable id for each patch of a posting, by number.

    That of the same patch in the version nearest to it, in another version, or in
    ``series.toml`` (by title); else one made of its title that no other patch has.
    Its patch ids must be known (``posting.with_patch_ids``).
    """
    new = [known_by(patch, str(patch.number)) for patch in found.patches]
    taken: dict[int, str] = {}
    used: set[str] = set()
    for known in _others(folder, found.version):
        used |= {one.key for one in known}
        left = [one for one in new if int(one.key) not in taken]
        free = [one for one in known if one.key not in taken.values()]
        taken |= {int(key): old for key, old in identity.match(free, left).items()}
        if len(taken) == len(new):
            return taken
    used |= set(taken.values())
    for patch in found.patches:
        if patch.number not in taken:
            taken[patch.number] = unique(patch.title, used)
    return taken


def known_by(patch: PostedPatch, key: str) -> Known:
    """A posted patch as far as it can be recognised, known by ``key``."""
    files = frozenset(posted_diff.scan(patch.diff).paths)
    return Known(key, patch.title, patch.patch_id, patch.diff, files)


def known_patches(folder: Path, version: Version) -> list[Known]:
    """The patches of a version in ``folder`` as far as they can be recognised, by their ids."""
    return [
        # A shard is known by its own id, as in the manifest.
        Known(
            patch.id,
            patch.title,
            patch.patch_id,
            _diff(folder, version, patch),
            frozenset(patch.files),
        )
        for patch in version.patches
    ]


def unique(title: str, used: set[str]) -> str:
    """An id made of ``title`` that is not in ``used``, which has it afterwards."""
    stem = slug(title)
    name, at = stem, 2
    while name in used:
        name, at = f"{stem}-{at}", at + 1
    used.add(name)
    return name


def _others(folder: Path, number: int) -> Iterable[list[Known]]:
    """The patches of the versions in ``folder``, the nearest first, and of its campaign."""
    for other in sorted(store.numbers(folder), key=lambda one: (abs(one - number), one)):
        yield known_patches(folder, store.read(folder, other))
    if (folder / FILE_NAME).is_file():
        campaign = campaign_module.load(folder)
        yield [Known(patch.id, patch.title) for patch in campaign.patches]


def _diff(folder: Path, version: Version, patch: PatchRecord) -> bytes:
    """The diff of a mail of a version, or nothing where the mail has gone."""
    try:
        content = store.mail_path(folder, version, patch.mail).read_bytes()
    except (UsageError, OSError):
        return b""
    return _diff_of(content)


@lru_cache(maxsize=512)
def _diff_of(content: bytes) -> bytes:
    found = posting_module.patch_of(mail_module.parse(content))
    return found.diff if found else b""


def version_of(found: Posting, ids: Mapping[int, str], *, name: str) -> Version:
    """A posting as the value that a manifest holds."""
    cover = found.cover
    return Version(
        format=MANIFEST_FORMAT,
        name=name,
        title=_line(found.cover_title),
        version=found.version,
        date=raw_date(found.first),
        base=found.base,
        base_name="",
        tip="",
        tree="",
        branch="",
        tag="",
        spatch="",
        patches=tuple(_patch(found, patch, ids[patch.number]) for patch in found.patches),
        cover=CoverRecord(
            mail=file_name(found.version, 0, "cover letter"),
            message_id=cover.message_id,
            recipients=recipients(cover),
        )
        if cover
        else None,
        skipped=(),
        change_id=found.change_id,
        source="mails",
    )


def _patch(found: Posting, patch: PostedPatch, name: str) -> PatchRecord:
    read = posted_diff.scan(patch.diff)
    return PatchRecord(
        number=patch.number,
        id=name,
        title=_line(patch.title),
        commit="",
        patch_id=patch.patch_id,
        insertions=read.added,
        deletions=read.removed,
        files=read.paths,
        rules=(),
        skipped_steps=(),
        mail=file_name(found.version, patch.number, patch.title),
        message_id=patch.mail.message_id,
        recipients=recipients(patch.mail),
        of=name,
    )


def _line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip() or "(no title)"


def _series_name(folder: Path, found: Posting) -> str:
    try:
        return campaign_module.load(folder).series.name
    except CampaignError:
        return slug(found.cover_title)


def recipients(mail: Mail) -> tuple[Recipient, ...]:
    """Who got a mail: the addresses of To and Cc that can be real, each once."""
    made: dict[str, Recipient] = {}
    for field, values in (("to", mail.to), ("cc", mail.cc)):
        for address in values:
            if not addresses.problem(address):
                who = Recipient(address, "to" if field == "to" else "cc", ("posted so",))
                made.setdefault(addresses.key(address), who)
    return tuple(made.values())


def raw_date(mail: Mail) -> str:
    """When a mail was sent, in git's raw form with its own zone."""
    try:
        parsed = parsedate_tz(str(message_from_bytes(mail.content)["Date"] or ""))
        stamp, zone = (mktime_tz(parsed), parsed[9] or 0) if parsed else (mail.date, 0)
    except (ValueError, OverflowError, MessageError, LookupError):
        stamp, zone = mail.date, 0
    if not 0 <= stamp < 10**10 or abs(zone) >= 24 * 3600:
        stamp, zone = min(max(mail.date, 0), int(time.time())), 0
    sign, minutes = "-" if zone < 0 else "+", abs(zone) // 60
    return f"{stamp} {sign}{minutes // 60:02}{minutes % 60:02}"


def file_name(version: int, number: int, title: str) -> str:
    """The name of a mail's file, as git-format-patch(1) makes it."""
    words = re.sub(r"[^A-Za-z0-9._]+", "-", re.sub(r"\.+", ".", title)).strip("-").rstrip(".-")
    stem = f"v{version}-" if version > 1 else ""
    room = _NAME - len(".patch") - len(stem) - 6
    return f"{stem}{number:04}-{words[:room].rstrip('.-')}.patch"


def plain(mail: Mail) -> bytes:
    """A mail as it is kept: with "\\n" line ends where all of it had "\\r\\n"."""
    content = mail.content
    if content.count(b"\r\n") == content.count(b"\n"):
        content = content.replace(b"\r\n", b"\n")
    return content if content.endswith(b"\n") else content + b"\n"
