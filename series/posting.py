"""A series as it was posted: the patches of a version, found among mails.

Pure, but for ``with_patch_ids``, which asks git.  A mail is taken apart as
git-mailinfo(1) does it, so that what is read here is what ``git am`` would commit.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import parseaddr
from pathlib import Path

from generator.tree import run_git
from series import addresses, changelogs, posted_diff, recipients
from series.mail import Mail
from series.mail import title as mail_title

# More missing patches than that are said in one line.
_MANY = 10
_BRACKETS = re.compile(r"\s*\[([^\[\]]*)\]")
_COUNTER = re.compile(r"\(?(\d{1,4})/(\d{1,4})\)?")
_REVISION = re.compile(r"[vV](\d{1,5})(?:\.\d+)?")
# A kernel that gets a patch later: "5.10", "5.10.y", "linux-6.1.y", "stable".
_BRANCH = re.compile(
    r"(?:linux-)?\d{1,2}\.\d{1,3}(?:\.(?:\d{1,3}|y))?(?:[-/.](?:stable|lts))?"
    r"|stable(?:[-/.]\S*)?|backport(?:ed|s)?",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"\s*(?:re|aw|fwd?|sv|antw?)(?:\[\d+\])?\s*:", re.IGNORECASE)
_BASE = re.compile(r"^base-commit: ([0-9a-f]{40}(?:[0-9a-f]{24})?)[ \t\r]*$", re.MULTILINE)
_CHANGE_ID = re.compile(r"^change-id: ([!-~]{1,200})[ \t\r]*$", re.MULTILINE)
_IN_BODY = re.compile(r"(From|Subject|Date):[ \t]*(.*)", re.IGNORECASE)
_STAT = re.compile(
    r" \S.* \|\s+(?:\d+ [-+]*|\d+|Bin .*|Unmerged)\s*\Z| \d+ files? changed.*"
    r"| (?:create|delete) mode \d+ .+| (?:rename|copy) .+ \(\d+%\)| mode change \d+ => \d+.*"
    r"| rewrite .+ \(\d+%\)"
)


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

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the patches that are not there, or not whole."""
        there = {patch.number for patch in self.patches}
        return tuple(number for number in range(1, self.count + 1) if number not in there)

    @property
    def first(self) -> Mail:
        """The mail that begins the series: the cover letter, else the first patch."""
        return self.cover or self.patches[0].mail


@dataclass(frozen=True)
class Subject:
    """The subject of a mail of a series: ``number`` 0 is the cover letter.

    ``marked`` tells whether PATCH or RFC stands there; without a counter,
    ``number`` and ``count`` are 1.
    """

    version: int
    prefix: str
    number: int
    count: int
    title: str
    marked: bool
    counted: bool
    resend: bool


def subject(text: str) -> Subject | None:
    """``text`` as the subject of a posted mail; ``None`` for an answer, and what has no prefix."""
    if _ANSWER.match(text):
        return None
    words: list[str] = []
    # Brackets behind the prefix are cut off by git am, too.
    while bracket := _BRACKETS.match(text):
        inner = re.sub(r"(?i)(patch|rfc)(v\d)", r"\1 \2", bracket[1])
        words += [word.strip(",;:") for word in inner.split()]
        text = text[bracket.end() :]
    version, number, count, counted = 1, 1, 1, False
    prefix, resend = [], False
    for word in words:
        if found := _COUNTER.fullmatch(word):
            number, count, counted = int(found[1]), int(found[2]), True
        elif found := _REVISION.fullmatch(word):
            version = max(int(found[1]), 1)
        elif word.upper() == "RESEND":
            resend = True
        elif word:
            prefix.append(word)
    marked = any(re.match(r"PATCH|RFC", word, re.IGNORECASE) for word in prefix)
    if not (marked or counted) or (counted and not 0 <= number <= count):
        return None
    title = " ".join(text.split())
    return Subject(version, " ".join(prefix), number, count, title, marked, counted, resend)


def branches(text: str) -> frozenset[str]:
    """The stable kernels that a subject's brackets name, also a reply's; mostly none.

    A patch for one of them is another posting than that for the kernel to come
    (Documentation/process/stable-kernel-rules.rst).
    """
    prefix = text.strip().removesuffix(mail_title(text)[0])
    words = re.findall(r"[^\s\[\],;:]+", prefix)
    return frozenset(word.lower() for word in words if _BRANCH.fullmatch(word))


def patch_of(mail: Mail) -> PostedPatch | None:
    """The patch that ``mail`` is, or ``None``: an answer, a cover letter, no whole diff."""
    named = subject(mail.subject)
    if named is None or named.number == 0:
        return None
    author, title, message, notes, diff = _take_apart(mail)
    read = posted_diff.scan(diff)
    if not diff or read.damage:
        return None
    return PostedPatch(
        mail=mail,
        number=named.number,
        title=title or named.title,
        message=message,
        notes=notes,
        diff=diff[: read.end],
        author=author,
    )


def split_message(text: str) -> tuple[str, str]:
    """A commit message and the notes that a ``--`` line, meant as ``---``, cuts off of it.

    That line counts where trailers come before it or a changelog behind it, and
    no person's trailer comes later.
    """
    lines = text.split("\n")
    for at in range(len(lines) - 1, 0, -1):
        if lines[at].rstrip() != "--":
            continue
        before = next((line for line in reversed(lines[:at]) if line.strip()), "")
        behind = [line for line in lines[at + 1 :] if line.strip()]
        if any(addresses.of_trailer(line) for line in behind):
            return text, ""
        if addresses.of_trailer(before) or (behind and changelogs.version_of(behind[0])):
            return tidy("\n".join(lines[:at])), "\n".join(lines[at + 1 :]).strip("\n")
    return text, ""


def tidy(text: str) -> str:
    """``text`` as git-stripspace(1) leaves it, less the last line end."""
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")


def body(mail: Mail) -> tuple[bytes, str]:
    """The decoded text of a mail, all its text parts, with "\\n" line ends; and its charset."""
    parts: list[bytes] = []
    charset = ""
    try:
        for part in message_from_bytes(mail.content).walk():
            if part.get_content_maintype() == "text" or _is_patch(part):
                content = part.get_payload(decode=True)
                parts.append(content if isinstance(content, bytes) else b"")
                charset = charset or str(part.get_content_charset() or "")
    except (MessageError, LookupError, ValueError, AssertionError):
        return mail.text.encode("utf-8", "surrogateescape"), "utf-8"
    text = b"\n".join(parts)
    # Line ends of a mail on its way, not of the file that is patched.
    if text.count(b"\r\n") == text.count(b"\n"):
        text = text.replace(b"\r\n", b"\n")
    return text, charset or "utf-8"


def _is_patch(part: Message) -> bool:
    return (part.get_filename() or "").endswith((".patch", ".diff"))


def decode(text: bytes, charset: str) -> str:
    """``text`` in ``charset``, else in UTF-8, else in Latin-1, as git guesses."""
    for name in (charset, "utf-8"):
        try:
            return text.decode(name)
        except (LookupError, ValueError):
            continue
    return text.decode("latin-1")


def _take_apart(mail: Mail) -> tuple[str, str, str, str, bytes]:
    """Author, title (empty: the subject's), message, notes, and the diff with what follows."""
    content, charset = body(mail)
    lines = content.splitlines(keepends=True)
    cut = next((at for at, line in enumerate(lines) if _ends_message(line)), len(lines))
    start = next((at for at in range(cut, len(lines)) if _begins_diff(lines, at)), len(lines))
    text = decode(b"".join(lines[:cut]), charset)
    author, title, text = _in_body_headers(text.replace("\r\n", "\n"))
    message, early = split_message(tidy(text))
    below = decode(b"".join(lines[cut:start]), charset).replace("\r\n", "\n")
    notes = "\n\n".join(part for part in (early, _notes(below)) if part)
    return author or mail.sender, title, message, notes, b"".join(lines[start:])


def _ends_message(line: bytes) -> bool:
    """Whether git am takes ``line`` for the end of the commit message (``patchbreak``)."""
    if line.startswith((b"diff -", b"Index: ")):
        return True
    return bool(re.match(rb"---(?: \S|\s*\Z)", line))


def _begins_diff(lines: Sequence[bytes], at: int) -> bool:
    if not posted_diff.starts(lines[at]):
        return False
    if not lines[at].startswith(b"--- "):
        return True
    return at + 1 < len(lines) and lines[at + 1].startswith(b"+++ ")


def _in_body_headers(text: str) -> tuple[str, str, str]:
    """Author and title that stand at the start of the text, and the text behind them."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    at, last = 0, ""
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            if found:
                break
        elif header := _IN_BODY.match(line):
            last = header[1].lower()
            found[last] = header[2].strip()
        elif line[0] in " \t" and last:
            found[last] += f" {line.strip()}"
        elif not re.match(r">?From [0-9a-f]{40} Mon Sep 17 00:00:00 2001", line):
            break
        at += 1
    title = found.get("subject", "")
    while bracket := _BRACKETS.match(title):
        title = title[bracket.end() :]
    return _author(found.get("from", "")), " ".join(title.split()), "\n".join(lines[at:])


def _author(value: str) -> str:
    if not value:
        return ""
    try:
        (who,) = addresses.in_header(value)
    except (LookupError, ValueError, MessageError):
        return ""
    return who if parseaddr(who)[1] else ""


def _notes(text: str) -> str:
    """What a person wrote between ``---`` and the diffstat, and behind it."""
    kept = [line for line in text.split("\n") if not _STAT.match(line) and line.strip() != "---"]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def cover_text(cover: Mail) -> str:
    """The text of a cover letter without shortlog, diffstat, signature and base."""
    text = decode(*body(cover)).replace("\r\n", "\n")
    text = re.split(r"^-- ?\n", text, maxsplit=1, flags=re.MULTILINE)[0]
    text = re.sub(r"^\S.* \(\d+\):\n(?:  \S.*\n)+", "", text, flags=re.MULTILINE)
    lines = [line for line in text.split("\n") if not _STAT.match(line)]
    kept = [
        line
        for line in lines
        if not re.match(
            r"(?:---|(?:base-commit|change-id"
            r"|prerequisite-(?:patch|change|message)-id):"
            r" .*)\Z",
            line,
        )
    ]
    return tidy("\n".join(kept))


def postings(mails: Sequence[Mail]) -> tuple[Posting, ...]:
    """The versions of series that are among ``mails``, the oldest version first.

    Mails of several series make postings of their own (``related`` tells them
    apart).  A version that was posted twice is one posting, of the newer mails;
    the other ones are ``resent``.
    """
    parts = [part for mail in mails if (part := _part(mail))]
    parts = list({part.mail.message_id: part for part in parts}.values())
    made = [one for group in _groups(parts) if (one := _posting(group))]
    made = _joined(made)
    return tuple(sorted(made, key=lambda one: (one.version, one.first.date, one.first.message_id)))


@dataclass(frozen=True)
class _Part:
    """A mail that may be of a series; ``patch`` is ``None`` for a cover letter, and for damage."""

    mail: Mail
    subject: Subject
    patch: PostedPatch | None


def _part(mail: Mail) -> _Part | None:
    named = subject(mail.subject)
    if named is None:
        return None
    patch = patch_of(mail)
    if patch is None and not named.counted:
        return None
    return _Part(mail, named, patch)


def _groups(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Parts that were posted together: the same version and count, in one thread."""
    known = {part.mail.message_id: part for part in parts}
    groups: dict[tuple[object, ...], dict[str, list[_Part]]] = {}
    for part in parts:
        threads = groups.setdefault(_kind(part), {})
        threads.setdefault(_root(part, known), []).append(part)
    for threads in groups.values():
        yield from _merged(list(threads.values()))


def _merged(alike: Sequence[list[_Part]]) -> list[list[_Part]]:
    """Groups of one kind, put together where each has numbers that the others lack.

    That is what was sent without threading, or lost its cover letter.
    """
    made: list[list[_Part]] = []
    for group in sorted(alike, key=lambda one: min(part.mail.date for part in one)):
        fitting = [other for other in made if _fits(group, other)]
        same = [other for other in fitting if _senders(other) & _senders(group)]
        if not any(part.mail.parents for part in group):
            same += fitting
        if same:
            same[0] += group
        else:
            made.append(list(group))
    return made


def _fits(group: Sequence[_Part], other: Sequence[_Part]) -> bool:
    there = {part.subject.number for part in other}
    return group[0].subject.counted and there.isdisjoint(part.subject.number for part in group)


def _senders(group: Sequence[_Part]) -> set[str]:
    return {addresses.key(part.mail.sender) for part in group}


def _kind(part: _Part) -> tuple[object, ...]:
    named = part.subject
    title = "" if named.counted else named.title.casefold()
    return named.version, named.count, title, branches(f"[{named.prefix}]")


def _root(part: _Part, known: dict[str, _Part]) -> str:
    """The mail that a part was posted below: the furthest of its ancestors that is of its kind.

    What that one answers, where nobody has it: the cover letter that is missing.
    """
    top = part
    for parent in part.mail.parents if part.subject.number else ():
        above = known.get(parent)
        if above is not None and _kind(above) == _kind(part):
            top = above
            if above.subject.number == 0:
                break
    unknown = top.subject.number and [one for one in top.mail.parents[:1] if one not in known]
    return unknown[0] if unknown else top.mail.message_id


def _posting(parts: Sequence[_Part]) -> Posting | None:
    """The newest mail of each number; what is odd is said."""
    by_number: dict[int, list[_Part]] = {}
    for part in sorted(parts, key=lambda one: (one.mail.date, one.mail.message_id)):
        by_number.setdefault(part.subject.number, []).append(part)
    patches, resent, problems = [], [], []
    for number, alike in sorted(by_number.items()):
        found = [part.patch for part in alike if part.patch]
        if number and not found:
            problems.append(f"{_called(alike[-1])}: has no whole diff ({_damage(alike[-1].mail)})")
        if found:
            patches.append(found[-1])
            resent += found[:-1]
        if len(alike) > 1 and number:
            problems.append(
                f"{_called(alike[-1])}: was posted {len(alike)} times, the newest counts"
            )
    if not patches and 0 not in by_number:
        return None
    cover = by_number[0][-1] if 0 in by_number else None
    first = cover or by_number[min(by_number)][-1]
    # git format-patch names the base in the first mail, b4 in the cover letter.
    texts = [decode(*body(one)) for one in (first.mail, *(patch.mail for patch in patches[:1]))]
    count = first.subject.count
    made = Posting(
        version=first.subject.version,
        prefix=first.subject.prefix or "PATCH",
        count=count,
        cover=cover.mail if cover else None,
        cover_title=cover.subject.title if cover else (patches[0].title if patches else ""),
        patches=tuple(patches),
        base=_first(_BASE, texts),
        change_id=_first(_CHANGE_ID, texts),
        resent=tuple(resent),
    )
    gone = [number for number in made.missing if number not in by_number]
    problems = [*_missing(gone, count), *problems]
    return replace(made, problems=tuple(problems))


def _missing(numbers: Sequence[int], count: int) -> list[str]:
    """What is to be said of patches that are not there: each, or many in one line."""
    if len(numbers) > _MANY:
        return [f"{recipients.patches(numbers)} of {count} are missing"]
    return [f"patch {number}/{count} is missing" for number in numbers]


def _called(part: _Part) -> str:
    named = part.subject
    return f"patch {named.number}/{named.count} ({named.title})"


def _damage(mail: Mail) -> str:
    diff = _take_apart(mail)[4]
    return posted_diff.scan(diff).damage if diff else "there is none"


def _first(form: re.Pattern[str], texts: Iterable[str]) -> str:
    return next((found[1] for text in texts if (found := form.search(text))), "")


def related(one: Posting, other: Posting) -> bool:
    """Whether two postings are of one series: a title, a patch or the change-id is the same.

    One for a stable kernel is a series of its own.
    """
    if branches(f"[{one.prefix}]") != branches(f"[{other.prefix}]"):
        return False
    if one.change_id and one.change_id == other.change_id:
        return True
    if one.cover and other.cover and _folded(one.cover_title) == _folded(other.cover_title):
        return True
    titles = {_folded(patch.title) for patch in one.patches}
    same = sum(_folded(patch.title) in titles for patch in other.patches)
    return same * 2 >= min(len(one.patches), len(other.patches)) > 0


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


def _joined(made: Sequence[Posting]) -> list[Posting]:
    """Postings, where a version of a series that was posted twice is one."""
    kept: list[Posting] = []
    for one in sorted(made, key=lambda each: (len(each.missing), -each.first.date)):
        same = next(
            (
                at
                for at, other in enumerate(kept)
                if other.version == one.version and related(other, one) and not _rival(other, one)
            ),
            None,
        )
        if same is None:
            kept.append(one)
            continue
        other = kept[same]
        said = (
            f"version {one.version} was posted more than once: that of {other.first.message_id} "
            f"is taken, not that of {one.first.message_id}"
        )
        kept[same] = replace(
            other,
            resent=(*other.resent, *one.patches, *one.resent),
            problems=(*other.problems, said),
        )
    return kept


def _rival(one: Posting, other: Posting) -> bool:
    """Whether two postings have covers that say otherwise, and few patches in common."""
    if not (one.cover and other.cover) or _folded(one.cover_title) == _folded(other.cover_title):
        return False
    titles = {_folded(patch.title) for patch in one.patches}
    same = sum(_folded(patch.title) in titles for patch in other.patches)
    return same * 2 < max(len(one.patches), len(other.patches), 3)


def with_patch_ids(found: Sequence[Posting]) -> tuple[Posting, ...]:
    """Postings whose patches have their patch ids: one ``git patch-id`` for all."""
    every = [patch for one in found for patch in (*one.patches, *one.resent)]
    ids = patch_ids([patch.diff for patch in every])
    named = iter(ids)

    def fill(patches: Sequence[PostedPatch]) -> tuple[PostedPatch, ...]:
        return tuple(replace(patch, patch_id=next(named)) for patch in patches)

    return tuple(replace(one, patches=fill(one.patches), resent=fill(one.resent)) for one in found)


def patch_ids(diffs: Sequence[bytes]) -> list[str]:
    """The stable patch id of each diff (git-patch-id(1)), empty where git finds none."""
    asked = b"".join(
        b"From %040x Mon Sep 17 00:00:00 2001\n\n%s\n" % (at, diff.rstrip(b"\n") + b"\n")
        for at, diff in enumerate(diffs, 1)
    )
    if not diffs:
        return []
    said = run_git(["patch-id", "--stable"], cwd=Path("/"), stdin=asked).stdout.decode()
    found = {int(number, 16): name for name, number in (line.split() for line in said.splitlines())}
    return [found.get(at, "") for at in range(1, len(diffs) + 1)]
