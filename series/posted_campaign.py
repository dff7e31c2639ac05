"""A campaign made of a posted series: what ``reroll init --from-mbox`` writes.

Titles, messages and authors are what ``git am`` would commit; each patch is one
``apply`` step with the mail in ``patches/ID.patch``, ready to be replaced by rules.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.split import slug
from generator.templates import literal
from generator.tree import run_git
from series import addresses, campaign_file, changelogs, imported, posted_diff, posting
from series.mail import Mail
from series.posting import PostedPatch, Posting

COVER = "cover.txt"
# What generator.templates refuses in a message.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_AUTHOR = re.compile(r"[^<>]+ <[^<>\s]+@[^<>\s]+>")
_PREFIX = re.compile(r"[ -Z^-~]{0,60}")
# What generator.messages refuses at the start of a message.
_LIKE_HEADER = re.compile(r"(?:>?From|Date|Subject|Author): ?", re.IGNORECASE)


@dataclass(frozen=True)
class Made:
    """A campaign: the text of ``series.toml``, the files beside it, the patches' ids by number.

    ``notes`` say what of the mails is odd, or not in it.
    """

    text: str
    files: Mapping[str, bytes]
    ids: Mapping[int, str]
    notes: tuple[str, ...]


def make(found: Posting, owners: Sequence[frozenset[str]] = ()) -> Made:
    """A campaign of ``found``; ``owners`` are addresses (``addresses.key``) that a
    patch gets from MAINTAINERS anyway, for each patch or for none.

    Nothing is written.  Raises ``ProgramError`` when git is missing.
    """
    used: set[str] = set()
    read = [as_git_reads(patch) for patch in found.patches]
    patches = [one or patch for one, patch in zip(read, found.patches, strict=True)]
    unread = [
        f"{_called(found, patch)}: git am cannot read this mail, its charset is wrong"
        for one, patch in zip(read, found.patches, strict=True)
        if one is None
    ]
    ids = {patch.number: imported.unique(patch.title, used) for patch in patches}
    everybody = _everybody(found)
    notes = [*found.problems, *unread, *_notes(found, patches, everybody)]
    files: dict[str, bytes] = {}
    tables = []
    for at, patch in enumerate(patches):
        known = owners[at] if owners else frozenset()
        tables.append(_patch(patch, ids[patch.number], everybody, known))
        files[f"patches/{ids[patch.number]}.patch"] = mail_text(patch, found)
    series = _series(found, everybody)
    if found.cover:
        told = changelogs.parse(posting.cover_text(found.cover))
        files[COVER] = (literal(_clean(told.rest)) + "\n").encode()
        series |= {"cover_file": COVER, "changelog": _changelog(told) or None}
    ordered = {key: series[key] for key in _ORDER if series.get(key) not in (None, [], "PATCH")}
    return Made(campaign_file.new_campaign(ordered, tables), files, ids, tuple(notes))


_ORDER = ("name", "title", "cover_file", "version", "base", "prefix", "to", "cc", "changelog")


def _series(found: Posting, everybody: Mapping[str, Sequence[str]]) -> dict[str, object]:
    title = _title(found.cover_title)
    return {
        "name": slug(title),
        "title": literal(title),
        "version": found.version,
        "base": found.base or None,
        "prefix": found.prefix if _PREFIX.fullmatch(found.prefix) else None,
        "to": everybody["to"],
        "cc": everybody["cc"],
    }


def _patch(
    patch: PostedPatch, name: str, everybody: Mapping[str, Sequence[str]], owners: frozenset[str]
) -> dict[str, object]:
    known = {addresses.key(one) for values in everybody.values() for one in values} | owners
    known |= _in_trailers(patch.message)
    further = {
        field: [one for one in values if addresses.key(one) not in known]
        for field, values in (("to", patch.mail.to), ("cc", patch.mail.cc))
    }
    made = {
        "id": name,
        "title": literal(_title(patch.title)),
        "author": patch.author if _AUTHOR.fullmatch(patch.author) else None,
        "message": literal(_clean(patch.message)) or None,
        "to": further["to"] or None,
        "cc": further["cc"] or None,
        "changelog": _changelog(changelogs.parse(patch.notes)) or None,
        "step": [{"apply": f"patches/{name}.patch"}],
    }
    return {key: value for key, value in made.items() if value is not None}


def _title(text: str) -> str:
    """A title that ``generator.templates.render_line`` takes."""
    bare = re.sub(r"^(?:\s*(?:\[[^\]]*\]|\[|re:))+", "", _clean(text), flags=re.IGNORECASE)
    return " ".join(bare.split()) or "no title"


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("", text)


def _changelog(told: changelogs.Changelog) -> dict[str, list[str]]:
    """A changelog as ``series.toml`` has it, the newest version first."""
    return {
        str(number): [line for entry in told.entries[number] if (line := _clean(entry).strip())]
        for number in sorted(told.entries, reverse=True)
    }


def _in_trailers(message: str) -> set[str]:
    """Who gets a patch because a trailer names them (``wishes.from_trailers``)."""
    found = [addresses.of_trailer(line) for _, line in addresses.trailer_block(message)]
    return {addresses.key(trailer[1]) for trailer in found if trailer}


def _everybody(found: Posting) -> dict[str, list[str]]:
    """Who got all mails, To or Cc as in the first one."""
    mails = _mails(found)
    got = [{addresses.key(one) for one in (*mail.to, *mail.cc)} for mail in mails]
    common = set.intersection(*got)
    if len(found.patches) == 1:  # its patch may name more by trailers
        common -= _in_trailers(found.patches[0].message)
    return {
        field: [one for one in values if addresses.key(one) in common]
        for field, values in (("to", mails[0].to), ("cc", mails[0].cc))
    }


def _mails(found: Posting) -> list[Mail]:
    return [*([found.cover] if found.cover else []), *(patch.mail for patch in found.patches)]


def as_git_reads(patch: PostedPatch) -> PostedPatch | None:
    """A patch with title, author and message as git-mailinfo(1) reads the mail.

    ``None`` where git cannot: a charset that does not exist.
    """
    with TemporaryDirectory(prefix="reroll-mail-") as place:
        mail = imported.plain(patch.mail)
        done = run_git(["mailinfo", "msg", "diff"], cwd=Path(place), stdin=mail, check=False)
        if done.returncode != 0:
            return None
        raw = (Path(place) / "msg").read_bytes()
    text = posting.decode(done.stdout, "utf-8")
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    message, _ = posting.split_message(posting.tidy(posting.decode(raw, "utf-8")))
    author = f"{facts.get('Author', '')} <{facts.get('Email', '')}>"
    return replace(
        patch,
        title=facts.get("Subject", "") or patch.title,
        author=author if _AUTHOR.fullmatch(author) else patch.author,
        message=message,
    )


def mail_text(patch: PostedPatch, found: Posting) -> bytes:
    """A patch as a plain mail in UTF-8, as git-format-patch(1) lays it out.

    Without what the mail met on its way; the bytes of the diff are as posted.
    """
    counter = f"{patch.number}/{found.count}"
    version = f" v{found.version}" if found.version > 1 else ""
    subject = f"[{found.prefix}{version} {counter}] {_title(patch.title)}"
    if not subject.isascii() or "=?" in subject:
        subject = addresses.encoded(subject, used=len("Subject: "))
    author = patch.author if _AUTHOR.fullmatch(patch.author) else "unknown <unknown@invalid>"
    head = [
        f"From: {addresses.header_form(author)}",
        f"Subject: {subject}",
        f"Message-ID: {patch.mail.message_id}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    message = f"{_clean(patch.message)}\n" if patch.message else ""
    notes = f"---\n{_clean(patch.notes)}\n".rstrip("\n") + "\n\n"
    text = "\n".join([*head, "", message + notes])
    return text.encode("utf-8", "replace") + patch.diff


def _called(found: Posting, patch: PostedPatch) -> str:
    return f"patch {patch.number}/{found.count} ({patch.title})"


def outside(found: Posting) -> list[str]:
    """What is wrong with patches that name files outside the tree, one line each."""
    return [
        f"{_called(found, patch)}: names {name}, outside the tree"
        for patch in found.patches
        for name in posted_diff.scan(patch.diff).outside
    ]


def _notes(
    found: Posting, patches: Sequence[PostedPatch], everybody: Mapping[str, Sequence[str]]
) -> list[str]:
    """What is odd about a posting, or is not in the campaign."""
    said = []
    cut = [str(patch.number) for patch in patches if _has_mark(patch)]
    if cut:
        which = f"patch{'es' if len(cut) > 1 else ''} {', '.join(cut)}"
        said.append(f"{which}: what stands behind a '--' line is no part of the message")
    for patch in patches:
        said += [f"{_called(found, patch)}: {odd}" for odd in _odd(patch)]
    if found.cover:
        mails = [patch.mail for patch in patches]
        later = {addresses.key(one) for mail in mails for one in (*mail.to, *mail.cc)}
        later |= {addresses.key(one) for values in everybody.values() for one in values}
        got = [one for one in (*found.cover.to, *found.cover.cc) if addresses.key(one) not in later]
        if got:
            said.append(f"the cover letter alone went to {', '.join(got)}: not taken over")
    if not _PREFIX.fullmatch(found.prefix):
        said.append(f"the prefix [{found.prefix}] cannot be kept, it is PATCH now")
    return said


def _has_mark(patch: PostedPatch) -> bool:
    """Whether a ``--`` line, meant as ``---``, ended the message."""
    mail = posting.decode(posting.body(patch.mail)[0], "utf-8")
    message = re.split(r"^(?:---\s*$|diff -)", mail, maxsplit=1, flags=re.MULTILINE)[0]
    return bool(posting.split_message(posting.tidy(message))[1])


def _odd(patch: PostedPatch) -> list[str]:
    said = []
    told = changelogs.parse(patch.notes)
    if told.rest:
        first = told.rest.split("\n")[0]
        said.append(f'a note below "---" is not in series.toml: {first[:60]}')
    if _UNPRINTABLE.search(patch.message + patch.title):
        said.append("control characters were left out of its message")
    if _LIKE_HEADER.match(patch.message):
        first = patch.message.split("\n")[0]
        said.append(f"its message begins like a mail's header: {first[:60]}")
    if not _AUTHOR.fullmatch(patch.author):
        said.append("has no author that git can use")
    for name in posted_diff.scan(patch.diff).hollow:
        said.append(f"changes {name}, a binary file, without its data: it cannot be applied")
    return said
