"""Batches of files on a Dask cluster: what is sent, and what comes back.

Dask runs the task of a lost worker elsewhere.  A task that takes several workers with it
(``distributed.scheduler.allowed-failures``) is given up by Dask; then each of its files is run
alone, with nothing beside it, and a file that does it again has failed.

Only this module and what workers run import Dask, and only when there is something to run.
"""

import contextlib
import ipaddress
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import Future as Future_
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from generator.batch import Answer, Batch, Needs, digest, unfit, work
from generator.errors import CampaignError, ProgramError, UsageError
from generator.execution import Files
from generator.spatch import (
    Each,
    Engine,
    Kind,
    Outcome,
    Spatch,
    refusal,
    split_diff,
)

if TYPE_CHECKING:
    from distributed import Client, Future

# Files a task: twice what a spatch gets, because a task costs 5 to 10 ms of its own.  Towards
# the end there are fewer, so that no worker waits long for the last one.
_MOST, _FEWEST = 32, 4
# Tasks a thread of a worker that are sent or running: one more is there when one is done.
_AHEAD = 3
_TICK = 0.2  # seconds
_LOOK = 1.0  # seconds between two looks at which workers there are
_CONNECT = 10  # seconds
_GATHER = 5  # seconds for what a task gave to arrive, which is some KB
_PATIENCE = 30  # seconds without a worker, or a word of the scheduler
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
_ADDRESS = re.compile(
    rf"(?:(?P<scheme>tcp|tls)://)?(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?\Z"
)
_START = "start again: results that came are kept, unless reroll.cache is off"
_SAME = "a cluster needs the same reroll, Dask and spatch everywhere (docs/cluster.md)"


def address_problem(text: str) -> str:
    """Why ``text`` is no address of a scheduler, or empty."""
    if (found := _ADDRESS.match(text)) and 0 < int(found["port"] or 8786) < 65536:
        return ""
    return f"'{text}' is not an address like tls://host:8786 or tcp://host:8786"


def security_note(address: str) -> str:
    """What to say of a scheduler that is reached without TLS over a network; else empty."""
    found = _ADDRESS.match(address)
    if found is None or found["scheme"] == "tls" or _is_here(found["host"]):
        return ""
    return (
        f"{address} is not encrypted: files and rules can be read and changed on the way, and "
        "whoever reaches the scheduler can run anything as the workers' users; use tls://"
    )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return False


class Cluster:
    """The workers of a Dask scheduler; an ``Executor``.

    ``tell`` gets what a user should know while it is used.  To be closed.
    """

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        """Nothing is reached before there is something to run.

        Raises ``UsageError`` for a bad address, ``ProgramError`` where Dask is not installed.
        """
        if problem := address_problem(address):
            raise UsageError(f"scheduler: {problem}")
        if find_spec("distributed") is None:
            raise ProgramError(
                "the executor 'dask' needs Dask, which is not installed",
                hint="install reroll with its extra: pip install 'reroll[cluster]'",
            )
        self._address = address
        self._tell = tell
        self._client: Client | None = None
        self._fit: set[Needs] = set()
        # It takes a second, in which others search for candidates.
        self._import = threading.Thread(target=_import_early, daemon=True)
        self._import.start()

    def run(
        self,
        engine: Engine,
        files: Files,
        paths: Sequence[str],
        tokens: Sequence[str],
        each: Each,
        tick: Callable[[], None],
    ) -> None:
        """As ``Executor`` has it."""
        refused = [
            Outcome(path, Kind.REFUSED, detail=reason)
            for path in paths
            if (reason := refusal(path))
        ]
        each(refused)
        todo = [path for path in paths if not refusal(path)]
        if not todo:
            return
        client = self._connected()
        needs = _needs(engine.spatch)
        threads = _threads(client, self._address, self._tell, tick)
        self._check(client, needs)
        batch = Batch(needs, engine.rule, tuple(tokens), engine.timeout)
        _Run(client, self._address, batch, files, each, threads).work_off(todo, tick)

    def slowest(self) -> tuple[str, float]:
        """Not known: workers say nothing before they are done."""
        return "", 0.0

    def close(self) -> None:
        """Let go of the cluster, which goes on without us."""
        self._import.join()
        if self._client is not None:
            with contextlib.suppress(Exception):  # it may be lost
                self._client.close(timeout=2)
            self._client = None

    def _connected(self) -> "Client":
        if self._client is not None:
            return self._client
        if note := security_note(self._address):
            self._tell(note)
        self._import.join()
        try:
            distributed = _import()
        except Exception as error:  # it reads its configuration
            raise ProgramError(
                f"Dask cannot be loaded: {_line(error)}",
                hint="if it is its configuration: that is in ~/.config/dask and in DASK_ variables",
            ) from error
        if self._address.startswith("tls://"):
            _check_tls(distributed)
        client = distributed.Client.__new__(distributed.Client)
        try:
            _within(
                2 * _CONNECT,
                lambda: client.__init__(
                    self._address, timeout=_CONNECT, set_as_default=False, name="reroll"
                ),
            )
        except Exception as error:  # whatever ssl, sockets and another Dask have to say
            # Half made, it would take 20 s to say goodbye when it is collected.
            client.status = "closed"
            raise ProgramError(
                f"cannot reach a Dask scheduler at {self._address}: {_line(error)}",
                hint="is it running, tcp:// or tls://, of the same version? see docs/cluster.md",
            ) from error
        self._client = client
        return self._client

    def _check(self, client: "Client", needs: Needs) -> None:
        """Ask the workers that are there; tasks ask those that come later."""
        if needs in self._fit:
            return
        try:
            answers = client.run(unfit, needs, on_error="return")
        except Exception as error:
            raise _lost(self._address, error) from error
        for worker, answer in sorted(answers.items()):
            if isinstance(answer, OSError):  # it has just gone
                continue
            if isinstance(answer, Exception):
                answer = f"has no reroll that it could use: {_line(answer)}"
            if answer:
                raise ProgramError(f"the worker {worker} {answer}", hint=_SAME)
        self._fit.add(needs)


@dataclass(frozen=True)
class _Sent:
    """A task that is under way: its future, its files and how many lines each has."""

    future: "Future"
    paths: tuple[str, ...]
    lines: Mapping[str, int]


class _Run:
    """One rule on the files of one tree."""

    def __init__(
        self,
        client: "Client",
        address: str,
        batch: Batch,
        files: Files,
        each: Each,
        threads: int,
    ) -> None:
        self._client = client
        self._address = address
        self._batch = batch
        self._files = files
        self._each = each
        self._threads = threads
        self._todo: deque[str] = deque()
        # Files of tasks that went wrong, and why.
        self._suspects: deque[tuple[str, str]] = deque()
        self._alone = ""
        self._sent: dict[str, _Sent] = {}
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._seen = self._looked = time.monotonic()

    def work_off(self, paths: Sequence[str], tick: Callable[[], None]) -> None:
        """Run the rule on ``paths``; whatever ends it takes back what is under way."""
        self._todo.extend(paths)
        try:
            while self._todo or self._suspects or self._sent:
                self._send()
                self._take()
                self._look()
                tick()
        finally:
            for sent in self._sent.values():
                with contextlib.suppress(Exception):
                    sent.future.release()

    def _send(self) -> None:
        """Have enough under way; suspects only when nothing is, one at a time."""
        while self._todo and len(self._sent) < _AHEAD * self._threads:
            self._submit([self._todo.popleft() for _ in range(self._size())])
        if self._suspects and not self._sent and not self._todo:
            path, _ = self._suspects.popleft()
            self._alone = path
            self._submit([path])

    def _size(self) -> int:
        left = len(self._todo)
        share = -(-left // self._threads)
        return max(1, min(_MOST, share, max(_FEWEST, share // _AHEAD)))

    def _submit(self, paths: Sequence[str]) -> None:
        contents = self._files.contents(paths)
        batch = replace(
            self._batch,
            paths=tuple(paths),
            files=contents,
        )
        lines = {path: contents.get(path, b"").count(b"\n") + 1 for path in paths}
        # Each run of a file is one of its own: a key that Dask knows would give what it had.
        future = self._client.submit(work, batch, pure=False)
        self._sent[future.key] = _Sent(future, batch.paths, lines)
        future.add_done_callback(self._ended.put)

    def _take(self) -> None:
        """Wait a moment for tasks to end; give on what is there."""
        with contextlib.suppress(Empty):
            self._settle(self._ended.get(timeout=_TICK))
            while True:
                self._settle(self._ended.get_nowait())

    def _settle(self, future: "Future") -> None:
        sent = self._sent[future.key]
        try:
            answer = future.result(timeout=_GATHER)
        except TimeoutError:  # its worker took it along; Dask makes it again
            future.add_done_callback(self._ended.put)
            return
        except CancelledError as error:
            raise _lost(self._address, error) from error
        except Exception as error:
            answer = self._failure(error)
        del self._sent[future.key]
        future.release()
        outcomes = self._believed(answer, sent)
        if outcomes is not None:
            self._each(outcomes)

    def _failure(self, error: Exception) -> Answer:
        """What an exception that is Dask's own means."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return {"trouble": "the workers that ran it died"}
        if isinstance(error, ImportError | RuntimeError) and "deserializ" in str(error):
            said = "cannot read our tasks: is reroll installed there?"
            raise ProgramError(f"the Dask scheduler at {self._address} {said}", hint=_SAME)
        raise ProgramError(f"a task failed on the Dask cluster: {_line(error)}", hint=_SAME)

    def _believed(self, answer: object, sent: _Sent) -> list[Outcome] | None:
        """The outcomes in an answer; ``None`` when its files are to be run again, alone."""
        if not isinstance(answer, dict):
            answer = {}
        if "campaign" in answer:
            raise CampaignError(
                [str(line) for line in answer["campaign"]], hint=str(answer.get("hint", ""))
            )
        for key, hint in (("unfit", _SAME), ("program", answer.get("hint", ""))):
            if key in answer:
                raise ProgramError(f"the worker {answer[key]}", hint=str(hint))
        outcomes = checked(answer.get("outcomes"), sent.lines)
        if outcomes is not None:
            return outcomes
        why = str(answer.get("trouble", "the worker's answer makes no sense"))
        if sent.paths == (self._alone,):
            return [Outcome(self._alone, Kind.FAILED, detail=f"on the Dask cluster: {why}")]
        self._suspects.extend((path, why) for path in sent.paths)
        return None

    def _look(self) -> None:
        """See which workers there are, from time to time; ``ProgramError`` when none is left."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        with contextlib.suppress(OSError):  # the futures tell
            threads = _count(self._client)
            if threads:
                self._threads, self._seen = threads, now
        if time.monotonic() - self._seen > _PATIENCE:
            raise ProgramError(
                f"the Dask scheduler at {self._address} has had no worker for {_PATIENCE} s",
                hint=_START,
            )


def checked(packed: object, lines: Mapping[str, int]) -> list[Outcome] | None:
    """The outcomes that a worker sent for the files in ``lines`` (how many each has).

    ``None`` when it is anything else: what they say becomes commits.
    """
    if not isinstance(packed, dict) or packed.keys() != lines.keys():
        return None
    outcomes = []
    for path, data in packed.items():
        try:
            outcome = Outcome.unpacked(path, data)
        except (ValueError, AttributeError, TypeError):
            return None
        told = [path] if outcome.diff else []
        good = outcome.kind not in (Kind.CHANGED, Kind.UNCHANGED, Kind.UNPARSED) or (
            (outcome.kind is Kind.CHANGED) == bool(outcome.diff)
        )
        numbers = all(1 <= number <= lines[path] for number in outcome.unparsed)
        parts = split_diff(outcome.diff)
        if (
            not good
            or not numbers
            or list(parts) != told
            or b"".join(parts.values()) != outcome.diff
        ):
            return None
        outcomes.append(outcome)
    return outcomes


def _threads(
    client: "Client", address: str, tell: Callable[[str], None], tick: Callable[[], None]
) -> int:
    """How many threads the workers have, once there is one; ``ProgramError`` after a while."""
    start = time.monotonic()
    told = False
    while True:
        try:
            if threads := _count(client):
                return threads
        except OSError as error:
            raise _lost(address, error) from error
        waited = time.monotonic() - start
        if waited > _PATIENCE:
            raise ProgramError(
                f"the Dask scheduler at {address} has no workers",
                hint=f"start some: dask worker {address} --nthreads 1 --nworkers auto",
            )
        if waited > 1 and not told:
            told = True
            tell(f"waiting for workers of the Dask scheduler at {address}")
        tick()
        time.sleep(_TICK)


def _count(client: "Client") -> int:
    """How many threads all workers have; ``OSError`` when the scheduler does not say."""
    found: Mapping[str, int] = client.sync(client.scheduler.ncores, callback_timeout=_CONNECT)
    return sum(found.values())


def _needs(spatch: Spatch) -> Needs:
    return Needs(
        reroll=version("reroll"),
        distributed=version("distributed"),
        path=str(spatch.path),
        spatch=spatch.version,
        digest=digest(spatch.path),
    )


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do ``work``; ``TimeoutError`` when it takes longer: a peer may accept and say nothing."""
    done: Future_[None] = Future_()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        done.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from error


def _check_tls(distributed: Any) -> None:
    """See that Dask has what TLS needs: else its client fails late, and says little."""
    keys = ("ca-file", "client.cert", "client.key")
    try:
        context = distributed.Security().get_connection_args("client").get("ssl_context")
    except Exception as error:  # whatever ssl has to say of the files
        raise ProgramError(
            f"Dask's settings for TLS cannot be used: {_line(error)}",
            hint=f"they are distributed.comm.tls: {', '.join(keys)}",
        ) from error
    if context is None:
        raise ProgramError(
            "tls:// needs Dask's settings for TLS, and there are none",
            hint=f"set distributed.comm.tls: {', '.join(keys)}; see docs/cluster.md",
        )


def _import_early() -> None:
    """Do it once; who needs it does it again, and sees what went wrong."""
    with contextlib.suppress(Exception):
        _import()


def _import() -> Any:
    """Dask, told to keep quiet: what matters, we say."""
    import warnings

    import distributed
    from distributed.versions import VersionMismatchWarning

    warnings.simplefilter("ignore", VersionMismatchWarning)
    _hush()
    return distributed


def _hush() -> None:
    """Take standard error away from the loggers that Dask has set up."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio", "bokeh"):
            logger = logging.getLogger(name)
            for handler in list(logger.handlers):
                if type(handler) is logging.StreamHandler:
                    logger.removeHandler(handler)
            logger.addHandler(logging.NullHandler())
            logger.propagate = False


def _lost(address: str, error: BaseException) -> ProgramError:
    return ProgramError(f"the Dask scheduler at {address} is lost: {_line(error)}", hint=_START)


def _line(error: BaseException) -> str:
    """What an exception says, in one line of moderate length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
