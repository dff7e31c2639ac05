"""The tags of a series while its commits are made: ``trailers.toml``, earlier versions, rules.

Reads the mails of the versions that tags were given to; what becomes of a tag is decided
by ``series.carrying``.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from generator.errors import UsageError
from generator.messages import Change, Tagging, same_trailer
from series import carrying, mail, posting, records, store, trailer_file
from series.carrying import Decided, Made, Tag
from series.version import PatchRecord, Version

# Of tags for no patch in particular, these hold for every one.
_WHOLE = "whole series"


class Register:
    """Which tags each commit of version ``number`` gets; remembers what was decided.

    ``folder_of`` names the series folder of a change: series of their own have
    their own replies.  ``ids`` are those of the campaign's patches: a tag for another
    one may be for a patch that was renamed.
    """

    def __init__(
        self, folder_of: Callable[[Change], Path], number: int, ids: Sequence[str] = ()
    ) -> None:
        self._folder_of = folder_of
        self._number = number
        self._ids = frozenset(ids)
        self._tags: dict[Path, tuple[Tag, ...]] = {}
        self._decided: dict[str, Decided] = {}

    def __call__(self, change: Change) -> Tagging:
        """What the message of ``change`` is to have and not to have.

        Raises ``UsageError`` when ``trailers.toml`` or a manifest cannot be read.
        """
        folder = self._folder_of(change)
        if folder not in self._tags:
            self._tags[folder] = trailer_file.read(folder)
        if not self._tags[folder]:
            return Tagging()
        new = _made(change)
        named = (change.id, change.of, *self._former(folder, new))
        tags = [tag for tag in self._tags[folder] if self._concerns(tag, named)]
        if tags:
            self._decided[change.id] = carrying.decide(
                tags, new, lambda tag: _given_to(folder, tag, named, self._number)
            )
        return self.of(change.id).tagging

    def of(self, patch: str) -> Decided:
        """What was decided for the patch with that id."""
        return self._decided.get(patch, Decided())

    def _concerns(self, tag: Tag, named: Collection[str]) -> bool:
        mine = tag.patch in named or (not tag.patch and tag.state == _WHOLE)
        return mine and tag.version <= self._number

    def _former(self, folder: Path, new: Made) -> set[str]:
        """Ids that a patch had before it was renamed in the campaign: of the same change."""
        strange = {tag.patch for tag in self._tags[folder]} - self._ids - {""}
        numbers = [number for number in store.numbers(folder) if number < self._number]
        if not strange or not numbers or not new.patch_id:
            return set()
        before = store.read(folder, numbers[-1]).patches
        return {one.id for one in before if one.id in strange and one.patch_id == new.patch_id}


def _made(change: Change) -> Made:
    rules = records.rule_digests(change.steps)
    patch_id = next(iter(posting.patch_ids([change.diff])), "")
    return Made(patch_id, change.diff, rules if change.complete else ())


def _given_to(folder: Path, tag: Tag, named: Collection[str], number: int) -> list[Made]:
    """The patch that a tag was given to, and those of later versions that carried it.

    Only versions before ``number`` count, as far as they are still here.
    """
    found = []
    for earlier in store.numbers(folder):
        if tag.version <= earlier < number:
            version = store.read(folder, earlier)
            known = {patch.id: patch for patch in version.patches}
            patch = next((known[name] for name in (tag.patch, *named) if name in known), None)
            given = earlier == tag.version
            if patch and (given or _carries(patch, tag)):
                made = _recorded(folder, version, patch)
                found += [made] if made else []
    return found


def _carries(patch: PatchRecord, tag: Tag) -> bool:
    return any(same_trailer(one.trailer, tag.trailer) for one in patch.carried)


def _recorded(folder: Path, version: Version, patch: PatchRecord) -> Made | None:
    try:
        content = store.mail_path(folder, version, patch.mail).read_bytes()
    except (OSError, UsageError):
        return None
    posted = posting.patch_of(mail.parse(content))
    if posted is None:
        return None
    # A digest covers the steps beside the rule: with other ones it is another digest.
    rules = tuple((rule.name, rule.sha256) for rule in patch.rules)
    complete = () if patch.skipped_steps else rules
    return Made(patch.patch_id, posted.diff, complete, version.version)
