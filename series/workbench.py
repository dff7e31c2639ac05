"""What rules are run with, as the settings say it."""

from collections.abc import Iterator
from contextlib import contextmanager

from generator.conversion import Bench
from generator.progress import Progress
from generator.results import Store
from generator.rule import Rule
from generator.spatch import Spatch, find_spatch
from generator.tree import Worktree
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
    """A bench for rules in ``worktree``, with the store of results open."""
    with store_of(settings) as store:
        yield Bench(
            worktree=worktree,
            spatch=spatches.choose,
            timeout=settings.timeout,
            jobs=jobs_of(settings),
            allow_scripts=allow_scripts,
            progress=progress,
            store=store,
        )


def notes(store: Store) -> tuple[str, ...]:
    """What a user should know of a store that was used."""
    return (f"the store of results: {store.problem}",) if store.problem else ()
