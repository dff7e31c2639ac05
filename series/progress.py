"""Progress on a terminal; silence everywhere else."""

import contextlib
import sys
from collections.abc import Callable, Iterator

Report = Callable[[str, int, int], None]


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


@contextlib.contextmanager
def progress(*, quiet: bool = False) -> Iterator[Report]:
    """A function to call with what is being done, how much of it is done and of how much.

    It draws on standard error while that is a terminal and ``quiet`` is not
    asked for, and leaves nothing behind.
    """
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=escape(what[:60]), completed=done, total=total or None)

        yield report
