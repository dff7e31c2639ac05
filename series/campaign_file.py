"""Changes to ``series.toml`` that keep what the user wrote: comments, order, white space.

The new text is validated before it takes the old one's place, and replaces it whole.
"""

import contextlib
import io
import shutil
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Item, Table

from generator import campaign as campaign_module
from generator.campaign import FILE_NAME, Campaign
from generator.errors import CampaignError, RerollError, UsageError
from generator.suggestion import meant
from series.toml_text import Section, appended, sections
from series.whole_file import write_whole

# What a series folder holds that is no part of the campaign.
_NO_CAMPAIGN = ("versions", "outgoing", "replies", "series", "resolve", ".git")
# What is longer than this is written over several lines.
_WIDE = 80


@dataclass(frozen=True)
class _Block:
    """A patch as it stands in the file, and what it says."""

    sections: list[Section]
    value: dict[str, Any]


class CampaignFile:
    """``series.toml`` of a folder, being changed; nothing is written before ``save``.

    ``files`` are written beside it (name below the folder, content).  Beside the text stand
    the values that it is to have, and ``text`` raises ``RerollError`` when it has others.
    """

    def __init__(self, folder: Path) -> None:
        """Read the file; ``CampaignError`` when it is not a valid campaign."""
        campaign_module.load(folder)
        self._folder = folder
        self._before = (folder / FILE_NAME).read_bytes()
        self._checked = io.StringIO(self._before.decode(), newline=None).read()
        self._sections = sections(self._checked)
        self._wanted = tomllib.loads(self._checked)
        self._files: dict[str, bytes] = {}

    @property
    def text(self) -> str:
        """The file as it would be, with line feeds only."""
        text = _joined(self._sections)
        if text != self._checked:
            try:
                if tomllib.loads(text) != self._wanted:
                    raise self._fault("its tables do not stand each by itself")
            except tomllib.TOMLDecodeError as error:
                raise self._fault(str(error)) from error
            self._checked = text
        return text

    def write_file(self, name: str, content: bytes) -> None:
        """Let ``name``, a relative path in the series folder, have ``content``."""
        self._files[name] = content

    def set_series(self, key: str, value: object) -> None:
        """Set (or, for ``None``, remove) a key of ``[series]``."""
        self._set(None, key, value)

    def set_patch(self, patch: str, key: str, value: object) -> None:
        """Set (or, for ``None``, remove) a key of the patch with that id."""
        self._set(patch, key, value)

    def set_steps(self, patch: str, steps: Sequence[Mapping[str, object]]) -> None:
        """Give the patch with that id other steps."""
        with self._steps(patch) as table:
            table["step"] = _tables(steps)

    def add_step(self, patch: str, step: Mapping[str, object]) -> None:
        """Add a step behind the others of the patch with that id."""
        with self._steps(patch) as table:
            steps = table["step"]
            if isinstance(steps, AoT):
                made = _table(step)
                made.trivia.indent = "\n"
                steps.append(made)
            else:  # an inline array of inline tables
                table["step"] = _tables([*(dict(one) for one in table.unwrap()["step"]), step])

    def set_step(self, patch: str, at: int, step: Mapping[str, object]) -> None:
        """Give the patch with that id another step instead of its step ``at`` (from 1)."""
        with self._steps(patch) as table:
            steps: Any = table["step"]
            steps[at - 1] = _table(step) if isinstance(steps, AoT) else _value(step)

    def set_step_key(self, patch: str, at: int, key: str, value: object) -> None:
        """Set a key of the step ``at`` (from 1) of the patch with that id."""
        place = self._find(patch, "step", nth=at - 1)
        if place is not None and key not in self._holder(patch)["step"][at - 1]:
            self._insert(place, tomlkit.dumps({key: _value(value)}), patch, "step")
            return
        with self._table(patch, "step") as table:
            steps: Any = table["step"]
            _set(steps[at - 1], key, value)

    def remove_step(self, patch: str) -> None:
        """Remove the last step of the patch with that id, which has others."""
        with self._steps(patch) as table:
            steps: Any = table["step"]
            del steps[len(steps) - 1]

    def add_patch(self, patch: Mapping[str, object], *, after: str | None) -> None:
        """Add a patch behind the one with the id ``after``; ``None`` makes it the first."""
        at = 0 if after is None else self._index(after) + 1
        text = tomlkit.dumps({"patch": _tables([patch])})
        made = _Block(_parted(sections(text), "\n"), *tomllib.loads(text)["patch"])
        blocks = self._blocks()
        self._arrange([*blocks[:at], made, *blocks[at:]])

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
        return [str(one["id"]) for one in self._wanted["patch"]]

    def add_changelog(self, patch: str | None, version: int, lines: Iterable[str]) -> None:
        """Add lines to the changelog of a version: of a patch, or of the series for ``None``.

        Lines that are there already are not added again.
        """
        number, holder = str(version), self._holder(patch)
        known = holder.get("changelog", {}).get(number)
        new = [line for line in dict.fromkeys(lines) if line not in (known or ())]
        if not new and known is not None:
            return
        line = tomlkit.dumps({number: _value(new)})
        if "changelog" not in holder and patch is None and (at := self._find(None)) is not None:
            self._insert(at, f"\n[series.changelog]\n{line}", patch, "changelog")
        elif "changelog" not in holder:
            self._set(patch, "changelog", {number: new})
        elif known is None and (at := self._find(patch, "changelog")) is not None:
            self._insert(at, line, patch, "changelog")
        else:
            with self._table(patch, "changelog") as table:
                changelog: Any = table["changelog"]
                changelog[number] = _extended(changelog.get(number), known or [], new)

    def remove_changelog(self, patch: str | None, version: int, lines: Collection[str]) -> None:
        """Remove those of ``lines`` that the changelog of a version has (see ``add_changelog``)."""
        number = str(version)
        known = self._holder(patch).get("changelog", {}).get(number, ())
        gone = [at for at, line in enumerate(known) if line in lines]
        if not gone:
            return
        with self._table(patch, "changelog") as table:
            changelog: Any = table["changelog"]
            noted = "#" in changelog[number].as_string() + changelog[number].trivia.comment
            if len(gone) == len(known) and not noted:
                del changelog[number]
                return
            for at in reversed(gone):  # what a person noted beside them stays
                del changelog[number][at]

    def save(self) -> Campaign:
        """Validate and write the files and then ``series.toml``, each by rename.

        Returns the new campaign.  Raises ``CampaignError`` when it would not be valid, and
        ``UsageError`` when the file changed meanwhile; then nothing is written.
        """
        self.preview()
        file, content = self._folder / FILE_NAME, self._encoded()
        try:
            if file.read_bytes() != self._before:
                raise UsageError(f"{file}: was changed meanwhile", hint="try again")
            for name, beside in self._files.items():
                write_whole(self._folder / name, beside)
            write_whole(file, content)
        except OSError as error:
            raise RerollError(f"{error.filename}: cannot be written: {error.strerror}") from error
        self._before = content
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

    def _encoded(self) -> bytes:
        """The file's new content, with the line ends that most of its lines had."""
        carriage = 2 * self._before.count(b"\r\n") > self._before.count(b"\n")
        return (self.text.replace("\n", "\r\n") if carriage else self.text).encode()

    def _holder(self, patch: str | None) -> dict[str, Any]:
        """The values of a patch, or of the series for ``None``."""
        place = "series" if patch is None else "patch"
        found: Any = self._wanted[place]
        holder: dict[str, Any] = found if patch is None else found[self._index(patch)]
        return holder

    def _index(self, patch: str) -> int:
        if patch not in self.ids:
            hint = meant(patch, self.ids) or f"there are: {', '.join(self.ids)}"
            raise UsageError(f"series.toml has no patch '{patch}'", hint=hint)
        return self.ids.index(patch)

    def _find(self, patch: str | None, *below: str, nth: int = 0) -> int | None:
        """The section with the header of a patch (or the series), or of a table ``below`` it."""
        path = ("series" if patch is None else "patch", *below)
        where = range(len(self._sections)) if patch is None else self._span(patch, self._sections)
        found = [at for at in where if self._sections[at].path == path]
        return found[nth] if nth < len(found) else None

    def _span(self, patch: str | None, every: Sequence[Section]) -> range:
        """The sections of a patch, or of the series; none where they do not stand together."""
        if patch is not None:
            spans = _patches(every)
            return spans[self._index(patch)] if spans else range(0)
        heads = [at for at, one in enumerate(every) if one.path == ("series",)]
        span = _span(every, heads[0]) if heads else range(0)
        return span if len(span) == sum(one.path[:1] == ("series",) for one in every) else range(0)

    def _set(self, patch: str | None, key: str, value: object) -> None:
        """Set (or remove) a key of a patch, or of the series for ``None``."""
        at = self._find(patch)
        if key in self._holder(patch) or at is None:
            with self._table(patch, key) as table:
                _set(table, key, value)
        elif value is not None:
            self._insert(at, tomlkit.dumps({key: _value(value)}), patch, key)

    def _insert(self, at: int, lines: str, patch: str | None, key: str) -> None:
        """Put lines behind the last statement of a section: a new ``key`` of ``_take``."""
        old, every = self._sections[at], list(self._sections)
        every[at : at + 1] = _parted(sections(_ended(old.body) + lines), old.gap)
        every[at] = replace(every[at], lead=old.lead)
        self._take(every, patch, key)

    @contextlib.contextmanager
    def _steps(self, patch: str) -> Iterator[Table]:
        """``_table`` for steps that come and go."""
        if not self._span(patch, self._sections):
            self._refuse_inline()
        with self._table(patch, "step") as table:
            yield table

    @contextlib.contextmanager
    def _table(self, patch: str | None, key: str) -> Iterator[Table]:
        """The table of a patch (or the series), of which ``key`` is to be changed.

        It is alone in its document, so that comments on what is next to it stay there.
        """
        span = self._span(patch, self._sections)
        own = self._sections[span.start : span.stop] if span else self._sections
        lead, gap = (own[0].lead, own[-1].gap) if span else ("", "")
        try:
            document = tomlkit.parse(_joined(own).removeprefix(lead).removesuffix(gap))
            found: Any = document["series" if patch is None else "patch"]
            yield found if patch is None else found[0 if span else self._index(patch)]
            made = sections(_ended(tomlkit.dumps(document).rstrip("\n")))
        except (TOMLKitError, RecursionError) as error:
            raise self._fault(str(error)) from error
        made[0] = replace(made[0], lead=lead + made[0].lead)
        made = _parted(made, gap)
        before, after = self._sections[: span.start], self._sections[span.stop :]
        self._take([*before, *made, *after] if span else made, patch, key)

    def _take(self, every: list[Section], patch: str | None, key: str) -> None:
        """Let the file have these sections; only ``key`` of a patch (or the series) may differ."""
        span = self._span(patch, every)
        old, place = self._holder(patch), 0 if patch is None else self._index(patch)
        try:
            values = tomllib.loads(_joined(every[span.start : span.stop] if span else every))
            new = values["series"] if patch is None else values["patch"][0 if span else place]
        except (ValueError, LookupError) as error:
            raise self._fault(str(error)) from error
        if {**old, key: 0} != {**new, key: 0}:
            raise self._fault(f"{key} cannot be changed alone")
        self._sections = every
        if patch is None:
            self._wanted = {**self._wanted, "series": new}
        else:
            patches = self._wanted["patch"]
            patches = [*patches[:place], new, *patches[place + 1 :]]
            self._wanted = {**self._wanted, "patch": patches}

    def _blocks(self) -> list[_Block]:
        """Each patch as it stands; a blank line is behind each."""
        every, values = self._sections, self._wanted["patch"]
        blocks = [every[span.start : span.stop] for span in _patches(every)]
        if not blocks:
            self._refuse_inline()
        blocks[-1] = _parted(blocks[-1], "\n")
        return [_Block(*one) for one in zip(blocks, values, strict=True)]

    def _arrange(self, blocks: Sequence[_Block]) -> None:
        """Put ``blocks`` where the first patch is, instead of all."""
        every, spans = self._sections, _patches(self._sections)
        inside = {at for span in spans for at in span}
        rest = [one for at, one in enumerate(every) if at not in inside]
        first, gap = spans[0].start, every[spans[-1][-1]].gap
        made = [one for block in blocks for one in block.sections]
        self._sections = [*rest[:first], *(_parted(made, gap) if made else []), *rest[first:]]
        self._wanted = {**self._wanted, "patch": [block.value for block in blocks]}

    def _refuse_inline(self) -> NoReturn:
        raise UsageError(
            f"{self._folder / FILE_NAME}: patch: is a list of inline tables, which reroll "
            "cannot take apart",
            hint="write each patch as a table of its own, below [[patch]]",
        )

    def _fault(self, why: str) -> RerollError:
        return RerollError(
            f"{self._folder / FILE_NAME}: cannot be changed without harm: {why}",
            hint="nothing was written; write its tables one below the other, as docs/campaign.md "
            "has them",
        )


def _patches(every: Sequence[Section]) -> list[range]:
    """The sections of each patch."""
    heads = [at for at, one in enumerate(every) if one.path == ("patch",) and one.array]
    return [_span(every, at) for at in heads]


def _span(every: Sequence[Section], head: int) -> range:
    """The section at ``head`` and those of the tables below that one."""
    path, end = every[head].path, head + 1
    while end < len(every) and len(every[end].path) > 1 and every[end].path[:1] == path:
        end += 1
    return range(head, end)


def _joined(every: Iterable[Section]) -> str:
    return "".join(one.text for one in every)


def _parted(block: Sequence[Section], gap: str) -> list[Section]:
    """``block`` with blank lines behind it."""
    last = block[-1]
    return [*block[:-1], replace(last, body=_ended(last.body), gap=gap)]


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def new_campaign(series: Mapping[str, object], patches: Sequence[Mapping[str, object]]) -> str:
    """The text of a ``series.toml`` with these values (as docs/campaign.md names them)."""
    document = tomlkit.document()
    document["series"] = _table(series)
    document["patch"] = _tables(patches)
    return tomlkit.dumps(document)


def _set(table: Table, key: str, value: object) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = _value(value)


def _extended(old: Item | None, known: Sequence[str], new: Sequence[str]) -> Item:
    """A list with further lines; of one with line ends, every other byte stays."""
    text = old.as_string() if old is not None else ""
    if "\n" not in text and sum(map(len, [*known, *new])) > _WIDE:
        return _value([*known, *new])
    return _read(appended(text or "[]", [tomlkit.item(line).as_string() for line in new]))


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
    if isinstance(value, str) and "\n" in value and "\r" not in value:
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
    return _read(raw)


def _read(raw: str) -> Item:
    """A value as it is written."""
    made = tomlkit.parse(f"value = {raw}\n")["value"]
    assert isinstance(made, Item)  # noqa: S101
    return made
