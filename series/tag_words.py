"""What the words around a tag say: a condition, which patches it is for, that it is taken back.

Pure; English only, as the lists are.  In doubt a tag is not taken for given: what is found
here is shown with its words, and the user decides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from series import nak_words

# Names of tags as people write them in sentences.
TAG_WORDS = (
    r"(?P<tag>(?:acked|reviewed|tested|nacked)[- ]?by|n?acks?|a-b|r-b|t-b|rb|rvb|r-?bs?"
    r"|review(?: tag)?|tags?)"
)
# What was done to a patch, and things in it: "with that fixed", "with the nits".
# A longer sentence says nothing that could be understood.
_LONGEST = 2000
# A sentence without any of these takes nothing back.
_TALK = re.compile(
    r"ack|nak|r-?b|a-b|t-b|rvb|review|tested|tag|back|cancel|scrap|scratch|revoke|retract|withdr"
    r"|rescind|strike|disregard|forget|ignore|void",
    re.IGNORECASE,
)
_DONE = (
    r"(?:fixed|addressed|changed|done|resolved|corrected|updated|removed|added|dropped|squashed"
    r"|clarified|renamed|sorted|applied|folded|reworded|incorporated|adjusted|mentioned|in place"
    r"|taken care of)"
)
_FAULTS = (
    r"(?:nits?|comments?|remarks?|fix(?:es)?|fixups?|changes?|modifications?|tweaks?|caveats?)"
)
_WITH = rf"\bwith (?!no\b|or without\b)[^.\n]{{0,80}}?\b(?:{_DONE}\b"
_WITH_DONE = re.compile(
    _WITH + rf"|{_FAULTS}(?=\W*\Z|\W+(?:below|above|inline|you|feel|please|add|I|here|it is|this is"
    r"|looks?|ack)\b))",
    re.IGNORECASE,
)
# Such a sentence says what was tried: "With this change my board boots."
_TRIED = re.compile(
    r"\b(?:boots?|booted|works?|worked|runs?|ran|compiles?|compiled|builds?|built|pass(?:es|ed)"
    r"|survives?|survived|test(?:s|ed|ing)?)\b",
    re.IGNORECASE,
)
_FRIENDLY_IF = (
    r"(?:you|it|that|this|we) (?:want|like|wish|prefer|care|helps?|matters?|needs? (?:it|one)"
    r"|re-?(?:spin|send|post|roll)|(?:need|have|want|happen) to (?:re-?(?:spin|send|post|roll)"
    r"|send|post)|send|post)\b"
    # The robot of 01.org asks for the tag of a fix.
    r"|you fix the (?:issue|problem|bug|error|warning)s? in a separate\b"
)
_IF = (
    rf"\b(?<!even )if (?!{_FRIENDLY_IF})"
    r"(?:you|we|that|this|it|the|there|nobody|no one|everyone|others?|not"
    r"|\w+ (?:agrees?|approves?|acks?|confirms?|accepts?|is|are|has|have|does|can|could|would))\b"
    r"|\bonly (?:if|when|after|once)\b|\bbut if\b"
    r"|\b(?:assuming|provided|modulo|unless|as long as|subject to|conditional|pending)\b"
    r"|\bproviding (?:that|you|it|we|there|no)\b"
)
_OTHERWISE = re.compile(r"\botherwise\b", re.IGNORECASE)
_HYPOTHESIS = re.compile(rf"{_IF}|\botherwise\b", re.IGNORECASE)
_CONDITION = re.compile(
    rf"{_IF}|\b(?:other than|apart from|aside from|except for|besides)"
    r" (?:that|this|those|these|the|my|it)"
    r"|\bminus (?:the|that|this|those|these|my|a)\b"
    r"|\bafter (?:fixing|addressing|changing|that|this|those|these|you|the|it)\b"
    rf"|\b(?:once|when) (?:you|that|this|those|these|it|the)\b[^.\n]{{0,60}}?"
    rf"\b(?:{_DONE}|{_FAULTS})\b"
    r"|\bonce (?:you|that's|that is|this is|it's|it is)\b",
    re.IGNORECASE,
)
# The tag is only talked about.
_NOT_GIVEN = re.compile(
    r"\A\W*(?:\w+\W+){0,3}?not (?:just )?yet\W*\Z|\A\W*(?:(?:but|just) )?yet\W*\Z"
    r"|\buntil (?!now|today|yesterday|recently|last)|\bwould (?:be|read|have been)\W*\Z"
    r"|\b(?:do not|don['\u2019]?t|cannot|can['\u2019]?t|won['\u2019]?t|will not|should not"
    r"|must not) (?:\w+ )?(?:add|take|use|apply|carry|include|offer|give)(?: you)?"
    rf"(?: my\b|\W*\Z| (?:an?|the|this|any) {TAG_WORDS}\b)"
    r"|\bno (?:acks?|r-b|(?:acked|reviewed|tested)[- ]by)\b",
    re.IGNORECASE,
)
# What leads right to a tag: "With that:", "Please fix the typo, then:".
_LEADS_WITH = re.compile(
    r"\A\W*(?:(?:and|but|so|then|also|only)\b\W+){0,3}with (?!or without\b|no\b|me\b|us\b"
    r"|that (?:being )?(?:said|in mind|out of)|(?:\w+ ){0,2}(?:patch(?:es|set)?|series|version"
    r"|commits?|board|device|hardware|machine|kernel|gcc|clang|qemu|setup|config|laptop|system)\b"
    r"|(?:\w+ )?(?:regards|wishes|greetings))"
    r"(?:[^:]{1,200}[:,]|\W*(?:\w+\W+){0,5}\w+)\s*\Z",
    re.IGNORECASE,
)
_CHANGE = (
    r"(?:fix|rename|change|drop|remove|move|split|squash|update|correct|address|mention|use|make"
    r"|replace|reword|rewrite|rebase|respin|resend|repost|clarify|document|explain|convert|fold"
    r"|clean|sort|mark|check|test|do|add (?:an?|the|some|more|that|this|it))"
)
_LEADS_DEMAND = re.compile(
    r"(?:\A\W*(?:(?:nit|one nit|minor|but|so|and|ok|just|then)\b\W+){0,3}|\b(?:please|just"
    rf"|you (?:should|must|need to|have to)|(?:could|can) you) ){_CHANGE}\b"
    r"(?! (?:looks?|seems?|is|are|of|was|makes|works?|itself|in|for)\b).{0,300}?"
    r"(?:(?:\band|\bthen|[,:])\W*\Z|(?:\band|\bthen|,)\W+(?:then\W+)?(?:you|add|feel|take|here"
    r"|have|consider|I|it|apply|put)\b)",
    re.IGNORECASE,
)
_COUNTED = r"#?\d{1,4}(?:\s*/\s*\d{1,4})?"
_LIST = (
    rf"{_COUNTED}(?:(?:\s*(?:,|&|-|\u2013|\.\.+)\s*|,?\s*(?:and|to|through|till|plus)\s+)"
    r"#?\d{1,4}(?:/\d{1,4})?)*"
)
_PATCHES = re.compile(
    rf"(?P<but>\b(?:except|excluding|but|without|not|apart from|besides|minus|save)\b"
    rf"[^.\d]{{0,20}})?"
    rf"(?:\bpatch(?:es)?(?:\s*(?:number|no\.|nr\.?))?\s*(?P<named>{_LIST})"
    rf"|\bfor\s+(?P<plain>{_LIST})(?=\s*(?:[,;:)\]]|\.(?!\d)|only\b|too\b|\Z))"
    r"|(?<![\w/.])(?P<counted>0*\d{1,3}/\d{1,3}(?:(?:\s*,\s*|\s*(?:,\s*)?and\s+)"
    r"\d{1,3}/\d{1,3})*)(?![\w/]))",
    re.IGNORECASE,
)
_SOME = r"(?P<count>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)"
_ONES = r"(?:patch(?:es)?|ones?)\b"
_FIRST = re.compile(
    rf"\bthe\s+(?:first|1st)\s+(?:(?:{_SOME}\s+)?{_ONES}|{_SOME.replace('count', 'only')}"
    r"(?=\W*\Z|\s*[:,]))",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"(?P<but>\b(?:except|excluding|but|without|apart from|besides|minus|save)\s+(?:for\s+)?)?"
    rf"\bthe\s+(?:very\s+)?last\b(?:\s+{_SOME}\b)?(?:\s+(?P<ones>{_ONES}))?(?P<end>\W*\Z|\s*[:,])?",
    re.IGNORECASE,
)
_NTH = re.compile(
    r"\bthe\s+(?P<nth>second|third|fourth|fifth|sixth|seventh|eighth|ninth|2nd|3rd|[4-9]th"
    rf"|\d{{2}}th)\s+{_ONES}",
    re.IGNORECASE,
)
_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
# Some patches, said by what they are not.
_REST = re.compile(
    r"\b(?:the|all(?: the)?|any|every)\s+(?:(?:rest|remainder|others)\b|(?:other|remaining)\b"
    r"(?=\s+(?:\w+\s+)?(?:patch(?:es)?|ones?)\b|\s+(?:\d+|two|three|four|five|six|seven|eight|nine"
    r"|ten)\b|\W*\Z|\s*[:,]))|\beverything else\b|\ball else\b",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"\b(?:except(?:ing)?|excluding|apart from|aside from|but not|besides|minus)\b", re.IGNORECASE
)
_BAD = re.compile(
    r"\bnot\b|n['\u2019]t\b|\b(?:wrong|broken|bad|bogus|needs?|breaks?|fails?|missing|problem\w*"
    r"|buggy|issues?|confus\w+|unclear|ugly|conflicts?)\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?:(?:the|this|whole|entire|full|complete) (?:whole |entire |full |complete )?"
    r"(?:patch ?)?(?:series|set|patchset|lot)|all (?:the |of the |these |of these |\d+ )?patches"
    r"|all of (?:them|it))\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\b(?P<way>previous|preceding|prior|next|following)(?:\s+(?P<count>\d{1,2}|two|three|four|five"
    r"|six|seven|eight|nine|ten))?\s+(?:ones?|patch(?:es)?)\b",
    re.IGNORECASE,
)
_THIS = re.compile(
    r"\bthis (?:patch|one)\b|\bthis,? (?:and|as well as|plus)(?: also)? (?:the|its) (?:previous"
    r"|preceding|prior|next|following)\b",
    re.IGNORECASE,
)
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
# The sentence is about the tag: it leads to it, or begins with what it is for.
_LINKED = re.compile(
    r"[:,]\s*\Z|\A\W*(?:\w+\W+){0,2}?for\b|\A\W*(?:that|this|only|the tag|applies|my)\b.*\bfor\b"
    r"|\A\W*(?:only |all )?patch(?:es)?\b[^.]{0,40}\Z|\b(?:is|are)\s*\Z",
    re.IGNORECASE,
)
_PRAISE = re.compile(r"\bpatch(?:es)?\b.*\b(?:looks?|seems?|is|are|lgtm)\b", re.IGNORECASE)
_FOR = re.compile(r"\bfor (?:the |patch|#?\d)", re.IGNORECASE)
_RESTRICTS = re.compile(
    r"\W*(?:for|to|on|that|this|only|the tag|applies|my|but|except|excluding|apart|besides|minus"
    r"|not|without)\b",
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
    r"(?<![\w-])(?:(?P<past>cancell?ed|retracted|withdrew|withdrawn|revoked|rescinded|removed"
    r"|dropped|took back)|(?P<ing>cancell?ing|retracting|withdrawing|revoking|rescinding|removing"
    r"|dropping|ignoring|disregarding|discarding|taking back)|(?P<says>cancels|retracts|withdraws"
    r"|revokes|rescinds|drops|removes)|(?P<base>cancel|retract|withdraw|revoke|rescind|(?P<code>"
    r"remove|drop|delete|strip)|ignore|disregard|scratch|scrap|discard|forget|strike|take back))"
    r"(?:\s+(?:about|out|also|then|now))?\s+"
    rf"(?:(?P<own>{_OWN})\s+)?{TAG_WORDS}\b",
    re.IGNORECASE,
)
_TAKE_MINE_BACK = re.compile(
    rf"\b(?:(?P<ing>taking)|(?P<past>took)|(?P<base>take))\s+(?P<own>{_OWN})\s+{TAG_WORDS}\s+back\b",
    re.IGNORECASE,
)
_UN = re.compile(r"\b(?P<tag>un-?(?:ack|review)(?:ed|ing)?)\b(?!\s+your|-by)", re.IGNORECASE)
_VOID = r"(?:withdrawn|cancell?ed|retracted|revoked|rescinded|void)"
_GONE = (
    # "my ack is withdrawn", "Ack cancelled.", "consider my ack withdrawn"
    rf"\bmy\s+{TAG_WORDS}\s+(?:no longer|does not|doesn['\u2019]?t|(?:is |as )?(?:hereby )?{_VOID})"
    r"\b",
    rf"\A\W*(?:\w+\W+){{0,2}}?{TAG_WORDS}\s+(?:is |are )?(?:hereby )?"
    rf"(?:{_VOID}|dropped|removed)\W*\Z",
    rf"\bconsider (?:my|this|that) (?:\w+ )?{TAG_WORDS} (?:as )?(?:hereby )?{_VOID}\b",
    # "please don't add my ack", "no ack from me", "I no longer ack this"
    r"\b(?:do not|don['\u2019]?t|never) (?:add|take|use|apply|carry|include|pick up|keep|count)"
    rf" (?:my|this|that) (?:previous |earlier )?{TAG_WORDS}\b",
    rf"\bno(?: more| longer an?)? {TAG_WORDS} (?:from|by) (?:me|my side)\b",
    rf"\bI (?:can )?no longer (?:give )?(?:my )?{TAG_WORDS}\b",
    rf"\bI (?:cannot|can['\u2019]?t|won['\u2019]?t|will not|do not|don['\u2019]?t)"
    rf" (?:give )?(?:my )?"
    rf"{TAG_WORDS}\b(?=(?: \w+){{0,2}} any ?(?:more|longer)\b)",
)
_NOT_MINE = re.compile(
    r"\bI (?:cannot|can['\u2019]?t|won['\u2019]?t|will not|do not|don['\u2019]?t)"
    r" (?P<tag>ack|give (?:you )?my (?:ack|r-b|(?:acked|reviewed|tested)-by))"
    r"(?=\W*\Z| (?:this|it|that|the|here|as|for|to|until|yet)\b)",
    re.IGNORECASE,
)
_GONE_FORMS = tuple(re.compile(form, re.IGNORECASE) for form in _GONE)
# What "that" is must follow from what is quoted, or given in the same mail.
_THAT = re.compile(
    r"\b(?:(?P<base>take|cancel|scrap|scratch|revoke|retract|withdraw|rescind|strike|disregard"
    r"|forget|ignore)|(?P<ing>taking|cancell?ing|revoking|retracting|withdrawing))"
    r" (?:(?:that|this|it|(?:my|these|those|what) (?:words|i said|i wrote))(?P<back> back)?"
    r"|(?P<mail>my (?:last|previous|earlier) (?:e-?mail|mail|message|reply|answer)))"
    r"(?=\W*\Z|\s*[,.;:!\u2013\u2014-]|\s+(?:please|sorry|again|then|for now|until|because|as"
    r"|since|I)\b)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\A\W*(?:sorry\W+)?(?:hereby )?{_VOID}\W*\Z", re.IGNORECASE)
# Of interrupts and buses, not of mails.
_HARDWARE = re.compile(
    r"\b(?:irqs?|interrupts?|register|device|hardware|chip|core|packet|tcp|bus|i2c|pci|dma|handler"
    r"|firmware|host|level)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:not|never|without|no (?:need|reason)|needn|refus\w+|nobody|cannot"
    r"|(?:do|wo|ca|did|does|would|should)nt)\b"
    r"|n['\u2019]t\b"
    r"|\bun-?\Z",
    re.IGNORECASE,
)
_IDLE = re.compile(
    r"\b(?:considered|wanted|was going|were going|almost|nearly|instead of|rather than|tempted"
    r"|seems?|looks?|appears?|did|does|why|when|who)\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:considering|thinking|wonder\w*|might|may have|could|maybe|perhaps)\b", re.IGNORECASE
)
_I = (
    r"\bI(?:['\u2019](?:ll|d|m|ve|d)|\W+am)?(?:\s+(?:will|must|shall|should|have|need|want|would|like"
    r"|to|hereby|do|now|can|just|also|therefore|then|prefer|rather|am|be|going|afraid|think|better"
    r"|had|formally|already|so|it\W+best))*\s*\Z"
)
_FILLERS = (
    r"\A\W*(?:(?:please|pls|plz|kindly|sorry|actually|so|then|ok|okay|also|and|but|just|now|hereby"
    r"|therefore|hence|thus|instead|oh|oops|hm+|ah|no|yes|well|let me|let us|feel free to"
    r"|(?:can|could|would|will) you|(?:you|one|we)(?: all)?(?: can| may| should| must| could"
    r"| need to| have to| might as well| better| will have to| ought to)|on second thoughts?|due to"
    r" (?:this|that)|again|better|simply)\b\W*)*\Z"
)
_FIRM = re.compile(
    rf"{_I}|{_FILLERS}|\b(?:please|pls|kindly)\s+(?:(?:just|also|then)\s+)?\Z|\bI\b.*\b(?:and|so|but)\s+\Z"
    r"|\byou (?:can|may|should|must|could|need to|have to|better)(?: (?:just|also|then|safely))?"
    r"\s*\Z|\b(?:ask|want|like|need|beg|free)(?:ing)? (?:you )?to\s*\Z"
    r"|\b(?:must|have to) (?:therefore )?\Z",
    re.IGNORECASE,
)
_I_AM = re.compile(
    rf"\bI(?:['\u2019]?m|\W+am|['\u2019]ll be|\W+will be)\b[\w\s]{{0,20}}\Z|{_FILLERS}",
    re.IGNORECASE,
)
_I_DID = re.compile(
    r"\b(?:I|I['\u2019]ve|I have|I had)(?:\s+(?:have|had|just|hereby|already|now|also|then|so|thus"
    r"|therefore|\w+ly))*\s*\Z|\bhereby\s*\Z",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    rf"\b(?:un-?(?:cancel|retract|withdraw)(?:l?ed|l?ing|ing|ed)?|re-?instat(?:e|ing|ed)"
    rf"|restor(?:e|ing|ed)|re-?add(?:ing|ed)?|keep|renew(?:ing|ed)?)\s+(?:my|this|that)\s+"
    rf"(?:previous |earlier )?{TAG_WORDS}\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Scope:
    """Which patches a tag is for; ``words`` say so, empty where nothing does.

    ``numbers`` are patches by number (``without``: all but these), ``parts`` paths or
    words that stand for a subsystem, ``this`` the patch that is answered, ``back`` those
    so many before it, negative behind it; ``last`` the last so many, ``but_last`` all but
    those.  ``count`` is how many patches there are, where the words say so ("3/17"), 0
    else; ``linked``: the words are surely about the tag; ``doubt``: they name some patches
    in a way that is not understood ("the others").
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
    last: int = 0
    but_last: int = 0
    doubt: bool = False


@dataclass(frozen=True)
class TakenBack:
    """A tag that its giver takes back, or gives again: ``name`` of it, empty for any.

    ``pointing``: the words point at a tag ("this ack"); ``needs`` what must be above for
    them to be surely about one: a "tag", or "no other quote".
    """

    words: str
    name: str
    again: bool = False
    nak: bool = False
    pointing: bool = False
    doubt: str = ""
    needs: Literal["", "no other quote", "tag"] = ""


def sentences(text: str) -> Iterator[str]:
    """The sentences of a paragraph; the lines of what is too long to be one."""
    for one in re.split(r"(?<=[.!?])\s+|(?<=[:;])\n", text):
        for piece in one.split("\n") if len(one) > _LONGEST else (one,):
            if found := piece.strip():
                yield found


@lru_cache(maxsize=512)
def condition(text: str, *, leads: bool = False, demanded: bool = True) -> str:
    """The words of ``text`` that make a tag depend on something, or empty.

    ``leads``: the tag follows right behind the last sentence.  "Otherwise" is a condition
    only where something was ``demanded`` before.
    """
    found = [*sentences(text)]
    for at, sentence in enumerate(found):
        flat = " ".join(sentence.split())
        if len(flat) > _LONGEST:
            continue
        if _depends(flat) or (leads and at == len(found) - 1 and _leads(flat)):
            return flat
        if _OTHERWISE.search(flat) and (demanded or at):
            return flat
    return ""


def _depends(flat: str) -> bool:
    """Whether a sentence makes a tag beside it depend on something, or denies it."""
    if _CONDITION.search(flat) or _NOT_GIVEN.search(flat):
        return True
    return bool(_WITH_DONE.search(flat)) and not _TRIED.search(flat)


def _leads(flat: str) -> bool:
    return bool(_LEADS_WITH.match(flat) or _LEADS_DEMAND.search(flat))


def scope(text: str, *, mark: bool = False, linked: bool = False, before: str = "") -> Scope:
    """Which patches the words of ``text`` name.

    ``mark``: it stands behind the tag itself; ``linked``: it is surely about the tag.
    ``before`` is the sentence before, which says what "the rest" is not.
    """
    flat = " ".join(text.split())
    if len(flat) > _LONGEST:
        return Scope()
    numbers, without, doubt = _rest(flat, before, *_numbers(flat))
    last, but_last = _last(flat)
    parts: list[str] = []
    if not (numbers or without):  # else they only say what the numbers are
        parts += [found[0].rstrip("/.") for found in _PATH.finditer(flat) if _real_path(found[0])]
        parts += [found["what"] for found in _PART.finditer(flat) if _is_part(found["what"])]
    if mark and not (numbers or without or parts or last) and (found := _MARK.search(flat)):
        parts += [found["what"]] if not _ALL.search(flat) and _is_part(found["what"]) else []
    counts = [int(found) for found in re.findall(r"(?<![\w/])\d{1,3}/(\d{1,3})(?![\w/])", flat)]
    whole = bool(_ALL.search(flat)) and not _THANKS.search(flat)
    some = bool(parts or whole or numbers or last)
    made = Scope(
        flat,
        tuple(dict.fromkeys(numbers)),
        tuple(dict.fromkeys(without)),
        tuple(dict.fromkeys(parts)),
        bool(_THIS.search(flat)),
        _beside(flat),
        whole,
        max(counts, default=0),
        mark or linked or _is_linked(flat, bad=bool(numbers) and bool(_BAD.search(flat))),
        last,
        but_last,
        doubt or (some and bool(_BUT.search(flat)) and not (without or but_last)),
    )
    named = (made.numbers, made.without, made.parts, made.back, made.last, made.but_last)
    return made if any(named) or made.whole or made.doubt else Scope()


def restricts(text: str) -> bool:
    """Whether words behind a tag go on from it: "to patches 1 and 2", "except for"."""
    return bool(_RESTRICTS.match(text))


def _is_linked(flat: str, *, bad: bool) -> bool:
    if bad and not _FOR.search(flat):
        return False
    return bool(_LINKED.search(flat) or _PRAISE.search(flat))


def _rest(
    flat: str, before: str, numbers: list[int], without: list[int]
) -> tuple[list[int], list[int], bool]:
    """Numbers as they are where "the rest" is meant: all but those that were named before."""
    found = _REST.search(flat)
    if found is None:
        return numbers, without, False
    if without and not numbers:  # "the others, but not patch 2"
        return [], without, True
    named = numbers or (_numbers(before)[0] if len(before) <= _LONGEST else [])
    ahead = _numbers(flat[: found.start()])[0] == numbers
    if not named or not ahead or without or _BAD.search(flat[found.end() :]):
        return [], [], True
    return [], named, False


def _last(flat: str) -> tuple[int, int]:
    """How many of the last patches are named, and how many are left out."""
    for found in _LAST.finditer(flat):
        if found["ones"] or found["end"] is not None:
            many = _count(found["count"])
            return (0, many) if found["but"] else (many, 0)
    return 0, 0


def _count(word: str | None) -> int:
    folded = (word or "1").lower()
    return min(_NUMBERS.index(folded) + 2 if folded in _NUMBERS else int(folded), 999)


def _beside(flat: str) -> tuple[int, ...]:
    """How far before the patch that is answered others are that are named by it."""
    found = _BESIDE.search(flat)
    if found is None:
        return ()
    steps = range(1, min(_count(found["count"]), 99) + 1)
    ahead = found["way"].lower() in ("next", "following")
    return tuple(-step if ahead else step for step in steps)


def _numbers(text: str) -> tuple[list[int], list[int]]:
    numbers: list[int] = []
    without: list[int] = []
    for found in _PATCHES.finditer(text):
        if _COMPARES.search(text[max(0, found.start() - 40) : found.start()]):
            continue
        listed = found["named"] or found["plain"] or found["counted"]
        (without if found["but"] else numbers).extend(_listed(listed))
    for found in _FIRST.finditer(text):
        numbers += range(1, _count(found["count"] or found["only"]) + 1)
    for found in _NTH.finditer(text):
        nth = found["nth"].lower()
        numbers += [_ORDINALS.index(nth) + 2 if nth in _ORDINALS else int(nth[:-2])]
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
    return (
        len(pieces) > 1
        and text.islower()
        and not text[0].isdigit()
        and text not in ("and/or", "patch/commit")
    )


def _is_part(what: str) -> bool:
    first = what.split()[0].lower()
    return first not in _NO_PART and not first[0].isdigit()


def taken_back(sentence: str) -> TakenBack | None:
    """What ``sentence`` says of its writer's own tags or against the patch, or ``None``."""
    flat = " ".join(sentence.split())
    if len(flat) > _LONGEST or not _TALK.search(flat):
        return None
    doubt = flat if flat.endswith("?") or _HYPOTHESIS.search(flat) else ""
    for form in _GONE_FORMS:
        if (found := form.search(flat)) and not _NEGATED.search(flat[: found.start()]):
            return _gone(flat, found["tag"], doubt)
    if found := _AGAIN.search(flat):
        return TakenBack(flat, tag_name(found["tag"]), again=True, doubt=doubt)
    if found := _TAKE_BACK.search(flat) or _TAKE_MINE_BACK.search(flat):
        return _taking_back(flat, found, doubt)
    if found := _UN.search(flat):
        return TakenBack(flat, tag_name(found["tag"]), doubt=doubt)
    if found := _NOT_MINE.search(flat):
        return TakenBack(flat, tag_name(found["tag"].split()[-1]), doubt=flat)
    return _nak(flat, doubt) or _taking_that_back(flat, doubt)


def _gone(flat: str, word: str, doubt: str) -> TakenBack | None:
    if tag_name(word) == "Nacked-by" or (
        (word.lower() == "review" or not tag_name(word)) and not re.search(r"\bmy\b", flat)
    ):
        return None
    later = re.search(r"\b(?:yet|until|if|unless)\b", flat, re.IGNORECASE)
    return TakenBack(flat, tag_name(word), doubt=flat if later else doubt)


def _nak(flat: str, doubt: str) -> TakenBack | None:
    return TakenBack(flat, "", nak=True, doubt=doubt) if nak_words.is_nak(flat) else None


def _taking_back(flat: str, found: "re.Match[str]", doubt: str) -> TakenBack | None:
    word, own = found["tag"], (found["own"] or "").lower()
    bare = not own
    if tag_name(word) == "Nacked-by" or (bare and not tag_name(word)):
        return None
    said = _by_the_writer(flat[: found.start()], found)
    if said == "no":
        return None
    pointing = bare or own in ("this", "that", "these", "those", "the above")
    code = bool(found.groupdict().get("code")) and pointing and not re.search("by", word, re.I)
    if code and _HARDWARE.search(flat):
        return None
    return TakenBack(
        flat,
        tag_name(word),
        pointing=pointing,
        doubt=flat if said == "unsure" else doubt,
        needs="tag" if code else "",
    )


def _taking_that_back(flat: str, doubt: str) -> TakenBack | None:
    """ "I take that back.", "Cancel that.", "Revoked." """
    if _BARE.match(flat):
        return TakenBack(flat, "", pointing=True, doubt=doubt, needs="no other quote")
    found = _THAT.search(flat)
    if found is None or (found[0].lower().startswith("tak") and not found["back"]):
        return None
    said = _by_the_writer(flat[: found.start()], found)
    if said == "no" or re.search(r"\b(?:we|you|one)\b", flat[: found.start()], re.IGNORECASE):
        return None
    unsure = said == "unsure" or found["mail"]
    weak = re.match("ignore|forget|disregard", found[0], re.IGNORECASE)
    return TakenBack(
        flat,
        "",
        pointing=True,
        doubt=flat if unsure else doubt,
        needs="tag" if weak else "no other quote",
    )


def _by_the_writer(before: str, verb: "re.Match[str]") -> Literal["yes", "unsure", "no"]:
    """Whether a verb says what its writer does, or asks for, by the words before it."""
    clause = re.split(r"[,;:.!?()\u2013\u2014]|\s-\s", before)[-1]
    if _NEGATED.search(clause) or _IDLE.search(clause):
        return "no"
    forms = verb.groupdict()
    if forms.get("past"):
        return "yes" if _I_DID.search(clause) else "no"
    if forms.get("ing"):
        sure = _I_AM.search(clause)
        return "unsure" if _UNSURE.search(clause) else "yes" if sure else "no"
    if forms.get("says"):
        return "yes" if re.search(r"\bthis(?: \w+)?\s*\Z", clause, re.IGNORECASE) else "no"
    return "yes" if _FIRM.search(clause) and not _UNSURE.search(clause) else "unsure"


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
