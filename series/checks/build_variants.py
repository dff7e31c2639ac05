"""For which machines and configurations a tree is built, and with which compiler."""

import hashlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from generator import process
from generator.errors import ProgramError, RerollError, UsageError

# uname's machine as the kernel names architectures (the top Makefile's SUBARCH).
_HOST = {
    r"x86_64|i.86": "x86", r"aarch64.*": "arm64", r"arm.*": "arm", r"s390x?": "s390",
    r"ppc.*": "powerpc", r"riscv.*": "riscv", r"mips.*": "mips", r"parisc64": "parisc",
    r"sparc64": "sparc", r"loongarch.*": "loongarch",
}  # fmt: skip
# Debian's cross compilers: the packages are gcc- and these.
_CROSS = {
    "alpha": "alpha-linux-gnu", "arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu",
    "i386": "i686-linux-gnu", "m68k": "m68k-linux-gnu", "mips": "mips64-linux-gnuabi64",
    "parisc": "hppa-linux-gnu", "powerpc": "powerpc64-linux-gnu", "riscv": "riscv64-linux-gnu",
    "s390": "s390x-linux-gnu", "sh": "sh4-linux-gnu", "sparc": "sparc64-linux-gnu",
    "x86": "x86-64-linux-gnu", "x86_64": "x86-64-linux-gnu",
}  # fmt: skip
_X86 = ("x86", "x86_64", "i386")
_HEADER = re.compile(r"^# Linux/(\w+) ", re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """One way to build: the kernel's name of the architecture, and a ``.config``.

    ``config`` is empty for allmodconfig; ``prefix`` is CROSS_COMPILE; ``compiler`` the line in
    which the compiler names itself and its version.
    """

    arch: str
    config: bytes = b""
    config_name: str = "allmodconfig"
    prefix: str = ""
    compiler: str = ""

    @property
    def sources(self) -> str:
        """The directory below ``arch/`` (SRCARCH)."""
        return "x86" if self.arch in _X86 else self.arch

    @property
    def name(self) -> str:
        """How to name it to a user."""
        return f"{self.arch} {self.config_name}"

    @property
    def digest(self) -> str:
        """What tells it from every other one."""
        parts = (self.arch.encode(), self.prefix.encode(), self.compiler.encode(), self.config)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def host() -> str:
    """This machine's architecture as the kernel names it."""
    machine = platform.machine()
    return next((name for form, name in _HOST.items() if re.fullmatch(form, machine)), machine)


def variants(options: Mapping[str, Sequence[str]]) -> list[Variant]:
    """The variants that ``options`` ask for: ``arch``, ``config`` (files), ``cross``.

    ``cross`` is ARCH=PREFIX, as for CROSS_COMPILE.  Without any: allmodconfig for this machine.
    Raises ``RerollError`` where an option is wrong or a compiler is not there.
    """
    wanted = list(dict.fromkeys(options.get("arch", ())))
    for arch in wanted:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", arch):
            raise UsageError(f"'{arch}' is not the name of an architecture, like arm64 or s390")
    prefixes = dict(_prefix(text) for text in options.get("cross", ()))
    found = [_configured(Path(name), wanted) for name in options.get("config", ())]
    have = {one.arch for one in found}
    found += [Variant(arch) for arch in wanted if arch not in have]
    return [_equipped(one, prefixes) for one in found or [Variant(host())]]


def _prefix(text: str) -> tuple[str, str]:
    arch, separator, prefix = text.partition("=")
    if not separator or not re.fullmatch(r"[\w./+-]*", prefix) or prefix.startswith("-"):
        raise UsageError(f"'{text}' is not ARCH=PREFIX, like arm64=aarch64-linux-gnu-")
    return arch, prefix


def _configured(path: Path, wanted: Sequence[str]) -> Variant:
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    named = _HEADER.search(content[:4096].decode("latin-1"))
    same = [arch for arch in wanted if named and _alike(arch, named[1])]
    arch = same[0] if same else named[1] if named else wanted[0] if wanted else host()
    return Variant(arch, content, str(path))


def _alike(one: str, other: str) -> bool:
    return one == other or (one in _X86 and other in _X86)


def _equipped(variant: Variant, prefixes: Mapping[str, str]) -> Variant:
    """The variant with its compiler."""
    native = variant.sources == host()
    default = "" if native else f"{_CROSS.get(variant.arch, variant.arch + '-linux-gnu')}-"
    prefix = prefixes.get(variant.arch, default)
    compiler = f"{prefix}gcc"
    package = f"gcc-{prefix.rstrip('-')}" if prefix else "gcc"
    for program, needed in (("make", "make"), (compiler, package)):
        if which(program) is None:
            raise ProgramError(f"no {program}", hint=f"apt install {needed}")
    said = process.run([compiler, "--version"], cwd=Path("/"), env=environment(), timeout=30)
    line = said.stdout.decode("utf-8", "replace").split("\n")[0].strip()
    if said.returncode != 0 or not line:
        raise RerollError(f"{compiler} does not work: {said.complaint}")
    return Variant(variant.arch, variant.config, variant.config_name, prefix, line)


def environment() -> dict[str, str]:
    """All that make and compilers get to know of ours: where programs are, and no more."""
    kept = ("PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "CCACHE_DIR")
    mine = {name: os.environ[name] for name in kept if name in os.environ}
    # Else what an object holds would depend on when and by whom it was made.
    build = {"KBUILD_BUILD_TIMESTAMP": "1970-01-01", "KBUILD_BUILD_USER": "reroll"}
    return mine | build | {"KBUILD_BUILD_HOST": "reroll", "LC_ALL": "C"}
