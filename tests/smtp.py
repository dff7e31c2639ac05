"""A real SMTP server on 127.0.0.1 that keeps what it is given, and can be a bad one."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from subprocess import run
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Inbox:
    """The mails accepted so far.

    From the ``fail_at``-th on (from 1), ``answer`` refuses; from the
    ``leave_at``-th on the server hangs up after the final dot, without an answer,
    and has the mail or not (``takes``); from the ``drop_at``-th on it hangs up
    before the final dot; from the ``hang_at``-th on it never answers.
    ``unknown`` is a recipient that it refuses.
    """

    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    fail_at: int = 0
    answer: str = "451 4.3.0 try again later"
    leave_at: int = 0
    takes: bool = False
    drop_at: int = 0
    hang_at: int = 0
    unknown: str = ""

    def due(self, at: int) -> bool:
        """Whether the mail that is coming is the ``at``-th or a later one."""
        return bool(at) and len(self.envelopes) + 1 >= at

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take or refuse a recipient."""
        if address == self.unknown:
            return "550 5.1.1 nobody of that name here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self,
        server: SMTP,
        _session: Session,
        envelope: Envelope,
    ) -> str:
        """Take or refuse a whole mail."""
        if self.due(self.fail_at):
            return self.answer
        if self.due(self.leave_at):
            if self.takes:
                self.envelopes.append(envelope)
            server.transport.close()
            return "250 OK"
        if self.due(self.hang_at):
            await asyncio.sleep(60)
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

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(mail["Message-ID"]) for mail in self.messages)

    def write_mbox(self, path: Path) -> None:
        """All mails as an mbox, as a mail program would save them."""
        with path.open("wb") as file:
            for content in self.contents:
                quoted = b"".join(
                    b">" + line if line.startswith(b"From ") else line
                    for line in content.splitlines(keepends=True)
                )
                file.write(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + quoted + b"\n")


class _Server(SMTP):
    """aiosmtpd's server, which can also leave in the middle of a mail."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  aiosmtpd's name
        inbox = self.event_handler
        if isinstance(inbox, Inbox) and inbox.due(inbox.drop_at):
            await self.push("354 go on")
            self.transport.close()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smtp_server(**options: Any) -> Iterator[Inbox]:
    """A running server and its inbox; ``options`` are those of aiosmtpd's SMTP."""
    inbox = Inbox(free_port())
    controller = _Controller(inbox, hostname="127.0.0.1", port=inbox.port, **options)
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


def without_mail_address(place: Path) -> Path:
    """A folder of Perl modules, for GITPERLLIB, that hides the Mail::Address of this machine.

    Debian's git comes without a copy of its own.
    """
    module = place / "Mail/Address.pm"
    module.parent.mkdir(parents=True)
    module.write_text('die "it is hidden\\n";\n')
    return place
