"""Progress on a terminal; silence everywhere else."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from generator.progress import State
from series.output import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

# A file that takes longer than that, in seconds, is worth its name.
_SLOW = 2.0
# Before that many seconds, or files, nobody knows how long the rest takes.
_EARLY = 1.0
_FEW = 16


class Display:
    """What is told how far work is (a ``generator.progress.Progress``); this one shows nothing."""

    def __call__(self, state: State) -> None:
        """Show that the work is at ``state``."""

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Room on the terminal for what is printed in the meantime."""
        yield


@contextlib.contextmanager
def progress(*, quiet: bool = False) -> Iterator[Display]:
    """A function to call with what is being done, and how far that is.

    It draws on standard error while that is a terminal and ``quiet`` is not
    asked for, and leaves nothing behind.
    """
    if quiet or not sys.stderr.isatty():
        yield Display()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    pace = Pace()

    class Details(ProgressColumn):
        """What is known of files."""

        def render(self, _task: Task, /) -> Text:
            return Text(pace.details(time.monotonic()), overflow="ellipsis", no_wrap=True)

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        Details(),
    )
    # Standard output that goes elsewhere must not be turned to the terminal.
    redirect = sys.stdout.isatty()
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, redirect_stdout=redirect) as bar:
        yield _Drawn(bar, pace)


class _Drawn(Display):
    def __init__(self, bar: "Bar", pace: "Pace") -> None:
        self._bar = bar
        self._pace = pace
        self._task = bar.add_task("", total=None)

    def __call__(self, state: State) -> None:
        self._pace.see(state, time.monotonic())
        what = one_line(state.what)[:60]
        total = state.total or None
        self._bar.update(self._task, description=what, completed=state.done, total=total)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()


class Pace:
    """How fast one piece of work goes; times are in seconds of any one clock."""

    def __init__(self) -> None:
        self._state = State("", 0, 0)
        self._since = 0.0

    def see(self, state: State, now: float) -> None:
        """Take note of where the work is."""
        if (state.what, state.total) != (self._state.what, self._state.total) or not state.ran:
            self._since = now
        self._state = state

    def details(self, now: float) -> str:
        """Matches, files a second, time left, and a file that takes long; empty for no files."""
        state = self._state
        words = [f"{state.changed} changed"] if state.changed else []
        taken = now - self._since
        if taken > _EARLY and state.ran >= _FEW:
            rate = state.ran / taken
            words.append(f"{rate:.0f} files/s" if rate >= 1 else f"{1 / rate:.0f} s a file")
            if left := state.total - state.done:
                words.append(f"{_duration(left / rate)} left")
        path, seconds = state.slowest()
        if path and seconds > _SLOW:
            words.append(f"{one_line(path)} for {_duration(seconds)}")
        return ", ".join(words)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, part = divmod(minutes, 60)
    if hours:
        return f"{hours}:{part:02} h"
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"
