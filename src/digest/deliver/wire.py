"""The talk of one SMTP connection after the login: commands alone or in one go, and their replies."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
#: A reply that is longer than this is no reply (RFC 5321 §4.5.3.1.5 allows lines of 512).
_MAX_REPLY_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its code, and its lines joined by line breaks."""

    code: int
    text: str


class WireError(Exception):
    """The line is dead or out of step."""


class Wire(asyncio.Protocol):
    """Reads replies and hands them out in order; closes the line when one comes unasked.

    Takes over a transport that somebody else has connected, encrypted and logged in.
    """

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool) -> None:
        """`pipelining` sends commands that may go together in one write (RFC 2920)."""
        self._transport = transport
        self._pipelining = pipelining
        self._buffer = b""
        self._code = 0
        self._lines: list[bytes] = []
        self._replies: list[Reply] = []
        #: How many replies the server still owes.
        self._owed = 0
        self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None
        #: When whoever waits has waited long enough, in the loop's time; 0 when nobody waits.
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._fault = ""
        transport.set_protocol(self)
        # Whatever the kernel has not taken counts, so that it is known when a message is out.
        transport.set_write_buffer_limits(high=0)

    @property
    def is_open(self) -> bool:
        """False once either side closed it or it fell out of step."""
        return not (self._fault or self._transport.is_closing())

    async def exchange(self, commands: Sequence[tuple[bytes, int]], *, seconds: float) -> list[Reply]:
        """The replies to commands, each of which comes with the class of reply that lets the next one count.

        Without pipelining none is sent after the first that is refused. WireError when the line breaks,
        TimeoutError when a reply does not come in time; a refusal that came before either is returned.
        """
        if self._pipelining:
            return await self._ask(b"".join(command for command, _ in commands), len(commands), seconds)
        replies: list[Reply] = []
        for command, positive in commands:
            replies += await self._ask(command, 1, seconds)
            if replies[-1].code // 100 != positive:
                break
        return replies

    async def push(self, data: bytes, *, seconds: float) -> None:
        """Write what has no reply, until the kernel has all of it; errors as in `exchange`."""
        self._write(data)
        if self._is_paused:
            await self._wait(lambda: not self._is_paused, seconds)
        self._check()

    async def finish(self, data: bytes, *, seconds: float) -> Reply:
        """The reply to what ends a message; errors as in `exchange`."""
        (reply,) = await self._ask(data, 1, seconds)
        return reply

    def close(self) -> None:
        """Leave at once; what is still to be written is dropped."""
        self._fault = self._fault or "the connection was closed"
        self._transport.abort()

    async def _ask(self, data: bytes, count: int, seconds: float) -> list[Reply]:
        self._check()
        self._owed = count
        self._write(data)
        try:
            await self._wait(lambda: not self._owed, seconds)
        except (WireError, TimeoutError):
            self.close()
            if not any(reply.code >= 400 for reply in self._replies):
                raise
        replies, self._replies = self._replies, []
        return replies

    async def _wait(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Wait until it is over; TimeoutError when it takes longer, WireError when the line ends before."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + seconds
        # One timer that is late and then set on costs less than one for each of a message's waits.
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer(loop)
        try:
            while not is_over():
                self._check()
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            self._deadline = 0.0
            self._waiter = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stop_timer()
        self._timer = loop.call_at(self._deadline, self._expire, loop)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._deadline > loop.time():
            self._set_timer(loop)
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def _write(self, data: bytes) -> None:
        self._check()
        if self._transport.is_closing():
            raise WireError("Connection lost")
        self._transport.write(data)

    def _check(self) -> None:
        if self._fault:
            raise WireError(self._fault)

    def _happen(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, fault: str) -> None:
        self._fault = self._fault or fault
        self._transport.abort()
        self._happen()

    def data_received(self, data: bytes) -> None:
        """Read the replies in it; the whole line is given up for anything that is none."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self._read(line.rstrip(b"\r")):
                return
        if len(self._buffer) + sum(map(len, self._lines)) > _MAX_REPLY_BYTES:
            self._break("Response too long")

    def _read(self, line: bytes) -> bool:
        """False when the line of a reply is not as it must be."""
        found = _LINE.fullmatch(line)
        if not found or (self._lines and int(found[1]) != self._code):
            self._break(f"Malformed SMTP response line: {line[:200].decode('utf-8', 'replace')}")
            return False
        if not self._owed:
            said = line[:200].decode("utf-8", "replace")
            self._break(f"the server spoke unasked: {said}")
            return False
        self._code = int(found[1])
        self._lines.append((found[3] or b"").strip())
        if found[2] != b"-":
            text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
            self._replies.append(Reply(self._code, text))
            self._lines = []
            self._owed -= 1
            if not self._owed:
                self._happen()
        return True

    def eof_received(self) -> None:
        """The other side has said all it will: there is no reply to come, so the line is of no use."""
        self._break("Unexpected EOF received")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._fault = self._fault or (str(exc) if exc else "") or "Connection lost"
        self._stop_timer()
        self._happen()

    def pause_writing(self) -> None:
        """The kernel takes no more for now."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The kernel has all of it."""
        self._is_paused = False
        self._happen()
