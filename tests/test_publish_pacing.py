"""A sending that must not go as fast as it could: tokens, caps and throttled domains, on both databases."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from conftest import KEY
from digest.deliver import open_relays
from digest.domain import DeliveryState, Issue, IssueState, Pace
from digest.house import House
from digest.publish import SendReport, approve, draft, gather_sources, send
from digest.publish.pacing import Pacing
from digest.store import deliveries, pace
from mailservers import Script, scripted_server
from weeks import Week, open_week


def passing(week: Week, waits: list[float]) -> Callable[[float], Awaitable[None]]:
    """Waits by setting the week's clock."""

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        week.clock.pass_by(timedelta(seconds=seconds))

    return pause


async def approved(week: Week, *emails: str) -> Issue:
    for email in emails:
        await week.add_reader(email)
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    return await approve(week.house, issue, by="test", now=week.clock())


def crowd(count: int, domain: str = "example.org") -> tuple[str, ...]:
    return tuple(f"r{number}@{domain}" for number in range(count))


def one_relay(server: Script, **limits: Any) -> dict[str, Any]:
    return {"smtp": {}, "relays": {"main": {"url": f"smtp://127.0.0.1:{server.port}"} | limits}}


async def send_all(week: Week, issue: Issue, waits: list[float]) -> SendReport:
    return await send(week.house, issue, clock=week.clock, pause=passing(week, waits))


async def stored(house: House, name: str) -> Pace:
    async with house.store.read() as session:
        return await pace.get(session, name)


async def test_a_relay_with_a_rate_is_given_no_more_and_everybody_is_sent(
    database_url: str, tmp_path: Path
) -> None:
    waits: list[float] = []
    async with (
        scripted_server() as server,
        open_week(database_url, tmp_path, **one_relay(server, per_second=0.02)) as week,
    ):
        issue = await approved(week, *crowd(12))
        began = week.clock.now

        done = await send_all(week, issue, waits)

        assert done.states == {"sent": 12}
        assert (week.clock.now - began).total_seconds() >= 550
        assert sum(waits) > 0
        assert (await stored(week.house, "relay:main")).sent == 12


async def test_a_cap_a_day_leaves_the_rest_queued_for_the_next_day(database_url: str, tmp_path: Path) -> None:
    waits: list[float] = []
    async with (
        scripted_server() as server,
        open_week(database_url, tmp_path, **one_relay(server, daily_cap=5)) as week,
    ):
        issue = await approved(week, *crowd(8))

        first = await send_all(week, issue, waits)
        again = await send_all(week, issue, waits)
        week.clock.pass_by(timedelta(days=1))
        last = await send_all(week, issue, waits)

    assert (first.states, again.states) == ({"queued": 3, "sent": 5}, {"queued": 3, "sent": 5})
    assert first.issue.state is IssueState.SENDING
    assert (last.states, waits) == ({"sent": 8}, [])
    assert len(server.arrived) == 8


async def test_two_workers_share_one_bucket(database_url: str, tmp_path: Path) -> None:
    limits = {"main": {"url": "smtp://127.0.0.1:9", "daily_cap": 100}}
    async with (
        open_week(database_url, tmp_path, smtp={}, relays=limits) as week,
        open_relays(week.house.settings) as one,
        open_relays(week.house.settings) as other,
    ):
        first, second = Pacing(week.house, one, week.clock), Pacing(week.house, other, week.clock)
        rooms = [await first.room(70), await second.room(70), await first.room(90)]
        one.ways[0].credit -= 10
        await first.aclose()
        after = await second.room(100)

    assert rooms == [70, 30, 70]
    assert after == 90


async def test_a_domain_that_throttles_is_given_less_and_others_are_not_held_up(
    database_url: str, tmp_path: Path
) -> None:
    waits: list[float] = []
    async with (
        scripted_server(DOT=["421 4.7.28 unusual rate of mail", "250 ok"]) as server,
        open_week(database_url, tmp_path, **one_relay(server, connections=1)) as week,
    ):
        issue = await approved(week, *crowd(6, "gmail.com"), *crowd(6))

        done = await send_all(week, issue, waits)

        learnt = await stored(week.house, "domain:gmail.com")
        assert learnt.per_second is not None
        assert learnt.reply == "421 4.7.28 unusual rate of mail"
        assert done.states["deferred"] == 1
        assert done.states["sent"] == 11
        async with week.house.store.read() as session:
            every = await deliveries.of_issue(session, issue.id)
        assert Counter(one.attempts for one in every) == {1: 12}
        assert learnt.throttled_at is not None
        assert week.clock.now - learnt.throttled_at >= timedelta(minutes=1)
        assert waits


async def test_what_a_domain_taught_outlives_the_sender(database_url: str, tmp_path: Path) -> None:
    known = Pace(
        name="domain:gmail.com",
        per_second=1 / 60,
        met_at=1 / 30,
        tokens=0,
        filled_at=datetime(2026, 8, 21, 18, tzinfo=UTC) + timedelta(minutes=4),
        changed_at=datetime(2026, 8, 21, 18, tzinfo=UTC),
    )
    async with (
        scripted_server() as server,
        open_week(database_url, tmp_path, **one_relay(server)) as week,
    ):
        async with week.house.store.begin() as session:
            assert await pace.swap(session, known)
        issue = await approved(week, *crowd(4, "gmail.com"), *crowd(3))

        done = await send_all(week, issue, [])

        assert done.states == {"queued": 4, "sent": 3}
        async with week.house.store.read() as session:
            waiting = await deliveries.of_issue(session, issue.id, states=[DeliveryState.QUEUED])
        assert {(one.attempts, one.first_tried_at) for one in waiting} == {(0, None)}
        dues = sorted(one.due_at for one in waiting if one.due_at)
        gaps = [(later - before).total_seconds() for before, later in pairwise(dues)]
        assert all(55 <= gap <= 60 for gap in gaps)


async def test_a_sending_that_waits_for_a_domain_hoards_no_tokens(database_url: str, tmp_path: Path) -> None:
    unused: list[int] = []
    async with (
        scripted_server(RCPT=["450 4.7.1 slow down", "250 ok"]) as server,
        open_week(database_url, tmp_path, **one_relay(server, per_second=5, daily_cap=1000)) as week,
    ):
        issue = await approved(week, *crowd(16))

        async def pause(seconds: float) -> None:
            week.clock.pass_by(timedelta(seconds=seconds))
            unused.append((await stored(week.house, "relay:main")).sent - len(server.arrived))

        done = await send(week.house, issue, clock=week.clock, pause=pause)

        assert done.states["sent"] >= 15
        assert unused
        assert max(unused) <= 2 * 5
        assert (await stored(week.house, "relay:main")).sent == len(server.arrived) + 1


async def test_a_relay_without_tokens_stops_nobody_where_another_has_no_limit(
    database_url: str, tmp_path: Path
) -> None:
    async with scripted_server() as small, scripted_server() as large:
        relays = {
            "small": {"url": f"smtp://127.0.0.1:{small.port}", "daily_cap": 3},
            "large": {"url": f"smtp://127.0.0.1:{large.port}"},
        }
        async with open_week(database_url, tmp_path, smtp={}, relays=relays) as week:
            issue = await approved(week, *crowd(20))

            done = await send_all(week, issue, [])

            assert done.states == {"sent": 20}
            counts = [(await stored(week.house, f"relay:{name}")).sent for name in ("small", "large")]
    assert (len(small.arrived), len(large.arrived)) == (3, 17)
    assert counts == [3, 17]


async def test_a_relay_that_is_away_is_told_of_and_its_tokens_are_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with scripted_server(GREETING="554 5.7.1 not you") as away, scripted_server() as there:
        relays = {
            "away": {"url": f"smtp://127.0.0.1:{away.port}", "daily_cap": 100},
            "there": {"url": f"smtp://127.0.0.1:{there.port}", "daily_cap": 8},
        }
        async with open_week(database_url, tmp_path, smtp={}, relays=relays) as week:
            issue = await approved(week, *crowd(10))

            done = await send_all(week, issue, [])

            gone, used = await stored(week.house, "relay:away"), await stored(week.house, "relay:there")
    assert done.states == {"queued": 2, "sent": 8}
    assert (gone.sent, used.sent) == (0, 8)
    assert gone.rests_until is not None
    assert "554 5.7.1 not you" in gone.reply
