"""A transport that signs what leaves by another, several messages at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from digest.deliver.dkim import Signer
from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.domain import Outcome, OutcomeKind
from digest.errors import DigestError
from digest.eventloop import when_idle

#: One after the other is faster than each between other work; more at once gains no more.
_AT_ONCE = 50


class Signing:
    """A transport that signs each message before it leaves by another."""

    def __init__(self, transport: Transport, signer: Signer) -> None:
        """The other transport is opened and closed by whoever made it."""
        self._transport = transport
        self.ahead = transport.ahead
        self._signer = signer
        self._waiting: list[tuple[Sequence[bytes], asyncio.Future[bytes]]] = []

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the other transport says of the signed message; FAILED for what cannot be signed."""
        try:
            signature = await self._signature(envelope.blocks)
        except DigestError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=exc.what)
        signed = replace(envelope, blocks=(signature, *envelope.blocks))
        return await self._transport.send(signed, intent=intent)

    async def check(self) -> str:
        """The other's line, and that messages are signed."""
        return f"{await self._transport.check()}, DKIM {self._signer.names}"

    def _signature(self, blocks: Sequence[bytes]) -> asyncio.Future[bytes]:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((blocks, answer))
        if len(self._waiting) == 1:
            waiting = self._waiting
            when_idle(self._sign_all, lambda: waiting is self._waiting)
        elif len(self._waiting) >= _AT_ONCE:
            self._sign_all()
        return answer

    # Not in threads: they wait for Python's lock, and a further process gets more out of a further core.
    def _sign_all(self) -> None:
        some, self._waiting = self._waiting, []
        for blocks, answer in some:
            if answer.done():
                continue
            try:
                answer.set_result(self._signer.sign(blocks))
            except Exception as exc:  # whatever it is, somebody waits for it
                answer.set_exception(exc)
