"""What people write that wants nothing and tells nothing of a patch.

Pure.  Thanks, praise without a but, "see my comments below", and what only hands a tag
over.  Each form is spelt out: what is not known to be empty is a remark.
"""

import re

# What is longer is no courtesy.
_LONGEST = 600

# Whole sentences that ask for nothing and tell nothing of the patch.
_THING = r"(?:the |all |your )?(?:rest|others?|changes?|code|patch(?:es)?|series|idea|whole thing)"
_SUBJECT = rf"(?:{_THING}|it|this(?: one| patch| series| change)?|that|everything(?: else)?|all)"
_FINE = r"(?:good|great|fine|ok(?:ay)?|sane|correct|nice|reasonable|right|perfect)"
_THANKS = r"(?:many thanks|thanks|thank you|thx)(?: a lot| again| so much| very much)?"
_PRAISE = (
    r"(?:you(?: have|'ve) (?:avoided|handled|kept|covered|fixed|addressed|caught)"
    r"|nice|good|great|thanks|thank you)\b"
)
_HELPFUL = (
    r"(?:it's|that's|it is|this is|very|much|really)(?: very| really| much| so| quite| a)*"
    r" (?:helpful|useful|appreciated|great|good|nice|welcome|clear|big help|improvement)"
)
_POLITE = re.compile(
    rf"{_THANKS}(?:,? [A-Z]\w+)?|hi|hello"
    rf"|{_THANKS}(?:,? \w+)?,? for [^.,;:]{{1,60}}(?:,? {_HELPFUL})?"
    rf"|(?:{_SUBJECT} )?(?:also |all |generally |otherwise )?(?:looks?|seems?|is|are)"
    rf"(?: all| very| pretty| quite| really)? {_FINE}(?: to me| with me| here| now| for me)*"
    rf"(?:(?:,| and|, and) {_PRAISE}[^,;:]{{0,60}})?"
    rf"|(?:{_SUBJECT} )?looks? like an? (?:very |really )?(?:good|great|nice|useful)"
    r" (?:change|cleanup|fix|idea|improvement|patch|series)"
    r"|(?:lgtm|sgtm)(?: now| too)?(?:,? thanks)?|makes sense(?: to me)?|sounds good(?: to me)?"
    r"|(?:very |really )?(?:nice|great|good|excellent)"
    r"(?: work| job| catch| find| cleanup| patch| series| stuff)?|well done|awesome|perfect|cool"
    rf"|(?:{_THANKS}[,;]? )?(?:applied|queued|merged|picked up|pushed)(?: to [\w/.'-]{{1,60}}"
    rf"(?: tree| branch)?)?(?:[,;]? {_THANKS})?",
    re.IGNORECASE,
)
# Those with a "no" in them.
_NOTHING_FOUND = re.compile(
    r"(?:i )?(?:failed to|(?:did|could|can)(?: not|n't)|cannot) (?:find|see|spot) "
    r"(?:anything wrong|(?:any|a) (?:problems?|issues?|bugs?|flaws?))"
    r"(?: here| with (?:this|it)| in (?:this(?: patch| one)?|here))?"
    r"|no (?:further |more |other )?(?:comments?|complaints?|objections?|issues?|problems?)"
    r"(?: from (?:me|my side)| here)?",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:but|however|though|although|except|unless|only|still|not|no|never|wrong|should"
    r"|could|would|will|must|needs?|instead|please|missing|fail\w*|break\w*|broke\w*|forg[eo]t\w*"
    r"|nits?|typos?|if|when|until|later|yet|todo|hope|which|who|because|that \w+)\b|n't\b|'ll\b|\?",
    re.IGNORECASE,
)
# "Please see my comments inline."
_POINTER = re.compile(
    r"(?:please )?(?:see|find)(?: (?:my|the|some|a few|also))* ?(?:comments?|remarks?|notes?)?"
    r"(?: are)? (?:below|inline|in-line|in line)"
    r"|(?:(?:only|just|some|a|few|couple|of|one|two|my|more|small|minor|tiny|and) ){0,5}"
    r"(?:comments?|remarks?|nits?|nitpicks?|questions?|suggestions?)"
    r"(?:,?(?: are| see)?) (?:below|inline|in-line|in line)",
    re.IGNORECASE,
)
# What stands above a tag and says which patches it is for, or hands it over.
_PART = r"(?:parts?|bits?|pieces?|side|sub-?systems?|drivers?|code|changes?|patch(?:es)?|series)"
_NUMBER = r"#?\d+(?:\s*/\s*\d+)?"
_SCOPE = (
    r"(?:(?:for|this|that|the|these|those|both|and|or|previous|next|last|first|other|whole|entire"
    r"|full|rest|of|all|in|to|are|is|as well|too|also|one|ones|patch(?:es)?|series"
    rf"|cover(?: letter)?|from|through|v\d+|{_NUMBER}(?:\s*-\s*{_NUMBER})?|[,&])(?=[ :,]|\Z) ?)+"
)
_GIVE = r"(?:please )?(?:(?:feel|you are) free to |you (?:can|may) )?add(?: my| the| this| a)?"
_LEAD = re.compile(
    rf"(?:(?:please )?(?:feel|you are) free to|you (?:can|may)) add(?: my| the| this| a)?[:,]?"
    rf"|(?:{_GIVE}|add my):|(?:so|then|and|thus)[:,]?"
    rf"|{_SCOPE}:|for (?:the |all )?(?!now\b|me\b|this\b|that\b)[\w/.,*+-]{{1,60}}"
    rf"(?:(?:,? and | )[\w/.,*+-]{{1,60}})? ?(?:{_PART})?:"
    r"|with (?:that|this|these|those|it|both|all of (?:that|these|those))"
    r"(?: comments?| nits?| changes?| points?| issues?| things?)?"
    r"(?: (?:being )?(?:fixed|done|addressed|resolved|changed|corrected|sorted(?: out)?))?"
    rf"(?:, {_GIVE})?[:,]?"
    r"|(?:(?:other than|apart from|aside from|besides) (?:that|this|these|those)|otherwise)"
    rf"(?:,? (?:looks {_FINE}(?: to me)?|lgtm))?[:,.]?",
    re.IGNORECASE,
)
# "# drivers/a only", below a tag.
_MARK_BELOW = re.compile(
    r"#\s*(?:for )?(?:the )?"
    r"(?:[\w.*+-]{0,60}/[\w/.*+-]{0,60}|[\w+-]{1,60}(?= (?:only|parts?|bits?)))"
    r"(?: (?:only|parts?|bits?|patch(?:es)?))*\s*"
)
# "(3/17 a title)"
_NAMED_PATCH = re.compile(r"\((?:patch |v)?#?\d[^()]{0,200}\)", re.IGNORECASE)
_SMILE = re.compile(r"\s*(?:[:;]-?[)D]|\(:)\s*")


def polite(text: str) -> bool:
    """Whether each sentence of ``text`` is a courtesy: it wants and tells nothing."""
    said = _sentences(text)
    return bool(said) and all(map(_is_polite, said))


def pointing(text: str) -> bool:
    """Whether ``text`` has nothing but courtesies and "see my comments below"."""
    said = _sentences(text)
    return bool(said) and all(_is_polite(one) or _POINTER.fullmatch(one) for one in said)


def _is_polite(sentence: str) -> bool:
    if _NOTHING_FOUND.fullmatch(sentence):
        return True
    return bool(_POLITE.fullmatch(sentence)) and not _DOUBT.search(sentence)


def _sentences(text: str) -> list[str]:
    """The sentences of a short text, without their ends; none of what is long, or is code."""
    lines = text.split("\n")
    if len(text) > _LONGEST or any(re.match(r"\t|  |[+-]\S|[-+]\t", line) for line in lines):
        return []
    words = " ".join(_SMILE.sub(" . ", text).split())
    found = (one.strip(" .!") for one in re.split(r"(?<=[.!?])\s+", words))
    return [one for one in found if one]


def leads_to_tag(text: str) -> bool:
    """Whether ``text`` leads to a tag and says nothing else, but courtesies."""
    bare = _NAMED_PATCH.sub(lambda found: found[0] * bool(_DOUBT.search(found[0])), text)
    *others, last = _sentences(bare) or [""]
    return all(map(_is_polite, others)) and bool(_LEAD.fullmatch(re.sub(r" +(?=[:,])", "", last)))


def is_mark(line: str) -> bool:
    """Whether a line below a tag says what part of a patch the tag is for."""
    return bool(_MARK_BELOW.fullmatch(line))
