"""Settings: default < git config ``reroll.*`` < series.toml < command line.

Each setting is declared once, in ``Settings``; git's own order (system, global,
local) holds among git config files.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from generator.errors import UsageError
from generator.results import NoResults, Results, default_place
from generator.suggestion import ending
from generator.tree import read_settings
from series import policy
from series.policy import Policy

if TYPE_CHECKING:
    from generator.campaign import Settings as CampaignSettings

# Options of checks with values; git config has them as reroll.checkNAME.
CHECK_OPTIONS = ("applies-to", "arch", "config", "cross", "objects", "limit")
_CHECK_KEYS = {"check", "checkstrict", *(f"check{one.replace('-', '')}" for one in CHECK_OPTIONS)}
_CHOICES = {"maintainers": ("python", "script"), "executor": ("local", "dask")}


@dataclass(frozen=True)
class Settings:
    """What can be set.

    ``tree``: the Linux tree; ``spatch``: the spatch to use; ``timeout``: seconds
    a file for spatch; ``jobs``: processes at a time; ``executor``: what runs spatch, this
    machine or the workers of a Dask ``scheduler`` (an address); ``maintainers``: what reads
    MAINTAINERS, we or the tree's own script; ``recipients``: who gets which mail;
    ``sendtimeout``: seconds a mail for git send-email; ``archive``: the base URL of
    a public-inbox, in which mails of unknown fate are looked up; ``cache``: whether
    results are kept for later runs; ``cachelimit``: how many bytes of them; ``required``:
    the checks without which nothing is sent, ``None`` for the usual ones where they can run.
    """

    tree: str = ""
    spatch: str = ""
    timeout: int = 120
    jobs: int = 0
    executor: Literal["local", "dask"] = "local"
    scheduler: str = ""
    maintainers: Literal["python", "script"] = "python"
    recipients: Policy = field(default_factory=Policy)
    sendtimeout: int = 300
    archive: str = ""
    cache: bool = True
    cachelimit: int = 1 << 30
    required: tuple[str, ...] | None = None


def from_git(cwd: Path) -> Settings:
    """The defaults as git config in ``cwd`` changes them; ``UsageError`` for a bad value."""
    found = read_settings("reroll", cwd=cwd)
    _known(found)
    settings = Settings(recipients=policy.from_git(found))
    for name in (one.name for one in fields(Settings)):
        if name in found:
            # A list may be in one value, or in several.
            value = (" ".join if name == "required" else _last)(found[name])
            settings = _set(settings, name, value, f"git config reroll.{name}")
    return settings


def _known(found: Iterable[str]) -> None:
    """``UsageError`` for a key of git config that nobody reads: a typing error says nothing else.

    Keys with a dot (recipients.KEY) are looked at where they are read.
    """
    known = {one.name for one in fields(Settings)} | _CHECK_KEYS
    for key in found:
        if "." not in key and key not in known:
            raise UsageError(
                f"git config reroll.{key}: there is no such setting{ending(key, known)}",
                hint=f"known are {', '.join(sorted(known))}",
            )


def merge(settings: Settings, values: Mapping[str, object]) -> Settings:
    """``settings`` with the values of a command line that were given (are not ``None``)."""
    for name in (one.name for one in fields(Settings)):
        value = values.get(name)
        if value is not None:
            settings = _set(settings, name, str(value), f"--{name}")
    return settings


def with_campaign(settings: Settings, campaign: "CampaignSettings") -> Settings:
    """``settings`` with what a campaign may set: nothing that names a program."""
    chosen = {name: value for name, value in campaign.model_dump().items() if value is not None}
    if campaign.required is not None:
        chosen["required"] = tuple(campaign.required)
    return replace(settings, **chosen)


def _last(values: Sequence[str]) -> str:
    return values[-1]


def jobs_of(settings: Settings) -> int:
    """The number of processes at a time: as set, else one a processor that we may use."""
    return settings.jobs or len(os.sched_getaffinity(0))


def store_of(settings: Settings) -> Results | NoResults:
    """The store of results that these settings name; a context manager."""
    return Results(default_place(), limit=settings.cachelimit) if settings.cache else NoResults()


def _set(settings: Settings, name: str, text: str, where: str) -> Settings:
    if name in ("timeout", "jobs", "sendtimeout"):
        if not text.isdigit() or (name != "jobs" and int(text) < 1) or int(text) > 86400:
            raise UsageError(f"{where}: '{text}' is not a whole number from 1 to 86400")
        return replace(settings, **{name: int(text)})  # type: ignore[arg-type]
    if name == "required":
        return replace(settings, required=tuple(text.replace(",", " ").split()))
    if name == "cache":
        return replace(settings, cache=_truth(text, where))
    if name == "cachelimit":
        return replace(settings, cachelimit=_bytes(text, where))
    if text not in _CHOICES.get(name, (text,)):
        choices = _CHOICES[name]
        raise UsageError(
            f"{where}: '{text}' is not one of {', '.join(choices)}{ending(text, choices)}"
        )
    if name == "archive" and text and not re.match(r"https?://[^/\s]+\S*\Z", text):
        raise UsageError(f"{where}: '{text}' is not the http or https URL of an archive")
    return replace(settings, **{name: text})  # type: ignore[arg-type]


def _truth(text: str, where: str) -> bool:
    """A truth value as git-config(1) has them."""
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0", ""):
        return False
    raise UsageError(f"{where}: '{text}' is not true or false")


def _bytes(text: str, where: str) -> int:
    """A number of bytes with one of the suffixes of git-config(1): k, m, g."""
    found = re.fullmatch(r"([0-9]{1,12})([kmg]?)", text, re.IGNORECASE)
    size = int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[found[2].lower()] if found else 0
    if size < 1 << 20:
        raise UsageError(f"{where}: '{text}' is not a size from 1m on, like 500m or 2g")
    return size
