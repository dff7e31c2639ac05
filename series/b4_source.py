"""What b4 says of a series: on a branch of ``b4 prep``, or in the mails of ``b4 send``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.errors import MessageError
from pathlib import Path

from generator.errors import UsageError
from generator.templates import literal, render_line, render_text
from generator.tree import Tree
from series import addresses, b4_branch, b4_cover, mail, posting
from series.b4_branch import Branch
from series.b4_cover import Cover, Tracking
from series.mail import Mail
from series.posting import PostedPatch, Posting

_HEADER = "X-B4-Tracking"
_STAT = re.compile(r"^ \d+ files? changed", re.MULTILINE)
_CUT = re.compile(r"^---\s*\n", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """What b4 says of a series: of a branch, or of the mails in ``found``."""

    where: str
    cover: Cover
    tracking: Tracking
    notes: tuple[str, ...] = ()
    branch: Branch | None = None
    found: Posting | None = None


def of_branch(tree: Tree, name: str) -> Source:
    """The series on a b4 branch; raises what ``b4_branch.read`` does."""
    branch = b4_branch.read(tree, name)
    return _source(name, branch.cover, branch.tracking, branch=branch, notes=branch.notes)


def of_mails(path: Path) -> Source:
    """The series in a mail that ``b4 send`` made, or a mailbox with one: its newest version.

    Raises ``UsageError`` when no mail has tracking data, or they are damaged.
    """
    mails = list(mail.load(mail.read_heads([path])))
    tracked = [(one, text) for one in mails if (text := _tracking_text(one))]
    if not tracked:
        raise UsageError(
            f"{path}: no mail in it has an {_HEADER} header",
            hint="a series posted without b4 is for 'reroll init DIR --from-mbox'",
        )
    read = [(one, b4_cover.of_header(text, where=str(path))) for one, text in tracked]
    first, tracking = max(read, key=lambda pair: (pair[1].revision, pair[0].date))
    related = [one for one in posting.postings(mails) if one.first.message_id == first.message_id]
    found = related[0] if related else None
    cover = _cover_of_mail(first, single=found is not None and found.cover is None, where=str(path))
    # b4 writes to everybody whom a trailer of a patch names, and so does reroll.
    named = {
        addresses.key(one) for patch in (found.patches if found else ()) for one in _named(patch)
    }
    to = tuple(one for one in cover.to if addresses.key(one) not in named)
    cc = tuple(one for one in cover.cc if addresses.key(one) not in named)
    cover = replace(cover, to=to, cc=cc)
    return _source(str(path), cover, tracking, found=found)


def _source(
    where: str,
    cover: Cover,
    tracking: Tracking,
    *,
    notes: Sequence[str] = (),
    branch: Branch | None = None,
    found: Posting | None = None,
) -> Source:
    cover, left = b4_cover.without_placeholders(cover, where=where)
    cover, words = b4_cover.title_prefixes(cover)
    fresh = [one for one in words if one.upper() not in map(str.upper, tracking.prefixes)]
    tracking = replace(tracking, prefixes=(*tracking.prefixes, *fresh))
    said = [*notes, *(f"left out, because b4 wants it edited: '{line}'" for line in left)]
    if tracking.unknown:
        said.append(f"b4's {', '.join(tracking.unknown)} are not taken over")
    _require_plain(cover, where)
    return Source(where, cover, tracking, tuple(said), branch, found)


def _require_plain(cover: Cover, where: str) -> None:
    """``CampaignError`` for a title or text that no mail of reroll could have."""
    render_line(literal(cover.title), {}, name=f"{where}: title")
    render_text(literal(cover.body), {}, name=f"{where}: cover letter")
    for address in (*cover.to, *cover.cc):
        if why := addresses.problem(address):
            shown = addresses.printable(address)
            raise UsageError(f"{where}: the address '{shown}' in the cover letter {why}")


def _named(patch: PostedPatch) -> list[str]:
    trailers = map(addresses.of_trailer, patch.message.split("\n"))
    return [trailer[1] for trailer in trailers if trailer]


def _tracking_text(one: Mail) -> str:
    head = one.content.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
    if _HEADER.lower().encode() not in head.lower():
        return ""
    try:
        return str(message_from_bytes(head + b"\n\n").get(_HEADER, ""))
    except (MessageError, ValueError, LookupError):
        return ""


def _cover_of_mail(one: Mail, *, single: bool, where: str) -> Cover:
    """The cover letter that b4 made a mail of: what stands above shortlog and diffstat.

    Of a single patch, b4 puts it below the patch's ``---``, and leaves its title out.
    """
    subject = posting.subject(one.subject)
    title = subject.title if subject else one.subject
    sections = _CUT.split(one.text.replace("\r\n", "\n"))
    kept = []
    for section in sections[1 if single else 0 :]:
        if _STAT.search(section) or section.startswith("diff --git "):
            break
        kept.append(section.strip("\n"))
    text = "\n\n---\n".join([title, *kept] if single else [f"{title}\n\n{kept[0] if kept else ''}"])
    if not single:
        text = "\n\n---\n".join([text, *kept[1:]])
    # In a mail nothing is escaped, and no line is a comment.
    text = re.sub(r"^(?=#)", ">", text, flags=re.MULTILINE)
    cover = b4_cover.parse_cover(f"{text}\n\n---\n", where=where)
    return replace(cover, to=one.to, cc=one.cc)
