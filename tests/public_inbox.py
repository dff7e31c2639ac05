"""A real public-inbox archive on 127.0.0.1, filled with mails and read over HTTP."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.smtp import free_port

_ADDRESS = "archive@lists.example.org"
_LIMIT = 60
"""No single program of the archive may take longer, in seconds."""


@dataclass(frozen=True)
class Archive:
    """An inbox named ``list``; ``home`` is that of its programs, ``url`` where it answers."""

    home: Path
    port: int

    @property
    def url(self) -> str:
        """The inbox's address, with a slash at its end."""
        return f"http://127.0.0.1:{self.port}/list/"

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PI_DIR": str(self.home / "config"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "ORIGINAL_RECIPIENT": _ADDRESS,
        }

    def create(self) -> None:
        """Make the empty inbox."""
        words = ["-V2", "list", str(self.home / "list"), self.url, _ADDRESS]
        self._run("public-inbox-init", *words)
        config = self.home / "config/config"
        self._run("git", "config", "-f", str(config), "publicinboxmda.spamcheck", "none")

    def deliver(self, mail: bytes) -> None:
        """Hand one mail to the archive, as a mail server does."""
        self._run("public-inbox-mda", "--no-precheck", given=mail)

    def fetch(self, message_id: str) -> EmailMessage:
        """One mail as the archive shows it to everybody."""
        address = f"{self.url}{message_id.strip('<>')}/raw"
        with urllib.request.urlopen(address, timeout=_LIMIT) as answer:  # noqa: S310
            mail = message_from_bytes(answer.read(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail

    @contextmanager
    def serve(self) -> Iterator[None]:
        """``public-inbox-httpd`` while the context lasts; it must end in good order."""
        log = self.home / "httpd.log"
        words = ["public-inbox-httpd", "-W0", "-l", f"127.0.0.1:{self.port}"]
        with log.open("wb") as file:
            server = subprocess.Popen(
                words, env=self._environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        try:
            self._wait(server, log)
            yield
        finally:
            server.terminate()
            try:
                code = server.wait(timeout=_LIMIT)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
        assert code == 0, log.read_text()

    def _wait(self, server: subprocess.Popen[bytes], log: Path) -> None:
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            assert server.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(self.url, timeout=_LIMIT).close()  # noqa: S310
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self.url} does not answer: {log.read_text()}")

    def _run(self, *words: str, given: bytes = b"") -> None:
        done = subprocess.run(
            words,
            env=self._environment,
            input=given,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')}"


def new_archive(place: Path) -> Archive:
    """An empty archive in the new folder ``place``."""
    place.mkdir()
    archive = Archive(place, free_port())
    archive.create()
    return archive
