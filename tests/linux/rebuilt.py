"""A tree on which posted patches apply, made of nothing but what their hunks quote."""

from collections.abc import Sequence

from unidiff.patch import PatchedFile, PatchSet

# By path, the lines that are known, by number from 1.
Known = dict[str, dict[int, str]]
_GUESS = "\0"  # begins a line that a hunk may contradict


def base_of(diffs: Sequence[bytes]) -> dict[str, str | bytes]:
    """The files before the first of ``diffs``, which follow each other.

    From the last patch to the first, each hunk says what its lines were; lines that
    no hunk shows are filled up.
    """
    known: Known = {}
    for diff in reversed(diffs):
        for file in PatchSet(diff.decode("latin-1")):
            _undo(known, file)
    return {path: _text(lines).encode("latin-1") for path, lines in known.items()}


def _undo(known: Known, file: PatchedFile) -> None:
    """Bring the lines of a file to where they were before a patch."""
    source, target = file.source_file.removeprefix("a/"), file.target_file.removeprefix("b/")
    after = known.pop(target, {}) if target != "/dev/null" else {}
    before = {}
    # Lines between the hunks move by what the hunks before them added.
    moved, at = 0, 0
    for hunk in file:
        start = hunk.target_start + (hunk.target_length == 0)
        end = start + hunk.target_length
        before |= {number - moved: text for number, text in after.items() if at <= number < start}
        for line in hunk:
            there = after.get(line.target_line_no or 0, _GUESS)
            assert there.startswith(_GUESS) or there == line.value, (target, line)
            if line.source_line_no:
                before[line.source_line_no] = line.value
        moved += hunk.target_length - hunk.source_length
        at = end
        if hunk.section_header and hunk.source_start > 1:
            # Where git would find it again: right above the hunk.
            before.setdefault(hunk.source_start - 1, f"{_GUESS}{hunk.section_header}\n")
    before |= {number - moved: text for number, text in after.items() if number >= at}
    if not file.is_added_file:
        known[source] = before


def _text(lines: dict[int, str]) -> str:
    last = max(lines, default=0)
    every = (lines.get(at, f"\t/* {at} */\n") for at in range(1, last + 1))
    return "".join(line.removeprefix(_GUESS) for line in every)
