"""Quiet hours by a reader's own clock, across every change of the clocks."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from conftest import KEY
from digest.deliver import after_quiet, own_hour
from digest.domain import Issue, Subscriber
from digest.publish import approve, draft, gather_sources, send
from digest.standing import arrival_anew
from digest.store import deliveries
from digest.store.reader_tables import SubscriberRow, SubscriptionRow
from digest.subscribe import Wishes, choose_by_operator
from mailservers import USUAL, scripted_server
from weeks import Week, open_week

ZONES = ["Europe/Copenhagen", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=730)).map(
    lambda passed: datetime(2026, 1, 1, tzinfo=UTC) + passed
)


def is_quiet(moment: time, begin: time, end: time) -> bool:
    minutes = moment.hour * 60 + moment.minute + moment.second / 60 + moment.microsecond / 6e7
    first, last = begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
    return (minutes - first) % 1440 < (last - first) % 1440


@given(begin=CLOCKS, end=CLOCKS, zone=st.sampled_from(ZONES), at=MOMENTS)
def test_nothing_comes_in_quiet_hours_or_early_or_a_day_late(
    begin: time, end: time, zone: str, at: datetime
) -> None:
    due = after_quiet(f"{begin:%H:%M}-{end:%H:%M}", zone, at)
    was_quiet = is_quiet(at.astimezone(ZoneInfo(zone)).time(), begin, end)

    assert at <= due <= at + timedelta(hours=25)
    assert (due > at) <= was_quiet
    hour = datetime.combine(at.astimezone(ZoneInfo(zone)).date(), end, ZoneInfo(zone))
    changes = (hour + timedelta(days=2)).utcoffset() != (hour - timedelta(days=2)).utcoffset()
    assert changes or not is_quiet(due.astimezone(ZoneInfo(zone)).time(), begin, end)


@given(hour=st.integers(0, 23), zone=st.sampled_from(ZONES), at=MOMENTS)
def test_an_own_hour_comes_within_a_day_and_is_that_hour(hour: int, zone: str, at: datetime) -> None:
    due = own_hour(hour, zone, at)
    local = due.astimezone(ZoneInfo(zone))

    assert at <= due <= at + timedelta(days=1)
    is_skipped = datetime.combine(local.date(), time(hour), ZoneInfo(zone)).astimezone(UTC) == due
    assert local.hour == hour or is_skipped
    early = (at + timedelta(minutes=10) * step for step in range(int((due - at) / timedelta(minutes=10))))
    assert not any(moment.astimezone(ZoneInfo(zone)).hour == hour for moment in early)


@pytest.mark.parametrize(
    ("hour", "at", "expected"),
    [
        (7, "2026-11-23T06:59+00:00", "2026-11-23T06:59+00:00"),
        (7, "2026-11-23T07:00+00:00", "2026-11-24T06:00+00:00"),
        (18, "2026-11-23T07:00+00:00", "2026-11-23T17:00+00:00"),
        # 02:00 does not come on the night in which the clocks go forward, and comes twice on the other.
        (2, "2026-03-28T12:00+00:00", "2026-03-29T01:00+00:00"),
        (2, "2026-10-24T12:00+00:00", "2026-10-25T00:00+00:00"),
        (2, "2026-10-25T01:30+00:00", "2026-10-25T01:30+00:00"),
        (7, "2026-10-24T06:00+00:00", "2026-10-25T06:00+00:00"),
    ],
)
def test_an_own_hour_in_copenhagen(hour: int, at: str, expected: str) -> None:
    due = own_hour(hour, "Europe/Copenhagen", datetime.fromisoformat(at))

    assert due == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("quiet", "at", "expected"),
    [
        ("22:00-07:00", "2026-11-23T21:30+00:00", "2026-11-24T06:00+00:00"),
        ("22:00-07:00", "2026-11-24T05:59+00:00", "2026-11-24T06:00+00:00"),
        ("22:00-07:00", "2026-11-24T06:00+00:00", "2026-11-24T06:00+00:00"),
        ("12:00-13:00", "2026-11-24T11:30+00:00", "2026-11-24T12:00+00:00"),
        # 02:30 does not come on the night in which the clocks go forward.
        ("22:00-02:30", "2026-03-28T23:00+00:00", "2026-03-29T01:30+00:00"),
        # It comes twice on the night in which they go back; the first time counts.
        ("22:00-02:30", "2026-10-24T22:00+00:00", "2026-10-25T00:30+00:00"),
        ("", "2026-11-23T21:30+00:00", "2026-11-23T21:30+00:00"),
    ],
)
def test_the_end_of_a_night_in_copenhagen(quiet: str, at: str, expected: str) -> None:
    due = after_quiet(quiet, "Europe/Copenhagen", datetime.fromisoformat(at))

    assert due == datetime.fromisoformat(expected)


async def test_each_reader_waits_by_their_own_clock(database_url: str, tmp_path: Path) -> None:
    async with open_week(database_url, tmp_path, delivery={"quiet_hours": "22:00-07:00"}) as week:
        people = {zone: await week.add_reader(f"{n}@example.org") for n, zone in enumerate([*ZONES, "", "?"])}
        async with week.house.store.begin() as session:
            for zone, person in people.items():
                await session.execute(
                    update(SubscriberRow).where(SubscriberRow.id == person.id).values(zone=zone)
                )
        await gather_sources(week.house, now=week.clock())
        issue = await draft(week.house, KEY, now=week.clock())
        assert issue.due_at == datetime(2026, 8, 24, 5, 0, tzinfo=UTC)
        now = week.clock()
        await approve(week.house, issue, by="test", now=now)
        async with week.house.store.read() as session:
            dues = {one.subscriber_id: one.due_at for one in await deliveries.of_issue(session, issue.id)}

    waits = {zone: dues[person.id] for zone, person in people.items()}
    assert waits == {
        "Europe/Copenhagen": now,
        "America/Los_Angeles": datetime(2026, 8, 24, 14, 0, tzinfo=UTC),
        "Asia/Kathmandu": now,
        "Australia/Lord_Howe": now,
        "UTC": datetime(2026, 8, 24, 7, 0, tzinfo=UTC),
        "": now,
        "?": now,
    }


async def test_an_hour_that_a_reader_chose_is_kept_by_their_clock_and_counts_in_quiet_hours(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path, delivery={"quiet_hours": "22:00-07:00"}) as week:
        clocks = [("", 18), ("Asia/Kathmandu", 18), ("America/Los_Angeles", 23), ("UTC", None), ("", None)]
        people = {clock: await week.add_reader(f"{n}@example.org") for n, clock in enumerate(clocks)}
        async with week.house.store.begin() as session:
            for (zone, hour), person in people.items():
                await session.execute(
                    update(SubscriberRow).where(SubscriberRow.id == person.id).values(zone=zone)
                )
                mine = SubscriptionRow.subscriber_id == person.id
                await session.execute(update(SubscriptionRow).where(mine).values(hour=hour))
        await gather_sources(week.house, now=week.clock())
        issue = await draft(week.house, KEY, now=week.clock())
        now = week.clock()
        await approve(week.house, issue, by="test", now=now)
        async with week.house.store.read() as session:
            dues = {one.subscriber_id: one.due_at for one in await deliveries.of_issue(session, issue.id)}

    assert issue.due_at == datetime(2026, 8, 24, 5, 0, tzinfo=UTC)
    assert {clock: dues[person.id] for clock, person in people.items()} == {
        ("", 18): datetime(2026, 8, 24, 16, 0, tzinfo=UTC),
        ("Asia/Kathmandu", 18): datetime(2026, 8, 24, 12, 15, tzinfo=UTC),
        ("America/Los_Angeles", 23): datetime(2026, 8, 24, 6, 0, tzinfo=UTC),
        ("UTC", None): datetime(2026, 8, 24, 7, 0, tzinfo=UTC),
        ("", None): now,
    }


async def due_of(week: Week, issue: Issue, person: Subscriber) -> datetime:
    """When the ledger says that the issue comes to them."""
    async with week.house.store.read() as session:
        (due,) = [
            one.due_at
            for one in await deliveries.of_issue(session, issue.id)
            if one.subscriber_id == person.id
        ]
    assert due is not None
    return due


async def approved(week: Week) -> Issue:
    """An approved issue that is due on Monday morning."""
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    issue = await approve(week.house, issue, by="test", now=week.clock())
    assert issue.due_at == datetime(2026, 8, 24, 5, 0, tzinfo=UTC)
    return issue


async def test_who_changes_their_hour_after_approval_gets_the_issue_at_the_new_one(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path, delivery={"quiet_hours": "22:00-07:00"}) as week:
        ada, bo = await week.add_reader("ada@example.org"), await week.add_reader("bo@example.org")
        issue = await approved(week)
        untouched = await due_of(week, issue, bo)

        async def wish(wishes: Wishes) -> datetime:
            await choose_by_operator(week.house, KEY, "ada@example.org", wishes, now=week.clock())
            return await due_of(week, issue, ada)

        assert await wish(Wishes(hour="18")) == datetime(2026, 8, 24, 16, 0, tzinfo=UTC)
        assert await wish(Wishes(zone="America/Los_Angeles")) == datetime(2026, 8, 25, 1, 0, tzinfo=UTC)
        # Without an hour the quiet ones of Los Angeles count, where it is ten in the evening then.
        assert await wish(Wishes(hour="")) == datetime(2026, 8, 24, 14, 0, tzinfo=UTC)
        assert await wish(Wishes(zone="")) == week.clock.now
        week.clock.now = issue.due_at
        report = await send(week.house, issue, clock=week.clock)

        assert report.states == {"sent": 2}
        assert untouched == await due_of(week, issue, bo)


async def test_who_chooses_a_later_hour_while_the_issue_is_sent_still_gets_it_then(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path) as week:
        await week.add_reader("bo@example.org")
        ada = await week.add_reader("ada@example.org")
        await choose_by_operator(week.house, KEY, "ada@example.org", Wishes(hour="12"), now=week.clock())
        issue = await approved(week)
        week.clock.now = issue.due_at
        first = await send(week.house, issue, clock=week.clock)
        await choose_by_operator(week.house, KEY, "ada@example.org", Wishes(hour="9"), now=week.clock())
        due = await due_of(week, issue, ada)
        week.clock.now = due
        last = await send(week.house, issue, clock=week.clock)
        # What has been sent does not come again at another hour.
        await choose_by_operator(week.house, KEY, "ada@example.org", Wishes(hour="20"), now=week.clock())

        assert await due_of(week, issue, ada) == due

    assert first.states == {"queued": 1, "sent": 1}
    assert due == datetime(2026, 8, 24, 7, 0, tzinfo=UTC)
    assert last.states == {"sent": 2}
    assert len(week.mails_to("ada@example.org")) == 1


async def test_a_retry_waits_for_no_hour_and_no_end_of_the_night(database_url: str, tmp_path: Path) -> None:
    async with scripted_server(RCPT=["451 4.3.0 later", USUAL["RCPT"]]) as server:
        smtp = {"url": f"smtp://127.0.0.1:{server.port}"}
        quiet = {"quiet_hours": "07:05-22:00"}
        async with open_week(database_url, tmp_path, smtp=smtp, delivery=quiet) as week:
            ada = await week.add_reader("ada@example.org")
            issue = await approved(week)
            week.clock.now = issue.due_at
            first = await send(week.house, issue, clock=week.clock)
            await choose_by_operator(week.house, KEY, "ada@example.org", Wishes(hour="20"), now=week.clock())
            again = await due_of(week, issue, ada)
            week.clock.now = again
            last = await send(week.house, issue, clock=week.clock)

    assert first.states == {"deferred": 1}
    # Quiet hours begin five minutes after the issue.
    assert timedelta(minutes=5) < again - issue.due_at < timedelta(minutes=10)
    assert last.states == {"sent": 1}


@pytest.mark.parametrize(
    ("hour", "now", "expected"),
    [
        # The issue goes at 07:00 in Copenhagen, and by now it is noon: nine was, and fourteen comes.
        (9, "2026-11-23T11:00+00:00", "2026-11-23T11:00+00:00"),
        (14, "2026-11-23T11:00+00:00", "2026-11-23T13:00+00:00"),
        (None, "2026-11-23T11:00+00:00", "2026-11-23T11:00+00:00"),
        # By now it is night, which an hour that is over is no reason to break.
        (9, "2026-11-23T22:00+00:00", "2026-11-24T06:00+00:00"),
        # It goes tomorrow, with everybody else's.
        (None, "2026-11-22T22:00+00:00", "2026-11-22T22:00+00:00"),
        (9, "2026-11-22T22:00+00:00", "2026-11-23T08:00+00:00"),
    ],
)
def test_what_would_have_come_by_now_comes_at_once_but_not_at_night(
    hour: int | None, now: str, expected: str
) -> None:
    due = arrival_anew(
        "22:00-07:00",
        "Europe/Copenhagen",
        hour,
        goes_at=datetime.fromisoformat("2026-11-23T06:00+00:00"),
        now=datetime.fromisoformat(now),
    )

    assert due == datetime.fromisoformat(expected)
