"""What the words around a tag say: a condition, which patches it is for, that it is taken back.

Pure; English only, as the lists are.  In doubt a tag is not taken for given: what is found
here is shown with its words, and the user decides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Names of tags as people write them in sentences.
TAG_WORDS = (
    r"(?P<tag>(?:acked|reviewed|tested|nacked)[- ]?by|n?acks?|a-b|r-b|t-b|rb|rvb|r-?bs?"
    r"|review(?: tag)?|tags?)"
)
_DONE = (
    r"(?:fixed|addressed|changed?|changes|done|resolved|corrected|updated|removed|added|dropped"
    r"|squashed|clarified|renamed|sorted|in place|taken care of|nits?|comments?|remarks?|fix(?:es)?"
    r"|fixups?|modifications?|tweaks?|caveats?)"
)
_CONDITION = re.compile(
    rf"\bwith\b[^.\n]{{0,80}}?\b{_DONE}\b"
    r"|\b(?:other than|apart from|aside from|except for|besides)"
    r" (?:that|this|those|these|the|my|it)"
    r"|\botherwise\b"
    r"|\bif (?:you|we|that|this|it|the|there|nobody|no one|everyone|others?|not)\b"
    r"|\b(?:assuming|provided|providing|modulo|unless|as long as|subject to|conditional|pending)\b"
    r"|\bafter (?:fixing|addressing|changing|that|this|those|these|you|the|it)\b"
    rf"|\b(?:once|when) (?:you|that|this|those|these|it|the)\b[^.\n]{{0,60}}?\b{_DONE}\b"
    r"|\bonce (?:you|that's|that is|this is|it's|it is)\b",
    re.IGNORECASE,
)
_COUNTED = r"#?\d{1,4}(?:\s*/\s*\d{1,4})?"
_LIST = (
    rf"{_COUNTED}(?:(?:\s*(?:,|&|-|\u2013|\.\.+)\s*|,?\s*(?:and|to|through|till|plus)\s+)"
    r"#?\d{1,4}(?:/\d{1,4})?)*"
)
_PATCHES = re.compile(
    rf"(?P<but>\b(?:except|excluding|but|without|not)\b[^.\d]{{0,20}})?"
    rf"(?:\bpatch(?:es)?(?:\s*(?:number|no\.|nr\.?))?\s*(?P<named>{_LIST})"
    rf"|\bfor\s+(?P<plain>{_LIST})(?=\s*(?:[,;:)\]]|\.(?!\d)|only\b|too\b|\Z))"
    r"|(?<![\w/.])(?P<counted>0*\d{1,3}/\d{1,3}(?:(?:\s*,\s*|\s*(?:,\s*)?and\s+)"
    r"\d{1,3}/\d{1,3})*)(?![\w/]))",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\bthe\s+(?:first|1st)\s+(?:(?P<count>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)\s+)?"
    r"patch(?:es)?\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:(?:the|this|whole|entire|full|complete) (?:whole |entire |full |complete )?"
    r"(?:patch ?)?(?:series|set|patchset|lot)|all (?:the |of the |these |of these |\d+ )?patches"
    r"|all of (?:them|it))\b",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(r"\b(?:previous|preceding|prior) (?:one|patch)\b", re.IGNORECASE)
_THIS = re.compile(r"\bthis (?:patch|one)\b", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/:.<])(?:[\w.+-]+/)+[\w.+*-]*(?![\w@])")
_PART = re.compile(
    r"\bfor (?:the |my )?(?P<what>[\w/+.-]+(?: [\w/+.-]+){0,2}?)[ -]"
    r"(?:parts?|bits?|changes?|side|pieces?|portions?|hunks?|drivers?|subsystem|code|patch(?:es)?)\b",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"[#\[(]\s*(?:for )?(?:the )?(?P<what>[\w+.-]{2,30})\s*[\])]?\s*\Z", re.IGNORECASE
)
_COMPARES = re.compile(
    r"\b(?:same|similar|like|see|as) (?:\w+ ){0,4}(?:in|for|on|to|of)?\s*\Z", re.IGNORECASE
)
# The sentence is about the tag: it leads to it, begins with what it is for, or praises patches.
_LINKED = re.compile(
    r"[:,]\s*\Z|\A\W*(?:\w+\W+){0,2}?for\b|\A\W*(?:that|this|only|the tag|applies|my)\b.*\bfor\b"
    r"|\bpatch(?:es)?\b.*\b(?:looks?|seems?|is|are|lgtm)\b"
    r"|\A\W*(?:only |all )?patch(?:es)?\b[^.]{0,40}\Z",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thank\w*|thx|sorry|sending|posting|working on)\b", re.IGNORECASE)
_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NO_PART = frozenset(
    {
        *("this", "that", "all", "these", "whole", "entire", "your", "v", "other", "remaining"),
        *("everything", "first", "last", "second"),
    }
)

_OWN = r"(?:my|this|that|these|those|all my|the above|(?:my |the )?(?:previous|earlier|last))"
_TAKE_BACK = re.compile(
    r"(?P<not>\b(?:don'?t|do not|not|never|un-?|no need to|needn'?t|without)[ -]?(?:\w+ ){0,2}?)?"
    r"(?:\b|(?<=un))(?:(?:cancel(?:l?ing|l?ed|s)?|retract(?:ing|ed|s)?|withdr(?:aw(?:ing|n|s)?|ew)"
    r"|revok(?:e|ing|ed|es)|rescind(?:ing|ed|s)?|remov(?:e|ing|ed)|dropp?(?:ing|ed)?|ignor(?:e|ing)"
    r"|disregard(?:ing)?|scratch|discard(?:ing)?|forget|delete|strip)"
    rf"(?:\s+(?:about|out|also|then|now))?\s+(?:(?P<own>{_OWN})\s+)?{TAG_WORDS}\b"
    rf"|tak(?:e|ing)\s+back\s+(?:{_OWN}\s+){TAG_WORDS.replace('<tag>', '<tag2>')}\b"
    rf"|tak(?:e|ing)\s+(?:{_OWN}\s+){TAG_WORDS.replace('<tag>', '<tag3>')}\s+back\b)"
    r"|\b(?P<un>un-?(?:ack|review)(?:ed|ing)?)\b(?!\s+your)"
    rf"|\bmy\s+{TAG_WORDS.replace('<tag>', '<tag4>')}\s+(?:no longer|does not|doesn'?t"
    r"|is (?:hereby )?(?:withdrawn|cancell?ed|retracted|revoked|void))\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    rf"\b(?:un-?(?:cancel|retract|withdraw)(?:l?ed|l?ing|ing|ed)?|re-?instat(?:e|ing|ed)"
    rf"|restor(?:e|ing|ed)|re-?add(?:ing|ed)?|keep|renew(?:ing|ed)?)\s+(?:my|this|that)\s+"
    rf"(?:previous |earlier )?{TAG_WORDS}\b",
    re.IGNORECASE,
)
_NAK = re.compile(
    r"\A\W*(?:(?:so|but|sorry|hard|strong|big|clear|also|still|again|and|then|well)\b[\s,:;-]*)*"
    r"N(?:A|AC)K(?:ed)?(?:\W*\Z|\W*[.,:;!]|\W+(?:on|for|to|from|as|this|that|because|until|unless"
    r"|with|again|here)\b)"
    r"|\b(?:my|(?:a|this is an?)(?: \w+)?|I(?:'?ll| will| have to| must)?) N(?:A|AC)K\b"
    r"|\bconsider (?:this|it) (?:as )?(?:a |an )?(?:\w+ )?N(?:A|AC)K"
    r"|\bN(?:A|AC)Ked[- ]by[- ](?:me|myself)\b",
)


@dataclass(frozen=True)
class Scope:
    """Which patches a tag is for; ``words`` say so, empty where nothing does.

    ``numbers`` are patches by number (``without``: all but these), ``parts`` paths or
    words that stand for a subsystem, ``this`` the patch that is answered, ``back`` those
    so many before it.  ``count`` is how many patches there are, where the words say so
    ("3/17"), 0 else; ``linked``: the words are surely about the tag.
    """

    words: str = ""
    numbers: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()
    this: bool = False
    back: tuple[int, ...] = ()
    whole: bool = False
    count: int = 0
    linked: bool = False


@dataclass(frozen=True)
class TakenBack:
    """A tag that its giver takes back, or gives again: ``name`` of it, empty for any."""

    words: str
    name: str
    again: bool = False
    nak: bool = False
    pointing: bool = False
    doubt: str = ""


def sentences(text: str) -> Iterator[str]:
    """The sentences of a paragraph."""
    yield from (one.strip() for one in re.split(r"(?<=[.!?])\s+|(?<=[:;])\n", text) if one.strip())


def condition(text: str) -> str:
    """The words of ``text`` that make a tag depend on something, or empty."""
    for sentence in sentences(text):
        if len(sentence) <= 2000 and _CONDITION.search(sentence):
            return " ".join(sentence.split())
    return ""


def scope(text: str, *, mark: bool = False) -> Scope:
    """Which patches the words of ``text`` name; ``mark``: it stands behind the tag itself."""
    flat = " ".join(text.split())
    if len(flat) > 2000:
        return Scope()
    numbers, without = _numbers(flat)
    parts: list[str] = []
    if not (numbers or without):  # else they only say what the numbers are
        parts += [found[0].rstrip("/.") for found in _PATH.finditer(flat) if _real_path(found[0])]
        parts += [found["what"] for found in _PART.finditer(flat) if _is_part(found["what"])]
    if mark and not (numbers or without or parts) and (found := _MARK.search(flat)):
        parts += [found["what"]] if not _ALL.search(flat) and _is_part(found["what"]) else []
    counts = [int(found) for found in re.findall(r"(?<![\w/])\d{1,3}/(\d{1,3})(?![\w/])", flat)]
    made = Scope(
        flat,
        tuple(dict.fromkeys(numbers)),
        tuple(dict.fromkeys(without)),
        tuple(dict.fromkeys(parts)),
        bool(_THIS.search(flat)),
        (1,) if _PREVIOUS.search(flat) else (),
        bool(_ALL.search(flat)) and not _THANKS.search(flat),
        max(counts, default=0),
        mark or bool(_LINKED.search(flat)),
    )
    named = (made.numbers, made.without, made.parts, made.back)
    return made if any(named) or made.whole else Scope()


def _numbers(text: str) -> tuple[list[int], list[int]]:
    numbers: list[int] = []
    without: list[int] = []
    for found in _PATCHES.finditer(text):
        if _COMPARES.search(text[max(0, found.start() - 40) : found.start()]):
            continue
        listed = found["named"] or found["plain"] or found["counted"]
        (without if found["but"] else numbers).extend(_listed(listed))
    for found in _FIRST.finditer(text):
        count = (found["count"] or "1").lower()
        many = _NUMBERS.index(count) + 2 if count in _NUMBERS else int(count)
        numbers += range(1, min(many, 999) + 1)
    return numbers, without


def _listed(text: str) -> Iterator[int]:
    """The numbers of "1, 3 and 5-7": a counter's second number is how many there are."""
    bare = re.sub(r"(\d)\s*/\s*\d+", r"\1", text)
    pieces = re.findall(r"(\d+)(?:\s*(-|\u2013|\.\.+|to\b|through\b|till\b)\s*#?(\d+))?", bare)
    for first, dash, last in pieces:
        if dash and int(first) <= int(last) <= 9999:
            yield from range(int(first), min(int(last), int(first) + 999) + 1)
        else:
            yield int(first)


def _real_path(text: str) -> bool:
    """Whether it is a path, not "and/or" or a counter."""
    pieces = [piece for piece in text.split("/") if piece]
    return len(pieces) > 1 and text.islower() and not text[0].isdigit() and text != "and/or"


def _is_part(what: str) -> bool:
    first = what.split()[0].lower()
    return first not in _NO_PART and not first[0].isdigit()


def taken_back(sentence: str) -> TakenBack | None:
    """What ``sentence`` says of its writer's own tags or against the patch, or ``None``."""
    flat = " ".join(sentence.split())
    if len(flat) > 2000:
        return None
    if found := _AGAIN.search(flat):
        doubt = flat if flat.endswith("?") or _CONDITION.search(flat) else ""
        return TakenBack(flat, tag_name(found["tag"]), again=True, doubt=doubt)
    if found := _TAKE_BACK.search(flat):
        return None if found["not"] else _taking_back(flat, found)
    if _NAK.search(flat) and not flat.endswith("?"):
        return TakenBack(flat, "", nak=True, doubt=condition(flat))
    return None


def _taking_back(flat: str, found: "re.Match[str]") -> TakenBack | None:
    groups = ("tag", "tag2", "tag3", "tag4", "un")
    word = next((found[group] for group in groups if found[group]), "")
    own = (found["own"] or "").lower()
    bare = bool(found["tag"]) and not own
    if tag_name(word) == "Nacked-by" or (bare and not tag_name(word)):
        return None
    doubt = flat if flat.endswith("?") or _CONDITION.search(flat) else ""
    pointing = bare or own in ("this", "that", "these", "those", "the above")
    return TakenBack(flat, tag_name(word), pointing=pointing, doubt=doubt)


def tag_name(word: str) -> str:
    """The tag that a word of a sentence means ("ack", "r-b"); empty for any."""
    folded = word.lower().removeprefix("un-").removeprefix("un")
    for stems, name in (
        (("ack", "a-b"), "Acked-by"),
        (("review", "r-b", "rb", "rvb"), "Reviewed-by"),
        (("test", "t-b"), "Tested-by"),
        (("nack",), "Nacked-by"),
    ):
        if folded.startswith(stems):
            return name
    return ""
