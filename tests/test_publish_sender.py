"""A sender that dies: what it held is free at once where its death is certain, and soon where it is not."""

import subprocess
from datetime import timedelta

import pytest

from conftest import KEY, NOW
from digest.domain import (
    Content,
    Delivery,
    Issue,
    IssueSection,
    IssueState,
    Story,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.house import House
from digest.publish.send import recover
from digest.standing import process
from digest.standing.sender import LIFE, holders, registered
from digest.store import deliveries, issues, leases, subscribers

LONG = timedelta(minutes=11)
ELSEWHERE = "mail2 812 1000 abcdef012345"


def a_dead_process() -> str:
    """The name of a process of this machine that is no more."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    host, _number, _started, place = process.me().split()
    return f"{host} {gone.pid} 1 {place}"


@pytest.fixture
async def issue(house_on_each: House) -> Issue:
    """An issue that is being sent to four readers."""
    section = IssueSection(
        key="news",
        label="News",
        stories=(Story(key="a", section="news", title="A", url="https://a.example"),),
    )
    content = Content(newsletter=KEY, number=1, since=NOW - LONG, until=NOW, sections=(section,))
    draft = Issue(
        newsletter=KEY, number=1, period="2026", state=IssueState.SENDING, due_at=NOW, content=content
    )
    async with house_on_each.store.begin() as session:
        for number in range(4):
            who = await subscribers.add(
                session, Subscriber(email=f"r{number}@example.org"), email_hash=f"hash{number}", now=NOW
            )
            await subscribers.save(
                session,
                Subscription(
                    subscriber=who, newsletter=KEY, state=SubscriptionState.CONFIRMED, requested_at=NOW
                ),
            )
        saved = await issues.save_draft(session, draft, now=NOW)
        await deliveries.fan_out(session, saved, due_at=NOW, now=NOW)
    return saved


async def hold(house: House, issue: Issue, process_name: str) -> tuple[Delivery, ...]:
    """Two claims of a sender, one of them handed over."""
    async with house.store.begin() as session:
        await leases.take(session, "sender abc", process_name, life=LIFE, now=NOW)
        got = await deliveries.claim(session, issue.id, limit=2, lease=LONG, now=NOW, holder="abc")
        await deliveries.hand(session, got[0], lease=LONG, now=NOW)
    return got


async def states(house: House, issue: Issue) -> dict[str, int]:
    async with house.store.read() as session:
        return await deliveries.counts(session, issue.id)


async def test_what_a_process_of_this_machine_held_is_free_at_once_when_it_is_dead(
    house_on_each: House, issue: Issue
) -> None:
    await hold(house_on_each, issue, a_dead_process())
    (held,) = await holders(house_on_each.store, issue, now=NOW)

    await recover(house_on_each, now=NOW)

    assert (held.claimed, held.handed, held.is_alive, held.free_at) == (1, 1, False, None)
    assert "gone; the next sending takes them up" in held.words("UTC")
    assert await states(house_on_each, issue) == {"queued": 4}
    async with house_on_each.store.read() as session:
        assert await leases.all_of(session, "sender ") == ()


async def test_a_living_process_keeps_what_it_holds(house_on_each: House, issue: Issue) -> None:
    await hold(house_on_each, issue, process.me())

    await recover(house_on_each, now=NOW + LIFE)

    (held,) = await holders(house_on_each.store, issue, now=NOW + LIFE)
    assert held.is_alive
    assert await states(house_on_each, issue) == {"claimed": 1, "handed": 1, "queued": 2}


async def test_of_a_silent_machine_claims_are_free_soon_and_intents_when_their_lease_is_over(
    house_on_each: House, issue: Issue
) -> None:
    old = await hold(house_on_each, issue, ELSEWHERE)
    soon = NOW + LIFE + timedelta(seconds=1)

    await recover(house_on_each, now=soon)

    assert await states(house_on_each, issue) == {"handed": 1, "queued": 3}
    (held,) = await holders(house_on_each.store, issue, now=soon)
    words = held.words("Asia/Tokyo")
    assert words.startswith("1 delivery held by pid 812 on mail2, which is silent")
    assert words.endswith(f"wait until {NOW + LONG + timedelta(hours=9):%H:%M} JST")
    assert held.free_at == NOW + LONG
    # Were it alive after all, it could not send what it had only claimed.
    async with house_on_each.store.begin() as session:
        assert not await deliveries.hand(session, old[1], lease=LONG, now=soon)
    await recover(house_on_each, now=NOW + LONG + timedelta(seconds=1))
    assert await states(house_on_each, issue) == {"queued": 4}


async def test_who_ends_properly_leaves_nothing_behind_that_waits(house_on_each: House, issue: Issue) -> None:
    async with registered(house_on_each, clock=lambda: NOW) as name:
        async with house_on_each.store.begin() as session:
            await deliveries.claim(session, issue.id, limit=2, lease=LONG, now=NOW, holder=name)
        await recover(house_on_each, now=NOW)
        assert await states(house_on_each, issue) == {"claimed": 2, "queued": 2}

    await recover(house_on_each, now=NOW)

    assert await states(house_on_each, issue) == {"queued": 4}


async def test_what_is_in_doubt_of_a_cancelled_issue_is_never_sent_again(
    house_on_each: House, issue: Issue
) -> None:
    await hold(house_on_each, issue, a_dead_process())
    async with house_on_each.store.begin() as session:
        await issues.move(session, issue, IssueState.CANCELLED)

    await recover(house_on_each, now=NOW)

    assert (await states(house_on_each, issue))["uncertain"] == 1


def test_only_a_process_that_is_certainly_gone_counts_as_dead() -> None:
    host, number, _started, place = process.me().split()
    gone = a_dead_process()

    assert process.is_dead(gone)
    assert process.is_dead(f"{host} {number} 1 {place}")
    assert not process.is_dead(process.me())
    assert not process.is_dead(gone.replace(place, "abcdef012345"))
    assert not process.is_dead(f"{host} 999999999 - -")
    assert not process.is_dead("")


def test_a_process_that_nobody_has_waited_for_yet_is_dead_all_the_same() -> None:
    host, _number, _started, place = process.me().split()
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as zombie:
        assert zombie.stdout is not None
        zombie.stdout.read()
        name = f"{host} {zombie.pid} 1 {place}"
        assert process.is_dead(name)
