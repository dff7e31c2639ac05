"""What of a check's findings is written down for later: bounded, and text that is safe to show."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from series.checks.kinds import Finding, by_severity
from series.output import cut, one_line, printable

# Of one check in one patch.
MOST = 200
# Characters of one check in all patches, so that no record grows beyond what is read back.
ROOM = 1 << 20
_LONGEST = {"what": 600, "path": 400, "source": 240, "rule": 100, "hint": 300}
# Characters that JSON adds to the texts of a finding, indentation included.
_AROUND = 300


def bounded(findings: Iterable[Finding], room: int) -> tuple[Finding, ...]:
    """The most severe ``MOST`` of ``findings``, as far as ``room`` characters go; one at least.

    Control characters and bytes that are no UTF-8 stand there as escapes, long texts are cut.
    """
    kept: list[Finding] = []
    for one in map(_shortened, by_severity(findings)[:MOST]):
        room -= _AROUND + sum(map(len, _texts(one)))
        if kept and room < 0:
            break
        kept.append(one)
    return tuple(kept)


def _shortened(one: Finding) -> Finding:
    texts = {
        # Cut before, too: an escape is longer than what it stands for.
        name: cut(printable(one_line(cut(getattr(one, name), most))), most)
        for name, most in _LONGEST.items()
    }
    return replace(one, **texts)  # type: ignore[arg-type]


def _texts(one: Finding) -> Sequence[str]:
    return [getattr(one, name) for name in _LONGEST]
