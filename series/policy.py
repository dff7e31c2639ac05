"""Who gets which mail: the choices of a user and of a campaign, as one value.

git config ``reroll.recipients.KEY`` says what holds for all series of a project, the
``[recipients]`` table of series.toml what holds for one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from generator.errors import UsageError
from generator.suggestion import ending
from series import addresses

if TYPE_CHECKING:
    from generator.campaign import Recipients as Table
    from generator.campaign import Role, Scope

ROLES: "tuple[Role, ...]" = (
    *("named", "maintainer", "reviewer", "list"),
    *("trailer", "fixes", "reply"),
)
SCOPES: "tuple[Scope, ...]" = ("patch", "series", "cover")
# Each level adds to these; the others replace what was set before.
_ADDED = frozenset({"block", "bounce", "without"})
_PATTERNS = frozenset({"block", "bounce"})


@dataclass(frozen=True)
class Policy:
    """What decides about recipients.

    ``scope``: each patch to the people it concerns (``patch``), every patch to
    everybody (``series``), or people in Cc get the cover letter only (``cover``);
    ``roles``: who gets mail, the most important first; ``to``: the roles that go
    in To, the others in Cc; ``limit``: the most addresses of one mail, 0 for no
    limit; ``block`` and ``bounce``: addresses, or patterns such as
    ``*@example.org``, that get none; ``without``: titles of MAINTAINERS sections
    that do not count; ``merge``: whether one name is one person (``name``), or
    only one address and what the mailmap knows (``mailmap``).
    """

    scope: "Scope" = "patch"
    roles: "tuple[Role, ...]" = ROLES
    to: "tuple[Role, ...]" = ("maintainer",)
    limit: int = 0
    block: tuple[str, ...] = ()
    bounce: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    merge: Literal["name", "mailmap"] = "name"


def from_git(found: Mapping[str, Sequence[str]]) -> Policy:
    """The policy of git configuration ``recipients.KEY`` (as ``read_settings`` gives it).

    Lists are given by several lines, or by words with commas.  Raises
    ``UsageError`` naming the key for a value that it cannot have, and for an
    unknown key.
    """
    known = {field.name for field in fields(Policy)}
    policy = Policy()
    for name, values in found.items():
        if not name.startswith("recipients."):
            continue
        key = name.removeprefix("recipients.")
        if key not in known:
            raise UsageError(
                f"git config reroll.{name}: there is no such setting{ending(key, known)}",
                hint=f"known are {', '.join(sorted(known))}",
            )
        policy = _with(policy, key, values, f"git config reroll.{name}")
    return policy


def with_table(policy: Policy, table: "Table") -> Policy:
    """``policy`` as the ``[recipients]`` table of a campaign changes it."""
    chosen: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in table.model_dump(exclude_none=True).items()
    }
    for key in _PATTERNS & chosen.keys():
        where = f"series.toml, recipients.{key}"
        chosen[key] = tuple(_pattern(text, where) for text in chosen[key])
    for key in _ADDED & chosen.keys():
        chosen[key] = (*getattr(policy, key), *chosen[key])
    return replace(policy, **chosen)


def _with(policy: Policy, key: str, values: Sequence[str], where: str) -> Policy:
    last = values[-1]
    if key == "scope":
        return replace(policy, scope=cast("Scope", _one_of(last, SCOPES, where)))
    if key == "merge":
        chosen = _one_of(last, ("name", "mailmap"), where)
        return replace(policy, merge=cast(Literal["name", "mailmap"], chosen))
    if key == "limit":
        if not re.fullmatch(r"\d{1,5}", last):
            raise UsageError(f"{where}: '{last}' is not a whole number")
        return replace(policy, limit=int(last))
    if key == "without":  # titles may have commas
        return replace(policy, without=tuple(values))
    if key in _PATTERNS:
        texts = [text for value in values for text in value.split(",") if text.strip()]
        return replace(policy, **{key: tuple(_pattern(text, where) for text in texts)})  # type: ignore[arg-type]
    words = tuple(word for value in values for word in re.split(r"[,\s]+", value) if word)
    for word in words:
        _one_of(word, ROLES, where)
    return replace(policy, **{key: words})  # type: ignore[arg-type]


def _pattern(text: str, where: str) -> str:
    """An address, with or without a name, or a pattern; ``UsageError`` for anything else."""
    found = addresses.key(text) or text.strip()
    if not re.fullmatch(r"[^\s<>\",]*[@*][^\s<>\",]*", found):
        shown = addresses.printable(text)
        raise UsageError(f"{where}: '{shown}' is no address, nor a pattern such as *@example.org")
    return found


def _one_of(word: str, allowed: Iterable[str], where: str) -> str:
    if word not in (words := tuple(allowed)):
        near = ending(word, words)
        raise UsageError(f"{where}: '{word}' is not one of {', '.join(words)}{near}")
    return word
