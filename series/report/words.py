"""How dates, numbers and texts are written on the page, and how much of it a text takes."""

from collections.abc import Iterable
from datetime import UTC, datetime

from series import recipients
from series.output import printable

_YEAR_9999 = 253_370_764_800  # seconds; a mail may claim any date


def day(seconds: int) -> str:
    """A time in seconds since the epoch as a day, UTC; empty where it is unknown."""
    return moment(seconds)[:10]


def moment(seconds: int) -> str:
    """A time in seconds since the epoch to the minute, UTC; empty where it is unknown."""
    if not 0 < seconds < _YEAR_9999:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def mails(numbers: Iterable[int]) -> str:
    """Numbers of mails of one version in words; 0 is the cover letter."""
    found = sorted(set(numbers))
    patches = [number for number in found if number]
    parts = ["cover letter"] if 0 in found else []
    return " and ".join([*parts, *([recipients.patches(patches)] if patches else [])])


def count(number: int, thing: str) -> str:
    """A number with its noun: "1 patch", "2 patches"."""
    return f"{number} {noun(number, thing)}"


def noun(number: int, thing: str) -> str:
    """``thing`` as it follows ``number``: "patch" or "patches", "reply" or "replies"."""
    if number == 1:
        return thing
    if thing.endswith("ply"):
        return f"{thing[:-1]}ies"
    return f"{thing}es" if thing.endswith("ch") else f"{thing}s"


def size(text: str) -> int:
    """How many bytes of the page ``text`` takes, escapes included."""
    from markupsafe import escape

    return len(escape(printable(text)).encode())
