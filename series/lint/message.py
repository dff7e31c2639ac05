"""A message that is no longer its commit's: somebody edited the mail.  Pure."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from series.lint.finding import Finding
from series.lint.letter import CUT, TEXT_LIMIT, Letter, Line

_BRACKETS = re.compile(r"\s*\[[^\]]{0,200}\]\s*")


def check(letter: Letter, commit_message: str | None) -> Iterator[Finding]:
    """Where a mail's title and message first differ from ``commit_message``, if they do.

    ``commit_message`` is what git has (%B), ``None`` if that is unknown.  What is below
    ``---`` is no part of it, nor is a ``From:`` on top.
    """
    if letter.is_cover or commit_message is None or len(letter.message) == TEXT_LIMIT:
        return
    title, _, body = commit_message.strip("\n").partition("\n\n")
    subject = letter.subject
    if subject is not None and _BRACKETS.sub("", subject, count=1).split() != title.split():
        yield _edited(letter, letter.subject_line)
        return
    theirs = [text.rstrip() for text in _before_cut(body.strip("\n").split("\n"))]
    ours = [Line(line.number, line.text.rstrip()) for line in letter.message]
    while ours and not ours[0].text:
        ours.pop(0)
    # A byte that is not UTF-8 has a finding of its own.
    if any(re.search("[\ud800-\udfff]", line.text) for line in ours):
        return
    last = ours[-1].number if ours else letter.subject_line
    for mine, text in zip_longest(ours, theirs):
        if (mine.text if mine else "") != (text or ""):
            yield _edited(letter, mine.number if mine else last)
            return


def _before_cut(lines: list[str]) -> list[str]:
    return lines[: next((at for at, text in enumerate(lines) if CUT.match(text)), len(lines))]


def _edited(letter: Letter, line: int) -> Finding:
    what = "the message is not the commit's: the next generate loses the edit"
    hint = "change it in series.toml or in its file"
    return Finding("warning", "message", letter.mail.name, line, what, hint)
