"""What a scan finds, as it finds it: one JSON object a line, for scripts.

``{"type": "file", "rule", "path", "kind", "diff", "unparsed", "detail"}``
    What a rule's first run makes of a file, once a rule and file; rules after the first see
    the files as those before them left them.  ``kind`` is "changed", "unchanged", "unparsed",
    "timed out", "refused", "missing" or "failed" (``detail`` says why), ``diff`` what spatch
    itself would change, ``unparsed`` the lines at which spatch could not parse what the rule
    is about.
``{"type": "progress", "rule", "done", "total", "ran", "changed", "seconds"}``
    Files: done of those to do, how many of them spatch had to be run for, how many the rule
    changes; seconds since the scan began.  Twice a second at most, and when all is done.  A
    second run over what was changed counts anew.
``{"type": "result", ...}``
    The last line: what ``--json`` prints.  It is not there when the scan failed.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from generator.progress import State
from generator.spatch import Outcome

# Seconds between two lines of progress.
_PAUSE = 0.5


def decoded(diff: bytes) -> str:
    """A diff as JSON has it: bytes that are no UTF-8 as backslashed escapes."""
    return diff.decode("utf-8", "backslashreplace")


@dataclass
class JsonLines:
    """Writes the lines of one scan to standard output; ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    _rule: str = ""
    _at: float = field(init=False)
    _start: float = field(init=False)

    def __post_init__(self) -> None:
        self._start = self.clock()
        self._at = self._start - _PAUSE

    def begin(self, rule: str) -> None:
        """From now on it is about ``rule``."""
        self._rule = rule

    def files(self, outcomes: Sequence[Outcome]) -> None:
        """What became of some files."""
        for outcome in outcomes:
            said = {
                "path": outcome.path,
                "kind": str(outcome.kind),
                "diff": decoded(outcome.diff),
                "unparsed": list(outcome.unparsed),
                "detail": outcome.detail,
            }
            _write({"type": "file", "rule": self._rule, **said})

    def progress(self, state: State) -> None:
        """Where the work is; left out where the last line said so just now."""
        now = self.clock()
        last = state.done == state.total
        if not last and now - self._at < _PAUSE:
            return
        self._at = now
        said = {
            "rule": state.what,
            "done": state.done,
            "total": state.total,
            "ran": state.ran,
            "changed": state.changed,
            "seconds": round(now - self._start, 3),
        }
        _write({"type": "progress", **said})

    def result(self, answer: Mapping[str, object]) -> None:
        """The whole answer."""
        _write({"type": "result", **answer})


def _write(line: Mapping[str, object]) -> None:
    # ASCII, so that no control character of a file needs more than JSON's own escapes.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
