"""Many messages, a few at a time."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Protocol

from digest.deliver.envelope import Envelope, Intent
from digest.domain import Outcome


class Send(Protocol):
    """What a transport does with one message."""

    def __call__(self, envelope: Envelope, *, intent: Intent) -> Awaitable[Outcome]:
        """As `Transport.send`."""
        ...


async def deliver(
    envelopes: AsyncIterable[Envelope],
    send: Send,
    *,
    at_once: int,
    handing: Callable[[int], Awaitable[bool]],
    taking: Callable[[Outcome], Awaitable[None]],
) -> None:
    """Send them all, `at_once` at a time.

    `handing(key)` is awaited before the final dot, for the caller to make the intent durable; when it is
    False the message is not sent and has no outcome. `taking(outcome)` is awaited before another message
    takes its place, so there are never more intents without an outcome than `at_once`, nor than a transport
    hands over at one time. To stop cleanly, end `envelopes`; cancelling cuts what is in flight.
    What `envelopes`, `handing` or `taking` raises is raised here, after the messages in flight have ended.
    """
    run = _Run(send, handing, taking, at_once)
    async with asyncio.TaskGroup() as group:
        await run.feed(envelopes, group)
    if run.error is not None:
        raise run.error


class _WithheldError(Exception):
    """The caller said no at the last moment."""


class _Run:
    """One `deliver`, and what went wrong in it first."""

    def __init__(
        self,
        send: Send,
        handing: Callable[[int], Awaitable[bool]],
        taking: Callable[[Outcome], Awaitable[None]],
        at_once: int,
    ) -> None:
        self._send_one = send
        self._handing = handing
        self._taking = taking
        self._slots = asyncio.Semaphore(at_once)
        self.error: Exception | None = None

    async def feed(self, envelopes: AsyncIterable[Envelope], group: asyncio.TaskGroup) -> None:
        """Begin with each message as soon as there is a slot for it, until somebody failed."""
        try:
            await self._slots.acquire()
            async for envelope in envelopes:
                group.create_task(self._carry(envelope))
                await self._slots.acquire()
                if self.error is not None:
                    return
        except Exception as exc:
            self.error = self.error or exc

    async def _carry(self, envelope: Envelope) -> None:
        try:
            if (outcome := await self._send(envelope)) is not None:
                await self._taking(outcome)
        except Exception as exc:
            self.error = self.error or exc
        finally:
            self._slots.release()

    async def _send(self, envelope: Envelope) -> Outcome | None:
        async def intent() -> None:
            if not await self._handing(envelope.key):
                raise _WithheldError

        try:
            return await self._send_one(envelope, intent=intent)
        except _WithheldError:
            return None
