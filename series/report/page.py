"""The page: reads a series folder, lays out what it finds, renders the templates.

Everything on the page comes from mails and trees and is untrusted.  So the templates escape
all of it, control characters are shown as escapes, the page has no script and its
Content-Security-Policy allows none, and the only addresses of links are anchors of the page
and those of the archive that is configured.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from series import comment_file, journal, overview, store, trailer_file
from series.comment_file import Comment
from series.output import printable
from series.overview import Overview
from series.report import (
    addressees,
    differences,
    findings,
    ledger_map,
    letters,
    matrix,
    remarks,
    timeline,
    verdicts,
    words,
)
from series.report.letters import Letter
from series.trailer_file import Tag
from series.version import Version

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class Page:
    """The page, and how much is on it."""

    content: bytes
    versions: int
    patches: int
    mails: int


Missing = Callable[[Overview], Mapping[str, str]]


def build(
    folder: Path,
    *,
    archive: str = "",
    required: Sequence[str] = (),
    missing: Missing = lambda _: {},
) -> Page:
    """The page of the series in ``folder``, which has a version at least.

    ``archive`` is the base URL that Message-IDs link to, or empty; ``required`` are the checks
    that sending requires, ``missing`` tells which of them keep the newest version back, and why.

    Raises ``UsageError`` when something of the folder cannot be read.
    """
    found = overview.read(folder)
    versions = [store.read(folder, one.number) for one in found.versions]
    tags, said = trailer_file.read(folder), comment_file.read(folder)
    cited = _cited(tags, said)
    mails = letters.read(folder, versions, cited, archive)
    facts = _facts(folder, found, versions, mails, said, required, missing)
    facts["latest"] = max(
        [*(one.date for one in mails), *(entry.time for entry in journal.read(folder))],
        default=0,
    )
    facts["links"] = _links(mails, cited, archive)
    text = _environment().get_template("page.html.j2").render(facts)
    return Page(text.encode(), len(versions), len(found.patches), len(mails))


def _cited(tags: Sequence[Tag], said: Sequence[Comment]) -> dict[str, int]:
    """The mails that tags and comments rest on, and the version that they are about."""
    found = {name: tag.version for tag in tags for name in tag.messages}
    return {**found, **{one.message: one.version for one in said}}


def _links(mails: Sequence[Letter], cited: Iterable[str], archive: str) -> dict[str, str]:
    """Where each mail is: on the page, else in the archive, else nowhere."""
    outside = {name: letters.url(archive, name) for name in cited}
    found = {name: url for name, url in outside.items() if url}
    return {**found, **{one.message_id: f"#{one.anchor}" for one in mails}}


def _facts(
    folder: Path,
    found: Overview,
    versions: Sequence[Version],
    mails: Sequence[Letter],
    said: Sequence[Comment],
    required: Sequence[str],
    missing: Missing,
) -> dict[str, Any]:
    """What the templates show."""
    newest = versions[-1]
    needed = [] if newest.source == "mails" else [name for name in required if name != "mail"]
    lacking = missing(found)
    between = differences.between(folder, versions)
    rows = matrix.rows(found, versions, mails, between)
    stages = timeline.stages(found, mails)
    told = findings.read(folder, newest)
    by_patch = findings.by_patch(told)
    return {
        "found": found,
        "newest": newest,
        "versions": versions,
        "mails": mails,
        "rows": rows,
        "anchors": {row.patch.id: row.anchor for row in rows},
        "numbered": {row.patch.number: row.anchor for row in rows if row.patch.number},
        "between": tuple(reversed(between)),
        "topics": remarks.topics(rows, found.loose, said),
        "comment_states": remarks.states(said),
        "tag_states": remarks.states(found.tags),
        "comments": said,
        "map": ledger_map.of_version(newest),
        "getting": addressees.getting(newest),
        "left_out": addressees.left_out(newest),
        "changed": addressees.changed(versions[-2], newest) if len(versions) > 1 else (),
        "checks": verdicts.checks(folder, newest, found.checks, needed, told),
        "findings": by_patch,
        "mail_of_file": {one.file: one.anchor for one in mails},
        "found_in": {one.number: one for one in by_patch},
        "lacking": lacking,
        "advice": overview.advice(found, lacking),
        "stages": stages,
        "picture": timeline.picture(stages, mails),
        "shapes": _SHAPES,
    }


_SHAPES: Mapping[str, int] = {
    "map_width": ledger_map.WIDTH,
    "map_height": ledger_map.HEIGHT,
    "line_width": timeline.WIDTH,
    "line_height": timeline.HEIGHT,
    "line_base": timeline.BASE,
}


def _environment() -> "jinja2.Environment":
    import jinja2
    from markupsafe import Markup

    def safe(value: object) -> object:
        """Text without control characters; autoescape comes behind it."""
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return printable(value) if is_text else value  # type: ignore[arg-type]

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("series.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(day=words.day, moment=words.moment, count=words.count, noun=words.noun)
    return made
