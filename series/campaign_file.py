"""Changes to ``series.toml`` that keep what the user wrote: comments, order, white space.

The new text is validated before it takes the old one's place, and replaces it whole.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item, Table

from generator import campaign as campaign_module
from generator.campaign import FILE_NAME, Campaign
from generator.errors import CampaignError, RerollError, UsageError

# What a series folder holds that is no part of the campaign.
_NO_CAMPAIGN = ("versions", "outgoing", "replies", "series", "resolve", ".git")
# What is longer than this is written over several lines.
_WIDE = 80
_HEADER = re.compile(r"^\[\[\s*patch\s*\]\]", re.MULTILINE)
# Tables of a patch, or of another top-level table.
_BELOW = re.compile(r"\[+\s*\w+\s*\.")


class CampaignFile:
    """``series.toml`` of a folder, being changed; nothing is written before ``save``.

    ``files`` are written beside it (name below the folder, content).
    """

    def __init__(self, folder: Path) -> None:
        """Read the file; ``CampaignError`` when it is not a valid campaign."""
        campaign_module.load(folder)
        self._folder = folder
        self._before = (folder / FILE_NAME).read_text(encoding="utf-8")
        try:
            self._document = tomlkit.parse(self._before)
        except (TOMLKitError, RecursionError) as error:
            raise CampaignError([f"{folder / FILE_NAME}: {error}"]) from error
        self._files: dict[str, bytes] = {}

    @property
    def text(self) -> str:
        """The file as it would be written."""
        return tomlkit.dumps(self._document)

    def write_file(self, name: str, content: bytes) -> None:
        """Let ``name``, a relative path in the series folder, have ``content``."""
        self._files[name] = content

    def set_series(self, key: str, value: object) -> None:
        """Set (or, for ``None``, remove) a key of ``[series]``."""
        _set(self._document["series"], key, value)

    def set_patch(self, patch: str, key: str, value: object) -> None:
        """Set (or, for ``None``, remove) a key of the patch with that id."""
        _set(self._patch(patch), key, value)

    def set_steps(self, patch: str, steps: Sequence[Mapping[str, object]]) -> None:
        """Give the patch with that id other steps."""
        with self._alone(patch) as table:
            table["step"] = _tables(steps)

    def add_step(self, patch: str, step: Mapping[str, object]) -> None:
        """Add a step behind the others of the patch with that id."""
        with self._alone(patch) as table:
            steps = table["step"]
            if isinstance(steps, AoT):
                made = _table(step)
                made.trivia.indent = "\n"
                steps.append(made)
            else:  # an inline array of inline tables
                table["step"] = _tables([*(dict(one) for one in table.unwrap()["step"]), step])

    def set_step(self, patch: str, at: int, step: Mapping[str, object]) -> None:
        """Give the patch with that id another step instead of its step ``at`` (from 1)."""
        with self._alone(patch) as table:
            steps: Any = table["step"]
            steps[at - 1] = _table(step) if isinstance(steps, AoT) else _value(step)

    def set_step_key(self, patch: str, at: int, key: str, value: object) -> None:
        """Set a key of the step ``at`` (from 1) of the patch with that id."""
        steps: Any = self._patch(patch)["step"]
        _set(steps[at - 1], key, value)

    def remove_step(self, patch: str) -> None:
        """Remove the last step of the patch with that id, which has others."""
        with self._alone(patch) as table:
            steps: Any = table["step"]
            del steps[len(steps) - 1]

    @contextlib.contextmanager
    def _alone(self, patch: str) -> Iterator[Table]:
        """The table of a patch without the comments that stand above the next one.

        They would go, or be in a wrong place, with the last of its steps.
        """
        at, blocks = self._index(patch), self._blocks()
        document = tomlkit.parse(blocks[at])
        tables: Any = document["patch"]
        yield tables[0]
        blocks[at] = tomlkit.dumps(document)
        self._arrange(blocks)

    def add_patch(self, patch: Mapping[str, object], *, after: str | None) -> None:
        """Add a patch behind the one with the id ``after``; ``None`` makes it the first."""
        at = 0 if after is None else self._index(after) + 1
        made = tomlkit.dumps({"patch": _tables([patch])})
        self._arrange([*self._blocks()[:at], made, *self._blocks()[at:]])

    def remove_patch(self, patch: str) -> None:
        """Remove the patch with that id."""
        at = self._index(patch)
        self._arrange([one for index, one in enumerate(self._blocks()) if index != at])

    def reorder(self, ids: Sequence[str]) -> None:
        """Put the patches in the order of ``ids``, which has all of them."""
        if sorted(ids) != sorted(self.ids):
            raise ValueError("the order must name every patch once")
        blocks = dict(zip(self.ids, self._blocks(), strict=True))
        self._arrange([blocks[name] for name in ids])

    @property
    def ids(self) -> list[str]:
        """The ids of the patches in their order."""
        return [str(one["id"]) for one in self._patches()]

    def add_changelog(self, patch: str | None, version: int, lines: Iterable[str]) -> None:
        """Add lines to the changelog of a version: of a patch, or of the series for ``None``.

        Lines that are there already are not added again.
        """
        holder: Any = self._document["series"] if patch is None else self._patch(patch)
        if "changelog" not in holder:
            holder["changelog"] = tomlkit.table() if patch is None else tomlkit.inline_table()
        table = holder["changelog"]
        known = [str(line) for line in table.get(str(version), [])]
        wanted = [*known, *(line for line in dict.fromkeys(lines) if line not in known)]
        if wanted != known or str(version) not in table:
            table[str(version)] = _value(wanted)

    def save(self) -> Campaign:
        """Validate and write the files and then ``series.toml``, each by rename.

        Returns the new campaign.  Raises ``CampaignError`` when it would not be valid, and
        ``UsageError`` when the file changed meanwhile; then nothing is written.
        """
        self.preview()
        file = self._folder / FILE_NAME
        try:
            if file.read_text(encoding="utf-8") != self._before:
                raise UsageError(f"{file}: was changed meanwhile", hint="try again")
            for name, content in self._files.items():
                write_whole(self._folder / name, content)
            write_whole(file, self.text.encode())
        except OSError as error:
            raise RerollError(f"{error.filename}: cannot be written: {error.strerror}") from error
        self._before = self.text
        return campaign_module.load(self._folder)

    def preview(self) -> Campaign:
        """The campaign as it would be; nothing is written.  Raises ``CampaignError``."""
        with self.draft() as made:
            return replace(made, folder=self._folder.resolve())

    @contextlib.contextmanager
    def draft(self) -> Iterator[Campaign]:
        """The campaign as it would be, in a temporary copy of the folder without its versions.

        Raises ``CampaignError`` when it would not be valid.
        """
        with TemporaryDirectory(prefix="reroll-campaign-") as place:
            copy = Path(place) / "series"
            ignored = shutil.ignore_patterns(*_NO_CAMPAIGN)
            shutil.copytree(self._folder, copy, ignore=ignored, symlinks=True)
            for name, content in self._files.items():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes(content)
            (copy / FILE_NAME).write_text(self.text, encoding="utf-8")
            try:
                made = campaign_module.load(copy)
            except CampaignError as error:
                named = [line.replace(str(copy), str(self._folder)) for line in error.problems]
                raise CampaignError(named, hint=error.hint) from error
            yield made

    def _patches(self) -> list[Table]:
        return list(self._document["patch"])

    def _blocks(self) -> list[str]:
        """The text of each patch, with the comments above it."""
        return [block for block in _split(self.text) if _HEADER.search(block)]

    def _arrange(self, patches: Sequence[str]) -> None:
        """Put ``patches`` where the first patch is, instead of all."""
        every = _split(self.text)
        places = [at for at, block in enumerate(every) if _HEADER.search(block)]
        rest = [block for at, block in enumerate(every) if at not in places]
        made = [f"{block.rstrip()}\n\n" for block in patches]
        text = "".join([*rest[: places[0]], *made, *rest[places[0] :]]).rstrip() + "\n"
        try:
            self._document = tomlkit.parse(text)
        except TOMLKitError as error:  # a text of several lines that looks like a table
            raise CampaignError(
                [f"{self._folder / FILE_NAME}: its tables cannot be told apart: {error}"]
            ) from error

    def _index(self, patch: str) -> int:
        if patch not in self.ids:
            known = ", ".join(self.ids)
            raise UsageError(f"series.toml has no patch '{patch}'", hint=f"there are: {known}")
        return self.ids.index(patch)

    def _patch(self, patch: str) -> Table:
        return self._patches()[self._index(patch)]


def _split(text: str) -> list[str]:
    """A file in its top-level tables, each with the comments right above it."""
    blocks = [""]
    waiting = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("#"):
            waiting += line
        elif line.startswith("[") and not _BELOW.match(line):
            blocks.append(waiting + line)
            waiting = ""
        else:
            blocks[-1] += waiting + line
            waiting = ""
    blocks[-1] += waiting
    return blocks


def new_campaign(series: Mapping[str, object], patches: Sequence[Mapping[str, object]]) -> str:
    """The text of a ``series.toml`` with these values (as docs/campaign.md names them)."""
    document = tomlkit.document()
    document["series"] = _table(series)
    document["patch"] = _tables(patches)
    return tomlkit.dumps(document)


def _set(table: Table, key: str, value: object) -> None:
    if value is None:
        table.pop(key, None)
    elif key in table or not any(isinstance(one, AoT | Table) for one in table.values()):
        table[key] = _value(value)
    else:
        _insert_before_tables(table, key, value)


def _insert_before_tables(table: Table, key: str, value: object) -> None:
    """Add a key where it belongs to this table, not to one below it."""
    below = {name: table[name] for name in table if isinstance(table[name], AoT | Table)}
    for name in below:
        table.remove(name)
    table[key] = _value(value)
    for name, item in below.items():
        table[name] = item


def _tables(values: Sequence[Mapping[str, object]]) -> AoT:
    made = tomlkit.aot()
    for value in values:
        made.append(_table(value))
    return made


def _table(values: Mapping[str, object]) -> Table:
    """A table: plain keys first, tables and arrays of tables below them."""
    made = tomlkit.table()
    later = {}
    for key, value in values.items():
        if value is None:
            continue
        if _is_tables(value) or _has_lists(value):
            later[key] = value
        else:
            made[key] = _value(value)
    for key, value in later.items():
        if isinstance(value, Mapping):
            made[key] = _table(value)
            made[key].trivia.indent = "\n"
        else:
            made[key] = _tables(value)  # type: ignore[arg-type]
            made[key][0].trivia.indent = "\n"
    return made


def _is_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _has_lists(value: object) -> bool:
    """Whether a table would be a long line, were it written as one."""
    return isinstance(value, Mapping) and any(
        isinstance(one, list | tuple) for one in value.values()
    )


def _value(value: object) -> Item:
    """A value as a person would write it: long texts and lists over several lines."""
    if isinstance(value, str) and "\n" in value:
        return _text(value)
    if isinstance(value, list | tuple):
        items = [str(one) for one in value]
        array = tomlkit.array()
        array.extend(value)
        return array.multiline(sum(map(len, items)) > _WIDE)
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, one in value.items():
            table[str(key)] = _value(one)
        return table
    return tomlkit.item(value)


def _text(value: str) -> Item:
    """A text of several lines; literal where that spares escapes."""
    literal = "\\" in value and "'''" not in value and not value.endswith("'")
    literal = literal and not any(char < " " and char not in "\n\t" for char in value)
    raw = tomlkit.string(value, literal=literal, multiline=True).as_string()
    if not value.startswith("\n"):  # a line end right behind the quotes does not count
        raw = f"{raw[:3]}\n{raw[3:]}"
    made = tomlkit.parse(f"text = {raw}\n")["text"]
    assert isinstance(made, Item)  # noqa: S101
    return made


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, its folder made; ``OSError`` when it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(prefix=f".{path.name}-", dir=path.parent, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            mode = path.stat().st_mode if path.exists() else 0o644
            os.chmod(file.name, mode & 0o777)  # noqa: PTH101
            Path(file.name).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
            raise
