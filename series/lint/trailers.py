"""Trailers: who signs, and what commits a message names.

Pure.  The rules are those of Documentation/process/submitting-patches.rst ("Sign your
work", "When to use Acked-by:, Cc:, and Co-developed-by:", "Describe your changes").
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import accumulate

from series import addresses
from series.lint.finding import Finding, Severity
from series.lint.letter import LINE_LIMIT, TRAILER, Letter, Line

# The tags of the kernel's history that are used often, as they are written there.
_KNOWN = (
    "Signed-off-by",
    "Co-developed-by",
    "Acked-by",
    "Reviewed-by",
    "Tested-by",
    "Reported-by",
    "Suggested-by",
    "Debugged-by",
    "Diagnosed-by",
    "Analyzed-by",
    "Requested-by",
    "Originally-by",
    "Bisected-by",
    "Reported-and-tested-by",
    "Reviewed-and-tested-by",
    "Acked-and-tested-by",
    "Assisted-by",
    "Fixes",
    "Link",
    "Closes",
    "Cc",
    "References",
    "Message-ID",
    "BugLink",
    "Bugzilla",
    "Depends-on",
    "Change-Id",
)
_LOWER = {tag.lower(): tag for tag in _KNOWN}
_REPORTS = ("Reported-by", "Reported-and-tested-by")
_NEAR = 0.84
# No message has more; each is compared with all others.
_MOST = 200
# The least digits of a commit's id that are still unique for years (same document).
_DIGITS = 12
_FIXES = re.compile(r"(?:commit\s+)?([0-9A-Fa-f]{4,64})\b\s*(\S.*)?\Z", re.IGNORECASE)
_TITLE = re.compile(r"""\(["'](.*)["']\)""")
_REFERENCE = re.compile(
    r"\bcommit\s+([0-9a-f]{7,40})\b(?!\s+upstream)(?:,?\s+\(\"([^\"]{1,300})\"\))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Trailer:
    """One trailer: ``tag`` and ``value``, and what stands around the colon."""

    line: Line
    tag: str
    before: str
    after: str
    value: str

    @property
    def known(self) -> str:
        """The tag as it is usually written, or empty."""
        return _LOWER.get(self.tag.lower(), "")


@dataclass(frozen=True)
class History:
    """What a repository knows of commits: by id as asked for, the title.

    ``why_incomplete`` says why a commit that is not there may exist all the same, or
    is empty.
    """

    titles: Mapping[str, str]
    why_incomplete: str = ""


def of_letter(letter: Letter) -> list[Trailer]:
    """The trailers of a message: known tags anywhere, any tag in the last paragraph."""
    last = _last_paragraphs(letter)
    found = []
    for line in letter.message:
        match = TRAILER.fullmatch(line.text[:LINE_LIMIT])
        if not match:
            continue
        trailer = Trailer(line, match[1], match[2], match[3], match[4].strip())
        if line in last or (trailer.known and _is_meant(trailer)):
            found.append(trailer)
    return found[:_MOST]


def _last_paragraphs(letter: Letter) -> frozenset[Line]:
    """The trailers that end the message, and those before a line that was meant to end it."""
    found: set[Line] = set()
    part: list[Line] = []
    for line in letter.message:
        if line.text in ("--", "-- "):
            found.update(_last_paragraph(part))
            part = []
        else:
            part.append(line)
    return frozenset(found.union(_last_paragraph(part)))


def _last_paragraph(lines: Sequence[Line]) -> list[Line]:
    block = addresses.trailer_block("\n".join(line.text for line in lines))
    return [lines[number - 1] for number, _ in block]


def _is_meant(trailer: Trailer) -> bool:
    """Whether it is a trailer and not a sentence with a colon."""
    if trailer.known == "Fixes":
        return bool(re.match(r"(?:commit )?[0-9a-f]{5,40}\b", trailer.value))
    person = trailer.known.endswith("-by") or trailer.known == "Cc"
    return person and "@" in trailer.value and not trailer.value.endswith(".")


def check(letter: Letter) -> Iterator[Finding]:
    """Signatures, repeated and misspelt tags, trailers out of place; patches only."""
    if letter.is_cover:
        return
    trailers = of_letter(letter)
    yield from _signatures(letter, [one for one in trailers if one.known])
    yield from _repeated(letter, trailers)
    yield from _tags(letter, trailers)
    yield from _misplaced(letter, trailers)
    yield from _reports(letter, trailers)
    yield from _values(letter, trailers)


def _reports(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    """``Reported-by`` must have the report's link right behind it (scripts/checkpatch.pl)."""
    for at, one in enumerate(trailers):
        if one.known in _REPORTS:
            behind = next((two for two in trailers[at + 1 :] if two.known not in _REPORTS), None)
            if not behind or behind.known not in ("Closes", "Link"):
                what = f"{one.known}: {one.value} without Closes: behind it"
                hint = "name the report with 'Closes: https://...', if there is a public one"
                yield _found("warning", "trailer", letter, one.line, what, hint)


def _values(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    """Links that are none, signatures without a name, ids for Gerrit."""
    for one in trailers:
        link = re.match(r"<?[A-Za-z][A-Za-z+.-]*://\S", one.value)
        what = hint = ""
        if one.known in ("Link", "Closes") and not link:
            what = f"{one.known}: {one.value[:60]} is no link"
            hint = f"write '{one.known}: https://...'"
        elif one.known == "Signed-off-by" and addresses.key(one.value):
            what = "" if addresses.split(one.value)[0] else f"{one.known}: {one.value} has no name"
            hint = f"write '{one.known}: Name <address>'"
        elif one.tag.lower() == "change-id" and re.match(r"I[0-9a-f]{4}", one.value):
            what, hint = f"{one.tag}: is of Gerrit, which lists do not use", "leave it out"
        if what:
            yield _found("warning", "trailer", letter, one.line, what, hint)


def _misplaced(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    """Trailers before the last paragraph; of lines one below the other the first."""
    last = _last_paragraphs(letter)
    before = 0
    for one in trailers:
        if one.line not in last:
            if one.line.number != before + 1:
                what = f"{one.tag}: is not in the last paragraph, where git looks for trailers"
                yield _found("warning", "trailer", letter, one.line, what, "move it down")
            before = one.line.number


def _found(
    severity: Severity, check: str, letter: Letter, line: Line | int, what: str, hint: str
) -> Finding:
    number = line if isinstance(line, int) else line.number
    return Finding(severity, check, letter.mail.name, number, what, hint)


def _signatures(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    signed = [one for one in trailers if one.known == "Signed-off-by"]
    author, sender = letter.author, letter.sender
    line = letter.message[-1].number if letter.message else letter.subject_line
    if not any(_same_person(one.value, author) for one in signed):
        what = f"there is no Signed-off-by of the author, {author or 'who is unknown'}"
        yield _found("error", "signature", letter, line, what, "the author must sign")
    namesakes = [one for one in signed if _same_name(one.value, author)]
    if namesakes and not any(addresses.key(one.value) == addresses.key(author) for one in signed):
        what = f"Signed-off-by and From differ: {namesakes[0].value}, {author}"
        yield _found("warning", "signature", letter, namesakes[0].line, what, "use one address")
    if signed and not _same_person(signed[-1].value, sender):
        what = f"the last Signed-off-by is not of the sender, {sender or 'who is unknown'}"
        yield _found(
            "warning", "signature", letter, signed[-1].line, what, "who sends a patch must sign it"
        )
    yield from _others(letter, trailers, signed)


def _others(letter: Letter, trailers: list[Trailer], signed: list[Trailer]) -> Iterator[Finding]:
    developers = [one for one in trailers if one.known == "Co-developed-by"]
    known = [letter.author, letter.sender, *(one.value for one in developers)]
    for one in signed:
        if not any(_same_person(one.value, person) for person in known):
            what = f"Signed-off-by of {one.value}, who is neither author, sender nor co-developer"
            yield _found("warning", "signature", letter, one.line, what, "who had it in hand?")
    for one in developers:
        after = trailers[trailers.index(one) + 1 :][:1]
        if not (
            after
            and after[0].known == "Signed-off-by"
            and addresses.key(after[0].value) == addresses.key(one.value)
        ):
            what = f"Co-developed-by: {one.value} without the Signed-off-by right behind it"
            yield _found("error", "signature", letter, one.line, what, "the co-developer must sign")


def _same_person(one: str, other: str) -> bool:
    key = addresses.key(one)
    return bool(key and key == addresses.key(other)) or _same_name(one, other)


def _same_name(one: str, other: str) -> bool:
    name = addresses.split(one)[0].casefold()
    return bool(name) and name == addresses.split(other)[0].casefold()


def _repeated(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for one in trailers:
        value = addresses.key(one.value) or one.value
        kind = (one.tag.lower(), value)
        if kind in seen:
            what = f"{one.tag}: {one.value} stands there twice"
            yield _found("warning", "trailer", letter, one.line, what, "drop one")
        seen.add(kind)


def _tags(letter: Letter, trailers: list[Trailer]) -> Iterator[Finding]:
    for one in trailers:
        if not one.known:
            near = get_close_matches(one.tag.lower(), _LOWER, n=1, cutoff=_NEAR)
            if near and one.tag.lower() not in ("bug", "closed") and len(one.tag) > 4:
                what = f"the tag '{one.tag}:' is not known"
                hint = f"did you mean '{_LOWER[near[0]]}:'?"
                yield _found("warning", "trailer", letter, one.line, what, hint)
        elif one.tag != one.known and one.known.endswith("-by"):
            what = f"the tag '{one.tag}:' is usually written '{one.known}:'"
            yield _found("warning", "trailer", letter, one.line, what, "write it so")
        if one.known and (one.before or not one.after):
            what = f"'{one.line.text[:60]}' has its blank not behind the colon"
            hint = f"write '{one.known}: ...', or tools do not see it"
            yield _found("warning", "trailer", letter, one.line, what, hint)


def named_commits(letter: Letter) -> set[str]:
    """The ids of all commits that a mail's message names, as they stand there."""
    found = {fixes[0] for _, fixes in _fixes(letter) if fixes}
    return found | {sha for _, sha, _ in _references(letter)}


def check_commits(letter: Letter, history: History | None) -> Iterator[Finding]:
    """``Fixes:`` and ``commit ... ("...")``: their form, and what ``history`` has of them."""
    for trailer, parts in _fixes(letter):
        number = trailer.line.number
        if not parts:
            what = "Fixes: has no commit id"
            hint = 'write Fixes: 123456789012 ("title"), and Closes: or Link: for a report'
            yield _found("error", "commit", letter, number, what, hint)
            continue
        sha, title = parts
        if trailer.value.lower().startswith("commit"):
            what = f"Fixes: has the word 'commit' before {sha}"
            yield _found("error", "commit", letter, number, what, "leave out 'commit'")
        if len(sha) < _DIGITS:
            what = f"Fixes: {sha} has fewer than {_DIGITS} digits"
            yield _found("error", "commit", letter, number, what, "git log --abbrev=12")
        if not title:
            what = f'Fixes: {sha} has no ("title") on the same line'
            yield _found("error", "commit", letter, number, what, "one line, however long it is")
        if len(sha) >= _DIGITS and title:
            yield from _resolved("error", letter, number, f"Fixes: {sha}", sha, title, history)
    for number, sha, title in _references(letter):
        if len(sha) < _DIGITS:
            what = f"commit {sha} has fewer than {_DIGITS} digits"
            yield _found("warning", "commit", letter, number, what, "git log --abbrev=12")
        if not title:
            what = f"commit {sha} is named without its title"
            yield _found("warning", "commit", letter, number, what, f'write commit {sha} ("title")')
        yield from _resolved("warning", letter, number, f"commit {sha}", sha, title, history)


def _fixes(letter: Letter) -> Iterator[tuple[Trailer, tuple[str, str] | None]]:
    """The ``Fixes:`` of a message, each with id and title, or ``None`` where it has no id."""
    for one in of_letter(letter):
        if one.known == "Fixes":
            found = _FIXES.match(one.value)
            title = _TITLE.fullmatch((found[2] or "").strip()) if found else None
            yield one, (found[1], title[1] if title else "") if found else None


def _references(letter: Letter) -> list[tuple[int, str, str]]:
    """The commits that the prose names: line, id, title or empty."""
    lines = letter.prose
    text = "\n".join(line.text for line in lines)
    ends = list(accumulate(len(line.text) + 1 for line in lines))
    found = []
    for match in _REFERENCE.finditer(text):
        before = text[max(match.start() - 20, 0) : match.start()].lower().split()[-1:]
        # An id of letters only may be a word.
        if before != ["upstream"] and re.search(r"\d", match[1]):
            number = lines[bisect_right(ends, match.start(1))].number
            found.append((number, match[1], " ".join((match[2] or "").split())))
    return found


def _resolved(
    severity: Severity,
    letter: Letter,
    number: int,
    named: str,
    sha: str,
    title: str,
    history: History | None,
) -> Iterator[Finding]:
    if history is None:
        return
    there = history.titles.get(sha)
    if there is None and history.why_incomplete:
        what = f"{named} was not looked up: {history.why_incomplete}"
        yield _found("not run", "commit", letter, number, what, "")
    elif there is None:
        what = f"{named} is not in the tree"
        yield _found(severity, "commit", letter, number, what, "is the id right, and fetched?")
    elif title and title != there:
        what = f"{named} has another title: {there}"
        yield _found("warning", "commit", letter, number, what, "correct the id or the title")
