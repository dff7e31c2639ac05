"""A batch of files as a pure function of bytes: what a worker of a cluster runs.

A batch holds the rule, the contents of its files and of the headers that spatch reads with
them, and which spatch is to be used, so that a worker needs no tree.  The worker writes the
files into a directory of its own and runs ``Engine`` on them, as it is run here, so that
outcomes are the same bytes.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from generator.errors import CampaignError, ProgramError, RerollError
from generator.rule import Rule
from generator.spatch import Engine, Outcome, Spatch, find_spatch, outside

Answer = dict[str, Any]


@dataclass(frozen=True)
class Needs:
    """What a worker must have for its outcomes to be ours: reroll, Dask, the very spatch.

    ``path`` is where we have the spatch; a worker that has it elsewhere will do.
    """

    reroll: str
    distributed: str
    path: str
    spatch: str
    digest: str


@dataclass(frozen=True)
class Batch:
    """A task: a rule, and ``files`` by path, of which it is run on ``paths``."""

    needs: Needs
    rule: Rule
    tokens: tuple[str, ...]
    timeout: int
    paths: tuple[str, ...] = ()
    files: Mapping[str, bytes] | None = None


class UnfitError(Exception):
    """A worker lacks what a batch needs; the text goes on from its name."""


def unfit(needs: Needs) -> str:
    """What keeps this process from running batches with ``needs``, or empty."""
    try:
        fitting(needs)
    except UnfitError as error:
        return str(error)
    return ""


def work(batch: Batch) -> Answer:
    """The outcomes of a batch, or why there are none; nothing is raised.

    Plain types only: who unpacks them should not have to know ours.
    """
    from distributed import get_worker

    worker = get_worker()
    try:
        spatch = fitting(batch.needs)
        found = run_batch(batch, spatch, Path(worker.local_directory), _leave(worker))
        return {"outcomes": {outcome.path: outcome.packed() for outcome in found}}
    except UnfitError as error:
        return {"unfit": f"{worker.address} {error}"}
    except CampaignError as error:
        return {"campaign": list(error.problems), "hint": error.hint}
    except RerollError as error:
        return {"program": f"{worker.address}: {error}", "hint": error.hint}
    except Exception as error:  # a full disk, no memory: another worker may do better
        return {"trouble": f"{type(error).__name__}: {error}"}


def run_batch(
    batch: Batch, spatch: Spatch, place: Path, tick: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """Run a batch below ``place``; raises what ``Engine`` raises, and ``OSError``."""
    with TemporaryDirectory(prefix="reroll-tree-", dir=place, ignore_cleanup_errors=True) as name:
        root = Path(name) / "files"
        root.mkdir()
        for path, content in (batch.files or {}).items():
            if not outside(path):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
        # Whether scripts may run was decided where the rule comes from.
        scripts = bool(batch.rule.scripts)
        with Engine(
            spatch,
            batch.rule,
            timeout=batch.timeout,
            jobs=1,
            allow_scripts=scripts,
            place=Path(name),
        ) as engine:
            return engine.run(root, batch.paths, batch.tokens, tick=tick)


def _leave(worker: Any) -> Callable[[], None]:
    """Something to be called while a task runs, that ends it when nobody waits for it."""
    key = worker.get_current_task()

    def check() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise CancelledError

    return check


def fitting(needs: Needs) -> Spatch:
    """The spatch that a batch needs; ``UnfitError`` when this machine cannot run it."""
    for name, wanted in (("reroll", needs.reroll), ("distributed", needs.distributed)):
        if (there := version(name)) != wanted:
            raise UnfitError(f"has {name} {there}, but {wanted} is needed")
    found = None
    ours = needs.path if Path(needs.path).is_file() else ""
    for place in dict.fromkeys((ours, "", which("spatch") or "")):
        with contextlib.suppress(ProgramError, OSError):
            spatch = _spatch(place)
            there = digest(spatch.path)
            if there == needs.digest:
                return spatch
            found = found or f"{spatch.version} (sha256 {there[:12]})"
    raise UnfitError(
        f"has {found or 'no spatch'}, but {needs.spatch} (sha256 {needs.digest[:12]}) is needed"
    )


@lru_cache(maxsize=8)
def _spatch(place: str) -> Spatch:
    return find_spatch(place)


def digest(path: Path) -> str:
    """The SHA-256 of a program, in hex."""
    facts = path.stat()
    return _digest_of(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=8)
def _digest_of(path: Path, *_facts: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
