"""Tags in the text of a reply: given, taken back, under a condition, for some patches, unclear.

Pure.  Every line of the writer's own that looks like a tag is in one mention; lines that
are quoted with ``>`` are nobody's gift.  What is not understood is unclear, not given: a
tag that is wrongly taken goes into public mail under the name of who did not give it.
How tags are written is what Documentation/process/submitting-patches.rst says.  b4 and
liblore have parsers of their own (``find_trailers``); they are not used, because they pass
over in silence what they do not take, and do not say in which line it was.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal

from series import addresses, tag_words
from series.tag_words import Scope, TakenBack

# "elsewhere": in a commit or diff that the mail shows; "unread": from here on nothing was read.
Kind = Literal["given", "withdrawn", "again", "nak", "elsewhere", "unread"]
# "below": behind "On DATE, NAME wrote:" without a mark that it is quoted.
_LineKind = Literal["text", "quote", "blank", "diff", "log", "forwarded", "below", "signature"]

# Names that the kernel's history has often, by their lower-case form.
_KNOWN = {
    name.lower(): name
    for name in (
        *("Acked-by", "Reviewed-by", "Tested-by", "Nacked-by", "Signed-off-by", "Suggested-by"),
        *("Reported-by", "Co-developed-by", "Reviewed-and-tested-by", "Acked-and-tested-by"),
        *("Acked-and-reviewed-by", "Reported-and-tested-by", "Reviewed-and-acked-by"),
        *("Tested-and-reviewed-by", "Tested-and-acked-by", "Tested-and-reported-by"),
    )
}
# More that the kernel's history has; what is like one of these is not taken for misspelt.
_USUAL = frozenset(
    {
        *("debugged-by", "diagnosed-by", "analyzed-by", "analysed-by", "bisected-by", "found-by"),
        *("requested-by", "originally-by", "assisted-by", "noticed-by", "spotted-by", "helped-by"),
        *("pointed-out-by", "inspired-by", "proposed-by", "verified-by", "confirmed-by"),
        *("validated-by", "approved-by", "root-caused-by", "investigated-by", "discovered-by"),
        *("identified-by", "explained-by", "triggered-by", "improved-by", "co-authored-by"),
        *("fixed-by", "written-by", "submitted-by", "compile-tested-by", "build-tested-by"),
        *(
            "boot-tested-by",
            "runtime-tested-by",
            "smoke-tested-by",
            "tested-on-by",
            "recommended-by",
        ),
        *("reported-and-bisected-by", "reported-and-suggested-by", "suggested-and-acked-by"),
        *("suggested-and-reviewed-by", "reported-and-reviewed-by", "reported-and-acked-by"),
        *("reported-and-debugged-by", "analyzed-and-tested-by", "debugged-and-tested-by"),
        *("reported-tested-and-acked-by", "reviewed-tested-by", "based-on-patch-by"),
    }
)
_NO_LONGER = re.compile(r"(?:un|no-longer|no-more)-?(?=ack|review|test|rev\b)")
_SHORT = {
    **dict.fromkeys(("a-b", "ab", "ack-by", "ack", "acked", "akced-by"), "Acked-by"),
    **dict.fromkeys(("r-b", "rb", "rvb", "review-by", "reviewed", "rev-by"), "Reviewed-by"),
    **dict.fromkeys(("t-b", "tb", "test-by", "tested"), "Tested-by"),
    **dict.fromkeys(("nak-by", "nack-by", "naked-by", "nak'd-by", "nackd-by"), "Nacked-by"),
    **dict.fromkeys(("s-o-b", "sob", "sign-off-by", "signoff-by"), "Signed-off-by"),
}
_ENDORSES = re.compile(r"(?:^|-)(?:acked|reviewed|tested|ack|reviewer)\b", re.IGNORECASE)
# A line that begins with words and a colon; what is a tag is decided by the words.
_FIELD = re.compile(
    r"(?P<indent>\s*)(?P<mark>[-*\u2022_|]{0,2}\s*)"
    r"(?P<name>[A-Za-z][A-Za-z']*(?:[-_ ]{1,2}[A-Za-z']+){0,6})"
    r"(?P<before>[ \t]*):(?P<after>\s*)(?P<value>.*)"
)
_STEM = re.compile(r"(?i)(?:n?ack|ak|rev|rew|test|tset|nak|sign|sugg|report|co-?dev)|.*by$")
_BEGINS = re.compile(
    r"\s*(?:[-*\u2022]\s+)?(?P<name>(?:acked|reviewed|tested|nacked|reported|suggested)[- ]?by)\b"
    r"(?P<value>.*)",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    r"\b(?P<name>(?:acked|reviewed|tested|nacked|reported|suggested)(?:-and-[a-z]+)?-by)\s*:"
    r"(?P<value>.*)",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\bmy (?P<tag>acked-by|reviewed-by|tested-by|ack|r-b|rb|a-b|t-b|review tag)\b"
    r"|(?P<me>\b(?:acked|reviewed|tested)[- ]by[:,]? (?:me|myself)\b)",
    re.IGNORECASE,
)
# A tag that is said in a line of its own: "ack", "r-b me".
_BARE = re.compile(
    r"\s*(?:(?:with |have |take )?my )?(?P<tag>acks?|acked|reviewed|tested|r-b|rb|rvb|a-b|t-b)"
    r"(?:[ ,:-]*(?:by )?(?:from )?(?:me|myself|too|also|as well|then|now|for (?:this|it)))*"
    r"\s?[.!,]*\s*",
    re.IGNORECASE,
)
# Robots put "| " in front of the tags that they ask for; that is no quote.
_MAY_SAY = re.compile("by|my|ack|reviewed|tested|r-?b|rvb|a-b|t-b", re.IGNORECASE)
_NO_TEXT = re.compile("[\ud800-\udfff]")
_QUOTE = re.compile(r"[ \t]?(?:[A-Za-z]{0,10}>[ \t]?)+")
_DIFF = re.compile(r"diff --git |Index: \S+$|--- (?:[ab]/|/dev/null)\S*|\+\+\+ [ab]/|@@ -\d")
_IN_DIFF = re.compile(
    r"[ +@\\-]|diff |index |new file|deleted file|old mode|new mode|rename |copy |similarity "
    r"|dissimilarity |Binary files|GIT binary|[A-Za-z]\S{20,}$|literal |delta |$"
)
_COMMIT = re.compile(r"\s*commit [0-9a-f]{7,64}\b")
_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(?:original (?:message|mail)|(?:begin )?forwarded message|urspr\S+ \S+"
    r"|weitergeleitete nachricht|message d'origine|mensaje original|messaggio originale)",
    re.IGNORECASE,
)
# The header of a mail as mailers put it above what they quote, in several languages.
MAIL_HEADER = re.compile(
    r"\s*\*?(?P<name>From|Von|De|Da|Van|Från|Fra|Od|Sent|Date|Gesendet|Datum|Envoyé|Enviado|Inviato"
    r"|Verzonden|Skickat|Sendt|Wysłano|Fecha|Data|To|An|À|Para|A|Aan|Till|Til|Do|Cc|Kopie|Subject"
    r"|Betreff|Objet|Asunto|Oggetto|Onderwerp|Ämne|Emne|Temat|Assunto)"
    r"[ \u00a0]?:\*? ?\S"
)
_FROM = ("from", "von", "de", "da", "van", "från", "fra", "od")
_VERBS = (
    r"(?:wrote|writes|said|schrieb|skrev|schreef|napisał(?:\(a\))?|a écrit|escribió|ha scritto"
    r"|escreveu)"
)
_ATTRIBUTION = re.compile(r"\s*(?:On|Am|Le|El|Il|Em|Op|Den|På|W dniu)\b")
# "On DATE, NAME wrote:", "Am DATE schrieb NAME:"
ON_DATE = re.compile(
    rf"{_ATTRIBUTION.pattern}.{{1,400}}\b{_VERBS}(?:\s?:?\s*$|\b.{{1,120}}[:>]\s*$)", re.IGNORECASE
)
_STAT = re.compile(r" \S.* \|\s+\d+|\s\d+ files? changed|---$|\s*(?:create|delete|rename) ")
# Nobody signs a mail with more; a signature ends at the next quote, too.
_LONGEST_SIGNATURE = 20
# RFC 5322, 2.1.1; what is longer is no tag, and would take long to look at.
_LONGEST_LINE = 998
# So many lines, and characters, from a tag its paragraph is looked at.
_NEAR, _FAR = 40, 4000
_FROM_PATCHES = re.compile(
    r"\b(?:from|for|on|to) (?:the (?:first|last|other|whole|rest)|all|patch|#?\d)", re.IGNORECASE
)
_PLACES = {
    "signature": "stands in the signature",
    "below": "stands in a mail that is not marked as quoted",
}
_NO_REMARK = re.compile(
    r"\s*(?:hi|hello|hey|dear|thanks|thank you|otherwise|on .*\bwrote:"
    r"|.{1,200}\b(?:wrote|writes):\s*\Z|looks good|lgtm|\w+,?\s*\Z|.*\botherwise\b)",
    re.IGNORECASE,
)
_MOST_TAGS = 500
_CROWDED = f"is one of more than {_MOST_TAGS} in one mail"
# Nobody writes more lines in a reply; more would take long to judge.
_MOST_LINES = 5000
_UNREAD = f"nothing was read from here on: the mail has more than {_MOST_LINES} lines of its own"


@dataclass(frozen=True)
class Mention:
    """One thing a mail says of a tag.

    ``name`` is the tag as it should be written ("Acked-by"), empty for any; ``person`` as
    written; ``line`` the line of the text from 1, ``text`` that line.  ``words`` say what
    the state follows from: of a withdrawal the sentence.  ``condition`` are the words of a
    condition, ``unclear`` why it cannot be taken as it stands.  ``quoted`` are the tags
    ("Acked-by: Ann <...>") quoted right above.  ``whole_line``: the line is nothing else.
    ``remark`` is what stands behind the person ("# on arm").
    """

    kind: Kind
    name: str
    person: str
    line: int
    text: str
    words: str = ""
    condition: str = ""
    unclear: str = ""
    scope: Scope = field(default=Scope())
    quoted: tuple[str, ...] = ()
    pointing: bool = False
    indented: bool = False
    whole_line: bool = True
    remark: str = ""


@dataclass(frozen=True)
class _Line:
    number: int
    kind: _LineKind
    text: str


@dataclass(frozen=True)
class _Tag:
    """A line that looks like a tag, taken apart; ``un``: it takes that tag back."""

    name: str
    person: str
    rest: str
    unclear: str
    indented: bool
    un: bool = False


@dataclass(frozen=True)
class _Around:
    """What stands around a tag: in its paragraph ``above`` and ``below`` it, without tags.

    ``before`` are the last two sentences of the paragraph before, ``behind`` the first one
    of the paragraph behind.
    """

    before: tuple[str, ...]
    above: str
    below: str
    behind: str


@dataclass(frozen=True)
class _Quote:
    """A quote: the ``tags`` in it ("Acked-by: Ann <...>"), and whether it ``talks`` of one."""

    tags: tuple[str, ...]
    talks: bool
    there: bool


class _Text:
    """The lines of a text; what each is as a tag is found once."""

    def __init__(self, lines: Sequence[_Line]) -> None:
        self.lines = lines
        self._tags: dict[int, _Tag | None] = {}
        self._quoted: dict[int, _Quote] = {}
        # Where the first remark is that may demand something.
        self._remark = next((at for at, line in enumerate(lines) if _remarks(line)), len(lines))

    def tag(self, at: int) -> _Tag | None:
        """The line at ``at``, from 0, as a tag without its following line."""
        if at not in self._tags:
            self._tags[at] = _tag(self.lines[at].text)
        return self._tags[at]

    def demanded(self, at: int) -> bool:
        """Whether something was said before a line, beside "otherwise"."""
        return self._remark < at

    def is_signed(self, at: int) -> bool:
        """Whether a tag stands together with a Signed-off-by, as in a commit's message."""
        kind, names = self.lines[at].kind, set()
        for way in (range(at, max(-1, at - _NEAR), -1), range(at, at + _NEAR)):
            for near in way:
                if near >= len(self.lines) or self.lines[near].kind != kind:
                    break
                if (tag := self.tag(near)) is None:
                    break
                names.add(tag.name)
        return "Signed-off-by" in names

    def around(self, at: int) -> _Around:
        """What stands around the line at ``at``, no further away than ``_NEAR`` lines."""
        kind, start, end = self.lines[at].kind, at, at + 1
        while start > max(0, at - _NEAR) and self.lines[start - 1].kind == kind:
            start -= 1
        while end < min(len(self.lines), at + _NEAR) and self.lines[end].kind == kind:
            end += 1
        before, behind = self._nearest(start - 1, -1), self._nearest(end, 1)
        return _Around(
            tuple([*tag_words.sentences(before[-_FAR:])][-2:]),
            self._plain(start, at)[-_FAR:],
            self._plain(at + 1, end)[:_FAR],
            "".join([*tag_words.sentences(behind[:_FAR])][:1]),
        )

    def _plain(self, start: int, end: int) -> str:
        """The lines from ``start`` to ``end`` without tags."""
        return "\n".join(self.lines[at].text for at in range(start, end) if self.tag(at) is None)

    def _nearest(self, at: int, step: int) -> str:
        """The paragraph before or behind a blank; empty where a quote comes first, or a tag."""
        while 0 <= at < len(self.lines) and self.lines[at].kind == "blank":
            at += step
        found: list[str] = []
        while 0 <= at < len(self.lines) and self.lines[at].kind == "text" and not self.tag(at):
            if len(found) == _NEAR:
                break
            found.append(self.lines[at].text)
            at += step
        return "\n".join(found[::step])

    def quoted(self, at: int) -> _Quote:
        """The nearest quote above a line."""
        while at >= 0 and self.lines[at].kind != "quote":
            at -= 1
        if at not in self._quoted:
            tags, talks, last = [], False, at
            while at >= 0 and self.lines[at].kind == "quote":
                content = _QUOTE.sub("", self.lines[at].text, count=1)
                if tag := _tag(content):
                    tags.append(f"{tag.name}: {tag.person}")
                talks = talks or bool(_SAID.search(content))
                at -= 1
            self._quoted[last] = _Quote(tuple(tags[::-1]), talks, last >= 0)
            at = last
        return self._quoted[at]


def _remarks(line: _Line) -> bool:
    """Whether a line may demand something: no greeting, no thanks, no attribution."""
    return line.kind == "text" and not _NO_REMARK.match(line.text) and _tag(line.text) is None


def mentions(text: str) -> tuple[Mention, ...]:
    """What ``text``, the plain text of a reply, says of tags, in the order of its lines."""
    lines, unread = _bounded(_lines(text))
    whole = _Text(lines)
    found = [*_tag_mentions(whole)]
    taken = {mention.line for mention in found}
    given = [mention.line for mention in found if mention.kind == "given"]
    for paragraph in _paragraphs(lines):
        found += _sentence_mentions(whole, paragraph, taken, given)
    taken = {mention.line for mention in found}
    found += _loose_mentions(whole, taken, {one.name for one in found if one.kind == "given"})
    if unread is not None:
        found.append(
            Mention("unread", "", "", unread.number, unread.text, _UNREAD, whole_line=False)
        )
    found.sort(key=lambda mention: mention.line)
    return tuple(_not_given_again(whole, found))


def _bounded(lines: list[_Line]) -> tuple[list[_Line], _Line | None]:
    """As many lines as are looked at, and the first that is not."""
    count = 0
    for at, line in enumerate(lines):
        count += line.kind in ("text", "below", "signature")
        if count > _MOST_LINES:
            return lines[:at], line
    return lines, None


def _not_given_again(whole: _Text, found: Sequence[Mention]) -> Iterator[Mention]:
    """Who takes a tag back does not give it in the patch that stands below, unquoted."""
    back = min((one.line for one in found if one.kind in ("withdrawn", "nak")), default=0)
    for one in found:
        later = back and one.kind == "given" and one.line > back
        if later and whole.is_signed(one.line - 1):
            yield replace(one, kind="elsewhere", words="is part of a commit")
        else:
            yield one


def endorses(name: str) -> bool:
    """Whether a tag says that somebody looked at or tried the patch, so that a change voids it."""
    return bool(_ENDORSES.search(name))


def in_message(message: str) -> tuple[tuple[str, str], ...]:
    """The endorsing tags (name, person) of a commit message's last paragraph."""
    found = []
    for _, line in addresses.trailer_block(message):
        tag = _tag(line)
        if tag and not tag.unclear and endorses(tag.name):
            found.append((tag.name, tag.person))
    return tuple(found)


def _tag_mentions(whole: _Text) -> Iterator[Mention]:
    """The lines that are tags, each with what stands around it."""
    count = 0
    for at, line in enumerate(whole.lines):
        if line.kind in ("quote", "blank"):
            continue
        tag = _tag(line.text.strip()) if line.kind == "log" else whole.tag(at)
        if tag is None:
            continue
        if (following := _joined(whole.lines, at)) and line.kind != "log":
            tag = _tag(line.text, following) or tag
        if where := _shown(whole, at):
            yield Mention(
                "elsewhere", tag.name, tag.person, line.number, line.text, f"is part of {where}"
            )
            continue
        count += 1
        yield _mention(whole, at, tag, crowded=count > _MOST_TAGS)


def _shown(whole: _Text, at: int) -> str:
    """What a line is part of that its writer only shows; empty for their own."""
    kind = whole.lines[at].kind
    if kind == "below":
        return "another mail" if whole.is_signed(at) else ""
    return {"diff": "a diff", "log": "a commit", "forwarded": "another mail"}.get(kind, "")


def _mention(whole: _Text, at: int, tag: _Tag, *, crowded: bool) -> Mention:
    line = whole.lines[at]
    rest = " ".join([tag.rest, _bracketed(whole.lines, at)]).strip()
    made = Mention(
        kind="nak" if tag.name == "Nacked-by" else "given",
        name=tag.name,
        person=tag.person,
        line=line.number,
        text=line.text,
        unclear=_PLACES.get(line.kind, tag.unclear),
        indented=tag.indented,
        remark=rest,
    )
    if tag.un:
        return replace(made, kind="withdrawn", words=line.text.strip())
    if crowded:
        return replace(made, unclear=made.unclear or _CROWDED)
    around = whole.around(at)
    scope = tag_words.scope(rest, mark=True) if rest else Scope()
    return replace(
        made,
        condition=tag_words.condition(rest) or _condition(whole, at, around),
        scope=scope if scope.words else _scope(around),
    )


def _condition(whole: _Text, at: int, around: _Around) -> str:
    """The words around a tag that make it depend on something, or empty."""
    demanded = whole.demanded(at)
    before = "".join(around.before[-1:])
    return (
        tag_words.condition(around.above, leads=True, demanded=demanded)
        or tag_words.condition(around.below, demanded=demanded)
        or tag_words.condition(before, leads=not around.above, demanded=demanded)
        or tag_words.condition(around.behind, demanded=demanded)
    )


def _scope(around: _Around) -> Scope:
    """The scope that the nearest words before, or behind, a tag give it."""
    for behind in (around.below, around.behind):
        first = "".join([*tag_words.sentences(behind)][:1])
        if tag_words.restricts(first) and (found := tag_words.scope(first, linked=True)).words:
            return found
    ahead = [*around.before, *tag_words.sentences(around.above)]
    # Of what stands before, in a paragraph of its own, the last sentence is about the tag.
    least = max(len(around.before) - 1, 0)
    for at in range(len(ahead) - 1, least - 1, -1):
        found = tag_words.scope(ahead[at], before="".join(ahead[at - 1 : at]))
        if found.words:
            return found
    for sentence in [*tag_words.sentences(around.below)][::-1]:
        if (found := tag_words.scope(sentence)).words:
            return found
    return Scope()


def _joined(lines: Sequence[_Line], at: int) -> str:
    """The next line where a mail client broke the tag before its address."""
    if at + 1 < len(lines) and lines[at + 1].kind == lines[at].kind:
        following = lines[at + 1].text.strip()
        if re.fullmatch(r"<[^<>\s]+@[^<>\s]+>.{0,80}", following):
            return following
    return ""


def _bracketed(lines: Sequence[_Line], at: int) -> str:
    """The next line where it is a remark in brackets on the tag."""
    for line in lines[at + 1 : at + 3]:
        if re.fullmatch(r"\s*(?:\[[^\]]{1,200}\]|\([^)]{1,200}\)|#.{1,200})\s*", line.text):
            return line.text.strip() if line.kind == lines[at].kind else ""
        if not re.fullmatch(r"\s*<\S+>\s*", line.text):
            return ""
    return ""


def _tag(line: str, following: str = "") -> _Tag | None:
    """A line as a tag, also a misspelt one; ``None`` where it looks like none."""
    if ":" not in line and "by" not in line.lower():
        return None
    found = _FIELD.fullmatch(line.rstrip("\n"))
    if found and (named := _named(found["name"], found["value"])):
        name, odd, un = named
        value = found["value"].strip()
        if following and "@" not in value:
            value = f"{value} {following}"
        person, rest = _person(value)
        why = odd or _oddity(found, name, person)
        if re.search(r"<[^<>]*@", rest):
            why = why or "names more than one"
        why = why or ("has bytes that are no text" if _NO_TEXT.search(line) else "")
        return _Tag(name, person, rest, why, bool(found["indent"]) or "|" in found["mark"], un)
    begins = _BEGINS.fullmatch(line.rstrip("\n"))
    if begins and re.search(r"[<@]|:\s*\Z", begins["value"]) and len(line) < 200:
        name = _KNOWN[re.sub(r"[ -]?by$", "-by", begins["name"].lower())]
        person, rest = _person(f"{begins['value'].strip(' ,:')} {following}".strip())
        return _Tag(name, person, rest, "has no colon behind its name", line[:1].isspace())
    return None


def _named(name: str, value: str) -> tuple[str, str, bool] | None:
    """The tag that a field's name means, what is odd about it, and whether it takes it back.

    ``None`` for no tag.
    """
    folded = re.sub(r"[-_ ]+", "-", name.lower())
    if folded in ("fixes", "closes", "cc"):
        found = _suggestion(folded, value)
        return (*found, False) if found else None
    un = _NO_LONGER.match(folded)
    if un:
        folded = folded[un.end() :]
    hyphened = "-" in name or "-" not in folded
    found = _meant(name, folded, value, exact=hyphened and "_" not in name and " " not in name)
    return (*found, bool(un)) if found else None


def _meant(name: str, folded: str, value: str, *, exact: bool) -> tuple[str, str] | None:
    """The tag that a ``folded`` name means, and what is odd about it."""
    if folded in _SHORT and (value.strip() if "-" in folded else "@" in value):
        return _SHORT[folded], f"'{name}' is no tag"
    if not _STEM.match(folded):
        return None
    if folded in _KNOWN:
        return _KNOWN[folded], "" if exact else f"'{name}' is misspelt"
    if folded in _USUAL and exact:
        return folded.capitalize(), ""
    # "Caused by:" is a sentence, "Reviewd-by:" is not.
    like = get_close_matches(folded, _KNOWN, 1, 0.8)
    if folded.endswith("-by") and exact:
        if like and len(like[0]) - 2 <= len(folded) <= len(like[0]) + 2:
            return _KNOWN[like[0]], f"'{name}' is misspelt"
        meant = "@" in value or re.search("ack|review|test|sign|report|suggest", folded)
        return (folded.capitalize(), f"'{name}' is no tag that is known") if meant else None
    hyphened = "-" in name or "-" not in folded
    if like and (hyphened or "@" in value) and ("-" in folded or "@" in value):
        return _KNOWN[like[0]], f"'{name}' is misspelt"
    return None


def _suggestion(folded: str, value: str) -> tuple[str, str] | None:
    """Tags that name no giver, which a reviewer wants to see."""
    forms = {
        "fixes": r"(?:commit )?[0-9a-f]{7,40}\b.*",
        "closes": r"https?://\S+.*",
        "cc": r".*@.*",
    }
    if not re.fullmatch(forms[folded], value.strip()):
        return None
    return folded.capitalize(), "is suggested for the patch"


def _person(value: str) -> tuple[str, str]:
    """Who a tag names, and what stands behind."""
    bare = re.sub(r"<mailto:[^<>]*>", "", value).strip().strip("*_").strip()
    found = re.fullmatch(r"([^<>]*<[^<>]*>+|[^\s<>(),]+@[^\s<>(),]+)(.*)", bare)
    return (found[1].strip(), found[2].strip(" ,.;")) if found else (bare, "")


def _oddity(found: "re.Match[str]", name: str, person: str) -> str:
    """Why a tag with a good name is unclear, or empty."""
    if found["before"]:
        return "has a space before the colon"
    if not person:
        return "names nobody"
    if not found["after"]:
        return "has no space behind the colon"
    if not name.isascii():
        return "is misspelt"
    problem = addresses.problem(person)
    return f"its address {problem}" if "address" not in problem and problem else problem


def _paragraphs(lines: Sequence[_Line]) -> Iterator[tuple[int, int]]:
    """Where the writer's own paragraphs are: (first index, index behind)."""
    start = 0
    for at in range(len(lines) + 1):
        if at == len(lines) or lines[at].kind != lines[start].kind:
            if at > start and lines[start].kind in ("text", "below"):
                yield start, at
            start = at


def _sentence_mentions(
    whole: _Text, paragraph: tuple[int, int], taken: set[int], given: Sequence[int]
) -> Iterator[Mention]:
    """Withdrawals, tags given again and refusals of a paragraph.

    ``taken`` are the lines that are tags, ``given`` those of tags that are given.
    """
    own = [line for line in whole.lines[slice(*paragraph)] if line.number not in taken]
    text = "\n".join(line.text for line in own)
    at = line = 0
    for sentence in tag_words.sentences(text):
        start = text.find(sentence, at)
        line += text.count("\n", at, start)
        at = start
        said = tag_words.taken_back(sentence)
        if said is None:
            continue
        there = own[min(line + _offset(sentence), len(own) - 1)]
        quote = whole.quoted(paragraph[0] - 1)
        if not quote.tags and not any(number < there.number for number in given):
            if said.needs and quote.there and not quote.talks:
                continue  # "Cancel that." is about the code that is quoted
            if said.needs == "tag" or (said.needs and quote.there):
                said = replace(said, doubt=said.words)
        if there.kind == "below":
            said = replace(said, doubt=said.words)
        yield _said(said, there, quote.tags, sentence)


def _offset(sentence: str) -> int:
    """The line of a sentence, from 0, that has the words that count."""
    pieces = sentence.split("\n")
    for at in range(min(len(pieces), _NEAR)):
        if tag_words.taken_back("\n".join(pieces[: at + 1])):
            return at
    return len(pieces) - 1


def _said(said: TakenBack, line: _Line, quoted: tuple[str, ...], sentence: str) -> Mention:
    kind: Kind = "nak" if said.nak else "again" if said.again else "withdrawn"
    return Mention(
        kind=kind,
        name=said.name,
        person="",
        line=line.number,
        text=line.text,
        words=said.words,
        condition=said.doubt,
        scope=tag_words.scope(sentence, linked=bool(_FROM_PATCHES.search(sentence))),
        quoted=quoted,
        pointing=said.pointing,
        whole_line=False,
    )


def _loose_mentions(whole: _Text, taken: set[int], given: set[str]) -> Iterator[Mention]:
    """Tags within sentences, and tags that are only said."""
    count = 0
    for at, line in enumerate(whole.lines):
        if line.kind not in ("text", "below", "signature") or line.number in taken:
            continue
        found = _loose(whole, at, given)
        if found is None:
            continue
        name, person, why = found
        count += 1
        made = Mention(
            kind="nak" if name == "Nacked-by" else "given",
            name=name,
            person=person,
            line=line.number,
            text=line.text,
            unclear=why,
            scope=tag_words.scope(line.text),
            whole_line=False,
        )
        if count <= _MOST_TAGS:
            made = replace(made, condition=_condition(whole, at, whole.around(at)))
        yield made


def _loose(whole: _Text, at: int, given: set[str]) -> tuple[str, str, str] | None:
    """Name, person and what is unclear of a tag in a line that is not one."""
    text = whole.lines[at].text
    if not _MAY_SAY.search(text):
        return None
    if found := _WITHIN.search(text):
        name = _KNOWN.get(found["name"].lower(), found["name"].capitalize())
        return name, _person(found["value"].strip())[0], "stands inside a sentence"
    if (found := _SAID.search(text)) or (found := _alone(whole, at)):
        name = tag_words.tag_name(found["tag"] or found["me"])
        # "you can add my", and then the tag
        return None if name in given else (name, "", "is only said in a sentence")
    if found := _BEGINS.match(text):
        name = _KNOWN[re.sub(r"[ -]?by$", "-by", found["name"].lower())]
        return name, "", "is only said in a sentence"
    return None


def _alone(whole: _Text, at: int) -> "re.Match[str] | None":
    """A tag that is said in a line of its own: not in the last line of a paragraph."""
    found = _BARE.fullmatch(whole.lines[at].text)
    if found is None or (at and whole.lines[at - 1].kind == whole.lines[at].kind):
        return None
    behind = whole.lines[at + 1 : at + 2]
    short = all(line.kind != "text" or len(line.text.split()) <= 3 for line in behind)
    return found if short else None


def _lines(text: str) -> list[_Line]:
    """The lines of a text, each with what it is part of."""
    raw = [line[:_LONGEST_LINE] for line in text.split("\n")]
    kinds: list[_LineKind] = [
        "blank" if not line.strip() else "quote" if _QUOTE.match(line) else "text" for line in raw
    ]
    _mark_forwarded(raw, kinds)
    _mark_commits(raw, kinds)
    _mark_diffs(raw, kinds)
    _mark_signatures(raw, kinds)
    _mark_below(raw, kinds)
    return [
        _Line(number, kind, line)
        for number, (line, kind) in enumerate(zip(raw, kinds, strict=True), 1)
    ]


def _mark_forwarded(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    """Below "Original Message" or a block of headers everything is another mail's."""
    for at, line in enumerate(raw):
        if kinds[at] != "text" or (":" not in line and "--" not in line):
            continue
        if _ORIGINAL.match(line) or _is_header(raw[at : at + 8]):
            for below in range(at, len(raw)):
                if kinds[below] == "text":
                    kinds[below] = "forwarded"
            return


def _is_header(lines: Sequence[str]) -> bool:
    """Whether the header of a mail begins here, as Outlook puts it above what it quotes."""
    first = MAIL_HEADER.match(lines[0])
    if not first or first["name"].lower() not in _FROM:
        return False
    names = {found["name"] for one in lines if (found := MAIL_HEADER.match(one))}
    return len(names) >= 3


def _mark_below(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    """What stands below "On DATE, NAME wrote:" without a mark, where that is a patch."""
    for at, line in enumerate(raw):
        if kinds[at] != "text" or not _ATTRIBUTION.match(line):
            continue
        end = _attributed(raw, at)
        below = range(end, len(raw))
        if not end or any(kinds[one] == "quote" for one in below):
            continue
        if any(kinds[one] == "diff" or "signed-off-by:" in raw[one].lower() for one in below):
            for one in below:
                if kinds[one] == "text":
                    kinds[one] = "below"
            return


def _attributed(raw: Sequence[str], at: int) -> int:
    """The line behind an attribution that begins at ``at``; 0 where none does."""
    for end in range(at + 1, min(at + 4, len(raw))):
        words = " ".join(raw[at:end])
        if len(words) <= 500 and re.search(r"\d|@", words) and ON_DATE.match(words):
            return end
    return 0


def _mark_commits(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    """What git log shows of a commit: its header, and its message, indented."""
    inside = False
    for at, line in enumerate(raw):
        if kinds[at] not in ("text", "blank"):
            inside = False
        elif (
            "commit" in line
            and _COMMIT.match(line)
            and re.match(
                r"\s*(?:Author|AuthorDate|Merge|Date):", raw[at + 1] if at + 1 < len(raw) else ""
            )
        ):
            inside = True
        elif inside and kinds[at] == "text" and not re.match(r"\s+|\w+:\s", line):
            inside = False
        if inside and kinds[at] == "text":
            kinds[at] = "log"


def _mark_diffs(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    """Diffs of the writer's own, with the commit message above them."""
    inside = False
    for at, line in enumerate(raw):
        if kinds[at] not in ("text", "blank"):
            inside = False
        elif not inside and kinds[at] == "text" and _DIFF.match(line):
            inside = True
            _mark_message(raw, kinds, at)
        elif inside and (line == "-- " or not _IN_DIFF.match(line)):
            inside = False
        if inside and kinds[at] == "text":
            kinds[at] = "diff"


def _mark_message(raw: Sequence[str], kinds: list[_LineKind], at: int) -> None:
    """The tags of a commit message above a diff: only they, ``---`` and a diffstat between."""
    block: list[int] = []
    marked = False
    for above in range(at - 1, -1, -1):
        if kinds[above] == "blank" and not (marked and block and _is_tag(raw, block[-1])):
            continue
        if kinds[above] != "text":
            break
        if _STAT.match(raw[above]) or _tag(raw[above]) is not None:
            block.append(above)
            marked = marked or raw[above].rstrip() == "---"
        else:
            break
    signed = any("signed-off-by" in raw[one].lower() for one in block)
    for one in block if marked or signed else []:
        kinds[one] = "diff"


def _is_tag(raw: Sequence[str], at: int) -> bool:
    return _tag(raw[at]) is not None


def _mark_signatures(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    for at, line in enumerate(raw):
        if line != "-- " or kinds[at] != "text":
            continue
        for below in range(at, min(len(raw), at + _LONGEST_SIGNATURE)):
            if kinds[below] == "quote":
                break
            if kinds[below] == "text":
                kinds[below] = "signature"
