"""Who gets which mail, and why: wishes become a plan (pure).

A wish is one reason for one address.  All wishes of a mail, under a policy, give
the recipients, each with all its reasons, and those who are left out, with the reason
for that, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from generator.campaign import Role
from generator.errors import CampaignError
from series import addresses
from series.people import People, name_key
from series.policy import Policy
from series.version import LeftOut, Recipient, Version

Field = Literal["to", "cc"]
# Who wrote these addresses can correct them; those of a tree or a mail are left out.
_OWN_WORDS: frozenset[Role] = frozenset({"named", "trailer"})


@dataclass(frozen=True)
class Wish:
    """Somebody who should get a mail: as what, and the one reason for it.

    ``field`` is set where somebody chose it; otherwise the policy does.
    ``section`` is that of MAINTAINERS; ``distant``: another mail is what the
    wish is about.
    """

    address: str
    role: Role
    reason: str
    field: Field | None = None
    section: str = ""
    distant: bool = False


@dataclass(frozen=True)
class Plan:
    """Who gets one mail, the most important first, and who doesn't."""

    recipients: tuple[Recipient, ...]
    left_out: tuple[LeftOut, ...] = ()


class _Person:
    """The wishes for one person; ``address`` is that of the most important one."""

    def __init__(self, wish: Wish, address: str) -> None:
        self.wishes: list[Wish] = []
        self.keys: set[str] = set()
        self.address = addresses.plain(address)
        self.role = wish.role

    def add(self, wish: Wish, proper: str) -> None:
        self.wishes.append(wish)
        self.keys |= {addresses.key(wish.address), addresses.key(proper)}
        name, own = addresses.split(self.address)
        if not name and addresses.key(proper) == (own or self.address).lower():
            self.address = addresses.plain(proper)  # the same address, with a name

    @property
    def reasons(self) -> tuple[str, ...]:
        own = addresses.key(self.address)
        given = [(wish.reason, addresses.key(wish.address)) for wish in self.wishes]
        return tuple(
            dict.fromkeys(reason if key == own else f"{reason} (as {key})" for reason, key in given)
        )

    def field(self, policy: Policy) -> Field:
        chosen = [wish.field for wish in self.wishes if wish.field]
        if chosen:
            return "to" if "to" in chosen else "cc"
        return "to" if any(wish.role in policy.to for wish in self.wishes) else "cc"


def plan(wishes: Iterable[Wish], policy: Policy, people: People, *, sender: str, what: str) -> Plan:
    """The plan of one mail: one entry a person, To first, in the order of the policy's roles.

    The sender is left out without a word.  Where nobody is left for To, lists
    move there, else everybody.  Raises ``CampaignError`` naming ``what`` and
    every address that cannot be real, of those that the campaign or a trailer
    names; others of that kind are left out.
    """
    usable, left_out = _usable(list(wishes), what)
    ranks = {role: rank for rank, role in enumerate(policy.roles)}
    found: list[_Person] = []

    def rank(wish: Wish) -> tuple[bool, int]:
        return wish.distant, ranks.get(wish.role, len(ranks))

    for wish in sorted(usable, key=lambda wish: (wish.role != "named", *rank(wish))):
        # A mailmap is about people.
        proper = (
            addresses.plain(wish.address) if wish.role == "list" else people.proper(wish.address)
        )
        if addresses.key(sender) in (addresses.key(proper), addresses.key(wish.address)):
            continue
        # Who names an address means that one.
        address = wish.address if wish.role == "named" else proper
        if why := _refused(wish, address, policy):
            left_out.append(LeftOut(addresses.plain(address), why, (wish.reason,)))
            continue
        person = _known(found, wish, proper, policy)
        if person is None:
            found.append(person := _Person(wish, address))
        person.add(wish, proper)
    found.sort(key=lambda person: rank(person.wishes[0]))
    over = _over_limit(found, policy)
    left_out += [
        LeftOut(one.address, f"over the limit of {policy.limit}", one.reasons) for one in over
    ]
    recipients = _in_fields([one for one in found if one not in over], policy)
    # Somebody who gets the mail for one reason is not left out for another.
    there = {addresses.key(one.address) for one in recipients}
    return Plan(recipients, _merged([one for one in left_out if _key(one) not in there]))


def _usable(wishes: Sequence[Wish], what: str) -> tuple[list[Wish], list[LeftOut]]:
    usable, left_out, problems = [], [], []
    for wish in wishes:
        why = addresses.problem(wish.address)
        if not why:
            usable.append(wish)
        elif wish.role in _OWN_WORDS:
            shown = addresses.printable(wish.address)
            problems.append(f"{what}: the address '{shown}' ({wish.reason}) {why}")
        else:
            left_out.append(LeftOut(addresses.printable(wish.address), why, (wish.reason,)))
    if problems:
        raise CampaignError(problems)
    return usable, left_out


def _refused(wish: Wish, address: str, policy: Policy) -> str:
    """Why the policy lets ``wish`` have no mail, or empty."""
    keys = (addresses.key(address), addresses.key(wish.address))
    for verb, patterns in (("blocked", policy.block), ("bounces", policy.bounce)):
        for pattern in patterns:
            if any(fnmatchcase(key, pattern.lower()) for key in keys):
                return verb if pattern.lower() in keys else f"{verb} ({pattern})"
    if wish.section and _title(wish.section) in map(_title, policy.without):
        return f"{wish.section} does not count"
    return "" if wish.role in policy.roles else f"'{wish.role}' is not among the roles"


def _title(text: str) -> str:
    return text.strip().casefold()


def _known(found: Iterable[_Person], wish: Wish, proper: str, policy: Policy) -> _Person | None:
    name = name_key(proper)
    by_name = policy.merge == "name" and name and wish.role not in ("named", "list")
    for person in found:
        if addresses.key(proper) in person.keys:
            return person
        if by_name and person.role != "list" and name_key(person.address) == name:
            return person
    return None


def _over_limit(found: Sequence[_Person], policy: Policy) -> list[_Person]:
    """The people who are too many; a limit spares people, not lists or who is named."""
    people = [person for person in found if person.role not in ("named", "list")]
    return people[policy.limit :] if policy.limit else []


def _in_fields(found: Sequence[_Person], policy: Policy) -> tuple[Recipient, ...]:
    fields = [person.field(policy) for person in found]
    if "to" not in fields:
        lists = [person.role == "list" for person in found]
        fields = ["to" if moves or not any(lists) else "cc" for moves in lists]
    made = [
        Recipient(person.address, field, person.reasons, person.role)
        for person, field in zip(found, fields, strict=True)
    ]
    return tuple(sorted(made, key=lambda recipient: recipient.field != "to"))


def _merged(left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """One entry for an address and a reason to leave it out."""
    found: dict[tuple[str, str], LeftOut] = {}
    for one in left_out:
        key = (_key(one), one.why)
        reasons = found[key].reasons if key in found else ()
        found[key] = LeftOut(one.address, one.why, tuple(dict.fromkeys((*reasons, *one.reasons))))
    return tuple(found.values())


def _key(one: LeftOut) -> str:
    return addresses.key(one.address) or one.address


def for_cover(plans: Sequence[Plan]) -> list[Wish]:
    """What the cover letter's recipients follow from: those of all patches, in order."""
    numbers: dict[tuple[str, str, Field], list[int]] = {}
    for number, one in enumerate(plans, 1):
        for recipient in one.recipients:
            key = (recipient.address, recipient.role, recipient.field)
            numbers.setdefault(key, []).append(number)
    every: dict[str, set[int]] = {}
    for (address, _, _), found in numbers.items():
        every.setdefault(address, set()).update(found)
    return [
        # One reason, in whatever roles.
        Wish(address, role, f"concerned by {patches(sorted(every[address]))}", field)  # type: ignore[arg-type]
        for address, role, field in numbers
    ]


def for_whole_series(wishes: Sequence[Sequence[Wish]]) -> list[list[Wish]]:
    """The wishes of each patch, and then, in short, those of the other patches."""
    numbers: dict[tuple[str, Role, Field | None, str], list[int]] = {}
    for number, own in enumerate(wishes, 1):
        for wish in own:
            key = (wish.address, wish.role, wish.field, wish.section)
            known = numbers.setdefault(key, [])
            known += [number] if number not in known else []
    found = []
    for number, own in enumerate(wishes, 1):
        others = [
            Wish(address, role, f"concerned by {patches(rest)}", field, section, distant=True)
            for (address, role, field, section), known in numbers.items()
            if (rest := [one for one in known if one != number])
        ]
        found.append([*own, *others])
    return found


def cover_only(one: Plan) -> Plan:
    """``one`` without the people in Cc, who get the cover letter."""
    stay = [item for item in one.recipients if item.field == "to" or item.role in ("named", "list")]
    gone = [
        LeftOut(item.address, "gets the cover letter only", item.reasons)
        for item in one.recipients
        if item not in stay
    ]
    return Plan(tuple(stay), (*one.left_out, *gone))


def patches(numbers: Sequence[int]) -> str:
    """Patch numbers as people write them: "patches 1-3, 5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return f"{'patch' if len(numbers) == 1 else 'patches'} {', '.join(shown)}"


# --- against the version before ----------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Somebody who gets a mail now and did not before, or the other way round.

    ``mail`` is the patch's id, empty for the cover letter; ``number`` its number
    in the version that has it.
    """

    address: str
    mail: str
    number: int
    joined: bool


def changes(old: Version, new: Version) -> list[Change]:
    """What is different in ``new``, for the patches that both versions have."""
    found = []
    before, after = _mails(old), _mails(new)
    for name in after:
        if name not in before:
            continue
        (_, had), (number, has) = before[name], after[name]
        found += [Change(has[key], name, number, True) for key in has if key not in had]
        found += [Change(had[key], name, number, False) for key in had if key not in has]
    return found


def _mails(version: Version) -> dict[str, tuple[int, dict[str, str]]]:
    """By patch id: the number, and the addresses by key."""
    every = [("", 0, version.cover.recipients)] if version.cover else []
    every += [(patch.id, patch.number, patch.recipients) for patch in version.patches]
    return {
        name: (number, {addresses.key(one.address): one.address for one in recipients})
        for name, number, recipients in every
    }
