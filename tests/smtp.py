"""A real SMTP server on 127.0.0.1 that keeps what it is given."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from subprocess import run

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Inbox:
    """The mails accepted so far; from the ``fail_at``-th on (from 1), ``answer`` refuses;
    from the ``leave_at``-th on the server hangs up without an answer."""

    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    fail_at: int = 0
    answer: str = "451 4.3.0 try again later"
    leave_at: int = 0

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self,
        server: SMTP,
        _session: Session,
        envelope: Envelope,
    ) -> str:
        """Take or refuse a whole mail."""
        if self.fail_at and len(self.envelopes) + 1 >= self.fail_at:
            return self.answer
        if self.leave_at and len(self.envelopes) + 1 >= self.leave_at:
            server.transport.close()
            return "250 OK"
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def contents(self) -> list[bytes]:
        """The bytes of each mail, with the line ends of a file."""
        return [bytes(item.content or b"").replace(b"\r\n", b"\n") for item in self.envelopes]

    @property
    def messages(self) -> list[Message]:
        """The mails, parsed."""
        return [message_from_bytes(content) for content in self.contents]

    def write_mbox(self, path: Path) -> None:
        """All mails as an mbox, as a mail program would save them."""
        with path.open("wb") as file:
            for content in self.contents:
                quoted = b"".join(
                    b">" + line if line.startswith(b"From ") else line
                    for line in content.splitlines(keepends=True)
                )
                file.write(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + quoted + b"\n")


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smtp_server() -> Iterator[Inbox]:
    """A running server and its inbox."""
    inbox = Inbox(free_port())
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def send_to(inbox: Inbox, repository: Path) -> None:
    """Configure ``repository`` as a user would, to send through the server."""
    settings = {
        "sendemail.smtpServer": "127.0.0.1",
        "sendemail.smtpServerPort": str(inbox.port),
        "sendemail.smtpDomain": "localhost",
    }
    for name, value in settings.items():
        run(["git", "-C", str(repository), "config", name, value], check=True)
