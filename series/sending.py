"""Send the mails of a version so that none is lost and none goes twice.

``git send-email`` has no memory: after a failure it would send everything again.  So
the final bytes are frozen first (``series.outgoing``), each mail goes in a call of its
own, and the journal says of each, on disk, that it was handed over and what became of
it.  What was handed over without an answer is never sent again by itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from generator.errors import (
    ConflictError,
    ProgramError,
    RerollError,
    SendingStoppedError,
    UsageError,
)
from generator.tree import read_settings
from series import archive, journal, send_email
from series import outgoing as mails_module
from series.journal import Entry, Event, Journal
from series.outgoing import Outgoing, Round
from series.outgoing import check as check
from series.outgoing import outgoing as outgoing
from series.version import Version

Fate = Literal["sent", "unsent"]
Ask = Callable[[Outgoing], Fate | None]
_RESUME = "mend the cause, then 'reroll send --resume'"


@dataclass(frozen=True)
class Plan:
    """What there is to send: a round of a version, and what became of its mails so far.

    ``anew``: nothing is out, so the mails are made again from ``versions/vN``.
    """

    round: Round
    mails: tuple[Outgoing, ...]
    events: Mapping[str, Entry]
    anew: bool

    def state(self, mail: Outgoing) -> str:
        """The journal's last word on ``mail``, or empty."""
        entry = self.events.get(mail.message_id)
        return entry.event if entry else ""

    def accepted(self) -> int:
        """How many mails are out for certain."""
        return sum(self.state(mail) == "accepted" for mail in self.mails)

    def uncertain(self) -> list[Outgoing]:
        """The mails that may be out."""
        return [mail for mail in self.mails if self.state(mail) == "handed over"]

    def waiting(self, only: Sequence[int] = ()) -> list[Outgoing]:
        """The mails that must still go, of those numbers where some are named."""
        return [
            mail
            for mail in self.mails
            if self.state(mail) not in ("accepted", "handed over")
            and (not only or mail.number in only)
        ]


def configured(key: str, *, cwd: Path) -> tuple[str, ...]:
    """The addresses of ``sendemail.KEY`` (to, cc, bcc), or those of the identity in use."""
    found = read_settings("sendemail", cwd=cwd)
    identity = found.get("identity", ("",))[-1]
    return found.get(f"{identity}.{key}") or found.get(key, ())


def plan(folder: Path, version: Version, *, resume: bool, resend: bool) -> Plan:
    """What ``reroll send`` has to do.

    Raises ``UsageError`` when the version was sent, or not yet where ``resend``
    asks for it again; ``ConflictError`` when mails are not what they were when
    sending began; ``CampaignError`` for mails that cannot be sent.
    """
    number = version.version
    known = [entry for entry in journal.read(folder) if entry.version == number]
    last = max((entry.resend for entry in known if entry.out), default=0)
    events = journal.last_events(folder, number, last)
    out = [entry for entry in events.values() if entry.out]
    whole = sum(entry.event == "accepted" for entry in out) >= len(version.mails)
    if resend and not out:
        raise UsageError(f"version {number} has not been sent yet", hint="send without --resend")
    if resend and resume and whole:
        raise UsageError(
            f"{Round(number, last)} has been sent", hint="--resend alone sends it once more"
        )
    if resend and whole:
        return _anew(folder, version, Round(number, last + 1))
    if whole:
        raise UsageError(
            f"version {number} has been sent",
            hint="'reroll next' makes the next one; --resend sends this one again",
        )
    if resume and not events:
        raise _nothing_begun(folder, Round(number, last))
    if resend and not (resume and last):
        raise UsageError(
            f"{len(out)} of {len(version.mails)} mails of {Round(number, last)} are out",
            hint="give --resume to send the others first",
        )
    return _again(folder, version, Round(number, last), events, resume=resume)


def _anew(folder: Path, version: Version, round_: Round) -> Plan:
    events = journal.last_events(folder, version.version, round_.resend)
    if not events and round_.place(folder).exists():
        raise _nothing_begun(folder, round_)
    mails = mails_module.resent(mails_module.outgoing(folder, version), round_)
    return Plan(round_, tuple(mails), events, anew=True)


def _nothing_begun(folder: Path, round_: Round) -> RerollError:
    """For a journal without a word of a round: it never began, or its lines were lost."""
    place = round_.place(folder).relative_to(folder)
    if not (folder / place).exists():
        return UsageError(f"{round_} has not been sent yet", hint="send without --resume")
    return ConflictError(
        f"{place} shows that the sending of {round_} began, but {journal.NAME} has no word of it",
        hint=f"restore {journal.NAME}: it keeps mails from going twice; or, when no mail of it is "
        f"in the list's archive, move {place} away and send without --resume",
    )


def require_journal(folder: Path, number: int) -> None:
    """``ConflictError`` when version ``number`` was begun to be sent and the journal is lost."""
    round_ = Round(number)
    known = any(entry.version == number for entry in journal.read(folder))
    if not known and round_.place(folder).exists():
        raise _nothing_begun(folder, round_)


def _again(
    folder: Path, version: Version, round_: Round, events: Mapping[str, Entry], *, resume: bool
) -> Plan:
    """The plan of a round that has begun, or may have."""
    begun = any(entry.out for entry in events.values())
    # Stopped before the mails were frozen, there is nothing to go on with.
    frozen = resume and events and round_.place(folder).exists()
    if not begun and not frozen:
        return _anew(folder, version, round_)
    if any(not entry.source for entry in events.values() if entry.out or not begun):
        mails = mails_module.outgoing(folder, version)
        mails_module.unfrozen(mails, events)
        return Plan(round_, tuple(mails), events, anew=True)
    mails = mails_module.frozen(folder, round_, version, events)
    return Plan(round_, tuple(mails), events, anew=False)


def preview(folder: Path, version: Version) -> Plan:
    """All mails of ``version`` as if none had gone: for those that reach nobody else.

    Raises ``CampaignError`` as ``outgoing`` does.
    """
    mails = mails_module.outgoing(folder, version)
    return Plan(Round(version.version), tuple(mails), {}, anew=True)


def refreshed(folder: Path, plan: Plan) -> Plan:
    """``plan`` with what the journal says now."""
    return replace(plan, events=journal.last_events(folder, plan.round.version, plan.round.resend))


def freeze(folder: Path, book: Journal, plan: Plan, mails: Sequence[Outgoing]) -> None:
    """Note all mails as prepared, and put their final bytes on disk.

    In this order, frozen mails without a line in the journal are lost lines, not a crash.
    """
    book.add(*(_entry(plan, mail, "prepared") for mail in mails if not _has_gone(plan, mail)))
    mails_module.freeze(folder, plan.round, mails)


def _has_gone(plan: Plan, mail: Outgoing) -> bool:
    entry = plan.events.get(mail.message_id)
    return entry is not None and entry.out


def settle(
    book: Journal, plan: Plan, *, url: str, assume: Fate | None, ask: Ask | None
) -> list[str]:
    """Find out what became of the mails that were handed over without an answer.

    The archive at ``url`` (none: empty) can only tell that a mail went; else
    ``assume`` decides, else ``ask``, which returns ``None`` to stop.  Returns a
    line for each mail found in the archive.  Raises ``ConflictError`` naming the
    mails about which nothing is known.
    """
    found, open_ = [], []
    for mail in plan.uncertain():
        answer = archive.ask(url, mail.message_id) if url else archive.Answer(False, "")
        if answer.found:
            _settled(book, plan, _entry(plan, mail, "accepted", "in the archive"))
            found.append(f"{mail.name} was sent: it is in the archive")
        else:
            open_.append((mail, answer.said))
    for position, (mail, _) in enumerate(open_):
        fate = assume or (ask(mail) if ask else None)
        if fate is None:
            raise _unknown(open_[position:], url)
        event: Event = "accepted" if fate == "sent" else "failed"
        _settled(book, plan, _entry(plan, mail, event, f"assumed {fate}"))
    return found


def _settled(book: Journal, plan: Plan, entry: Entry) -> None:
    try:
        book.add(entry)
    except RerollError as error:
        gone = sum(one.out for one in plan.events.values())
        raise SendingStoppedError(
            f"{gone} of {len(plan.mails)} mails are out, or may be: {error}", hint=_RESUME
        ) from error


def _unknown(open_: Sequence[tuple[Outgoing, str]], url: str) -> ConflictError:
    named = ", ".join(
        f"{mail.name} ({archive.address(url, mail.message_id) if url else mail.message_id})"
        for mail, _ in open_
    )
    said = f"; the archive says: {open_[0][1]}" if url else ""
    where = "ask the list's archive again later" if url else "look it up in the list's archive"
    return ConflictError(
        f"it is not known whether {named} was sent: git send-email was stopped, or got no "
        f"answer{said}",
        hint=f"{where}, then --resume --assume sent (or unsent)",
    )


def send(
    book: Journal,
    folder: Path,
    plan: Plan,
    mails: Sequence[Outgoing],
    *,
    cwd: Path,
    timeout: float,
    report: Callable[[Outgoing], None] = lambda _mail: None,
) -> int:
    """Send ``mails`` of ``plan``, which are frozen, in order; returns how many went.

    ``timeout`` is in seconds a mail.  Raises ``ProgramError`` when nothing is
    out, ``SendingStoppedError`` when some mails are, or may be.
    """
    for sent, mail in enumerate(mails):
        _send_one(book, folder, plan, mail, plan.accepted() + sent, cwd, timeout)
        with suppress(OSError):  # that nobody reads us any more is no reason to stop half way
            report(mail)
    return len(mails)


def _send_one(
    book: Journal, folder: Path, plan: Plan, mail: Outgoing, out: int, cwd: Path, timeout: float
) -> None:
    try:
        book.add(_entry(plan, mail, "handed over"))
    except RerollError as error:
        raise _stopped(plan, out, f"{mail.name} was not sent: {error}", error) from error
    path = plan.round.place(folder) / mail.name
    try:
        with book.lend() as descriptor:
            verdict = send_email.send(path, cwd=cwd, timeout=timeout, inherit=[descriptor])
    except KeyboardInterrupt as error:
        raise _uncertain(plan, mail, out, "interrupted") from error
    if verdict.fate == "uncertain":
        raise _uncertain(plan, mail, out, verdict.why)
    try:
        book.add(_entry(plan, mail, verdict.fate))
    except RerollError as error:
        if verdict.fate == "accepted":
            raise SendingStoppedError(
                f"{out + 1} of {len(plan.mails)} mails are out, {mail.name} the last, but that "
                f"could not be noted: {error}",
                hint="mend the cause, then 'reroll send --resume --assume sent'",
            ) from error
        raise _stopped(plan, out, f"{mail.name}: {verdict.why}; {error}", error) from error
    if verdict.fate == "failed":
        raise _stopped(plan, out, f"git send-email {mail.name}: {verdict.why}")


def _stopped(plan: Plan, out: int, why: str, error: RerollError | None = None) -> RerollError:
    refused = send_email.refused_recipient(why)
    if out:
        text = f"{out} of {len(plan.mails)} mails are out, then {why}"
        # What is in a version that is partly out cannot change any more.
        wait = f"the mail can go only once the server takes {refused}: 'reroll send --resume' then"
        return SendingStoppedError(text, hint=wait if refused else _RESUME)
    if error:
        return type(error)(f"nothing was sent: {why}")
    hint = "check 'git config --get-regexp ^sendemail'"
    if refused:
        hint = f"add '{refused}' to 'bounce' in [recipients], then 'reroll recipients --update'"
    return ProgramError(why, hint=f"nothing was sent; {hint}")


def _uncertain(plan: Plan, mail: Outgoing, out: int, why: str) -> SendingStoppedError:
    return SendingStoppedError(
        f"{out} of {len(plan.mails)} mails are out, then git send-email {mail.name}: {why}; "
        "it may have been sent",
        hint=f"look for {mail.message_id} in the list's archive, then 'reroll send --resume'",
    )


def _entry(plan: Plan, mail: Outgoing, event: Event, evidence: str = "") -> Entry:
    return Entry(
        version=plan.round.version,
        message_id=mail.message_id,
        sha256=mail.sha256,
        event=event,
        time=int(time.time()),
        source=mail.source,
        resend=plan.round.resend,
        evidence=evidence,
    )
