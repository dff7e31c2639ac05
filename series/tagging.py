"""The tags of a series while its commits are made: ``trailers.toml``, earlier versions, rules.

Reads the mails of the versions that tags were given to; what becomes of a tag is decided
by ``series.carrying``.
"""

from collections.abc import Callable
from pathlib import Path

from generator.errors import UsageError
from generator.messages import Change, Tagging
from series import carrying, mail, posting, records, store, trailers
from series.carrying import Decided, Made, Tag
from series.version import PatchRecord, Version

# Of tags for no patch in particular, these hold for every one.
_WHOLE = "whole series"


class Register:
    """Which tags each commit of version ``number`` gets; remembers what was decided.

    ``folder_of`` names the series folder of a change: series of their own have
    their own replies.
    """

    def __init__(self, folder_of: Callable[[Change], Path], number: int) -> None:
        self._folder_of = folder_of
        self._number = number
        self._tags: dict[Path, tuple[Tag, ...]] = {}
        self._decided: dict[str, Decided] = {}

    def __call__(self, change: Change) -> Tagging:
        """What the message of ``change`` is to have and not to have.

        Raises ``UsageError`` when ``trailers.toml`` or a manifest cannot be read.
        """
        folder = self._folder_of(change)
        if folder not in self._tags:
            self._tags[folder] = trailers.read(folder)
        tags = [tag for tag in self._tags[folder] if self._concerns(tag, change)]
        if tags:
            new = _made(change)
            made = carrying.decide(tags, new, lambda tag: _given_to(folder, tag, change))
            self._decided[change.id] = made
        return self.of(change.id).tagging

    def of(self, patch: str) -> Decided:
        """What was decided for the patch with that id."""
        return self._decided.get(patch, Decided())

    def _concerns(self, tag: Tag, change: Change) -> bool:
        mine = tag.patch in (change.id, change.of) or (not tag.patch and tag.state == _WHOLE)
        return mine and tag.version <= self._number


def _made(change: Change) -> Made:
    rules = records.rule_digests(change.steps)
    patch_id = next(iter(posting.patch_ids([change.diff])), "")
    return Made(patch_id, change.diff, rules if change.complete else ())


def _given_to(folder: Path, tag: Tag, change: Change) -> Made | None:
    """The patch that a tag was given to, where that version is still here."""
    if tag.version not in store.numbers(folder):
        return None
    version = store.read(folder, tag.version)
    known = {patch.id: patch for patch in version.patches}
    for name in (tag.patch, change.id, change.of):
        if name in known:
            return _recorded(folder, version, known[name])
    return None


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
    return Made(patch.patch_id, posted.diff, () if patch.skipped_steps else rules)
