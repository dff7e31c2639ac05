"""coccicheck's own rules of the tree, in report mode, on the files that a patch touches.

The rules are the base's (scripts/coccinelle).  Reports that a file had before a patch are not
its matter.  spatch sees the file and no header, so a rule that needs the types of a header may
find less than ``make coccicheck`` does.

Most rules have nothing to say of most files.  So a file without the words that spatch itself asks
for is not shown to a rule, and the file before a patch only to rules that report something of it
afterwards.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import edits, process
from generator.errors import CampaignError, RerollError
from generator.query import Query, parse
from generator.rule import Rule, parse_rule
from generator.spatch import Spatch, find_spatch, refusal
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.recall import keep, key, recall
from series.settings import jobs_of

_FOLDER = "scripts/coccinelle"
_REPORT = re.compile(r"files/([0-9a-f]{64})/(.+?):(\d{1,9}):\d+-\d+: (.*)")
# A script that runs once more when all files were seen may report what it has counted.
_AT_THE_END = re.compile(r"@\s*finalize\s*:")
_EVERYWHERE = "--disable-worth-trying-opt"
# Seconds for a rule; the largest of Linux takes three.
_QUERY_LIMIT = 60
_HINT = "see the head of the rule for what it is about and how sure it is"


@dataclass(frozen=True)
class _Version:
    """A file as one commit has it."""

    path: str
    text: bytes

    @property
    def id(self) -> str:
        """A name for a directory that only this path and text have."""
        return sha256(self.path.encode("utf-8", "surrogateescape") + b"\0" + self.text).hexdigest()


@dataclass(frozen=True)
class _Touched:
    """The C files of a patch, after and before it (``None``: it makes the file).

    ``refused`` says which files spatch must not be given, and why.
    """

    pairs: tuple[tuple[_Version, _Version | None], ...]
    refused: tuple[str, ...] = ()


class RulesCheck:
    """Reports of the tree's rules that a patch brings."""

    name = "rules"
    text = "coccicheck's own rules on touched files: new reports"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        try:
            spatch = find_spatch(ground.settings.spatch, scripts=("python",))
            rules, left_out = _rules(ground)
        except RerollError as error:
            yield from ((patch, Result("not run", why=str(error))) for patch in patches)
            return
        why = ""
        if not rules:
            why = f"the base has no rules with a report mode in {_FOLDER}"
        elif not spatch.python:
            why = f"{spatch.path} was built without Python scripting; install coccinelle"
        if why:
            yield from ((patch, Result("not run", why=why)) for patch in patches)
            return
        touched = [_touched(ground, patch) for patch in patches]
        with TemporaryDirectory(prefix="reroll-rules-") as place:
            reports = _Reports(ground, spatch, rules, Path(place))
            reports.find([pair for each in touched for pair in each.pairs])
            for at, (patch, each) in enumerate(zip(patches, touched, strict=True)):
                yield patch, _result(each, reports, left_out, first=at == 0)


def _rules(ground: Ground) -> tuple[list[Rule], list[str]]:
    """The rules of the base that have a report mode, and what is wrong with others."""
    base = ground.version.base
    names = [one for one in ground.tree.names(base, [_FOLDER]) if one.endswith(".cocci")]
    with ground.tree.worktree(base) as worktree:
        texts = worktree.contents(names)
    found, wrong = [], []
    for name, content in sorted(texts.items()):
        try:
            rule = parse_rule(content.decode("utf-8", "replace"), name=name)
        except CampaignError as error:
            wrong.append(str(error))
            continue
        if "report" in rule.virtuals:
            found.append(rule)
    return found, wrong


def _touched(ground: Ground, patch: Patch) -> _Touched:
    changed = edits.summarize(ground.tree.diff(patch.parent, patch.commit))
    pairs = {one.path: one.source for one in changed if one.path.endswith((".c", ".h"))}
    refused = {path: why for path in pairs if (why := refusal(path))}
    for path in refused:
        del pairs[path]
    with (
        ground.tree.worktree(patch.parent) as before,
        ground.tree.worktree(patch.commit) as after,
    ):
        old = before.contents(dict.fromkeys(pairs.values()))
        new = after.contents(pairs)
    return _Touched(
        tuple(
            (
                _Version(path, text),
                _Version(path, old[pairs[path]]) if pairs[path] in old else None,
            )
            for path, text in new.items()
        ),
        tuple(f"{path}: {why}" for path, why in refused.items()),
    )


class _Reports:
    """What the rules say of versions of files: known, or found now."""

    def __init__(self, ground: Ground, spatch: Spatch, rules: Sequence[Rule], place: Path) -> None:
        self._ground = ground
        self._spatch = spatch
        self._rules = rules
        self._place = place
        self.said: dict[tuple[str, str], Result] = {}
        self._queries: dict[str, Query] = {}
        facts = spatch.path.stat()
        self._about = (str(spatch.path), spatch.version, str(facts.st_size), str(facts.st_mtime_ns))

    def find(self, pairs: Sequence[tuple[_Version, _Version | None]]) -> None:
        """Let every rule look at every pair of versions, after and before, as far as it has to."""
        for one in {one.id: one for pair in pairs for one in pair if one}.values():
            file = self._place / "files" / one.id / one.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(one.text)
        for name in ("home", "tmp"):
            (self._place / name).mkdir()
        executor = ThreadPoolExecutor(jobs_of(self._ground.settings))
        try:
            asked = [executor.submit(self._rule, rule, pairs) for rule in self._rules]
            for at, future in enumerate(as_completed(asked), 1):
                future.result()
                self._ground.progress(f"rules: {at}/{len(asked)}")
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            process.kill_all()
            raise
        executor.shutdown()

    def _rule(self, rule: Rule, pairs: Sequence[tuple[_Version, _Version | None]]) -> None:
        """What ``rule`` says after the patches; of what it reports of, also before them."""
        self._look(rule, [after for after, _ in pairs])
        reported = [before for after, before in pairs if before and self._reports(rule, after)]
        self._look(rule, reported)

    def _reports(self, rule: Rule, version: _Version) -> bool:
        return bool(self.said[rule.name, version.id].findings)

    def _look(self, rule: Rule, versions: Sequence[_Version]) -> None:
        """Find out what ``rule`` says of ``versions``, but for what is known."""
        facts = ("rules", "1", *self._about, str(self._ground.settings.timeout), rule.name)
        todo: dict[str, _Version] = {}
        keys: dict[str, bytes] = {}
        for one in versions:
            if (rule.name, one.id) in self.said or one.id in todo:
                continue
            keys[one.id] = key(*facts, rule.text, one.id)
            known = recall(self._ground.store, keys[one.id])
            if known is None:
                todo[one.id] = one
            else:
                self.said[rule.name, one.id] = known
        if not todo:
            return
        query = self._query(rule)
        shown = [one for one in todo.values() if query.holds(one.text.decode("latin-1"))]
        for name in todo.keys() - {one.id for one in shown}:
            self.said[rule.name, name] = Result("passed")
        for name, result in self._ask(rule, shown).items():
            self.said[rule.name, name] = result
            keep(self._ground.store, keys[name], result)

    def _query(self, rule: Rule) -> Query:
        """What a file must hold for ``rule`` to match, as spatch says it; else any file will do."""
        if rule.name not in self._queries:
            self._queries[rule.name] = self._find_query(rule)
        return self._queries[rule.name]

    def _find_query(self, rule: Rule) -> Query:
        if _AT_THE_END.search(rule.text) or _EVERYWHERE in rule.options:
            return Query()
        name = key("rules query", "1", *self._about, rule.text)
        said = self._ground.store.get([name]).get(name)
        if said is None:
            with TemporaryDirectory(dir=self._place) as private:
                words = ["--parse-cocci", _written(rule, Path(private)), "--use-idutils"]
                ended = self._spatch_run([*words, "-D", "report"], private, _QUERY_LIMIT)
            if ended.timed_out or ended.returncode != 0:
                return Query()
            said = ended.stdout
            self._ground.store.put({name: said})
        return replace(parse(said.decode("utf-8", "replace")), weak=rule.declared_words)

    def _spatch_run(self, words: Sequence[str], private: str, limit: float) -> process.Result:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "HOME": str(self._place / "home"),
            "TMPDIR": str(self._place / "tmp"),
        }
        argv = [str(self._spatch.path), *words]
        return process.run(argv, cwd=Path(private), env=environment, timeout=limit)

    def _ask(self, rule: Rule, versions: Sequence[_Version]) -> dict[str, Result]:
        """What spatch reports: one process, each file in a group of its own."""
        if not versions:
            return {}
        with TemporaryDirectory(dir=self._place) as private:
            listed = Path(private) / "groups"
            groups = "\n\n".join(f"{self._place}/files/{one.id}/{one.path}" for one in versions)
            listed.write_text(groups + "\n", encoding="utf-8")
            limit = self._ground.settings.timeout
            words = ["--no-show-diff", "--very-quiet", "--timeout", str(limit), *rule.options]
            words += ["-D", "report", "--sp-file", _written(rule, Path(private))]
            words += ["--file-groups", str(listed)]
            ended = self._spatch_run(words, private, limit * len(versions) + 30)
        if ended.timed_out or ended.returncode != 0:
            why = f"{rule.name}: spatch {ended.complaint}"
            return {one.id: Result("not run", why=why) for one in versions}
        texts = {one.id: one.text.decode("utf-8", "replace").split("\n") for one in versions}
        found: dict[str, list[Finding]] = {one.id: [] for one in versions}
        for name, path, line, what in _REPORT.findall(ended.stdout.decode("utf-8", "replace")):
            if name not in texts:
                continue  # a string in a file that looks like a report
            source = texts[name][int(line) - 1] if 0 < int(line) <= len(texts[name]) else ""
            what = what.replace(f"{self._place}/files/{name}/", "")
            label = rule.name.removeprefix(f"{_FOLDER}/")
            found[name].append(Finding("warning", what, path, int(line), source, label, _HINT))
        return {name: Result.of(list(dict.fromkeys(said))) for name, said in found.items()}

    def of(self, version: _Version) -> tuple[list[Finding], list[str]]:
        """Everything that is said of a version, and why rules said nothing."""
        mine = [result for (_, name), result in self.said.items() if name == version.id]
        findings = [finding for result in mine for finding in result.findings]
        return findings, [result.why for result in mine if result.state == "not run"]

    def ran(self, touched: _Touched) -> bool:
        """Whether any rule could say something of a patch."""
        names = {after.id for after, _ in touched.pairs}
        return any(
            name in names and result.state != "not run" for (_, name), result in self.said.items()
        )


def _written(rule: Rule, place: Path) -> str:
    """The path of the rule's text, in ``place``."""
    cocci = place / "rule.cocci"
    cocci.write_text(rule.text, encoding="utf-8")
    return str(cocci)


def _result(
    touched: _Touched, reports: _Reports, left_out: Sequence[str], *, first: bool
) -> Result:
    """What is new.  Rules that no patch can be shown to are told of with the ``first``."""
    findings: list[Finding] = []
    lacking = [*touched.refused, *left_out]
    for after, before in touched.pairs:
        now, failed = reports.of(after)
        known = Counter(_sameness(one) for one in reports.of(before)[0]) if before else Counter()
        lacking += failed
        for one in sorted(now, key=lambda one: (one.line, one.what)):
            known[_sameness(one)] -= 1
            if known[_sameness(one)] < 0:
                findings.append(one)
    if lacking and (touched.refused or touched.pairs) and not reports.ran(touched):
        return Result("not run", why=lacking[0])
    told = [why for why in dict.fromkeys(lacking) if first or why not in left_out]
    findings += [Finding("note", f"not run: {why}") for why in told]
    return Result.of(findings)


def _sameness(one: Finding) -> str:
    """What of a report stays as it is when lines are added above it."""
    return f"{one.rule}\0{re.sub(r'[0-9]+', '', one.what)}"
