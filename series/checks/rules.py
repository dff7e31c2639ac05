"""coccicheck's own rules of the tree, in report mode, on the files that a patch touches.

The rules are the base's (scripts/coccinelle).  Reports that a file had before a patch are not
its matter.  spatch sees the file and no header, so a rule that needs the types of a header may
find less than ``make coccicheck`` does.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from generator import edits, process
from generator.errors import CampaignError, RerollError
from generator.rule import Rule, parse_rule
from generator.spatch import Spatch, find_spatch, refusal
from series.checks.kinds import Finding, Ground, Patch, Result
from series.checks.recall import keep, key, recall
from series.settings import jobs_of

_FOLDER = "scripts/coccinelle"
_REPORT = re.compile(r"files/([0-9a-f]{64})/(.+?):(\d+):\d+-\d+: (.*)")
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
    """The C files of a patch, after and before it (``None``: it makes the file)."""

    pairs: tuple[tuple[_Version, _Version | None], ...]


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
            reports.find(
                {one.id: one for each in touched for pair in each.pairs for one in pair if one}
            )
            for patch, each in zip(patches, touched, strict=True):
                yield patch, _result(each, reports, left_out)


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
    # spatch hands names to a shell.
    pairs = {
        one.path: one.source
        for one in changed
        if one.path.endswith((".c", ".h")) and not refusal(one.path)
    }
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
        )
    )


class _Reports:
    """What the rules say of versions of files: known, or found now."""

    def __init__(self, ground: Ground, spatch: Spatch, rules: Sequence[Rule], place: Path) -> None:
        self._ground = ground
        self._spatch = spatch
        self._rules = rules
        self._place = place
        self.said: dict[tuple[str, str], Result] = {}
        facts = spatch.path.stat()
        self._about = (str(spatch.path), spatch.version, str(facts.st_size), str(facts.st_mtime_ns))

    def find(self, versions: Mapping[str, _Version]) -> None:
        """Let every rule look at every version that it has not seen."""
        for one in versions.values():
            file = self._place / "files" / one.id / one.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(one.text)
        for name in ("home", "tmp"):
            (self._place / name).mkdir()
        executor = ThreadPoolExecutor(jobs_of(self._ground.settings))
        try:
            asked = [executor.submit(self._rule, rule, versions) for rule in self._rules]
            for at, future in enumerate(as_completed(asked), 1):
                future.result()
                self._ground.progress(f"rules: {at}/{len(asked)}")
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            process.kill_all()
            raise
        executor.shutdown()

    def _rule(self, rule: Rule, versions: Mapping[str, _Version]) -> None:
        timeout = str(self._ground.settings.timeout)
        facts = ("rules", "1", *self._about, timeout, rule.name, rule.text)
        keys = {name: key(*facts, name) for name in versions}
        todo = []
        for name, digest in keys.items():
            known = recall(self._ground.store, digest)
            if known is None:
                todo.append(name)
            else:
                self.said[rule.name, name] = known
        for name, result in self._ask(rule, [versions[one] for one in todo]).items():
            self.said[rule.name, name] = result
            keep(self._ground.store, keys[name], result)

    def _ask(self, rule: Rule, versions: Sequence[_Version]) -> dict[str, Result]:
        """What spatch reports: one process, each file in a group of its own."""
        if not versions:
            return {}
        with TemporaryDirectory(dir=self._place) as private:
            cocci, listed = Path(private) / "rule.cocci", Path(private) / "groups"
            cocci.write_text(rule.text, encoding="utf-8")
            groups = "\n\n".join(f"{self._place}/files/{one.id}/{one.path}" for one in versions)
            listed.write_text(groups + "\n", encoding="utf-8")
            limit = self._ground.settings.timeout
            words = ["--no-show-diff", "--very-quiet", "--timeout", str(limit), *rule.options]
            words += ["-D", "report", "--sp-file", str(cocci), "--file-groups", str(listed)]
            environment = {
                "PATH": os.environ.get("PATH", os.defpath),
                "LC_ALL": "C",
                "HOME": str(self._place / "home"),
                "TMPDIR": str(self._place / "tmp"),
            }
            ended = process.run(
                [str(self._spatch.path), *words],
                cwd=Path(private),
                env=environment,
                timeout=limit * len(versions) + 30,
            )
        if ended.timed_out or ended.returncode != 0:
            why = f"{rule.name}: spatch {ended.complaint}"
            return {one.id: Result("not run", why=why) for one in versions}
        texts = {one.id: one.text.decode("utf-8", "replace").split("\n") for one in versions}
        found: dict[str, list[Finding]] = {one.id: [] for one in versions}
        for name, path, line, what in _REPORT.findall(ended.stdout.decode("utf-8", "replace")):
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


def _result(touched: _Touched, reports: _Reports, left_out: Sequence[str]) -> Result:
    findings: list[Finding] = []
    lacking = list(left_out)
    for after, before in touched.pairs:
        now, failed = reports.of(after)
        known = Counter(_sameness(one) for one in reports.of(before)[0]) if before else Counter()
        lacking += failed
        for one in sorted(now, key=lambda one: (one.line, one.what)):
            known[_sameness(one)] -= 1
            if known[_sameness(one)] < 0:
                findings.append(one)
    findings += [Finding("note", f"not run: {why}") for why in dict.fromkeys(lacking)]
    return Result.of(findings)


def _sameness(one: Finding) -> str:
    """What of a report stays as it is when lines are added above it."""
    return f"{one.rule}\0{re.sub(r'[0-9]+', '', one.what)}"
