"""A subject's prefix that names something else than the patch touches ("net/mlx5: " on drm).

Pure.  Habits differ (sound is "ALSA", kernel/irq is "genirq"), so that is said only where
nothing speaks for the prefix: not the paths, not the titles of their sections in
MAINTAINERS, not the lines that change, and, as ``facts`` asks git, not the history.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import commonpath, dirname

from generator.split import path_prefix
from series.lint.finding import Finding
from series.lint.letter import Letter
from series.lint.names import Names, name_parts, prefix_words

# Words that say nothing of a place, or of all places.
_ANYWHERE = (
    *("treewide", "tree", "wide", "global", "all", "various", "misc", "core", "driver"),
    *("drivers", "docs", "doc", "documentation", "build", "kbuild", "kconfig", "makefile"),
    *("headers", "uapi", "cleanup", "trivial", "maintainers", "include", "lib"),
)
# What the history writes for places that are named otherwise.
_HABITS = (
    ("sound/", "alsa asoc hda"),
    ("drivers/net/wireless/ net/mac80211/ net/wireless/", "wifi mac80211 cfg80211"),
    ("mm/ include/linux/", "mm slub slab vmscan memcg shmem tmpfs"),
    ("fs/", "vfs"),
    ("kernel/power/ drivers/base/power/ drivers/cpufreq/", "pm"),
    ("virt/ arch/x86/kvm/", "kvm vmx svm"),
    ("drivers/block/ block/", "blk mq"),
    ("drivers/iommu/", "vt amd arm"),
    ("tools/", "selftest selftests kselftest libbpf"),
    ("net/ include/net/ include/linux/", "net ip tcp udp"),
)
# A change in more directories than these is of no one place.
_SPREAD = 8


@dataclass(frozen=True)
class Stranger:
    """A prefix of something else than its patch touches; ``word`` is the part that says so."""

    letter: Letter
    word: str


def strangers(letters: Iterable[Letter], names: Names, titles: Mapping[str, str]) -> list[Stranger]:
    """The suspicious prefixes; ``titles`` has by path what MAINTAINERS calls its sections."""
    found = []
    for letter in letters:
        if not letter.is_cover and (word := _strange(letter, names, titles)):
            found.append(Stranger(letter, word))
    return found


def check(found: Iterable[Stranger]) -> Iterator[Finding]:
    """The strangers that are left, as findings."""
    for one in found:
        what = f"the subject says '{one.word}', but the patch touches {one.letter.touched[0]}"
        hint = "is the subsystem right? see 'git log --oneline' of the file"
        mail, line = one.letter.mail.name, one.letter.subject_line
        yield Finding("warning", "name", mail, line, what, hint)


def _strange(letter: Letter, names: Names, titles: Mapping[str, str]) -> str:
    """The word of a title's prefix that is of another place, or empty."""
    touched = letter.touched
    words = [
        word
        for token in prefix_words(letter.title)
        for word in re.findall(r"[a-z0-9]+", token.lower())
    ]
    if not touched or not words or len({dirname(path) for path in touched}) > _SPREAD:
        return ""
    known = _Here(letter, " ".join(titles.get(path, "") for path in touched))
    strange = [word for word in words if not known.has(word)]
    if len(strange) == len(words):
        # Of words that the tree does not have either, nothing is known.
        return next((word for word in words if len(word) > 2 and names.names_one(word)), "")
    last = words[-1]
    beside = last in strange and len(last) > 2 and _beside(last, touched, names)
    return last if beside else ""


class _Here:
    """All that speaks for a word of a prefix: what a patch touches, as text and as parts."""

    def __init__(self, letter: Letter, titles: str) -> None:
        self.paths = letter.touched
        self.parts = name_parts(self.paths)
        written = [*self.paths, titles, path_prefix(self.paths)]
        self.text = re.sub(r"[-_.+,]", "", "\n".join(written).lower())
        changed = (line.text for line in letter.diff if line.text.startswith(("+", "-")))
        self.changed = frozenset(re.findall(r"[a-z0-9]+", "\n".join(changed).lower()))

    def has(self, word: str) -> bool:
        plain = word.rstrip("0123456789")
        if word in _ANYWHERE or word in self.text or (len(plain) > 2 and plain in self.text):
            return True
        if word in self.changed or any(len(part) > 2 and part in word for part in self.parts):
            return True
        return _is_habit(word, self.paths) or any(_shortens(word, part) for part in self.parts)


def _is_habit(word: str, paths: Collection[str]) -> bool:
    return any(
        word in habit.split() and any(path.startswith(tuple(where.split())) for path in paths)
        for where, habit in _HABITS
    )


def _shortens(word: str, part: str) -> bool:
    """Whether ``word`` is made of letters of ``part``, in order, from the first ("ovl")."""
    if not word or word[0] != part[:1]:
        return False
    letters = iter(part)
    return all(letter in letters for letter in word)


def _beside(word: str, touched: Sequence[str], names: Names) -> bool:
    """Whether ``word`` is a directory of drivers beside those that are touched."""
    parent = commonpath([dirname(path) or "." for path in touched])
    while parent.startswith(("drivers/", "sound/")):
        parent = dirname(parent)
        if f"{parent}/{word}" in names.folders:
            return True
    return False
