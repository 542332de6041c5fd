"""The ledger of one sending: many intents and outcomes in one transaction, each before it matters."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from digest.domain import Delivery, Issue
from digest.eventloop import when_idle
from digest.store import Writer, deliveries
from digest.store.deliveries import Claimed, Settlement

#: An outcome that no intent takes along is stored after that long.
_OUTCOME_SECONDS = 0.05
#: An intent waits so long for others that come along, and then until all that can be done without it is done.
_INTENT_SECONDS = 0.002
#: And so many times as long as this thread worked while the last ones were stored, up to so long: where few
#: come at a time, storing takes no more of it than this part. Where a server stores, that is other work.
_PART = 16
_MOST_INTENT_SECONDS = 0.008


class Ledger:
    """Collects what is to be stored while a transaction runs, and stores it in the next.

    An outcome that was told before an intent is durable no later than that intent. So whoever tells the
    outcome of one message before it asks for the intent of its next leaves at most one of them in doubt.
    """

    def __init__(
        self, writer: Writer, *, hand_lease: timedelta, clock: Callable[[], datetime], at_once: int = 1
    ) -> None:
        """`hand_lease` is how long an intent may wait for its outcome before it counts as uncertain.

        `at_once` is how many messages can wait for their intents: for three in four it is worth to begin.
        """
        self._writer = writer
        self._lease = hand_lease
        self._clock = clock
        self._intents: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._outcomes: list[Settlement] = []
        self._many = max(at_once * 3 // 4, 1)
        self._wanted = asyncio.Event()
        self._wait = _INTENT_SECONDS
        self._soon: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None
        self._error: Exception | None = None

    async def claim(self, issue: Issue, *, limit: int, lease: timedelta, holder: str) -> list[Claimed]:
        """Up to `limit` deliveries that are due, held for `lease`, with their readers as they are now.

        None once the issue is stopped. Made by whoever stores intents and outcomes: two that write would wait
        for each other.
        """
        now = self._clock()
        claim = partial(
            deliveries.claim_while_sending, issue=issue, limit=limit, lease=lease, now=now, holder=holder
        )
        claimed = await self._writer.write(claim)
        # Not in one transaction: whoever else sends waits for its end.
        return await self._writer.read(partial(deliveries.with_readers, issue=issue, claimed=claimed))

    async def hand(self, delivery: Delivery) -> bool:
        """True once the intent is durable; False when the claim is no longer ours.

        Raises what the store raised, now or before: without a ledger nothing leaves.
        """
        if self._error is not None:
            raise self._error
        answer = asyncio.get_running_loop().create_future()
        self._intents.append((delivery, answer))
        if len(self._intents) >= self._many:
            self._wanted.set()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(self._wait, self._ring_soon)
        return bool(await answer)

    def settle(self, settlement: Settlement) -> None:
        """Take an outcome; it is stored with the next intent, soon, or at `flush`."""
        self._outcomes.append(settlement)
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(_OUTCOME_SECONDS, self._ring_late)

    # Timers are left to run out: one for each group would cost more than a look at nothing.
    def _ring_soon(self) -> None:
        self._soon = None
        waiting = self._intents
        when_idle(self._wanted.set, lambda: waiting is self._intents)

    def _ring_late(self) -> None:
        self._late = None
        self._wanted.set()

    async def run(self) -> None:
        """Store what is asked for until cancelled. What the store raises ends it, and all that wait."""
        while True:
            await self._wanted.wait()
            await self.flush()

    async def flush(self) -> None:
        """Store all that waits, in one transaction; on an error nothing is, and outcomes are kept."""
        self._wanted.clear()
        intents, self._intents = self._intents, []
        outcomes, self._outcomes = self._outcomes, []
        if not (intents or outcomes):
            return
        start = time.thread_time()
        try:
            stored = await self._store_all([delivery for delivery, _ in intents], outcomes)
        except BaseException as exc:
            self._outcomes = outcomes + self._outcomes
            # Also those that came meanwhile: after an error nobody stores them.
            self._refuse([*intents, *self._intents], exc)
            raise
        took = time.thread_time() - start
        self._wait = min(max(took * _PART, _INTENT_SECONDS), _MOST_INTENT_SECONDS)
        for delivery, answer in intents:
            if not answer.done():
                answer.set_result(delivery.id in stored)

    def _refuse(self, intents: list[tuple[Delivery, asyncio.Future[bool]]], why: BaseException) -> None:
        """Tell all that wait, and all that ask later, why nothing of theirs is stored."""
        self._intents = []
        self._error = why if isinstance(why, Exception) else None
        for _, answer in intents:
            if not answer.done():
                answer.cancel() if self._error is None else answer.set_exception(self._error)

    async def _store_all(self, intents: list[Delivery], outcomes: list[Settlement]) -> frozenset[int]:
        record = partial(
            deliveries.record, intents=intents, outcomes=outcomes, lease=self._lease, now=self._clock()
        )
        return await self._writer.write_little(record)
