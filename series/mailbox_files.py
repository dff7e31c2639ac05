"""Where the mails of a mailbox are: mbox files, maildirs, single mails, ``.gz`` of these.

Reads a file line by line and a mail at a time, so that memory does not grow with the
mailbox.  An mbox is read as git-mailsplit(1) does with ``--mboxrd``: a "From " line with a
time and a year begins a mail, and ``>From `` loses one ``>``.
"""

import contextlib
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from generator.errors import UsageError

# "From mboxrd@z Thu Jan  1 00:00:00 1970", "From <commit> Mon Sep 17 00:00:00 2001"
_SEPARATOR = re.compile(rb"From \S+ .*\d:\d\d.*\d{4}")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_GZIP = b"\x1f\x8b"
# No list lets longer ones through; what is beyond is not read.
_LONGEST_HEAD = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where a mail is: ``length`` bytes from ``offset`` of the unpacked file.

    ``head`` are its header lines; ``mbox`` says that its "From " lines are escaped.
    """

    path: Path
    offset: int
    length: int
    head: bytes
    mbox: bool


def places(path: Path) -> Iterator[Place]:
    """Every mail of a mailbox, in order.

    Raises ``UsageError`` for what cannot be read, or is no mailbox.
    """
    if path.is_dir():
        yield from _maildir(path)
        return
    if not path.is_file():  # a FIFO would hold us for ever
        what = "is not a regular file" if path.exists() else "there is no such file"
        raise UsageError(f"{path}: {what}", hint="name mbox files, maildirs or mails")
    with _reading(path), _open(path) as file:
        first = file.readline(_LONGEST_HEAD)
        file.seek(0)
        if first.startswith(b"From "):
            yield from _mbox(path, file)
        elif _FIELD.match(first):
            yield _single(path, file)
        elif first:
            raise UsageError(
                f"{path}: is neither an mbox, a maildir nor a mail",
                hint="an mbox begins with a 'From ' line, a mail with a header",
            )


def contents(wanted: Iterable[Place]) -> Iterator[bytes]:
    """The bytes of each mail, in the order asked; quickest in the order of ``places``."""
    with contextlib.ExitStack() as stack:
        path, file = None, None
        for place in wanted:
            with _reading(place.path):
                if file is None or path != place.path:
                    stack.close()
                    path, file = place.path, stack.enter_context(_open(place.path))
                file.seek(place.offset)
                content = file.read(place.length)
            yield _unescaped(content) if place.mbox else content


def escaped(content: bytes) -> bytes:
    """A mail as an mboxrd has it, with its "From " line and an empty line behind."""
    body = re.sub(rb"^(>*From )", rb">\1", content, flags=re.MULTILINE)
    end = b"\n" if body.endswith(b"\n") else b"\n\n"
    return b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + body + end


def _unescaped(content: bytes) -> bytes:
    # The empty line before the next "From " line is not of this mail.
    end = next((one for one in (b"\n", b"\r\n") if content.endswith(b"\n" + one)), b"")
    whole = content.removesuffix(end)
    return _ESCAPED.sub(rb"\1", whole) if b"From " in whole else whole


def _mbox(path: Path, file: IO[bytes]) -> Iterator[Place]:
    start, offset, head, in_head = -1, 0, b"", False
    for line in file:
        if line.startswith(b"From ") and (start < 0 or _SEPARATOR.match(line)):
            if start >= 0:
                yield Place(path, start, offset - start, head, True)
            start, head, in_head = offset + len(line), b"", True
        elif in_head:
            in_head = bool(line.strip(b"\r\n")) and len(head) < _LONGEST_HEAD
            head += line if in_head else b""
        offset += len(line)
    yield Place(path, start, offset - start, head, True)


def _single(path: Path, file: IO[bytes]) -> Place:
    head = b""
    for line in file:
        if not line.strip(b"\r\n") or len(head) > _LONGEST_HEAD:
            break
        head += line
    return Place(path, 0, file.seek(0, 2) if not _packed(path) else _size(file), head, False)


def _size(file: IO[bytes]) -> int:
    while file.read(1 << 20):
        pass
    return file.tell()


def _maildir(path: Path) -> Iterator[Place]:
    folders = [path / name for name in ("cur", "new") if (path / name).is_dir()]
    if not folders:
        raise UsageError(
            f"{path}: is a directory, but no maildir", hint="a maildir has 'cur' and 'new'"
        )
    for folder in folders:
        for one in sorted(folder.iterdir()):
            if one.is_file() and not one.name.startswith("."):
                with _reading(one), _open(one) as file:
                    yield _single(one, file)


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _open(path: Path) -> IO[bytes]:
    if _packed(path):
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read: {why}") from error
