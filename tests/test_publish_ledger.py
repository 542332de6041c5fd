"""Intents and outcomes in groups, on both databases: what is durable when, what an error leaves behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import Connection, text

from conftest import KEY, NOW
from digest.domain import (
    Cadence,
    Content,
    Delivery,
    DeliveryState,
    Issue,
    IssueSection,
    IssueState,
    Story,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.errors import BusyError, StoreError
from digest.publish.ledger import Ledger
from digest.store import Store, Writer, deliveries, issues, subscribers
from digest.store.deliveries import Settlement

LEASE = timedelta(minutes=2)
READERS = 6
T = TypeVar("T")


@pytest.fixture
async def writer(store: Store) -> AsyncIterator[Writer]:
    async with aclosing(Writer(store)) as opened:
        yield opened


@pytest.fixture
async def claimed(store: Store) -> tuple[Delivery, ...]:
    """The claims on an issue for a few readers."""
    story = Story(key="a", section="news", title="A title", url="https://a.example/1")
    section = IssueSection(key="news", label="News", stories=(story,))
    content = Content(newsletter=KEY, number=1, since=NOW - LEASE, until=NOW, sections=(section,))
    draft = Issue(
        newsletter=KEY,
        number=1,
        period="2026-08-24T05:00+00:00",
        state=IssueState.SENDING,
        due_at=NOW,
        content=content,
    )
    async with store.begin() as session:
        for number in range(READERS):
            person = Subscriber(email=f"r{number}@example.org")
            who = await subscribers.add(session, person, email_hash=f"hash{number}", now=NOW)
            there = Subscription(
                subscriber=who, newsletter=KEY, state=SubscriptionState.CONFIRMED, requested_at=NOW
            )
            await subscribers.save(session, there)
        issue = await issues.save_draft(session, draft, now=NOW)
        await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
    return await claim(store, issue.id)


async def claim(store: Store, issue_id: int, *, minutes: int = 0) -> tuple[Delivery, ...]:
    async with store.begin() as session:
        now = NOW + timedelta(minutes=minutes)
        return await deliveries.claim(session, issue_id, limit=100, lease=LEASE, now=now)


async def states(store: Store, issue_id: int) -> dict[str, int]:
    async with store.read() as session:
        return await deliveries.counts(session, issue_id)


def ledger_of(writer: Writer) -> Ledger:
    return Ledger(writer, hand_lease=LEASE, clock=lambda: NOW)


def sent(delivery: Delivery) -> Settlement:
    return Settlement(delivery=delivery, state=DeliveryState.SENT, reply="250 ok")


def refused(delivery: Delivery) -> Settlement:
    """An outcome that needs no intent before it."""
    return Settlement(delivery=delivery, state=DeliveryState.FAILED, reply="550 no")


class Telling(Writer):
    """A writer that says when it has written."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.wrote = asyncio.Event()

    async def write_little(self, work: Callable[[Connection], T]) -> T:
        result = await super().write_little(work)
        self.wrote.set()
        return result


class Patient(Writer):
    """A writer that says when it leaves the work to its thread."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.began = asyncio.Event()

    async def write(self, work: Callable[[Connection], T]) -> T:
        self.began.set()
        return await super().write(work)


async def test_a_claim_tells_deliveries_and_readers_as_they_are_stored_and_nothing_once_it_is_stopped(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    issue_id, (first, second, third, *_) = claimed[0].issue_id, claimed
    person = Subscriber(id=first.subscriber_id, email="r0@example.org")
    changed = Subscription(
        subscriber=person,
        newsletter=KEY,
        state=SubscriptionState.LEFT,
        sections=("events", "news"),
        topics=("agents",),
        cadence=Cadence.MONTHLY,
        paused_until=NOW + LEASE,
        hour=7,
        requested_at=NOW,
        confirmed_at=NOW + timedelta(microseconds=1),
        left_at=NOW + LEASE,
    )
    async with store.begin() as session:
        await subscribers.save(session, changed)
        await subscribers.erase(session, second.subscriber_id)
        await subscribers.suppress(session, "hash2", "bounce", "550 no", now=NOW)
        await deliveries.give_back(session, claimed, now=NOW)
        issue = await issues.get(session, issue_id)

    got = await ledger_of(writer).claim(issue, limit=100, lease=LEASE, holder="mine")

    async with store.begin() as session:
        stored = await deliveries.page(session, issue_id, [DeliveryState.CLAIMED], after=0)
        readers = [await subscribers.subscription(session, KEY, one.subscriber_id) for one, _ in got]
        await issues.move(session, issue, IssueState.PAUSED)
        await deliveries.give_back(session, [one for one, _ in got], now=NOW)
    assert [one for one, _ in got] == [named.delivery for named in stored]
    assert [reader for _, reader in got] == readers
    assert [one.id for one, reader in got if reader is None] == [second.id]
    assert [one.id for one, reader in got if reader and reader.suppressed == "bounce"] == [third.id]
    assert await ledger_of(writer).claim(issue, limit=100, lease=LEASE, holder="mine") == []


async def test_intents_that_are_asked_for_together_are_stored_in_one_transaction(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    ledger = ledger_of(writer)

    asking = asyncio.gather(*(ledger.hand(one) for one in claimed))
    await asyncio.sleep(0)
    await ledger.flush()

    assert await asking == [True] * READERS
    assert await states(store, claimed[0].issue_id) == {"handed": READERS}


async def test_an_outcome_is_durable_no_later_than_the_next_intent(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    ledger = ledger_of(writer)
    storing = asyncio.create_task(ledger.run())
    first, second, *_ = claimed

    await ledger.hand(first)
    ledger.settle(sent(first))
    await ledger.hand(second)

    assert await states(store, first.issue_id) == {"claimed": READERS - 2, "handed": 1, "sent": 1}
    storing.cancel()


async def test_an_outcome_that_no_intent_follows_is_stored_by_itself(
    store: Store, claimed: tuple[Delivery, ...]
) -> None:
    async with aclosing(Telling(store)) as writer:
        ledger = ledger_of(writer)
        storing = asyncio.create_task(ledger.run())

        ledger.settle(refused(claimed[0]))
        await asyncio.wait_for(writer.wrote.wait(), 20)

        assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 1, "failed": 1}
        storing.cancel()


async def test_a_claim_that_another_has_taken_over_is_told_and_its_outcome_ignored(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    async with store.begin() as session:
        later = NOW + LEASE + timedelta(minutes=1)
        await deliveries.recover(session, now=later, settle_as=DeliveryState.QUEUED)
    newer = await claim(store, claimed[0].issue_id, minutes=5)
    ledger = ledger_of(writer)

    asking = asyncio.gather(ledger.hand(claimed[0]), ledger.hand(newer[1]))
    ledger.settle(sent(claimed[2]))
    await asyncio.sleep(0)
    await ledger.flush()

    assert list(await asking) == [False, True]
    assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 1, "handed": 1}


async def test_without_a_ledger_nothing_may_leave_and_no_outcome_is_lost(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_values: object) -> frozenset[int]:
        raise StoreError("the disk is full")

    ledger = ledger_of(writer)
    storing = asyncio.create_task(ledger.run())
    ledger.settle(refused(claimed[0]))
    with monkeypatch.context() as broken:
        broken.setattr(deliveries, "record", full)
        with pytest.raises(StoreError, match="full"):
            await ledger.hand(claimed[1])
        with pytest.raises(StoreError, match="full"):
            await ledger.hand(claimed[2])
        with pytest.raises(StoreError, match="full"):
            await storing

    await ledger.flush()

    assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 1, "failed": 1}


async def test_what_is_given_back_is_queued_again_and_the_try_does_not_count(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    ledger = ledger_of(writer)
    asking = asyncio.create_task(ledger.hand(claimed[0]))
    await asyncio.sleep(0)
    await ledger.flush()
    assert await asking

    async with store.begin() as session:
        await deliveries.give_back(session, claimed, now=NOW)

    assert await states(store, claimed[0].issue_id) == {"handed": 1, "queued": READERS - 1}
    again = await claim(store, claimed[0].issue_id)
    assert {one.attempts for one in again} == {1}
    assert {one.fence for one in again} == {2}


async def test_a_cancelled_transaction_ends_before_the_next_begins(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    outcomes = [refused(claimed[0])]
    work = partial(deliveries.record, intents=[], outcomes=outcomes, lease=LEASE, now=NOW)
    first = asyncio.create_task(writer.write(work))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    ledger = ledger_of(writer)
    ledger.settle(refused(claimed[1]))
    await ledger.flush()

    assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 2, "failed": 2}


async def test_an_intent_waits_in_a_thread_while_somebody_else_writes(
    store: Store, claimed: tuple[Delivery, ...]
) -> None:
    async with aclosing(Patient(store)) as writer:
        ledger = ledger_of(writer)
        storing = asyncio.create_task(ledger.run())
        async with store.begin() as session:
            await session.execute(text("DELETE FROM suppression"))

            asking = asyncio.create_task(ledger.hand(claimed[0]))
            await asyncio.wait_for(writer.began.wait(), 20)

        assert await asyncio.wait_for(asking, 20)
        assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 1, "handed": 1}
        storing.cancel()


# PostgreSQL locks rows.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_when_the_ledger_stays_locked_whoever_asked_meanwhile_is_told_too(
    store: Store, claimed: tuple[Delivery, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.writer.LOCK_TIMEOUT", 0.3)
    async with aclosing(Patient(store)) as writer:
        ledger = ledger_of(writer)
        storing = asyncio.create_task(ledger.run())
        async with store.begin() as session:
            await session.execute(text("DELETE FROM suppression"))
            ledger.settle(refused(claimed[0]))
            await asyncio.wait_for(writer.began.wait(), 20)

            with pytest.raises(BusyError, match="locked by another process"):
                await asyncio.wait_for(ledger.hand(claimed[1]), 20)
        with pytest.raises(BusyError):
            await storing

        await ledger.flush()

    assert await states(store, claimed[0].issue_id) == {"claimed": READERS - 1, "failed": 1}


async def test_a_few_intents_are_stored_before_there_are_many(
    store: Store, writer: Writer, claimed: tuple[Delivery, ...]
) -> None:
    ledger = Ledger(writer, hand_lease=LEASE, clock=lambda: NOW, at_once=100)
    storing = asyncio.create_task(ledger.run())

    assert await asyncio.wait_for(ledger.hand(claimed[0]), 20)
    storing.cancel()
