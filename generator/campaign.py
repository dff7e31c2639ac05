"""``series.toml``: what a user declares, as frozen and validated values.

The file format is documented in docs/campaign.md.  All mistakes of a file are
reported at once, each with the file, the key and what is allowed there.  A
campaign is untrusted input: its paths stay inside its folder and the tree, and
none of its steps runs a command.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from generator.errors import CampaignError
from generator.rules import bundled_names, find_bundled
from generator.suggestion import ending

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE_NAME = "series.toml"

_ADVICE = {
    "missing": "this key is required",
    "int_type": "must be a whole number",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "too_short": "must not be empty",
}


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or re.search(r"[\0\n\r]", text):
        raise ValueError("must be a relative path that does not leave its folder")
    return str(path)


def _one_line(text: str) -> str:
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("must be one line of text without control characters")
    return text.strip()


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]\S*", text):
        raise ValueError("must be one word")
    return text


def _revision(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_@/][^\s\x00-\x1f~^:?*\[\\]*(?:[~^]\d*)*", text):
        raise ValueError("must be a git revision")
    return text


RelativePath = Annotated[str, AfterValidator(_inside)]
Line = Annotated[str, AfterValidator(_one_line)]
Word = Annotated[str, AfterValidator(_word)]
Revision = Annotated[str, AfterValidator(_revision)]
Unmatched = Literal["fail", "skip"]
Remaining = Literal["none", "explained", "any"]
Split = Literal["none", "maintainer", "subsystem", "directory", "file"]
Role = Literal["named", "maintainer", "reviewer", "list", "trailer", "fixes", "reply"]
Scope = Literal["patch", "series", "cover"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Step(_Table):
    unmatched: Unmatched | None = None


class RuleStep(_Step):
    """Run a semantic patch on the files in ``paths`` that hold one of its tokens."""

    rule: RelativePath
    paths: list[RelativePath] = Field(default_factory=list)
    exclude: dict[RelativePath, Line] = Field(default_factory=dict)
    define: dict[str, str] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tokens: list[Word] = Field(default_factory=list)
    repeat: bool = False
    kernel_doc: bool | dict[Word, Line] = True
    style: bool = True


class EditStep(_Step):
    """Replace what a regular expression matches in one text file, ``count`` times."""

    edit: RelativePath
    pattern: str
    replace: str
    count: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        try:
            # The template is parsed whether or not there is a match.
            re.compile(self.pattern, re.MULTILINE).sub(self.replace, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"pattern or replace is not a regular expression: {error}") from error
        return self


class MoveStep(_Step):
    """Move a tracked file, as ``git mv`` does."""

    move: RelativePath
    to: RelativePath


class ApplyStep(_Step):
    """Apply a hand-written diff, a mail, or the message with an id in an mbox.

    ``hand`` marks the diff that ``reroll absorb`` keeps: what was done by hand to what
    the other steps make.
    """

    apply: RelativePath
    message: str | None = None
    hand: bool = False


class PickStep(_Step):
    """Take over a commit of the tree, as ``git cherry-pick`` does."""

    pick: Revision


_STEPS = ("rule", "edit", "move", "apply", "pick")


def _kind(step: object) -> str | None:
    """Which kind of step a table is, by the one of the five keys it has."""
    if isinstance(step, Mapping):
        kinds = [kind for kind in _STEPS if kind in step]
        return kinds[0] if len(kinds) == 1 else None
    return None


Step = Annotated[
    Annotated[RuleStep, Tag("rule")]
    | Annotated[EditStep, Tag("edit")]
    | Annotated[MoveStep, Tag("move")]
    | Annotated[ApplyStep, Tag("apply")]
    | Annotated[PickStep, Tag("pick")],
    Discriminator(
        _kind,
        custom_error_type="step",
        custom_error_message=f"a step needs exactly one of the keys {', '.join(_STEPS)}",
    ),
]


class Patch(_Table):
    """One patch of a series: its message and the steps that make its change."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: Line
    message: str = ""
    message_file: RelativePath | None = None
    author: Line | None = None
    unmatched: Unmatched = "fail"
    omit: Line | None = None
    remaining: Remaining | None = None
    needs: str | None = None
    despite: dict[RelativePath, Line] = Field(default_factory=dict)
    split: Split = "none"
    into: Literal["patches", "series"] = "patches"
    limit: int | None = Field(default=None, ge=1)
    to: list[Line] = Field(default_factory=list)
    cc: list[Line] = Field(default_factory=list)
    changelog: dict[int, list[Line]] = Field(default_factory=dict)
    step: list[Step] = Field(min_length=1)

    @field_validator("changelog", mode="before")
    @classmethod
    def _versions(cls, value: object) -> object:
        return _numbered(value)

    @field_validator("author")
    @classmethod
    def _identity(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^<>]+ <[^<>\s]+@[^<>\s]+>", value):
            raise ValueError('must be "Name <address>"')
        return value

    @property
    def hand(self) -> ApplyStep | None:
        """The step that replays what was done by hand, where there is one."""
        last = self.step[-1]
        return last if isinstance(last, ApplyStep) and last.hand else None


class Series(_Table):
    """What holds for the series as a whole."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    title: Line
    cover: str = ""
    cover_file: RelativePath | None = None
    version: int | None = Field(default=None, ge=1, le=99999)
    base: Revision | None = None
    prefix: Annotated[str, Field(pattern=r"^[ -Z^-~]{0,60}$")] = "PATCH"
    to: list[Line] = Field(default_factory=list)
    cc: list[Line] = Field(default_factory=list)
    changelog: dict[int, list[Line]] = Field(default_factory=dict)
    allow_many: Line | None = None
    in_reply_to: Literal["none", "previous"] = "none"
    change_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]{1,200}$")] | None = None
    range_diff: bool = False

    @field_validator("changelog", mode="before")
    @classmethod
    def _versions(cls, value: object) -> object:
        return _numbered(value)


class Recipients(_Table):
    """Who gets which mail; docs/campaign.md says what each key does."""

    scope: Scope | None = None
    roles: list[Role] | None = None
    to: list[Role] | None = None
    limit: int | None = Field(default=None, ge=0)
    block: list[Line] | None = None
    bounce: list[Line] | None = None
    without: list[Line] | None = None
    merge: Literal["name", "mailmap"] | None = None


class Settings(_Table):
    """Settings that a campaign may make; none of them names a program."""

    timeout: int | None = Field(default=None, ge=1)
    maintainers: Literal["python"] | None = None
    required: list[Word] | None = None


class _File(_Table):
    series: Series
    recipients: Recipients = Recipients()
    settings: Settings = Settings()
    patch: list[Patch] = Field(min_length=1)


@dataclass(frozen=True)
class Campaign:
    """A whole ``series.toml``; ``folder`` is where it and its files are."""

    folder: Path
    series: Series
    settings: Settings
    patches: tuple[Patch, ...]
    recipients: Recipients

    def skipping(self) -> "Campaign":
        """The same, but patches that match nothing are left out."""
        skip = {"unmatched": "skip"}
        return replace(self, patches=tuple(one.model_copy(update=skip) for one in self.patches))

    def cover_text(self) -> str:
        """The template of the cover letter's body."""
        return _text(self.folder, self.series.cover, self.series.cover_file)

    def message_text(self, patch: Patch) -> str:
        """The template of a patch's message."""
        return _text(self.folder, patch.message, patch.message_file)


def load(folder: Path) -> Campaign:
    """Read and validate ``folder/series.toml``.

    Raises ``CampaignError`` with every problem: TOML syntax, keys, types,
    files that are missing.
    """
    file = folder / FILE_NAME
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CampaignError(
            [f"{file}: cannot be read: {error.strerror}"],
            hint="name the series folder with -C DIR, or make one with 'reroll init DIR'",
        ) from error
    except UnicodeDecodeError as error:
        raise CampaignError([f"{file}: is not UTF-8 text (byte {error.start})"]) from error
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise CampaignError([f"{file}: not valid TOML: {error}"]) from error
    try:
        read = _File.model_validate(data)
    except ValidationError as error:
        problems = [_describe(problem, data) for problem in error.errors()]
        raise CampaignError([f"{file}: {problem}" for problem in problems]) from error
    campaign = Campaign(
        folder.resolve(), read.series, read.settings, tuple(read.patch), read.recipients
    )
    if problems := _cross_check(campaign):
        raise CampaignError([f"{file}: {problem}" for problem in problems])
    return campaign


def _numbered(value: object) -> object:
    """TOML keys are strings; a changelog's are version numbers."""
    if not isinstance(value, Mapping):
        return value
    if bad := [key for key in value if not re.fullmatch(r"[1-9]\d{0,4}", str(key))]:
        raise ValueError(f"'{bad[0]}': keys are version numbers, such as 7")
    return {int(key): text for key, text in value.items()}


def _text(folder: Path, inline: str, file: str | None) -> str:
    if file is None:
        return inline
    try:
        return (folder / file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CampaignError([f"{folder / file}: cannot be read: {error}"]) from error


def _describe(problem: "ErrorDetails", data: object) -> str:
    """One line for one of pydantic's errors: the key, what is wrong, what is allowed."""
    where = _where(problem["loc"], data)
    kind = problem["type"]
    if kind == "extra_forbidden":
        *_, key = problem["loc"]
        allowed = _allowed_keys(problem["loc"])
        return f"{where}: unknown key{ending(str(key), allowed)} (allowed: {', '.join(allowed)})"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        return f"{where}: {problem['msg']}{ending(str(problem['input']), allowed)}"
    if kind == "step" and isinstance(problem["input"], Mapping):
        near = [found for key in problem["input"] if (found := ending(str(key), _STEPS))]
        return f"{where}: {problem['msg']}{near[0] if len(near) == 1 else ''}"
    if kind == "value_error":
        return f"{where}: {problem['ctx']['error']}"
    if kind == "string_pattern_mismatch":
        return f"{where}: must match {problem['ctx']['pattern']}"
    return f"{where}: {_ADVICE.get(kind, problem['msg'])}"


def _where(loc: tuple[int | str, ...], data: object) -> str:
    """The key as a user would name it: ``patch[2] (mm-flags).step[1].rule``."""
    text = ""
    at = data
    for before, part in zip((None, *loc), loc, strict=False):
        if part in _STEPS and isinstance(before, int):
            continue  # pydantic names the kind of the step here, which is no key
        at = _step_into(at, part)
        text += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
        if isinstance(part, int) and isinstance(at, Mapping) and isinstance(at.get("id"), str):
            text += f" ({at['id']})"
    return text


def _step_into(at: object, part: int | str) -> object:
    if isinstance(at, Mapping):
        return at.get(part)
    if isinstance(at, list) and isinstance(part, int) and part < len(at):
        return at[part]
    return None


def _allowed_keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the table that ``loc`` (of an unknown key) is in."""
    names = [part for part in loc[:-1] if isinstance(part, str)]
    tables: dict[str, type[BaseModel]] = {
        "series": Series,
        "recipients": Recipients,
        "settings": Settings,
        "patch": Patch,
        "rule": RuleStep,
        "edit": EditStep,
        "move": MoveStep,
        "apply": ApplyStep,
        "pick": PickStep,
    }
    table = tables.get(names[-1], _File) if names else _File
    return sorted(table.model_fields)


def _cross_check(campaign: Campaign) -> list[str]:
    """What no single key shows: files that are missing, keys that exclude each other."""
    problems = _double(campaign.series, "cover", "series")
    problems += _missing(campaign.folder, campaign.series.cover_file, "series.cover_file")
    seen: dict[str, int] = {}
    for number, patch in enumerate(campaign.patches, 1):
        where = f"patch[{number}] ({patch.id})"
        if patch.id in seen:
            problems.append(f"{where}.id: patch[{seen[patch.id]}] has the same id")
        if patch.needs is not None and patch.needs not in seen:
            near = ending(patch.needs, seen)
            problems.append(
                f"{where}.needs: there is no patch '{patch.needs}' before this one{near}"
            )
        if patch.despite and patch.needs is None:
            problems.append(f"{where}: despite is for a patch with needs")
        seen.setdefault(patch.id, number)
        if patch.split == "none" and (patch.into != "patches" or patch.limit):
            problems.append(f"{where}: into and limit are for a patch with split")
        problems += _double(patch, "message", where)
        problems += _missing(campaign.folder, patch.message_file, f"{where}.message_file")
        for at, step in enumerate(patch.step, 1):
            if isinstance(step, RuleStep) and find_bundled(step.rule) is None:
                place = f"{where}.step[{at}].rule"
                problems += _missing(campaign.folder, step.rule, place, others=bundled_names)
            elif isinstance(step, ApplyStep):
                problems += _missing(campaign.folder, step.apply, f"{where}.step[{at}].apply")
                if step.hand and at < len(patch.step):
                    problems.append(f"{where}.step[{at}].hand: is for the last step of a patch")
    return problems


def _double(table: Series | Patch, key: str, where: str) -> list[str]:
    if getattr(table, key) and getattr(table, f"{key}_file"):
        return [f"{where}.{key}: give {key} or {key}_file, not both"]
    return []


def _missing(
    folder: Path, file: str | None, where: str, *, others: Callable[[], Iterable[str]] = tuple
) -> list[str]:
    """What is wrong with ``file`` of ``folder``; ``others`` are what else may be meant."""
    if file is None:
        return []
    full = folder / file
    try:
        if folder not in full.resolve().parents:
            return [f"{where}: {file} leads out of the series folder"]
        if full.is_file():
            return []
        beside = full.parent.iterdir() if full.parent.is_dir() else ()
        near = ending(file, [*(str(one.relative_to(folder)) for one in beside), *others()])
        return [f"{where}: there is no file {file} in {folder}{near}"]
    except (OSError, RuntimeError) as error:  # a name too long, a loop of links
        return [f"{where}: {file[:80]}: {error}"]
