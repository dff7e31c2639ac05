"""Lint of the mails of a version, before they are sent.

``check`` is pure: mails and facts in, findings out.  ``facts.gather`` asks git for what
it needs.
"""

from collections.abc import Iterable, Iterator, Sequence

from series.lint import (
    audience,
    damage,
    encoding,
    message,
    names,
    prose,
    spelling,
    subject,
    subsystem,
    trailers,
)
from series.lint.facts import Facts
from series.lint.finding import Finding, arranged
from series.lint.letter import Letter, Mail, take_apart
from series.version import MANY

__all__ = ["Facts", "Finding", "Mail", "check", "check_letters", "take_apart"]


def check(mails: Iterable[Mail], facts: Facts) -> list[Finding]:
    """Every finding in ``mails``, in the order of mails and lines.

    Never raises on bad input.
    """
    return check_letters([take_apart(mail) for mail in mails], facts)


def check_letters(letters: Sequence[Letter], facts: Facts) -> list[Finding]:
    """The same for mails that were taken apart already."""
    return arranged(_findings(letters, facts))


def _findings(letters: Sequence[Letter], facts: Facts) -> Iterator[Finding]:
    tree = facts.tree
    places = prose.Places(tree.paths) if tree else None
    mistakes = {**(tree.spelling if tree else {}), **facts.mistakes}
    known = _known_words(letters, facts)
    for letter in letters:
        mail = letter.mail
        yield from encoding.check(letter)
        yield from subject.check(letter, version=facts.version, count=facts.count)
        yield from audience.check(letter, tree.lists if tree else ())
        yield from message.check(letter, tree.messages.get(mail.commit) if tree else None)
        yield from prose.check(letter, count=facts.count, places=places)
        yield from trailers.check(letter)
        yield from trailers.check_commits(letter, tree.history if tree else None)
        yield from spelling.check(letter, mistakes, known)
        yield from damage.check(
            letter,
            commit_diff=tree.diffs.get(mail.commit) if tree else None,
            patch_id=facts.patch_ids.get(mail.name),
        )
    if tree:
        yield from names.check(names.suspects(letters, tree.names), tree.confirmed)
        yield from subsystem.check(tree.strangers)
    else:
        yield from _not_run(facts.why_no_tree)
    yield from _too_many(letters, facts)


def _known_words(letters: Sequence[Letter], facts: Facts) -> frozenset[str]:
    """Words that name something, in lower case: those of the diffs and of paths."""
    words = {word.lower() for letter in letters for word in letter.diff_words}
    paths = facts.tree.paths if facts.tree else [p for one in letters for p in one.touched]
    parts = {part.partition(".")[0] for path in paths for part in path.lower().split("/")}
    return frozenset(words | parts)


def _not_run(why: str) -> Iterator[Finding]:
    for what in (
        "names in subjects were not looked up",
        "commits that the mails name were not looked up",
        "paths that the mails name were not looked up",
        "messages and diffs were not compared with the commits but for patch ids",
    ):
        yield Finding("not run", "tree", "", 0, f"{what}: {why}")


def _too_many(letters: Sequence[Letter], facts: Facts) -> Iterator[Finding]:
    count = facts.count or sum(not letter.is_cover for letter in letters)
    if count > MANY and not facts.allow_many and letters:
        what = f"the series has {count} patches; lists ask for at most {MANY}"
        hint = "split it, or say why with allow_many in series.toml"
        yield Finding("warning", "size", letters[0].mail.name, 1, what, hint)
