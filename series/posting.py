"""A series as it was posted: the patches of a version, found among mails."""

from dataclasses import dataclass, field

from series.mail import Mail


@dataclass(frozen=True)
class PostedPatch:
    """A patch mail in its parts.

    ``title`` is the subject without its prefix; ``message`` the rest of the commit
    message with its trailers; ``notes`` what stands between ``---`` (or a ``--`` line
    that was meant as one) and the diffstat; ``diff`` the bytes of the diff; ``author``
    "Name <address>" (of an in-body From:, else the sender); ``patch_id`` as
    git-patch-id(1) --stable has it.
    """

    mail: Mail
    number: int
    title: str
    message: str
    notes: str
    diff: bytes
    author: str
    patch_id: str = ""


@dataclass(frozen=True)
class Posting:
    """One version of a series as it was sent.

    ``prefix`` is that of the subjects without version and counter ("PATCH", "RFC PATCH
    net-next"); ``count`` what the counters say; ``base`` the commit a ``base-commit:``
    line names, or empty; ``resent`` are further mails of the same patches, by number;
    ``problems`` say what is odd: a patch that is missing, two mails with one number.
    """

    version: int
    prefix: str
    count: int
    cover: Mail | None
    cover_title: str
    patches: tuple[PostedPatch, ...]
    base: str = ""
    change_id: str = ""
    resent: tuple[PostedPatch, ...] = field(default=())
    problems: tuple[str, ...] = ()
