"""A mail server as a transport: a few connections, used again and again."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from digest.deliver.envelope import Envelope, Intent, no_intent
from digest.deliver.smtp import Account, Line, dial
from digest.domain import Outcome, OutcomeKind
from digest.errors import TransportError

#: Servers drop connections that never end.
_MESSAGES_A_LINE = 100
#: A server that could not be reached is left alone for so long; messages are deferred meanwhile.
_REST_SECONDS = 10.0
_NAME_SECONDS = 5.0
#: What is said in EHLO when this machine has no full name (RFC 5321 §4.1.4).
_NO_NAME = "[127.0.0.1]"


class Relay:
    """A transport over at most `connections` lines to one mail server."""

    def __init__(
        self,
        account: Account,
        *,
        connections: int,
        messages_a_line: int = _MESSAGES_A_LINE,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        """Nothing is connected until the first message."""
        self._messages_a_line = messages_a_line
        self._account = account
        self._most = self._limit = connections
        self._rest_seconds = rest_seconds
        self._rest_until = 0.0
        self._last_words = ""
        self._idle: list[Line] = []
        #: Lines in use, idle or being dialled.
        self._open = 0
        self._changed = asyncio.Event()
        self._tls: ssl.SSLContext | None = None
        self._own_name = ""

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the server said of the message; DEFERRED when it could not be reached."""
        try:
            line = await self._take()
        except TransportError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.DEFERRED, reply=exc.what, is_unreached=True)
        try:
            return await line.send(envelope, intent)
        finally:
            self._give_back(line)

    async def check(self) -> str:
        """The server's place, encryption, login and abilities, over a connection of its own."""
        line = await self._dial()
        said = line.describe()
        await line.quit()
        return said

    async def close(self) -> None:
        """Leave the server; nothing may be in flight."""
        lines, self._idle = self._idle, []
        self._open -= len(lines)
        await asyncio.gather(*(line.quit() for line in lines))

    async def _take(self) -> Line:
        """An idle line, a new one, or the next that is given back."""
        while True:
            while self._idle:
                line = self._idle.pop()
                if line.is_open and line.messages < self._messages_a_line:
                    return line
                self._drop()
                if line.is_open:
                    await line.quit()
            if self._open < self._limit:
                if (fresh := await self._open_another()) is not None:
                    return fresh
            else:
                self._changed.clear()
                await self._changed.wait()

    async def _open_another(self) -> Line | None:
        """A new line; None when the server allows no more beside those there are, TransportError for none."""
        if self._open == 0 and asyncio.get_running_loop().time() < self._rest_until:
            raise TransportError(self._last_words)
        self._open += 1
        try:
            return await self._dial()
        except BaseException as exc:
            self._open -= 1
            self._changed.set()
            if not isinstance(exc, TransportError) or not self._others_work(exc):
                raise
            return None

    def _others_work(self, exc: TransportError) -> bool:
        """Settle for the lines there are; without any, leave the server alone for a while."""
        self._limit = self._open or self._most
        if not self._open:
            self._rest_until = asyncio.get_running_loop().time() + self._rest_seconds
            self._last_words = exc.what
        return self._open > 0

    def _give_back(self, line: Line) -> None:
        if line.is_open:
            self._idle.append(line)
            self._changed.set()
        else:
            self._drop()

    def _drop(self) -> None:
        """Count a line less, and try again whether the server allows as many as are wished for."""
        self._open -= 1
        self._limit = self._most
        self._changed.set()

    async def _dial(self) -> Line:
        if not self._own_name:
            self._own_name = await _full_name()
        if self._tls is None and self._account.encryption:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return await dial(self._account, tls=self._tls, own_name=self._own_name)


async def _full_name() -> str:
    """This machine's full name, or an address literal when it has none."""
    try:
        name = await asyncio.wait_for(asyncio.to_thread(socket.getfqdn), _NAME_SECONDS)
    except TimeoutError:
        return _NO_NAME
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else _NO_NAME


@asynccontextmanager
async def relay(
    account: Account, *, connections: int, messages_a_line: int = _MESSAGES_A_LINE
) -> AsyncIterator[Relay]:
    """A transport to a mail server, left politely at the end."""
    transport = Relay(account, connections=connections, messages_a_line=messages_a_line)
    try:
        yield transport
    finally:
        await transport.close()
