"""Subjects: ``[PREFIX vN n/m] subsystem: title``
(Documentation/process/submitting-patches.rst, "The canonical patch format").  Pure.
"""

import re
from collections.abc import Iterator

from series.lint.finding import Finding, Severity
from series.lint.letter import Letter

# The same document: "no more than 70-75 characters".
_TITLE = 75
_BRACKETS = re.compile(r"\[([^\]]{0,200})\]\s*")
_NUMBERING = re.compile(r"(\d{1,4})/(\d{1,4})\Z")
_NO_PREFIX = re.compile(r"(?:Revert|Reapply) \"|Merge |Linux \d", re.IGNORECASE)


def check(letter: Letter, *, version: int, count: int) -> Iterator[Finding]:
    """What is wrong with the subject; ``version`` and ``count`` are the series', 0 if unknown."""

    def found(severity: Severity, what: str, hint: str = "") -> Finding:
        mail, line = letter.mail.name, letter.subject_line
        return Finding(severity, "subject", mail, line, what, hint)

    subject = letter.subject
    if subject is None:
        yield found("error", "the subject cannot be decoded", "generate the mails again")
        return
    if not subject:
        yield found("error", "there is no subject", "give the patch a title")
        return
    brackets = _BRACKETS.match(subject)
    if not brackets:
        yield found("error", "the subject has no [PATCH]", "generate the mails again")
    else:
        for what in _bracket_problems(brackets[1].split(), letter, version, count):
            yield found("error", f"[{brackets[1]}]: {what}", "generate the mails again")
    for what, hint in _title_problems(letter):
        yield found("warning", what, hint)


def _bracket_problems(words: list[str], letter: Letter, version: int, count: int) -> Iterator[str]:
    if not any(re.match(r"(?:PATCH|RFC)", word) for word in words):
        yield "says neither PATCH nor RFC"
    stated = [word for word in words if re.fullmatch(r"v\d{1,5}", word)]
    expected = f"v{version}" if version > 1 else ""
    if version and (stated or ["v1"])[0] != (expected or "v1"):
        yield f"must say {expected}" if expected else f"{stated[0]} is not the version, which is 1"
    numbering = next((found for word in words if (found := _NUMBERING.match(word))), None)
    if not count:
        return
    number = letter.mail.number
    if numbering and (int(numbering[1]), int(numbering[2])) != (number, count):
        yield f"the number must be {number}/{count}"
    elif not numbering and (count > 1 or not number):
        yield f"has no number, which must be {number}/{count}"


def _title_problems(letter: Letter) -> Iterator[tuple[str, str]]:
    title = letter.title
    if not title:
        yield "the title is empty", "say what the patch does"
        return
    if len(title) > _TITLE and not letter.is_cover:
        yield f"the title has {len(title)} characters", f"stay within {_TITLE}"
    if title.endswith(".") and not title.endswith(("...", "etc.")):
        yield "the title ends in a period", "leave it out"
    plain = _NO_PREFIX.match(title) or re.match(r"\S+(?: \S+){0,3}:\s", title)
    if not letter.is_cover and not plain:
        yield "the title has no 'subsystem: '", "see 'git log --oneline' of the files"
