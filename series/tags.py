"""Tags in the text of a reply: given, taken back, under a condition, for some patches, unclear.

Pure.  Every line of the writer's own that looks like a tag is in one mention; lines that
are quoted with ``>`` are nobody's gift.  How tags are written is what
Documentation/process/submitting-patches.rst says.  b4 and liblore have parsers of their own
(``find_trailers``); they are not used, because they pass over in silence what they do not
take, and do not say in which line it was.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from series import addresses, tag_words
from series.tag_words import Scope, TakenBack

Kind = Literal["given", "withdrawn", "again", "nak", "elsewhere"]
# "elsewhere": in a commit or diff that the mail shows; "words": only said in a sentence.
_LineKind = Literal["text", "quote", "blank", "diff", "log", "forwarded", "signature"]

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
# A paragraph without any of these takes nothing back.
_TALK = re.compile(r"ack|nak|r-?b|a-b|t-b|rvb|review|tested|tag", re.IGNORECASE)
# Robots put "| " in front of the tags that they ask for; that is no quote.
_QUOTE = re.compile(r"[ \t]?(?:[A-Za-z]{0,10}>[ \t]?)+")
_DIFF = re.compile(r"diff --git |Index: \S+$|--- (?:[ab]/|/dev/null)\S*|\+\+\+ [ab]/|@@ -\d")
_IN_DIFF = re.compile(
    r"[ +@\\-]|diff |index |new file|deleted file|old mode|new mode|rename |copy |similarity "
    r"|dissimilarity |Binary files|GIT binary|[A-Za-z]\S{20,}$|literal |delta |$"
)
_COMMIT = re.compile(r"\s*commit [0-9a-f]{7,64}\b")
_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(?:original (?:message|mail)|forwarded message|urspr\S+ \S+)\b", re.IGNORECASE
)
_ABOVE = ("from", "orig", "forw", "ursp")
_HEADER = re.compile(r"\*?(?:From|Sent|Date|To|Cc|Subject)\*?:\s", re.IGNORECASE)
_STAT = re.compile(r" \S.* \|\s+\d+|\s\d+ files? changed|---$|\s*(?:create|delete|rename) ")
# Nobody signs a mail with more; a signature ends at the next quote, too.
_LONGEST_SIGNATURE = 20
# RFC 5322, 2.1.1; what is longer is no tag, and would take long to look at.
_LONGEST_LINE = 998
# So far from a tag its paragraph is looked at.
_NEAR = 40


@dataclass(frozen=True)
class Mention:
    """One thing a mail says of a tag.

    ``name`` is the tag as it should be written ("Acked-by"), empty for any; ``person`` as
    written; ``line`` the line of the text from 1, ``text`` that line.  ``words`` say what
    the state follows from: of a withdrawal the sentence.  ``condition`` are the words of a
    condition, ``unclear`` why it cannot be taken as it stands.  ``quoted`` are the tags
    ("Acked-by: Ann <...>") quoted right above.  ``whole_line``: the line is nothing else.
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


@dataclass(frozen=True)
class _Line:
    number: int
    kind: _LineKind
    text: str


@dataclass(frozen=True)
class _Tag:
    """A line that looks like a tag, taken apart."""

    name: str
    person: str
    rest: str
    unclear: str
    indented: bool


def mentions(text: str) -> tuple[Mention, ...]:
    """What ``text``, the plain text of a reply, says of tags, in the order of its lines."""
    lines = _lines(text)
    found = [*_tag_mentions(lines)]
    taken = {mention.line for mention in found}
    given = {mention.name for mention in found if mention.kind == "given"}
    for paragraph in _paragraphs(lines):
        found += _sentence_mentions(lines, paragraph, taken)
    taken = {mention.line for mention in found}
    found += _loose_mentions(lines, taken, given)
    return tuple(sorted(found, key=lambda mention: mention.line))


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


def _tag_mentions(lines: Sequence[_Line]) -> Iterator[Mention]:
    """The lines that are tags, each with what stands around it."""
    for at, line in enumerate(lines):
        if line.kind in ("quote", "blank"):
            continue
        following = _joined(lines, at)
        tag = _tag(line.text.strip() if line.kind == "log" else line.text, following)
        if tag is None:
            continue
        if line.kind in ("diff", "log", "forwarded"):
            where = {"diff": "a diff", "log": "a commit", "forwarded": "another mail"}[line.kind]
            yield Mention(
                "elsewhere", tag.name, tag.person, line.number, line.text, f"is part of {where}"
            )
            continue
        yield _mention(lines, at, tag)


def _mention(lines: Sequence[_Line], at: int, tag: _Tag) -> Mention:
    line = lines[at]
    around = _around(lines, at)
    rest = " ".join([tag.rest, _bracketed(lines, at)]).strip()
    unclear = "stands in the signature" if line.kind == "signature" else tag.unclear
    condition = tag_words.condition(rest) or next(filter(None, map(_condition, around)), "")
    return Mention(
        kind="nak" if tag.name == "Nacked-by" else "given",
        name=tag.name,
        person=tag.person,
        line=line.number,
        text=line.text,
        condition=condition,
        unclear=unclear,
        scope=tag_words.scope(rest, mark=True) if rest else _scope(around),
        indented=tag.indented,
    )


def _condition(text: str) -> str:
    return tag_words.condition(text)


def _scope(around: Sequence[str]) -> Scope:
    """The scope that the nearest words before, or behind, a tag give it."""
    before, beside, behind = around
    for text in (beside, before):
        for sentence in [*tag_words.sentences(text)][::-1]:
            if (found := tag_words.scope(sentence)).words:
                return found
    if re.match(r"\W*(?:for|that|this|only|the tag|applies|my|on|but)\b", behind, re.IGNORECASE):
        return tag_words.scope(behind)
    return Scope()


def _around(lines: Sequence[_Line], at: int) -> tuple[str, str, str]:
    """The sentence before a tag's paragraph, the paragraph without tags, the sentence behind."""
    start = at
    while start > max(0, at - _NEAR) and lines[start - 1].kind == lines[at].kind:
        start -= 1
    end = at + 1
    while end < min(len(lines), at + _NEAR) and lines[end].kind == lines[at].kind:
        end += 1
    own = [line.text for line in lines[start:end] if _tag(line.text) is None]
    before, behind = _nearest(lines, start - 1, -1), _nearest(lines, end, 1)
    first, last = [*tag_words.sentences(behind)][:1], [*tag_words.sentences(before)][-1:]
    return "".join(last), "\n".join(own), "".join(first)


def _nearest(lines: Sequence[_Line], at: int, step: int) -> str:
    """The paragraph before or behind a blank; empty where a quote comes first, or a tag."""
    while 0 <= at < len(lines) and lines[at].kind == "blank":
        at += step
    found: list[str] = []
    while 0 <= at < len(lines) and lines[at].kind == "text" and _tag(lines[at].text) is None:
        if len(found) == _NEAR:
            break
        found.append(lines[at].text)
        at += step
    return "\n".join(found[::step])


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
        name, odd = named
        value = found["value"].strip()
        if following and "@" not in value:
            value = f"{value} {following}"
        person, rest = _person(value)
        why = odd or _oddity(found, name, person)
        if re.search(r"<[^<>]*@", rest):
            why = why or "names more than one"
        return _Tag(name, person, rest, why, bool(found["indent"]) or "|" in found["mark"])
    begins = _BEGINS.fullmatch(line.rstrip("\n"))
    if begins and re.search(r"[<@]|:\s*\Z", begins["value"]) and len(line) < 200:
        name = _KNOWN[re.sub(r"[ -]?by$", "-by", begins["name"].lower())]
        person, rest = _person(f"{begins['value'].strip(' ,:')} {following}".strip())
        return _Tag(name, person, rest, "has no colon behind its name", line[:1].isspace())
    return None


def _named(name: str, value: str) -> tuple[str, str] | None:
    """The tag that a field's name means, and what is odd about it; ``None`` for no tag."""
    folded = re.sub(r"[-_ ]+", "-", name.lower())
    hyphened = "-" in name or "-" not in folded
    if folded in ("fixes", "closes", "cc"):
        return _suggestion(folded, value)
    if folded in _SHORT and (value.strip() if "-" in folded else "@" in value):
        return _SHORT[folded], f"'{name}' is no tag"
    if not _STEM.match(folded):
        return None
    if folded in _KNOWN:
        exact = hyphened and "_" not in name and " " not in name
        return _KNOWN[folded], "" if exact else f"'{name}' is misspelt"
    # "Caused by:" is a sentence, "Reviewd-by:" is not.
    like = get_close_matches(folded, _KNOWN, 1, 0.8)
    if folded.endswith("-by") and hyphened and " " not in name:
        close = like and len(like[0]) - 2 <= len(folded) <= len(like[0]) + 2
        return (_KNOWN[like[0]], f"'{name}' is misspelt") if close else (folded.capitalize(), "")
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
        if at == len(lines) or lines[at].kind != "text":
            if at > start:
                yield start, at
            start = at + 1


def _sentence_mentions(
    lines: Sequence[_Line], paragraph: tuple[int, int], taken: set[int]
) -> Iterator[Mention]:
    """Withdrawals, tags given again and refusals of a paragraph."""
    own = [line for line in lines[slice(*paragraph)] if line.number not in taken]
    text = "\n".join(line.text for line in own)
    if not _TALK.search(text):
        return
    at = 0
    for sentence in tag_words.sentences(text):
        at = text.find(sentence, at)
        said = tag_words.taken_back(sentence)
        if said is None:
            continue
        line = own[min(text.count("\n", 0, at) + _offset(sentence), len(own) - 1)]
        yield _said(said, line, _quoted_above(lines, paragraph[0]), sentence)


def _offset(sentence: str) -> int:
    """The line of a sentence, from 0, that has the words that count."""
    pieces = sentence.split("\n")
    for at in range(len(pieces)):
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
        scope=tag_words.scope(sentence),
        quoted=quoted,
        pointing=said.pointing,
        whole_line=False,
    )


def _quoted_above(lines: Sequence[_Line], at: int) -> tuple[str, ...]:
    """The tags in the quote right above a paragraph."""
    at -= 1
    while at >= 0 and lines[at].kind == "blank":
        at -= 1
    found = []
    while at >= 0 and lines[at].kind == "quote":
        content = _QUOTE.sub("", lines[at].text, count=1)
        if tag := _tag(content):
            found.append(f"{tag.name}: {tag.person}")
        at -= 1
    return tuple(found[::-1])


def _loose_mentions(lines: Sequence[_Line], taken: set[int], given: set[str]) -> Iterator[Mention]:
    """Tags within sentences, and tags that are only said."""
    for at, line in enumerate(lines):
        if line.kind not in ("text", "signature") or line.number in taken:
            continue
        if not re.search("by|my", line.text, re.IGNORECASE):
            continue
        if found := _WITHIN.search(line.text):
            name = _KNOWN.get(found["name"].lower(), found["name"].capitalize())
            person, why = _person(found["value"].strip())[0], "stands inside a sentence"
        elif found := _SAID.search(line.text):
            name = tag_words.tag_name(found["tag"] or found["me"])
            person, why = "", "is only said in a sentence"
            if name in given:  # "you can add my", and then the tag
                continue
        elif found := _BEGINS.match(line.text):
            name = _KNOWN[re.sub(r"[ -]?by$", "-by", found["name"].lower())]
            person, why = "", "is only said in a sentence"
        else:
            continue
        before, beside, behind = _around(lines, at)
        yield Mention(
            kind="nak" if name == "Nacked-by" else "given",
            name=name,
            person=person,
            line=line.number,
            text=line.text,
            condition=next(filter(None, map(_condition, (beside, before, behind))), ""),
            unclear=why,
            scope=tag_words.scope(line.text),
            whole_line=False,
        )


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
    return [
        _Line(number, kind, line)
        for number, (line, kind) in enumerate(zip(raw, kinds, strict=True), 1)
    ]


def _mark_forwarded(raw: Sequence[str], kinds: list[_LineKind]) -> None:
    """Below "Original Message" or a block of headers everything is another mail's."""
    for at, line in enumerate(raw):
        if kinds[at] != "text" or line.lstrip(" *-").lower()[:4] not in _ABOVE:
            continue
        if _ORIGINAL.match(line) or _is_header(raw[at : at + 6]):
            for below in range(at, len(raw)):
                if kinds[below] == "text":
                    kinds[below] = "forwarded"
            return


def _is_header(lines: Sequence[str]) -> bool:
    """Whether the header of a mail begins here, as Outlook puts it above what it quotes."""
    if not lines[0].lower().lstrip("*").startswith("from:"):
        return False
    names = {found[0].strip("* :\t").lower() for one in lines if (found := _HEADER.match(one))}
    return len(names) >= 3


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
