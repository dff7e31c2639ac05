"""The words of a NAK: of who refuses a patch, not of who speaks of a refusal."""

import re

_NAK_LEAD = (
    r"\A\W*(?:(?:so|but|sorry|hard|strong|big|fat|huge|clear|also|still|again|and|then|well|hence|thus|no"
    r"|oops|actually|a|an|therefore|please|ok|hm+)\b[\s,:;.-]*)*"
)
_NAKS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_NAK_LEAD}N(?:A|AC)K(?:ed)?(?:\W*\Z|\W*[.,:;!]|\W+(?:this|that|because|until|unless|here"
        r"|again|from me|from my side|(?:on|for|to) (?:this|that|the|these|all|both|it|v\d|patch\w*"
        r"|add\w+|any|such|me|now|\d))\b)",
        r"(?:[,:;\u2013\u2014-]\s*|\b(?:so|hence|thus|therefore|big|hard|still|clear|strong)\s+)"
        r"(?:an? )?N(?:A|AC)K\W*\Z",
        r"\bmy(?: \w+)? N(?:A|AC)K\b",
        r"\b(?:this|that|it)(?:['\u2019]s| is| remains| gets| deserves)(?: still| then)? an?"
        r"(?: \w+)? N(?:A|AC)K\b(?! from (?!me\b|my\b))",
        r"\bI(?:['\u2019]ll| will| have to| must| need to| do| hereby| still| also"
        r"|['\u2019]?m(?: still)?| am(?: still)?)? N(?:A|AC)K(?:ing)?\b",
        rf"{_NAK_LEAD}N(?:A|AC)K(?:ing) (?:this|that|it)\b",
        r"\bN(?:A|AC)K from (?:me|my side)\b",
        r"\bconsider (?:this|it) (?:as )?(?:a |an )?(?:\w+ )?N(?:A|AC)K",
        r"\bN(?:A|AC)Ked[- ]by[- ](?:me|myself)\b",
    )
)
_NO_NAK = re.compile(
    r"\b(?:not|no|never|without|any|n['\u2019]t)\b\s+(?:(?:really|even|yet|an?|my|hard|real|clear"
    r"|more) )*N(?:A|AC)K"
    r"|\b(?:lift\w*|resolv\w+|retract\w*|withdr\w+|drop\w*|remov\w+|got|gave|gives|was|were)\b"
    r" (?:\w+ ){0,2}N(?:A|AC)K|\b(?:said|says|wrote|told|answer(?:s|ed))\b\W+(?:\w+ ){0,2}"
    r"N(?:A|AC)K|\bN(?:A|AC)K\w* (?:is |was |has been )?(?:hereby )?(?:lifted|resolved|withdrawn"
    r"|gone|void)\b",
    re.IGNORECASE,
)


def is_nak(sentence: str) -> bool:
    """Whether a sentence is a NAK of who wrote it; a question is none."""
    said = any(form.search(sentence) for form in _NAKS)
    return said and not sentence.endswith("?") and not _NO_NAK.search(sentence)


def refuses(text: str) -> bool:
    """Whether there is a NAK, or a Nacked-by, in the sentences of ``text``."""
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    return any(is_nak(one) or re.match(r"\W*nacked-by\b", one, re.I) for one in sentences)
