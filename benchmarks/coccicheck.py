# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: T201
"""The diffs of ``reroll scan`` against those of ``make coccicheck MODE=patch``, hunk by hunk.

Run as ``python -m benchmarks.coccicheck --tree TREE`` in the top of the project: every rule
of the tree's scripts/coccinelle that has a patch mode, on two directories.  TREE's HEAD is
cloned, and what is needed of it checked out, in a directory below build/bench that is removed
at the end.  Homes and caches are empty.

What one side prints and the other does not is looked up in ``EXPECTED``, which has a reason for
each rule and file.  The status is 1 when a difference is not in there, and when one that is
in there did not show.

Taken as no difference: file names behind ``./``, what follows the numbers of an ``@@`` line
(git and diff name functions in ways of their own), lines between the diffs, the order of files.
A file whose hunks differ although both diffs make the same file of it is counted apart.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.engine import Hunk, hunks
from generator.spatch import find_spatch

RULES = "scripts/coccinelle"
FOLDERS = ("drivers/media", "drivers/gpu/drm/i915")
# What "make coccicheck" reads besides, when only a part of the tree is checked out.
_NEEDED = ("scripts", "arch/x86", "include", "tools/build", "tools/scripts")
_SCAN_WORDS = ("--no-style", "--no-kernel-doc", "--remaining", "any", "--allow-scripts")
_SCAN = (0, 1)  # 1: nothing to change
_PATCH_MODE = re.compile(r"^virtual\b[^\n]*\bpatch\b", re.MULTILINE)


class Verdict(StrEnum):
    """How two diffs of a file compare."""

    EQUAL = "equal"
    SAME_RESULT = "same result, other hunks"
    DIFFERENT = "different"


_HEADER = (
    "a header; coccicheck changes headers only for rules whose 'Options:' say --include-headers"
)
_BLANK_LINE = (
    "spatch: 1.3.3 keeps the empty line between two statements that are removed, 1.1.1 takes it"
)
_WORD_IN_HEADER = (
    "the file has no word bool, only a header that it includes has: spatch passes over such a "
    "file when it is given a directory, and makes the same five hunks when it is given the file"
)
EXPECTED: Mapping[str, Mapping[str, str]] = {
    "api/ptr_ret.cocci": {"drivers/media/platform/rcar_drif.c": _BLANK_LINE},
    "api/vma_pages.cocci": {"include/linux/mm.h": _HEADER},
    "misc/boolinit.cocci": {"drivers/media/platform/s5p-mfc/s5p_mfc_ctrl.c": _WORD_IN_HEADER},
}
"""Why a file comes out differently: by rule (below scripts/coccinelle) and file."""


class FailedError(Exception):
    """A program ended badly, or is not there; the text says which and how."""


@dataclass(frozen=True)
class Said:
    """What a program printed: a diff with anything around it, and complaints."""

    diff: bytes
    complaint: str


@dataclass(frozen=True)
class FileResult:
    """A file that one side or both change: the hunks that only one of them has."""

    path: str
    verdict: Verdict
    only_ours: tuple[str, ...] = ()
    only_theirs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A rule on a directory: hunks of each side, files that either of them changes, notes.

    ``same_spatch`` are the files that differ when reroll runs the spatch of ``make
    coccicheck``; ``None`` when it was not asked.
    """

    rule: str
    folder: str
    ours: int
    theirs: int
    files: tuple[FileResult, ...]
    same_spatch: tuple[FileResult, ...] | None = None
    notes: tuple[str, ...] = ()
    failed: str = ""

    def count(self, verdict: Verdict) -> int:
        """How many files have it."""
        return sum(one.verdict is verdict for one in self.files)

    @property
    def different(self) -> dict[str, FileResult]:
        """The files that come out differently."""
        return {one.path: one for one in self.files if one.verdict is Verdict.DIFFERENT}

    @property
    def unexpected(self) -> list[str]:
        """A line for each difference without a reason, and each reason without a difference."""
        known = EXPECTED.get(self.rule, {})
        here = {path for path in known if path.startswith(f"{self.folder}/")}
        found = []
        for path in sorted(set(self.different) - here):
            one = self.different[path]
            said = f"only reroll {list(one.only_ours)}, only coccicheck {list(one.only_theirs)}"
            found.append(f"{self.rule} {path}: {said}")
        gone = sorted(here - set(self.different))
        return found + [f"{self.rule} {path}: no difference, but one is expected" for path in gone]


@dataclass
class Place:
    """A clone with files, and next to it a home and a cache of its own.

    ``jobs`` is for both sides (0: what they take by themselves).  What is printed goes into
    the directory ``keep``, too, and what is in there is not run again.
    """

    root: Path
    tree: Path
    jobs: int = 0
    keep: Path | None = None

    def coccicheck(self, rule: str, folder: str) -> Said:
        """What ``make coccicheck`` prints; ``FailedError`` when it does not end well."""
        words = ["make", "-s", "coccicheck", "MODE=patch", f"COCCI={RULES}/{rule}", f"M={folder}"]
        words += [f"J={self.jobs}"] if self.jobs else []
        return self._kept(rule, folder, "coccicheck", words)

    def scan(self, rule: str, folder: str, *, spatch: str = "") -> Said:
        """What ``reroll scan`` prints, with ``spatch`` instead of its own."""
        words = [str(Path(sys.executable).with_name("reroll")), "--tree", str(self.tree), "scan"]
        words += [f"{RULES}/{rule}", folder, *_SCAN_WORDS]
        words += ["--spatch", spatch] if spatch else []
        words += ["--jobs", str(self.jobs)] if self.jobs else []
        return self._kept(rule, folder, "same-spatch" if spatch else "reroll", words, _SCAN)

    def _kept(
        self, rule: str, folder: str, side: str, words: Sequence[str], good: Sequence[int] = (0,)
    ) -> Said:
        """What was said before, else what is said now."""
        name = f"{rule}@{folder}".replace("/", "_") + f".{side}.json"
        if self.keep and (self.keep / name).is_file():
            known = json.loads((self.keep / name).read_text())
            return Said(**known | {"diff": known["diff"].encode("latin-1")})
        said = self._run(words, good)
        if self.keep:
            known = asdict(said) | {"diff": said.diff.decode("latin-1")}
            (self.keep / name).write_text(json.dumps(known))
        return said

    def _run(self, words: Sequence[str], good: Sequence[int]) -> Said:
        done = subprocess.run(
            words, cwd=self.tree, env=self._variables(), capture_output=True, check=False
        )
        complaint = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode not in good:
            raise FailedError(f"{words[0]} ended with {done.returncode}: {complaint[-300:]}")
        if done.returncode == 1 and "reroll: nothing matches" not in complaint:
            raise FailedError(complaint[-300:])
        return Said(done.stdout, complaint)

    def _variables(self) -> dict[str, str]:
        """Little of ours: what a ``make`` or a shell exports would reach coccicheck."""
        kept = {"PATH": os.environ["PATH"], "TMPDIR": str(self.root / "tmp")}
        own = {"HOME": str(self.root / "home"), "XDG_CACHE_HOME": str(self.root / "cache")}
        return kept | own | {"LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1"}

    def result(self, path: str, found: Counter[Hunk]) -> str:
        """The blob id of ``path`` with its hunks of ``found`` applied; empty when they do not."""
        own = sorted((_line(head), head, body) for name, head, body in found if name == path)
        body = b"".join(head + b"\n" + lines + b"\n" for _, head, lines in own)
        head = f"--- a/{path}\n+++ b/{path}\n".encode("utf-8", "surrogateescape")
        try:
            self._git("read-tree", "HEAD")
            self._git("apply", "--cached", "--whitespace=nowarn", "-", stdin=head + body)
            return self._git("rev-parse", f":{path}")
        except FailedError:
            return ""

    def _git(self, *words: str, stdin: bytes = b"") -> str:
        """What git prints, with an index that nobody else uses."""
        variables = self._variables() | {"GIT_INDEX_FILE": str(self.root / "index")}
        done = subprocess.run(
            ["git", *words],
            cwd=self.tree,
            env=variables,
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise FailedError(f"git: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout.decode().strip()


def _line(head: bytes) -> int:
    return int(head.split()[1][1:].split(b",")[0])


def compare(place: Place, rule: str, folder: str) -> Comparison:
    """Run both on ``folder``, and reroll with the other spatch, too, where they differ."""
    theirs = place.coccicheck(rule, folder)
    ours = place.scan(rule, folder)
    files = file_results(place, hunks(ours.diff), hunks(theirs.diff))
    again = None
    if any(one.verdict is Verdict.DIFFERENT for one in files):
        said = place.scan(rule, folder, spatch=shutil.which("spatch") or "spatch")
        compared = file_results(place, hunks(said.diff), hunks(theirs.diff))
        again = tuple(one for one in compared if one.verdict is Verdict.DIFFERENT)
    return Comparison(
        rule=rule,
        folder=folder,
        ours=hunks(ours.diff).total(),
        theirs=hunks(theirs.diff).total(),
        files=files,
        same_spatch=again,
        notes=_notes(ours, theirs),
    )


def file_results(
    place: Place, ours: Counter[Hunk], theirs: Counter[Hunk]
) -> tuple[FileResult, ...]:
    """How the hunks of two diffs compare, file by file."""
    found = []
    for path in sorted({path for path, _, _ in [*ours, *theirs]}):
        only = [
            tuple(head.decode() for name, head, _ in some.elements() if name == path)
            for some in (ours - theirs, theirs - ours)
        ]
        verdict = Verdict.EQUAL
        if any(only):
            results = {place.result(path, side) for side in (ours, theirs)}
            equal = len(results) == 1 and "" not in results
            verdict = Verdict.SAME_RESULT if equal else Verdict.DIFFERENT
        found.append(FileResult(path, verdict, *only))
    return tuple(found)


def _notes(ours: Said, theirs: Said) -> tuple[str, ...]:
    """What either side says of files that it did not do."""
    text = theirs.diff.decode("utf-8", "replace") + theirs.complaint
    dropped = sorted(set(re.findall(r"^EXN: ?(.*)$", text, re.MULTILINE)))
    said = [f"coccicheck: {line}" for line in dropped]
    for bucket in ("timed out", "failed", "refused"):
        if found := re.search(rf"\b(\d+) {bucket}\b", ours.complaint):
            said.append(f"reroll: {found[0]}")
    return tuple(said)


def rules_of(tree: Path) -> list[str]:
    """The rules of ``tree`` that have a patch mode, by their path below scripts/coccinelle."""
    found = sorted((tree / RULES).rglob("*.cocci"))
    texts = {file: file.read_text("utf-8", "replace") for file in found}
    return [
        str(file.relative_to(tree / RULES))
        for file, text in texts.items()
        if _PATCH_MODE.search(text)
    ]


def place_for(source: Path, root: Path, folders: Sequence[str]) -> Place:
    """A clone of ``source``'s HEAD in ``root``, with ``folders`` and what make needs besides."""
    (root / "home").mkdir()
    (root / "tmp").mkdir()
    tree = root / "linux"
    for words in (
        ["clone", "--quiet", "--shared", "--no-checkout", str(source), str(tree)],
        ["-C", str(tree), "sparse-checkout", "set", "--cone", *_NEEDED, *folders],
        ["-C", str(tree), "checkout", "--quiet"],
    ):
        done = subprocess.run(["git", *words], capture_output=True, check=False)
        if done.returncode:
            raise FailedError(f"git: {done.stderr.decode('utf-8', 'replace').strip()}")
    return Place(root, tree)


def run_all(place: Place, rules: Sequence[str], folders: Sequence[str]) -> list[Comparison]:
    """Compare every rule on every directory; a program that ends badly is a note of its row."""
    found = []
    for rule in rules:
        for folder in folders:
            try:
                one = compare(place, rule, folder)
            except FailedError as error:
                one = Comparison(rule, folder, 0, 0, (), failed=str(error))
            found.append(one)
            bad = one.failed or "; ".join(one.unexpected)
            print(f"{rule} {folder}: {one.ours} {one.theirs} {bad}".rstrip(), flush=True)
    return found


_INTRODUCTION = """\
# reroll and make coccicheck

Whether `reroll scan RULE DIRECTORY` changes what `make coccicheck MODE=patch COCCI=RULE
M=DIRECTORY` changes, hunk by hunk, for the rules below scripts/coccinelle that have a patch mode.
Written by

    python -m benchmarks.coccicheck --tree TREE --markdown docs/coccicheck.md

which takes most of an hour on two processors (`--keep DIR` lets it be stopped and resumed;
`--rules` and `--dirs` do a part).  It needs Debian's `coccinelle` and `make`.

reroll runs with `--no-style --no-kernel-doc --remaining any --allow-scripts`: what the rule alone
does.  Rules whose scripts are needed in patch mode run on the spatch in `PATH` on both sides, all
others on reroll's own.  No difference is made of: `./` in front of file names, what follows the
line numbers of `@@`, lines between the diffs, the order of files.  "Same result" counts files
whose hunks differ although git makes the same file with either diff.
"""


def markdown(found: Sequence[Comparison], versions: str) -> str:
    """A document: rules with hunks on either side, those without, and the differences."""
    idle = {one.rule for one in found} - {one.rule for one in found if _tells(one)}
    names = ", ".join(f"`{rule}`" for rule in sorted(idle)) or "none"
    folders = " or ".join(sorted({one.folder for one in found}))
    return "\n\n".join(
        [
            _INTRODUCTION + "\n" + versions,
            "\n".join(_overview(found)),
            f"Nothing to change in {folders}, on either side: {names}.",
            "## Differences",
            "\n".join(_differences(found)) + "\n",
        ]
    )


def _versions(tree: Path) -> str:
    """A line about what was compared."""
    makefile = (tree / "Makefile").read_text("utf-8", "replace")
    numbers = re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)$", makefile, re.MULTILINE)
    ours, theirs = (find_spatch(name).version.split()[2] for name in ("", "spatch"))
    return f"Linux {'.'.join(numbers)}; reroll's spatch {ours}, that of make coccicheck {theirs}."


def _tells(one: Comparison) -> bool:
    return bool(one.files or one.notes or one.failed)


def _overview(found: Sequence[Comparison]) -> Iterator[str]:
    """A line for each rule and directory of which there is something to say."""
    yield _cells("rule", "directory", "hunks: reroll", "coccicheck", "files: equal", *_VERDICTS)
    yield _cells(*["---"] * 2, *["---:"] * 5)
    shown = [one for one in found if _tells(one)]
    for one in shown:
        counts = [one.count(verdict) for verdict in Verdict]
        yield _cells(f"`{one.rule}`", one.folder, one.ours, one.theirs, *counts)
    sums = [sum(one.count(verdict) for one in shown) for verdict in Verdict]
    hunks_of = (sum(one.ours for one in shown), sum(one.theirs for one in shown))
    yield _cells("all", "", *hunks_of, *sums)


_VERDICTS = ("same result, other hunks", "different")


def _differences(found: Sequence[Comparison]) -> Iterator[str]:
    """A line for each file that comes out differently, and what else was said."""
    yield _cells("rule", "file", "only reroll", "only coccicheck", "with the same spatch", "why")
    yield _cells(*["---"] * 6)
    for one in found:
        left = {file.path for file in one.same_spatch or ()}
        for path, file in one.different.items():
            why = EXPECTED.get(one.rule, {}).get(path, "**not explained**")
            same = "different" if path in left else "equal"
            yield _cells(
                f"`{one.rule}`", path, _heads(file.only_ours), _heads(file.only_theirs), same, why
            )
        for text in (*one.notes, *([one.failed] if one.failed else [])):
            yield _cells(f"`{one.rule}`", one.folder, "", "", "", text)


def _heads(heads: Sequence[str]) -> str:
    return ", ".join(re.sub(r"@@ (-\d+).*", r"\1", head) for head in heads).replace("-", "line ")


def _cells(*texts: object) -> str:
    return "| " + " | ".join(str(text).replace("|", "\\|") for text in texts) + " |"


def main() -> int:
    """Compare, print and write what came out; 1 when something was not expected."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coccicheck")
    parser.add_argument("--tree", type=Path, required=True, help="the kernel tree")
    parser.add_argument("--rules", nargs="+", metavar="NAME", help="rules with this in their path")
    parser.add_argument("--dirs", nargs="+", default=FOLDERS, help=" ".join(FOLDERS))
    parser.add_argument("--jobs", type=int, default=0, help="of each side (as they choose)")
    parser.add_argument(
        "--keep",
        type=Path,
        help="keep what both print there, and resume from it (one for each tree)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    args = parser.parse_args()
    for program in ("make", "spatch", "lscpu"):
        if not shutil.which(program):
            sys.exit(f"there is no '{program}' in PATH, which make coccicheck needs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the clone goes
    holder = Path("build/bench").resolve()
    holder.mkdir(parents=True, exist_ok=True)
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coccicheck-", dir=holder) as name:
        try:
            place = place_for(args.tree.resolve(), Path(name), args.dirs)
        except FailedError as error:
            sys.exit(str(error))
        place.jobs, place.keep = args.jobs, args.keep
        rules = [
            rule
            for rule in rules_of(place.tree)
            if any(part in rule for part in args.rules or [""])
        ]
        found = run_all(place, rules, args.dirs)
        versions = _versions(place.tree)
    if args.json:
        rows = [asdict(one) | {"unexpected": one.unexpected} for one in found]
        answer = {"versions": versions, "rules": rows}
        args.json.write_text(json.dumps(answer, indent=2) + "\n")
    if args.markdown:
        args.markdown.write_text(markdown(found, versions))
    return 1 if any(one.failed or one.unexpected for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
