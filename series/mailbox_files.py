"""Where the mails of a mailbox are: mbox files, maildirs, single mails, ``.gz`` of these.

Reads a file line by line and a mail at a time, so that memory does not grow with the
mailbox; a line is read in pieces, a mail has a longest length.  An mbox is read as
git-mailsplit(1) does with ``--mboxrd``: a "From " line with a time and a year begins a
mail, and ``>From `` loses one ``>``.
"""

import contextlib
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from generator.errors import UsageError

# "From mboxrd@z Thu Jan  1 00:00:00 1970", "From <commit> Mon Sep 17 00:00:00 2001"
_SEPARATOR = re.compile(rb"From \S+ .*\d:\d\d.*\d{4}")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_GZIP = b"\x1f\x8b"
# Bytes.  No list lets longer ones through; what is beyond is not read.
LONGEST_HEAD = 1 << 18
# Bytes.  A mail is held whole, in several copies; a packed one may be of any length.
LONGEST_MAIL = 1 << 25
# Of a line, at a time.
_PIECE = 1 << 16


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

    Raises ``UsageError`` for what cannot be read, is no mailbox, or has a mail that is
    longer than ``LONGEST_MAIL``.
    """
    if path.is_dir():
        yield from _maildir(path)
        return
    if not path.is_file():  # a FIFO would hold us for ever
        what = "is not a regular file" if path.exists() else "there is no such file"
        raise UsageError(f"{path}: {what}", hint="name mbox files, maildirs or mails")
    with _reading(path), _open(path) as file:
        first = file.readline(LONGEST_HEAD)
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
    start, offset, head, in_head = -1, 0, bytearray(), False
    begins = True  # whether this piece is the beginning of a line
    for line in iter(partial(file.readline, _PIECE), b""):
        if begins and line.startswith(b"From ") and (start < 0 or _SEPARATOR.match(line)):
            if start >= 0:
                yield Place(path, start, offset - start, bytes(head), True)
            start, head, in_head = offset + len(line), bytearray(), True
        elif in_head:
            in_head = bool(line.strip(b"\r\n")) and len(head) < LONGEST_HEAD
            head += line if in_head else b""
        begins = line.endswith(b"\n")
        offset += len(line)
        if offset - start > LONGEST_MAIL:
            raise _too_long(path, start)
    yield Place(path, start, offset - start, bytes(head), True)


def _too_long(path: Path, start: int) -> UsageError:
    return UsageError(
        f"{path}: the mail at byte {start} is longer than {LONGEST_MAIL >> 20} MB",
        hint="no list carries such a mail: take it out of the mailbox",
    )


def _single(path: Path, file: IO[bytes]) -> Place:
    head = bytearray()
    for line in iter(partial(file.readline, _PIECE), b""):
        if not line.strip(b"\r\n") or len(head) > LONGEST_HEAD:
            break
        head += line
    length = file.seek(0, 2) if not _packed(path) else _size(file)
    if length > LONGEST_MAIL:
        raise _too_long(path, 0)
    return Place(path, 0, length, bytes(head), False)


def _size(file: IO[bytes]) -> int:
    """How long an unpacked file is, as far as it matters."""
    while file.read(1 << 20) and file.tell() <= LONGEST_MAIL:
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
