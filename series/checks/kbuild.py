"""What the kernel's Makefiles say of an object: is it built, and what symbol would build it.

Pure: the texts of Makefiles and what make made of them come in.  The format is that of
``Documentation/kbuild/makefiles.rst``: ``obj-$(CONFIG_X) += foo.o dir/``, and for an object of
several ``foo-y``, ``foo-objs`` and ``foo-$(CONFIG_Y) += bar.o``.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from posixpath import normpath

# A directory's list is in one of these, the first that is there.
FILES = ("Kbuild", "Makefile")
# Programs of the build, of user space, and text: no part of a kernel.
_OTHER = ("tools", "scripts", "Documentation", "usr", "rust", "certs/extract")
# What make's command line may carry: nothing that make, or an option parser, reads otherwise.
_SAFE = re.compile(r"(?!.*(?:^|/)\.)[A-Za-z0-9_][A-Za-z0-9_./+-]*\Z")

_ASSIGNED = re.compile(
    r"(?P<stem>[A-Za-z0-9_.+-]+?)-(?:y|m|objs|\$\((?P<symbol>CONFIG_\w+)\))"
    r"\s*(?P<sign>[:+?]?)=\s*(?P<words>.*)"
)
_IF = re.compile(
    r"if(?P<negated>n?)(?:def\s+|eq\s*\(\s*\$\()(?P<symbol>CONFIG_\w+)(?:\)\s*,\s*(?P<value>\w*)\))?"
)
_DEPENDENCY = re.compile(r"^deps_\S+ := (.*?)(?:\n\n|\Z)", re.DOTALL | re.MULTILINE)

Read = Callable[[str], str]


@dataclass(frozen=True)
class Line:
    """An assignment: what it adds ``words`` to, and the symbols that it depends on.

    ``number`` counts from 1; a symbol with "!" must not be set.
    """

    number: int
    stem: str
    symbols: tuple[str, ...]
    words: frozenset[str]


@dataclass(frozen=True)
class Listed:
    """What one directory builds, as make reads its Makefile: names from the tree's root.

    Those of directories end in a slash.  ``file`` is the Makefile.
    """

    file: str
    names: frozenset[str]


def is_safe(path: str) -> bool:
    """Whether a path may be a target on make's command line."""
    return bool(_SAFE.match(path)) and normpath(path) == path


def object_of(source: str) -> str:
    """The object that a source file is compiled to."""
    return str(PurePosixPath(source).with_suffix(".o"))


def is_source(path: str) -> bool:
    """Whether a file is one that the kernel's build makes an object of."""
    return path.endswith((".c", ".S")) and path.split("/")[0] not in _OTHER


def dependencies(text: str) -> list[str]:
    """The files that an object was made from, as its ``.cmd`` file names them."""
    found = _DEPENDENCY.search(text)
    words = found[1].replace("\\\n", " ").split() if found else []
    return [word for word in words if not word.startswith("$(")]


def settings(text: str) -> dict[str, str]:
    """The symbols that a ``.config`` or ``auto.conf`` sets, with their values."""
    return dict(re.findall(r"^(CONFIG_\w+)=(.*)$", text, re.MULTILINE))


def directories(source: str) -> list[str]:
    """The directories that decide whether a source is built, its own first."""
    return [str(one) for one in PurePosixPath(source).parents][:-1]


def built(source: str, listed: Mapping[str, Listed | None]) -> bool:
    """Whether ``source`` is built: each directory on the way down is in a list above it.

    ``listed`` has a directory's list; ``None`` (there is no Makefile) and what is not there
    (nobody knows) decide nothing.
    """
    return _missing(source, listed) is None


def _missing(source: str, listed: Mapping[str, Listed | None]) -> tuple[str, Listed] | None:
    """What is in no list although there is one, and that list."""
    wanted = object_of(source)
    for folder in directories(source):
        entry = listed.get(folder)
        # A Makefile without a list of its own is one that another includes.
        if entry is None or not entry.names:
            continue
        if wanted in entry.names:
            wanted = f"{folder}/"
        elif not any(wanted in one.names for one in _above(folder, listed)):
            return wanted, entry
    return None


def _above(folder: str, listed: Mapping[str, Listed | None]) -> Iterator[Listed]:
    for parent in PurePosixPath(folder).parents:
        if entry := listed.get(str(parent)):
            yield entry


def reason(
    source: str,
    listed: Mapping[str, Listed | None],
    read: Read,
    values: Mapping[str, str],
    arch: str,
) -> str:
    """Why a source is not built, in one line; empty when it is.

    ``read`` gives the text of a Makefile, ``values`` are the symbols that are set.
    """
    code = re.match(r"arch/([^/]+)/", source)
    if code and code[1] != arch:
        return f"is code of another architecture (--arch {code[1]})"
    missing = _missing(source, listed)
    if missing is None:
        return ""
    wanted, entry = missing
    folder = str(PurePosixPath(entry.file).parent)
    number, symbols = _needed(wanted, folder, lines(read(entry.file)), values)
    where = f"{entry.file}:{number}" if number else entry.file
    needs = " and ".join(f"{one[1:]} to be off" if one.startswith("!") else one for one in symbols)
    return f"needs {needs} ({where})" if needs else f"this config leaves it out ({where})"


def _needed(
    wanted: str, folder: str, found: Collection[Line], values: Mapping[str, str]
) -> tuple[int, tuple[str, ...]]:
    """The line that would build ``wanted``, and what it lacks: of several, what lacks least."""
    name = wanted.removeprefix(f"{folder}/")
    routes = [
        (number, tuple(one for one in symbols if _lacks(one, values)))
        for number, symbols in _routes(name, found, frozenset())
    ]
    lacking = [route for route in routes if route[1]]
    return min(lacking or routes, key=lambda route: len(route[1]), default=(0, ()))


def _lacks(symbol: str, values: Mapping[str, str]) -> bool:
    if symbol.startswith("!"):
        return symbol[1:] in values
    return values.get(symbol, "n") not in ("y", "m")


def _routes(
    name: str, found: Collection[Line], seen: frozenset[str]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each way from ``name`` to an ``obj-`` list: the first line, and all symbols on the way."""
    if name in seen:
        return
    for line in found:
        if name not in line.words:
            continue
        if line.stem in ("obj", "lib", "core", "libs", "drivers"):
            yield line.number, line.symbols
            continue
        # It is part of a composite object, or of a list that another line names.
        for above in (f"{line.stem}.o", f"$({line.stem}-y)", f"$({line.stem}-m)"):
            for _, symbols in _routes(above, found, seen | {name}):
                yield line.number, tuple(dict.fromkeys((*line.symbols, *symbols)))


def lines(text: str) -> list[Line]:
    """The assignments of a Makefile to lists of objects, with the conditions around them."""
    found: list[Line] = []
    conditions: list[str] = []
    for number, line in _logical(text):
        word = line.split(None, 1)[0] if line.split() else ""
        if word in ("ifdef", "ifndef", "ifeq", "ifneq"):
            conditions.append(_condition(line))
        elif word == "else" and conditions:
            conditions[-1] = _opposite(conditions[-1])
        elif word == "endif" and conditions:
            conditions.pop()
        elif match := _ASSIGNED.match(line.strip()):
            own = (match["symbol"],) if match["symbol"] else ()
            symbols = (*(one for one in conditions if one), *own)
            words = frozenset(match["words"].split())
            if own and match["sign"] in ("", ":"):
                found = [_replaced(one, match["stem"], symbols) for one in found]
            found.append(Line(number, match["stem"], symbols, words))
    return found


def _replaced(line: Line, stem: str, symbols: tuple[str, ...]) -> Line:
    """A line whose list a later one replaces where the one symbol of that is set.

    As in mm/Makefile: ``mmu-y := nommu.o``, then ``mmu-$(CONFIG_MMU) := memory.o``.
    """
    if line.stem != stem or line.symbols or len(symbols) != 1:
        return line
    return replace(line, symbols=(f"!{symbols[0]}",))


def _condition(line: str) -> str:
    match = _IF.match(line.strip())
    if match is None:
        return ""
    off = match["value"] in ("", "n") and match["value"] is not None
    return f"{'!' if bool(match['negated']) != off else ''}{match['symbol']}"


def _opposite(condition: str) -> str:
    return condition[1:] if condition.startswith("!") else condition and f"!{condition}"


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a Makefile without comments, continued ones as one; numbers of the first."""
    started, so_far = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        body = re.sub(r"(?<!\\)#.*", "", line)
        started = started or number
        so_far += body.removesuffix("\\") + " "
        if not body.endswith("\\"):
            yield started, so_far
            started, so_far = 0, ""
    if so_far:
        yield started, so_far
