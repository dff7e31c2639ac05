"""Where a rule is run on files: on this machine, or on those of a cluster."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from generator.spatch import Each, Engine


class Files(Protocol):
    """Files of a tree, for a rule to be run on."""

    @property
    def root(self) -> Path:
        """The directory that paths count from."""

    def write_out(self, paths: Sequence[str], /) -> None:
        """See that ``paths``, and the headers that spatch reads with them, are below ``root``."""

    def contents(self, paths: Sequence[str], /) -> Mapping[str, bytes]:
        """The same files' contents, by path; those that are not there are left out."""


class Executor(Protocol):
    """What runs rules on files."""

    def run(
        self,
        engine: Engine,
        files: Files,
        paths: Sequence[str],
        tokens: Sequence[str],
        each: Each,
        tick: Callable[[], None],
    ) -> None:
        """Run the rule of ``engine`` on ``paths`` of ``files``, about in this order.

        ``each`` gets outcomes as they come, each path's once; ``tick`` is called a few times a
        second, and what it raises ends the run.  Raises what ``Engine.run`` raises.
        """

    def slowest(self) -> tuple[str, float]:
        """The file that takes longest now, and for how many seconds; empty when not known."""


class Local:
    """This machine's processors."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def run(
        self,
        engine: Engine,
        files: Files,
        paths: Sequence[str],
        tokens: Sequence[str],
        each: Each,
        tick: Callable[[], None],
    ) -> None:
        """As ``Executor`` has it."""
        self._engine = engine
        try:
            engine.run(files.root, paths, tokens, each, tick, files.write_out)
        finally:
            self._engine = None

    def slowest(self) -> tuple[str, float]:
        """As ``Executor`` has it."""
        engine = self._engine
        return engine.slowest() if engine else ("", 0.0)
