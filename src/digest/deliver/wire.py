"""The talk of one SMTP connection after the login: commands alone or in one go, and their replies."""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
#: A reply that is longer than this is no reply (RFC 5321 §4.5.3.1.5 allows lines of 512).
_MAX_REPLY_BYTES = 32_768
#: Lines up to that long are remembered: servers say the same again and again.
_SHORT = 128


class Reply(NamedTuple):
    """A whole reply: its code, and its lines joined by line breaks."""

    code: int
    text: str


class WireError(Exception):
    """The line is dead or out of step."""


class Asked:
    """What one write, or a part of it, is owed: replies in order."""

    __slots__ = ("done", "owed", "replies", "seconds")

    def __init__(self, owed: int, seconds: float, done: asyncio.Future[None]) -> None:
        """`seconds` count from when the replies to all that was asked before are in."""
        self.owed = owed
        self.seconds = seconds
        #: Over when all replies are in, or none will come.
        self.done = done
        self.replies: list[Reply] = []

    @property
    def is_broken(self) -> bool:
        """True when the line broke before all was said, and nothing of what was said is a refusal."""
        return self.owed > 0 and not any(reply.code >= 400 for reply in self.replies)


class Wire(asyncio.Protocol):
    """Reads replies and hands them out in order; closes the line when one comes unasked.

    Takes over a transport that somebody else has connected, encrypted and logged in.
    """

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool) -> None:
        """`pipelining` sends commands that may go together in one write (RFC 2920)."""
        self._transport = transport
        self.pipelining = pipelining
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._code = 0
        self._lines: list[bytes] = []
        self._asked: deque[Asked] = deque()
        self._is_paused = False
        #: Whoever waits until the kernel has taken what was written.
        self._drained: asyncio.Future[None] | None = None
        #: When whoever waits has waited long enough, in the loop's time; 0 when nobody waits.
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None
        transport.set_protocol(self)
        # Whatever the kernel has not taken counts, so that it is known when a message is out. Under TLS a
        # limit of 0 is reached by nothing at all, and every other write would wait for ever.
        transport.set_write_buffer_limits(high=1, low=0)

    @property
    def is_open(self) -> bool:
        """False once either side closed it or it fell out of step."""
        return self._fault is None and not self._transport.is_closing()

    @property
    def has_timed_out(self) -> bool:
        """True when it was given up for its silence."""
        return isinstance(self._fault, TimeoutError)

    async def exchange(self, commands: Sequence[tuple[bytes, int]], *, seconds: float) -> list[Reply]:
        """The replies to commands, each of which comes with the class of reply that lets the next one count.

        Without pipelining none is sent after the first that is refused. WireError when the line breaks,
        TimeoutError when a reply does not come in time; a refusal that came before either is returned.
        """
        if self.pipelining:
            (asked,) = self.ask(b"".join([command for command, _ in commands]), (len(commands), seconds))
            return await self.answer(asked)
        replies: list[Reply] = []
        for command, positive in commands:
            (asked,) = self.ask(command, (1, seconds))
            replies += await self.answer(asked)
            if replies[-1].code // 100 != positive:
                break
        return replies

    def ask(self, data: bytes, *owed: tuple[int, float]) -> list[Asked]:
        """Write, and what is owed for it, for each (number of replies, seconds); WireError on a dead line."""
        self._write(data)
        asked = [Asked(count, seconds, self._loop.create_future()) for count, seconds in owed]
        if not self._asked:
            self._wait_at_most(asked[0].seconds)
        self._asked.extend(asked)
        return asked

    async def answer(self, asked: Asked) -> list[Reply]:
        """The replies; errors as in `exchange`, after which the line is closed."""
        try:
            await asked.done
        except asyncio.CancelledError:
            self.close()
            raise
        if asked.is_broken:
            raise self._fault or WireError("the connection was closed")
        return asked.replies

    async def push(self, blocks: Sequence[bytes], *, seconds: float) -> None:
        """Write what has no reply, until the kernel has all of it; errors as in `exchange`."""
        self._write(*blocks)
        if self._is_paused:
            self._drained = self._loop.create_future()
            self._wait_at_most(seconds)
            try:
                await self._drained
            finally:
                self._drained = None
                self._deadline = 0.0
        self._check()

    def close(self) -> None:
        """Leave at once; what is still to be written is dropped."""
        self._break(WireError("the connection was closed"))

    def _wait_at_most(self, seconds: float) -> None:
        """Break the line when what is waited for does not come by then."""
        self._deadline = self._loop.time() + seconds
        # One timer that is late and then set on costs less than one for each of a message's waits.
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()

    def _set_timer(self) -> None:
        self._stop_timer()
        self._timer = self._loop.call_at(self._deadline, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self._deadline > self._loop.time():
            self._set_timer()
        elif self._deadline:
            self._break(TimeoutError())

    def _write(self, *blocks: bytes) -> None:
        self._check()
        if self._transport.is_closing():
            raise WireError("Connection lost")
        self._transport.writelines(blocks)

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _break(self, fault: Exception) -> None:
        """Close the line, and tell whoever waits."""
        self._fault = self._fault or fault
        self._transport.abort()
        self._stop_timer()
        waiting, self._asked = self._asked, deque()
        for done in (*(asked.done for asked in waiting), self._drained):
            if done is not None and not done.done():
                done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read the replies in it; the whole line is given up for anything that is none."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self._read(line.rstrip(b"\r")):
                return
        if len(self._buffer) + sum(map(len, self._lines)) > _MAX_REPLY_BYTES:
            self._break(WireError("Response too long"))

    def _read(self, line: bytes) -> bool:
        """False when the line of a reply is not as it must be."""
        found = _known(line) if len(line) < _SHORT else _parsed(line)
        if found is None or (self._lines and found[0].code != self._code):
            said = line[:200].decode("utf-8", "replace")
            self._break(WireError(f"Malformed SMTP response line: {said}"))
            return False
        if not self._asked:
            said = line[:200].decode("utf-8", "replace")
            self._break(WireError(f"the server spoke unasked: {said}"))
            return False
        reply, is_last, words = found
        if is_last and not self._lines:
            self._take(reply)
            return True
        self._code = reply.code
        self._lines.append(words)
        if is_last:
            text = b"\n".join(self._lines).decode("utf-8", "surrogateescape")
            self._lines = []
            self._take(Reply(reply.code, text))
        return True

    def _take(self, reply: Reply) -> None:
        """Give the reply to what it answers."""
        asked = self._asked[0]
        asked.replies.append(reply)
        asked.owed -= 1
        if asked.owed:
            return
        self._asked.popleft()
        if self._asked:
            self._wait_at_most(self._asked[0].seconds)
        else:
            self._deadline = 0.0
        if not asked.done.done():
            asked.done.set_result(None)

    def eof_received(self) -> None:
        """The other side has said all it will: there is no reply to come, so the line is of no use."""
        self._break(WireError("Unexpected EOF received"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._break(WireError((str(exc) if exc else "") or "Connection lost"))

    def pause_writing(self) -> None:
        """The kernel takes no more for now."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The kernel has all of it."""
        self._is_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


def _parsed(line: bytes) -> tuple[Reply, bool, bytes] | None:
    """A line as a reply of its own, whether it is a reply's last, and its words; None for what is none."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    words = (found[3] or b"").strip()
    return Reply(int(found[1]), words.decode("utf-8", "surrogateescape")), found[2] != b"-", words


_known = lru_cache(maxsize=256)(_parsed)
