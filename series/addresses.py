"""Mail addresses as values; what cannot be a real address is refused before it is used.

The rules are those of RFC 5321 and RFC 5322 as far as a developer's address goes:
no quoted local parts, no address literals, no comments.
"""

import re
from email.charset import QP, Charset
from email.header import Header, decode_header, make_header
from email.utils import formataddr, getaddresses

# "Q" words, as git writes them: git send-email does not read "B" words.  A charset of
# our own, because b4 changes what the email package knows of UTF-8.
_WORDS = Charset("utf-8")
_WORDS.header_encoding = QP
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
# What is longer is no "Name <address>", and no header of a mail that a list lets through.
_LONGEST_ADDRESS = 1000
_LONGEST_NAME = 500
_LONGEST_HEADER = 1 << 18
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
# C0 and C1 controls, and the marks that reorder text on a screen.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Trailers whose value is a person; others (Link, Fixes, ...) hold no address.
_PERSON_TRAILER = re.compile(r"^([A-Z][A-Za-z-]*-by|Cc|CC|To):[ \t]*(.+)$")


def problem(text: str) -> str:
    """Why ``text`` ("Name <address>" or an address) cannot be written to, or empty."""
    if _CONTROL.search(text):
        return "has control characters"
    if len(text) > _LONGEST_ADDRESS:
        return "is too long"
    name, address = split(text)
    if not address or "@" not in address:
        return "has no address"
    local, _, domain = address.rpartition("@")
    if address.startswith("-"):
        return "begins with '-'"
    if len(address) > 254 or len(name) > 200:
        return "is too long"
    if re.search(r"@x+(?:\.x+)*\Z", address) or local.endswith("..."):
        return "is obfuscated"
    if not _LOCAL.match(local):
        return "has characters that an address cannot have"
    labels = domain.split(".")
    if len(labels) < 2:
        return "has no domain"
    if not all(_LABEL.match(label) for label in labels):
        return "has a domain that cannot be"
    return ""


def split(text: str) -> tuple[str, str]:
    """Name and address of ``text``; the address is empty when there is not exactly one."""
    if len(text) > _LONGEST_ADDRESS:
        return text.strip(), ""
    bare = re.fullmatch(r"\s*([^<>]*?)\s*<([^<>\s]+)>\s*(?:#.*)?", text)
    if bare:
        quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', bare[1])
        name = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else bare[1]
        return name.strip(), bare[2]
    # "Cc: stable@vger.kernel.org # v5.10" (Documentation/process/stable-kernel-rules.rst)
    if lone := re.fullmatch(r"\s*([^\s<>,]+@[^\s<>,]+)(?:\s+#.*|\s*)", text):
        return "", lone[1]
    return text.strip(), ""


def plain(text: str) -> str:
    """``text`` without quotes and comments: "Name <address>" or the address."""
    name, address = split(text)
    return f"{name} <{address}>" if name else address


def key(text: str) -> str:
    """What makes two addresses the same: the address without its name, in lower case."""
    return split(text)[1].lower()


def printable(text: str) -> str:
    """``text`` with escapes for what a terminal would obey or hide."""
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def header_form(text: str) -> str:
    """``text`` as an address header has it (RFC 5322 quoting, RFC 2047 for names not ASCII).

    A long name that is not ASCII is several encoded words, on lines of their own.
    """
    name, address = split(text)
    # A name that only looks like encoded words must not be taken for them.
    if name.isascii() and "=?" not in name:
        return formataddr((name, address))
    return f"{encoded(name, indent=4)} <{address}>"


def encoded(text: str, *, used: int = 0, indent: int = 1) -> str:
    """``text`` as RFC 2047 words on lines that fit a header.

    ``used`` columns of the first line are taken; further lines are indented.
    """
    header = Header(
        text,
        _WORDS,
        maxlinelen=76,
        header_name="x" * max(used - 2, 0),
        continuation_ws=" " * indent,
    )
    return header.encode(linesep="\n")


def header_block(field: str, values: list[str]) -> str:
    """One header with ``values`` (any ``problem``-free addresses), one a line, as git writes it."""
    return f"{field}: " + ",\n    ".join(map(header_form, values)) + "\n"


def in_header(value: str) -> list[str]:
    """The addresses of a header's value, decoded, as "Name <address>".

    Raises ``ValueError`` (or ``LookupError``, ``MessageError``: what is wrong in encoded
    words) for a value that cannot be read.
    """
    if len(value) > _LONGEST_HEADER:
        raise ValueError("the header is too long")
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", value)
    try:
        pairs = getaddresses([unfolded])
    except RecursionError as error:  # the email package calls itself for "((" and "a:a:"
        raise ValueError("the header is nested too deep") from error
    found = []
    for name, address in pairs:
        # Too long to be taken stays too long; more of it could be nested as deep as headers.
        plain = str(make_header(decode_header(name)))[:_LONGEST_NAME]
        found.append(f"{plain} <{address}>" if plain else address)
    return [text for text in found if text]


def of_trailer(line: str) -> tuple[str, str] | None:
    """Name and value of a trailer that names a person (``Acked-by``, ``Cc``), else ``None``."""
    found = _PERSON_TRAILER.match(line.rstrip())
    return (found[1], found[2].strip()) if found else None


def trailer_block(message: str) -> list[tuple[int, str]]:
    """The last paragraph of ``message``, as (line number from 1, line)."""
    lines = message.rstrip("\n").split("\n")
    block: list[tuple[int, str]] = []
    for number in range(len(lines), 0, -1):
        if not lines[number - 1].strip():
            break
        block.append((number, lines[number - 1]))
    return block[::-1]
