"""Mails as they will go out, and where their final bytes are kept.

The mails of ``versions/vN`` are what was generated.  What is sent is a copy that is
frozen before the first mail goes: ``outgoing/vN``, or ``outgoing/vN-resendM``.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import Path

from generator.errors import CampaignError, ConflictError, RerollError
from series import addresses, store
from series.journal import Entry, sync_directory
from series.version import CoverRecord, PatchRecord, Version

# Headers that a mail has once (RFC 5322, 3.6).
_SINGLE = frozenset({"from", "to", "cc", "subject", "message-id", "date", "in-reply-to"})
# Headers that bring in people, or an answer, that nobody sees in the preview.
_HIDDEN = re.compile(
    r"bcc|sender|errors-to|return-path|resent-.*|disposition-notification-.*|return-receipt-.*|"
    r"x-confirm-reading-to",
    re.IGNORECASE,
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_PREFIX = re.compile(rb"^(Subject:\s+\[[^\]]*?)((?:\s+\d+/\d+)?\])", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Round:
    """One sending of a version: ``resend`` is 0 for the first one."""

    version: int
    resend: int = 0

    def __str__(self) -> str:
        again = f" (resend {self.resend})" if self.resend else ""
        return f"version {self.version}{again}"

    def place(self, folder: Path) -> Path:
        """Where the frozen mails are."""
        again = f"-resend{self.resend}" if self.resend else ""
        return folder / "outgoing" / f"v{self.version}{again}"

    def message_id(self, known: str) -> str:
        """The message id, in this round, of the mail that had ``known`` in the first."""
        if not self.resend:
            return known
        local, at, domain = known.rpartition("@")
        return f"{local}-resend{self.resend}{at}{domain}"


@dataclass(frozen=True)
class Outgoing:
    """A mail as it will go out.

    ``number`` is the one in its subject (0: the cover letter), ``name`` its file's.
    ``source`` is the SHA-256 of the mail in ``versions/vN`` that it was made of.
    """

    number: int
    name: str
    content: bytes
    source: str
    subject: str
    message_id: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of its bytes."""
        return _sha256(self.content)

    def with_content(self, content: bytes) -> "Outgoing":
        """The same mail with other bytes; ``MessageError`` or ``ValueError`` for bad headers."""
        return replace(_parse(self.number, self.name, content), source=self.source)


def outgoing(folder: Path, version: Version) -> list[Outgoing]:
    """The mails of ``version``, read from its folder, cover letter first.

    Raises ``CampaignError`` naming mail and line of every address, in a header
    or in a trailer, that cannot be real.
    """
    mails = []
    problems: list[str] = []
    for record in version.mails:
        path = store.mail_path(folder, version, record.mail)
        content = path.read_bytes()
        problems += [f"{path.name}:{line}: {text}" for line, text in check(content)]
        try:
            mail = _parse(getattr(record, "number", 0), path.name, content)
        except (LookupError, ValueError, MessageError) as error:
            problems.append(f"{path.name}: a header cannot be decoded: {error}")
            continue
        mails.append(mail)
        if mail.message_id != record.message_id:
            problems.append(f"{path.name}: its Message-ID is not the one in {store.MANIFEST}")
    if problems:
        raise CampaignError(
            problems, hint="correct series.toml or the messages, and generate again"
        )
    return mails


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def headers(content: bytes) -> dict[str, list[str]]:
    """The headers of a mail by lower-case name, unfolded and not decoded."""
    head = content.partition(b"\n\n")[0] + b"\n\n"
    message = message_from_bytes(head, policy=policy.compat32)
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        # A header that is UTF-8 as it is (RFC 6532) comes with its bytes as surrogates.
        text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        found.setdefault(name.lower(), []).append(" ".join(text.split()))
    return found


def decoded(value: str) -> str:
    """A header's value without encoded words (RFC 2047)."""
    return " ".join(str(make_header(decode_header(value))).split())


def _parse(number: int, name: str, content: bytes) -> Outgoing:
    found = headers(content)

    def first(field: str) -> str:
        return found.get(field, [""])[0]

    return Outgoing(
        number=number,
        name=name,
        content=content,
        source=_sha256(content),
        subject=decoded(first("subject")),
        message_id=first("message-id"),
        sender=next(iter(_people(first("from"))), ""),
        to=_people(first("to")),
        cc=_people(first("cc")),
    )


def _people(value: str) -> tuple[str, ...]:
    """The addresses of a header; none where it cannot be read, which ``check`` says."""
    try:
        return tuple(addresses.in_header(value))
    except ValueError:
        return ()


def check(content: bytes) -> list[tuple[int, str]]:
    """What is wrong with the headers and addresses of a mail, as (line from 1, text)."""
    head, _, body = content.partition(b"\n\n")
    found = unwanted(content)
    lines = head.decode("utf-8", "replace").split("\n")
    fields = _fields(lines)
    for number, name, value in fields:
        if name in ("from", "to", "cc"):
            try:
                found += _bad_addresses(number, value)
            except (LookupError, ValueError, MessageError) as error:
                found.append((number, f"the {name} header cannot be decoded: {error}"))
    present = [name for _, name, _ in fields]
    for number, name, _ in fields:
        if name in _SINGLE and present.count(name) > 1:
            found.append((number, f"there is more than one {name} header"))
    found += [
        (1, f"has no {name} header") for name in ("To", "Message-ID") if name.lower() not in present
    ]
    message, cut, _ = body.partition(b"\n---\n")
    if cut:
        offset = len(lines) + 1
        for number, line in addresses.trailer_block(message.decode("utf-8", "replace")):
            if (trailer := addresses.of_trailer(line)) and (why := addresses.problem(trailer[1])):
                found.append((offset + number, f"{trailer[0]}: '{trailer[1]}' {why}"))
    return found


def unwanted(content: bytes) -> list[tuple[int, str]]:
    """Headers that must not go out, and control characters in them, as (line from 1, text)."""
    head = content.partition(b"\n\n")[0]
    names = _fields(head.decode("utf-8", "replace").split("\n"))
    return [
        *((line, f"has a {name} header") for line, name, _ in names if _HIDDEN.fullmatch(name)),
        *(
            (number, "has a control character in a header")
            for number, line in enumerate(head.split(b"\n"), 1)
            if _CONTROL.search(line)
        ),
    ]


def _fields(lines: list[str]) -> list[tuple[int, str, str]]:
    """The headers among ``lines`` as (line, lower-case name, value with its folds)."""
    fields: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, 1):
        if line[:1] in " \t" and fields:
            at, name, value = fields[-1]
            fields[-1] = (at, name, f"{value}\n{line}")
        elif ":" in line and " " not in line.split(":", 1)[0]:
            name, _, value = line.partition(":")
            fields.append((number, name.lower(), value.strip()))
    return fields


def _bad_addresses(number: int, value: str) -> list[tuple[int, str]]:
    """Bad addresses of one header, each with the line of the fold that holds it."""
    folds = value.split("\n")
    found = []
    try:
        listed = addresses.in_header(value)
    except ValueError as error:
        return [(number, f"the addresses cannot be read: {error}")]
    for text in listed:
        if why := addresses.problem(text):
            address = addresses.split(text)[1] or text
            offset = next((at for at, fold in enumerate(folds) if address in fold), 0)
            found.append((number + offset, f"'{text}' {why}"))
    return found


def resent(mails: Sequence[Outgoing], round_: Round) -> list[Outgoing]:
    """The same mails for another round: RESEND in the subject, a thread of their own.

    The form is ``[PATCH v7 RESEND 1/3]`` (Documentation/process/submitting-patches.rst).
    Raises ``CampaignError`` for a mail whose subject has no ``[PATCH]``.
    """
    if not round_.resend:
        return list(mails)
    ids = {mail.message_id: round_.message_id(mail.message_id) for mail in mails}
    made = []
    for mail in mails:
        head, separator, body = mail.content.partition(b"\n\n")
        head, count = _PREFIX.subn(rb"\1 RESEND\2", head, count=1)
        if not count:
            raise CampaignError([f"{mail.name}: its subject does not begin with [PATCH]"])
        for known, new in ids.items():
            head = head.replace(known.encode(), new.encode())
        made.append(mail.with_content(head + separator + body))
    return made


class _Frozen(store.Draft):
    """A folder of frozen mails being written."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, 0)
        self._place = place


def freeze(folder: Path, round_: Round, mails: Sequence[Outgoing]) -> None:
    """Put the bytes of ``mails`` on disk, all or none; ``RerollError`` when that fails."""
    place = round_.place(folder)
    try:
        with _Frozen(place) as draft:
            draft.write({mail.name: mail.content for mail in mails})
            draft.install()
        for changed in (place, place.parent, folder):
            sync_directory(changed)
    except OSError as error:
        raise RerollError(f"{place}: cannot be written: {error.strerror}") from error


def frozen(
    folder: Path, round_: Round, version: Version, events: Mapping[str, Entry]
) -> list[Outgoing]:
    """The frozen mails of a round, just as they were when its sending began.

    ``events`` are the journal's last words on them.  Raises ``ConflictError``
    naming the mails whose bytes, or whose source's bytes, are others by now.
    """
    place, mails, changed = round_.place(folder), [], []
    for number, record in _numbered(version):
        entry = events.get(round_.message_id(record.message_id))
        source = store.version_dir(folder, version.version) / record.mail
        path = place / record.mail
        if entry is None or _sum(source) != entry.source:
            changed.append(str(source.relative_to(folder)))
        elif _sum(path) != entry.sha256:
            changed.append(str(path.relative_to(folder)))
        else:
            parsed = _parse(number, record.mail, path.read_bytes())
            mails.append(replace(parsed, source=entry.source))
    if changed:
        raise _no_longer(changed, any(entry.out for entry in events.values()))
    return mails


def unfrozen(mails: Sequence[Outgoing], events: Mapping[str, Entry]) -> None:
    """``ConflictError`` when ``mails``, which an older reroll began to send, have changed.

    It sent ``versions/vN`` as it was and froze nothing.
    """
    known = {name: entry for name, entry in events.items() if entry.out}
    here = {mail.message_id: mail for mail in mails}
    changed = [
        here[name].name if name in here else name
        for name, entry in known.items()
        if name not in here or here[name].source != (entry.source or entry.sha256)
    ]
    if changed:
        raise _no_longer(changed, True)


def _no_longer(names: Sequence[str], out: bool) -> ConflictError:
    back = "restore " + ("it" if len(names) == 1 else "them")
    anew = "restore versions/, or send without --resume: nothing is out yet"
    return ConflictError(
        f"{', '.join(names)}: no longer what {'it was' if len(names) == 1 else 'they were'} "
        "when sending began",
        hint=f"{back}: what is out cannot be changed any more" if out else anew,
    )


def _numbered(version: Version) -> list[tuple[int, CoverRecord | PatchRecord]]:
    return [(getattr(record, "number", 0), record) for record in version.mails]


def _sum(path: Path) -> str:
    """The SHA-256 of a file; of none when it cannot be read."""
    try:
        return _sha256(path.read_bytes()) if path.is_file() else ""
    except OSError:
        return ""
