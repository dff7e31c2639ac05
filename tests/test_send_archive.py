"""A mail of unknown fate is looked up in the list's archive, or asked about."""

import io
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, free_port, send_to, smtp_server

pytestmark = pytest.mark.slow


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


@pytest.fixture
def inbox(reroll: Run, small: Small) -> Iterator[Inbox]:
    """A server that took the second mail and left without an answer."""
    with smtp_server() as server:
        send_to(server, small.tree)
        server.leave_at, server.takes = 2, True
        assert reroll(*small.words("send", "--yes")).code == 5
        server.leave_at = 0
        yield server


@contextmanager
def archive(pages: dict[str, bytes], status: int = 200) -> Iterator[str]:
    """Serve raw mails by path as a public-inbox does; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = pages.get(self.path)
            code = status if known is not None else 404
            self.send_response(code)
            if code == 302 and known is not None:
                self.send_header("Location", known.decode())
            self.end_headers()
            self.wfile.write(known or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def page(inbox: Inbox, root: str) -> dict[str, bytes]:
    """The path and the bytes of the mail in question."""
    bare = str(inbox.messages[1]["Message-ID"]).strip("<>")
    return {f"{root}/{bare}/raw": inbox.contents[1]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reroll.archive", "{url}/list/"),
        ("reroll.archive", "{url}/list/%s"),
        ("b4.midmask", "{url}/list/%s"),
        ("b4.midmask", "{url}/list/%s/raw"),
    ],
)
def test_found_in_the_archive(
    reroll: Run, small: Small, inbox: Inbox, name: str, value: str
) -> None:
    with archive(page(inbox, "/list")) as url:
        git(small.tree, "config", name, value.format(url=url))
        # What the archive has was sent, whatever anybody assumes.
        done = reroll(*small.words("send", "--yes", "--resume", "--assume", "unsent"))
    assert done.code == 0
    assert "was sent: it is in the archive" in done.out
    assert set(inbox.ids.values()) == {1}
    assert len(inbox.ids) == 3
    assert '"evidence": "in the archive"' in (small.folder / "journal.jsonl").read_text()


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (404, None, "not there (yet)"),
        (200, b"Message-ID: <another@example.org>\n\n", "another mail is there"),
        (200, b"<html>no mail</html>", "what is there is no mail"),
        (500, b"", "HTTP status 500"),
        (302, b"file:///etc/hostname", "HTTP status 302"),
    ],
)
def test_what_is_no_proof(
    reroll: Run, small: Small, inbox: Inbox, status: int, content: bytes | None, said: str
) -> None:
    pages = {} if content is None else dict.fromkeys(page(inbox, ""), content)
    with archive(pages, status) as url:
        git(small.tree, "config", "reroll.archive", url)
        done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, len(inbox.envelopes)) == (3, 2)
    assert "it is not known whether 0001" in done.err
    assert f"{str(inbox.messages[1]['Message-ID']).strip('<>')}/raw)" in done.err
    assert f"the archive says: {said}" in done.err
    assert "--assume sent (or unsent)" in done.err


def test_an_archive_that_cannot_be_reached(reroll: Run, small: Small, inbox: Inbox) -> None:
    git(small.tree, "config", "reroll.archive", f"http://127.0.0.1:{free_port()}/list")
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, len(inbox.envelopes)) == (3, 2)
    assert "the archive says: cannot be asked: " in done.err
    git(small.tree, "config", "reroll.archive", "file:///etc")
    done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, "is not the http or https URL" in done.err) == (2, True)


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize(
    ("typed", "code", "mails"), [("what?\nsent\ny\n", 0, 3), ("u\ny\n", 0, 4), ("q\n", 3, 2)]
)
def test_asked_on_a_terminal(
    reroll: Run,
    small: Small,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    mails: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    done = reroll(*small.words("send", "--resume"))
    assert done.code == code
    assert "was it sent? [s]ent/[u]nsent/[q]uit" in done.out
    assert len(inbox.envelopes) == mails


def test_an_archive_that_answers_a_byte_at_a_time(
    reroll: Run, small: Small, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("series.archive._TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=trickle, args=[server], daemon=True).start()
        port = server.getsockname()[1]
        git(small.tree, "config", "reroll.archive", f"http://127.0.0.1:{port}/list")
        done = reroll(*small.words("send", "--yes", "--resume"))
    assert (done.code, "the archive says: no answer within 1 second" in done.err) == (3, True)


def trickle(server: socket.socket) -> None:
    """An answer whose header never ends, for some seconds."""
    connection, _ = server.accept()
    with connection:
        for byte in b"HTTP/1.0 200 OK\r\nX-A: aaaa":
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(0.1)
