"""Mails as values: what the rest of reroll needs to know of one, read from untrusted bytes.

Pure.  Headers are those of RFC 5322, encoded words of RFC 2047, bodies of RFC 2045; what
cannot be read is named in ``problems`` and never stops the others.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One mail.

    ``message_id`` is "<...>"; a mail without one has one made of a digest of its bytes.
    ``sender`` is "Name <address>" or an address, empty where there is none that could be
    real; ``date`` is in seconds since the epoch, 0 where unknown; ``subject`` is decoded
    and one line; ``parents`` are the ids of In-Reply-To and then of References, the
    nearest first; ``text`` is the decoded plain text with "\\n" line ends, bytes that are
    no text as surrogates; ``content`` is the mail as it was, less an mbox's "From " line.
    """

    message_id: str
    sender: str
    date: int
    subject: str
    parents: tuple[str, ...]
    text: str
    content: bytes
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
