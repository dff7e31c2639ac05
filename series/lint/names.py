"""Names in subjects: a subsystem or function that is none, where one is spelt nearly so.

Pure.  Names are known from the paths of the tree, the section titles of MAINTAINERS
and the diff itself.  Short words are left alone: of five letters and less, one more
or less often makes another real name.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from posixpath import commonprefix

from series.lint.finding import Finding
from series.lint.letter import Letter

_LEAST = 5
# difflib's measure: one letter of five missing, one of seven another.
_NEAR = 0.85
# All names of a tree are many: only what differs by a letter, in words long enough.
# Or two letters that changed places.
_LEAST_OF_ALL, _NEAR_OF_ALL, _NEAR_SWAPPED = 6, 0.9, 0.8
_NEAR_IDENTIFIER = 0.9
_IDENTIFIER = re.compile(r"\b(?:[A-Za-z_]\w{0,80}(?=\(\))|[A-Za-z]\w{0,80}_\w{0,80})")
_PREFIX_WORDS = 3


@dataclass(frozen=True)
class Suspect:
    """A word that nothing is named, and the name that is near; ``letter`` has it in its subject."""

    letter: Letter
    word: str
    near: str
    is_identifier: bool = False


@dataclass(frozen=True)
class Names:
    """The names of a tree: its ``paths``, and the ``titles`` of MAINTAINERS."""

    paths: Collection[str]
    titles: str

    @cached_property
    def _squeezed(self) -> str:
        """All of it in lower case and without what parts words."""
        text = "\n".join([*self.paths, self.titles.replace(" ", "\n")])
        return text.lower().translate(dict.fromkeys(map(ord, "-_.,+")))

    @cached_property
    def folders(self) -> frozenset[str]:
        """The directories that have files."""
        return frozenset(path.rpartition("/")[0] for path in self.paths)

    @cached_property
    def _parts(self) -> frozenset[str]:
        return frozenset(name_parts(self.paths))

    def names_one(self, word: str) -> bool:
        """Whether the name of a directory or file, or a part of it, is just ``word``."""
        return word in self._parts

    @cached_property
    def _by_initial(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for word in set(re.findall(r"[a-z]{6,}", "\n".join([*self.paths, self.titles]).lower())):
            found.setdefault(word[0], set()).add(word)
        return found

    def knows(self, word: str) -> bool:
        """Whether ``word`` (lower-case letters and digits) is in a name."""
        return word in self._squeezed

    def near(self, word: str) -> str:
        """A name that is nearly ``word``, or empty."""
        if len(word) < _LEAST_OF_ALL:
            return ""
        names = [
            name for name in self._by_initial.get(word[0], ()) if abs(len(name) - len(word)) <= 1
        ]
        swapped = [name for name in names if sorted(name) == sorted(word)]
        return _nearest(word, swapped, _NEAR_SWAPPED) or _nearest(word, names, _NEAR_OF_ALL)


def name_parts(paths: Iterable[str]) -> set[str]:
    """The names in ``paths``, in lower case and without ends of files, and their parts."""
    names = {name for path in paths for name in path.lower().split("/")}
    stems = {name.partition(".")[0] for name in names}
    return {word for stem in stems for word in (stem, *re.split(r"[-_+]", stem)) if word}


def prefix_words(title: str) -> list[str]:
    """The words of what is before the last ``: `` of a title."""
    found: list[str] = []
    for segment in title[:200].split(": ")[:-1]:
        words = segment.split()
        # So many words are a sentence.
        if len(words) > _PREFIX_WORDS or segment.startswith(("Revert", '"')):
            break
        found += words
    return found


def suspects(letters: Sequence[Letter], names: Names) -> list[Suspect]:
    """The words of all subjects that are no names, but near to one."""
    found = []
    everything = tuple(dict.fromkeys(path for one in letters for path in one.touched))
    in_diffs = frozenset().union(*(one.diff_words for one in letters))
    for letter in letters:
        touched = letter.touched or everything
        found += [Suspect(letter, *pair) for pair in _misnamed(letter.title, touched, names)]
        found += [
            Suspect(letter, *pair, is_identifier=True)
            for pair in _misspelt(letter, in_diffs, names)
        ]
    return found


def check(found: Iterable[Suspect], confirmed: Collection[str]) -> Iterator[Finding]:
    """The suspects as findings, but for words that are ``confirmed`` to be in use."""
    for one in found:
        if one.word in confirmed:
            continue
        where = "nothing in the tree or the diff" if one.is_identifier else "no file of the patch"
        yield Finding(
            "warning" if one.is_identifier else "error",
            "name",
            one.letter.mail.name,
            one.letter.subject_line,
            f"the subject says '{one.word}', as {where} is named",
            f"did you mean '{one.near}'?",
        )


def _misnamed(title: str, touched: Sequence[str], names: Names) -> Iterator[tuple[str, str]]:
    here = {
        word
        for path in touched
        for part in path.lower().split("/")
        for word in (*re.findall(r"[a-z]+", part), re.sub(r"[^a-z]|\.\w+\Z", "", part))
        if len(word) >= _LEAST
    }
    squeezed = re.sub(r"[-_.]", "", "\n".join(touched).lower())
    parts = name_parts(touched)
    for token in prefix_words(title):
        slips = _slips(token, parts, squeezed, names)
        if slips:
            yield from slips
            continue
        if _is_known(re.sub(r"[^a-z0-9/]", "", token.lower()), squeezed, names):
            continue
        for piece in re.findall(r"[A-Za-z0-9]+", token):
            word = re.sub(r"\d", "", piece).lower()
            if len(word) < _LEAST or _is_known(word, squeezed, names):
                continue
            if near := _nearest(word, here, _NEAR) or names.near(word):
                yield piece, near


def _slips(
    token: str, parts: Collection[str], squeezed: str, names: Names
) -> list[tuple[str, str]]:
    """Words of a prefix that are a slip of the finger away from a name that is touched."""
    found = []
    for piece in re.findall(r"[A-Za-z]{3,}", token):
        word = piece.lower()
        if word in squeezed or names.names_one(word):
            continue
        near = [part for part in parts if len(part) > 2 and _is_slip(word, part)]
        if near:
            found.append((piece, min(near)))
    return found


def _is_slip(word: str, other: str) -> bool:
    """Whether two neighbours change places, one of six letters is another, or one too many."""
    start = len(commonprefix([word, other]))
    mine, its = word[start:], other[start:]
    if len(mine) == len(its) > 1 and (mine[1], mine[0], mine[2:]) == (its[0], its[1], its[2:]):
        return True
    if len(word) == len(other):
        return len(word) >= _LEAST_OF_ALL and mine[1:] == its[1:]
    return min(len(word), len(other)) >= _LEAST and (mine[1:] == its or mine == its[1:])


def _is_known(word: str, squeezed: str, names: Names) -> bool:
    return word in squeezed or names.knows(word)


def _misspelt(letter: Letter, in_diffs: frozenset[str], names: Names) -> Iterator[tuple[str, str]]:
    """Identifiers of a title that no diff has, each with one of the diff that is near."""
    for word in _IDENTIFIER.findall(letter.title[:200]):
        if word in in_diffs or names.knows(word.lower().replace("_", "")):
            continue
        here = {other for other in letter.diff_words if "_" in other or "_" not in word}
        if near := _nearest(word, here, _NEAR_IDENTIFIER):
            yield word, near


def _nearest(word: str, names: Iterable[str], cutoff: float) -> str:
    size = len(word)
    candidates = sorted(name for name in names if abs(len(name) - size) <= 2)
    return next(iter(get_close_matches(word, candidates, n=1, cutoff=cutoff)), "")
