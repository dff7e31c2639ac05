"""The Linux tree, and where results are kept: looked at, never written."""

import os
import re
import shlex
from collections.abc import Iterator

from generator.errors import RerollError
from generator.results import default_place, size_below
from generator.tree import Tree, run_git
from series.doctor_finding import Finding
from series.settings import Settings

_SCRIPTS = {
    "scripts/checkpatch.pl": "'check checkpatch'",
    "scripts/get_maintainer.pl": "reroll.maintainers = script",
    "scripts/kernel-doc": "'check kernel-doc'",
}
_NAME_ONE = "git config --global reroll.tree ~/linux"
_PARTS = ("VERSION", "PATCHLEVEL", "SUBLEVEL")
_LEAST = frozenset(_PARTS[:2])
_VERSION = re.compile(rf"^({'|'.join(_PARTS)}) *= *(\d+)$", re.MULTILINE)


def unnamed() -> Finding:
    """No tree is named: it can be, each time."""
    text = "none is named; --tree DIR names one for once"
    return Finding("Linux tree", "missing", text, mend=(_NAME_ONE,))


def unusable(why: str) -> Finding:
    """A tree is named that cannot be opened, because of ``why``."""
    return Finding("Linux tree", "wrong", why, needed=True, mend=(_NAME_ONE,))


def findings(tree: Tree) -> Iterator[Finding]:
    """What ``tree`` is, the scripts that it has, and how much of its history."""
    try:
        commit = tree.resolve("HEAD")
    except RerollError as error:
        yield unusable(str(error))
        return
    listed = _here(tree, "ls-tree", "--name-only", commit, "MAINTAINERS", "Makefile", *_SCRIPTS)
    names, makefile = listed.split("\n"), _here(tree, "cat-file", "blob", f"{commit}:Makefile")
    parts = dict(_VERSION.findall(makefile[:4096]))
    # A partial clone may lack what its Makefile says.
    linux = {"MAINTAINERS", "Makefile"} <= set(names) and (parts.keys() >= _LEAST or not makefile)
    if not linux:
        yield unusable(f"{tree.path}: is not a Linux tree (MAINTAINERS, VERSION in Makefile)")
        return
    number = ".".join(parts[key] for key in _PARTS if key in parts)
    yield Finding("Linux tree", "ok", f"{number or 'there'}: {tree.path}", needed=True)
    for path, serves in _SCRIPTS.items():
        if path not in names:
            text = "HEAD does not have it"
            yield Finding(path.removeprefix("scripts/"), "missing", text, serves=serves)
    yield _history(tree)


def _here(tree: Tree, *words: str) -> str:
    """What git says without fetching anything into a partial clone; empty where it fails."""
    result = run_git(words, cwd=tree.path, check=False, settings=["protocol.allow=never"])
    return result.stdout.decode("utf-8", "replace") if result.returncode == 0 else ""


def _history(tree: Tree) -> Finding:
    serves = "'check fixes', subject prefixes"
    if tree.git("rev-parse", "--is-shallow-repository", check=False) != "true":
        if tree.git("rev-parse", "--verify", "--quiet", "HEAD^", check=False):
            return Finding("history", "ok", "whole", serves=serves)
        return Finding("history", "missing", "HEAD has no parent", serves=serves)
    mend = (f"git -C {shlex.quote(str(tree.path))} fetch --unshallow",)
    return Finding("history", "wrong", "the clone is shallow", serves=serves, mend=mend)


def cache(settings: Settings) -> Finding:
    """The directory with results for later runs: may it be written, how much is in it."""
    place, serves = default_place(), "results for later runs"
    if not settings.cache:
        return Finding("cache", "ok", "switched off by git config reroll.cache", serves=serves)
    there = next(one for one in (place, *place.absolute().parents) if one.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        mend = (f"chmod u+rwx {shlex.quote(str(there))}",)
        if not there.is_dir() or there.stat().st_uid != os.getuid():
            mend = ("export XDG_CACHE_HOME=/a/directory/of/yours",)
        text = f"{there}: cannot be written"
        return Finding("cache", "wrong", text, serves=serves, mend=mend)
    size = size_below(place) / (1 << 20)
    return Finding("cache", "ok", f"{size:.1f} MB in {place}", serves=serves)
