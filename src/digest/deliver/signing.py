"""A transport that signs what leaves by another, with RSA on all cores at once."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from digest.deliver.dkim import Signer
from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.domain import Outcome, OutcomeKind
from digest.errors import DigestError

#: Messages that a thread signs in one visit at most: waking it costs a tenth of a signature.
_AT_ONCE = 8


class Signing:
    """A transport that signs each message just before it leaves by another."""

    def __init__(self, transport: Transport, signer: Signer) -> None:
        """The other transport is opened and closed by whoever made it; close this one too."""
        self._transport = transport
        self.ahead = transport.ahead
        self._signer = signer
        self._desk = _Desk(signer) if signer.is_slow else None

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the other transport says of the signed message; FAILED for what cannot be signed."""
        try:
            data = await self._desk.sign(envelope.data) if self._desk else self._signer.sign(envelope.data)
        except DigestError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=exc.what)
        return await self._transport.send(replace(envelope, data=data), intent=intent)

    async def check(self) -> str:
        """The other's line, and that messages are signed."""
        return f"{await self._transport.check()}, DKIM {self._signer.names}"

    def close(self) -> None:
        """End the threads; nothing may be in flight."""
        if self._desk is not None:
            self._desk.close()


class _Desk:
    """Signs in a thread for each core: the library lets go of the GIL while it does."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._free = os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._free, thread_name_prefix="dkim")
        self._waiting: list[tuple[bytes, asyncio.Future[bytes]]] = []

    async def sign(self, data: bytes) -> bytes:
        """The signed message; what `Signer.sign` raises is raised."""
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        if not self._waiting:
            # Those that come in the same turn of the loop are shared out among the threads.
            loop.call_soon(self._share_out, loop)
        self._waiting.append((data, answer))
        return bytes(await answer)

    def close(self) -> None:
        self._threads.shutdown()

    def _share_out(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting and self._free:
            count = min(-(-len(self._waiting) // self._free), _AT_ONCE)
            some, self._waiting = self._waiting[:count], self._waiting[count:]
            self._free -= 1
            doing = loop.run_in_executor(self._threads, self._sign_all, [data for data, _ in some])
            doing.add_done_callback(partial(self._answer, loop, [answer for _, answer in some]))

    def _sign_all(self, messages: Sequence[bytes]) -> list[bytes | DigestError]:
        return [self._sign(data) for data in messages]

    def _sign(self, data: bytes) -> bytes | DigestError:
        try:
            return self._signer.sign(data)
        except DigestError as exc:
            return exc

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        answers: Sequence[asyncio.Future[bytes]],
        done: asyncio.Future[list[bytes | DigestError]],
    ) -> None:
        self._free += 1
        self._share_out(loop)
        broken = done.exception()
        results = [broken] * len(answers) if broken else done.result()
        for answer, result in zip(answers, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)
