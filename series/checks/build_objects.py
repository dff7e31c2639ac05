"""An object directory: the only place here that runs make.

What runs are the Makefiles of the tree, with a minimal environment, no terminal and a limit.
"""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from os.path import normpath, relpath
from pathlib import Path

from generator import process
from generator.errors import RerollError
from series.checks import diagnostics, kbuild
from series.checks.build_outcome import Compiled, Outcome
from series.checks.build_place import Source
from series.checks.build_record import Record
from series.checks.build_variants import Variant, environment
from series.checks.diagnostics import Diagnostic
from series.checks.objects import is_build_file, is_config_file

# A warning shall stay one, and not end the compilation of the file (since Linux 5.15).
_ALL = "# CONFIG_WERROR is not set\n"
# Prints what a directory's Makefile puts on its lists; what make evaluates make knows best.
_LISTS = """\
-include .config
-include $(srctree)/scripts/Kbuild.include
src := $(srctree)/$(obj)
include $(srctree)/$(reroll-file)
reroll-all := $(obj-y) $(obj-m) $(lib-y) $(lib-m) $(extra-y) $(always-y) $(subdir-y) $(subdir-m)
reroll-all += $(core-y) $(libs-y) $(drivers-y)
reroll-parts = $($(1:.o=-objs)) $($(1:.o=-y)) $($(1:.o=-m))
$(info reroll: $(reroll-all) $(foreach one,$(filter %.o,$(reroll-all)),$(call reroll-parts,$(one))))
.DEFAULT_GOAL := reroll-nothing
.PHONY: reroll-nothing
reroll-nothing: ;
"""
# Compilers show source lines, too, with a number before them: what stands there is no complaint.
_WORDS = r"^(?!\s*\d* \|).*?"
_FULL = re.compile(
    _WORDS + r"(No space left on device|Disk quota exceeded|File too large)", re.MULTILINE
)
# What ends a compiler from outside (the kernel, for want of memory) says nothing of the file.
_KILLED = re.compile(
    _WORDS + r"([Kk]illed signal terminated program \w+|virtual memory exhausted"
    r"|out of memory allocating|Cannot allocate memory)",
    re.MULTILINE,
)
_NOT_FOUND = re.compile(r"(?:^|[ /])([\w.+-]+): (?:command )?not found", re.MULTILINE)
_NEEDED = "apt install flex bison bc libelf-dev libssl-dev"


class UnusableError(RerollError):
    """Nothing can be said of the patches, and it is not their fault."""


class LimitError(RerollError):
    """make ran into its limit."""


class Objects:
    """The object directory of ``variant``; ``limit`` is in seconds a commit."""

    def __init__(self, source: Source, variant: Variant, *, jobs: int, limit: float) -> None:
        self.source = source
        self.variant = variant
        self.path = source.place / f"objects-{variant.digest[:16]}"
        self._jobs = jobs
        self._limit = limit
        self._end = 0.0
        self.path.mkdir(parents=True, exist_ok=True)
        self._record = Record(self.path)
        # The lists of directories, as long as the Makefiles are the same.
        self._listed: dict[str, kbuild.Listed | None] = {}
        self._listed_at = ""
        self._names: dict[str, str] = {}

    def begin(self) -> None:
        """From now on the limit counts."""
        self._end = time.monotonic() + self._limit

    def compile(self, commit: str, sources: Sequence[str]) -> Outcome:
        """Compile ``sources`` of ``commit``, as far as this config builds them.

        Raises ``UnusableError`` (no room or memory), ``LimitError``, ``ProgramError``.
        """
        self.source.move(commit)
        if broken := self._configure(commit):
            return broken
        unbuilt = self.unbuilt(commit, sources)
        wanted = {kbuild.object_of(one): one for one in sources if one not in unbuilt}
        missing, doubtful = self._stale(commit, wanted)
        said: list[Diagnostic] = []
        result = None
        # make -k may leave out an object after a failure elsewhere: then it is asked again.
        for _ in range(2):
            left = [name for name in missing if not self._settled(name, wanted[name], said)]
            if not left and not doubtful:
                break
            result = self._kernel("-k", *left, *doubtful)
            said = self._taken(commit, wanted, (*left, *doubtful), _text(result), said)
            doubtful = []
        self._record.save()
        return self._outcome(wanted, unbuilt, said, result)

    def analyze(self, commit: str, sources: Sequence[str], checker: str) -> Outcome:
        """What ``checker`` (a program like sparse) says of ``sources``; they are compiled first."""
        first = self.compile(commit, sources)
        good = {path for path, one in first.compiled.items() if one.good}
        if first.broken or not good:
            return first
        names = map(kbuild.object_of, sorted(good))
        found = self._parse(_text(self._kernel("-k", "C=2", f"CHECK={checker}", *names)))
        compiled = {}
        for path in sorted(good):
            # Where make compiles again, the compiler's words are among them.
            said = (one for one in found if one.main == path)
            compiled[path] = Compiled(True, tuple(diagnostics.new(said, first.compiled[path].said)))
        failed = {path: Compiled(False) for path in first.compiled if path not in good}
        for path in good:
            # Where sparse was run the object may have been written again.
            self._record.keep(kbuild.object_of(path), commit, first.compiled[path].said)
        self._record.save()
        return Outcome(compiled | failed, first.unbuilt)

    def depends(self, source: str, files: Collection[str]) -> bool:
        """Whether the object of ``source``, which was compiled, depends on one of ``files``."""
        return not self._dependencies(kbuild.object_of(source)).isdisjoint(files)

    def includers(self, header: str) -> set[str]:
        """The sources of objects made earlier whose ``.cmd`` file lists ``header``."""
        names = [name for name in self._record.objects if header in self._dependencies(name)]
        return {name[:-2] + ending for name in names for ending in (".c", ".S")}

    def unbuilt(self, commit: str, sources: Iterable[str]) -> dict[str, str]:
        """The sources that this config does not build, and why."""
        self._relist(commit)
        config = self.path / ".config"
        values = kbuild.settings(config.read_text("utf-8", "replace")) if config.is_file() else {}
        found = {}
        for path in sources:
            if not kbuild.is_safe(path):
                found[path] = "make cannot be given a file of this name"
                continue
            for folder in kbuild.directories(path):
                if folder not in self._listed:
                    self._listed[folder] = self._lists(folder)
            args = (path, self._listed, self.source.text, values, self.variant.sources)
            if why := kbuild.reason(*args):
                found[path] = why
        return found

    def _relist(self, commit: str) -> None:
        """Forget the lists where those of ``commit`` may be others."""
        changed = self._changed(self._listed_at, commit) if self._listed_at else None
        if changed is None or any(is_build_file(path) for path in changed):
            self._listed = {}
        self._listed_at = commit

    def _lists(self, folder: str) -> kbuild.Listed | None:
        """What a directory builds; ``None`` when there is no Makefile, or make cannot read it."""
        there = [name for name in kbuild.FILES if (self.source.path / folder / name).is_file()]
        if not there or not kbuild.is_safe(folder):
            return None
        words = ["-rR", "-f", "-", f"srctree={self.source.path}", "objtree=.", f"obj={folder}"]
        words += [f"reroll-file={folder}/{there[0]}", f"CC={self.variant.prefix}gcc"]
        result = self._make(words, stdin=_LISTS.encode())
        match = re.search(r"^reroll: (.*)$", result.stdout.decode("utf-8", "replace"), re.MULTILINE)
        if result.returncode != 0 or match is None:
            return None
        names = (f"{folder}/{word}" for word in match[1].split())
        plain = {name if name.endswith("/") else normpath(name) for name in names}
        below = {f"{normpath(name)}/" for name in plain if not name.endswith(".o")}
        return kbuild.Listed(f"{folder}/{there[0]}", frozenset(plain | below))

    def _stale(self, commit: str, wanted: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """The objects that must be made, for what they depend on changed, and what make decides.

        The first are removed: an old one is not taken for what a compiler that failed made.
        """
        missing, doubtful = [], []
        changes: dict[str, frozenset[str] | None] = {}
        for name in wanted:
            known = self._record.good(name)
            if known and known.commit not in changes:
                changes[known.commit] = self._changed(known.commit, commit)
            changed = changes[known.commit] if known else None
            if known is None or changed is None or changed & self._dependencies(name):
                self._record.forget(name)
                missing.append(name)
            elif any(is_build_file(path) for path in changed):
                doubtful.append(name)
            else:
                self._record.keep(name, commit, known.said)
        return missing, doubtful

    def _changed(self, old: str, new: str) -> frozenset[str] | None:
        """The files that differ; ``None`` when nobody knows."""
        if old == new:
            return frozenset()
        if not self.source.tree.has(old):
            return None
        return frozenset(self.source.tree.names_between(old, new))

    def _dependencies(self, name: str) -> frozenset[str]:
        """The files of the tree that an object depends on, after its ``.cmd`` file."""
        path = Path(name)
        try:
            text = (self.path / path.parent / f".{path.name}.cmd").read_text("utf-8", "replace")
        except OSError:
            return frozenset()
        source = re.search(r"^(?:source_\S+ := )(\S+)$", text, re.MULTILINE)
        words = [*kbuild.dependencies(text), *([source[1]] if source else [])]
        return frozenset(self.relative(word) for word in words)

    def relative(self, path: str) -> str:
        """A path that make or a compiler names, from the tree's root; a made file's is as it is."""
        # All objects depend on the same thousand headers.
        if path not in self._names:
            whole = self.path / path
            name = relpath(whole, self.source.path)
            inside = diagnostics.is_inside(name)
            self._names[path] = name if inside else relpath(whole, self.path)
        return self._names[path]

    def _configure(self, commit: str) -> Outcome | None:
        """Make the configuration of ``commit`` and what objects need; what went wrong, if any."""
        known = self._record.configured
        if known and (self.path / ".config").is_file():
            changed = self._changed(known, commit)
            if changed is not None and not any(is_config_file(path) for path in changed):
                return None
        self._record.configured = ""
        self._record.save()
        if self.variant.config:
            (self.path / ".config").write_bytes(self.variant.config)
        else:
            (self.path / "reroll.config").write_text(_ALL)
        result = self._kernel("olddefconfig" if self.variant.config else "allmodconfig")
        if result.returncode != 0:
            return self._broken(result)
        self._record.configured = commit
        self._record.save()
        return None

    def prepare(self, commit: str) -> Outcome:
        """See that ``commit`` can be configured and prepared, where there is nothing to compile."""
        self.source.move(commit)
        if broken := self._configure(commit):
            return broken
        result = self._kernel("prepare")
        return self._broken(result) if result.returncode else Outcome()

    def _broken(self, result: process.Result) -> Outcome:
        text = _text(result)
        return Outcome(broken=_complaint(text), said=tuple(self._parse(text)))

    def _taken(
        self,
        commit: str,
        wanted: Mapping[str, str],
        made: Sequence[str],
        text: str,
        before: Sequence[Diagnostic],
    ) -> list[Diagnostic]:
        """Record the objects that are there now; all that was said so far."""
        found = self._parse(text)
        for name in made:
            own = tuple(one for one in found if one.main == wanted[name])
            if any(one.severity == "error" for one in own):
                self._record.forget(name)
            else:
                same = self._record.good(name)
                self._record.keep(name, commit, same.said if same else own)
        return [*before, *found]

    def _settled(self, name: str, source: str, said: Iterable[Diagnostic]) -> bool:
        """Whether an object has been made, or there is an error that says why not."""
        mine = any(one.main == source and one.severity == "error" for one in said)
        return mine or self._record.good(name) is not None

    def _outcome(
        self,
        wanted: Mapping[str, str],
        unbuilt: dict[str, str],
        said: Sequence[Diagnostic],
        result: process.Result | None,
    ) -> Outcome:
        compiled, lost = {}, []
        for name, source in wanted.items():
            own = diagnostics.distinct(one for one in said if one.main == source)
            if known := self._record.good(name):
                compiled[source] = Compiled(True, known.said)
            elif any(one.severity == "error" for one in own):
                compiled[source] = Compiled(False, tuple(own))
            else:
                lost.append(source)
        if result is None or result.returncode == 0:
            missing = dict.fromkeys(lost, "make does not build it")
            return Outcome(compiled, unbuilt | missing)
        complaint = _complaint(_text(result))
        other = [one for one in said if one.severity == "error" and one.main not in wanted.values()]
        if other or (lost and not compiled):
            # What every object needs cannot be made.
            return Outcome(compiled, unbuilt, complaint, tuple(diagnostics.distinct(other)))
        return Outcome(compiled, unbuilt | dict.fromkeys(lost, complaint))

    def _parse(self, text: str) -> list[Diagnostic]:
        return diagnostics.parse(text, self.relative, self.source.line)

    def _kernel(self, *words: str) -> process.Result:
        variant = self.variant
        common = ["-C", str(self.source.path), f"O={self.path}", f"ARCH={variant.arch}"]
        if variant.prefix:
            common.append(f"CROSS_COMPILE={variant.prefix}")
        if not variant.config:
            common.append(f"KCONFIG_ALLCONFIG={self.path}/reroll.config")
        # Words of several compilers at a time would be mixed.
        result = self._make([*common, "-s", "-Otarget", f"-j{self._jobs}", *words])
        if result.returncode:
            self._accuse(_text(result))
        return result

    def _accuse(self, text: str) -> None:
        """Raise ``UnusableError`` where make failed for want of room or memory."""
        if full := _FULL.search(text):
            raise UnusableError(
                f"{self.path}: {full[1].lower()}",
                hint="make room, or 'reroll check build --objects DIR' in another directory",
            )
        if killed := _KILLED.search(text):
            raise UnusableError(
                f"no memory for {self._jobs} compilers at a time: {killed[1]}",
                hint="git config reroll.jobs 1",
            )

    def _make(self, words: Sequence[str], stdin: bytes = b"") -> process.Result:
        left = max(self._end - time.monotonic(), 0.1)
        env = environment() | {"GIT_CEILING_DIRECTORIES": str(self.source.place)}
        result = process.run(
            ["make", *words],
            cwd=self.path,
            env=env,
            stdin=stdin,
            timeout=left,
            inherit=[self.source.lock],
        )
        if result.timed_out:
            raise LimitError(f"make ran into the limit of {self._limit:.0f} s")
        return result


def _text(result: process.Result) -> str:
    return (result.stdout + b"\n" + result.stderr).decode("utf-8", "replace")


def _complaint(text: str) -> str:
    """The line in what make printed that says most of why it failed."""
    if missing := _NOT_FOUND.search(text):
        return f"{missing[1]} is not installed ({_NEEDED})"
    lines = [diagnostics.clean(line) for line in text.splitlines() if line.strip()]
    return next(_complaints(lines), lines[-1] if lines else "it says nothing")


def _complaints(lines: Sequence[str]) -> Iterator[str]:
    """What names an error, the most telling first: not make's own summing up."""
    own = re.compile(r"make(\[\d+\])?: ")
    for sign in (r"error:|syntax error|Error:|fatal:", r"\*\*\*", r"rror"):
        for strict in (True, False):
            yield from (
                line for line in lines if re.search(sign, line) and bool(own.match(line)) != strict
            )
