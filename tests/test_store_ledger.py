"""The ledger: nobody is missed, nobody is claimed twice, whatever dies in between."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from conftest import KEY, NOW
from digest.domain import (
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
from digest.store import Store, deliveries, issues, subscribers
from digest.store.deliveries import Settlement

LEASE = timedelta(minutes=2)


def issue_to_save() -> Issue:
    story = Story(key="a", section="news", title="A title", url="https://a.example/1")
    section = IssueSection(key="news", label="News", stories=(story,))
    content = Content(newsletter=KEY, number=1, since=NOW - timedelta(days=7), until=NOW, sections=(section,))
    return Issue(
        newsletter=KEY,
        number=1,
        period="2026-08-24T05:00+00:00",
        state=IssueState.SENDING,
        due_at=NOW,
        content=content,
    )


async def add_reader(
    store: Store, number: int, state: SubscriptionState = SubscriptionState.CONFIRMED, suppressed: str = ""
) -> Subscriber:
    async with store.begin() as session:
        who = await subscribers.add(
            session, Subscriber(email=f"r{number}@example.org"), email_hash=f"hash{number}", now=NOW
        )
        await subscribers.save(
            session, Subscription(subscriber=who, newsletter=KEY, state=state, requested_at=NOW)
        )
        if suppressed:
            await subscribers.suppress(session, f"hash{number}", suppressed, "", now=NOW)
    return who


async def fan_out(store: Store, readers: int) -> Issue:
    for number in range(readers):
        await add_reader(store, number)
    async with store.begin() as session:
        issue = await issues.save_draft(session, issue_to_save(), now=NOW)
        await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
    return issue


async def claim(store: Store, issue: Issue, limit: int = 100, minutes: int = 0) -> tuple[Delivery, ...]:
    async with store.begin() as session:
        now = NOW + timedelta(minutes=minutes)
        return await deliveries.claim(session, issue.id, limit=limit, lease=LEASE, now=now)


async def test_everybody_is_in_the_ledger_queued_or_skipped_with_the_reason(store: Store) -> None:
    await add_reader(store, 100, SubscriptionState.PENDING)
    await add_reader(store, 101, SubscriptionState.LEFT)
    await add_reader(store, 102, suppressed="complaint")
    issue = await fan_out(store, 3)

    async with store.read() as session:
        assert await deliveries.counts(session, issue.id) == {"queued": 3, "skipped": 3}
        assert await deliveries.excluded(session, issue.id) == {
            "left": 1,
            "not confirmed": 1,
            "suppressed": 1,
        }


async def test_fanning_out_twice_adds_nobody_twice(store: Store) -> None:
    issue = await fan_out(store, 3)

    async with store.begin() as session:
        await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
        assert sum((await deliveries.counts(session, issue.id)).values()) == 3


async def test_two_workers_at_once_never_claim_the_same_delivery(store: Store) -> None:
    issue = await fan_out(store, 20)

    claims = await asyncio.gather(*(claim(store, issue, limit=7) for _ in range(4)))

    ids = [one.id for batch in claims for one in batch]
    assert len(ids) == len(set(ids))
    rest = await claim(store, issue)
    assert len(ids) + len(rest) == 20


async def test_only_the_newest_claim_may_hand_over_and_settle(store: Store) -> None:
    issue = await fan_out(store, 1)
    (old,) = await claim(store, issue)
    async with store.begin() as session:
        await deliveries.recover(session, now=NOW + timedelta(minutes=3), settle_as=DeliveryState.QUEUED)
    (new,) = await claim(store, issue, minutes=3)

    async with store.begin() as session:
        assert not await deliveries.hand(session, old, lease=LEASE, now=NOW)
        assert not await deliveries.settle(session, old, DeliveryState.SENT, now=NOW)
        assert await deliveries.hand(session, new, lease=LEASE, now=NOW)
        assert await deliveries.settle(session, new, DeliveryState.SENT, now=NOW, reply="250 ok")
        assert await deliveries.open_count(session, issue.id) == 0


async def test_after_a_crash_claims_go_back_and_intents_follow_the_policy(store: Store) -> None:
    issue = await fan_out(store, 2)
    first, _second = await claim(store, issue)
    async with store.begin() as session:
        await deliveries.hand(session, first, lease=LEASE, now=NOW)
        too_early = await deliveries.recover(
            session, now=NOW + timedelta(minutes=1), settle_as=DeliveryState.UNCERTAIN
        )
        back, doubt = await deliveries.recover(
            session, now=NOW + timedelta(minutes=3), settle_as=DeliveryState.UNCERTAIN
        )

        assert too_early == (0, 0)
        assert (back, doubt) == (1, 1)
        assert await deliveries.counts(session, issue.id) == {"queued": 1, "uncertain": 1}


async def test_a_deferred_delivery_is_not_claimed_before_it_is_due(store: Store) -> None:
    issue = await fan_out(store, 1)
    (one,) = await claim(store, issue)
    async with store.begin() as session:
        due = NOW + timedelta(minutes=15)
        await deliveries.settle(session, one, DeliveryState.DEFERRED, now=NOW, reply="450", due_at=due)

    assert await claim(store, issue, minutes=14) == ()
    (again,) = await claim(store, issue, minutes=15)
    assert (again.attempts, again.reply) == (2, "450")


async def test_what_has_been_due_longest_is_claimed_first_whether_queued_or_deferred(store: Store) -> None:
    issue = await fan_out(store, 3)
    early, late = await claim(store, issue, limit=2)
    async with store.begin() as session:
        for one, minutes in ((early, -5), (late, 5)):
            due = NOW + timedelta(minutes=minutes)
            await deliveries.settle(session, one, DeliveryState.DEFERRED, now=NOW, reply="450", due_at=due)

    in_turn = [await claim(store, issue, limit=1, minutes=10) for _ in range(4)]

    assert [one.subscriber_id for batch in in_turn for one in batch] == [
        early.subscriber_id,
        next(iter({1, 2, 3} - {early.subscriber_id, late.subscriber_id})),
        late.subscriber_id,
    ]


ODD = ["", 'says "no"', "back\\slash", "Grüße 你好 🙂", "[1, 2]", "null", "' OR 1=1 --", "%s :its_now ?"]


async def test_many_outcomes_at_once_are_each_their_own_rows(store: Store) -> None:
    issue = await fan_out(store, len(ODD) + 1)
    claimed = await claim(store, issue)
    later = NOW + timedelta(minutes=7, microseconds=5)

    async with store.begin() as session:
        connection = await session.connection()
        handed = await connection.run_sync(deliveries.hand_all, claimed, lease=LEASE, now=NOW)
        some = [
            Settlement(delivery=one, state=DeliveryState.DEFERRED, reply=words, reason=words, due_at=later)
            for one, words in zip(claimed, ODD, strict=False)
        ]
        stale = replace(claimed[-1], fence=claimed[-1].fence - 1)
        some.append(Settlement(delivery=stale, state=DeliveryState.DEFERRED, reply="of an older claim"))
        await connection.run_sync(deliveries.settle_all, some, now=NOW)

    async with store.read() as session:
        stored = {one.id: one for one in await deliveries.of_issue(session, issue.id)}
    assert handed == {one.id for one in claimed}
    assert [(stored[one.id].reply, stored[one.id].reason) for one in claimed[:-1]] == [(w, w) for w in ODD]
    assert {stored[one.id].due_at for one in claimed[:-1]} == {later}
    assert stored[claimed[-1].id].state is DeliveryState.HANDED


#: What a reply may hold after it was made one line, and what either database could take for something else.
HARD_WORDS = (
    "",
    "null",
    "true",
    "12",
    "1e400",
    '{"a": [1]}',
    '"quoted" and \\ and \\u0041',
    "it's; -- $[0] :its_now %s ?",
    "550 5.1.1 żółć 日本 \U0001f600 e\u0301",
    "\t\x01\x7f\u2028",
    "250 " + "x" * 10_000,
)


async def test_whatever_a_server_says_is_kept_as_it_was_said_and_when_to_try_again_to_the_microsecond(
    store: Store,
) -> None:
    issue = await fan_out(store, len(HARD_WORDS))
    claimed = await claim(store, issue)
    moments = [NOW + timedelta(hours=1, microseconds=at % 2) for at in range(len(claimed))]
    outcomes = [
        Settlement(delivery=one, state=DeliveryState.DEFERRED, reply=reply, reason=reply[:90], due_at=due)
        for one, reply, due in zip(claimed, HARD_WORDS, moments, strict=True)
    ]
    async with store.begin() as session:
        connection = await session.connection()
        assert await connection.run_sync(deliveries.settle_all, outcomes, now=NOW) == len(HARD_WORDS)

    again = await claim(store, issue, minutes=61)

    assert [(one.reply, one.reason) for one in again] == [(words, words[:90]) for words in HARD_WORDS]
    assert [one.due_at for one in again] == moments


async def test_of_intents_wanted_together_only_those_that_are_still_ours_are_stored(store: Store) -> None:
    issue = await fan_out(store, 4)
    mine = await claim(store, issue)
    async with store.begin() as session:
        await deliveries.give_back(session, mine[:2], now=NOW)

    async with store.begin() as session:
        connection = await session.connection()
        handed = await connection.run_sync(deliveries.hand_all, mine, lease=LEASE, now=NOW)

    assert handed == {one.id for one in mine[2:]}


async def test_an_erased_reader_stays_in_the_sum(store: Store) -> None:
    issue = await fan_out(store, 2)
    async with store.begin() as session:
        found = await subscribers.by_email(session, KEY, "hash1")
        assert found is not None
        await subscribers.erase(session, found.subscriber.id)

    async with store.read() as session:
        assert sum((await deliveries.counts(session, issue.id)).values()) == 2
