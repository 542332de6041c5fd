"""Many messages over one transport: order, intents, ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from digest.deliver import Envelope, Intent, deliver
from digest.deliver.envelope import Transport, no_intent
from digest.domain import Outcome, OutcomeKind


def envelope(key: int) -> Envelope:
    return Envelope(
        key=key, sender="news@example.org", recipient=f"reader{key}@example.org", blocks=(b"x\r\n",)
    )


async def envelopes(count: int) -> AsyncIterator[Envelope]:
    for key in range(count):
        yield envelope(key)


async def willing(_key: int) -> bool:
    return True


async def keys_of(
    messages: AsyncIterator[Envelope],
    transport: Transport,
    keys: list[int] | None = None,
    *,
    connections: int,
    handing: Callable[[int], Awaitable[bool]] = willing,
) -> list[int]:
    """The keys of the outcomes, in order; in `keys` also those that come before an error."""
    found = [] if keys is None else keys

    async def taking(outcome: Outcome) -> None:
        found.append(outcome.key)

    await deliver(messages, transport.send, at_once=connections, handing=handing, taking=taking)
    return found


class Slow:
    """A transport that gives the loop some turns before and after the dot, and counts what is in flight."""

    ahead = 0

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

    keys = await keys_of(envelopes(50), transport, connections=4)

    assert sorted(keys) == list(range(50))
    assert sorted(transport.left) == list(range(50))
    assert keys != sorted(keys)
    assert transport.most == 4


async def test_no_messages_and_more_connections_than_messages_end_by_themselves() -> None:
    none = await keys_of(envelopes(0), Slow(), connections=4)
    two = await keys_of(envelopes(2), Slow(), connections=9)

    assert (len(none), len(two)) == (0, 2)


async def test_a_message_whose_handing_is_refused_does_not_leave_and_has_no_outcome() -> None:
    async def odd_only(key: int) -> bool:
        return key % 2 == 1

    transport = Slow()
    keys = await keys_of(envelopes(20), transport, connections=3, handing=odd_only)

    assert sorted(keys) == sorted(transport.left) == list(range(1, 20, 2))


async def test_there_are_never_more_intents_without_a_recorded_outcome_than_connections() -> None:
    handed: set[int] = set()
    most = 0

    async def note(key: int) -> bool:
        nonlocal most
        handed.add(key)
        most = max(most, len(handed))
        return True

    async def slowly(outcome: Outcome) -> None:
        for _ in range(20):  # a ledger that takes its time
            await asyncio.sleep(0)
        handed.discard(outcome.key)

    await deliver(envelopes(60), Slow().send, at_once=4, handing=note, taking=slowly)

    assert most <= 4


async def test_what_the_messages_raise_comes_after_the_outcomes_of_those_in_flight() -> None:
    async def broken() -> AsyncIterator[Envelope]:
        async for each in envelopes(7):
            yield each
        raise LookupError("no more")

    transport = Slow()
    keys: list[int] = []

    with pytest.raises(LookupError, match="no more"):
        await keys_of(broken(), transport, keys, connections=3)
    assert sorted(keys) == sorted(transport.left) == list(range(7))


async def test_what_handing_raises_stops_the_run_and_its_message_does_not_leave() -> None:
    async def no_ledger(key: int) -> bool:
        if key == 5:
            raise LookupError("no ledger")
        return True

    transport = Slow()
    keys: list[int] = []

    with pytest.raises(LookupError, match="no ledger"):
        await keys_of(envelopes(1000), transport, keys, connections=3, handing=no_ledger)
    assert sorted(keys) == sorted(transport.left)
    assert 5 not in keys
    assert len(keys) < 20


async def test_what_taking_raises_stops_the_run_after_those_in_flight() -> None:
    transport, taken = Slow(), []

    async def no_room(outcome: Outcome) -> None:
        taken.append(outcome.key)
        if len(taken) == 3:
            raise LookupError("no room")

    with pytest.raises(LookupError, match="no room"):
        await deliver(envelopes(1000), transport.send, at_once=4, handing=willing, taking=no_room)

    assert sorted(taken) == sorted(transport.left)
    assert len(taken) < 20
    assert transport.now == 0


async def test_cancelling_the_caller_ends_the_workers() -> None:
    transport = Slow()
    stuck = asyncio.Event()

    async def forever(_key: int) -> bool:
        stuck.set()
        await asyncio.Event().wait()
        return True

    task = asyncio.create_task(keys_of(envelopes(9), transport, connections=2, handing=forever))
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (transport.now, transport.left) == (0, [])


class Deaf:
    """A transport that hides from the worker of the second message that it was cancelled."""

    ahead = 0

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.left: list[int] = []

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        await intent()
        self.left.append(envelope.key)
        if len(self.left) == 2:
            self.begun.set()
        if envelope.key == 1:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        elif envelope.key == 0:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return Outcome(key=envelope.key, kind=OutcomeKind.SENT)

    async def check(self) -> str:
        return "deaf"


async def test_cancelling_ends_also_a_worker_that_did_not_hear_of_it() -> None:
    transport = Deaf()
    sending = asyncio.create_task(keys_of(envelopes(100), transport, connections=2))
    await transport.begun.wait()

    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert len(transport.left) <= 3
