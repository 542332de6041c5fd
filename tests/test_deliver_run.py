"""Many messages over one transport: order, intents, ends."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from digest.deliver import Envelope, Intent, deliver
from digest.deliver.envelope import no_intent
from digest.domain import Outcome, OutcomeKind


def envelope(key: int) -> Envelope:
    return Envelope(key=key, sender="news@example.org", recipient=f"reader{key}@example.org", data=b"x\r\n")


async def envelopes(count: int) -> AsyncIterator[Envelope]:
    for key in range(count):
        yield envelope(key)


async def willing(_key: int) -> bool:
    return True


async def collect(keys: list[int], outcomes: AsyncIterator[Outcome]) -> None:
    """Keep the keys of the outcomes that come before an error."""
    async for outcome in outcomes:
        keys.append(outcome.key)  # noqa: PERF401 (a comprehension would lose them with the error)


class Slow:
    """A transport that gives the loop some turns before and after the dot, and counts what is in flight."""

    def __init__(self) -> None:
        self.left: list[int] = []
        self.now = self.most = 0

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self._turns(envelope.key % 5)
            await intent()
            self.left.append(envelope.key)
            await self._turns(envelope.key % 3)
        finally:
            self.now -= 1
        return Outcome(key=envelope.key, kind=OutcomeKind.SENT)

    async def check(self) -> str:
        return "ready"

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)


async def test_every_message_has_one_outcome_and_the_workers_share_them() -> None:
    transport = Slow()

    keys = [each.key async for each in deliver(envelopes(50), transport, connections=4, handing=willing)]

    assert sorted(keys) == list(range(50))
    assert sorted(transport.left) == list(range(50))
    assert keys != sorted(keys)
    assert transport.most == 4


async def test_no_messages_and_more_connections_than_messages_end_by_themselves() -> None:
    none = [each async for each in deliver(envelopes(0), Slow(), connections=4, handing=willing)]
    two = [each async for each in deliver(envelopes(2), Slow(), connections=9, handing=willing)]

    assert (len(none), len(two)) == (0, 2)


async def test_a_message_whose_handing_is_refused_does_not_leave_and_has_no_outcome() -> None:
    async def odd_only(key: int) -> bool:
        return key % 2 == 1

    transport = Slow()
    keys = [each.key async for each in deliver(envelopes(20), transport, connections=3, handing=odd_only)]

    assert sorted(keys) == sorted(transport.left) == list(range(1, 20, 2))


async def test_there_are_never_more_intents_without_a_recorded_outcome_than_connections() -> None:
    handed: set[int] = set()
    most = 0

    async def note(key: int) -> bool:
        nonlocal most
        handed.add(key)
        most = max(most, len(handed))
        return True

    async for outcome in deliver(envelopes(60), Slow(), connections=4, handing=note):
        for _ in range(20):  # a ledger that takes its time
            await asyncio.sleep(0)
        handed.discard(outcome.key)

    assert most <= 4


async def test_what_the_messages_raise_comes_after_the_outcomes_of_those_in_flight() -> None:
    async def broken() -> AsyncIterator[Envelope]:
        async for each in envelopes(7):
            yield each
        raise LookupError("no more")

    transport = Slow()
    keys: list[int] = []

    with pytest.raises(LookupError, match="no more"):
        await collect(keys, deliver(broken(), transport, connections=3, handing=willing))
    assert sorted(keys) == sorted(transport.left) == list(range(7))


async def test_what_handing_raises_stops_the_run_and_its_message_does_not_leave() -> None:
    async def no_ledger(key: int) -> bool:
        if key == 5:
            raise LookupError("no ledger")
        return True

    transport = Slow()
    keys: list[int] = []

    with pytest.raises(LookupError, match="no ledger"):
        await collect(keys, deliver(envelopes(1000), transport, connections=3, handing=no_ledger))
    assert sorted(keys) == sorted(transport.left)
    assert 5 not in keys
    assert len(keys) < 20


async def test_closing_early_ends_the_workers() -> None:
    transport = Slow()
    async with aclosing(deliver(envelopes(1000), transport, connections=4, handing=willing)) as outcomes:
        async for _ in outcomes:
            break

    assert len(transport.left) < 20
    assert transport.now == 0


async def test_leaving_the_loop_without_closing_does_no_harm() -> None:
    transport = Slow()
    async for _ in deliver(envelopes(1000), transport, connections=4, handing=willing):
        break
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)

    assert transport.now == 0


async def test_cancelling_the_caller_ends_the_workers() -> None:
    transport = Slow()
    stuck = asyncio.Event()

    async def forever(_key: int) -> bool:
        stuck.set()
        await asyncio.Event().wait()
        return True

    async def run() -> None:
        async with aclosing(deliver(envelopes(9), transport, connections=2, handing=forever)) as outcomes:
            async for _ in outcomes:
                pass

    task = asyncio.create_task(run())
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (transport.now, transport.left) == (0, [])
