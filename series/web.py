"""One question to a server that is not trusted: how long it may take, how much it may say.

http and https only, certificates are verified.
"""

import ssl
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from http.client import HTTPException, HTTPMessage, IncompleteRead
from threading import Thread
from typing import IO
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit


class NoAnswerError(Exception):
    """There is no answer that can be used; says why.

    ``status`` is HTTP's, 0 where it did not come to that.
    """

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Page:
    """What a server answered; the headers' names are in lower case."""

    content: bytes
    headers: Mapping[str, str]


def get(url: str, *, most: int, seconds: float, cut: bool = False, anywhere: bool = False) -> Page:
    """What is at ``url``, of at most ``most`` bytes, within ``seconds`` for all of it.

    With ``cut`` a longer answer is cut there instead of refused.  A redirection leads to no other
    host and to nothing less safe, unless it may lead ``anywhere``.  Raises ``NoAnswerError``.
    """
    answer: Future[Page] = Future()

    def work() -> None:
        try:
            answer.set_result(_get(url, most, seconds, anywhere))
        except Exception as error:
            answer.set_exception(error)

    late = f"no answer within {seconds:.0f} second{'' if round(seconds) == 1 else 's'}"
    # A socket's own limit begins anew with every byte.
    Thread(target=work, daemon=True).start()
    try:
        page = answer.result(seconds)
    except TimeoutError as error:
        raise NoAnswerError(late) from error
    except HTTPError as error:
        error.close()
        raise NoAnswerError(f"HTTP status {error.code}", error.code) from error
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NoAnswerError(late) from error
        raise NoAnswerError(f"cannot be asked: {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(f"cannot be asked: {error or type(error).__name__}") from error
    if len(page.content) > most and not cut:
        raise NoAnswerError(f"its answer has more than {most >> 20} MiB")
    return replace(page, content=page.content[:most])


def _get(url: str, most: int, seconds: float, anywhere: bool) -> Page:
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(context=ssl.create_default_context()),
        request.HTTPErrorProcessor(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler() if anywhere else _SameHost(),
    ):
        opener.add_handler(handler)
    asked = request.Request(url, headers={"User-Agent": "reroll"})  # noqa: S310
    with opener.open(asked, timeout=seconds) as reply:
        content = b""
        while len(content) <= most and (part := reply.read1(65536)):
            content += part
        headers = {name.lower(): value for name, value in reply.headers.items()}
        # read1() takes a connection that ends too early for the end of the answer.
        if len(content) <= most and reply.length:
            raise IncompleteRead(content, reply.length)
    return Page(content, headers)


class _SameHost(request.HTTPRedirectHandler):
    """Goes where a server redirects to as long as that is the same host, and no less safe."""

    def redirect_request(
        self,
        req: request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        why = ""
        if new.hostname != old.hostname or (new.port != old.port and new.scheme == old.scheme):
            why = f"it redirects to another host, {new.netloc[:100]}"
        elif (old.scheme, new.scheme) == ("https", "http"):
            why = "it redirects from https to http"
        if why:
            fp.close()
            raise NoAnswerError(why)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
