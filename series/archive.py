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
    return archive or (mask if mask.startswith(("http://", "https://")) else "")


def address(archive: str, message_id: str) -> str:
    """The URL of the raw mail."""
    from urllib.parse import quote

    bare = quote(message_id.strip().removeprefix("<").removesuffix(">"), safe="@")
    page = archive.replace("%s", bare) if "%s" in archive else f"{archive.rstrip('/')}/{bare}"
    return f"{page.rstrip('/')}/raw"


def ask(archive: str, message_id: str) -> Answer:
    """Look for a mail; whatever goes wrong is an answer, too."""
    from http.client import HTTPException
    from urllib.error import HTTPError

    try:
        content = _get_in_time(address(archive, message_id))
    except HTTPError as error:
        error.close()
        return Answer(
            False, "not there (yet)" if error.code == 404 else f"HTTP status {error.code}"
        )
    except (OSError, HTTPException, ValueError) as error:
        return Answer(False, f"cannot be asked: {getattr(error, 'reason', '') or error}")
    if message_id in headers(content.replace(b"\r\n", b"\n")).get("message-id", []):
        return Answer(True, "there")
    return Answer(False, "another mail is there")


def _get_in_time(url: str) -> bytes:
    """``_get`` with one limit for all: a socket's own begins anew with every byte."""
    from concurrent.futures import Future
    from threading import Thread

    answer: Future[bytes] = Future()

    def work() -> None:
        try:
            answer.set_result(_get(url))
        except Exception as error:
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    try:
        return answer.result(_TIMEOUT)
    except TimeoutError as error:
        raise TimeoutError("timed out") from error


def _get(url: str) -> bytes:
    """The first bytes at ``url``: http and https only, also where it redirects to."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPErrorProcessor,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
    ):
        opener.add_handler(handler())
    content = b""
    with opener.open(url, timeout=_TIMEOUT) as reply:
        while len(content) < _HEAD and (part := reply.read1(65536)):
            content += part
    return content
