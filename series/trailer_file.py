"""``trailers.toml``: the record of the tags that reviewers gave, and what became of each.

reroll adds to it and keeps it true to the replies; ``decision`` and what else a person writes
into it stays.  ``series.trailers`` makes tags of mails.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from generator.errors import RerollError, UsageError
from series.whole_file import write_whole

if TYPE_CHECKING:
    from series.givers import Givers

FILE_NAME = "trailers.toml"
State = Literal[
    "given", "withdrawn", "given again", "conditional", "partial", "whole series", "unclear"
]
# What is taken into the next version while the patch stays the same one.
TAKEN: tuple[State, ...] = ("given", "given again", "partial", "whole series")
_HEAD = """\
# What reviewers gave.  reroll adds to this file and keeps version, state, messages and why
# true to the replies; "decision" ("take", "drop") and comments are yours.
"""
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*[\"']?trailer[\"']?[ \t]*\]\]", re.MULTILINE)
_FOLLOWING = ("version", "state", "messages", "why")


@dataclass(frozen=True)
class Tag:
    """A tag of one person for one patch, as ``trailers.toml`` has it.

    ``patch`` is the patch's id, empty where it is of none; ``version`` the one it was given
    to; ``trailer`` the line; ``messages`` the ids of the mails that say so; ``why`` the
    words for a state that is not plainly given; ``decision`` is the user's: "take", "drop"
    or empty.
    """

    patch: str
    version: int
    trailer: str
    state: State
    messages: tuple[str, ...]
    why: str = ""
    decision: str = ""

    @property
    def name(self) -> str:
        """The tag without the person: "Acked-by"."""
        return self.trailer.partition(":")[0]

    @property
    def person(self) -> str:
        """Who gave it, as the trailer names them."""
        return self.trailer.partition(":")[2].strip()

    @property
    def taken(self) -> bool:
        """Whether it goes into the next version where it survives."""
        return self.decision == "take" if self.decision else self.state in TAKEN


def read(folder: Path) -> tuple[Tag, ...]:
    """The tags in ``trailers.toml``; none where there is no such file.

    Raises ``UsageError`` for a file that cannot be read or means nothing.
    """
    return tuple(_checked(folder / FILE_NAME, _text(folder / FILE_NAME)))


def update(
    folder: Path,
    found: Sequence[Tag],
    known: frozenset[str],
    givers: "Givers",
    *,
    dry_run: bool = False,
) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
    """Bring ``trailers.toml`` up to date with ``found``, under the lock of the caller.

    ``known`` are the message ids of all mails that there are: an entry whose mails are
    among them and that none of them gives any more goes, unless the user has decided on
    it.  Answers the tags as the file has them now, and those that are new or changed.
    Raises as ``read`` does, and ``RerollError`` where it cannot be written.
    """
    path = folder / FILE_NAME
    text = _text(path)
    before = _checked(path, text)
    givers.learn(tag.person for tag in (*before, *found))
    places = _places(before, found, givers)
    edits: dict[int, Tag | None] = {}
    for at, tag in enumerate(before):
        if at in places:
            now = places[at]
            edits[at] = replace(now, trailer=tag.trailer, decision=tag.decision)
        elif tag.messages and known.issuperset(tag.messages) and not tag.decision:
            edits[at] = None
    new = [tag for tag in found if tag not in places.values()]
    changed = [tag for at, tag in edits.items() if tag is not None and tag != before[at]]
    if not dry_run:
        made = _edited(path, text, before, edits) + _blocks(new, first=not text)
        if made != text:
            _checked(path, made)
            _write(path, made)
    kept = [edits.get(at, tag) for at, tag in enumerate(before)]
    return (*(tag for tag in kept if tag is not None), *new), (*changed, *new)


def _places(before: Sequence[Tag], found: Sequence[Tag], givers: "Givers") -> dict[int, Tag]:
    """Which entry of the file is which tag: by patch, name and person, else by its first mail."""
    keys: dict[tuple[str, str, str], int] = {}
    mails: dict[tuple[str, str, str], int] = {}
    for number, tag in enumerate(before):
        keys.setdefault((tag.patch, tag.name.lower(), givers.key(tag.person)), number)
        if tag.messages:
            mails.setdefault((tag.patch, tag.name.lower(), tag.messages[0]), number)
    places: dict[int, Tag] = {}
    for tag in found:
        at: int | None = keys.get((tag.patch, tag.name.lower(), givers.key(tag.person)))
        # The user has mended the trailer.
        at = mails.get((tag.patch, tag.name.lower(), tag.messages[0])) if at is None else at
        if at is not None:
            places.setdefault(at, tag)
    return places


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8"
        raise UsageError(f"{path}: cannot be read: {why}") from error


def _checked(path: Path, text: str) -> list[Tag]:
    try:
        found_there = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint="mend it, or move it away") from error
    entries = found_there.get("trailer", [])
    # To "trailer = [...]" no table can be added.
    if not isinstance(entries, list) or ("trailer" in found_there and not _TABLE.search(text)):
        raise UsageError(f"{path}: 'trailer' must be tables: [[trailer]]")
    found = []
    for number, entry in enumerate(entries, 1):
        if problem := _problem(entry):
            raise UsageError(f"{path}: trailer {number}: {problem}", hint="mend it")
        found.append(
            Tag(
                entry["patch"],
                entry["version"],
                entry["trailer"],
                entry["state"],
                tuple(entry.get("messages", ())),
                entry.get("why", ""),
                entry.get("decision", ""),
            )
        )
    return found


def _problem(entry: object) -> str:
    """What is wrong with an entry of the file, or empty."""
    if not isinstance(entry, dict):
        return "must be a table: [[trailer]]"
    texts = {key: entry.get(key, "") for key in ("patch", "trailer", "state", "why", "decision")}
    messages = entry.get("messages", [])
    if bad := next((key for key, value in texts.items() if not isinstance(value, str)), ""):
        return f"'{bad}' must be a text"
    version = entry.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        return "'version' must be a whole number"
    if texts["state"] not in get_args(State):
        return f"'state' must be one of: {', '.join(get_args(State))}"
    if texts["decision"] not in ("", "take", "drop"):
        return '\'decision\' must be "take", "drop" or empty'
    if not isinstance(messages, list) or not all(isinstance(one, str) for one in messages):
        return "'messages' must be a list of message ids"
    name, colon, person = texts["trailer"].partition(": ")
    if not (name and colon and person.strip()) or not name.replace("-", "").isalnum():
        return "'trailer' must be a line like 'Acked-by: Name <address>'"
    if not texts["trailer"].isprintable():
        return "'trailer' has control characters"
    return ""


def _edited(path: Path, text: str, before: Sequence[Tag], edits: Mapping[int, Tag | None]) -> str:
    """The text with the entries changed that changed; the rest as it was."""
    wanted = {at: tag for at, tag in edits.items() if tag != before[at]}
    if not wanted:
        return text
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        entries = document["trailer"]
        for at, tag in wanted.items():
            if tag is not None:
                values = asdict(tag)
                for key in _FOLLOWING:
                    value = values[key]
                    entries[at][key] = list(value) if isinstance(value, tuple) else value
        return _without(tomlkit.dumps(document), [at for at, tag in wanted.items() if tag is None])
    except (TOMLKitError, RecursionError, TypeError, KeyError) as error:
        raise UsageError(f"{path}: cannot be changed: {error}") from error


def _without(text: str, gone: Sequence[int]) -> str:
    """The text without some entries, but with the comments in them."""
    blocks = re.split(r"^(?=[ \t]*\[\[[ \t]*trailer[ \t]*\]\])", text, flags=re.MULTILINE)
    if len(blocks) - 1 != len(tomllib.loads(text)["trailer"]):
        return text  # a text of several lines that looks like an entry: nothing is taken away
    for at in gone:
        lines = blocks[at + 1].splitlines(keepends=True)
        blocks[at + 1] = "".join(line for line in lines if line.lstrip().startswith("#"))
    return "".join(blocks)


def _blocks(new: Sequence[Tag], *, first: bool) -> str:
    """New entries, as text: a document of thousands of tables is slow to change."""
    if not new:
        return ""
    import tomlkit

    made = [_HEAD if first else ""]
    for tag in new:
        values = asdict(tag)
        lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items()]
        made.append("\n[[trailer]]\n" + "\n".join(lines) + "\n")
    return "".join(made)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise RerollError(f"{path}: cannot be written: {error.strerror}") from error
