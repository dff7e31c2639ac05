"""The tree's scripts/kernel-doc on the files that a patch touches: complaints that are new."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from generator import edits, process
from generator.tree import Tree
from series.checks.advice import IN_CODE
from series.checks.kinds import Finding, Ground, Patch, Result, Severity
from series.checks.recall import key, recalled
from series.settings import jobs_of

_SCRIPT = "scripts/kernel-doc"
_SAID = re.compile(r"(?:(\w+): )?([^:\n]+):(\d{1,9}): (?:(warning|error): )?(.*)")
# Some complaints name the line once more.
_FUNCTION = re.compile(r" in '\w+'$")
_LINE = re.compile(r"\bon line \d+")
# Seconds for one file; the largest headers of Linux take two.
_LIMIT = 120


@dataclass(frozen=True)
class _Script:
    """The script of the base, laid out: how to call it, and a digest of what it is."""

    argv: tuple[str, ...]
    about: str


class KernelDocCheck:
    """What kernel-doc says of a file after a patch, less what it said before."""

    name = "kernel-doc"
    text = "the tree's scripts/kernel-doc: complaints that a patch brings"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        with TemporaryDirectory(prefix="reroll-kernel-doc-") as place:
            script = _script(ground.tree, ground.version.base, Path(place))
            for patch in patches:
                if isinstance(script, str):
                    yield patch, Result("not run", why=script)
                else:
                    ground.progress(f"kernel-doc: patch {patch.number}")
                    yield patch, _Files(ground, patch, script, Path(place)).result()


def _script(tree: Tree, base: str, place: Path) -> _Script | str:
    """The script that ``base`` has, and what it needs, in ``place``; or why it cannot run."""
    with tree.worktree(base) as worktree:
        content = worktree.contents([_SCRIPT]).get(_SCRIPT)
        if content is None:
            return f"the base has no {_SCRIPT}"
        program = "perl"
        files = {_SCRIPT: content}
        if b"python" in content.split(b"\n")[0] or b"\n" not in content.strip():
            # Since 6.16 it is Python, with modules beside it.
            program = "python3"
            below = ("scripts/kernel-doc.py", "scripts/lib", "tools/lib/python")
            files |= worktree.contents([*tree.names(base, below), _SCRIPT])
            name = content.decode("utf-8", "replace").strip()
            if b"\n" not in content.strip():
                target = f"scripts/{name}"
                if target not in files:
                    return f"{_SCRIPT} of the base is a link to nothing"
                files[_SCRIPT] = files[target]
    found = which(program)
    if found is None:
        return f"'{program}' is not installed or not in PATH"
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(text)
    version = process.run([found, "--version"], cwd=place, timeout=30).stdout
    about = version.decode("utf-8", "replace") + "".join(
        f"{path}\0{text.decode('latin-1')}" for path, text in sorted(files.items())
    )
    return _Script((found, str(place / _SCRIPT), "-none"), about)


class _Files:
    """The C files of a patch, before and after."""

    def __init__(self, ground: Ground, patch: Patch, script: _Script, place: Path) -> None:
        self._ground = ground
        self._patch = patch
        self._script = script
        self._place = place

    def result(self) -> Result:
        """What is new."""
        tree, patch = self._ground.tree, self._patch
        touched = edits.summarize(tree.diff(patch.parent, patch.commit))
        pairs = {one.path: one.source for one in touched if one.path.endswith((".c", ".h"))}
        with tree.worktree(patch.parent) as before, tree.worktree(patch.commit) as after:
            old = before.contents(dict.fromkeys(pairs.values()))
            new = after.contents(pairs)
        executor = ThreadPoolExecutor(jobs_of(self._ground.settings))
        try:
            earlier = list(executor.map(partial(self._said, old), old))
            later = list(executor.map(partial(self._said, new), new))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            process.kill_all()
            raise
        executor.shutdown()
        for said in (*later, *earlier):
            if said.state == "not run":
                return said
        # Of all files together: what moves from one to another is not new.
        known = [one for said in earlier for one in said.findings]
        return Result.of(_new(known, [one for said in later for one in said.findings]))

    def _said(self, texts: Mapping[str, bytes], path: str) -> Result:
        """Everything that the script says of a file."""
        name = key("kernel-doc", "3", self._script.about, path, texts[path])
        return recalled(self._ground.store, name, lambda: self._ask(path, texts[path]))

    def _ask(self, path: str, text: bytes) -> Result:
        with TemporaryDirectory(dir=self._place) as root:
            # It says the path that it was given, and a path of the tree may begin with "-".
            place = Path(root) / "files" / path
            place.parent.mkdir(parents=True)
            place.write_bytes(text)
            argv = [*self._script.argv, f"files/{path}"]
            ended = process.run(argv, cwd=Path(root), timeout=_LIMIT)
        if ended.timed_out or ended.returncode < 0:
            return Result("not run", why=f"{_SCRIPT} on {path}: {ended.complaint}")
        lines = text.decode("utf-8", "replace").split("\n")
        said = ended.stderr.decode("utf-8", "replace").split("\n")
        found = [one for one in (_finding(line, path, lines) for line in said) if one]
        if ended.returncode and not found:
            return Result("not run", why=f"{_SCRIPT} on {path}: {ended.complaint}")
        return Result.of(found)


def _finding(line: str, path: str, lines: Sequence[str]) -> Finding | None:
    """A line of the script's: ``FILE:LINE: warning: ...``, of newer ones ``warning: ...`` first."""
    found = _SAID.match(line.strip())
    if not found or found[2] != f"files/{path}":
        return None
    number = _place(found[5], int(found[3]), lines)
    said = found[4] or (found[1] or "").lower()
    severity: Severity = "error" if said == "error" else "warning"
    source = lines[number - 1] if 0 < number <= len(lines) else ""
    hint = f"the comment must describe what the declaration has: {IN_CODE}"
    return Finding(severity, found[5], path, number, source, "kernel-doc", hint)


def _place(what: str, number: int, lines: Sequence[str]) -> int:
    """The line of the comment that describes too much: the script names the declaration's end."""
    excess = re.match(r"Excess .*?'([\w.]+)'", what)
    if excess:
        wanted = re.compile(rf"\s*\*\s*@{re.escape(excess[1])}\s*:")
        for at in range(min(number, len(lines)), 0, -1):
            if wanted.match(lines[at - 1]):
                return at
    return number


def _new(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """What is said more often than before.

    Lines may have moved and functions may have another name, so they do not count.
    """
    known = Counter(_sameness(one) for one in before)
    fresh = []
    for one in after:
        what = _sameness(one)
        known[what] -= 1
        if known[what] < 0:
            fresh.append(one)
    return fresh


def _sameness(one: Finding) -> str:
    return _FUNCTION.sub("", _LINE.sub("", one.what))
