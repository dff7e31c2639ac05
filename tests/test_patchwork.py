"""``reroll status --patchwork``: what a server says that keeps to patchwork's API 1.2.

https://patchwork.readthedocs.io/en/latest/api/rest/schemas/v1.2/
"""

import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from series import journal, patchwork, store
from tests.conftest import Run, Small
from tests.repositories import git
from tests.smtp import Inbox, free_port

PROJECT = "drivers"


@pytest.fixture
def small(generated: Small) -> Small:
    """A series whose version 1 is generated."""
    return generated


@dataclass
class Patchwork:
    """What a server knows: elements of ``/covers/`` and ``/patches/``, and how it behaves."""

    covers: list[dict[str, Any]] = field(default_factory=list)
    patches: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    per_page: int = 250
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    url: str = ""
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def add(self, message_id: str, series: int = 7, **facts: Any) -> None:
        """A patch as patchwork shows it."""
        number = len(self.patches) + 100
        self.patches.append(
            {
                "id": number,
                "url": f"{self.url}/api/1.2/patches/{number}/",
                "web_url": f"{self.url}/project/{PROJECT}/patch/{number}/",
                "project": {"id": 1, "link_name": PROJECT},
                "msgid": message_id,
                "name": "a patch",
                "commit_ref": None,
                "state": "new",
                "archived": False,
                "submitter": {"id": 1, "name": "Ada", "email": "ada@example.org"},
                "delegate": None,
                "series": [{"id": series, "version": 1}],
                "check": "pending",
                "checks": f"{self.url}/api/patches/{number}/checks/",
                "tags": {},
                **facts,
            }
        )

    def found(self, path: str, query: dict[str, str]) -> list[dict[str, Any]] | None:
        """The elements that a question chooses, ``None`` for a page that is not there."""
        if path in self.checks:
            return self.checks[path]
        known = {"/api/1.2/covers/": self.covers, "/api/1.2/patches/": self.patches}.get(path)
        if known is None:
            return None
        if query.get("project") != PROJECT:
            return []
        if "msgid" in query:
            known = [one for one in known if one["msgid"] == f"<{query['msgid']}>"]
        if "series" in query:
            known = [one for one in known if one["series"][0]["id"] == int(query["series"])]
        return known


def _handler(server: Patchwork) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.keys.append(self.headers.get("Authorization", ""))
            if server.answer:
                server.answer(self)
                return
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            found = server.found(parts.path, query)
            size = min(int(query.get("per_page", 30)), server.per_page)
            begin = (int(query.get("page", 1)) - 1) * size
            if found is None or (found and begin >= len(found)):
                send(self, {"detail": "Invalid page."}, 404)
                return
            more = begin + size < len(found)
            link = {"Link": f'<{server.url}{parts.path}?page=2>; rel="next"'} if more else {}
            send(self, found[begin : begin + size], headers=link)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def send(
    to: BaseHTTPRequestHandler,
    content: object,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> None:
    """Answer ``content``: bytes as they are, all else as JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    to.send_response(status)
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(data)


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Patchwork]:
    """A server on this machine, by https where there is a certificate."""
    known = Patchwork()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    server.daemon_threads = True
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    known.url = f"{scheme}://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(small: Small) -> Iterator[Patchwork]:
    """A server with the series, which was sent; b4 is configured for it."""
    version = store.read(small.folder)
    (small.folder / journal.NAME).write_text(
        "".join(
            json.dumps(asdict(journal.Entry(1, one.message_id, "", "accepted", 1_600_000_200)))
            + "\n"
            for one in version.mails
        )
    )
    assert version.cover
    with serving() as known:
        known.covers.append({"id": 99, "msgid": version.cover.message_id, "series": [{"id": 7}]})
        first, second = (one.message_id for one in version.patches)
        delegate = {"id": 3, "username": "alice", "email": "alice@example.org"}
        known.add(first, state="under-review", check="warning", delegate=delegate)
        known.add(second, state="accepted", check="success")
        known.checks["/api/1.2/patches/100/checks/"] = [
            checked("2020-09-13T13:00:00", "warning", "ci/checkpatch", "line of 101 columns"),
            # Superseded by the program itself.
            checked("2020-09-13T12:00:00", "fail", "ci/build", "cannot fetch"),
            checked("2020-09-13T14:00:00", "success", "ci/build", None),
        ]
        configure(small, known.url)
        yield known


def checked(date: str, state: str, context: str, description: str | None) -> dict[str, Any]:
    """A check as patchwork shows it."""
    return {
        "id": 1,
        "user": {"id": 9, "username": "robot"},
        "date": date,
        "state": state,
        "context": context,
        "description": description,
        "target_url": "https://ci.example.org/1",
    }


def configure(small: Small, url: str) -> None:
    """As a user of b4 does it, in the tree."""
    git(small.tree, "config", "b4.pw-url", url)
    git(small.tree, "config", "b4.pw-project", PROJECT)
    git(small.tree, "config", "b4.pw-key", "secret")


def test_the_states_are_shown(reroll: Run, small: Small, server: Patchwork) -> None:
    done = reroll(*small.words("status", "--patchwork"))
    assert (done.code, done.err) == (0, "")
    host = server.url.removeprefix("http://")
    assert (
        f"\npatchwork: v1, drivers on {host}\n"
        "    state         checks   delegate  patch\n"
        "  1 under-review  warning  alice     drivers: a: use new_call()\n"
        "  2 accepted      success            drivers: b: use new_call()\n"
        "  1 warning  ci/checkpatch: line of 101 columns\n"
        "next: "
    ) in done.out
    # Two questions whatever the number of patches, and one about each with bad checks.
    assert len(server.asked) == 3
    # Nobody is told who asks.
    assert set(server.keys) == {""}


def test_json(reroll: Run, small: Small, server: Patchwork) -> None:
    done = reroll(*small.words("--json", "status", "--patchwork"))
    said = json.loads(done.out)["patchwork"]
    assert said["server"] == {"url": server.url, "project": PROJECT}
    assert said["patches"][0] == {
        "id": "a",
        "number": 1,
        "title": "drivers: a: use new_call()",
        "state": "under-review",
        "check": "warning",
        "delegate": "alice",
        "url": f"{server.url}/project/drivers/patch/100/",
        "checks": [
            {
                "context": "ci/checkpatch",
                "state": "warning",
                "description": "line of 101 columns",
                "url": "https://ci.example.org/1",
            }
        ],
    }
    assert "patchwork" not in json.loads(reroll(*small.words("--json", "status")).out)


def test_nobody_is_asked_without_the_option(reroll: Run, small: Small, server: Patchwork) -> None:
    assert reroll(*small.words("status")).code == 0
    assert server.asked == []


@pytest.mark.parametrize("end", ["", "/", "/api", "/api/1.2", "/api/1.3/"])
def test_git_pw_is_configured(reroll: Run, small: Small, server: Patchwork, end: str) -> None:
    git(small.tree, "config", "--remove-section", "b4")
    git(small.tree, "config", "pw.server", f"{server.url}{end}")
    git(small.tree, "config", "pw.project", PROJECT)
    assert "under-review" in reroll(*small.words("status", "--patchwork")).out


def test_a_server_below_a_path(hermetic_seal: Path, tmp_path: Path) -> None:
    for name, value in (("pw-url", "https://host.example/patchwork/"), ("pw-project", "drivers")):
        git(tmp_path, "config", "--global", f"b4.{name}", value)
    server = patchwork.configured(cwd=tmp_path)
    assert server.url == "https://host.example/patchwork"
    assert str(server) == "drivers on host.example/patchwork"


def test_a_list_that_got_some_of_the_mails(reroll: Run, small: Small, server: Patchwork) -> None:
    server.covers.clear()
    del server.patches[0]
    done = reroll(*small.words("status", "--patchwork"))
    assert (done.code, done.err) == (0, "")
    assert "  1 not there                     drivers: a: use new_call()\n" in done.out
    assert "  2 accepted   success            drivers: b: use new_call()\n" in done.out


def test_many_pages(reroll: Run, small: Small, server: Patchwork) -> None:
    server.per_page = 1
    assert "accepted" in reroll(*small.words("status", "--patchwork")).out
    assert len(server.asked) == 4


def test_an_answer_that_ends_too_early(reroll: Run, small: Small, server: Patchwork) -> None:
    server.answer = lambda to: send(to, b"[]", headers={"Content-Length": "500"})
    what, hint = refused(reroll, small)
    assert "cannot be asked: IncompleteRead(2 bytes read, 498 more expected)" in what
    assert hint.startswith("see b4.pw-url and your network")


def test_very_many_bad_checks(reroll: Run, small: Small, server: Patchwork) -> None:
    server.checks["/api/1.2/patches/100/checks/"] = [
        checked("2020-09-13T13:00:00", "fail", f"ci/{number}", "\x1b[31mno\x1b[m")
        for number in range(1000)
    ]
    server.answer = None
    out = reroll(*small.words("status", "--patchwork")).out
    assert "\n  1 fail     ci/4: \\x1b[31mno\\x1b[m\n  1 and 95 more (--json has all)\n" in out
    assert "ci/5" not in out


def test_checks_that_are_not_told(reroll: Run, small: Small, server: Patchwork) -> None:
    server.checks.clear()
    done = reroll(*small.words("status", "--patchwork"))
    assert (done.code, done.err) == (0, "")
    assert "  1 under-review  warning  alice     drivers: a: use new_call()\n" in done.out
    assert "ci/checkpatch" not in done.out


def test_what_was_sent_again_counts(
    reroll: Run, small: Small, server: Patchwork, inbox: Inbox
) -> None:
    assert reroll(*small.words("send", "--yes", "--resend", "--only", 1)).code == 0
    again = str(inbox.messages[0]["Message-ID"])
    server.add(again, series=8, state="superseded")
    out = reroll(*small.words("status", "--patchwork")).out
    assert "  1 superseded  pending" in out
    assert "  2 accepted    success" in out


def test_the_version_that_was_sent_last(reroll: Run, small: Small, server: Patchwork) -> None:
    small.rewrite('title = "drivers: a: use', 'title = "drivers: a: really use')
    assert reroll(*small.words("generate", "-v", 2)).code == 0
    out = reroll(*small.words("status", "--patchwork")).out
    assert "patchwork: v1, " in out
    assert "alice     drivers: a: use new_call()\n" in out


def refused(reroll: Run, small: Small, code: int = 1) -> tuple[str, str]:
    """What went wrong and what to do; all else of ``status`` is shown."""
    done = reroll(*small.words("status", "--patchwork"))
    assert done.code == code
    assert "v1   2020-09-13    2 patches" in done.out
    assert "\nnext: " in done.out
    assert "patchwork" not in done.out
    what, hint = done.err.splitlines()
    return what.removeprefix("reroll: "), hint.removeprefix("reroll: hint: ")


def test_nothing_was_sent(reroll: Run, small: Small) -> None:
    done = reroll(*small.words("status", "--patchwork"))
    assert (done.code, done.err) == (
        2,
        "reroll: no version was sent yet: no patchwork server knows of one\n",
    )
    assert "\nnext: " in done.out


def test_not_configured(reroll: Run, small: Small, server: Patchwork) -> None:
    git(small.tree, "config", "--unset", "b4.pw-project")
    what, hint = refused(reroll, small, 2)
    assert what == "no patchwork project is configured"
    assert hint.startswith("git config --global b4.pw-project NAME ")
    git(small.tree, "config", "--unset", "b4.pw-url")
    what, hint = refused(reroll, small, 2)
    assert what == "no patchwork server is configured"
    assert hint.startswith("git config --global b4.pw-url https://HOST ")
    assert server.asked == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("pw-url", "ftp://host.example", "is not the http or https URL"),
        ("pw-url", "https://ada:secret@host.example", "is not the http or https URL"),
        ("pw-url", "https://host.example/?a=b", "is not the http or https URL"),
        ("pw-project", "*", "is not a patchwork project"),
        ("pw-project", "a/b&c", "is not a patchwork project"),
    ],
)
def test_bad_settings(
    reroll: Run, small: Small, server: Patchwork, key: str, value: str, said: str
) -> None:
    git(small.tree, "config", f"b4.{key}", value)
    assert said in refused(reroll, small, 2)[0]
    assert server.asked == []


def test_an_unknown_series(reroll: Run, small: Small, server: Patchwork) -> None:
    server.covers.clear()
    server.patches.clear()
    what, hint = refused(reroll, small)
    host = server.url.removeprefix("http://")
    assert what == f"drivers on {host}: version 1 is not known there"
    assert "b4.pw-project" in hint
    done = reroll(*small.words("--json", "status", "--patchwork"))
    assert (done.code, json.loads(done.out)["patchwork"]) == (1, {"error": what})


def test_nobody_answers(reroll: Run, small: Small, server: Patchwork) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    git(small.tree, "config", "b4.pw-url", url)
    what, hint = refused(reroll, small)
    assert what == f"{url}: cannot be asked: [Errno 111] Connection refused"
    assert "b4.pw-url" in hint


@pytest.mark.parametrize(
    ("status", "advice"),
    [(403, "lets no program in"), (404, "has to be 3.0 or newer"), (503, "try again later")],
)
def test_http_errors(
    reroll: Run, small: Small, server: Patchwork, status: int, advice: str
) -> None:
    server.answer = lambda to: send(to, b"<html>", status)
    what, hint = refused(reroll, small)
    assert what == f"{server.url}: HTTP status {status}"
    assert advice in hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>Welcome</html>", "Invalid JSON"),
        (b"\xff\xfe[]", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        ({"detail": "no"}, "valid array"),
        ([{"msgid": "<x@example.org>"}], "0.series: "),
        ([{"series": [{"id": "7; drop"}]}], "0.series.0.id: "),
        ([{"series": {"id": 7}}], "0.series: "),
    ],
)
def test_other_answers(
    reroll: Run, small: Small, server: Patchwork, content: object, said: str
) -> None:
    server.answer = lambda to: send(to, content)
    what, hint = refused(reroll, small)
    assert what.startswith(f"{server.url}: its answer is not that of patchwork's API 1.2: ")
    assert said in what
    assert "b4.pw-url" in hint


def test_what_it_says_cannot_write_on_the_terminal(
    reroll: Run, small: Small, server: Patchwork
) -> None:
    bad = "\x1b[31m\r\nlong " + "x" * 1000
    server.patches[0] |= {"state": bad, "check": bad, "delegate": {"username": bad}}
    done = reroll(*small.words("status", "--patchwork"))
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    assert "\r" not in done.out
    row = next(line for line in done.out.splitlines() if line.startswith("  1 \\x1b"))
    assert len(row) <= 80
    again = reroll(*small.words("--json", "status", "--patchwork"))
    assert "\x1b" not in again.out


def test_an_endless_answer(reroll: Run, small: Small, server: Patchwork) -> None:
    def pour(to: BaseHTTPRequestHandler) -> None:
        to.send_response(200)
        to.end_headers()
        with suppress(ConnectionError):
            for _ in range(64):
                to.wfile.write(b" " * (1 << 20))

    server.answer = pour
    assert refused(reroll, small)[0] == f"{server.url}: its answer has more than 8 MiB"


def test_a_slow_answer(
    reroll: Run, small: Small, server: Patchwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(to: BaseHTTPRequestHandler) -> None:
        to.send_response(200)
        to.end_headers()
        with suppress(ConnectionError):
            for _ in range(100):
                to.wfile.write(b" ")
                time.sleep(0.05)

    monkeypatch.setattr(patchwork, "_SECONDS", 0.3)
    server.answer = drip
    began = time.monotonic()
    assert "no answer within 0" in refused(reroll, small)[0]
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_redirections(reroll: Run, small: Small, server: Patchwork) -> None:
    with serving() as other:
        server.answer = lambda to: send(to, b"", 302, {"Location": f"{other.url}{to.path}"})
        what, _ = refused(reroll, small)
        host = other.url.removeprefix("http://")
        assert what == f"{server.url}: it redirects to another host, {host}"
        assert other.asked == []

    def settle(to: BaseHTTPRequestHandler) -> None:
        server.answer = None
        send(to, b"", 301, {"Location": to.path})

    server.answer = settle
    assert "under-review" in reroll(*small.words("status", "--patchwork")).out


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes the certificate")
def test_a_certificate_that_nobody_vouches_for(
    reroll: Run, small: Small, server: Patchwork, tmp_path: Path
) -> None:
    pem = tmp_path / "server.pem"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1"
    )
    subprocess.run(
        ["openssl", *words.split(), "-keyout", str(pem), "-out", str(tmp_path / "crt")],
        check=True,
        capture_output=True,
    )
    pem.write_text(pem.read_text() + (tmp_path / "crt").read_text())
    with serving(pem) as other:
        git(small.tree, "config", "b4.pw-url", other.url)
        assert "CERTIFICATE_VERIFY_FAILED" in refused(reroll, small)[0]
        assert other.asked == []
