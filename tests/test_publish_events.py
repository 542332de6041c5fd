"""Events that are called off, vanish from their list and come back: from a local server to the issue."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calendars import Entry, calendar, conferences
from conftest import KEY, NOW
from digest.domain import Issue, Source, SourceKind
from digest.publish import approve, draft, gather_sources, replay, send
from digest.store import sources
from weeks import Week, open_week

WEEK = timedelta(days=7)
EVENING = Entry(title="Model night", starts_at=datetime(2026, 9, 17, 18, tzinfo=UTC))
OPEN_DAY = Entry(title="Open day", starts_at=datetime(2026, 9, 18, 8, tzinfo=UTC), place="Oslo")
CANCELLED = replace(EVENING, more=("STATUS:CANCELLED",))


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with open_week(database_url, tmp_path) as opened:
        await opened.add_reader("ada@example.org")
        async with opened.house.store.begin() as session:
            there = Source(url=f"{opened.site.url}/c.ics", title="Meetups", kind=SourceKind.CALENDAR)
            await sources.add(session, [there], now=NOW)
        yield opened


async def gathered(week: Week, *entries: Entry) -> None:
    """The calendar's events, read."""
    week.site.put("/c.ics", calendar(*entries))
    await gather_sources(week.house, now=week.clock(), everything=True)


async def drafted(week: Week, *entries: Entry) -> Issue:
    await gathered(week, *entries)
    return await draft(week.house, KEY, now=week.clock())


async def sent(week: Week, *entries: Entry) -> Issue:
    """The issue that tells the calendar's events, sent; then a week passes."""
    issue = await approve(week.house, await drafted(week, *entries), by="test", now=week.clock())
    await send(week.house, issue, clock=week.clock)
    week.clock.pass_by(WEEK)
    return issue


def events_of(issue: Issue) -> list[tuple[str, str]]:
    """(title, word) of the events that it tells."""
    return [(story.title, story.kind) for story in issue.content.stories if story.event]


async def test_what_is_over_before_the_issue_is_due_is_not_in_a_draft_that_is_made_early(week: Week) -> None:
    due = (await drafted(week, EVENING, OPEN_DAY)).due_at
    before, after = (
        replace(EVENING, title=title, starts_at=due + timedelta(hours=hours))
        for title, hours in (("Night before", -1), ("Night after", 1))
    )

    assert week.clock() < before.starts_at
    issue = await drafted(week, before, after)
    assert events_of(issue) == [("Night after", "")]
    assert (await replay(week.house, issue)).is_same


async def test_an_event_that_is_cancelled_after_it_was_gathered_is_not_in_the_draft(week: Week) -> None:
    assert events_of(await drafted(week, EVENING, OPEN_DAY)) == [("Model night", ""), ("Open day", "")]

    assert events_of(await drafted(week, CANCELLED, OPEN_DAY)) == [("Open day", "")]


async def test_an_event_that_vanishes_from_its_calendar_leaves_the_draft_and_comes_back(week: Week) -> None:
    await drafted(week, EVENING, OPEN_DAY)

    assert events_of(await drafted(week, OPEN_DAY)) == [("Open day", "")]
    assert events_of(await drafted(week, EVENING, OPEN_DAY)) == [("Model night", ""), ("Open day", "")]


async def test_readers_who_heard_of_an_event_hear_that_it_is_cancelled(week: Week) -> None:
    await sent(week, EVENING, OPEN_DAY)

    assert events_of(await drafted(week, CANCELLED, OPEN_DAY)) == [("Model night", "Cancelled")]


async def test_readers_hear_once_of_an_event_that_vanished_and_once_that_it_is_back(week: Week) -> None:
    await sent(week, EVENING, OPEN_DAY)
    gone = await sent(week, OPEN_DAY)
    week.publish("/news.xml", "A model is released", "A licence is changed", "A third thing happens")
    still_gone = await drafted(week, OPEN_DAY)
    back = await drafted(week, EVENING, OPEN_DAY)

    assert events_of(gone) == [("Model night", "Cancelled")]
    assert events_of(still_gone) == []
    assert events_of(back) == [("Model night", "On after all")]


async def test_readers_hear_that_a_series_moved_and_not_that_it_is_cancelled(week: Week) -> None:
    nights = [
        replace(EVENING, starts_at=EVENING.starts_at + number * WEEK, uid=f"t{number}") for number in (0, 1)
    ]
    tuesdays = [
        replace(one, starts_at=one.starts_at - timedelta(days=2), uid=f"d{number}")
        for number, one in enumerate(nights)
    ]
    await sent(week, *nights)

    assert events_of(await sent(week, *tuesdays)) == [
        ("Model night", "Moved from 17 Sep"),
        ("Model night", "Moved from 24 Sep"),
    ]
    assert events_of(await drafted(week, *tuesdays, OPEN_DAY)) == [("Open day", "")]


async def test_a_calendar_that_cannot_be_read_or_is_empty_withdraws_nothing(week: Week) -> None:
    await drafted(week, EVENING)
    week.site.put("/c.ics", "<html>Sign in</html>", content_type="text/html")
    await gather_sources(week.house, now=week.clock(), everything=True)
    await gathered(week)

    issue = await draft(week.house, KEY, now=week.clock())

    assert events_of(issue) == [("Model night", "")]


async def test_a_conference_that_leaves_its_list_is_told_as_cancelled(week: Week) -> None:
    async with week.house.store.begin() as session:
        there = Source(url=f"{week.site.url}/list.json", title="Conferences", kind=SourceKind.JSON)
        await sources.add(session, [there], now=NOW)
    week.site.put("/list.json", conferences(EVENING, OPEN_DAY))
    await sent(week, replace(OPEN_DAY, title="Another"))
    week.site.put("/list.json", conferences(OPEN_DAY))

    issue = await drafted(week, replace(OPEN_DAY, title="Another"))

    assert events_of(issue) == [("Model night", "Cancelled")]
