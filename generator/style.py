"""The style pass: a statement that a rule left untidy is laid out as ``.clang-format`` has it.

spatch breaks and joins lines by rules of its own: ``x =min3(``, lines that are too
long, continuations that are no longer under their parenthesis.  clang-format is asked
for the statements that a rule changed, and its answer taken where one of these faults
is; taste alone is no reason to touch what somebody wrote.  Lines aligned with tabs,
comments and macros stay as they are.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from generator import process
from generator.c_source import Region, lex
from generator.tree import Hunk, Worktree

CONFIGURATION = ".clang-format"
_ALIGNED = re.compile(r"[^\t\n]\t+[^\t\n]")
_TIMEOUT = 60
# Documentation/process/coding-style.rst, section 2.
_WIDTH = 80
_TAB = 8


def apply(worktree: Worktree, before: Mapping[str, bytes], snapshot: str) -> str:
    """Lay out what changed in the files of ``before`` (their contents by path) and stage it.

    ``snapshot`` is the tree that was staged then.  Returns a note when it could
    not be done, else an empty string.
    """
    configuration, note = _configuration(worktree)
    hunks = worktree.hunks_since(snapshot)
    staged = []
    for path, content in before.items():
        file = worktree.file(path)
        old, new = content.decode("latin-1"), file.read_bytes().decode("latin-1")
        places = hunks.get(path, [])
        changed = {line for hunk in places for line in range(hunk.new, hunk.new + hunk.added)}
        tidy = align_backslashes(new, changed)
        if configuration and not note and (lines := _worth_it(tidy, changed)):
            result = _clang_format(configuration, path, tidy.encode("latin-1"), lines)
            if result.returncode != 0 or result.timed_out:
                note = f"style pass not run: clang-format: {result.complaint}"
            else:
                tidy = choose(old, tidy, result.stdout.decode("latin-1"), places)
        if tidy != new:
            file.write_bytes(tidy.encode("latin-1"))
            staged.append(path)
    if staged:
        worktree.stage(staged)
    return note


def _configuration(worktree: Worktree) -> tuple[Path | None, str]:
    """The tree's configuration of clang-format, or why it cannot be used."""
    tree, base = worktree.origin
    entry = tree.entries(base, [""]).get(CONFIGURATION)
    if not entry:
        return None, ""  # a tree that asks for no layout
    if not entry.plain:
        return None, f"style pass not run: {CONFIGURATION} is no plain file"
    file = worktree.holder / CONFIGURATION
    if not file.exists():
        file.write_bytes(tree.blobs([entry.blob])[entry.blob])
    return file, ""


def align_backslashes(text: str, changed: Collection[int]) -> str:
    """Put the backslash of each changed line (from 1) of a macro under those of its neighbours."""
    lines = text.split("\n")
    for number in sorted(changed):
        if number > len(lines) or not lines[number - 1].endswith("\\"):
            continue
        columns = {
            len(lines[other - 1].expandtabs(_TAB)) - 1
            for other in _macro(lines, number)
            if other not in changed
        }
        if len(columns) == 1:
            lines[number - 1] = _pad(lines[number - 1], columns.pop())
    return "\n".join(lines)


def _macro(lines: list[str], number: int) -> Iterator[int]:
    """The numbers of the lines around line ``number`` that end in a backslash as it does."""
    first = last = number
    while first > 1 and lines[first - 2].endswith("\\"):
        first -= 1
    while last < len(lines) and lines[last].endswith("\\"):
        last += 1
    yield from range(first, last + 1)


def _pad(line: str, column: int) -> str:
    """``line`` with its backslash in ``column`` (from 0), or a space behind the text."""
    text = line[:-1].rstrip(" \t")
    gap = line[len(text) : -1]
    if "\t" not in gap:
        return text + " " * max(1, column - len(text.expandtabs(_TAB))) + "\\"
    while len(text.expandtabs(_TAB)) < column:
        text += "\t"
    return (text if text.endswith("\t") else f"{text} ") + "\\"


def choose(before: str, after: str, formatted: str, hunks: Sequence[Hunk]) -> str:
    """``after`` with those stretches of ``formatted`` that mend a fault of it.

    ``before`` is the file before the rule, and ``hunks`` are what differs:
    what was a fault there is its author's.
    """
    if formatted == after or _bare(formatted) != _bare(after):
        return after  # layout is all that may differ
    new, tidy = after.split("\n"), formatted.split("\n")
    aligned = _aligned(after)
    misaligned = {line for line, well in aligned.items() if not well}
    was = {line for line, well in _aligned(before).items() if not well}
    inherited = _inherited(was, hunks)
    changed = {line for hunk in hunks for line in range(hunk.new, hunk.new + hunk.added)}
    widths = _widths_before(before.split("\n"), hunks)
    result: list[str] = []
    for first, last, from_, to in _statements(new, _side_by_side(new, tidy)):
        lines = set(range(first + 1, last + 1))
        ours, theirs = new[first:last], tidy[from_:to]
        # Lines of ours that are aligned leave those that never were hanging.
        mixed = any(aligned.get(line) for line in lines & changed)
        faults = lines & misaligned if mixed else (lines & misaligned) - inherited
        known = max((widths[line] for line in lines & changed if line in widths), default=0)
        too_wide = _widest([new[line - 1] for line in lines & changed]) > max(_WIDTH, known)
        mended = ours != theirs and (
            faults or _spacing(ours) != _spacing(theirs) or (too_wide and _widest(theirs) <= _WIDTH)
        )
        result += theirs if mended else ours
    return "\n".join(result)


def _widths_before(old: list[str], hunks: Sequence[Hunk]) -> dict[int, int]:
    """How wide the widest line was that each changed line stands for."""
    found: dict[int, int] = {}
    for hunk in hunks:
        width = _widest(old[hunk.old - 1 : hunk.old - 1 + hunk.removed])
        found |= dict.fromkeys(range(hunk.new, hunk.new + hunk.added), width)
    return found


def _statements(
    new: list[str], stretches: Iterator[tuple[int, int, int, int]]
) -> Iterator[tuple[int, int, int, int]]:
    """``stretches`` put together until a statement ends: it is laid out as a whole."""
    start: tuple[int, int] | None = None
    last = to = 0
    for first, last, from_, to in stretches:
        start = start or (first, from_)
        ending = new[last - 1].rstrip()[-1:] if last > first else ""
        if ending in ("", ";", "{", "}", ":", "/"):
            yield start[0], last, start[1], to
            start = None
    if start is not None:
        yield start[0], last, start[1], to


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _side_by_side(new: list[str], tidy: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of lines of two texts that differ in white space only: each holds the same."""
    first = from_ = 0
    while first < len(new) or from_ < len(tidy):
        last, to = first, from_
        ours = theirs = 0
        # Go on where less text has been seen, until both have seen the same.
        while (last, to) == (first, from_) or ours != theirs:
            if to >= len(tidy) or (last < len(new) and ours <= theirs):
                ours += len(_bare(new[last]))
                last += 1
            else:
                theirs += len(_bare(tidy[to]))
                to += 1
        if last > first and to == from_ and to < len(tidy) and not _bare(tidy[to]):
            to += 1  # an empty line on either side is the same line
        yield first, last, from_, to
        first, from_ = last, to


def _inherited(misaligned: set[int], hunks: Sequence[Hunk]) -> set[int]:
    """The lines after a change that were misaligned before it, or stand for lines that were."""
    found: set[int] = set()
    shift, rest = 0, sorted(misaligned)
    for hunk in sorted(hunks, key=lambda item: item.old):
        end = hunk.old + hunk.removed
        found |= {line + shift for line in rest if line < hunk.old}
        if any(hunk.old <= line < end for line in rest):
            found |= set(range(hunk.new, hunk.new + hunk.added))
        rest = [line for line in rest if line >= end]
        shift += hunk.added - hunk.removed
    return found | {line + shift for line in rest}


def _aligned(text: str) -> dict[int, bool]:
    """The lines (from 1) that go on inside parentheses: are they right under their beginning?

    A parenthesis that ends its line asks for nothing of the next.
    """
    code = "".join(
        token.text
        if token.region is Region.CODE
        else re.sub(r"[^\n\t]", "x" if token.region is Region.STRING else " ", token.text)
        for token in lex(text)
    )
    found: dict[int, bool] = {}
    stack: list[int | None] = []
    for number, line in enumerate(code.split("\n"), 1):
        wide = line.expandtabs(_TAB)
        text_at = len(wide) - len(wide.lstrip())
        if stack and wide.strip() and stack[-1] is not None:
            found[number] = stack[-1] == text_at
        if line[:1] in ("{", "}"):
            stack = []
        for at, character in enumerate(wide):
            if character == "(":
                stack.append(at + 1 if wide[at + 1 :].strip() else None)
            elif character == ")" and stack:
                stack.pop()
    return found


def _spacing(lines: list[str]) -> str:
    """The text of some lines as if they were one: line breaks do not count, spaces do."""
    joined = " ".join(line.strip() for line in lines)
    return re.sub(r"(?<=\() | (?=\))", "", joined)


def _widest(lines: list[str]) -> int:
    return max((len(line.expandtabs(_TAB)) for line in lines), default=0)


def _clang_format(
    configuration: Path, path: str, content: bytes, lines: list[tuple[int, int]]
) -> process.Result:
    from clang_format import get_executable

    words = [f"--lines={first}:{last}" for first, last in lines]
    argv = [
        get_executable("clang-format"),
        f"--style=file:{configuration}",
        f"--assume-filename={Path('/') / Path(path).name}",
        *words,
    ]
    return process.run(argv, cwd=Path("/"), stdin=content, timeout=_TIMEOUT)


def _worth_it(text: str, wanted: set[int]) -> list[tuple[int, int]]:
    """Runs of lines that are code and that nobody aligned by hand."""
    if not wanted:
        return []
    kept: set[int] = set()
    lines = text.split("\n")
    at = 1
    for token in lex(text):
        end = at + token.text.count("\n")
        if token.region in (Region.CODE, Region.STRING) and token.text.strip():
            kept |= {line for line in range(at, end + 1) if line in wanted}
        at = end
    kept = {number for number in kept if lines[number - 1].strip()}
    kept -= {number for number in kept if _ALIGNED.search(lines[number - 1])}
    return list(_runs(sorted(kept)))


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
