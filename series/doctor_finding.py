"""What an examination of this machine finds, as frozen records (``series.doctor``)."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that reroll works with.

    ``text`` is its version or value, or what is wrong; ``serves`` what it is for; ``mend`` the
    commands that get it, one after the other.  Without a ``needed`` one reroll cannot make and
    send a series at all.
    """

    name: str
    state: State
    text: str
    needed: bool = False
    serves: str = ""
    mend: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it is there and can be used."""
        return self.state == "ok"
