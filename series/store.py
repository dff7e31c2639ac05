"""``versions/vN/`` in a series folder: written whole or not at all.

A version is made in a temporary folder beside its place and renamed into it; an
older one of the same number stands until then.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar

from generator.errors import ConflictError, RerollError, UsageError
from series.version import MANIFEST_FORMAT, Absorbed, Version
from series.whole_file import write_whole

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_T = TypeVar("_T")
MANIFEST = "manifest.json"


def versions_dir(folder: Path) -> Path:
    """Where the versions of the series in ``folder`` are."""
    return folder / "versions"


def version_dir(folder: Path, number: int) -> Path:
    """Where version ``number`` is, or will be."""
    return versions_dir(folder) / f"v{number}"


def numbers(folder: Path) -> list[int]:
    """The numbers of the versions there are, in order."""
    found = versions_dir(folder).glob(f"v*/{MANIFEST}")
    matches = (re.fullmatch(r"v([1-9]\d*)", path.parent.name) for path in found)
    return sorted(int(match[1]) for match in matches if match)


_adapters: dict[type, Any] = {}


def _adapter(kind: type[_T]) -> "TypeAdapter[_T]":
    """pydantic's reader of a record, which takes a while to make: once a run."""
    from pydantic import TypeAdapter

    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    made: TypeAdapter[_T] = _adapters[kind]
    return made


def dump(version: Version) -> str:
    """``version`` as JSON text; ``UsageError`` where a path in it is no UTF-8, as JSON wants it."""
    ledgers = [*(patch.ledger for patch in version.patches), *version.rest.values()]
    names = {path for patch in version.patches for path in patch.files}
    names.update(site.path for ledger in ledgers for site in ledger.sites)
    if bad := next((name for name in sorted(names) if not _is_unicode(name)), None):
        raise UsageError(
            f"{bad!r}: the name of this file is no UTF-8, and cannot be in a series",
            hint="exclude it, or rename it before",
        )
    data = _adapter(Version).dump_python(version, mode="json")
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _is_unicode(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)


def read(folder: Path, number: int | None = None) -> Version:
    """The version ``number`` (the newest for ``None``) of the series in ``folder``.

    Raises ``UsageError`` when there is none, or its manifest is damaged or of
    a newer format.
    """
    from pydantic import ValidationError

    if number is None:
        known = numbers(folder)
        if not known:
            raise UsageError(
                f"{folder}: no version has been generated yet", hint="run 'reroll generate' first"
            )
        number = known[-1]
    path = version_dir(folder, number) / MANIFEST
    if path.exists() and not path.is_file():  # a FIFO would hold us for ever
        raise UsageError(f"{path}: is not a regular file", hint=f"move {path.parent} away")
    try:
        text = path.read_text(encoding="utf-8")
        version = _adapter(Version).validate_json(text)
    except OSError as error:
        there = ", ".join(map(str, numbers(folder)))
        raise UsageError(
            f"{folder}: there is no version {number}",
            hint=f"run 'reroll generate -v {number}' first{there and f'; there are: {there}'}",
        ) from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: is damaged or of another reroll",
            hint=f"move {path.parent} away and run 'reroll generate -v {number}'",
        ) from error
    _check(version, number, path)
    return version


def tips(folder: Path) -> set[str]:
    """The last commits of all versions whose manifests can be read, and what was absorbed."""
    found = set()
    for number in numbers(folder):
        with contextlib.suppress(UsageError):
            found.add(read(folder, number).tip)
    known = read_absorbed(folder)
    return (found | {known.tip if known else ""}) - {""}


def _absorbed_path(folder: Path) -> Path:
    return versions_dir(folder) / "absorbed.json"


def read_absorbed(folder: Path) -> Absorbed | None:
    """What was last absorbed; ``None`` where that is nothing, or cannot be read."""
    from pydantic import ValidationError

    try:
        text = _absorbed_path(folder).read_text(encoding="utf-8")
        found = _adapter(Absorbed).validate_json(text)
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
    ids = [found.generated, found.base, found.tip, *found.commits]
    return found if all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in ids) else None


def write_absorbed(folder: Path, absorbed: Absorbed) -> None:
    """Record what was absorbed, whole or not at all; ``OSError`` when it cannot be written."""
    data = _adapter(Absorbed).dump_json(absorbed, indent=2)
    write_whole(_absorbed_path(folder), data + b"\n")


def _check(version: Version, number: int, path: Path) -> None:
    """``UsageError`` for a manifest that no reroll wrote: its values reach headers and paths."""
    if version.format != MANIFEST_FORMAT:
        raise UsageError(
            f"{path}: has format {version.format}, this reroll reads {MANIFEST_FORMAT}"
        )
    if not re.fullmatch(r"\d{1,10} [-+]\d{4}", version.date):
        raise UsageError(f"{path}: is damaged: '{version.date}' is no date")
    for mail in version.mails:
        if Path(mail.mail).name != mail.mail:
            raise UsageError(f"{path}: the mail {mail.mail!r} leads out of its folder")
    if problem := _damage(version, number):
        raise UsageError(
            f"{path}: is damaged: {problem}",
            hint=f"restore it, or move {path.parent} away and run 'reroll generate -v {number}'",
        )


def _damage(version: Version, number: int) -> str:
    """What of a manifest cannot be, or empty."""
    names = [mail.mail for mail in version.mails]
    ids = [mail.message_id for mail in version.mails]
    commits = [version.base, version.tip, version.tree, *(one.commit for one in version.patches)]
    if version.source == "mails":
        commits = [commit for commit in commits if commit]
    if version.version != number:
        return f"it is of version {version.version}"
    if not _in_order(version):
        return "its patches are not numbered from 1 on"
    if not version.patches:
        return "it has no patch"
    for what, values, form in (
        ("mail", names, r"[^\x00-\x1f\x7f/]+"),
        ("message id", ids, r"<[^<>\s\x00-\x1f\x7f]+>"),
        ("commit", commits, r"[0-9a-f]{40}(?:[0-9a-f]{24})?"),
        ("change id", [version.change_id or "-"], r"[^\s\x00-\x1f\x7f]+"),
    ):
        if bad := next((one for one in values if not re.fullmatch(form, one)), None):
            return f"{bad!r} is no {what}"
    for what, values in (("mail", names), ("message id", ids)):
        if twice := next((one for one in values if values.count(one) > 1), None):
            return f"the {what} {twice!r} is there twice"
    return "" if all(names) and all(ids) else "a mail has no name or no message id"


def _in_order(version: Version) -> bool:
    """Whether the patches are numbered from 1 on; of posted ones, some may not have been found."""
    numbers = [patch.number for patch in version.patches]
    if version.source == "mails":
        return numbers == sorted(set(numbers)) and min(numbers, default=1) >= 1
    return numbers == list(range(1, len(numbers) + 1))


def rewrite(folder: Path, version: Version) -> None:
    """Write the manifest of a version anew, whole or not at all, under ``lock``.

    Raises ``RerollError`` when it cannot be written.
    """
    path = version_dir(folder, version.version) / MANIFEST
    try:
        write_whole(path, dump(version).encode())
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error


def mail_path(folder: Path, version: Version, mail: str) -> Path:
    """Where a mail of ``version`` is; ``UsageError`` when it has gone."""
    path = version_dir(folder, version.version) / mail
    if not path.is_file():
        again = f"run 'reroll generate -v {version.version}' again"
        if version.source == "mails":
            again = f"restore it, or move {path.parent} away and take the mails in again"
        raise UsageError(f"{path}: this mail of version {version.version} has gone", hint=again)
    return path


def refuse_posted(version: Version) -> None:
    """``UsageError`` for a version that was read from its mails: it stays as it was posted."""
    if version.source == "mails":
        raise UsageError(
            f"version {version.version} was posted already and read from its mails: it stays as "
            "it is",
            hint="'reroll next' makes the next one",
        )


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep other runs from writing versions of the series in ``folder``.

    Raises ``ConflictError`` when another run has it, ``RerollError`` when the
    folder cannot be opened.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise RerollError(f"{folder}: cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ConflictError(
            f"another reroll is at work in {folder}", hint="wait until it has ended"
        ) from error
    finally:
        os.close(descriptor)


class Draft:
    """A version being written: a temporary folder beside its place.

    A context manager, used under ``lock``; what was not installed when it is
    left is removed.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._place = version_dir(folder, number)

    def __enter__(self) -> "Draft":
        parent = self._place.parent
        if self._place.exists() and not self._place.is_dir():
            raise UsageError(f"{self._place}: is not a folder", hint="move it away")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            for left in parent.glob(f".{self._place.name}-*"):
                shutil.rmtree(left)  # of a run that was killed; we hold the lock
            self._temporary = Path(mkdtemp(prefix=f".{self._place.name}-", dir=parent))
        except OSError as error:
            raise RerollError(f"{parent}: cannot be written: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write ``files`` (name and content) and see that they are on disk."""
        try:
            for name, content in files.items():
                with (self._temporary / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise RerollError(f"{self._temporary}: cannot be written: {error.strerror}") from error

    def install(self) -> None:
        """Put the version in its place, instead of an older one of the same number."""
        self._temporary.chmod(0o755)
        old = self._place.with_name(f".{self._place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self._place.exists():
            self._place.rename(old)
        try:
            self._temporary.rename(self._place)
        except OSError:
            if old.exists():
                old.rename(self._place)
            raise
        shutil.rmtree(old, ignore_errors=True)
