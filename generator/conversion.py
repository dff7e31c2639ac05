"""One rule on a worktree: find candidates, run spatch, run it again, tidy up.

What spatch leaves behind is settled here as well: a second run must find nothing,
kernel-doc follows a changed parameter list, and changed statements are laid out as
the tree's .clang-format has it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from generator import edits, kernel_doc, style
from generator.buckets import Bucket
from generator.errors import ExpectedFailureError
from generator.ledger import Ledger, Search, account, within, words_pattern
from generator.results import NoResults, Store
from generator.rule import Rule
from generator.sources import Sources
from generator.spatch import Engine, Kind, Outcome, Spatch
from generator.tree import Worktree

Progress = Callable[[str, int, int], None]

_REPEATS = 10
_BUCKETS = {
    Kind.TIMED_OUT: Bucket.TIMED_OUT,
    Kind.FAILED: Bucket.FAILED,
    Kind.MISSING: Bucket.FAILED,
    Kind.REFUSED: Bucket.REFUSED,
}


_SHOWN = 20


class UnmatchedError(ExpectedFailureError):
    """A step found nothing to change; whether that is an error is the campaign's to say.

    ``conversion`` is what a rule did all the same: it looked, and there may be sites.
    """

    def __init__(self, message: str, conversion: "Conversion | None" = None) -> None:
        super().__init__(message)
        self.conversion = conversion


class TroubleError(ExpectedFailureError):
    """Files or sites that cannot be taken for done, each on a line of its own."""

    def __init__(self, what: str, troubles: Sequence[str]) -> None:
        super().__init__(f"{what}: {'; '.join(troubles)}")
        self.what = what
        self.troubles = tuple(troubles)

    def lines(self) -> list[str]:
        """One line a file or site, the first twenty, and what can be done."""
        hint = (
            'exclude = { "path" = "reason" } explains a file; a rule, an edit step or a longer '
            '--timeout may convert it; remaining = "any" lets it pass'
        )
        shown = [f"{self.what}: {trouble}" for trouble in self.troubles[:_SHOWN]]
        if len(self.troubles) > _SHOWN:
            shown.append(f"{self.what}: and {len(self.troubles) - _SHOWN} more")
        return [*shown, f"hint: {hint}"]


@dataclass(frozen=True)
class Bench:
    """What a rule needs to run: a worktree, a spatch for it, limits, and who is told.

    ``store`` has the outcomes of earlier runs.
    """

    worktree: Worktree
    spatch: Callable[[Rule], Spatch]
    timeout: int
    jobs: int
    allow_scripts: bool = False
    progress: Progress = lambda _what, _done, _total: None
    store: Store = field(default_factory=NoResults)

    def engine(self, rule: Rule) -> Engine:
        """An engine for ``rule``; ``UsageError`` when it needs scripts and may not."""
        scripts = self.allow_scripts
        return Engine(
            self.spatch(rule), rule, timeout=self.timeout, jobs=self.jobs, allow_scripts=scripts
        )


@dataclass(frozen=True)
class Order:
    """A rule and how to run it.

    ``exclude`` gives a reason for each path; ``tokens`` stand instead of what
    spatch searches for; ``repeat`` runs the rule until it is stable;
    ``kernel_doc`` has texts for new parameters (``None``: the pass is off).
    """

    rule: Rule
    paths: tuple[str, ...] = ()
    exclude: Mapping[str, str] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    repeat: bool = False
    kernel_doc: Mapping[str, str] | None = field(default_factory=dict)
    style: bool = True


@dataclass(frozen=True)
class Conversion:
    """What a rule did: how many files it looked at, those it changed, what it searched for.

    ``troubles`` are files that cannot be taken for done, ``undescribed`` the
    new parameters that have no text for their kernel-doc.
    """

    candidates: int
    changed: tuple[str, ...]
    search: Search
    troubles: tuple[str, ...] = ()
    undescribed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def convert(bench: Bench, order: Order) -> Conversion:
    """Run a rule and take what it changes into the worktree's index.

    Raises ``UnmatchedError`` when a path is not there, ``CampaignError`` when
    the rule is wrong, ``ExpectedFailureError`` when a second run changes more.
    """
    rule, worktree = order.rule, bench.worktree
    for path in order.paths:
        if not worktree.exists(path):
            raise UnmatchedError(f"{rule.name}: there is no {path} in the tree")
    with bench.engine(rule) as engine:
        derived = engine.tokens()
        tokens = order.tokens or derived
        hits = worktree.grep(tokens, order.paths)
        files = [file for file in sorted(hits) if file.endswith((".c", ".h"))]
        files = [file for file in files if within(file, order.exclude) is None]
        outcomes = _run(bench, engine, rule, files, tokens)
        if outcomes and all(outcome.kind is Kind.FAILED for outcome in outcomes):
            engine.verify()  # it may be the rule, not the files
        search = _search(order, derived, hits, outcomes, worktree)
        troubles = _troubles(outcomes, search)
        before = {
            outcome.path: worktree.file(outcome.path).read_bytes()
            for outcome in outcomes
            if outcome.diff
        }
        snapshot = worktree.snapshot() if before else ""
        if before:
            _apply(worktree, outcomes)
            _again(bench, order, engine, list(before), tokens)
    notes, undescribed = _tidy(worktree, order, before, snapshot)
    return Conversion(len(files), tuple(before), search, troubles, undescribed, notes)


def ledger_of(worktree: Worktree, searches: Sequence[Search], diff: bytes) -> Ledger:
    """The ledger of a patch: its searches, against HEAD, with ``diff`` as what it changes."""
    files = edits.summarize(diff)
    paths = {path for search in searches for path in (*search.hits, *search.changed)}
    paths |= {file.source for file in files}
    texts = {path: content.decode("latin-1") for path, content in worktree.contents(paths).items()}
    moves = {file.source: file.path for file in files if file.source != file.path}
    return account(searches, texts, edits.changes(diff, texts), moves)


def words_of(order: Order, derived: Sequence[str]) -> tuple[str, ...]:
    """The words whose every occurrence is accounted for.

    Those that the campaign names; else, of the words spatch searches for, the
    ones that the rule changes, not those that only have to be near; else what
    the rule's header names, where spatch has no view.
    """
    if order.tokens:
        return tuple(order.tokens)
    changed = order.rule.changed_words
    return tuple(word for word in derived if word in changed)


def _run(
    bench: Bench, engine: Engine, rule: Rule, files: Sequence[str], tokens: Sequence[str]
) -> list[Outcome]:
    """The outcome of each file: what is known of the same contents, else what spatch says."""
    # A script may look at anything, so that contents do not decide what it does.
    store = NoResults() if rule.scripts else bench.store
    sources = Sources(bench.worktree, bench.store, files)
    fingerprint = engine.fingerprint(tokens)
    keys = {path: sources.key(path, fingerprint) for path in files}
    done = _remembered(store, keys)
    todo = [path for path in files if path not in done]
    bench.worktree.materialize(sources.files(todo))
    bench.progress(rule.name, len(done), len(files))

    def note(fresh: Sequence[Outcome]) -> None:
        done.update((outcome.path, outcome) for outcome in fresh)
        store.put({keys[one.path]: one.packed() for one in fresh if one.lasting})
        bench.progress(rule.name, len(done), len(files))

    if todo:
        engine.run(bench.worktree.path, todo, tokens, note)
    return [done[path] for path in sorted(done)]


def _remembered(store: Store, keys: Mapping[str, bytes]) -> dict[str, Outcome]:
    """The outcomes that are known, by path."""
    known = store.get(keys.values())
    found = {}
    for path, key in keys.items():
        if key in known:
            with contextlib.suppress(ValueError):  # of another reroll
                found[path] = Outcome.unpacked(path, known[key])
    return found


def _search(
    order: Order,
    derived: Sequence[str],
    hits: Mapping[str, str],
    outcomes: Sequence[Outcome],
    worktree: Worktree,
) -> Search:
    words = words_of(order, derived)
    counts = {}
    if words:
        pattern = words_pattern(words)
        counts = {path: len(pattern.findall(text)) for path, text in hits.items()}
    return Search(
        rule=order.rule.name,
        words=words,
        paths=tuple(order.paths),
        hits={path: count for path, count in counts.items() if count},
        members=order.rule.member_words,
        only_members=order.rule.only_members,
        excluded=order.exclude,
        unparsed={
            outcome.path: _lines(worktree, outcome) for outcome in outcomes if outcome.unparsed
        },
        failed={
            outcome.path: (_BUCKETS[outcome.kind], outcome.detail)
            for outcome in outcomes
            if outcome.kind in _BUCKETS
        },
        changed=frozenset(outcome.path for outcome in outcomes if outcome.diff),
    )


def _lines(worktree: Worktree, outcome: Outcome) -> frozenset[str]:
    """The lines of text, as they are before the rule, that spatch could not parse."""
    text = worktree.file(outcome.path).read_bytes().decode("latin-1").split("\n")
    return frozenset(text[number - 1].strip() for number in outcome.unparsed)


def _troubles(outcomes: Sequence[Outcome], search: Search) -> tuple[str, ...]:
    """What cannot be taken for done and does not show in the ledger."""
    return tuple(item.trouble for item in outcomes if item.trouble and item.path not in search.hits)


def _apply(worktree: Worktree, outcomes: Sequence[Outcome]) -> None:
    worktree.apply(b"".join(outcome.diff for outcome in outcomes))


def _again(
    bench: Bench, order: Order, engine: Engine, todo: list[str], tokens: Sequence[str]
) -> None:
    """Run the rule on what it changed: more changes are an error, or more work to do."""
    for _ in range(_REPEATS):
        outcomes = _run(bench, engine, order.rule, todo, tokens)
        failed = [item.trouble for item in outcomes if item.kind in _BUCKETS]
        if failed:
            raise TroubleError(f"{order.rule.name}: on its second run", failed)
        todo = [outcome.path for outcome in outcomes if outcome.diff]
        if not todo:
            return
        if not order.repeat:
            raise ExpectedFailureError(
                f"{order.rule.name}: changes {', '.join(todo)} once more when it is run again",
                hint="let the rule exclude what it has done, or say repeat = true",
            )
        _apply(bench.worktree, outcomes)
    raise ExpectedFailureError(
        f"{order.rule.name}: still changes {', '.join(todo)} after {_REPEATS} runs",
        hint="the rule matches what it makes",
    )


def _tidy(
    worktree: Worktree, order: Order, before: Mapping[str, bytes], snapshot: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The passes after spatch; returns notes, and new parameters without a text."""
    if not before:
        return (), ()
    undescribed: tuple[str, ...] = ()
    if order.kernel_doc is not None:
        undescribed = _document(worktree, order.kernel_doc, before)
    note = style.apply(worktree, before, snapshot) if order.style else ""
    return ((note,) if note else ()), undescribed


def _document(
    worktree: Worktree, texts: Mapping[str, str], before: Mapping[str, bytes]
) -> tuple[str, ...]:
    """Bring kernel-doc comments in line with what the rule changed."""
    missing = []
    written = []
    for path, old in before.items():
        file = worktree.file(path)
        new = file.read_bytes().decode("latin-1")
        updated = kernel_doc.update(old.decode("latin-1"), new, _latin(texts))
        missing += [
            f"{path}:{item.line}: the kernel-doc of {item.of} does not describe '{item.name}'"
            for item in updated.undescribed
        ]
        if updated.text != new:
            file.write_bytes(updated.text.encode("latin-1"))
            written.append(path)
    if written:
        worktree.stage(written)
    return tuple(missing)


def _latin(texts: Mapping[str, str]) -> dict[str, str]:
    """Texts of a campaign as they look in a file that is read byte by character."""
    return {name: text.encode().decode("latin-1") for name, text in texts.items()}
