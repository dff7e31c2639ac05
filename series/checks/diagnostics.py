"""What compilers say, as frozen records, and which of it was not said before.

Pure: text comes in, records go out.  The format is the one that gcc, clang and sparse share
(GCC manual, "Options to Control Diagnostic Messages Formatting"; GNU Coding Standards,
"Formatting Error Messages")::

    In file included from ../include/linux/mm.h:10,
                     from ../mm/gup.c:3:
    ../include/linux/list.h:5:7: warning: text [-Wflag]
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from series.checks.kinds import Severity

_SAID = re.compile(
    r"(?P<path>[^\s:][^:\n]*):(?P<line>[0-9]{1,9})(?::[0-9]{1,9})?: "
    r"(?P<kind>fatal error|internal compiler error|error|warning|note|Error|Warning): (?P<text>.*)"
)
_FROM = re.compile(r"(?:In file included|\s+) from ([^:\n]+):[0-9]+(?::[0-9]+)?([,:])\s*")
_INLINED = re.compile(r"\s+inlined from .* at ([^:\n]+):[0-9]+(?::[0-9]+)?[,:]\s*")
_FLAG = re.compile(r" \[(?:-W[^\]]*|[a-z]+-[a-z-]+)\]\Z")
# make's own word that a target failed (GNU make manual, "Errors in Recipes").
_FAILED = re.compile(
    r"make(?:\[[0-9]+\])?: \*\*\* (?:\[(?:[^]\s]*: )?(?P<target>[^]\s]+)\] "
    r"|No rule to make target '(?P<missing>[^']+)')"
)
_SOURCES = (".c", ".S")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]+")
_LONGEST = 400


@dataclass(frozen=True)
class Diagnostic:
    """One thing that a compiler says of a line.

    ``path`` is from the tree's root, ``line`` counts from 1, ``source`` is that line's text,
    ``main`` the file that was being compiled, ``note`` what the compiler added.
    """

    severity: Severity
    path: str
    line: int
    text: str
    flag: str = ""
    source: str = ""
    main: str = ""
    note: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same as another one, in whatever line that is."""
        return self.path, self.severity, _unnumbered(self.text), self.source.strip()


Relative = Callable[[str], str]
LineOf = Callable[[str, int], str]


def parse(said: str, relative: Relative, line_of: LineOf) -> list[Diagnostic]:
    """The errors and warnings in what a compiler or make printed, in its order.

    ``relative`` makes a path one from the tree's root, ``line_of`` gives the text of a line.
    Of several compilers at a time the words must not be mixed (``make -Otarget``).
    """
    found: list[Diagnostic] = []
    stack: list[str] = []
    main = last = ""
    for line in said.splitlines():
        if above := _FROM.match(line) or _INLINED.match(line):
            stack.append(relative(above[1]))
            continue
        match = _SAID.fullmatch(line)
        if match is None:
            continue
        path, text = relative(match["path"]), clean(match["text"])
        if match["kind"] == "note":
            found[-1:] = [_noted(one, path, match["line"], text) for one in found[-1:]]
            stack = []
            continue
        # gcc tells from where a file is included once, before the first thing it says of it.
        if stack or path != last:
            main = _compiled([path, *stack], main)
        stack, last = [], path
        found.append(_made(match, path, text, main, line_of))
    return found


def _compiled(chain: list[str], before: str) -> str:
    """The file that was compiled: the last of a chain of inclusion that can be."""
    return next((one for one in reversed(chain) if one.endswith(_SOURCES)), before)


def _made(match: "re.Match[str]", path: str, text: str, main: str, line_of: LineOf) -> Diagnostic:
    number = int(match["line"])
    flag = _FLAG.search(text)
    return Diagnostic(
        severity="warning" if match["kind"].lower() == "warning" else "error",
        path=path,
        line=number,
        text=text[: flag.start()] if flag else text,
        flag=flag[0].strip(" []") if flag else "",
        source=clean(line_of(path, number)),
        main=main,
    )


def _noted(one: Diagnostic, path: str, line: str, text: str) -> Diagnostic:
    return one if one.note else replace(one, note=f"{path}:{line}: {text}")


def clean(text: str) -> str:
    """A line that can be shown: no control characters but tabs, and not endless."""
    return _CONTROL.sub(" ", text).rstrip()[:_LONGEST]


def _unnumbered(text: str) -> str:
    """``text`` without the lines that it points to, which move."""
    return re.sub(r"(\.[chS]):[0-9]+(:[0-9]+)?", r"\1", text)


def failed_targets(said: str) -> list[str]:
    """The targets that make says it could not make, as it names them."""
    return [match["target"] or match["missing"] for match in _FAILED.finditer(said)]


def new(now: Iterable[Diagnostic], before: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those of ``now`` that are not among ``before``, wherever in the file they are.

    A line that says it once more than before has one more; what several objects
    say of one line of a header is one.
    """
    known = Counter(one.identity for one in distinct(before))
    fresh = []
    for one in distinct(now):
        known[one.identity] -= 1
        if known[one.identity] < 0:
            fresh.append(one)
    return fresh


def distinct(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """``found`` without what was said of the same line of the same file before."""
    return list({(one.identity, one.line): one for one in reversed(list(found))}.values())[::-1]


def renamed(found: Iterable[Diagnostic], names: "dict[str, str]") -> list[Diagnostic]:
    """``found`` as it would be said of files that have the new ``names``."""
    return [
        replace(one, path=names.get(one.path, one.path), main=names.get(one.main, one.main))
        for one in found
    ]


def is_inside(path: str) -> bool:
    """Whether ``path`` stays below the directory that it is relative to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts
