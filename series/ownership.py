"""Whose a file is: MAINTAINERS of a worktree, and the one subsystem a file belongs to."""

import re
from collections.abc import Sequence

from generator.tree import Worktree
from series import maintainers
from series.maintainers import Maintainers, Section

# The section that covers everything owns nothing.
_EVERYTHING = "THE REST"


def read(worktree: Worktree) -> Maintainers:
    """MAINTAINERS of ``worktree`` with what goes with it; empty where it has none."""
    names = ("MAINTAINERS", ".mailmap", ".get_maintainer.ignore")
    found = worktree.staged_contents(names)
    known, mailmap, ignore = (found.get(name, b"") for name in names)
    directories = worktree.directories()
    return maintainers.parse(known, mailmap=mailmap, ignore=ignore, directories=directories)


def labels(worktree: Worktree, kind: str, files: Sequence[str]) -> dict[str, str]:
    """Who or what owns each of ``files``: for ``kind`` "maintainer" names, else a subsystem."""
    known = read(worktree)
    return {file: label(known, kind, file) for file in files}


def label(known: Maintainers, kind: str, file: str) -> str:
    """The owner of one file.

    A maintainer label names all maintainers of the section that fits best.  A
    subsystem is the broadest section whose maintainers take patches for the
    file into the same tree (``T:``) as the section that fits best: they can
    take a patch to all that is labelled so.
    """
    sections = [
        section for section in maintainers.covering(known, file) if section.title != _EVERYTHING
    ]
    if not sections:
        return "/".join(file.split("/")[:2]) if "/" in file else "treewide"
    if kind == "maintainer":
        named = [section for section in sections if section.values("M")]
        return _people(named[0]) if named else sections[0].title
    return _subsystem(sections).title


def _people(section: Section) -> str:
    names = {re.sub(r"\s*<.*", "", value).strip('"') or value for value in section.values("M")}
    return ", ".join(sorted(names))


def _subsystem(sections: Sequence[Section]) -> Section:
    with_people = [section for section in sections if section.values("M")] or list(sections)
    trees = next((set(section.values("T")) for section in with_people if section.values("T")), None)
    if trees is None:
        return with_people[-1]
    return [section for section in with_people if trees & set(section.values("T"))][-1]
