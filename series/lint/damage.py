"""Diffs that are no longer what git made: wrapped lines, lost or changed white space.

Pure.  Line counts of hunks are checked by walking them; where the commit's own diff is
known, the mail's must be the same, line by line, but for abbreviations of object ids.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from series.lint.finding import Finding
from series.lint.letter import Letter, Line

_HUNK = re.compile(r"@@ -\d+(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))? @@")
# What git puts between hunks (git-diff(1), "Generating patch text with -p").
_HEADER = re.compile(
    r"diff -|index |old mode |new mode |deleted file mode |new file mode |copy from |copy to |"
    r"rename from |rename to |similarity index |dissimilarity index |--- |\+\+\+ |Binary files |"
    r"GIT binary patch"
)
_TAIL = re.compile(r"-- ?\Z|base-commit: |prerequisite-patch-id: ")


def check(letter: Letter, *, commit_diff: bytes | None, patch_id: str | None) -> Iterator[Finding]:
    """What happened to the diff of a mail.

    ``commit_diff`` is the diff of its commit as ``git diff-tree -p -M --binary`` prints
    it, ``patch_id`` what ``git patch-id --stable`` makes of the mail; ``None`` if unknown.
    """
    if letter.is_cover:
        return
    if not letter.diff:
        line = letter.message[-1].number if letter.message else 1
        yield _found(letter, line, "the mail has no diff")
        return
    broken = list(_walk(letter))
    if commit_diff is not None:
        difference = _first_difference(letter, commit_diff)
        yield from [difference] if difference else []
        return
    yield from broken
    binary = any(line.text.startswith("GIT binary patch") for line in letter.diff)
    expected = letter.mail.patch_id
    if not (broken or binary) and expected and patch_id is not None and patch_id != expected:
        what = "the diff is not the commit's: its patch id is another"
        yield _found(letter, letter.diff[0].number, what)


def _found(letter: Letter, line: int, what: str) -> Finding:
    return Finding("error", "diff", letter.mail.name, line, what, "generate the mails again")


def _walk(letter: Letter) -> Iterator[Finding]:
    """Hunks must have as many lines as they say; the first that has not is told."""
    lines = letter.diff
    at = 0
    while at < len(lines):
        text = lines[at].text
        found = _HUNK.match(text)
        if found:
            end = _hunk_end(lines, at + 1, int(found[1] or 1), int(found[2] or 1))
            if end < 0:
                yield _found(letter, lines[-end - 1].number, _hunk_problem(lines, -end - 1))
                return
            at = end
        elif text.startswith("GIT binary patch"):
            at = next((i for i in range(at, len(lines)) if _starts_file(lines[i])), len(lines))
        elif _TAIL.match(text):
            return
        elif not text.strip() or _HEADER.match(text) or text.startswith("\\ "):
            at += 1
        else:
            yield _found(letter, lines[at].number, f"no line of a diff: '{text[:40]}'")
            return


def _starts_file(line: Line) -> bool:
    return line.text.startswith("diff --git ")


def _hunk_end(lines: Sequence[Line], at: int, old: int, new: int) -> int:
    """The index behind a hunk; -1 - index of the line that cannot be in it."""
    while old > 0 or new > 0:
        mark = lines[at].text[:1] if at < len(lines) else ""
        if mark == "\\":
            at += 1
            continue
        if mark not in (" ", "+", "-") or (mark == "-" and not old) or (mark == "+" and not new):
            return -1 - min(at, len(lines) - 1)
        old -= mark in " -"
        new -= mark in " +"
        at += 1
    return at


def _hunk_problem(lines: Sequence[Line], at: int) -> str:
    text = lines[at].text
    if not text or text == "\r":
        return "an empty line in a hunk: the blank of a context line was stripped"
    if text[0] not in " +-\\@d" and lines[at - 1].text not in ("-- ", "--"):
        return f"a line was wrapped here: '{text[:40]}' belongs to the line before"
    return "the hunk has not as many lines as it says"


def _first_difference(letter: Letter, commit_diff: bytes) -> Finding | None:
    ours = [line for line in letter.diff if not line.text.startswith("index ")]
    theirs = [
        text
        for text in commit_diff.decode("latin-1").rstrip("\n").split("\n")
        if not text.startswith("index ")
    ]
    for at, text in enumerate(theirs):
        if at >= len(ours):
            return _found(letter, letter.diff[-1].number, "the diff is cut off")
        if _compared(ours[at].text) != _compared(text):
            after = ours[at + 1].text if at + 1 < len(ours) else ""
            return _found(letter, ours[at].number, _difference(ours[at].text, after, text))
    for line in ours[len(theirs) :]:
        if not line.text.strip() or _TAIL.match(line.text):
            return None
        return _found(letter, line.number, "there is more than the commit's diff")
    return None


def _compared(text: str) -> str:
    """A line less the function that a hunk header names: .gitattributes can change that."""
    found = _HUNK.match(text)
    return found[0] if found else text


def _difference(mail: str, after: str, commit: str) -> str:
    """What became of a line ``commit``, which is ``mail`` and maybe ``after`` by now."""
    if commit.rstrip() == mail.rstrip() and commit.endswith("\r") != mail.endswith("\r"):
        return "the end of the line was changed (CR)"
    if commit.rstrip() == mail.rstrip():
        return "white space at the end of the line was stripped or added"
    if "\t" in commit and _squeezed(commit) == _squeezed(mail):
        return "tabs were turned into spaces, or white space was changed"
    if _squeezed(commit) == _squeezed(mail):
        return "white space was changed"
    if mail and commit.startswith(mail.rstrip()) and _joins(commit, mail, after):
        return f"the line was wrapped: '{after[:40]}' belongs to it"
    if re.search(r"=(?:20|3D|09|[0-9A-F]{2})|=\Z", mail) and "=" in mail:
        return "the line looks like quoted-printable text"
    return f"the diff is not the commit's, which has '{commit[:60]}' here"


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _joins(commit: str, mail: str, after: str) -> bool:
    return _squeezed(commit).startswith(_squeezed(mail + after)) and bool(after)


def diffs_by_commit(text: bytes, commits: Sequence[str]) -> Mapping[str, bytes]:
    """What ``git diff-tree --stdin -p`` printed, by commit: each begins with its id alone."""
    ids = b"|".join(re.escape(commit.encode()) for commit in commits)
    pattern = re.compile(rb"^(" + ids + rb")\n", re.MULTILINE)
    parts = pattern.split(text)[1:] if commits else []
    return {
        commit.decode(): diff.lstrip(b"\n")
        for commit, diff in zip(parts[::2], parts[1::2], strict=True)
    }
