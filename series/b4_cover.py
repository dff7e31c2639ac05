"""b4's cover letter and tracking data as values, and as the text that b4 keeps.

Pure.  The formats are those of b4's ``ez.py`` (make_magic_json, load_cover,
get_cover_subject_body, get_cover_dests, reroll, and X-B4-Tracking in
get_prep_branch_as_patches).  b4 keeps what it does not know of the tracking data, so
reroll notes there which version a branch was made of, and a digest of it.
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from generator.errors import UsageError
from series import addresses, changelogs, compose, posting

MARKER = "--- b4-submit-tracking ---"
_COMMENT = "# This section is used internally by b4 prep for tracking purposes."
# b4's placeholder for what its user is to write.
PLACEHOLDER = "EDITME"
_LARGEST = 1 << 20  # bytes of tracking data
_MOST_REVISIONS = 99999
_CUT = re.compile(r"^---\s*\n", re.MULTILINE)
# What b4 takes for a trailer, as far as it is about recipients (LoreMessage.find_trailers).
_RECIPIENT = re.compile(r"\s*(to|cc):\s+(\S.*)", re.IGNORECASE)
_CHANGE_ID = re.compile(r"[\w.+-]{1,200}\Z")
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Tracking:
    """What b4 tracks of a series.

    ``history`` has the message ids (without brackets) that each version was sent as.
    ``version`` and ``digests`` are reroll's: which version was exported, and a digest of
    each of its parts (0 and empty for a series of somebody else).  ``unknown`` names what
    reroll does not take over.
    """

    revision: int
    change_id: str
    prefixes: tuple[str, ...] = ()
    history: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    base_branch: str = ""
    version: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cover:
    """A cover letter in its parts; ``changelog`` has the entries by version."""

    title: str
    body: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    changelog: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def digests(cover: Cover, tracking: Tracking) -> dict[str, str]:
    """A digest of each part of a series that b4 keeps beside the commits, by its name."""
    log = [[number, list(cover.changelog[number])] for number in sorted(cover.changelog)]
    words = sorted({word.upper() for word in tracking.prefixes} - {"PATCH"})
    parts: dict[str, object] = {
        "title": cover.title,
        "cover letter": cover.body,
        "recipients": [list(cover.to), list(cover.cc)],
        "changelog": log,
        "prefix": words,
        "revision": tracking.revision,
    }
    return {name: digest(value) for name, value in parts.items()}


def digest(value: object) -> str:
    """What tells a value (lists, texts, numbers) from others; short, not secret."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def message(cover: Cover, tracking: Tracking) -> str:
    """The message of the commit in which b4 keeps a cover letter (strategy ``commit``)."""
    series: dict[str, object] = {
        "revision": tracking.revision,
        "change-id": tracking.change_id,
        "prefixes": list(tracking.prefixes),
    }
    if tracking.history:
        series["history"] = {f"v{number}": list(ids) for number, ids in tracking.history.items()}
    ours = {"version": tracking.version, "digests": dict(tracking.digests)}
    data = json.dumps({"series": series, "reroll": ours}, indent=2)
    return f"{cover_text(cover)}\n\n{MARKER}\n{_COMMENT}\n{data}\n"


def cover_text(cover: Cover) -> str:
    """A cover letter as b4 wants it written: title, text, recipients, ``---``, changelog."""
    # b4 takes lines with "#" for comments, and ">#" for an escaped "#".
    body = re.sub(r"^(?=#)", ">", cover.body, flags=re.MULTILINE)
    first, *others = _CUT.split(f"{body}\n")
    people = "\n".join(
        f"{name}: {_as_trailer(one)}"
        for name, every in (("To", cover.to), ("Cc", cover.cc))
        for one in every
    )
    head = "\n\n".join(part for part in (cover.title, first.strip("\n"), people) if part)
    log = compose.changelog(cover.changelog, max(cover.changelog, default=0))
    below = [part.strip("\n") for part in (*others, log) if part.strip()]
    # Of a title alone, b4 would make the body.
    if head == cover.title and not below:
        return f"{head}\n\n---"
    return "\n\n---\n".join([head, *below])


def parse_cover(text: str, *, where: str) -> Cover:
    """The cover letter that b4 keeps as ``text``; ``where`` is what errors call its place.

    Raises ``UsageError`` for one without a title, and for control characters.
    """
    text = text.replace("\r\n", "\n")
    if found := _HIDDEN.search(text):
        shown = found[0].encode("unicode_escape").decode()
        raise UsageError(f"{where}: the cover letter has the control character {shown}")
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^>(?=#)", "", text, flags=re.MULTILINE)
    title, _, rest = text.strip().partition("\n")
    if not title.strip() or rest.partition("\n")[0].strip() or title.strip() == "---":
        raise UsageError(
            f"{where}: the cover letter has no title",
            hint="its first line is the subject and the second is empty: 'b4 prep --edit-cover'",
        )
    first, *others = _CUT.split(f"{rest}\n")
    words, to, cc = _recipients(first)
    log: dict[int, tuple[str, ...]] = {}
    kept = [words]
    for section in others:
        read = changelogs.parse(section)
        log |= {number: tuple(lines) for number, lines in read.entries.items()}
        kept.append(read.rest)
    body = "\n\n---\n".join(part.strip("\n") for part in kept if part.strip())
    if body and not words.strip():
        # What stands below the cut must stay there, where To: and Cc: are text.
        body = f"---\n{body}"
    return Cover(" ".join(title.split()), tidy(body), to, cc, log)


def without_placeholders(cover: Cover, *, where: str) -> tuple[Cover, list[str]]:
    """``cover`` less the lines that b4 left for its user to write, and those lines.

    ``UsageError`` when the title is one.
    """
    if PLACEHOLDER in cover.title:
        raise UsageError(
            f"{where}: the cover letter has no title yet: '{addresses.printable(cover.title)}'",
            hint="write one with 'b4 prep --edit-cover'",
        )
    lines = cover.body.split("\n")
    left = [line.strip() for line in lines if PLACEHOLDER in line]
    body = tidy("\n".join(line for line in lines if PLACEHOLDER not in line))
    log: dict[int, tuple[str, ...]] = {}
    for number, entries in cover.changelog.items():
        left += [entry for entry in entries if PLACEHOLDER in entry]
        if kept := tuple(entry for entry in entries if PLACEHOLDER not in entry):
            log[number] = kept
    return replace(cover, body=body, changelog=log), left


def split_commit(text: str, *, where: str) -> tuple[str, Tracking]:
    """Cover letter and tracking data of the commit that has ``text`` as its message."""
    cover, marker, data = text.partition(MARKER)
    if not marker or MARKER in data or "{" not in data:
        raise UsageError(f"{where}: holds no tracking data of b4, or holds it twice")
    return cover, parse_tracking("{" + data.partition("{")[2], where=where)


def of_header(value: str, *, where: str) -> Tracking:
    """The tracking data in a mail's X-B4-Tracking header (JSON, gzip, base64)."""
    coded = re.sub(r"\s", "", value).removeprefix("v=1;b=")
    try:
        packed = base64.b64decode(coded, validate=True)
        unpacker = zlib.decompressobj(wbits=31)
        data = unpacker.decompress(packed, _LARGEST)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise _damaged(where, "X-B4-Tracking is not gzip in base64") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _damaged(where, "X-B4-Tracking is cut short, or too long")
    return parse_tracking(data.decode("utf-8", "replace"), where=where)


def parse_tracking(text: str, *, where: str) -> Tracking:
    """b4's tracking data, a JSON object; ``UsageError`` when it is damaged."""
    try:
        data = json.loads(text) if len(text) <= _LARGEST else None
    except (ValueError, RecursionError) as error:
        raise _damaged(where, "is not JSON") from error
    if not isinstance(data, dict) or not isinstance(series := data.get("series"), dict):
        raise _damaged(where, "has no 'series'")
    ours = data.get("reroll")
    version, known_digests = _exported(ours if isinstance(ours, dict) else {})
    known = {"revision", "change-id", "prefixes", "history", "base-branch", "from-thread"}
    return Tracking(
        revision=_revision(series.get("revision"), where),
        change_id=_change_id(series.get("change-id"), where),
        prefixes=_prefixes(series.get("prefixes", []), where),
        history=_history(series.get("history", {}), where),
        base_branch=_line(series.get("base-branch", ""), "base-branch", where),
        version=version,
        digests=known_digests,
        unknown=tuple(sorted(str(key) for key in series if key not in known and series[key])),
    )


def prefixes_of(prefix: str) -> tuple[str, ...]:
    """The words that b4 adds to "PATCH" so that subjects begin with ``prefix``."""
    words = tuple(prefix.split())
    return words[1:] if words[:1] == ("PATCH",) else words


def prefix_of(prefixes: Sequence[str]) -> str:
    """The prefix that b4 makes of its words: "PATCH" stands first where none of them is it."""
    given = any(word.upper() == "PATCH" for word in prefixes)
    return " ".join(prefixes if given else ("PATCH", *prefixes))


def title_prefixes(cover: Cover) -> tuple[Cover, tuple[str, ...]]:
    """``cover`` less the ``[words]`` before its title, which b4 takes for prefixes, and those."""
    subject = posting.subject(f"[PATCH] {cover.title}")
    if subject is None or not cover.title.startswith("["):
        return cover, ()
    words = tuple(word for word in subject.prefix.split() if word.upper() != "PATCH")
    return replace(cover, title=subject.title), words


def body_of(text: str, patches: int) -> tuple[str, dict[int, tuple[str, ...]]]:
    """Text and changelog of the body of a cover letter that reroll composed for ``patches``.

    The shortlog, which counts all patches, and what follows it are git's.
    """
    parts = re.split(r"\n\n+", text.strip("\n"))
    ends = [at for at, part in enumerate(parts) if re.search(r"^ \d+ files? changed", part, re.M)]
    at, counted = (ends[-1] if ends else len(parts)), 0
    while at and counted < patches:
        found = re.match(r"\S.* \((\d+)\):\n  ", parts[at - 1])
        if not found:
            break
        counted += int(found[1])
        at -= 1
    first = at
    while first and re.match(r"Changes in v\d+:\n- ", parts[first - 1]):
        first -= 1
    body = text.strip("\n")
    if first < len(parts):
        # Blank lines stay as they are in the text.
        body = "\n\n".join(parts[:first])
    return body, changelog_of("\n\n".join(parts[first:at]))


def changelog_of(text: str) -> dict[int, tuple[str, ...]]:
    """The entries of a changelog by version."""
    return {number: tuple(lines) for number, lines in changelogs.parse(text).entries.items()}


def _recipients(section: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """A cover letter's text, less the To and Cc among the trailers at its end, and those."""
    paragraphs = section.strip("\n").split("\n\n")
    found: dict[str, list[str]] = {"to": [], "cc": []}
    kept = []
    for line in paragraphs[-1].split("\n"):
        trailer = _RECIPIENT.match(line)
        if trailer and "@" in trailer[2]:
            text = trailer[2].strip()
            whole = bool(addresses.split(text)[1])
            found[trailer[1].lower()].append(addresses.plain(text) if whole else text)
        else:
            kept.append(line)
    words = "\n\n".join([*paragraphs[:-1], "\n".join(kept)])
    return words, tuple(filter(None, found["to"])), tuple(filter(None, found["cc"]))


def _as_trailer(address: str) -> str:
    """An address as b4 reads it in a trailer: no quotes, and no "#", which begins a remark."""
    plain = addresses.plain(address)
    return addresses.split(plain)[1] if "#" in plain else plain


def tidy(text: str) -> str:
    """``text`` with the blank lines that b4 leaves: one at a time."""
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _damaged(where: str, what: str) -> UsageError:
    return UsageError(f"{where}: b4's tracking data is damaged: {what}")


def _line(value: object, name: str, where: str) -> str:
    if not isinstance(value, str) or _HIDDEN.search(value) or "\n" in value or len(value) > 300:
        raise _damaged(where, f"'{name}' is not one line of text")
    return value


def _revision(value: object, where: str) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_REVISIONS:
        raise _damaged(where, f"'revision' is not a number from 1 to {_MOST_REVISIONS}")
    return value


def _change_id(value: object, where: str) -> str:
    if not isinstance(value, str) or not _CHANGE_ID.match(value) or ".." in value:
        raise _damaged(where, "'change-id' is not one word of letters, digits, '-', '_', '.', '+'")
    return value


def usable_change_id(value: str) -> bool:
    """Whether b4 and the name of a tag can have ``value`` for a change id."""
    return bool(_CHANGE_ID.match(value)) and ".." not in value and not value.endswith(".lock")


def _prefixes(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _damaged(where, "'prefixes' is not a list of words")
    words = tuple(word for text in value for word in text.split())
    if bad := next((word for word in words if not re.fullmatch(r"[!-Z^-~]{1,60}", word)), None):
        raise _damaged(where, f"{bad!a} cannot be a prefix of a subject")
    return words


def _history(value: Any, where: str) -> dict[int, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise _damaged(where, "'history' is not a table")
    found = {}
    for key, ids in value.items():
        number = re.fullmatch(r"v([1-9]\d{0,4})", key)
        if not number or not isinstance(ids, list) or not all(map(_is_id, ids)):
            raise _damaged(where, "'history' is not a table of versions and message ids")
        found[int(number[1])] = tuple(ids)
    return found


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[^<>\s\x00-\x1f\x7f]{1,500}", value))


def _exported(ours: Mapping[str, object]) -> tuple[int, dict[str, str]]:
    """What reroll noted; nothing where it is not as reroll writes it."""
    version, parts = ours.get("version"), ours.get("digests")
    if type(version) is not int or not 1 <= version <= _MOST_REVISIONS:
        return 0, {}
    known = parts.items() if isinstance(parts, dict) else ()
    return version, {name: value for name, value in known if isinstance(value, str)}


def merged(many: Iterable[Mapping[int, Sequence[str]]]) -> dict[int, tuple[str, ...]]:
    """Several changelogs as one, each entry once."""
    found: dict[int, tuple[str, ...]] = {}
    for one in many:
        for number, lines in one.items():
            found[number] = tuple(dict.fromkeys([*found.get(number, ()), *lines]))
    return found
