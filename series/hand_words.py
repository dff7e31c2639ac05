"""Words that were changed by hand become titles and messages of the campaign."""

from collections.abc import Sequence

from generator.campaign import Patch
from generator.templates import literal
from generator.tree import Commit
from series.absorption import Job, name_of
from series.pairing import Pair
from series.rewording import Words, retitle, reword, words_of


def take_words(job: Job, name: str, pairs: Sequence[Pair]) -> None:
    """Take a title and a message over; of shards, what was changed in all of them."""
    patch, added = job.patch(name), job.added(name)
    if patch.omit:
        job.file.set_patch(name, "omit", None)
    for one in pairs:
        assert one.new  # noqa: S101
        now = words_of(one.new.message, added)
        was = words_of(one.old.message, added) if one.old else Words("", "")
        note_unsigned(job, one.new)
        if lost := _untagged(job, name, one):
            job.notes.append(
                f'{name_of(one.new)}: reroll will add "{lost}" again; decision = "drop" in '
                "trailers.toml keeps it away"
            )
        if now == was:
            continue
        if now.title != was.title:
            job.reworded.add((name, "title"))
            job.file.set_patch(name, "title", retitle(patch.title, was.title, now.title))
            job.note(name, f'title: "{now.title}"', one.new)
        if now.body != was.body:
            job.reworded.add((name, "body"))
            _message(job, patch, was.body, now.body)
            job.note(name, "message", one.new)
        return


def note_unsigned(job: Job, commit: Commit) -> None:
    """Say so when a commit lacks our Signed-off-by, which generate will add."""
    if f"Signed-off-by: {job.signer}" not in commit.message:
        job.notes.append(f"{name_of(commit)}: your Signed-off-by is added to it")


def _untagged(job: Job, name: str, one: Pair) -> str:
    """A trailer that reroll had added and the user took away, or empty."""
    assert one.new  # noqa: S101
    carried = [line for line in job.added(name)[1:] if one.old and line in one.old.message]
    return next((line for line in carried if line not in one.new.message), "")


def _message(job: Job, patch: Patch, was: str, now: str) -> None:
    template = job.campaign.message_text(patch)
    text = reword(template, was, now)
    if text != literal(now):
        job.plain[patch.id] = literal(now)
    set_message(job, patch, text)


def set_message(job: Job, patch: Patch, text: str) -> None:
    """Put a message where it was: in its own file, or in series.toml."""
    shared = [one.message_file for one in job.campaign.patches].count(patch.message_file) > 1
    if patch.message_file and not shared:
        job.file.write_file(patch.message_file, (text + "\n").encode())
        return
    job.file.set_patch(patch.id, "message_file", None)
    job.file.set_patch(patch.id, "message", f"{text}\n" if "\n" in text else text or None)


def take_author(job: Job, name: str, pairs: Sequence[Pair]) -> None:
    """Take over who wrote a patch, where that was changed."""
    for one in pairs:
        assert one.new  # noqa: S101
        if one.old and one.new.author != one.old.author:
            job.file.set_patch(name, "author", str(one.new.author))
            job.note(name, f"author: {one.new.author}", one.new)
            return
