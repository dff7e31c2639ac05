"""The only place that starts a process.

Every process gets an argv list (never a shell string), an explicit working
directory, a wall limit and a process group of its own, so that a limit or ^C
ends its children too.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which

from generator.errors import ProgramError

_GRACE = 5.0  # seconds
_DRAIN = 1.0  # seconds
_live: dict["subprocess.Popen[bytes]", object] = {}
_live_lock = threading.Lock()


@dataclass(frozen=True)
class Result:
    """What a process said and how it ended; ``returncode`` is negative for a signal."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False

    @property
    def complaint(self) -> str:
        """The last line of standard error, or how the process ended, for an error message."""
        lines = self.stderr.decode("utf-8", "replace").strip().splitlines()
        if self.timed_out:
            return "ran into its time limit"
        if lines:
            return lines[-1].strip()
        if self.returncode < 0:
            return f"was ended by signal {-self.returncode}"
        return f"ended with status {self.returncode}"


def find(program: str, *, hint: str = "") -> str:
    """The path of ``program`` in ``PATH``; ``ProgramError`` with ``hint`` where there is none."""
    path = which(program)
    if path is None:
        raise ProgramError(f"'{program}' is not installed or not in PATH", hint=hint)
    return path


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
    check: bool = False,
    interactive: bool = False,
    screen: bool = False,
    inherit: Sequence[int] = (),
    stderr: Path | None = None,
    owner: object = None,
) -> Result:
    """Run ``argv`` in ``cwd`` and wait for it.

    ``env`` is the whole environment (``None``: ours), ``timeout`` is in
    seconds of wall time, for the process and all its children.  Children that
    outlive it and hold its output are waited for at most a moment.  With
    ``interactive`` the process keeps the terminal, on which it may ask for a
    password, and our standard input.  With ``screen`` it has our output, too (an editor),
    and what it says is not kept.  ``inherit`` are open descriptors that
    the process and its children get, too (a lock that shall last as long as they).
    Standard error goes through the file ``stderr``, where one is named: it can be
    read while the process runs.  ``owner`` is what ``kill_all`` can be asked for.

    Raises ``ProgramError`` when the program cannot be started and, with
    ``check``, when it fails or runs into its limit.
    """
    pipe = None if screen else subprocess.PIPE
    try:
        with (
            stderr.open("wb") if stderr else contextlib.nullcontext(pipe) as errors,
            contextlib.nullcontext() if interactive else _readable(stdin) as source,
        ):
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=source,
                stdout=pipe,
                stderr=errors,
                start_new_session=not interactive,
                pass_fds=tuple(inherit),
            )
    except OSError as error:
        # Popen says the same of a directory that is not there as of a program.
        what = f"{cwd}: " if error.filename == str(cwd) else f"cannot run '{argv[0]}': "
        raise ProgramError(f"{what}{error.strerror or error}") from error
    with _tracked(process, owner):
        result = _finish(process, tuple(argv), timeout)
    if stderr:
        result = replace(result, stderr=stderr.read_bytes())
    if check and (result.returncode != 0 or result.timed_out):
        raise ProgramError(f"{_brief(argv)}: {result.complaint}")
    return result


@contextlib.contextmanager
def _readable(stdin: bytes) -> Iterator[int]:
    """``stdin`` as something to read from.

    Not communicate()'s matter: called again after its time limit it writes nothing more of what
    is left (until Python 3.13), and both sides wait for ever.
    """
    if not stdin:
        yield subprocess.DEVNULL
        return
    reading, writing = os.pipe()
    try:
        threading.Thread(target=_feed, args=(writing, stdin), daemon=True).start()
        yield reading
    finally:
        os.close(reading)


def _feed(writing: int, data: bytes) -> None:
    """Write ``data`` as it is read; what nobody reads is lost."""
    with contextlib.suppress(BrokenPipeError), open(writing, "wb") as pipe:
        pipe.write(data)


def _finish(
    process: "subprocess.Popen[bytes]", argv: tuple[str, ...], timeout: float | None
) -> Result:
    end = None if timeout is None else time.monotonic() + timeout
    timed_out = False
    try:
        with _closing(process):
            while (said := _said(process, end)) is None:
                if end is not None and time.monotonic() >= end and process.poll() is None:
                    timed_out = True
                    kill_group(process)
                    process.wait(_GRACE)
    except BaseException:
        kill_group(process)
        process.wait()
        raise
    return Result(argv, process.returncode, *said, timed_out)


def _said(process: "subprocess.Popen[bytes]", end: float | None) -> tuple[bytes, bytes] | None:
    """Standard output and error of a process that has ended, ``None`` while it runs.

    The end of its pipes is no sign: a child in a session of its own may hold them for ever.
    """
    ended = process.poll() is not None
    left = _DRAIN if ended or end is None else min(_DRAIN, max(end - time.monotonic(), 0))
    try:
        stdout, stderr = process.communicate(timeout=left)
    except subprocess.TimeoutExpired as so_far:
        return (so_far.output or b"", so_far.stderr or b"") if ended else None
    return stdout or b"", stderr or b""


@contextlib.contextmanager
def _closing(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Close our ends of the pipes."""
    try:
        yield
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


@contextlib.contextmanager
def _tracked(process: "subprocess.Popen[bytes]", owner: object) -> Iterator[None]:
    with _live_lock:
        _live[process] = owner
    try:
        yield
    finally:
        with _live_lock:
            del _live[process]


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End ``process`` and, where it leads a group of its own, all its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            _end_politely(process)


def _end_politely(process: "subprocess.Popen[bytes]") -> None:
    """End a process that shares our terminal; git hands SIGTERM on to what it started."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def kill_all(owner: object = None) -> None:
    """End every process that any thread of ours is waiting for, or those of one ``owner``."""
    with _live_lock:
        processes = [one for one, of in _live.items() if owner is None or of is owner]
    for process in processes:
        kill_group(process)


def _brief(argv: Sequence[str]) -> str:
    text = shlex.join(argv)
    return text if len(text) <= 120 else text[:117] + "..."
