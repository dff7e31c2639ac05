"""One rule on a worktree: find candidates, run spatch, run it again, tidy up.

What spatch leaves behind is settled here as well: a second run must find nothing,
kernel-doc follows a changed parameter list, and changed statements are laid out as
the tree's .clang-format has it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from generator import edits, kernel_doc, style
from generator.buckets import Bucket
from generator.candidates import Candidates
from generator.errors import CampaignError, ExpectedFailureError
from generator.execution import Executor, Local
from generator.ledger import Ledger, Search, account, within, words_pattern
from generator.progress import Progress, State, silent
from generator.query import Query
from generator.results import NoResults, Store
from generator.rule import Rule
from generator.sources import Listing, Shelf, Sources
from generator.spatch import Each, Engine, Kind, Outcome, Spatch
from generator.tree import Worktree

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

    ``store`` has the outcomes of earlier runs, ``executor`` is where spatch runs; ``told``
    gets the outcomes of a rule's first run on each file as they come, ``tick`` is called a
    few times a second while spatch runs.
    """

    worktree: Worktree
    spatch: Callable[[Rule], Spatch]
    timeout: int
    jobs: int
    allow_scripts: bool = False
    progress: Progress = silent
    store: Store = field(default_factory=NoResults)
    executor: Executor = field(default_factory=Local)
    told: Each = lambda _: None
    tick: Callable[[], None] = lambda: None

    @cached_property
    def candidates(self) -> Candidates:
        """What searches the worktree."""
        return Candidates(self.worktree, self.store)

    @cached_property
    def shelf(self) -> Shelf:
        """Where spatch finds the files of the worktree."""
        return Shelf(self.worktree.holder / "files")

    @cached_property
    def listing(self) -> Listing:
        """The files of the worktree."""
        return Listing(self.worktree)

    def engine(self, rule: Rule) -> Engine:
        """An engine for ``rule``; ``UsageError`` when it needs scripts and may not."""
        return Engine(
            self.spatch(rule),
            rule,
            timeout=self.timeout,
            jobs=self.jobs,
            allow_scripts=self.allow_scripts,
            place=self.worktree.holder,
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
    the rule is wrong or an excluded path is not there, ``ExpectedFailureError``
    when a second run changes more.
    """
    rule, worktree = order.rule, bench.worktree

    def told(fresh: Sequence[Outcome]) -> None:
        if any(outcome.diff for outcome in fresh):
            worktree.begin()  # it takes a while
        bench.told(fresh)

    for path in order.paths:
        if not worktree.exists(path):
            near = worktree.likely(path)
            raise UnmatchedError(f"{rule.name}: there is no {path} in the tree{near}")
    for path in order.exclude:
        if not worktree.exists(path):
            near = worktree.likely(path)
            raise CampaignError(
                [f"{rule.name}: exclude: there is no {path} in the tree{near}"],
                hint="an earlier step may have moved or removed it; take out what is not there",
            )
    with bench.engine(rule) as engine:
        derived = engine.tokens()
        tokens = order.tokens or derived
        with bench.candidates.lookup(tokens, order.paths) as lookup:
            early = wanted(bench, order, engine, lookup.early)
            outcomes = run_rule(bench, engine, rule, early, tokens, told)
            hits = lookup.settle()
        files = set(wanted(bench, order, engine, hits))
        outcomes = [outcome for outcome in outcomes if outcome.path in files]
        late = sorted(files - {outcome.path for outcome in outcomes})
        if late:
            outcomes += run_rule(bench, engine, rule, late, tokens, told)
            outcomes.sort(key=lambda outcome: outcome.path)
        if outcomes and all(outcome.kind is Kind.FAILED for outcome in outcomes):
            engine.verify()  # it may be the rule, not the files
        search = _search(order, derived, hits, outcomes, worktree)
        troubles = _troubles(outcomes, search)
        before = worktree.staged_contents([outcome.path for outcome in outcomes if outcome.diff])
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


def wanted(bench: Bench, order: Order, engine: Engine, hits: Mapping[str, str]) -> list[str]:
    """The C files that the rule is to be run on: those of ``hits`` that it may match in.

    A rule that needs no word at all is run on every C file.
    """
    query = Query() if order.tokens else engine.query()
    if query.anywhere:
        files = bench.candidates.c_files(order.paths)
    else:
        files = [name for name in sorted(hits) if name.endswith((".c", ".h"))]
        files = [name for name in files if query.holds(hits[name])]
    return [name for name in files if within(name, order.exclude) is None]


def run_rule(
    bench: Bench,
    engine: Engine,
    rule: Rule,
    files: Sequence[str],
    tokens: Sequence[str],
    told: Each = lambda _: None,
) -> list[Outcome]:
    """The outcome of each file: what is known of the same contents, else what spatch says.

    Nothing is changed.  ``told`` gets outcomes as they come.  Raises what ``Engine.run`` does.
    """
    # A script may look at anything, so that contents do not decide what it does.
    store = NoResults() if rule.scripts else bench.store
    bench.listing.refresh(bench.worktree)
    sources = Sources(
        bench.worktree,
        bench.listing,
        bench.store,
        bench.shelf,
        files,
        everywhere=rule.reads_all_headers,
    )
    fingerprint = engine.fingerprint(tokens)
    keys = {path: sources.key(path, fingerprint) for path in files}
    done = _remembered(store, keys) | _links(sources, files)
    known = len(done)

    def note(fresh: Sequence[Outcome]) -> None:
        done.update((outcome.path, outcome) for outcome in fresh)
        store.put({keys[one.path]: one.packed() for one in fresh if one.lasting})
        changed = sum(bool(outcome.diff) for outcome in done.values())
        ran = len(done) - known
        slowest = bench.executor.slowest
        bench.progress(State(rule.name, len(done), len(files), ran, changed, slowest))
        told(fresh)

    todo = [path for path in files if path not in done]
    if done:
        told(list(done.values()))
    note(())
    if todo:
        bench.executor.run(engine, sources, todo, tokens, note, bench.tick)
    return [done[path] for path in sorted(done)]


def _links(sources: Sources, files: Sequence[str]) -> dict[str, Outcome]:
    """What is said of files that are no plain files."""
    why = "it is a symbolic link"
    return {path: Outcome(path, Kind.REFUSED, detail=why) for path in sources.links(files)}


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
        unparsed=_unparsed(worktree, outcomes),
        failed={
            outcome.path: (_BUCKETS[outcome.kind], outcome.detail)
            for outcome in outcomes
            if outcome.kind in _BUCKETS
        },
        changed=frozenset(outcome.path for outcome in outcomes if outcome.diff),
    )


def _unparsed(worktree: Worktree, outcomes: Sequence[Outcome]) -> dict[str, frozenset[str]]:
    """The lines of text, as they are before the rule, that spatch could not parse, by path."""
    numbers = {outcome.path: outcome.unparsed for outcome in outcomes if outcome.unparsed}
    found = {}
    for path, content in worktree.staged_contents(list(numbers)).items():
        lines = content.decode("latin-1").split("\n")
        found[path] = frozenset(lines[number - 1].strip() for number in numbers[path])
    return found


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
        outcomes = run_rule(bench, engine, order.rule, todo, tokens)
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
