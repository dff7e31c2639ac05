"""Each patch stands on what comes before it, and takes nothing away that is still in use.

What a word is at each place is what the site ledger says of it (``generator.ledger``).  Names at
file level, macros and enumerators are looked at; what is defined through a macro that makes up
names is not seen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from generator.buckets import Bucket
from generator.candidates import Candidates
from generator.ledger import Search, Site, account, words_pattern
from generator.results import Store
from generator.tree import Tree
from series.checks.diff_lines import DiffLine, diff_lines
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.recall import key, recalled

_WORD = re.compile(r"[A-Za-z_]\w*")
# What begins in the first column, a macro, an enumerator.
_HEAD = re.compile(r"[A-Za-z_#]|\s*#\s*define\b|\s+[A-Za-z_]\w*\s*(?:=[^=]|,|\Z)")
_C = (".c", ".h")
_MADE = (Bucket.DEFINITION, Bucket.PROTOTYPE)
_HINT_GONE = "convert it in this patch or before, or remove the definition in a later one"
_HINT_LATER = "move the patch that adds it in front of this one"
# Files: a word that more of them hold is not new to the tree.
_FEW = 50
# Of one name; more are counted.
_SHOWN = 10


class OrderCheck:
    """Uses before definitions, and uses after removals, in every architecture."""

    name = "order"
    text = "no patch uses what a later one adds, or removes what is still used"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        changes = [_Changes(ground.tree, patch) for patch in patches]
        for at, patch in enumerate(patches):
            ground.progress(f"order: patch {patch.number}")
            commits = [one.commit for one in patches[at:]]
            name = key("order", "2", patch.parent, *commits)
            yield patch, recalled(ground.store, name, partial(_judged, ground, changes, at))


def _judged(ground: Ground, changes: Sequence["_Changes"], at: int) -> Result:
    this = changes[at]
    found = [*_still_used(ground, this), *_too_early(ground, this, changes[at + 1 :])]
    return Result.of(found)


class _Changes:
    """What a patch does to C files: their texts before and after, and the lines of its diff."""

    def __init__(self, tree: Tree, patch: Patch) -> None:
        self._tree = tree
        self.patch = patch

    @cached_property
    def lines(self) -> tuple[DiffLine, ...]:
        """The changed lines of its C files."""
        diff = self._tree.diff(self.patch.parent, self.patch.commit)
        return tuple(one for one in diff_lines(diff) if one.sign != " " and one.path.endswith(_C))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The C files that it touches, of a rename both."""
        touched = self._tree.names_between(self.patch.parent, self.patch.commit)
        return tuple(name for name in touched if name.endswith(_C))

    @cached_property
    def before(self) -> Mapping[str, str]:
        """Their texts before it."""
        return _texts(self._tree, self.patch.parent, self.names)

    @cached_property
    def after(self) -> Mapping[str, str]:
        """Their texts after it."""
        return _texts(self._tree, self.patch.commit, self.names)

    def words(self, sign: str) -> tuple[str, ...]:
        """The words in the lines that it adds or removes."""
        return _words(one.text for one in self.lines if one.sign == sign)

    def _heads(self, sign: str) -> tuple[str, ...]:
        """Those in lines that may declare or define something at file level."""
        lines = (one.text for one in self.lines if one.sign == sign)
        return _words(text for text in lines if _HEAD.match(text))

    @cached_property
    def added(self) -> frozenset[str]:
        """The names that are declared or defined after it and were not before, in its files."""
        words = self._heads("+")
        before = {one.word for one in _made(words, self.before)}
        return frozenset(one.word for one in _made(words, self.after)) - before

    @cached_property
    def removed(self) -> Mapping[str, Site]:
        """The names whose definition it takes away, each with where that was."""
        words = self._heads("-")
        defined = [one for one in _made(words, self.before) if one.bucket is Bucket.DEFINITION]
        left = [one for one in _made(words, self.after) if one.bucket is Bucket.DEFINITION]
        gone = {one.word for one in defined} - {one.word for one in left}
        return {one.word: one for one in reversed(defined) if one.word in gone}


def _words(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in lines for word in _WORD.findall(text)))


def _is_own(texts: Mapping[str, str], site: Site) -> bool:
    """Whether what a C file defines at ``site`` is for that file only: static, or a macro."""
    if not site.path.endswith(".c"):
        return False
    return "macro" in site.why or bool(re.search(r"\bstatic\b", _head(texts, site)))


def _head(texts: Mapping[str, str], site: Site) -> str:
    """What stands before a name in its declaration."""
    lines = texts[site.path].split("\n")[max(site.line - 4, 0) : site.line]
    lines[-1] = lines[-1][: site.column - 1]
    return re.split(r"[;{}]|\*/|^#.*$", "\n".join(lines), flags=re.MULTILINE)[-1]


def _texts(tree: Tree, commit: str, names: Iterable[str]) -> dict[str, str]:
    with tree.worktree(commit) as worktree:
        return {k: v.decode("latin-1") for k, v in worktree.contents(names).items()}


def _sites(words: Sequence[str], texts: Mapping[str, str]) -> tuple[Site, ...]:
    """Every site of ``words`` in ``texts``, each in its bucket."""
    if not words or not texts:
        return ()
    pattern = words_pattern(words)
    hits = {path: len(pattern.findall(text)) for path, text in texts.items()}
    search = Search("order", tuple(words), hits={path: n for path, n in hits.items() if n})
    return account([search], texts, {}).sites


def _made(words: Sequence[str], texts: Mapping[str, str]) -> list[Site]:
    """The sites where one of ``words`` is declared or defined, but for parameters."""
    found = [one for one in _sites(words, texts) if one.bucket in _MADE]
    return [one for one in found if (head := _head(texts, one)).count("(") == head.count(")")]


@dataclass(frozen=True)
class _Found:
    """Sites, and the texts that they are in."""

    sites: tuple[Site, ...]
    texts: Mapping[str, str]


def _everywhere(
    tree: Tree, store: Store, commit: str, words: Sequence[str], most: int = 0
) -> _Found | None:
    """Every site of ``words`` in all files of ``commit``; ``None`` for more files than ``most``."""
    with tree.worktree(commit) as worktree:
        with Candidates(worktree, store).lookup(words, ()) as lookup:
            hits = lookup.settle()
        if most and len(hits) > most:
            return None
        contents = worktree.contents(hits)
    texts = {path: text.decode("latin-1") for path, text in contents.items()}
    return _Found(_sites(words, texts), texts)


def _still_used(ground: Ground, this: _Changes) -> Iterator[Finding]:
    """Uses of what a patch takes away, in the tree as the patch leaves it."""
    own = {word for word, site in this.removed.items() if _is_own(this.before, site)}
    wide = sorted(set(this.removed) - own)
    commit = this.patch.commit
    found = _everywhere(ground.tree, ground.store, commit, wide) if wide else None
    found = found or _Found((), {})
    for word, site in this.removed.items():
        if word in own:
            text = {site.path: this.after[site.path]} if site.path in this.after else {}
            used = _uses(_Found(_sites([word], text), text))
        else:
            mine = tuple(one for one in found.sites if one.word == word)
            used = _uses(_Found(mine, found.texts))
        what = f"{word} is used here; this patch removes its definition from {site.path}"
        yield from _shown(ground, commit, used, what, "removed", _HINT_GONE)


def _uses(found: _Found) -> list[Site]:
    """The uses among the sites of one name for which no definition is left."""
    defined = [one for one in found.sites if one.bucket is Bucket.DEFINITION]
    if any(not _is_own(found.texts, one) for one in defined):
        return []  # there is another one, for whoever can see it
    served = {one.path for one in defined}
    wrong = (Bucket.UNEXPLAINED, Bucket.EXPORT)
    return [one for one in found.sites if one.bucket in wrong and one.path not in served]


def _too_early(ground: Ground, this: _Changes, later: Sequence[_Changes]) -> Iterator[Finding]:
    """Uses of what only a later patch adds."""
    words = frozenset(this.words("+"))
    suspects: dict[str, int] = {}
    for one in later:
        for word in words & one.added:
            suspects.setdefault(word, one.patch.number)
    if not suspects:
        return
    fresh = {(one.path, one.line) for one in this.lines if one.sign == "+"}
    used = [
        one
        for one in _sites(sorted(suspects), this.after)
        if one.bucket is Bucket.UNEXPLAINED and (one.path, one.line) in fresh
    ]
    asked = sorted({one.word for one in used})
    if not asked:
        return
    commit = this.patch.commit
    for word in asked:
        there = _everywhere(ground.tree, ground.store, commit, [word], _FEW)
        if there and not _made([word], there.texts):
            mine = [one for one in used if one.word == word]
            what = f"{word} is used here, and patch {suspects[word]} adds it"
            yield from _shown(ground, commit, mine, what, "later", _HINT_LATER)


def _shown(
    ground: Ground, commit: str, sites: Sequence[Site], what: str, rule: str, hint: str
) -> Iterator[Finding]:
    """A finding for each site, the first ten."""
    shown = sites[:_SHOWN]
    texts = _texts(ground.tree, commit, dict.fromkeys(one.path for one in shown))
    for one in shown:
        source = texts[one.path].split("\n")[one.line - 1]
        yield Finding("error", what, one.path, one.line, source, rule, hint)
    if len(sites) > len(shown):
        more = f"{what.partition(' ')[0]}: and {len(sites) - len(shown)} more uses"
        yield Finding("error", more, rule=rule, hint=hint)
