"""Each patch stands on what comes before it, and takes nothing away that is still in use.

What a word is at each place is what the site ledger says of it (``generator.ledger``).  Names at
file level, macros, enumerators and headers are looked at; what is defined through a macro that
makes up names is not seen.
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
from series.checks.include_lines import includes, lacking, may_be
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.local_names import LocalNames
from series.checks.recall import key, recalled

_WORD = re.compile(r"[A-Za-z_]\w*")
# What begins in the first column, a macro, an enumerator.
_HEAD = re.compile(r"[A-Za-z_#]|\s*#\s*define\b|\s+[A-Za-z_]\w*\s*(?:=[^=]|,|\Z)")
_C = (".c", ".h")
_MADE = (Bucket.DEFINITION, Bucket.PROTOTYPE)
_HINT_GONE = "convert it in this patch or before, or remove the definition in a later one"
_HINT_LATER = "move the patch that adds it in front of this one"
_HINT_INCLUDE = "let it include what is there, in this patch or before"
# Files: a word that more of them hold is not new to the tree.
_FEW = 50
# Files: of a word that more of them hold there is another definition, as far as we care.
_MANY = 300
# Places of one name; more are counted.
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
            name = key("order", "4", patch.parent, *commits)
            yield patch, recalled(ground.store, name, partial(_judged, ground, changes, at))


def _judged(ground: Ground, changes: Sequence["_Changes"], at: int) -> Result:
    this = changes[at]
    later = changes[at + 1 :]
    found = [*_still_used(ground, this), *_too_early(ground, this, later)]
    return Result.of([*found, *_includes(ground, this, later)])


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
    def added(self) -> Mapping[str, frozenset[str] | None]:
        """The names that are declared or defined after it and were not before, in its files.

        Each with the files that alone can see it; ``None``: all files can.
        """
        words = self._heads("+")
        before = {one.word for one in _made(words, self.before)}
        found: dict[str, frozenset[str] | None] = {}
        for one in _made(words, self.after):
            if one.word not in before:
                known = found.get(one.word, frozenset())
                own = _is_own(self.after, one) and known is not None
                found[one.word] = (known or frozenset()) | {one.path} if own else None
        return found

    @cached_property
    def removed(self) -> tuple[Site, ...]:
        """Where the definitions that it takes away were: one of each name that others can see,
        and those that are for one file alone.
        """
        words = self._heads("-")
        defined = [one for one in _made(words, self.before) if one.bucket is Bucket.DEFINITION]
        left = [one for one in _made(words, self.after) if one.bucket is Bucket.DEFINITION]
        wide = {one.word for one in left if not _is_own(self.after, one)}
        there = {(one.word, one.path) for one in left}
        gone: dict[tuple[str, str], Site] = {}
        for one in defined:
            if not _is_own(self.before, one):
                if one.word not in wide:
                    gone.setdefault((one.word, ""), one)
            elif (one.word, one.path) not in there:
                gone.setdefault((one.word, one.path), one)
        return tuple(gone.values())

    def headers(self, *, added: bool) -> tuple[str, ...]:
        """The headers that it adds, or those that it removes."""
        there, not_there = (self.after, self.before) if added else (self.before, self.after)
        return tuple(name for name in there if name.endswith(".h") and name not in not_there)


def _words(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in lines for word in _WORD.findall(text)))


def _is_own(texts: Mapping[str, str], site: Site) -> bool:
    """Whether what is made at ``site`` is for its file only: in a C file, and without a linkage
    of its own (C11 6.2.2).
    """
    if not site.path.endswith(".c"):
        return False
    if "macro" in site.why or site.why == "an enumerator":
        return True
    head = _head(texts, site)
    return bool(re.search(r"\b(?:static|typedef)\b|\b(?:struct|union|enum)\s*\Z", head))


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
    tree, commit = ground.tree, this.patch.commit
    wide = sorted({one.word for one in this.removed if not _is_own(this.before, one)})
    found = _everywhere(tree, ground.store, commit, wide) if wide else None
    found = found or _Found((), {})
    for site in this.removed:
        word = site.word
        if not _is_own(this.before, site):
            mine = tuple(one for one in found.sites if one.word == word)
            used = _uses(_Found(mine, found.texts))
        else:
            text = {site.path: this.after[site.path]} if site.path in this.after else {}
            used = _uses(_Found(_sites([word], text), text))
            if used and _is_elsewhere(ground, commit, word):
                continue
        what = f"{word} is used here; this patch removes its definition from {site.path}"
        yield from _shown(ground, commit, used, what, "removed", _HINT_GONE)


def _is_elsewhere(ground: Ground, commit: str, word: str) -> bool:
    """Whether another file makes ``word`` for all who include it."""
    found = _everywhere(ground.tree, ground.store, commit, [word], _MANY)
    if found is None:
        return True
    return any(not _is_own(found.texts, one) for one in _made([word], found.texts))


def _uses(found: _Found) -> list[Site]:
    """The uses among the sites of one name for which no definition is left."""
    defined = [one for one in found.sites if one.bucket is Bucket.DEFINITION]
    if any(not _is_own(found.texts, one) for one in defined):
        return []  # there is another one, for whoever can see it
    served = {one.path for one in defined}
    wrong = (Bucket.UNEXPLAINED, Bucket.EXPORT)
    used = [one for one in found.sites if one.bucket in wrong and one.path not in served]
    return _not_local(used, found.texts)


def _not_local(sites: Sequence[Site], texts: Mapping[str, str]) -> list[Site]:
    """``sites`` of one name, less those that are a parameter, a local variable or a label."""
    kept = []
    for path in dict.fromkeys(one.path for one in sites):
        mine = [one for one in sites if one.path == path]
        local = [False] * len(mine)
        if path.endswith(_C):
            places = [(one.line, one.column) for one in mine]
            local = LocalNames(texts[path]).among(mine[0].word, places)
        kept += [one for one, is_local in zip(mine, local, strict=True) if not is_local]
    return kept


def _too_early(ground: Ground, this: _Changes, later: Sequence[_Changes]) -> Iterator[Finding]:
    """Uses of what only a later patch adds."""
    suspects = _suspects(this, later)
    fresh = {(one.path, one.line) for one in this.lines if one.sign == "+"}
    used = [
        one
        for one in _sites(sorted(suspects), this.after)
        if one.bucket is Bucket.UNEXPLAINED
        and (one.path, one.line) in fresh
        and any(seen is None or one.path in seen for _, seen in suspects[one.word])
    ]
    commit = this.patch.commit
    for word in sorted({one.word for one in used}):
        mine = _not_local([one for one in used if one.word == word], this.after)
        there = _everywhere(ground.tree, ground.store, commit, [word], _FEW) if mine else None
        if there and not _made([word], there.texts):
            what = f"{word} is used here, and patch {suspects[word][0][0]} adds it"
            yield from _shown(ground, commit, mine, what, "later", _HINT_LATER)


def _suspects(
    this: _Changes, later: Sequence[_Changes]
) -> dict[str, list[tuple[int, frozenset[str] | None]]]:
    """What ``this`` may use and ``later`` patches add: their numbers, and who can see it."""
    words = frozenset(this.words("+"))
    found: dict[str, list[tuple[int, frozenset[str] | None]]] = {}
    for one in later if words else ():
        for word in words & one.added.keys():
            found.setdefault(word, []).append((one.patch.number, one.added[word]))
    return found


def _includes(ground: Ground, this: _Changes, later: Sequence[_Changes]) -> Iterator[Finding]:
    """Includes of headers that a patch removes, or that only a later one adds."""
    gone = this.headers(added=False)
    if gone:
        texts = _including(ground, this.patch.commit, gone)
        what = "{} is included here; this patch removes it"
        yield from _lacking(ground, this.patch, texts, gone, what, "removed", _HINT_INCLUDE)
    fresh = {(one.path, one.line) for one in this.lines if one.sign == "+"}
    for one in later if any("include" in line.text for line in this.lines) else ():
        if coming := one.headers(added=True):
            what = f"{{}} is included here, and patch {one.patch.number} adds it"
            for finding in _lacking(
                ground, this.patch, this.after, coming, what, "later", _HINT_LATER
            ):
                if (finding.path, finding.line) in fresh:
                    yield finding


def _including(ground: Ground, commit: str, headers: Sequence[str]) -> dict[str, str]:
    """The C files of ``commit`` that name one of ``headers``."""
    names = sorted({path.rpartition("/")[2] for path in headers})
    # As words, for they may be in the middle of a path.
    found = ground.tree.grep(names, ["*.c", "*.h", "*.S"], commit)
    return _texts(ground.tree, commit, found)


def _lacking(
    ground: Ground,
    patch: Patch,
    texts: Mapping[str, str],
    headers: Sequence[str],
    what: str,
    rule: str,
    hint: str,
) -> Iterator[Finding]:
    """A finding for each line of ``texts`` that includes one of ``headers`` and nothing else."""
    named = [
        (path, line, name)
        for path, text in texts.items()
        for line, name in includes(text)
        if any(may_be(one, name, path) for one in headers)
    ]
    if not named:
        return
    every = [one for one in ground.tree.names(patch.commit) if one.endswith(".h")]
    ends = {name.rpartition("/")[2] for _, _, name in named}
    there = [one for one in every if one.rpartition("/")[2] in ends]
    for path, line, name in named:
        if lacking(name, path, there):
            source = texts[path].split("\n")[line - 1]
            yield Finding("error", what.format(name), path, line, source, rule, hint)


def _shown(
    ground: Ground, commit: str, sites: Sequence[Site], what: str, rule: str, hint: str
) -> Iterator[Finding]:
    """A finding for each site, the first ten; each says how many others there are."""
    shown = sites[:_SHOWN]
    if others := len(sites) - 1:
        places = f"{others} other place{'' if others == 1 else 's'}"
        what = what.replace(" is used here", f" is used here and in {places}", 1)
    texts = _texts(ground.tree, commit, dict.fromkeys(one.path for one in shown))
    for one in shown:
        source = texts[one.path].split("\n")[one.line - 1]
        yield Finding("error", what, one.path, one.line, source, rule, hint)
