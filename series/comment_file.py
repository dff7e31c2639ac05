"""``comments.toml``: the record of what reviewers want, and what became of it.

reroll adds comments and says what it suggests; marks, notes and everything else a person
wrote stay as they are.  ``series.comments`` makes comments of mails.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from generator.errors import RerollError, UsageError
from generator.suggestion import ending
from series.output import shown
from series.whole_file import write_whole

NAME = "comments.toml"
State = Literal["open", "fixed", "declined", "answered"]
_HEAD = """\
# What reviewers want.  reroll adds to this file; "state", "note" and comments are yours.
# A state is "open", "fixed", "declined" or "answered".
"""
# Of what a word may mean.
_SHOWN = 4
_REASON_LENGTH = 300
_HEADER = re.compile(r"\s*\[\[\s*comment\s*\]\]")
# What follows from the replies each time.
_FOLLOWING = ("patch", "version", "suggested")


@dataclass(frozen=True)
class Comment:
    """One comment of a reviewer, as ``comments.toml`` has it.

    ``file`` and ``line`` are as in ``series.review``; ``author`` is "Name <address>",
    ``date`` in ISO 8601, ``message`` the id of the mail.  ``suggested`` is the state
    that follows from the thread, or empty.  ``forced`` says which versions went out
    while this was open, and why; ``told`` is the version whose changelog got a line about
    it, 0 for none that is known of.
    """

    id: str
    patch: str
    version: int
    file: str
    line: int
    author: str
    date: str
    message: str
    excerpt: str
    state: State = "open"
    note: str = ""
    suggested: str = ""
    quote: str = ""
    approximate: bool = False
    forced: tuple[str, ...] = ()
    told: int = 0


# What a value must be; all other keys are texts.
_KIND_OF: dict[object, type] = {int: int, bool: bool, tuple[str, ...]: list}
_TYPES = {one.name: _KIND_OF.get(one.type, str) for one in fields(Comment)}
_DEFAULTS = {
    one.name: "" if _TYPES[one.name] is str else 0
    for one in fields(Comment)
    if one.default is MISSING
}
_KINDS = {int: "number", bool: "truth value", list: "list of texts", str: "text"}


def read(folder: Path) -> tuple[Comment, ...]:
    """The comments of the series in ``folder``, in the order of the file; none without one.

    Raises ``UsageError`` with the line of what cannot be read.
    """
    return _parsed(folder / NAME, _text(folder / NAME))


def open_ones(folder: Path, *, before: int | None = None) -> tuple[Comment, ...]:
    """The open comments, of versions older than ``before`` where that is given.

    Raises ``UsageError`` as ``read`` does.
    """
    return tuple(
        one
        for one in read(folder)
        if one.state == "open" and (before is None or one.version < before)
    )


def add(
    folder: Path, known: Sequence[Comment], now: Sequence[Comment], new: Iterable[Comment]
) -> None:
    """Write ``new`` comments, and of the ``known`` ones what follows from the replies ``now``.

    Under the lock of the caller.  Raises ``UsageError`` when the file cannot be read,
    ``RerollError`` when it cannot be written.
    """
    text = _edited(folder, known, now, _FOLLOWING)
    _write(folder, text + "\n" * (not text.endswith("\n")) + as_text(new))


def mark(
    folder: Path, ids: Collection[str], state: State | None, note: str | None, told: int = 0
) -> None:
    """Give the comments with these ids another state, or a note, where those are not ``None``.

    ``told``: the changelog of that version tells of them now.  Under the lock of the caller.
    Raises as ``add`` does.
    """
    known = read(folder)
    changes: dict[str, Any] = {"state": state} if state else {}
    if note is not None:
        changes["note"] = note
    if told or state not in (None, "fixed"):
        changes["told"] = told
    now = [replace(one, **changes) if one.id in ids else one for one in known]
    _write(folder, _edited(folder, known, now, tuple(changes)))


def force(folder: Path, ids: Collection[str], version: int, reason: str) -> None:
    """Note with the comments with these ids that ``version`` goes out although they are open.

    Under the lock of the caller.  Raises as ``add`` does.
    """
    known = read(folder)
    today = datetime.now(UTC).date().isoformat()
    line = f"v{version} ({today}): {shown(reason, _REASON_LENGTH)}"
    now = [replace(one, forced=(*one.forced, line)) if one.id in ids else one for one in known]
    _write(folder, _edited(folder, known, now, ("forced",)))


def was_forced(comment: Comment, version: int) -> bool:
    """Whether it was said why ``version`` goes out in spite of ``comment``."""
    return any(line.startswith(f"v{version} (") for line in comment.forced)


def select(known: Sequence[Comment], words: Sequence[str]) -> tuple[Comment, ...]:
    """The comments that ``words`` name: an id, its beginning, or that of all of one mail.

    Raises ``UsageError`` for a word that names none, or comments of several mails.
    """
    chosen: dict[str, Comment] = {}
    for word in words:
        hits = [one for one in known if one.id == word]
        hits = hits or [one for one in known if word and one.id.startswith(word)]
        if not hits:
            near = ending(word, [one.id for one in known])
            raise UsageError(
                f"there is no comment '{word}'", hint=f"'reroll comments --all' lists them{near}"
            )
        if len({one.message for one in hits}) > 1:
            some = ", ".join(one.id for one in hits[:_SHOWN])
            more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
            raise UsageError(
                f"'{word}' names comments of several mails: {some}{more}",
                hint="give more of the id",
            )
        chosen |= {one.id: one for one in hits}
    return tuple(chosen.values())


def _text(path: Path) -> str:
    """The file; empty where there is none."""
    if path.exists() and not path.is_file():  # a FIFO would hold us for ever
        raise UsageError(f"{path}: is not a regular file", hint="move it away")
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}: is not UTF-8", hint="correct the line") from error


def _parsed(path: Path, text: str) -> tuple[Comment, ...]:
    try:
        tables = tomllib.loads(text).get("comment", [])
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}", hint="correct the line") from error
    except RecursionError as error:
        raise UsageError(f"{path}: is nested too deep", hint="correct it") from error
    if not isinstance(tables, list):
        raise UsageError(f"{path}: 'comment' must be tables", hint="write [[comment]]")
    heads = [n for n, line in enumerate(text.split("\n"), 1) if _HEADER.match(line)]
    found: list[Comment] = []
    ids: set[str] = set()
    for index, table in enumerate(tables):
        problem = _problem(table) or (f"id {table['id']!r} is there twice" * (table["id"] in ids))
        if problem:
            where = f":{heads[index]}" if len(heads) == len(tables) else ""
            raise UsageError(f"{path}{where}: {problem}", hint="correct this comment")
        ids.add(table["id"])
        values = {name: table[name] for name in _TYPES if name in table}
        values["forced"] = tuple(table.get("forced", ()))
        found.append(Comment(**{**_DEFAULTS, **values}))
    return tuple(found)


def _problem(table: object) -> str:
    """Why a table is no comment, or empty."""
    if not isinstance(table, dict):
        return "a comment must be a table"
    for name, kind in _TYPES.items():
        if name in table and type(table[name]) is not kind:
            return f"'{name}' must be a {_KINDS[kind]}"
    if any(not isinstance(one, str) for one in table.get("forced", ())):
        return "'forced' must be a list of texts"
    if not table.get("id"):
        return "a comment has no 'id'"
    if "version" not in table or not 1 <= table["version"] <= 99999:
        return "'version' must be a number from 1"
    if table.get("state", "open") not in get_args(State):
        return f"state '{table['state']}' is none of {', '.join(get_args(State))}"
    return ""


def _edited(
    folder: Path, before: Sequence[Comment], after: Sequence[Comment], keys: Sequence[str]
) -> str:
    """The text of the file with ``keys`` as in ``after``; what does not change stays."""
    text = _text(folder / NAME)
    if list(before) == list(after):
        return text or _HEAD
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document: Any = tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        raise UsageError(f"{folder / NAME}: {error}", hint="correct it") from error
    for table, old, new in zip(document["comment"], before, after, strict=True):
        for key in keys:
            value = asdict(new)[key]
            if value != asdict(old)[key]:
                table[key] = list(value) if isinstance(value, tuple) else value
    return tomlkit.dumps(document)


def as_text(new: Iterable[Comment]) -> str:
    """Comments as TOML, to be put behind others."""
    made = []
    for one in new:
        values = {
            name: value
            for name, value in asdict(one).items()
            if value or name in ("patch", "file", "line", "state", "note", "suggested")
        }
        lines = (f"{name} = {_value(value)}" for name, value in values.items())
        made.append("\n".join(["", "[[comment]]", *lines, ""]))
    return "".join(made)


def _value(value: str | int | Sequence[str]) -> str:
    """A value as TOML: what JSON escapes, TOML's basic strings escape alike, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(folder: Path, text: str) -> None:
    """Write the file whole, where it is not so already; none for no comments."""
    path = folder / NAME
    if text in (_text(path), _HEAD):
        return
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error
