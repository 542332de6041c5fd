"""Many messages over one transport, a few at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable

from digest.deliver.envelope import Envelope, Transport
from digest.domain import Outcome


async def deliver(
    envelopes: AsyncIterable[Envelope],
    transport: Transport,
    *,
    connections: int,
    handing: Callable[[int], Awaitable[bool]],
) -> AsyncGenerator[Outcome, None]:
    """The outcomes, in order of finishing.

    `handing(key)` is awaited before the final dot, for the caller to make the intent durable; when it is
    False the message is not sent and has no outcome. A worker takes its next message only when its outcome
    has been taken in here and the caller came back for more, so there are never more intents without an
    outcome than `connections`. To stop cleanly, end `envelopes`; closing this iterator (use
    `contextlib.aclosing`) cuts what is in flight. What `envelopes` or `handing` raises is raised here,
    after the messages in flight have ended.
    """
    run = _Run(envelopes, transport, handing)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run.work()) for _ in range(connections)]
        working = len(tasks)
        while working:
            report = await run.reports.get()
            if report is None:
                working -= 1
                continue
            outcome, taken = report
            try:
                yield outcome
            except GeneratorExit:
                # A TaskGroup would wrap the exit in a group, which aclose() does not expect.
                for task in tasks:
                    task.cancel()
                return
            taken.set()
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
    ) -> None:
        self._envelopes = aiter(envelopes)
        self._transport = transport
        self._handing = handing
        self._turn = asyncio.Lock()
        self._is_over = False
        self.error: Exception | None = None
        #: An outcome and the event that says it was taken in; None when a worker has ended.
        self.reports: asyncio.Queue[tuple[Outcome, asyncio.Event] | None] = asyncio.Queue()

    async def work(self) -> None:
        """Send one message after the other until there are no more or somebody failed."""
        try:
            while (envelope := await self._next()) is not None:
                if (outcome := await self._send(envelope)) is not None:
                    taken = asyncio.Event()
                    self.reports.put_nowait((outcome, taken))
                    await taken.wait()
        except Exception as exc:
            self.error = self.error or exc
            self._is_over = True
        finally:
            self.reports.put_nowait(None)

    async def _next(self) -> Envelope | None:
        """The next message; an asynchronous generator allows only one caller at a time."""
        async with self._turn:
            if self._is_over:
                return None
            try:
                return await anext(self._envelopes)
            except StopAsyncIteration:
                self._is_over = True
                return None

    async def _send(self, envelope: Envelope) -> Outcome | None:
        async def intent() -> None:
            if not await self._handing(envelope.key):
                raise _WithheldError

        try:
            return await self._transport.send(envelope, intent=intent)
        except _WithheldError:
            return None
