"""What becomes of a site, and which of it needs a human: the buckets of the ledger."""

from enum import StrEnum


class Bucket(StrEnum):
    """What became of a site."""

    CONVERTED = "converted"
    COMMENT = "comment"
    STRING = "string"
    DISABLED = "disabled"
    DEFINITION = "definition"
    PROTOTYPE = "prototype"
    EXPORT = "export"
    OTHER_NAME = "other name"
    NOT_C = "not C"
    EXCLUDED = "excluded"
    LATER = "later"
    UNPARSED = "unparsed"
    TIMED_OUT = "timed out"
    FAILED = "failed"
    REFUSED = "refused"
    UNEXPLAINED = "unexplained"


# A site in one of these needs no human: it is done, no code, or somebody gave a reason.
EXPLAINED = frozenset(Bucket) - {
    Bucket.UNPARSED,
    Bucket.TIMED_OUT,
    Bucket.FAILED,
    Bucket.REFUSED,
    Bucket.UNEXPLAINED,
}
# Code that still does what the rule is there to end.
REMAINING = frozenset(Bucket) - EXPLAINED | {Bucket.EXCLUDED, Bucket.LATER}
