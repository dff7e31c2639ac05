"""A patchwork server: what became of a version's patches there.

Its REST API 1.2 is asked, without a key: reading needs none
(https://patchwork.readthedocs.io/en/latest/api/rest/schemas/v1.2/).  The server and the project
are the ones that b4 (``b4.pw-url``, ``b4.pw-project``) or git-pw (``pw.server``,
``pw.project``) is configured for in git; a ``.b4-config`` that a tree brings is not read.
What the server says is not trusted.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from generator.errors import RerollError, UsageError
from generator.tree import read_settings
from series.outgoing import Round
from series.version import PatchRecord, Version

if TYPE_CHECKING:
    from series import web

_T = TypeVar("_T")
_SECONDS = 30.0  # for all questions together
_MOST = 8 << 20  # bytes an answer; a patch in a list has some 4,000
_PER_PAGE = 100
# How many mails of a sending are asked for before it counts as unknown: a list of one subsystem
# gets the cover letter and few of the patches.
_TRIES = 5
_ROUNDS = 3
_BAD = ("fail", "warning")
# Of so many patches the single checks are asked for, a question each.
_CHECKED = 10


@dataclass(frozen=True)
class Server:
    """Where to ask: ``url`` without ``/api``, and the project's name there."""

    url: str
    project: str

    def __str__(self) -> str:
        return f"{self.project} on {self.url.partition('://')[2]}"


@dataclass(frozen=True)
class Check:
    """What one program found: ``state`` is warning or fail, ``url`` where it says more."""

    context: str
    state: str
    description: str
    url: str


@dataclass(frozen=True)
class Standing:
    """The patch ``id``, the ``number``-th of its version, as patchwork has it.

    ``state`` is empty where it is not there.  ``check`` is what its checks say together:
    pending, success, warning or fail; ``checks`` are those that did not succeed, where the
    server told; ``delegate`` is who is to look after it, or empty; ``url`` its page, empty where
    that is elsewhere.
    """

    id: str
    number: int
    title: str
    state: str = ""
    check: str = ""
    delegate: str = ""
    url: str = ""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Standings:
    """What ``server`` says of the patches of ``version``."""

    server: Server
    version: int
    patches: tuple[Standing, ...]


@dataclass(frozen=True)
class _User:
    username: str


@dataclass(frozen=True)
class _Series:
    id: int


@dataclass(frozen=True)
class _Cover:
    """An element of ``/covers/``."""

    series: tuple[_Series, ...]


@dataclass(frozen=True)
class _Patch:
    """An element of ``/patches/``."""

    id: int
    msgid: str
    state: str
    check: str
    series: tuple[_Series, ...]
    delegate: _User | None = None
    web_url: str = ""


@dataclass(frozen=True)
class _Check:
    """An element of ``/patches/ID/checks/``."""

    date: str
    state: str
    context: str
    user: _User
    description: str | None = None
    target_url: str | None = None


def configured(*, cwd: Path) -> Server:
    """The server and project that git configuration in ``cwd`` names.

    Raises ``UsageError`` when one of the two is missing or cannot be.
    """
    b4, pw = read_settings("b4", cwd=cwd), read_settings("pw", cwd=cwd)
    url = (b4.get("pw-url") or pw.get("server") or ("",))[-1]
    project = (b4.get("pw-project") or pw.get("project") or ("",))[-1].strip()
    if not url or not project:
        missing = "server" if not url else "project"
        key, example = ("pw-url", "https://HOST") if not url else ("pw-project", "NAME")
        raise UsageError(
            f"no patchwork {missing} is configured",
            hint=f"git config --global b4.{key} {example} (git-pw's pw.{missing} counts, too)",
        )
    if not re.fullmatch(r"[^\s/?#&*\x00-\x1f\x7f]+", project):
        raise UsageError(
            f"'{project}' is not a patchwork project",
            hint="b4.pw-project is the NAME in HOST/project/NAME/list/",
        )
    return Server(_base(url.strip()), project)


def _base(url: str) -> str:
    """``url`` without its end ``/api/1.2``, which git-pw wants and b4 does not."""
    base = re.sub(r"/*(?:/api(?:/\d+\.\d+)?)?/*\Z", "", url)
    if not re.fullmatch(r"https?://[^\s/?#@\x00-\x1f\x7f]+(?:/[^\s?#\x00-\x1f\x7f]+)?", base):
        raise UsageError(
            f"'{url}' is not the http or https URL of a patchwork server",
            hint="git config --global b4.pw-url https://HOST",
        )
    return base


def ask(server: Server, version: Version, resent: int) -> Standings:
    """What ``server`` says of the patches of ``version``, which was sent ``resent`` times more.

    Of what was sent again, the last sending counts.  Raises ``RerollError`` when the server
    gives no answer that can be used, or knows nothing of the version.
    """
    asking = _Asking(server, time.monotonic() + _SECONDS)
    found: dict[str, _Patch] = {}
    for again in range(resent, max(resent - _ROUNDS, -1), -1):
        round_ = Round(version.version, again)
        ids = {round_.message_id(one.message_id): one.id for one in version.patches}
        cover = round_.message_id(version.cover.message_id) if version.cover else ""
        for one in _sent(asking, cover, list(ids)):
            if one.msgid in ids:
                found.setdefault(ids[one.msgid], one)
        if len(found) == len(version.patches):
            break
    if not found:
        raise RerollError(
            f"{server}: version {version.version} is not known there",
            hint="it may take a while, or its list is another project's: see b4.pw-project",
        )
    checks = _bad_checks(asking, found)
    patches = tuple(
        replace(_standing(server, one, found.get(one.id)), checks=checks.get(one.id, ()))
        for one in version.patches
    )
    return Standings(server, version.version, patches)


def _bad_checks(asking: "_Asking", found: Mapping[str, _Patch]) -> Mapping[str, tuple[Check, ...]]:
    """By a patch's id, the checks that did not succeed, as far as the server tells."""
    bad = [(name, patch) for name, patch in found.items() if patch.check in _BAD]
    checks = {}
    for name, patch in bad[:_CHECKED]:
        # The states are known: they count without their reasons, too.
        with suppress(RerollError):
            checks[name] = _latest(asking.checks(patch.id))
    return checks


def _latest(checks: Iterable[_Check]) -> tuple[Check, ...]:
    """Of what each user says of a context, the last; those that did not succeed."""
    last = {
        (one.user.username, one.context): one for one in sorted(checks, key=lambda one: one.date)
    }
    return tuple(
        Check(one.context, one.state, one.description or "", _link(one.target_url or ""))
        for one in last.values()
        if one.state in _BAD
    )


def _link(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""


def _sent(asking: "_Asking", cover: str, patches: Sequence[str]) -> Iterator[_Patch]:
    """The patches of the series that has one of these mails."""
    if cover:
        for one in asking.covers(cover):
            for series in one.series:
                yield from asking.patches(series=str(series.id))
                return
    for message_id in patches[: _TRIES - bool(cover)]:
        for patch in asking.patches(msgid=message_id.strip("<>")):
            yield patch
            for series in patch.series:
                yield from asking.patches(series=str(series.id))
                return


def _standing(server: Server, patch: PatchRecord, there: _Patch | None) -> Standing:
    if there is None:
        return Standing(patch.id, patch.number, patch.title)
    return Standing(
        id=patch.id,
        number=patch.number,
        title=patch.title,
        state=there.state,
        check=there.check,
        delegate=there.delegate.username if there.delegate else "",
        url=there.web_url if there.web_url.startswith(f"{server.url}/") else "",
    )


@dataclass(frozen=True)
class _Asking:
    """Questions to one server, until a moment of ``time.monotonic()``."""

    server: Server
    until: float

    def covers(self, message_id: str) -> list[_Cover]:
        """The cover letters with this message id."""
        page = self._page("covers", {"msgid": message_id.strip("<>")})
        return self._read(page, list[_Cover])

    def patches(self, **chosen: str) -> Iterator[_Patch]:
        """The patches with what is ``chosen``, page after page."""
        for number in range(1, 11):
            page = self._page("patches", {**chosen, "page": str(number)})
            yield from self._read(page, list[_Patch])
            if 'rel="next"' not in page.headers.get("link", ""):
                return

    def checks(self, patch: int) -> list[_Check]:
        """What was found in the patch with this number; its first hundred checks."""
        return self._read(self._page(f"patches/{patch}/checks", {}), list[_Check])[:_PER_PAGE]

    def _page(self, what: str, chosen: Mapping[str, str]) -> "web.Page":
        from urllib.parse import urlencode

        from series import web

        query = {"project": self.server.project, **chosen, "per_page": str(_PER_PAGE)}
        url = f"{self.server.url}/api/1.2/{what}/?{urlencode(query)}"
        try:
            left = self.until - time.monotonic()
            if left <= 0:
                raise web.NoAnswerError(f"no whole answer within {_SECONDS:.0f} seconds")
            return web.get(url, most=_MOST, seconds=left)
        except web.NoAnswerError as error:
            raise RerollError(f"{self.server.url}: {error}", hint=_advice(error.status)) from error

    def _read(self, page: "web.Page", kind: type[_T]) -> _T:
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(kind).validate_json(page.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise RerollError(
                f"{self.server.url}: its answer is not that of patchwork's API 1.2: "
                f"{place + ': ' if place else ''}{first['msg']}",
                hint="see that b4.pw-url names a patchwork server, of 3.0 or newer",
            ) from error


def _advice(status: int) -> str:
    """What to do about HTTP's ``status``, or about no answer at all."""
    if status in (401, 403):
        return "the server wants to know who asks, or lets no program in: look at its pages"
    if status in (400, 404):
        return "see b4.pw-url and b4.pw-project; patchwork has to be 3.0 or newer"
    if status:
        return "try again later"
    return "see b4.pw-url and your network; 'reroll status' without --patchwork asks nobody"
