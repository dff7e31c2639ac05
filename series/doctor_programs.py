"""Programs, Python packages, temporary files: what is here, and what is wrong with it."""

import os
import platform
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shutil import which
from tempfile import gettempdir

from generator import process
from generator.errors import RerollError
from generator.spatch import Spatch, find_spatch
from series.checks import build_variants
from series.doctor_finding import Finding

_SECONDS = 30
# rev-parse --path-format came with 2.31 (its release notes).
_OLDEST_GIT = (2, 31)
_REINSTALL = "apt install --reinstall git"
_COCCINELLE = "apt install coccinelle"
# What checkpatch.pl, get_maintainer.pl and kernel-doc use; Debian's perl-base lacks some.
_PERL_MODULES = ("Encode", "File::Find", "POSIX", "Term::ANSIColor", "Time::Local")
# Packages that come along with reroll, and what they are for.
_PACKAGES = {
    "b4": "init --from-mbox, the branches of 'reroll b4'",
    "patatt": "signed mails",
    "clang-format": "the layout of what rules change",
    "codespell": "the spelling in 'check mail'",
}
# After Documentation/process/changes.rst: programs, headers and Debian's packages with them.
_BUILD_PROGRAMS = ("flex", "bison", "bc")
_BUILD_HEADERS = {"libelf.h": "libelf-dev", "openssl/ssl.h": "libssl-dev"}


def said(*argv: str) -> str:
    """The first line that a program prints; empty when it cannot be run or fails."""
    try:
        result = process.run(argv, cwd=Path("/"), timeout=_SECONDS)
    except RerollError:
        return ""
    text = result.stdout.decode("utf-8", "replace").strip()
    return text.split("\n")[0] if result.returncode == 0 else ""


def python() -> Finding:
    """The Python that runs; packaging has seen to its version."""
    return Finding("Python", "ok", platform.python_version(), needed=True)


def git() -> Finding:
    """git, new enough."""
    if which("git") is None:
        return Finding("git", "missing", "not in PATH", needed=True, mend=("apt install git",))
    try:
        result = process.run(["git", "--version"], cwd=Path("/"), timeout=_SECONDS)
    except RerollError as error:  # a file that is no program
        return Finding("git", "wrong", str(error), needed=True, mend=(_REINSTALL,))
    line = result.stdout.decode("utf-8", "replace")
    number = re.search(r"(\d+)\.(\d+)[\w.]*", line) if result.returncode == 0 else None
    if not number:
        text = "does not tell its version" if result.returncode == 0 else result.complaint
        # As git words it, in any language that has the file's name last.
        misread = re.search(r"config .* (/.+)\Z", text)
        mend = f"${{EDITOR:-vi}} {shlex.quote(misread[1])}" if misread else _REINSTALL
        return Finding("git", "wrong", text, needed=True, mend=(mend,))
    if (int(number[1]), int(number[2])) < _OLDEST_GIT:
        least = ".".join(map(str, _OLDEST_GIT))
        text = f"{number[0]} is too old: {least} or later"
        return Finding("git", "wrong", text, needed=True, mend=("apt install git",))
    return Finding("git", "ok", number[0], needed=True)


def temporary_files() -> Finding:
    """Where they go; $TMPDIR is passed over where it cannot be written to (``tempfile``)."""
    name = "temporary files"
    wished = os.environ.get("TMPDIR", "")
    try:
        place = gettempdir()
    except FileNotFoundError as error:
        mend = ("export TMPDIR=DIR",)
        return Finding(name, "missing", str(error.strerror), needed=True, mend=mend)
    if wished and Path(wished).resolve() != Path(place).resolve():
        text = f"{wished} of TMPDIR cannot be written to; they go to {place}"
        return Finding(name, "wrong", text, mend=("unset TMPDIR",))
    free = shutil.disk_usage(place).free / 2**30
    return Finding(name, "ok", f"{place}, {free:.1f} GB free", needed=True)


def spatch(wanted: str) -> Iterator[Finding]:
    """The spatch that rules are run with (``wanted``: as set), and one that can run scripts."""
    try:
        found = find_spatch(wanted)
    except RerollError as error:
        mend = ("git config --global --unset reroll.spatch",) if wanted else (_COCCINELLE,)
        state = "wrong" if wanted else "missing"
        yield Finding("spatch", state, str(error), needed=True, mend=mend)  # type: ignore[arg-type]
        return
    yield Finding(
        "spatch", "ok", f"{_number(found)}, {_built(found)}: {_place(found)}", needed=True
    )
    serves = "rules with scripts, 'check rules'"
    try:
        full = find_spatch(wanted, scripts=("python",))
    except RerollError:
        full = found
    if full.python:
        yield Finding("spatch scripts", "ok", f"{_built(full)}: {_place(full)}", serves=serves)
    else:
        text = f"{_place(found)} was built without Python"
        mend = (_COCCINELLE,)
        if which("spatch") and wanted:
            mend = ("git config --global --unset reroll.spatch",)
        yield Finding("spatch scripts", "missing", text, serves=serves, mend=mend)


def _number(spatch: Spatch) -> str:
    return spatch.version.removeprefix("spatch version ").split(" ")[0]


def _built(spatch: Spatch) -> str:
    have = {"Python": spatch.python, "OCaml": spatch.ocaml}
    names = [name for name, there in have.items() if there]
    return f"with {' and '.join(names)}" if names else "without Python and OCaml"


def _place(spatch: Spatch) -> str:
    """Where it is, for a person to read."""
    wheel = "cvehound_spatch"
    return "the package cvehound-spatch" if wheel in spatch.path.parts else str(spatch.path)


def packages() -> Iterator[Finding]:
    """Packages that are installed with reroll, which somebody may have taken away."""
    for name, serves in _PACKAGES.items():
        try:
            yield Finding(name, "ok", version(name), serves=serves)
        except PackageNotFoundError:
            mend = (f"pip install {name}",)
            yield Finding(name, "missing", "not installed", serves=serves, mend=mend)


def dask(*, wanted: bool) -> Iterator[Finding]:
    """The package for work on a cluster; nothing is said of it where nobody wants one."""
    serves = "--executor dask"
    try:
        yield Finding("distributed", "ok", version("distributed"), serves=serves)
    except PackageNotFoundError:
        if wanted:
            mend = ("pip install 'reroll[cluster]'",)
            yield Finding("distributed", "missing", "not installed", serves=serves, mend=mend)


def perl() -> Finding:
    """Perl with the modules that the tree's scripts use."""
    serves = "get_maintainer.pl, checkpatch.pl, kernel-doc"
    number = said("perl", "-e", "print $^V")
    mend = ("apt install perl",)
    if not number:
        return Finding("perl", "missing", "not in PATH", serves=serves, mend=mend)
    if lacking := lacking_perl_modules(_PERL_MODULES):
        text = f"{number} without {', '.join(lacking)}"
        return Finding("perl", "wrong", text, serves=serves, mend=mend)
    return Finding("perl", "ok", number.removeprefix("v"), serves=serves)


def lacking_perl_modules(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that perl cannot load; all of them where there is no perl."""
    loads = 'print join(" ", "has", grep { eval "require $_" } @ARGV)'
    return [name for name in names if name not in said("perl", "-e", loads, *names).split()]


def compilers(options: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """What ``check build`` compiles with; ``options`` are those of the check."""
    serves = "'check build', 'check sparse'"
    try:
        variants = build_variants.variants(options)
    except RerollError as error:
        mend = (error.hint,) if error.hint.startswith("apt ") else ()
        yield Finding("compiler", "missing", str(error), serves=serves, mend=mend)
        return
    for one in variants:
        yield Finding("compiler", "ok", f"{one.arch}: {one.compiler}", serves=serves)
    lacking = [name for name in _BUILD_PROGRAMS if which(name) is None]
    lacking += _headers_missing()
    if lacking:
        mend = (f"apt install {' '.join(_BUILD_HEADERS.get(name, name) for name in lacking)}",)
        text = f"no {', '.join(lacking)}"
        yield Finding("kernel build", "missing", text, serves=serves, mend=mend)
    else:
        text = ", ".join((*_BUILD_PROGRAMS, *_BUILD_HEADERS))
        yield Finding("kernel build", "ok", text, serves=serves)


def _headers_missing() -> list[str]:
    """The headers that this machine's compiler does not find, for the programs of a build."""
    asked = "".join(
        f"#if !__has_include(<{name}>)\nlacks {name}\n#endif\n" for name in _BUILD_HEADERS
    )
    if which("gcc") is None:
        return []
    argv = ["gcc", "-E", "-P", "-x", "c", "-"]
    result = process.run(argv, cwd=Path("/"), stdin=asked.encode(), timeout=_SECONDS)
    found = re.findall(r"^lacks (.+)$", result.stdout.decode("utf-8", "replace"), re.MULTILINE)
    return ["".join(name.split()) for name in found]


def sparse() -> Finding:
    """sparse, and its version."""
    serves = "'check sparse'"
    if which("sparse") is None:
        mend = ("apt install sparse",)
        return Finding("sparse", "missing", "not in PATH", serves=serves, mend=mend)
    return Finding(
        "sparse", "ok", said("sparse", "--version") or "of unknown version", False, serves
    )
