"""Who signs: this process, and others beside it as soon as there is much to sign."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence

from digest.deliver.beside import Beside
from digest.deliver.dkim import Signer
from digest.deliver.keys import Keyring
from digest.eventloop import when_idle

_Message = Sequence[bytes]
_Signatures = list[bytes | str]

#: RSA is fastest with as many (see `eights`).
_EIGHT = 8
#: So many eights are a question: more at once gains no more.
_AT_ONCE = 6
#: So many eights wait when those beside fall behind.
_BEHIND = 12
#: Whoever signed so many has many more, for which a further process is worth its start (0.05 s).
_WORTH_IT = 200
#: So many that are told of before are worth it too.
_MANY = 1000
#: Beyond that many the one that sends is what they wait for.
_MOST = 4


class _Batch:
    """Messages that are signed for one who waits for all of them."""

    def __init__(self, messages: Sequence[_Message]) -> None:
        """They are signed by eights, in any order and by anybody."""
        self.messages = messages
        self.done: asyncio.Future[_Signatures] = asyncio.get_running_loop().create_future()
        self._signatures: _Signatures = [b""] * len(messages)
        self._left = len(messages)
        self._tell()

    def take(self, at: int, signatures: _Signatures) -> None:
        """The signatures of those from there on."""
        self._signatures[at : at + len(signatures)] = signatures
        self._left -= len(signatures)
        self._tell()

    def fail(self, exc: Exception) -> None:
        """Whoever waits is told why there are none."""
        if not self.done.done():
            self.done.set_exception(exc)

    def _tell(self) -> None:
        if not self._left and not self.done.done():
            self.done.set_result(self._signatures)


#: Up to eight messages each: their batch, and where in it they begin.
_Eights = list[tuple[_Batch, int]]


class Signers:
    """Signs messages here, or in processes that it starts when there are many."""

    def __init__(self, keyring: Keyring, *, processes: int) -> None:
        """Of at most so many processes with this one; 0 is one for each core, at most four."""
        self._keyring = keyring
        self._signer = Signer(keyring)
        #: Why processes ended too early; what they were asked is signed here.
        self.lost: list[str] = []
        most = processes or min(os.cpu_count() or 1, _MOST)
        self._to_start = most - 1 if sys.platform != "win32" else 0
        self._waiting: _Eights = []
        #: True when no other process is ever started.
        self.is_alone = not self._to_start
        self._is_looking = False
        self._signed_here = 0
        self._ready: list[Beside[_Eights]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def sign(self, messages: Sequence[_Message]) -> "asyncio.Future[_Signatures]":
        """What `Signer.sign` gives for the messages."""
        batch = _Batch(messages)
        self._waiting += [(batch, at) for at in range(0, len(messages), _EIGHT)]
        self._hand_out()
        return batch.done

    def expect(self, count: int) -> None:
        """So many messages are to come: what begins now is ready for the first of them."""
        if count >= _MANY:
            self._start()

    def describe(self) -> str:
        """What is signed with, for people."""
        return self._signer.describe()

    async def aclose(self) -> None:
        """End every process; what waits and what they were asked is no longer wanted."""
        self._waiting.clear()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hand_out(self) -> None:
        """Give what waits to who has time for it; where nobody is and nobody comes, sign it here."""
        if not self._tasks:
            self._sign_here(len(self._waiting))
        while self._ready and self._waiting:
            one = min(self._ready, key=lambda one: len(one.asked))
            # It has two questions at most: what it signs and the next.
            if one.asked and (len(one.asked) > 1 or len(self._waiting) < _AT_ONCE):
                break
            eights = self._taken(_AT_ONCE)
            one.ask(eights, _messages(eights))
        if self._is_much and not self._is_looking:
            self._is_looking = True
            when_idle(self._help, lambda: True)

    @property
    def _is_much(self) -> bool:
        """True when more waits than those beside will soon have time for."""
        return len(self._waiting) >= (_BEHIND if self._ready else 1)

    def _help(self) -> None:
        """Nothing else is to be done here: sign a few of those that wait."""
        self._is_looking = False
        if self._is_much:
            self._sign_here(1)
        self._hand_out()

    def _taken(self, count: int) -> _Eights:
        eights, self._waiting = self._waiting[:count], self._waiting[count:]
        return eights

    def _sign_here(self, count: int) -> None:
        """So many eights, at once."""
        self._sign_at_once(self._taken(count))
        if self._signed_here >= _WORTH_IT:
            self._start()

    def _start(self) -> None:
        while self._to_start:
            self._to_start -= 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _sign_at_once(self, eights: _Eights) -> None:
        messages = _messages(eights)
        self._signed_here += len(messages)
        try:
            _answer(eights, self._signer.sign(messages))
        except Exception as exc:  # whatever it is, they all wait for it
            for batch, _ in eights:
                batch.fail(exc)

    async def _run(self) -> None:
        """A process from its start to its end; when it ends too early, what it was asked is signed here."""
        try:
            beside: Beside[_Eights] = Beside.start()
        except OSError as exc:
            self.lost.append(f"{sys.executable}: {exc.strerror}")
            return
        try:
            # Whatever it is, somebody waits for what was asked.
            with contextlib.suppress(Exception):
                await beside.open(self._keyring)
                self._ready.append(beside)
                await self._pass_on(beside)
            self.lost.append(await beside.ending())
        finally:
            if beside in self._ready:
                self._ready.remove(beside)
            beside.end()
        for eights in beside.asked:
            self._sign_at_once(eights)
        self._hand_out()

    async def _pass_on(self, beside: Beside[_Eights]) -> None:
        while True:
            signatures = await beside.answer()
            _answer(beside.asked[0], signatures)
            beside.asked.popleft()
            self._hand_out()


def _messages(eights: _Eights) -> list[_Message]:
    return [message for batch, at in eights for message in batch.messages[at : at + _EIGHT]]


def _answer(eights: _Eights, signatures: _Signatures) -> None:
    """Give each batch its own."""
    start = 0
    for batch, at in eights:
        count = len(batch.messages[at : at + _EIGHT])
        batch.take(at, signatures[start : start + count])
        start += count
