"""What checks of mails must know of a version and of its Linux tree, and the asking for it.

The values are plain; only ``gather`` starts processes, a handful for a whole series.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from generator.errors import UsageError
from generator.split import prefix_of
from generator.tree import Tree, run_git
from series import maintainers
from series.lint import damage, names, spelling, subsystem, trailers
from series.lint.letter import Letter
from series.lint.names import Names
from series.lint.subsystem import Stranger
from series.lint.trailers import History
from series.version import Version

# Asking for each of these reads all files of a commit.
_ASKED = 5
# Sections are looked up for so many files.
_MOST_FILES = 500


@dataclass(frozen=True)
class TreeFacts:
    """What the tree says: ``paths`` at base and tip, names, commits, the commits' diffs.

    ``confirmed`` are words that looked misspelt but are in use.  ``messages`` are those of
    the commits, ``lists`` the mailing lists that MAINTAINERS names, in lower case.
    ``strangers`` are prefixes for which the history does not speak either.
    """

    paths: frozenset[str]
    names: Names
    history: History
    diffs: Mapping[str, bytes]
    spelling: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    messages: Mapping[str, str] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    strangers: tuple[Stranger, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known besides the mails; ``version`` and ``count`` are 0 where they are not.

    ``patch_ids`` are those of the mails as they are, by file name.  ``allow_many`` is the
    campaign's reason for a long series.  Without ``tree``, ``why_no_tree`` says why.
    """

    version: int = 0
    count: int = 0
    allow_many: str = ""
    mistakes: Mapping[str, str] = field(default_factory=dict)
    patch_ids: Mapping[str, str] = field(default_factory=dict)
    tree: TreeFacts | None = None
    why_no_tree: str = "no Linux tree is named"


def gather(version: Version, letters: Sequence[Letter], open_tree: Callable[[], Tree]) -> Facts:
    """All facts about ``letters``, the mails of ``version``.

    ``open_tree`` opens the Linux tree; its ``UsageError``, or that the tree lacks the
    version's commits, becomes ``why_no_tree``.
    """
    facts = Facts(
        version=version.version,
        count=len(version.patches),
        allow_many=getattr(version, "allow_many", ""),
        mistakes=spelling.dictionary(),
        patch_ids=_patch_ids(letters),
    )
    try:
        tree = open_tree()
    except UsageError as error:
        return replace(facts, why_no_tree=str(error))
    try:
        for commit in (version.base, version.tip):
            tree.resolve(commit)
        return replace(facts, tree=_tree_facts(tree, version, letters), why_no_tree="")
    except UsageError as error:
        return replace(facts, why_no_tree=str(error))
    finally:
        tree.close()


def _patch_ids(letters: Sequence[Letter]) -> dict[str, str]:
    """The stable patch ids of the mails (git-patch-id(1)), in one process."""
    text = b""
    patches = [letter for letter in letters if not letter.is_cover]
    for number, letter in enumerate(patches, 1):
        diff = "\n".join(line.text for line in letter.diff).encode("latin-1")
        # git tells patches apart by the commit that a line such as this names.
        text += f"\nFrom {number:040x} Mon Sep 17 00:00:00 2001\n\n---\n".encode() + diff
    said = run_git(["patch-id", "--stable"], cwd=Path("/"), stdin=text, check=False)
    pairs = (line.split() for line in said.stdout.decode("ascii", "replace").splitlines())
    found = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
    return {
        letter.mail.name: found.get(f"{number:040x}", "")
        for number, letter in enumerate(patches, 1)
    }


def _tree_facts(tree: Tree, version: Version, letters: Sequence[Letter]) -> TreeFacts:
    paths = _paths(tree, version)
    shas = sorted(set().union(*(trailers.named_commits(letter) for letter in letters)))
    blobs = [f"{version.base}:{name}" for name in ("MAINTAINERS", "scripts/spelling.txt")]
    objects = _objects(tree, [*blobs, *(f"{sha}^{{commit}}" for sha in shas)])
    titles = {
        sha: _title(objects[asked]) for sha in shas if (asked := f"{sha}^{{commit}}") in objects
    }
    known = Names(paths, _section_titles(objects.get(blobs[0], b"")))
    suspects = names.suspects(letters, known)
    owners = _owners(objects.get(blobs[0], b""), letters)
    strange = subsystem.strangers(letters, known, owners)
    used = _prefix_words(
        tree,
        version.base,
        [
            *(one.letter for one in suspects if not one.is_identifier),
            *(one.letter for one in strange),
        ],
    )
    return TreeFacts(
        paths=paths,
        names=known,
        history=History(titles, _why_incomplete(tree, version.base)),
        diffs=_diffs(tree, [patch.commit for patch in version.patches]),
        spelling=spelling.tree_list(objects.get(blobs[1], b"")),
        messages=tree.messages(version.base, version.tip),
        lists=_lists(objects.get(blobs[0], b"")),
        confirmed=_confirmed(tree, version.base, suspects) | frozenset().union(*used.values()),
        strangers=tuple(
            one
            for one in strange
            if not any(
                one.word in {word.lower() for word in used.get(path, ())}
                for path in one.letter.touched
            )
        ),
    )


def _paths(tree: Tree, version: Version) -> frozenset[str]:
    """The files at base and tip."""
    listed = tree.git("ls-tree", "-r", "-z", "--name-only", version.base)
    changed = tree.git("diff-tree", "-r", "-z", "--name-only", version.base, version.tip)
    return frozenset([*listed.split("\0"), *changed.split("\0")]) - {""}


def _objects(tree: Tree, asked: Sequence[str]) -> dict[str, bytes]:
    """The contents of git objects by name, in one process; unknown ones are left out."""
    result = run_git(
        ["cat-file", "--batch"],
        cwd=tree.path,
        stdin="".join(f"{name}\n" for name in asked).encode(),
        # A commit of a mail is not worth asking a server.
        env={"GIT_NO_LAZY_FETCH": "1"},
        check=False,
    )
    said, found, at = result.stdout, {}, 0
    for name in asked:
        end = said.find(b"\n", at)
        facts = said[at:end].rsplit(b" ", 2)
        at = end + 1
        if end >= 0 and len(facts) == 3 and facts[2].isdigit() and facts[1] in (b"blob", b"commit"):
            found[name] = said[at : at + int(facts[2])]
            at += int(facts[2]) + 1
    return found


def _title(commit: bytes) -> str:
    """The title of a commit as git's %s has it: the first paragraph on one line."""
    message = commit.partition(b"\n\n")[2].decode("utf-8", "replace")
    return " ".join(message.strip("\n").split("\n\n")[0].split())


def _section_titles(text: bytes) -> str:
    """The lines of MAINTAINERS that stand before typed lines: the titles of its sections."""
    lines = text.decode("utf-8", "replace").split("\n")
    return "\n".join(
        line
        for line, after in pairwise(lines)
        if line and line[1:2] != ":" and re.match(r"[A-Z]:", after)
    )


def _lists(text: bytes) -> frozenset[str]:
    """The addresses of the ``L:`` lines of MAINTAINERS."""
    found = re.findall(r"^L:\s*(\S+@\S+)", text.decode("utf-8", "replace"), re.MULTILINE)
    return frozenset(address.lower() for address in found)


def _why_incomplete(tree: Tree, base: str) -> str:
    """Why a commit that is not in the repository may exist, or empty."""
    if tree.git("rev-parse", "--is-shallow-repository") == "true":
        return f"{tree.path} is a shallow clone"
    if not tree.git("rev-parse", "--verify", "--quiet", f"{base}^", check=False):
        return f"the base in {tree.path} has no history"
    return ""


def _diffs(tree: Tree, commits: Sequence[str]) -> Mapping[str, bytes]:
    """The diffs of commits as format-patch writes them."""
    words = ["diff-tree", "--stdin", "-r", "-p", "-M", "--binary", "--no-ext-diff", "--no-textconv"]
    lines = "".join(f"{commit}\n" for commit in commits).encode()
    said = run_git(words, cwd=tree.path, stdin=lines, check=False)
    return damage.diffs_by_commit(said.stdout, commits) if said.returncode == 0 else {}


def _confirmed(tree: Tree, base: str, found: Iterable[names.Suspect]) -> frozenset[str]:
    """The identifiers among the suspects that the tree's files use."""
    confirmed = set()
    for word in list(dict.fromkeys(one.word for one in found if one.is_identifier))[:_ASKED]:
        asked = run_git(
            ["grep", "--quiet", "-w", "-F", "-e", word, base], cwd=tree.path, check=False
        )
        if asked.returncode == 0:
            confirmed.add(word)
    return frozenset(confirmed)


def _prefix_words(tree: Tree, base: str, letters: Iterable[Letter]) -> dict[str, set[str]]:
    """The words of prefixes in the history of the files that patches touch, by file."""
    files = sorted({path for letter in letters for path in letter.touched})
    if not files:
        return {}
    with suppress(UsageError):
        return {
            path: set(re.findall(r"[A-Za-z0-9]+", " ".join(map(prefix_of, subjects))))
            for path, subjects in tree.subjects(base, files).items()
        }
    return {}


def _owners(text: bytes, letters: Sequence[Letter]) -> dict[str, str]:
    """By path, the titles of the sections of MAINTAINERS that cover what patches touch."""
    known = maintainers.parse(text)
    files = dict.fromkeys(path for letter in letters for path in letter.touched)
    return {
        path: " ".join(section.title for section in maintainers.covering(known, path))
        for path in list(files)[:_MOST_FILES]
    }
