"""What rules are run with, as the settings say it."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from generator.conversion import Bench
from generator.errors import UsageError
from generator.execution import Executor, Local
from generator.progress import Progress
from generator.results import Store
from generator.rule import Rule
from generator.spatch import Spatch, find_spatch
from generator.tree import Worktree
from series.output import one_line, say
from series.settings import Settings, jobs_of, store_of


class Spatches:
    """The spatch programs of a run: found when first needed, each once."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._found: dict[tuple[str, ...], Spatch] = {}

    def choose(self, rule: Rule) -> Spatch:
        """A spatch for ``rule``: one that can run its scripts, where it has any."""
        if rule.scripts not in self._found:
            self._found[rule.scripts] = find_spatch(self._wanted, scripts=rule.scripts)
        return self._found[rule.scripts]

    @property
    def versions(self) -> str:
        """What the programs say they are."""
        return "; ".join(dict.fromkeys(spatch.version for spatch in self._found.values()))


@contextmanager
def bench(
    worktree: Worktree,
    settings: Settings,
    spatches: Spatches,
    *,
    allow_scripts: bool,
    progress: Progress,
) -> Iterator[Bench]:
    """A bench for rules in ``worktree``, with the store of results open, and the executor.

    What there is to say of a cluster is said while it is used, on standard error.
    """
    with store_of(settings) as store, _executor(settings) as executor:
        yield Bench(
            worktree=worktree,
            spatch=spatches.choose,
            timeout=settings.timeout,
            jobs=jobs_of(settings),
            allow_scripts=allow_scripts,
            progress=progress,
            store=store,
            executor=executor,
        )


@contextmanager
def _executor(settings: Settings) -> Iterator[Executor]:
    """What runs spatch; ``UsageError`` where a cluster is wanted and none is named."""
    if settings.executor == "local":
        yield Local()
        return
    if not settings.scheduler:
        raise UsageError(
            "the executor 'dask' needs the address of a Dask scheduler",
            hint="give --scheduler ADDRESS, or 'git config --global reroll.scheduler ADDRESS'",
        )
    from generator.cluster import Cluster

    with closing(Cluster(settings.scheduler, _tell)) as cluster:
        yield cluster


def _tell(note: str) -> None:
    say(f"reroll: note: {one_line(note)}", sys.stderr)


def notes(store: Store) -> tuple[str, ...]:
    """What a user should know of a store that was used."""
    return (f"the store of results: {store.problem}",) if store.problem else ()
