"""Many messages over one transport, a few at a time."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable

from digest.deliver.envelope import Envelope, Transport
from digest.domain import Outcome


async def deliver(
    envelopes: AsyncIterable[Envelope],
    transport: Transport,
    *,
    at_once: int,
    handing: Callable[[int], Awaitable[bool]],
    taking: Callable[[Outcome], Awaitable[None]],
) -> None:
    """Send them all, `at_once` at a time.

    `handing(key)` is awaited before the final dot, for the caller to make the intent durable; when it is
    False the message is not sent and has no outcome. `taking(outcome)` is awaited before the same worker
    takes its next message, so there are never more intents without an outcome than `at_once`, nor than a
    transport hands over at one time. To stop cleanly, end `envelopes`; cancelling cuts what is in flight.
    What `envelopes`, `handing` or `taking` raises is raised here, after the messages in flight have ended.
    """
    run = _Run(envelopes, transport, handing, taking)
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(run.work())
    if run.error is not None:
        raise run.error


class _WithheldError(Exception):
    """The caller said no at the last moment."""


class _Run:
    """What the workers of one `deliver` share."""

    def __init__(
        self,
        envelopes: AsyncIterable[Envelope],
        transport: Transport,
        handing: Callable[[int], Awaitable[bool]],
        taking: Callable[[Outcome], Awaitable[None]],
    ) -> None:
        self._envelopes = aiter(envelopes)
        self._transport = transport
        self._handing = handing
        self._taking = taking
        self._turn = asyncio.Lock()
        self._is_over = False
        self.error: Exception | None = None

    async def work(self) -> None:
        """Send one message after the other until there are no more or somebody failed."""
        try:
            while (envelope := await self._next()) is not None:
                if (outcome := await self._send(envelope)) is not None:
                    await self._taking(outcome)
        except Exception as exc:
            self.error = self.error or exc
        finally:
            # Also for one that goes on when cancelled: before Python 3.12 `wait_for` may hide that.
            self._is_over = True

    async def _next(self) -> Envelope | None:
        """The next message; an asynchronous generator allows only one caller at a time."""
        # Not `async with`, which is two coroutines more for each message.
        await self._turn.acquire()
        try:
            return None if self._is_over else await anext(self._envelopes)
        except StopAsyncIteration:
            self._is_over = True
            return None
        finally:
            self._turn.release()

    async def _send(self, envelope: Envelope) -> Outcome | None:
        async def intent() -> None:
            if not await self._handing(envelope.key):
                raise _WithheldError

        try:
            return await self._transport.send(envelope, intent=intent)
        except _WithheldError:
            return None
