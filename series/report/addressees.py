"""Who gets which mail of the newest version and why, by person, and who did before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from series import addresses, recipients
from series.report import words
from series.version import CoverRecord, PatchRecord, Version


@dataclass(frozen=True)
class Addressee:
    """One address: each field (or why it gets nothing) and each reason, with its mails."""

    address: str
    fields: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Changed:
    """Somebody who gets mails now and did not before ("joined"), or the other way round."""

    address: str
    joined: bool
    mails: str


def getting(version: Version) -> tuple[Addressee, ...]:
    """Everybody who gets a mail of ``version``: who is in To of some first."""
    found = _table(
        (number, one.address, one.field.capitalize(), one.reasons)
        for number, mail in _mails(version)
        for one in mail.recipients
    )
    return tuple(sorted(found, key=lambda one: not any(name == "To" for name, _ in one.fields)))


def left_out(version: Version) -> tuple[Addressee, ...]:
    """Everybody who gets a mail of ``version`` not although something speaks for it."""
    return tuple(
        _table(
            (number, one.address, one.why, one.reasons)
            for number, mail in _mails(version)
            for one in mail.left_out
        )
    )


def changed(old: Version, new: Version) -> tuple[Changed, ...]:
    """What is different in ``new``, for the mails that both versions have."""
    found: dict[tuple[str, bool], tuple[str, list[int]]] = {}
    for one in recipients.changes(old, new):
        found.setdefault((key(one.address), one.joined), (one.address, []))[1].append(one.number)
    return tuple(
        Changed(address, joined, words.mails(numbers))
        for (_, joined), (address, numbers) in found.items()
    )


def key(address: str) -> str:
    """What makes two addresses one person's: without its name, whole where it is no address."""
    return addresses.key(address) or address


def _mails(version: Version) -> Iterable[tuple[int, CoverRecord | PatchRecord]]:
    if version.cover:
        yield 0, version.cover
    for patch in version.patches:
        yield patch.number, patch


def _table(entries: Iterable[tuple[int, str, str, Sequence[str]]]) -> list[Addressee]:
    """One row a person, of the mail's number, the address, its field and its reasons."""
    names: dict[str, str] = {}
    fields: dict[str, dict[str, list[int]]] = {}
    reasons: dict[str, dict[str, list[int]]] = {}
    for number, address, field, why in entries:
        person = key(address)
        names.setdefault(person, address)
        fields.setdefault(person, {}).setdefault(field, []).append(number)
        for reason in why:
            reasons.setdefault(person, {}).setdefault(reason, []).append(number)
    return [
        Addressee(name, _in_words(fields[person]), _in_words(reasons.get(person, {})))
        for person, name in names.items()
    ]


def _in_words(found: Mapping[str, Sequence[int]]) -> tuple[tuple[str, str], ...]:
    return tuple((text, words.mails(numbers)) for text, numbers in found.items())
