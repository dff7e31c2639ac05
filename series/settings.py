"""Settings: default < git config ``reroll.*`` < series.toml < command line.

Each setting is declared once, in ``Settings``; git's own order (system, global,
local) holds among git config files.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from generator.campaign import Settings as CampaignSettings
from generator.errors import UsageError
from generator.tree import read_settings


@dataclass(frozen=True)
class Settings:
    """What can be set.

    ``tree``: the Linux tree; ``spatch``: the spatch to use; ``timeout``: seconds
    a file for spatch; ``jobs``: processes at a time; ``maintainers``: where
    maintainers come from.
    """

    tree: str = ""
    spatch: str = ""
    timeout: int = 120
    jobs: int = 0
    maintainers: Literal["auto", "script", "python"] = "auto"


def from_git(cwd: Path) -> Settings:
    """The defaults as git config in ``cwd`` changes them; ``UsageError`` for a bad value."""
    found = read_settings("reroll", cwd=cwd)
    settings = Settings()
    for field in fields(Settings):
        if field.name in found:
            settings = _set(
                settings, field.name, found[field.name][-1], f"git config reroll.{field.name}"
            )
    return settings


def merge(settings: Settings, values: Mapping[str, object]) -> Settings:
    """``settings`` with the values of a command line that were given (are not ``None``)."""
    for field in fields(Settings):
        value = values.get(field.name)
        if value is not None:
            settings = _set(settings, field.name, str(value), f"--{field.name}")
    return settings


def with_campaign(settings: Settings, campaign: CampaignSettings) -> Settings:
    """``settings`` with what a campaign may set: nothing that names a program."""
    chosen = {name: value for name, value in campaign.model_dump().items() if value is not None}
    return replace(settings, **chosen)


def jobs_of(settings: Settings) -> int:
    """The number of processes at a time: as set, else one a processor that we may use."""
    return settings.jobs or len(os.sched_getaffinity(0))


def _set(settings: Settings, name: str, text: str, where: str) -> Settings:
    if name in ("timeout", "jobs"):
        if not text.isdigit() or (name == "timeout" and int(text) < 1) or int(text) > 86400:
            raise UsageError(f"{where}: '{text}' is not a whole number from 1 to 86400")
        return replace(settings, **{name: int(text)})  # type: ignore[arg-type]
    if name == "maintainers" and text not in ("auto", "script", "python"):
        raise UsageError(f"{where}: '{text}' is not one of auto, script, python")
    return replace(settings, **{name: text})  # type: ignore[arg-type]
