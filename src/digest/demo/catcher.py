"""A mail server on loopback that takes every message and delivers none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from digest.demo.sites import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One message as it arrived: `recipient` is whom the envelope names."""

    recipient: str
    data: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed by the standard library."""
        parsed = message_from_bytes(self.data, policy=default)
        if not isinstance(parsed, EmailMessage):
            raise TypeError
        return parsed

    @property
    def is_notice(self) -> bool:
        """True for confirmations, welcomes and the like; False for an issue."""
        return "Auto-Submitted" in self.message

    def body(self, subtype: str) -> str:
        """The "plain" or "html" part, or ""."""
        part = self.message.get_body((subtype,))
        return str(part.get_content()) if part else ""


# No slots: aiosmtpd reads each attribute of its handler, and Python 3.11.2 leaves one in a class with slots
# that cannot be read.
@dataclass
class Catcher:
    """What arrived so far, oldest first."""

    port: int = 0
    mails: list[Caught] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep the message once for each recipient."""
        data = envelope.content or b""
        data = data.encode() if isinstance(data, str) else data
        self.mails += [Caught(recipient=name, data=data) for name in envelope.rcpt_tos]
        return "250 2.0.0 caught"

    def issues(self) -> list[Caught]:
        """The mails that are issues."""
        return [mail for mail in self.mails if not mail.is_notice]


@asynccontextmanager
async def open_catcher() -> AsyncIterator[Catcher]:
    """A running catcher, in this process and on its loop: it leaves no thread."""
    catcher = Catcher()
    loop = asyncio.get_running_loop()
    connections: set[_Connection] = set()
    server = await loop.create_server(lambda: _Connection(catcher, connections), LOOPBACK, 0)
    catcher.port = server.sockets[0].getsockname()[1]
    try:
        yield catcher
    finally:
        server.close()
        for connection in tuple(connections):
            connection.drop()
        # The transports close at the loop's next turn.
        await asyncio.sleep(0)


class _Connection(SMTP):
    """One conversation, known to the server so that its end can be the end of all."""

    def __init__(self, catcher: Catcher, connections: "set[_Connection]") -> None:
        super().__init__(catcher, hostname="catcher.example", enable_SMTPUTF8=True)
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def drop(self) -> None:
        """Close without a word."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()
