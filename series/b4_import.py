"""A series that b4 keeps becomes a series folder, or changes the words of one.

What comes back from b4 is compared with what was handed to it, so that templates stay
templates and only what was changed there is changed here.  Commits are compared, never
merged: that is what ``reroll absorb`` is for.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path

from generator import campaign as campaign_module
from generator.campaign import Campaign
from generator.errors import ConflictError, UsageError
from generator.split import slug
from generator.templates import literal
from generator.tree import Tree, run_git
from series import (
    addresses,
    b4_branch,
    b4_comparison,
    b4_cover,
    campaign_file,
    mail,
    posted_campaign,
    posting,
    store,
)
from series.b4_branch import Branch, Commit
from series.b4_cover import Cover, Tracking
from series.b4_source import Source
from series.campaign_file import CampaignFile
from series.posting import Posting
from series.version import Version

# A diff that git quotes and finds the same on every machine.
_FORMAT = ("core.abbrev=12", "format.notes=false", "format.forceInBodyFrom=no")


@dataclass(frozen=True)
class Folder:
    """A new series folder: the text of ``series.toml``, the files beside it, what was odd."""

    text: str
    files: Mapping[str, bytes]
    ids: Mapping[int, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """Changes of a series folder, one line each, not written before ``file.save``."""

    file: CampaignFile
    changes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Edits:
    """Changes being collected."""

    file: CampaignFile
    exported: Mapping[str, str]
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)

    def wanted(self, name: str, here: str, there: str) -> bool:
        """Whether the part ``name`` was changed by b4; the values are digests.

        Without a record of what was exported, all that differs was.
        """
        before = self.exported.get(name, here)
        if there in (here, before):
            return False
        if here != before:
            self.conflicts.append(name)
        return here == before


def new_folder(tree: Tree | None, source: Source) -> Folder:
    """A series folder made of ``source``: each patch one ``apply`` step.

    ``tree`` is where a branch is.  Raises ``UsageError`` for a series without patches,
    with merges, or of which mails are missing.
    """
    found = source.found
    if source.branch is not None and tree is not None:
        found = _as_posting(tree, source.branch, source)
    if found is None or not found.patches or found.missing:
        which = ", ".join(map(str, found.missing)) if found else "all"
        raise UsageError(
            f"{source.where}: patches are missing: {which}", hint="give a mailbox with all mails"
        )
    if outside := posted_campaign.outside(found):
        raise UsageError(f"{source.where}: {outside[0]}")
    made = posted_campaign.make(replace(found, cover=None))
    patches = tomllib.loads(made.text)["patch"]
    own = str(tree.identity()) if tree is not None and source.branch else ""
    for patch in patches:
        if patch.get("author") == own:
            del patch["author"]
    text = campaign_file.new_campaign(_series(source, found.base), patches)
    files = dict(made.files)
    if source.branch is not None:  # what git wrote, byte for byte
        for patch in found.patches:
            files[f"patches/{made.ids[patch.number]}.patch"] = patch.mail.content
    return Folder(text, files, made.ids, (*source.notes, *made.notes))


def _series(source: Source, base: str) -> dict[str, object]:
    cover, tracking = source.cover, source.tracking
    prefix = b4_cover.prefix_of(tracking.prefixes)
    # A version that was sent stays as it is, and is the newest one there is.
    version = None if source.found else tracking.revision
    made: dict[str, object] = {
        "name": _name(source),
        "title": literal(cover.title),
        "cover": literal(cover.body),
        "version": version,
        "base": base,
        "prefix": prefix if prefix != "PATCH" else "",
        "change_id": tracking.change_id,
        "to": list(cover.to),
        "cc": list(cover.cc),
        "changelog": {
            str(number): list(cover.changelog[number])
            for number in sorted(cover.changelog, reverse=True)
        },
    }
    return {key: value for key, value in made.items() if value}


def _name(source: Source) -> str:
    """The branch's name, else the middle of the change id, which b4 makes of the name."""
    if source.branch:
        return slug(source.branch.name.removeprefix("b4/"))
    parts = source.tracking.change_id.split("-")
    return slug("-".join(parts[1:-1]) or source.tracking.change_id)


def _as_posting(tree: Tree, branch: Branch, source: Source) -> Posting:
    """The commits of a branch as if they had been posted."""
    if not branch.commits:
        raise UsageError(f"{branch.name}: has no patch yet")
    patches = []
    for number, commit in enumerate(branch.commits, 1):
        one = (
            posting.patch_of(mail.parse(_mail_of(tree, commit)))
            if commit.parents[1:] == ()
            else None
        )
        if one is None or not one.diff:
            kind = "merges" if commit.parents[1:] else "changes nothing"
            raise UsageError(f"{branch.name}: commit {commit.id[:12]} ({commit.title}) {kind}")
        patches.append(replace(one, number=number, author=str(commit.author)))
    return Posting(
        version=source.tracking.revision,
        prefix=b4_cover.prefix_of(source.tracking.prefixes),
        count=len(patches),
        cover=None,
        cover_title=source.cover.title,
        patches=tuple(patches),
        base=branch.base,
        change_id=source.tracking.change_id,
    )


def _mail_of(tree: Tree, commit: Commit) -> bytes:
    """A commit as ``git format-patch`` writes it."""
    refused = ("to", "cc", "add-header", "signoff", "color", "attach", "signature", "thread")
    words = ["format-patch", "--stdout", "-1", *(f"--no-{one}" for one in refused)]
    words += ["--no-base", "--no-from", "--no-numbered", "--no-notes", "--no-ext-diff"]
    words += ["--full-index", "--binary", "--subject-prefix=PATCH", commit.id]
    return run_git(words, cwd=tree.path, settings=_FORMAT).stdout


@dataclass(frozen=True)
class _Before:
    """What reroll has now; ``version`` is the one that b4 was given, where it is known."""

    cover: Cover
    tracking: Tracking
    version: Version | None = None


def update(tree: Tree | None, folder: Path, source: Source, *, cover_only: bool = False) -> Update:
    """What ``source`` changes in the campaign of ``folder``; nothing is written.

    Raises ``ConflictError`` for a branch whose commits are not those of the version
    that it was made of, unless only the cover letter is asked for.
    """
    campaign = campaign_module.load(folder)
    before = _before(folder, campaign, source.tracking)
    edits = _Edits(CampaignFile(folder), source.tracking.digests, notes=list(source.notes))
    if source.branch and tree is not None and not cover_only:
        edits.notes += b4_comparison.compare(tree, source.branch, before.version)
    elif source.found:
        edits.notes.append("patches of mails are not compared: 'reroll collect' takes them over")
    here = b4_cover.digests(before.cover, before.tracking)
    there = b4_cover.digests(source.cover, source.tracking)
    wanted = {name for name in here if edits.wanted(name, here[name], there[name])}
    if edits.conflicts:
        raise ConflictError(
            f"{source.where}: changed there, and here since it was exported: "
            + ", ".join(edits.conflicts),
            hint="make them the same in series.toml, generate, and import again",
        )
    _set_words(edits, campaign, source, wanted)
    if "recipients" in wanted:
        _set_people(edits, campaign, before.cover, source.cover)
    if "changelog" in wanted:
        _set_changelog(edits, campaign, before, source.cover)
    _set_tracking(edits, campaign, before, source.tracking, wanted)
    return Update(edits.file, tuple(edits.changes), tuple(edits.notes))


def _before(folder: Path, campaign: Campaign, tracking: Tracking) -> _Before:
    """The version that was exported, else the newest one generated, else the campaign."""
    numbers = store.numbers(folder)
    made = [store.read(folder, number) for number in numbers]
    made = [one for one in made if one.source != "mails"]
    series = campaign.series
    for version in [one for one in made if one.version == tracking.version] or made[-1:]:
        cover, _ = b4_branch.of_version(folder, version)
        cover = _since(campaign, cover) if version.cover else cover
        words = b4_cover.prefixes_of(series.prefix)
        known = Tracking(version.version, version.change_id, words)
        return _Before(cover, known, version)
    log = {number: tuple(lines) for number, lines in series.changelog.items()}
    cover = Cover(series.title, campaign.cover_text(), tuple(series.to), tuple(series.cc), log)
    newest = series.version or max(numbers, default=1)
    return _Before(cover, Tracking(newest, "", b4_cover.prefixes_of(series.prefix)))


def _since(campaign: Campaign, cover: Cover) -> Cover:
    """``cover`` with the words that are in series.toml now; of templates those that were made."""
    title, text = _said(campaign.series.title), _said(campaign.cover_text())
    if title is not None:
        cover = replace(cover, title=" ".join(title.split()))
    if text is not None:
        cover = replace(cover, body=b4_cover.tidy(b4_cover.body_of(text, 0)[0]))
    return cover


def _said(template: str) -> str | None:
    """What a template says that asks for nothing, else ``None``."""
    text = template.replace(literal("{{")[:-1], "{")
    return text if literal(text) == template else None


def _set_words(edits: _Edits, campaign: Campaign, source: Source, wanted: set[str]) -> None:
    cover, series = source.cover, campaign.series
    if "title" in wanted:
        edits.file.set_series("title", literal(cover.title))
        edits.changes.append(f"title: {cover.title}")
        _note_template(edits, "title", series.title)
    if "cover letter" in wanted:
        text, old = literal(cover.body), campaign.cover_text()
        if series.cover_file:
            edits.file.write_file(series.cover_file, f"{text}\n".encode())
        else:
            edits.file.set_series("cover", text or None)
        edits.changes.append(f"cover letter: {_how_much(old.strip(), cover.body)}")
        _note_template(edits, "cover letter", old)
    if "prefix" in wanted:
        prefix = b4_cover.prefix_of(source.tracking.prefixes)
        edits.file.set_series("prefix", prefix)
        edits.changes.append(f"prefix: {prefix}")


def _note_template(edits: _Edits, what: str, text: str) -> None:
    if _said(text) is None:
        edits.notes.append(f"the {what} was a template; it is plain text now")


def _how_much(old: str, new: str) -> str:
    """How many lines came and went."""
    codes = SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False).get_opcodes()
    gone = sum(end - at for tag, at, end, _, _ in codes if tag != "equal")
    came = sum(end - at for tag, _, _, at, end in codes if tag != "equal")
    return f"{came} lines new, {gone} gone"


def _set_people(edits: _Edits, campaign: Campaign, before: Cover, now: Cover) -> None:
    """Addresses that came are declared; those that went can only go where they are."""
    known = {addresses.key(one) for one in (*before.to, *before.cc)}
    there = {addresses.key(one) for one in (*now.to, *now.cc)}
    declared: list[str] = []
    for name, old, new in (
        ("to", campaign.series.to, now.to),
        ("cc", campaign.series.cc, now.cc),
    ):
        here = known | {addresses.key(one) for one in old}
        added = [one for one in new if addresses.key(one) not in here]
        gone = [one for one in old if addresses.key(one) in known - there]
        declared += map(addresses.key, gone)
        if added or gone:
            kept = [one for one in old if one not in gone]
            edits.file.set_series(name, [*kept, *added] or None)
            edits.changes += [f"{name}: {one}" for one in added]
            edits.changes += [f"{name}: no longer {one}" for one in gone]
    for one in (*before.to, *before.cc):
        if addresses.key(one) not in {*there, *declared}:
            edits.notes.append(
                f"{one} is no longer in b4's cover letter; that it gets mails does not follow "
                "from [series]: see recipients.block in docs/campaign.md"
            )


def _set_changelog(edits: _Edits, campaign: Campaign, before: _Before, now: Cover) -> None:
    """Entries that came and went; of a single patch they are the patch's."""
    single = before.version and not before.version.cover and len(before.version.patches) == 1
    of = before.version.patches[0].of if before.version and single else None
    patch = next((one for one in campaign.patches if one.id == of), None)
    there = patch.changelog if patch else campaign.series.changelog
    made = {number: list(lines) for number, lines in there.items()}
    for number in sorted({*before.cover.changelog, *now.changelog}):
        old = _spaced(before.cover.changelog.get(number, ()))
        new = _spaced(now.changelog.get(number, ()))
        here = made.get(number, [])
        gone = [line for line in _spaced(here) if line in old and line not in new]
        kept = [line for line in here if _spaced([line])[0] not in gone]
        added = [line for line in new if line not in old and line not in _spaced(kept)]
        if gone or added:
            made[number] = [*kept, *added]
            edits.changes += [f"changelog of v{number}: {line}" for line in added]
            edits.changes += [f"changelog of v{number}: no longer '{line}'" for line in gone]
    for number, lines in made.items():
        known = list(there.get(number, []))
        if lines[: len(known)] != known:  # something went: the table is written anew
            table = {str(one): made[one] for one in sorted(made, reverse=True) if made[one]}
            if patch:
                edits.file.set_patch(patch.id, "changelog", table)
            else:
                edits.file.set_series("changelog", table)
            return
    for number, lines in made.items():
        if lines != list(there.get(number, [])):
            edits.file.add_changelog(patch.id if patch else None, number, lines)


def _spaced(lines: Sequence[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _set_tracking(
    edits: _Edits, campaign: Campaign, before: _Before, now: Tracking, wanted: set[str]
) -> None:
    if "revision" in wanted and now.revision != campaign.series.version:
        edits.file.set_series("version", now.revision)
        edits.changes.append(f"version: {now.revision}")
    ours = before.tracking.change_id
    declared = campaign.series.change_id
    if now.change_id in (ours, declared):
        return
    edits.file.set_series("change_id", now.change_id)
    edits.changes.append(f"change-id: {now.change_id}")
