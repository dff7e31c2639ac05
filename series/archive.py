"""A public-inbox archive: is this mail in it?

``reroll.archive`` is its base URL: a mail is at URL/MESSAGE-ID/, raw at
URL/MESSAGE-ID/raw; a ``%s`` in the URL stands for the message id, as in b4's
``b4.midmask``, which counts where ``reroll.archive`` is not set.  Archives lag:
that a mail is not there says nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from generator.tree import read_settings
from series.outgoing import headers

_TIMEOUT = 10.0  # seconds, for all of an answer
_HEAD = 262144  # bytes: a mail's headers


@dataclass(frozen=True)
class Answer:
    """Whether the mail is there, and what the archive said."""

    found: bool
    said: str


def followed(archive: str, *, cwd: Path) -> str:
    """The archive to ask: ``archive``, else the ``b4.midmask`` that is configured, else none."""
    mask = read_settings("b4", cwd=cwd).get("midmask", ("",))[-1]
    place = archive or (mask if mask.startswith(("http://", "https://")) else "")
    return place.rstrip("/").removesuffix("/raw") if "%s" in place else place


def address(archive: str, message_id: str) -> str:
    """The URL of the raw mail."""
    from urllib.parse import quote

    bare = quote(message_id.strip().removeprefix("<").removesuffix(">"), safe="@")
    page = archive.replace("%s", bare) if "%s" in archive else f"{archive.rstrip('/')}/{bare}"
    return f"{page.rstrip('/')}/raw"


def ask(archive: str, message_id: str) -> Answer:
    """Look for a mail; whatever goes wrong is an answer, too."""
    from http import HTTPStatus

    from series import web

    where = address(archive, message_id)
    try:
        content = web.get(where, most=_HEAD, seconds=_TIMEOUT, cut=True, anywhere=True).content
    except web.NoAnswerError as error:
        return Answer(
            False, "not there (yet)" if error.status == HTTPStatus.NOT_FOUND else str(error)
        )
    ids = headers(content.replace(b"\r\n", b"\n")).get("message-id", [])
    if message_id in ids:
        return Answer(True, "there")
    return Answer(False, "another mail is there" if ids else "what is there is no mail")
