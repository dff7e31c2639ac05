"""What to type so that something is built that a configuration leaves out.

Which architecture has a symbol follows from where Kconfig files define it, or what it depends on.
"""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from generator.tree import Tree
from series.checks.build_variants import Variant

_NEEDED = re.compile(r"\bCONFIG_(\w+)( to be off)?")
_OF_ARCH = re.compile(r"--arch ([a-z0-9_]+)")
_KCONFIG = re.compile(
    r"\s*(?P<word>(?:menu)?config|(?:end)?(?:if|menu|choice)|depends on)\b(?P<rest>.*)"
)
# A symbol that must not be set says nothing of where to find it.
_SYMBOL = re.compile(r"(?<![!\w])\b([A-Z][A-Z0-9_]{1,80})\b")
# Those with most users first.
_USUAL = ("x86", "arm64", "arm", "powerpc", "s390", "riscv", "mips")
_NO_MACHINE = ("um",)
# How far to go from a symbol to what that depends on, and how many symbols to look up at a time.
_DEPTH = 3
_MOST = 200


class Advice:
    """What to do about what ``variants`` leave out of ``commit``; ``check`` is build or sparse."""

    def __init__(self, tree: Tree, commit: str, variants: Sequence[Variant], check: str) -> None:
        self._tree = tree
        self._commit = commit
        self._variants = variants
        self._check = check
        self._defined: dict[str, frozenset[str]] = {}

    def on(self, path: str, why: str) -> str:
        """A hint on ``path``, which is not built because of ``why``; empty where there is none."""
        if named := _OF_ARCH.search(why):
            return f"{self._with_arch(named[1])} builds it"
        if "this config leaves it out" in why:
            if arch := self._arch_of_folder(path):
                return f"{self._with_arch(arch)} builds it, or says what it needs"
            return f"{self._with_config}, FILE a .config that builds it"
        if not (needed := _NEEDED.findall(why)):
            return ""
        symbols = [name for name, off in needed if not off]
        gone = [name for name, found in self._where(symbols).items() if not found]
        if gone:
            return f"no Kconfig file defines CONFIG_{gone[0]}, so nothing builds it"
        if arch := self._arch(symbols):
            return f"{self._with_arch(arch)} may build it: what it depends on is of {arch}"
        values = ", ".join(f"CONFIG_{name}={'n' if off else 'y'}" for name, off in needed)
        search = f"; '/' in 'make menuconfig' says what {needed[0][0]} depends on"
        return f"{self._with_config}, FILE a .config with {values}{search}"

    @cached_property
    def _with_config(self) -> str:
        return f"'reroll check {self._check} --config FILE'"

    def _with_arch(self, arch: str) -> str:
        """The command that builds for ``arch``, too."""
        wanted = dict.fromkeys([*(one.arch for one in self._variants), arch])
        configs = [one.config_name for one in self._variants if one.config]
        words = [word for one in wanted for word in ("--arch", one)]
        words += [word for one in configs for word in ("--config", one)]
        return f"'reroll check {self._check} {shlex.join(words)}'"

    def _arch(self, symbols: Iterable[str]) -> str:
        """Another architecture that has one of ``symbols``, or what they depend on, or empty."""
        mine = {one.sources for one in self._variants}
        seen: set[str] = set()
        for _ in range(_DEPTH):
            where = self._where(symbols)
            # What is there on ours, too, is not what is lacking.
            every = [archs for paths in where.values() if not (archs := _archs(paths)) & mine]
            if found := _first(set().union(*every)):
                return found
            seen.update(where)
            texts = self._texts(frozenset().union(*where.values()))
            above = (
                needs(text, one)
                for one, paths in where.items()
                for text in map(texts.get, paths)
                if text
            )
            symbols = sorted(set().union(*above) - seen)[:_MOST]
        return ""

    def _arch_of_folder(self, path: str) -> str:
        """The architecture whose Makefile names a directory of ``path``, like drivers/s390/."""
        folders = [str(one) for one in PurePosixPath(path).parents][:-2]
        if not folders:
            return ""
        lines = self._tree.grep(folders, ["arch/*/Makefile", "arch/*/Kbuild"], self._commit)
        whole = re.compile(rf"(?:^|[\s=])(?:{'|'.join(map(re.escape, folders))})/?(?:\s|$)")
        named = [name for name, there in lines.items() if any(map(whole.search, there))]
        return _first(_archs(named) - {one.sources for one in self._variants})

    def _where(self, symbols: Iterable[str]) -> dict[str, frozenset[str]]:
        """The Kconfig files that define each of ``symbols``."""
        wanted = sorted(set(symbols))
        if unknown := [name for name in wanted if name not in self._defined]:
            lines = self._tree.grep(unknown, ["*Kconfig*"], self._commit)
            for name in unknown:
                head = re.compile(rf"\s*(?:menu)?config\s+{name}\s*(?:#.*)?")
                self._defined[name] = frozenset(
                    path for path, there in lines.items() if any(map(head.fullmatch, there))
                )
        return {name: self._defined[name] for name in wanted}

    def _texts(self, paths: Collection[str]) -> Mapping[str, str]:
        with self._tree.worktree(self._commit) as worktree:
            found = worktree.contents(paths)
        return {path: text.decode("latin-1") for path, text in found.items()}


def _first(archs: Collection[str]) -> str:
    """The architecture of ``archs`` that most people have, or empty."""
    found = set(archs) - {*_NO_MACHINE}
    return min(found, key=lambda one: (*[one != usual for usual in _USUAL], one), default="")


def _archs(paths: Collection[str]) -> frozenset[str]:
    """The architectures that alone have files of these paths."""
    found = [re.match(r"arch/([a-z0-9_]+)/", path) for path in paths]
    return frozenset(one[1] for one in found if one) if all(found) else frozenset()


def needs(text: str, symbol: str) -> set[str]:
    """The symbols that ``symbol`` depends on in a Kconfig file: its own, and of what is around it.

    As Documentation/kbuild/kconfig-language.rst has it; ``!X`` is left out.
    """
    around: list[set[str]] = []
    inside = ""
    found: set[str] = set()
    for word, rest in _entries(text):
        if word in ("if", "menu", "choice"):
            around.append(_symbols(rest) if word == "if" else set())
            inside = word
        elif word in ("endif", "endmenu", "endchoice"):
            around = around[:-1]
            inside = ""
        elif word in ("config", "menuconfig"):
            inside = rest.strip()
            if inside == symbol:
                found |= set().union(*around)
        elif inside == symbol:
            found |= _symbols(rest)
        elif inside in ("menu", "choice") and around:
            around[-1] |= _symbols(rest)
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """The lines of a Kconfig file that say what depends on what: the word, and the rest."""
    for line in text.replace("\\\n", " ").split("\n"):
        if found := _KCONFIG.match(line):
            yield found["word"], re.sub(r"#.*", "", found["rest"])


def _symbols(condition: str) -> set[str]:
    return set(_SYMBOL.findall(condition))
