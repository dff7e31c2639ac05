"""What is known of the objects in an object directory: a file beside them.

make says nothing of an object that it need not make, and takes one that a killed compiler left
half written for a good one.  So what the compiler said is kept with the object's time and size,
and an object that is not as the record has it is removed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from series.checks.diagnostics import Diagnostic

_FORMAT = 1


@dataclass(frozen=True)
class Known:
    """An object: when it was written (ns), its bytes, of which commit it is, what was said."""

    time: int
    size: int
    commit: str
    said: tuple[Diagnostic, ...]


class Record:
    """The record of the object directory ``place``.

    ``configured`` is the commit whose configuration was made and prepared, or empty.
    """

    def __init__(self, place: Path) -> None:
        self._file = place / "reroll.json"
        self._place = place
        self.configured = ""
        self.objects: dict[str, Known] = {}
        try:
            found = json.loads(self._file.read_bytes())
            if found["format"] == _FORMAT:
                self.configured = str(found["configured"])
                self.objects = {name: _known(one) for name, one in found["objects"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # Then nothing is known, and everything is made again.
            self.objects = {}

    def good(self, name: str) -> Known | None:
        """What is known of an object, if it is still the one that was recorded."""
        known = self.objects.get(name)
        return known if known and self.stamp(name) == (known.time, known.size) else None

    def stamp(self, name: str) -> tuple[int, int] | None:
        """Time and size of an object; ``None`` when it is not there."""
        try:
            found = (self._place / name).lstat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def forget(self, name: str) -> None:
        """Remove an object that nothing good is known of."""
        self.objects.pop(name, None)
        (self._place / name).unlink(missing_ok=True)

    def keep(self, name: str, commit: str, said: tuple[Diagnostic, ...]) -> None:
        """Record an object that has been made of ``commit``."""
        stamp = self.stamp(name)
        if stamp:
            self.objects[name] = Known(*stamp, commit, said)

    def save(self) -> None:
        """Write the record, whole or not at all; raises ``OSError``."""
        objects = {name: asdict(one) for name, one in self.objects.items()}
        found = {"format": _FORMAT, "configured": self.configured, "objects": objects}
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(found))
        temporary.replace(self._file)


def _known(found: Mapping[str, object]) -> Known:
    said = found["said"]
    assert isinstance(said, list)  # noqa: S101
    return Known(
        int(str(found["time"])),
        int(str(found["size"])),
        str(found["commit"]),
        tuple(Diagnostic(**one) for one in said),
    )
