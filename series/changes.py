"""What is different between two versions of a series, patch by patch, and words for it.

Pure, but for the range-diff that decides which patches are unchanged.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from generator.campaign import Campaign
from generator.messages import same_trailer
from series import addresses, carrying, comment_file, comments, range_diff, same_change
from series.carrying import Tag
from series.comment_file import Comment
from series.range_diff import Pair, Patch
from series.version import PatchRecord, TrailerRecord, Version

Status = Literal["unchanged", "same change", "changed", "new", "gone"]
# Files that a changelog line names.
_NAMED = 3
# What stands before a line of the series' changelog that is about one patch of a split.
_TITLED = re.compile(r'\A".*": (?=Review from )')


@dataclass(frozen=True)
class PatchChange:
    """What became of one patch.

    ``number`` is 0 for one that is gone, ``before`` for a new one; ``was`` is the
    title it had where that was another.  ``files`` are those that it changes in
    another way than before.  ``appeared`` and ``gone`` count call sites by file;
    ``lost`` are those of ``dropped`` that a reader of the last version knows of;
    ``why`` is the reason for one that was left out.
    """

    id: str
    of: str
    title: str
    status: Status
    number: int
    before: int
    was: str = ""
    files: tuple[str, ...] = ()
    carried: tuple[TrailerRecord, ...] = ()
    dropped: tuple[TrailerRecord, ...] = ()
    lost: tuple[TrailerRecord, ...] = ()
    appeared: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Changes:
    """A version against the one before it: every patch of either, in the new one's order."""

    old: Version
    new: Version
    patches: tuple[PatchChange, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Side:
    """A version and its patches as a range-diff has them, in the same order."""

    version: Version
    patches: Sequence[Patch]

    def place(self, patch: PatchRecord) -> int:
        """Where a patch of the version is, from 1."""
        return self.version.patches.index(patch) + 1

    def patch(self, patch: PatchRecord) -> Patch:
        """A patch of the version as a range-diff has it."""
        return self.patches[self.place(patch) - 1]


def changes(old: Side, new: Side, tags: Sequence[Tag] = ()) -> Changes:
    """What is different between two versions.

    ``tags`` are all that reviewers gave: those for patches that are gone are named.
    """
    pairs = range_diff.compare(old.patches, new.patches)
    known = _matched(old.version, new.version, pairs)
    same = {(pair.old, pair.new) for pair in pairs if pair.status == "="}
    made: list[PatchChange] = []
    for patch in new.version.patches:
        one = _described(patch, "new", patch.number, carried=patch.carried, dropped=patch.dropped)
        if earlier := known.get(patch.id):
            equal = (old.place(earlier), new.place(patch)) in same
            before, after = old.patch(earlier), new.patch(patch)
            one = _compared(one, earlier, before, patch, after, equal=equal)
            if earlier.id != patch.id:
                one = replace(one, dropped=(*one.dropped, *_under(earlier.id, tags, patch)))
            one = replace(one, lost=_lost(one, earlier, before))
            if earlier.rules and patch.rules:
                then = _converted(old.version, earlier.of)
                now = _converted(new.version, patch.of)
                one = replace(one, appeared=_of(patch, now - then), gone=_of(earlier, then - now))
        made.append(one)
    return Changes(old.version, new.version, (*made, *_gone(old, new, known, tags)), pairs)


def _described(
    patch: PatchRecord,
    status: Status,
    number: int,
    *,
    carried: tuple[TrailerRecord, ...] = (),
    dropped: tuple[TrailerRecord, ...] = (),
) -> PatchChange:
    return PatchChange(
        patch.id, patch.of, patch.title, status, number, 0, carried=carried, dropped=dropped
    )


def _gone(
    old: Side, new: Side, known: Mapping[str, PatchRecord], tags: Sequence[Tag]
) -> Iterator[PatchChange]:
    """The patches of ``old`` that are no more, why, and with which tags."""
    kept = {one.id for one in known.values()}
    reasons = {skipped.id: skipped.reason for skipped in new.version.skipped}
    for patch in old.version.patches:
        if patch.id in kept:
            continue
        given = tuple(
            _record(tag, "the patch is gone" if tag.state in carrying.TAKEN else tag.state)
            for tag in tags
            if tag.patch == patch.id
        )
        why = reasons.get(patch.id) or reasons.get(patch.of, "")
        one = _described(patch, "gone", 0, dropped=given)
        yield replace(one, before=patch.number, why=why)


def _under(name: str, tags: Sequence[Tag], patch: PatchRecord) -> Iterator[TrailerRecord]:
    """The tags that a patch was given under another id, and that nobody has judged."""
    judged = [one.trailer for one in (*patch.carried, *patch.dropped)]
    for tag in tags:
        known = any(same_trailer(tag.trailer, other) for other in judged)
        if tag.patch == name and tag.state in carrying.TAKEN and not known:
            yield _record(
                tag, f"{carrying.OPEN}the patch has another id ('{name}') and has changed"
            )


def _record(tag: Tag, why: str) -> TrailerRecord:
    return TrailerRecord(tag.trailer, tag.version, tuple(tag.messages), why)


def _matched(old: Version, new: Version, pairs: Sequence[Pair]) -> dict[str, PatchRecord]:
    """The patch of ``old`` that each of ``new`` is: by its id, else as range-diff pairs them."""
    ids = {patch.id: patch for patch in old.patches}
    found = {patch.id: ids[patch.id] for patch in new.patches if patch.id in ids}
    for pair in pairs:
        if pair.old and pair.new:
            before, after = old.patches[pair.old - 1], new.patches[pair.new - 1]
            if after.id not in found and before.id not in found:
                found[after.id] = before
    return found


def _compared(
    one: PatchChange,
    earlier: PatchRecord,
    before: Patch,
    patch: PatchRecord,
    after: Patch,
    *,
    equal: bool,
) -> PatchChange:
    """What is different in a patch that both versions have."""
    status: Status = "changed"
    if equal:
        status = "unchanged"
    elif carrying.survives(
        carrying.Made(earlier.patch_id, before.diff), carrying.Made(patch.patch_id, after.diff)
    ):
        status = "same change"
    differ: tuple[str, ...] = ()
    if status == "changed":
        sides = range_diff.alike([before.diff, after.diff])
        names = same_change.changed_files(sides[0], sides[1])
        differ = tuple(name.decode("utf-8", "backslashreplace") for name in names)
    was = earlier.title if earlier.title != patch.title else ""
    return replace(one, status=status, before=earlier.number, was=was, files=differ)


def _lost(one: PatchChange, earlier: PatchRecord, before: Patch) -> tuple[TrailerRecord, ...]:
    """The dropped tags that the last version had, or that were good until now."""
    told = {tag.trailer for tag in earlier.dropped}
    lines = before.message.split("\n")
    return tuple(
        tag
        for tag in one.dropped
        if any(same_trailer(line, tag.trailer) for line in lines)
        or (tag.why.startswith(carrying.OPEN) and tag.trailer not in told)
    )


def _of(patch: PatchRecord, sites: Counter[str]) -> dict[str, int]:
    """Those of the sites of a campaign's patch that are in one shard of it."""
    return {name: count for name, count in sites.items() if not patch.label or name in patch.files}


def _converted(version: Version, of: str) -> Counter[str]:
    """How many sites the shards of a patch convert, by file.

    Of all shards: a file that is in another one than before is nothing new.
    """
    return Counter(
        site.path
        for patch in version.patches
        if patch.of == of
        for site in patch.ledger.sites
        if site.bucket == "converted"
    )


def lines(
    found: Sequence[Changes],
    campaign: Campaign,
    remarks: Sequence[Comment],
    *,
    every: bool = False,
) -> dict[str, tuple[str, ...]]:
    """Lines for the changelogs, by the id of the campaign's patch; "" is the series.

    ``remarks`` are review comments; those that were fixed since the last version are told in
    their reviewers' names, once.  What the changelog of the new version has is not told again.
    With ``every`` all lines that hold are there: also what was told, and which files differ in
    a patch that a person has described.
    """
    known = {patch.id: patch for patch in campaign.patches}
    told: dict[str, list[str]] = {}
    apart: list[str] = []
    for one in found:
        fixed = [remark for remark in remarks if _fixed_since(remark, one.old)]
        fresh = _told(fixed) if every else _untold(fixed, campaign, one.old)
        shards = Counter(change.of for change in one.patches if change.number)
        homes = _homes(one, known)
        for change in one.patches:
            if change.number and change.before and change.of in known:
                mine = (change.id, change.of, *homes.get(change.of, ()))
                own = known[change.of].changelog.get(one.new.version)
                described = bool(own) or any(remark.patch in mine for remark in fixed)
                described = described and not every
                texts = [text for text, patch in fresh if patch in mine]
                texts += _patch_lines(change, one, described=described)
                if shards[change.of] > 1:  # the others would say it, too
                    apart += [f'"{change.title}": {text}' for text in texts]
                else:
                    told.setdefault(change.of, []).extend(texts)
        if one is found[0]:
            general = [text for text, patch in fresh if not patch]
    if not found:
        return {}
    told[""] = [*general, *apart, *_series_lines(found[0])]
    return _without(told, campaign, found[0].new.version)


def _homes(found: Changes, known: Collection[str]) -> dict[str, list[str]]:
    """The shards that are no more, by the patch of the campaign that they were of."""
    there = {patch.id for patch in found.new.patches}
    homes: dict[str, list[str]] = {}
    for patch in found.old.patches:
        if patch.id not in there and patch.of in known:
            homes.setdefault(patch.of, []).append(patch.id)
    return homes


def _without(
    told: Mapping[str, Sequence[str]], campaign: Campaign, number: int
) -> dict[str, tuple[str, ...]]:
    """``told`` without the lines that the changelogs of this version have."""
    there = {patch.id: patch.changelog for patch in campaign.patches}
    there[""] = campaign.series.changelog
    fresh = {
        name: tuple(one for one in dict.fromkeys(texts) if one not in there[name].get(number, ()))
        for name, texts in told.items()
    }
    return {name: texts for name, texts in fresh.items() if texts}


def untitled(line: str) -> str:
    """``line`` about a comment, without the title of the patch of a split that it is on."""
    return _TITLED.sub("", line)


def taken_back(campaign: Campaign, number: int, offered: Mapping[str, Sequence[str]]) -> Campaign:
    """``campaign`` with the changelogs of a version as they were before lines were offered.

    ``offered`` is by patch id, the series under "", as ``lines`` has it.
    """

    def less(name: str, changelog: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
        own = {number: [one for one in changelog.get(number, ()) if one not in offered[name]]}
        return {**changelog, **own}  # type: ignore[dict-item]

    series = campaign.series
    if "" in offered:
        series = series.model_copy(update={"changelog": less("", series.changelog)})
    patches = (
        one.model_copy(update={"changelog": less(one.id, one.changelog)})
        if one.id in offered
        else one
        for one in campaign.patches
    )
    return replace(campaign, series=series, patches=tuple(patches))


def _fixed_since(remark: Comment, old: Version) -> bool:
    """Whether a comment was fixed, and after ``old``: it is of it, or later, or was open then."""
    if remark.state != "fixed":
        return False
    late = False
    with suppress(ValueError):  # a person may have written the date
        late = datetime.fromisoformat(remark.date).timestamp() > int(old.date.split()[0])
    return remark.version >= old.version or late or comment_file.was_forced(remark, old.version)


def _untold(remarks: Sequence[Comment], campaign: Campaign, old: Version) -> list[tuple[str, str]]:
    """The lines for ``remarks`` that no changelog has, and their patches; ``old`` offered some.

    A patch of a split may have had another title when a line was written.
    """
    logs = [campaign.series.changelog, *(patch.changelog for patch in campaign.patches)]
    every = [*(text for log in logs for texts in log.values() for text in texts)]
    every += [text for texts in old.offered.values() for text in texts]
    return [
        (line, patch)
        for line, patch in _told([one for one in remarks if not one.told])
        if not any(text == line or text.endswith(f'": {line}') for text in every)
    ]


def _told(remarks: Sequence[Comment]) -> list[tuple[str, str]]:
    """The lines for ``remarks``, and their patches."""
    return [(comments.changelog_line(one), one.patch) for one in remarks]


def _patch_lines(change: PatchChange, found: Changes, *, described: bool) -> Iterator[str]:
    """What the changelog of a patch says; ``described``: a person has said what was done."""
    # On the same base it is the rule that finds others, not the kernel that has others.
    moved = found.old.base != found.new.base
    if change.appeared:
        said = "new call sites" if moved else "converts more call sites"
        yield f"{said}: {_named(change.appeared)}"
    if change.gone:
        said = "call sites that went away" if moved else "leaves call sites as they are"
        yield f"{said}: {_named(change.gone)}"
    for tag in change.lost:
        yield _drop_line(tag)
    if change.status == "changed" and not described and not (change.appeared or change.gone):
        yield f"changed in {_few([addresses.printable(one) for one in change.files])}"


def _drop_line(tag: TrailerRecord) -> str:
    why = tag.why.removeprefix(carrying.OPEN).split(":")[0]
    return addresses.printable(f"{_dropped(tag)}: {why}")


def _dropped(tag: TrailerRecord) -> str:
    name, _, who = tag.trailer.partition(":")
    person, address = addresses.split(who)
    return f"dropped {name.strip()} from {person or address}"


def outdated(version: Version, campaign: Campaign) -> Iterator[str]:
    """The lines about dropped tags that ``next`` offered, still stand, and are not so any more."""
    logs = {one.id: one.changelog for one in campaign.patches} | {"": campaign.series.changelog}
    for patch in version.patches:
        for tag in patch.carried:
            told = addresses.printable(f"{_dropped(tag)}: ")
            for name, titled in ((patch.of or patch.id, ""), ("", f'"{patch.title}": ')):
                for line in version.offered.get(name, ()):
                    stands = line in logs.get(name, {}).get(version.version, ())
                    if stands and line.startswith(titled + told):
                        yield line


def _series_lines(found: Changes) -> Iterator[str]:
    old, new = found.old, found.new
    if old.base and old.base != new.base:
        was = old.base_name or old.base[:12]
        yield addresses.printable(f"based on {new.base_name} (v{old.version}: {was})")
    for change in found.patches:
        if change.status == "new":
            yield f'new patch: "{change.title}"'
        elif change.status == "gone":
            why = f": {addresses.printable(change.why)}" if change.why else ""
            yield f'dropped patch: "{change.title}"{why}'
        elif change.was:
            yield f'"{change.title}" was "{change.was}"'
    order = [change.before for change in found.patches if change.number and change.before]
    if order != sorted(order):
        yield "patches in another order"


def counted(sites: Mapping[str, int]) -> str:
    """Files with the number of their sites, where that is more than one."""
    return ", ".join(_counts(sites))


def _named(sites: Mapping[str, int]) -> str:
    """``counted``, of no more files than a changelog line names."""
    return _few(_counts(sites))


def _counts(sites: Mapping[str, int]) -> list[str]:
    return [
        addresses.printable(name) + (f" ({count})" if count > 1 else "")
        for name, count in sorted(sites.items())
    ]


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
