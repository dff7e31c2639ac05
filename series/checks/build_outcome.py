"""What compiling a commit gave, as frozen records, and as bytes that are kept for later runs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from series.checks.diagnostics import Diagnostic


@dataclass(frozen=True)
class Compiled:
    """A source: whether it compiled, and what the compiler said."""

    good: bool
    said: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The sources of a commit: compiled ones, and why others were not tried.

    ``broken`` is what make says where nothing can be built at all, ``said`` what the
    compiler says of that.
    """

    compiled: Mapping[str, Compiled] = field(default_factory=dict)
    unbuilt: Mapping[str, str] = field(default_factory=dict)
    broken: str = ""
    said: tuple[Diagnostic, ...] = ()

    def diagnostics(self, sources: Iterable[str]) -> list[Diagnostic]:
        """All that was said of ``sources``."""
        return [
            one for path in sources if path in self.compiled for one in self.compiled[path].said
        ]

    def to_bytes(self) -> bytes:
        """The outcome as it is kept."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> "Outcome":
        """The outcome that ``value`` was made of; ``ValueError`` or the like if of none."""
        found = json.loads(value)
        return cls(
            compiled={path: _compiled(one) for path, one in found["compiled"].items()},
            unbuilt=found["unbuilt"],
            broken=found["broken"],
            said=_said(found["said"]),
        )


def _compiled(found: Mapping[str, object]) -> Compiled:
    return Compiled(bool(found["good"]), _said(found["said"]))


def _said(found: object) -> tuple[Diagnostic, ...]:
    assert isinstance(found, list)  # noqa: S101
    return tuple(Diagnostic(**one) for one in found)
