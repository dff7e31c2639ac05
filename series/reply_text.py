"""The text of a reply, line by line: quotes, tags, politeness, and what is left.

Pure.  Quoting is as mailers and people do it: ``>`` in front, an attribution line above.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from series import courtesies, tags
from series.tags import MAIL_HEADER, ON_DATE, Mention

# What is longer than this behind "--" is no signature: better a comment too many.
_SIGNATURE_LINES = 12
_ATTRIBUTION_LINES = 3
_LONGEST_ATTRIBUTION = 500
# How much of a reply is judged: lines and characters of the sender's own, characters in all.
_OWN_LINES, _OWN_LENGTH, _WHOLE_LENGTH = 5000, 1 << 18, 1 << 22
_LINE_LENGTH = 10_000
_LONGEST_COURTESY = 300
# What is quoted deeper counts as quoted so deep.
_DEEPEST = 20
# A paragraph of more lines leads to no tag.
_LEAD_LINES = 6

_QUOTED = re.compile(r"(?:[ ]?>)+")
_BARRED = re.compile(r"(?:\|[ ]?)+")
_VERBS = (
    r"(?:wrote|writes|said|schrieb|skrev|schreef|napisał(?:\(a\))?|a écrit|escribió|ha scritto"
    r"|escreveu)"
)
_OPENING = re.compile(r"\s*(?:On|Am|Le|El|Il|Em|Op|Den|På|W dniu)\b")
_WROTE = re.compile(rf"\b{_VERBS}\s?:?\s*$|\S\s?:\s*$|\)\s*$", re.IGNORECASE)
# "NAME <ADDRESS> writes:", "* NAME [DATE]:", "NAME wrote on DATE:", "Am DATE schrieb NAME:"
_BY_ADDRESS = re.compile(
    rf"\s*.{{1,200}}[>)\d]\s{_VERBS}\s?:?\s*$|\* .{{1,200}}[\])>]\s*:?\s*$"
    rf"|\s*\S.{{0,100}} {_VERBS} (?:on|at|am|in) .{{1,120}}:\s*$"
    rf"|{_OPENING.pattern}.{{1,200}}\b{_VERBS} .{{1,120}}:\s*$"
    r"|\s*(?:Quoting|Excerpts from) .{1,200}[)>\d]:?\s*$"
)
_BY_NAME = re.compile(
    r"\s*(?!(?:As|I|You|He|She|It|We|They|What|Like|The|This|That|Someone|Who|Or|And|But)\b)"
    rf"(?:[A-Z][\w.'\u2019-]*,? ){{1,4}}{_VERBS}\s?:\s*$"
)
_FORWARDED = re.compile(
    r"\s*-{3,}\s*(?:Original (?:Message|Mail)|Forwarded (?:message|Message)( follows)?"
    r"|Ursprüngliche Nachricht|Message d'origine|Weitergeleitete Nachricht)\s*-{3,}\s*$"
)
_ARMOUR = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----$|Hash: [A-Z0-9, -]+$")
TRIMMED = re.compile(
    r"\s*(?:\.{2,}(?:\s*(?:snip+\w*|cut)\s*\.*)?|\u2026|snip+"
    r"|[\[<({]+\s*(?:\.{2,}|\u2026)\s*[\])>}]+"
    r"|[\[<({]+[^\])>}]{0,40}\b(?:snip+(?:ped)?|cut|trim(?:med)?|skip(?:ped)?|omitted|removed"
    r"|deleted)\b[^\])>}]{0,40}[\])>}]+)\s*$",
    re.IGNORECASE,
)
_NAME = r"[^\W\d_][\w.'\u2019-]*"
_GREETING = re.compile(
    r"\s*(?:hi|hello|hey|dear|hallo|moin|bonjour|hola|greetings"
    r"|good (?:morning|day|afternoon|evening))"
    r"(?:[ ,]+(?:all|there|everyone|everybody|folks|guys|both|again|team|and|maintainers?|sir)"
    r"|[ ,]+(?-i:[A-Z])[\w.'\u2019-]*){0,4}\s?(?:[,!.:]|-+)?\s*$"
    r"|\s*(?-i:[A-Z])[\w.'\u2019-]+,\s*$",  # "Dan,"
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\s*(?:(?:many |kind(?:est)? |best |warm(?:est)? |with (?:best |kind )?)?"
    r"(?:thanks|thank you|thx|cheers|regards|greetings|wishes|ciao|br|rgds|best|sincerely"
    r"|yours(?: sincerely| truly)?|take care|grüße|gruß|cordialement|hth|bye)"
    r"(?: (?:a lot|again|so much|very much|and regards|in advance|and best regards))?"
    rf"(?:[ ]?[,!.-]+[ ]*(?-i:{_NAME})(?: (?-i:{_NAME})){{0,2}})?)\s?[,!.]*(?: ?[:;]-?\))?\s*$",
    re.IGNORECASE,
)
_SENT_FROM = re.compile(r"\s*(?:Sent from (?:my )?\w[\w ]{1,30}|Get Outlook for .{1,60})\.?\s*$")
_SIGNED_NAME = re.compile(rf"\s*[-~\u2013\u2014/]{{0,3}}\s*(?:{_NAME})(?: {_NAME}){{0,3}}\.?\s*$")
_COURTESY = re.compile(
    r"\s*(?:thanks|thank you|thx),? (?:\w+ )?for (?:the |this |your |doing |updating |working )?"
    r"(?:quick )?(?:patch|patches|series|update|updates|work|fix|fixing|respin|review|this|it)"
    r"(?:,? (?-i:[A-Z])\w+)?(?: ?!| ?\.| this)*\s*$"
    r"|\s*(?:(?:thanks|thx)[,!.]? )?"
    r"(?:lgtm|looks (?:good|great|fine|ok(?:ay)?|sane|correct)(?: to me)?"
    r"|(?:very )?nice(?: work| one| cleanup)?|great(?: work)?|good work|awesome)"
    r"(?:,? (?:thanks|thank you|now))*\s?[!.,:]*(?: ?[:;]-?\))?\s*$",
    re.IGNORECASE,
)
_NAK = re.compile(r"\s*\W*n\.?a\.?c?k", re.IGNORECASE)
# The address of a tag that a mailer broke.
_ADDRESS = re.compile(r"\s*<[^<>\s]+@[^<>\s]+>\s*$")

Kind = Literal["quote", "text", "blank", "aside", "trimmed"]


@dataclass(frozen=True)
class Line:
    """A line of a reply: its kind, how often it is quoted, and itself without those marks.

    ``text`` is what the sender wrote, ``aside`` what is no remark of theirs: a tag, a
    greeting, a signature; ``trimmed`` stands where quoted lines were left out.
    """

    kind: Kind
    depth: int
    content: str


def judged(text: str) -> tuple[str, bool]:
    """The beginning of a reply's ``text`` that is looked at, and whether that is not all.

    What nobody writes by hand is cut: more than 5,000 lines or 256 KB of one's own, more
    than 4 MB with quotes; and lines of more than 10,000 characters are.
    """
    if len(text) <= _LINE_LENGTH and text.count("\n") < _OWN_LINES:
        return text, False
    kept: list[str] = []
    own = length = 0
    cut = False
    # The lines behind the limit are not even split.
    for line in text[:_WHOLE_LENGTH].split("\n"):
        if not _QUOTED.match(line):
            own, length = own + 1, length + min(len(line), _LINE_LENGTH)
        if own > _OWN_LINES or length > _OWN_LENGTH:
            return "\n".join(kept), True
        cut = cut or len(line) > _LINE_LENGTH
        kept.append(line[:_LINE_LENGTH])
    return "\n".join(kept), cut or len(text) > _WHOLE_LENGTH


def read(text: str, sender: str, mentions: Sequence[Mention] | None = None) -> list[Line]:
    """The lines of ``text``, each of its kind; ``sender`` ("Name <address>") signs by name.

    ``mentions`` are the tags in it, as ``series.tags`` sees them, where they are known.
    """
    raw = [line.rstrip("\r") for line in text.split("\n")]
    mark = _QUOTED
    if not any(_QUOTED.match(line) for line in raw) and _has_bars(raw):
        mark = _BARRED
    lines = [_line(line, mark) for line in raw]
    if mentions is None:
        mentions = tags.mentions("\n".join(raw))
    _mark(lines, _tags(mentions, lines), "aside")
    _mark(lines, _lead_ins(mentions, lines), "aside")
    for pick in (_forwarded, _attributions, _signatures):
        _mark(lines, pick(lines), "aside")
    _mark(lines, _trims(lines), "trimmed")
    runs = list(_runs(lines))
    for start, end in runs:
        for at in _courtesies(lines, start, end, sender, greets=(start, end) == runs[0]):
            lines[at] = replace(lines[at], kind="aside")
    return lines


def _mark(lines: list[Line], numbers: Iterable[int], kind: Kind) -> None:
    for at in list(numbers):
        lines[at] = replace(lines[at], kind=kind)


def _line(raw: str, mark: re.Pattern[str]) -> Line:
    found = mark.match(raw)
    if not found:
        return Line("text" if raw.strip() else "blank", 0, raw)
    depth = min(sum(char in ">|" for char in found[0]), _DEEPEST)
    content = raw[found.end() :]
    return Line("quote", depth, content.removeprefix(" ") if mark is _QUOTED else content)


def _has_bars(raw: Sequence[str]) -> bool:
    """Whether ``|`` quotes: most of what there is, or a diff, stands behind it."""
    barred = [line for line in raw if line.startswith("|")]
    table = sum(line.rstrip().endswith("|") for line in barred)
    return len(barred) > 1 and table * 2 < len(barred)


def _forwarded(lines: Sequence[Line]) -> Iterator[int]:
    """The head that a mailer put above the mail that is answered; that mail, too, if unmarked."""
    for at, line in enumerate(lines):
        if line.kind != "text":
            continue
        marked = bool(_FORWARDED.match(line.content))
        start = at + marked
        while marked and start < len(lines) and lines[start].kind == "blank":
            start += 1
        end = start
        while end < len(lines) and _heads(lines[end]):
            end += 1
        if end - start >= (1 if marked else 3) or (marked and _quote_follows(lines, at)):
            quotes = any(one.kind == "quote" for one in lines[end:])
            yield from _texts(lines, at, end if quotes else len(lines))
            return


def _heads(line: Line) -> bool:
    return line.kind == "text" and bool(MAIL_HEADER.match(line.content))


def _attributions(lines: Sequence[Line]) -> Iterator[int]:
    """The lines that say who wrote what is quoted below them; of up to three lines."""
    for at, line in enumerate(lines):
        if line.kind != "text" or not _WROTE.search(line.content):
            continue
        quoted = _quote_follows(lines, at)
        found = range(0)
        for start in range(at, max(at - _ATTRIBUTION_LINES, -1), -1):
            if lines[start].kind != "text":
                break
            whole = " ".join(one.content for one in lines[start : at + 1])
            opened = bool(_OPENING.match(whole))
            if (start == at or opened) and _attributes(whole, quoted=quoted):
                found = range(start, at + 1)
            if found and opened:
                break
        yield from found


def _attributes(text: str, *, quoted: bool) -> bool:
    """Whether ``text`` says who wrote what: with a date or an address, or a name and a quote."""
    if len(text) > _LONGEST_ATTRIBUTION:
        return False
    dated = bool(re.search(r"\d[\d/:.-]+\d|@", text))
    if dated and ON_DATE.match(text):
        return True
    return quoted and bool(_BY_NAME.match(text) or (dated and _BY_ADDRESS.match(text)))


def _quote_follows(lines: Sequence[Line], at: int) -> bool:
    return _beside(lines, range(at + 1, len(lines))) == "quote"


def _beside(lines: Sequence[Line], way: range) -> str:
    """The kind of the first line on ``way`` that is not blank, or empty."""
    return next((lines[n].kind for n in way if lines[n].kind != "blank"), "")


def _signatures(lines: Sequence[Line]) -> Iterator[int]:
    """Signatures (RFC 3676, 4.3), footers of lists, the armour of PGP."""
    at = 0
    ends = [n for n, line in enumerate(lines) if line.content.startswith("-----END PGP")]
    while at < len(lines):
        content = lines[at].content
        end = at + 1
        if lines[at].kind == "text":
            if _ARMOUR.match(content):
                yield at
            elif content == "-----BEGIN PGP SIGNATURE-----":
                stop = bisect_left(ends, at)
                end = ends[stop] + 1 if stop < len(ends) else end
                yield from _texts(lines, at, end)
            elif content in ("-- ", "--", "\u2013- ") or re.fullmatch(r"_{20,}", content):
                end = _end_of_signature(lines, at)
                yield from _texts(lines, at, end)
                end = max(end, at + 1)
        at = end


def _texts(lines: Sequence[Line], start: int, end: int) -> Iterator[int]:
    return (number for number in range(start, end) if lines[number].kind == "text")


def _end_of_signature(lines: Sequence[Line], at: int) -> int:
    """The line behind the signature at ``at``; ``at`` where that is too long for one."""
    count = 0
    for number in range(at, len(lines)):
        if lines[number].kind not in ("text", "blank"):
            return number
        count += lines[number].kind == "text"
        if count > _SIGNATURE_LINES:
            return at
    return len(lines)


def _tags(mentions: Sequence[Mention], lines: Sequence[Line]) -> Iterator[int]:
    """The lines that are tags; not those in a diff of one's own, nor what is a remark: a NAK."""
    for mention in mentions:
        if mention.line > len(lines):  # in what is not judged
            return
        if mention.whole_line and mention.kind not in ("elsewhere", "nak"):
            yield mention.line - 1
            following = lines[mention.line] if mention.line < len(lines) else None
            if following and following.kind == "text" and _ADDRESS.match(following.content):
                yield mention.line


def _lead_ins(mentions: Sequence[Mention], lines: Sequence[Line]) -> Iterator[int]:
    """The lines around a tag that only hand it over: "For the series:", "# drivers/a only"."""
    for mention in mentions:
        if mention.line > len(lines):
            return
        if not mention.whole_line or mention.kind != "given":
            continue
        end = mention.line - 1
        while end and lines[end - 1].kind == "blank":
            end -= 1
        start = end
        while start and end - start <= _LEAD_LINES and lines[start - 1].kind == "text":
            start -= 1
        if courtesies.leads_to_tag(" ".join(line.content for line in lines[start:end])):
            yield from range(start, end)
        if mention.line < len(lines) and courtesies.is_mark(lines[mention.line].content):
            yield mention.line


def _trims(lines: Sequence[Line]) -> Iterator[int]:
    """``[...]`` where quoted lines were left out: beside a quote, else it is part of a text."""
    for at, line in enumerate(lines):
        if line.kind != "text" or not TRIMMED.match(line.content):
            continue
        before = _beside(lines, range(at - 1, -1, -1))
        if before in ("quote", "trimmed", "aside") or _quote_follows(lines, at):
            yield at


def _runs(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """The runs of text and blank lines between other things, from and to."""
    start = 0
    for at in range(len(lines) + 1):
        if at == len(lines) or lines[at].kind not in ("text", "blank"):
            if any(True for _ in _texts(lines, start, at)):
                yield start, at
            start = at + 1


def _courtesies(
    lines: Sequence[Line], start: int, end: int, sender: str, *, greets: bool
) -> list[int]:
    """Greetings, closings and names at the ends of a run; all of it where that is all.

    Only the first run of a mail ``greets``: elsewhere "Dan," is no greeting.
    """
    texts = list(_texts(lines, start, end))
    first, last = 0, len(texts)
    # What is long is none, and would take long to look at.
    stripped = (lines[at].content.strip() for at in texts)
    contents = [one if len(one) <= _LONGEST_COURTESY else "" for one in stripped]
    if greets and _GREETING.match(contents[0]):
        first = 1
    while last > first and _closes(contents, last - 1, sender):
        last -= 1
    if all(_COURTESY.match(one) for one in contents[first:last]):
        return texts
    return [*texts[:first], *texts[last:]]


def _closes(contents: Sequence[str], at: int, sender: str) -> bool:
    """Whether the line ``at`` closes a mail: a formula, or the name below one."""
    line = contents[at]
    return bool(_CLOSING.match(line) or _SENT_FROM.match(line)) or _names(
        line, sender, contents[at - 1] if at else ""
    )


def _names(line: str, sender: str, above: str) -> bool:
    """Whether ``line`` is a name below a text: that of the sender, or any below a formula."""
    if not _SIGNED_NAME.match(line) or _NAK.match(line):
        return False
    words = re.findall(r"\w+", line.casefold())
    known = re.findall(r"\w+", sender.casefold())
    initials = "".join(word[0] for word in known)
    if words and all(word in known or (word == initials[: len(word)]) for word in words):
        return True
    proper = all(word[:1].isupper() for word in re.findall(_NAME, line))
    return proper and bool(_CLOSING.match(above))
