"""``reroll scan --watch``: rules that are run again whenever their files are saved.

An author looks at what a save changes: so files that the rule changed in the run before come
first, and of later runs only what is new or different is shown, with what is gone by name.
"""

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from io import UnsupportedOperation
from pathlib import Path
from typing import TextIO

from generator.conversion import Bench, Order
from generator.errors import CampaignError, ProgramError, UsageError
from generator.progress import State
from generator.scan import Soon, preview
from generator.spatch import Outcome
from series import workbench
from series.output import one_line, printable, say
from series.progress import Display

# Seconds: between two looks at the files; for which a file must stay as it is before it is read
# (editors write in pieces); after which one that is not there is worth a word.
_LOOK = 0.05
_QUIET = 0.1
_LONG = 2.0
# How long an outcome waits for those that are to be shown before it, in seconds.
_PATIENCE = 2.0
_NAMES = 3
# What git's diff has for colours (git-config(1), color.diff), by how a line begins.
_BOLD = "\x1b[1m"
_COLOURS = (
    ("--- ", _BOLD),
    ("+++ ", _BOLD),
    ("@@", "\x1b[36m"),
    ("-", "\x1b[31m"),
    ("+", "\x1b[32m"),
)
_PLAIN = "\x1b[m"

Signature = tuple[int, int, int]


class SavedError(Exception):
    """A file was saved while a rule ran."""


class Rules:
    """Files that are edited: which of them were saved, and are whole."""

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        """What ``paths`` are now counts as read."""
        self._read = {path: _signature(path) for path in paths}
        self._seen: dict[Path, tuple[Signature | None, float]] = {}
        self._clock = clock

    def touched(self) -> bool:
        """Whether any file is not what was read."""
        return any(_signature(path) != known for path, known in self._read.items())

    def saved(self) -> list[Path]:
        """The files that were saved since they were read and have been quiet; they count as read.

        A file that is not there, or empty, is about to be written.
        """
        now = self._clock()
        for path, known in self._read.items():
            found = _signature(path)
            if found == known:
                self._seen.pop(path, None)
            elif path not in self._seen or self._seen[path][0] != found:
                self._seen[path] = (found, now)
        ready = {
            path: found
            for path, (found, since) in self._seen.items()
            if found and found[1] and now - since >= _QUIET
        }
        self._read |= ready
        for path in ready:
            del self._seen[path]
        return list(ready)

    def lacking(self) -> list[Path]:
        """The files that have been away, or empty, for long."""
        now = self._clock()
        return [
            path
            for path, (found, since) in self._seen.items()
            if not (found and found[1]) and now - since >= _LONG
        ]


def _signature(path: Path) -> Signature | None:
    """What changes when a file is saved: time, size, which file it is."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


class Lineup:
    """Outcomes in the order in which they are to be shown.

    Those of ``first`` come in that order, each after those before it, unless it has waited too
    long; all others as they come.  Times are in seconds of any one clock.
    """

    def __init__(self, first: Sequence[str]) -> None:
        self._order = list(first)
        self._held: dict[str, tuple[Outcome, float]] = {}

    def put(self, outcomes: Sequence[Outcome], now: float) -> list[Outcome]:
        """What is to be shown now that ``outcomes`` are there."""
        ranked = set(self._order)
        self._held |= {one.path: (one, now) for one in outcomes if one.path in ranked}
        others = [one for one in outcomes if one.path not in ranked]
        return self.due(now) + others

    def due(self, now: float) -> list[Outcome]:
        """What is to be shown by now."""
        late = [path for path, (_, since) in self._held.items() if now - since >= _PATIENCE]
        end = max((self._order.index(path) + 1 for path in late), default=0)
        while end < len(self._order) and self._order[end] in self._held:
            end += 1
        shown = [self._held.pop(path)[0] for path in self._order[:end] if path in self._held]
        # Those that were passed over are shown as they come.
        self._order = self._order[end:]
        return shown

    def rest(self) -> list[Outcome]:
        """All that has not been shown."""
        shown = [self._held[path][0] for path in self._order if path in self._held]
        self._held.clear()
        return shown


@dataclass(frozen=True)
class Changes:
    """How a run differs from the one before, by path."""

    new: tuple[str, ...]
    gone: tuple[str, ...]
    other: tuple[str, ...]
    same: int


def compare(before: Mapping[str, Outcome], now: Mapping[str, Outcome]) -> Changes:
    """How the diffs of two runs differ."""
    old = {path: one.diff for path, one in before.items() if one.diff}
    diffs = {path: one.diff for path, one in now.items() if one.diff}
    both = sorted(old.keys() & diffs.keys())
    other = tuple(path for path in both if old[path] != diffs[path])
    return Changes(
        new=tuple(sorted(diffs.keys() - old.keys())),
        gone=tuple(sorted(old.keys() - diffs.keys())),
        other=other,
        same=len(both) - len(other),
    )


def summary(before: Mapping[str, Outcome] | None, now: Mapping[str, Outcome]) -> str:
    """One line on a run: files, changes, what is unlike the run ``before`` (``None``: no run)."""
    changed = sum(bool(one.diff) for one in now.values())
    text = f"{len(now)} {'file' if len(now) == 1 else 'files'}, {changed} changed"
    if before is not None:
        found = compare(before, now)
        parts = [
            f"{len(paths)} {what}: {_names(paths)}"
            for what, paths in (
                ("new", found.new),
                ("with another diff", found.other),
                ("no longer", found.gone),
            )
            if paths
        ]
        if found.same or not parts:
            parts.append(f"{found.same} as before")
        text += f" ({'; '.join(parts)})"
    troubles = sum(bool(one.trouble) for one in now.values())
    return f"{text}, {troubles} in trouble" if troubles else text


def _names(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMES} more" if len(paths) > _NAMES else ""
    return ", ".join(map(one_line, paths[:_NAMES])) + more


@dataclass
class _Memory:
    """What is known of a rule: the outcomes of its last whole run, and the newest of each file."""

    before: dict[str, Outcome] | None = None
    newest: dict[str, Outcome] = field(default_factory=dict)

    @property
    def first(self) -> list[str]:
        """The files that its author looks at: those that it changes, then those in trouble."""
        known = [*(self.before or {}).values(), *self.newest.values()]
        changed = {one.path for one in known if one.diff}
        troubled = {one.path for one in known if one.trouble}
        return [*sorted(changed), *sorted(troubled - changed)]


class Watch:
    """Rules that run whenever they are saved."""

    def __init__(
        self,
        bench: Bench,
        rules: Sequence[Path],
        read: Callable[[Path], Order],
        display: Callable[[], AbstractContextManager[Display]],
        *,
        everything: bool = False,
    ) -> None:
        """``read`` makes an order of a rule's file; with ``everything`` every run shows all."""
        self._bench = replace(
            bench,
            told=self._told,
            tick=self._tick,
            progress=self._progress,
            executor=Soon(bench.executor, bench.jobs),
        )
        self._paths = list(dict.fromkeys(rules))
        self._rules = Rules(self._paths)
        self._read = read
        self._display = display
        self._everything = everything
        self._known = {path: _Memory() for path in self._paths}
        self._memory = _Memory()
        self._lineup = Lineup(())
        self._shown: Display = Display()
        self._notes: set[str] = set()

    def run(self) -> None:
        """Run, and run again, until something ends it (^C).

        Raises what is wrong on the first run but is not the rules' fault.
        """
        todo = list(self._paths)
        while True:
            while todo and self._attempt(todo[0]):
                todo.pop(0)
            saved = self._wait()
            # What the author has just saved comes before what it interrupted.
            todo = saved + [path for path in todo if path not in saved]

    def _wait(self) -> list[Path]:
        """The rules that were saved, as soon as there are any."""
        told: set[Path] = set()
        while not (saved := self._rules.saved()):
            for path in self._rules.lacking():
                if path not in told:
                    _note(f"{path.name}: is not there, or is empty; waiting for it")
                told.add(path)
            _look_for_reader()
            time.sleep(_LOOK)
        return saved

    def _attempt(self, path: Path) -> bool:
        """Run the rule in ``path``; whether that is done, and was not overtaken by a save."""
        self._memory = self._known[path]
        start = time.monotonic()
        if sys.stderr.isatty():
            line = printable(one_line(f"{time.strftime('%H:%M:%S')} {path.name}"))
            sys.stderr.write(_coloured(line, _BOLD, sys.stderr) + "\n")
        try:
            with self._display() as self._shown:
                order = self._read(path)
                found = preview(self._bench, order, self._memory.first, self._planned)
                self._show(self._lineup.rest())
        except SavedError:
            return False
        except (CampaignError, UsageError, ProgramError) as error:
            if self._rules.touched():
                return False  # what was read was half of it
            if isinstance(error, ProgramError) and self._memory.before is None:
                raise
            for line in error.lines():
                _note(line)
            return True
        now = {outcome.path: outcome for outcome in found}
        seconds = time.monotonic() - start
        _note(f"{path.name}: {summary(self._memory.before, now)}, {seconds:.1f} s")
        for note in set(workbench.notes(self._bench.store)) - self._notes:
            _note(f"note: {note}")
            self._notes.add(note)
        self._memory.before, self._memory.newest = now, {}
        return True

    def _planned(self, files: Sequence[str]) -> None:
        there = set(files)
        self._show(self._lineup.rest())
        self._lineup = Lineup([path for path in self._memory.first if path in there])

    def _progress(self, state: State) -> None:
        self._shown(state)

    def _tick(self) -> None:
        if self._rules.touched():
            raise SavedError
        self._show(self._lineup.due(time.monotonic()))

    def _told(self, outcomes: Sequence[Outcome]) -> None:
        self._memory.newest |= {outcome.path: outcome for outcome in outcomes}
        self._show(self._lineup.put(outcomes, time.monotonic()))

    def _show(self, outcomes: Sequence[Outcome]) -> None:
        shown = [outcome for outcome in outcomes if self._worth(outcome)]
        if not shown:
            return
        with self._shown.apart():
            for outcome in shown:
                _print_diff(outcome.diff)
                if outcome.trouble:
                    _note(outcome.trouble)

    def _worth(self, outcome: Outcome) -> bool:
        """Whether there is something in ``outcome`` that its reader has not seen."""
        old = (self._memory.before or {}).get(outcome.path)
        news = (outcome.diff, outcome.trouble) != ((old.diff, old.trouble) if old else (b"", ""))
        return bool(outcome.diff or outcome.trouble) and (news or self._everything)


def _print_diff(diff: bytes) -> None:
    """A diff as ``git apply`` takes it; on a terminal, as people read it."""
    if sys.stdout.isatty():
        for line in printable(diff.decode("utf-8", "replace")).split("\n")[:-1]:
            colour = next((code for start, code in _COLOURS if line.startswith(start)), "")
            sys.stdout.write(_coloured(line, colour, sys.stdout) + "\n")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(diff)
    sys.stdout.flush()


def _coloured(line: str, colour: str, stream: TextIO) -> str:
    """``line`` in ``colour`` where ``stream`` is a terminal that has colours (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return line if plain or not colour or not stream.isatty() else f"{colour}{line}{_PLAIN}"


def _note(text: str) -> None:
    say(f"reroll: {one_line(text)}", sys.stderr)
    sys.stderr.flush()


def _look_for_reader() -> None:
    """``BrokenPipeError`` when what reads our output has gone: nobody would see the next run."""
    with contextlib.suppress(UnsupportedOperation):
        look = select.poll()
        look.register(sys.stdout.fileno(), 0)
        if any(event & select.POLLERR for _, event in look.poll(0)):
            raise BrokenPipeError
