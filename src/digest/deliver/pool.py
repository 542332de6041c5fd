"""A mail server as a transport: a few connections, used again and again."""

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from digest.deliver.dial import dial
from digest.deliver.envelope import Envelope, Intent, no_intent
from digest.deliver.smtp import Account, Commands, Line, Opened, Told
from digest.deliver.wire import Asked
from digest.domain import Outcome, OutcomeKind
from digest.errors import DigestError, TransportError

#: What Exim takes over one connection when nobody says otherwise; who takes less says so, and gets another.
_MESSAGES_A_LINE = 1000
#: A server that could not be reached is left alone for so long; messages are deferred meanwhile.
_REST_SECONDS = 10.0
#: A message waits so long to follow another one although a line is idle: that costs both sides less.
_FOLLOW_SECONDS = 0.008
_NAME_SECONDS = 5.0
#: What is said in EHLO when this machine has no full name (RFC 5321 §4.1.4).
_NO_NAME = "[127.0.0.1]"


@dataclass(frozen=True, slots=True)
class _Turn:
    """A line for one message, and what the server has said already to the message's commands."""

    line: Line
    opened: Opened | None = None


@dataclass(slots=True, eq=False)
class _Waiting:
    """A message that waits for a line."""

    envelope: Envelope
    #: True when its commands may leave with another message's dot.
    may_follow: bool
    #: None when there may be a line to be had or dialled now.
    turn: asyncio.Future[_Turn | None]


class Relay:
    """A transport over at most `connections` lines to one mail server.

    While messages wait for a line, the commands of the next leave together with the dot of the one before:
    a message takes one round trip instead of two. So where few come at a time, few lines are in use.
    """

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
        #: How many messages are of use beside those on the lines: each line's next.
        self.ahead = connections
        self._idle: list[Line] = []
        #: Lines in use, idle or being dialled.
        self._open = 0
        self._waiting: deque[_Waiting] = deque()
        #: When those that wait although a line is idle have waited long enough.
        self._relief: asyncio.TimerHandle | None = None
        self._may_follow = True
        #: Lines that belong to the message that follows, as soon as the one on them is done.
        self._promised: set[Line] = set()
        self._tls: ssl.SSLContext | None = None
        self._own_name = ""

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the server said of the message; DEFERRED when it could not be reached."""
        try:
            turn = await self._take(envelope)
            while (outcome := await self._send_on(turn, envelope, intent)) is None:
                turn = await self._take_new(envelope)
        except TransportError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.DEFERRED, reply=exc.what, is_unreached=True)
        return outcome

    async def _send_on(self, turn: _Turn, envelope: Envelope, intent: Intent) -> Outcome | None:
        line = turn.line
        try:
            following = partial(self._following, line)
            return await line.send(envelope, intent, opened=turn.opened, following=following)
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

    async def _take(self, envelope: Envelope) -> _Turn:
        """An idle line, a new one, the next that is given back, or one whose message this one follows."""
        may_follow, has_waited = True, False
        while True:
            while self._idle and (has_waited or not self._may_soon_follow()):
                line = self._idle.pop()
                if self._is_fresh(line):
                    return _Turn(line)
                self._drop()
                if line.is_open:
                    await line.quit()
            if not self._idle and self._open < self._limit:
                if (fresh := await self._open_another()) is not None:
                    return _Turn(fresh)
                continue
            waiting = _Waiting(envelope, may_follow, asyncio.get_running_loop().create_future())
            if (turn := await self._wait(waiting)) is not None:
                return turn
            may_follow, has_waited = waiting.may_follow, True

    def _may_soon_follow(self) -> bool:
        """True, for a moment, when another line than the idle one will soon be free to follow on."""
        if not (self._may_follow and self._open > len(self._idle) and self._idle[-1].may_be_followed):
            return False
        if self._relief is None:
            self._relief = asyncio.get_running_loop().call_later(_FOLLOW_SECONDS, self._relieve)
        return True

    def _relieve(self) -> None:
        self._relief = None
        self._wake(len(self._waiting))

    async def _take_new(self, envelope: Envelope) -> _Turn:
        """A new line for what was refused on a used one, whose place is free; any line when there is none."""
        fresh = await self._open_another() if self._open < self._limit else None
        return _Turn(fresh) if fresh is not None else await self._take(envelope)

    async def _wait(self, waiting: _Waiting) -> _Turn | None:
        self._waiting.append(waiting)
        try:
            return await waiting.turn
        except asyncio.CancelledError:
            if not waiting.turn.cancelled():
                self._refuse(waiting.turn.result())
            raise

    def _refuse(self, turn: _Turn | None) -> None:
        """Leave to others what nobody takes any more."""
        if turn is None:
            self._wake(1)
        else:
            turn.line.close()
            self._drop()

    def _first(self) -> _Waiting | None:
        """Who has waited longest and still does."""
        while self._waiting and self._waiting[0].turn.done():
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def _is_fresh(self, line: Line) -> bool:
        """True when the line can carry one more message."""
        return line.is_open and line.messages < self._messages_a_line

    def _following(self, line: Line) -> tuple[Commands, Told] | None:
        """The commands of the message that comes next on the line, when one waits that may."""
        waiting = self._first()
        if waiting is None or not (waiting.may_follow and self._may_follow):
            return None
        if not (line.may_be_followed and self._is_fresh(line)):
            return None
        try:
            commands = line.commands(waiting.envelope)
        except DigestError:
            # It is told so in its own turn.
            return None
        return commands, partial(self._promise, line, waiting, commands)

    def _promise(self, line: Line, waiting: _Waiting, commands: Commands, asked: Asked) -> None:
        """Give the line to who waits when its commands are answered."""
        self._waiting.remove(waiting)
        self._promised.add(line)
        asked.done.add_done_callback(lambda _: self._hand_over(line, waiting, Opened(commands, asked)))

    def _hand_over(self, line: Line, waiting: _Waiting, opened: Opened) -> None:
        if waiting.turn.done() or opened.asked.is_broken:
            # Some servers forget what came with the dot; asking each of them again would cost its time-out.
            self._may_follow = self._may_follow and not line.has_timed_out
            line.close()
            # Nothing of it has left but its addresses: it begins anew, first of all and on a line of its own.
            waiting.may_follow = False
            self._waiting.appendleft(waiting)
            self._drop()
        else:
            waiting.turn.set_result(_Turn(line, opened))

    async def _open_another(self) -> Line | None:
        """A new line; None when the server allows no more beside those there are, TransportError for none."""
        if self._open == 0 and asyncio.get_running_loop().time() < self._rest_until:
            raise TransportError(self._last_words)
        self._open += 1
        try:
            return await self._dial()
        except BaseException as exc:
            self._open -= 1
            self._wake(len(self._waiting))
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
        if line in self._promised:
            self._promised.remove(line)
        elif self._is_fresh(line) and (waiting := self._first()) is not None:
            self._waiting.popleft()
            waiting.turn.set_result(_Turn(line))
        elif line.is_open:
            self._idle.append(line)
            self._wake(1)
        else:
            self._drop()

    def _drop(self) -> None:
        """Count a line less, and try again whether the server allows as many as are wished for."""
        self._open -= 1
        self._limit = self._most
        self._wake(self._limit - self._open)

    def _wake(self, count: int) -> None:
        """Let so many of those that wait look again, the first ones."""
        while count > 0 and (waiting := self._first()) is not None:
            self._waiting.popleft()
            waiting.turn.set_result(None)
            count -= 1

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
