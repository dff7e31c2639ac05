"""Who gets a mail: somebody, and of a patch a mailing list
(Documentation/process/submitting-patches.rst, "Select the recipients for your patch").  Pure.
"""

import re
from collections.abc import Collection, Iterator

from series import addresses
from series.lint.finding import Finding
from series.lint.letter import Letter
from series.version import Recipient

# What the kernel's lists look like: those of vger, lists.*, and the old ones of other hosts.
_LIKE_LIST = re.compile(
    r"@(?:vger\.kernel\.org|kvack\.org|googlegroups\.com|(?:[\w-]+\.)*lists?\.[\w.-]+)\Z|"
    r"^linux-[\w-]+@|-(?:devel|list)@"
)
# It collects what is for stable trees, and nobody discusses patches there.
_NO_FORUM = re.compile(r"stable@(?:vger\.)?kernel\.org\Z")


def check(letter: Letter, lists: Collection[str]) -> Iterator[Finding]:
    """Nobody gets the mail, or no list does; ``lists`` are addresses of MAINTAINERS.

    Who gets it is not judged where the manifest does not say it, nor for lists where it
    does not say what the addresses are.
    """
    recipients = letter.mail.recipients
    if recipients is None:
        return
    name, line = letter.mail.name, letter.subject_line
    if not any((field := letter.field(kind)) and "@" in field.value for kind in ("to", "cc")):
        what = "nobody gets the mail: it has neither To: nor Cc:"
        yield Finding("error", "recipients", name, line, what, "see 'reroll recipients'")
    elif not letter.is_cover and not any(
        not one.role or _is_list(one, lists) for one in recipients
    ):
        what = "the patch goes to no mailing list"
        hint = "name one in 'to' or 'cc' of [series] in series.toml"
        yield Finding("warning", "recipients", name, line, what, hint)


def _is_list(recipient: Recipient, lists: Collection[str]) -> bool:
    address = addresses.key(recipient.address)
    if _NO_FORUM.match(address):
        return False
    return recipient.role == "list" or address in lists or bool(_LIKE_LIST.search(address))
