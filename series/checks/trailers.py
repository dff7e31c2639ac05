"""The trailers of the messages: who signs, what tags are called, where they stand."""

from collections.abc import Iterator, Sequence

from series.checks import linting
from series.checks.kinds import Ground, Patch, Result

_KINDS = ("signature", "trailer")


class TrailersCheck:
    """That part of the mails' lint that is about trailers."""

    name = "trailers"
    text = "signatures and other tags: there, spelt right, in the right place"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        ground.progress("trailers")
        found = [one for one in linting.findings(ground) if one.check in _KINDS]
        for patch in patches:
            yield patch, Result.of(linting.of_patch(ground, patch, found))
