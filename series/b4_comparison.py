"""Whether the commits of a b4 branch are those of a version of ours."""

import re
from collections.abc import Sequence

from generator.errors import ConflictError
from generator.tree import Identity, Tree
from series import b4_branch, b4_cover
from series.b4_branch import Branch, Commit
from series.version import Version


def compare(tree: Tree, branch: Branch, version: Version | None) -> list[str]:
    """What is to be said of commits that are like those of ``version``; ``ConflictError`` else.

    Trailers that b4 added are no change: what reviewers gave comes by ``reroll collect``.
    """
    if branch.digests["commits"] == branch.tracking.digests.get("commits"):
        return []  # as they were handed over, whatever became of the version since
    if version is None:
        return ["commits were not compared: no version has been generated"]
    ours = b4_branch.commits_of(tree, version)
    problems = []
    if branch.base != ours[0].parents[0]:
        problems.append(f"it is on {branch.base[:12]}, not on {ours[0].parents[0][:12]}")
    notes: list[str] = []
    pairs = list(zip(ours, branch.commits, strict=False))
    if [one.title for one in branch.commits] != [one.title for one in ours]:
        problems += _moved(ours, branch.commits)
        known = {commit.title: commit for commit in ours}
        pairs = [(known[one.title], one) for one in branch.commits if one.title in known]
    for old, commit in pairs:
        what, added = _difference(old, commit)
        if what:
            problems.append(f"{what} of '{commit.title}'")
        notes += [f"'{commit.title}' has a trailer there: {line}" for line in added]
    if problems:
        shown = "; ".join(problems[:4]) + ("; ..." if len(problems) > 4 else "")
        raise ConflictError(
            f"{branch.name} is not as version {version.version} was: {shown}",
            hint=f"'reroll absorb --branch {branch.name}' takes commits back; "
            "--cover-only takes the cover letter alone",
        )
    if notes:
        notes.append(
            "trailers were not taken over: 'reroll collect MBOX' takes them with the mails that "
            f"gave them, 'reroll absorb --branch {branch.name}' into the messages"
        )
    return notes


def _moved(ours: Sequence[Commit], theirs: Sequence[Commit]) -> list[str]:
    known, there = [one.title for one in ours], [one.title for one in theirs]
    found = [f"'{title}' is new" for title in there if title not in known]
    found += [f"'{title}' is gone" for title in known if title not in there]
    return found or ["the order of its commits"]


def _difference(old: Commit, new: Commit) -> tuple[str, list[str]]:
    """What differs between two commits of one title, and which trailers came."""
    if old.tree != new.tree:
        return "the code", []
    if _person(old.author) != _person(new.author):
        return "the author", []
    if old.message.strip() == new.message.strip():
        return "", []
    text, trailers = _split_message(old.message)
    new_text, new_trailers = _split_message(new.message)
    if b4_cover.tidy(text) != b4_cover.tidy(new_text) or set(trailers) - set(new_trailers):
        return "the message", []
    return "", [line for line in new_trailers if line not in trailers]


def _person(who: Identity) -> tuple[str, str]:
    return who.name, who.email


def _split_message(message: str) -> tuple[str, list[str]]:
    """A message's text and the lines of its last paragraph, where these are trailers."""
    paragraphs = message.strip().split("\n\n")
    lines = paragraphs[-1].split("\n")
    if len(paragraphs) > 1 and all(re.match(r"[\w-]+: \S|\[|\s", line) for line in lines):
        return "\n\n".join(paragraphs[:-1]), [" ".join(line.split()) for line in lines]
    return message, []
