"""The tree's own scripts/checkpatch.pl on the mails.

What a patch adds is new by nature; what is said of its context is not its matter.  The script
runs on what it reads of the base in a directory of its own, never in the user's tree.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from generator import process
from series import store
from series.checks.advice import IN_CODE, IN_MESSAGE
from series.checks.diff_lines import diff_lines
from series.checks.kinds import Finding, Ground, Patch, Result, Severity
from series.checks.recall import keep, key, recall
from series.settings import jobs_of

_SCRIPT = "scripts/checkpatch.pl"
_READS = ("scripts/spelling.txt", "scripts/const_structs.checkpatch")
# What the script takes for the top of a kernel tree (its top_of_kernel_tree()).
_TOP_FILES = ("COPYING", "CREDITS", "Kbuild", "MAINTAINERS", "Makefile", "README")
_TOP_FOLDERS = (
    *("Documentation", "arch", "include", "drivers", "fs", "init", "ipc", "kernel", "lib"),
    "scripts",
)
_SAID = re.compile(r"[^\n]*?mail:(\d{1,9}): (ERROR|WARNING|CHECK):(\w+): (.*)")
_SEVERITY: dict[str, Severity] = {"ERROR": "error", "WARNING": "warning", "CHECK": "note"}
_LIMIT = 300
_OR = "; or be ready to say why not"


@dataclass(frozen=True)
class _Script:
    """The script of the base: ``argv`` is how it is called, less where it lies.

    ``files`` are those of the base that it reads, ``about`` is what its answers follow from.
    """

    argv: tuple[str, ...]
    files: tuple[str, ...]
    about: tuple[bytes, ...]


class CheckpatchCheck:
    """What checkpatch says of each mail."""

    name = "checkpatch"
    text = "the tree's scripts/checkpatch.pl (--strict: its checks, too)"

    def run(self, ground: Ground, patches: Sequence[Patch]) -> Iterator[tuple[Patch, Result]]:
        """As ``Check`` has it."""
        mails = [_mail(ground, patch) for patch in patches]
        script = _script(ground, mails)
        if isinstance(script, str):
            yield from ((patch, Result("not run", why=script)) for patch in patches)
            return
        # Names in include/ count only with --strict, and are looked up each time.
        names = [key("checkpatch", "4", *script.about, mail) for mail in mails]
        known = [recall(ground.store, name) for name in names]
        lacking = {
            name: mail for name, mail, one in zip(names, mails, known, strict=True) if not one
        }
        with _asked(ground, script, lacking) as asked:
            for patch, name, result in zip(patches, names, known, strict=True):
                ground.progress(f"checkpatch: patch {patch.number}")
                yield patch, result or asked[name].result()


@contextmanager
def _asked(
    ground: Ground, script: _Script, mails: Mapping[bytes, bytes]
) -> Iterator[Mapping[bytes, "Future[Result]"]]:
    """What the script will have said of each of ``mails``, by the name it is kept under."""
    if not mails:
        yield {}
        return

    def work(name: bytes, mail: bytes) -> Result:
        result = _ask(ground, script, root, mail)
        keep(ground.store, name, result)
        return result

    with TemporaryDirectory(prefix="reroll-checkpatch-") as place:
        root = Path(place)
        _lay_out(ground, script, root)
        executor = ThreadPoolExecutor(jobs_of(ground.settings))
        try:
            yield {name: executor.submit(work, name, mail) for name, mail in mails.items()}
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            process.kill_all()
            raise
        executor.shutdown()


def _mail(ground: Ground, patch: Patch) -> bytes:
    return store.mail_path(ground.folder, ground.version, patch.record.mail).read_bytes()


def _script(ground: Ground, mails: Sequence[bytes]) -> _Script | str:
    """The script and what it reads for ``mails``; or why it cannot run."""
    perl = which("perl")
    if perl is None:
        return "'perl' is not installed or not in PATH"
    base = ground.version.base
    if not ground.tree.names(base, [_SCRIPT]):
        return f"the base has no {_SCRIPT}"
    files = tuple(sorted({_SCRIPT, *_READS, *_needed(ground, mails)}))
    options = ["--no-summary", "--show-types", "--terse", "--color=never"]
    options += ["--strict"] if ground.options.get("strict") else []
    # It reads the user's own options from there.
    home = Path(os.environ.get("HOME") or "/") / ".checkpatch.conf"
    own = home.read_bytes() if home.is_file() else b""
    said = process.run([perl, "-e", "print $^V"], cwd=Path("/"), timeout=30).stdout
    # What the files hold follows from the base.
    words = "\0".join([base, *options, "", *files])
    about = (words.encode("utf-8", "surrogateescape"), own, said)
    return _Script((perl, *options), files, about)


def _lay_out(ground: Ground, script: _Script, place: Path) -> None:
    """Write what the script is and reads to ``place``, as the top of a kernel tree."""
    with ground.tree.worktree(ground.version.base) as worktree:
        files = worktree.contents(script.files)
    for name in _TOP_FOLDERS:
        (place / name).mkdir()
    for path, content in {**dict.fromkeys(_TOP_FILES, b""), **files}.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)


def _needed(ground: Ground, mails: Sequence[bytes]) -> list[str]:
    """Files of the base that the script looks for because of what ``mails`` add."""
    added = b"\n".join(re.findall(rb"^\+.*$", b"\n".join(mails), re.MULTILINE))
    asm = re.findall(rb"#\s*include\s*<asm/([\w.-]+\.h)>", added)
    wanted = [f"include/linux/{name.decode()}" for name in asm]
    if re.search(rb"compatible\s*=\s*\"", added):
        folder = ["Documentation/devicetree/bindings"]
        wanted += ground.tree.names(ground.version.base, folder)
    return wanted


def _ask(ground: Ground, script: _Script, root: Path, mail: bytes) -> Result:
    with TemporaryDirectory(dir=root) as folder:
        # Without a .git it asks no git; what messages say of commits is "fixes" and "mail".
        (Path(folder) / "mail").write_bytes(mail)
        environment = {**os.environ, "GIT_DIR": "/nonexistent", "LC_ALL": "C.UTF-8"}
        perl, *options = script.argv
        argv = [perl, str(root / _SCRIPT), "--root", str(root), *options, "mail"]
        ended = process.run(argv, cwd=Path(folder), env=environment, timeout=_LIMIT)
    said = _SAID.findall(ended.stdout.decode("utf-8", "replace"))
    if ended.timed_out or ended.returncode not in (0, 1) or (ended.returncode and not said):
        return Result("not run", why=f"{_SCRIPT}: {ended.complaint}")
    places = {one.at: one for one in diff_lines(mail)}
    lines = mail.decode("utf-8", "replace").split("\n")
    found = []
    for at, level, rule, what in said:
        place = places.get(int(at))
        # Of its context; or of a commit, which it looks for where there is no git: see "fixes".
        if (place and place.sign == " ") or rule == "UNKNOWN_COMMIT_ID":
            continue
        severity = _SEVERITY[level]
        source = lines[int(at) - 1] if 0 < int(at) <= len(lines) else ""
        where = (place.path, place.line, source[1:]) if place else ("", 0, source)
        found.append(Finding(severity, what, *where, rule, _hint(severity, in_code=bool(place))))
    return Result.of(_without_known_names(ground, found))


def _hint(severity: Severity, *, in_code: bool) -> str:
    if severity == "note":
        return ""
    return (IN_CODE if in_code else IN_MESSAGE) + (_OR if severity == "warning" else "")


def _without_known_names(ground: Ground, found: Sequence[Finding]) -> list[Finding]:
    """``found`` less CamelCase names that the base's headers have, as the script has it."""
    names = {one.what.rpartition("<")[2].rstrip(">") for one in found if one.rule == "CAMELCASE"}
    known: set[str] = set()
    if names:
        lines = ground.tree.grep(sorted(names), ["include/*.h"], ground.version.base)
        text = "\n".join(line for every in lines.values() for line in every)
        known = {name for name in names if re.search(rf"\b{re.escape(name)}\b", text)}
    return [
        one
        for one in found
        if one.rule != "CAMELCASE" or one.what.rpartition("<")[2].rstrip(">") not in known
    ]
