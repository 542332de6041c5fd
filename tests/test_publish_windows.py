"""Every article first seen is told by exactly one issue, whatever clocks, daemons and sources do."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from conftest import KEY, settings_for
from digest.cron import next_due
from digest.domain import Article, Issue, IssueState, Source
from digest.errors import BusyError, NothingToDoError, WrongStateError
from digest.house import House, open_house
from digest.log import Log
from digest.publish import approve, cancel, draft, release_due
from digest.store import articles, issues, sources
from digest.store.issues import LET_GO

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
START = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
FAR = datetime(2090, 1, 1, tzinfo=UTC)
#: A time that spring leaves out and autumn brings twice, in zones that change on other days and hours.
AT_NIGHT = "30 2 * * 0"
ZONES = ("Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago")


@dataclass(slots=True, kw_only=True)
class Newsroom:
    """A newsletter whose source is read by hand, under a clock that acts move on."""

    house: House
    source: int
    now: datetime = START
    written: int = 0

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def found(self, count: int, *, seen: datetime, age: timedelta = timedelta(0)) -> list[Article]:
        """New articles of words of their own that a gathering begun at `seen` found."""
        made = []
        for _ in range(count):
            self.written += 1
            url, words = f"https://s.example/{self.written}", f"w{self.written}x"
            title = " ".join(f"{words}{letter}" for letter in "abcdef")
            made.append(
                Article(
                    source_id=self.source,
                    guid=url,
                    url=url,
                    canonical_url=url,
                    title=title,
                    summary=f"{title} {words}y {words}z.",
                    seen_at=seen,
                    published_at=seen - age,
                )
            )
        return made

    async def store(self, found: list[Article]) -> None:
        async with self.house.store.begin() as session:
            await articles.save(session, found, now=self.now)

    async def tick(self, daemons: int) -> None:
        """What that many daemons do at once when they look."""
        async with asyncio.TaskGroup() as group:
            for _ in range(daemons):
                group.create_task(self._look())

    async def _look(self) -> None:
        """As the daemon's job does, which tells of who was quicker in a line and looks again later."""
        with contextlib.suppress(WrongStateError, BusyError):
            await release_due(self.house, KEY, clock=self)

    async def open_issues(self) -> tuple[Issue, ...]:
        async with self.house.store.read() as session:
            return await issues.all_of(session, KEY, states=(IssueState.DRAFT, IssueState.REVIEW))

    async def told(self) -> Counter[int]:
        """By article, how many issues that were let go told it."""
        async with self.house.store.read() as session:
            every = await issues.all_of(session, KEY, states=LET_GO)
        return Counter(
            number for one in every for story in one.content.stories for number in story.article_ids
        )


async def open_room(house: House) -> Newsroom:
    """The newsletter in an empty database, met at `START`; nobody asks its source anything."""
    async with house.store.begin() as session:
        for table in ("delivery", "issue", "source", "newsletter", "audit_log", "notice", "lease"):
            await session.execute(text(f"DELETE FROM {table}"))
        await issues.meet_newsletter(session, KEY, now=START)
        await sources.add(
            session, [Source(url="https://s.example/feed", title="S", section="news")], now=START
        )
        (source,) = await sources.all_of(session)
        await sources.learn(session, [(source, replace(source, next_check_at=FAR, first_read_at=START))])
    return Newsroom(house=house, source=source.id)


@pytest.fixture
async def house_of(database_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """Opens a house over one database, with changes to the newsletter."""
    opened = []

    async def open_one(**changes: Any) -> House:
        no_caps = {"max_per_source": 50, "max_stories": 100}
        chosen = settings_for(database_url, tmp_path / "outbox", newsletter=no_caps | changes)
        one = open_house(chosen, log=Log(StringIO()))
        opened.append(one)
        return await one.__aenter__()

    yield open_one
    for one in opened:
        await one.__aexit__(None, None, None)


def acts() -> st.SearchStrategy[list[tuple[str, int]]]:
    """What may happen, in any order."""
    act = st.one_of(
        st.tuples(st.just("gather"), st.integers(0, 50)),
        st.tuples(st.just("begin"), st.integers(0, 50)),
        st.tuples(st.just("store"), st.just(0)),
        st.tuples(st.just("hours"), st.integers(1, 40)),
        st.tuples(st.just("days"), st.integers(1, 40)),
        st.tuples(st.just("tick"), st.integers(1, 3)),
        st.tuples(st.just("due"), st.integers(1, 3)),
        st.tuples(st.just("draft"), st.just(0)),
        st.tuples(st.just("approve"), st.just(0)),
        st.tuples(st.just("cancel"), st.just(0)),
    )
    return st.lists(act, min_size=5, max_size=14)


async def play(room: Newsroom, history: list[tuple[str, int]]) -> None:
    """Do the acts; a gathering may begin before an issue is cut and be stored after it."""
    begun: list[Article] = []
    the_end = [("store", 0), ("approve", 0), ("due", 1), ("approve", 0)]
    for what, number in [*history, *the_end, ("gather", 0), *the_end]:
        match what:
            case "gather":
                await room.store(room.found(1, seen=room.now, age=number * DAY))
            case "begin":
                begun += room.found(1, seen=room.now, age=number * DAY)
            case "store":
                await room.store(begun)
                begun.clear()
            case "hours":
                room.now += number * HOUR
            case "days":
                room.now += number * DAY
                if begun and room.now - begun[0].seen_at > 30 * DAY:
                    await room.store(begun)
                    begun.clear()
            case "tick":
                await room.tick(number)
            case "due":
                chosen = room.house.newsletter(KEY)
                room.now = next_due(chosen.schedule, chosen.timezone, room.now).astimezone(UTC)
                await room.tick(number)
            case "draft":
                await _draft(room)
            case "approve":
                for one in reversed(await room.open_issues()):
                    await approve(room.house, one, by="test", now=room())
            case "cancel":
                for one in (await room.open_issues())[-1:]:
                    await cancel(room.house, one, reason="no", by="test", now=room())


async def _draft(room: Newsroom) -> None:
    """What an editor does who wants to see the next issue as it is now."""
    try:
        await draft(room.house, KEY, now=room())
    except (NothingToDoError, WrongStateError):
        return


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "auto", "stale": "send", "schedule": AT_NIGHT, "timezone": ZONES[0]},
        {"policy": "auto", "stale": "skip", "schedule": AT_NIGHT, "timezone": ZONES[1]},
        {"policy": "review", "stale": "ask", "schedule": "30 2 * * *", "timezone": ZONES[2]},
    ],
    ids=["sent late", "skipped when stale", "held"],
)
@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # An example takes a second: to shorten one would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(history=acts())
async def test_in_no_history_is_an_article_lost_or_told_twice(
    house_of: Any, changes: dict[str, str], history: list[tuple[str, int]]
) -> None:
    room = await open_room(await house_of(**changes))

    await play(room, history)

    async with room.house.store.read() as session:
        stored = await articles.newest_of(session, room.source, limit=1000)
    assert await room.told() == {one.id: 1 for one in stored}


async def test_what_a_slow_gathering_stores_after_the_cut_is_in_the_next_issue(house_of: Any) -> None:
    room = await open_room(await house_of(policy="auto"))
    late = room.found(1, seen=room.now)
    await room.store(room.found(1, seen=room.now))
    first = await approve(room.house, await draft(room.house, KEY, now=room()), by="test", now=room())

    await room.store(late)
    await room.store(late)
    room.now += WEEK
    second = await draft(room.house, KEY, now=room())

    assert [len(one.content.stories) for one in (first, second)] == [1, 1]
    assert second.content.since == first.content.until


async def test_an_issue_waits_for_what_is_being_stored_while_it_is_cut(house_of: Any) -> None:
    room = await open_room(await house_of(policy="auto"))
    await room.store(room.found(1, seen=room.now))

    async with room.house.store.begin() as session:
        await articles.save(session, room.found(1, seen=room.now), now=room.now)
        drafting = asyncio.create_task(draft(room.house, KEY, now=room() + HOUR))
        await asyncio.wait({drafting}, timeout=0.3)
    issue = await drafting

    assert len(issue.content.stories) == 2


async def test_a_clock_that_was_a_year_ahead_for_a_moment_hides_nothing(house_of: Any) -> None:
    room = await open_room(await house_of(policy="auto"))
    with pytest.raises(NothingToDoError):
        await draft(room.house, KEY, now=room.now + 365 * DAY)

    await room.store(room.found(1, seen=room.now))
    issue = await draft(room.house, KEY, now=room() + HOUR)

    assert len(issue.content.stories) == 1


async def _held_and_passed_by(room: Newsroom, stories: int) -> Issue:
    """An issue of so many stories that waits while the one after it is approved."""
    await room.store(room.found(stories, seen=room.now))
    waits = await draft(room.house, KEY, now=room())
    room.now += WEEK
    await room.store(room.found(1, seen=room.now))
    await approve(room.house, await draft(room.house, KEY, now=room()), by="test", now=room())
    return waits


async def test_what_a_cancelled_issue_held_while_a_later_one_went_is_in_the_next(house_of: Any) -> None:
    room = await open_room(await house_of(policy="review"))
    waits = await _held_and_passed_by(room, 2)

    await cancel(room.house, waits, reason="too late", by="test", now=room())
    room.now += WEEK
    after = await draft(room.house, KEY, now=room())

    assert {one.key for one in after.content.stories} == {one.key for one in waits.content.stories}
    assert all(one.reasons[0].rule == "window.given_back" for one in after.content.stories)


async def test_what_comes_back_of_a_cancelled_issue_comes_back_once(house_of: Any) -> None:
    room = await open_room(await house_of(policy="review", max_stories=2))
    waits = await _held_and_passed_by(room, 2)
    await cancel(room.house, waits, reason="too late", by="test", now=room())
    room.now += WEEK
    await room.store(room.found(1, seen=room.now, age=-DAY))

    await approve(room.house, await draft(room.house, KEY, now=room()), by="test", now=room())
    room.now += WEEK
    await room.store(room.found(1, seen=room.now))
    last = await draft(room.house, KEY, now=room())

    assert [one.article_ids for one in last.content.stories] == [(5,)]


async def test_a_draft_that_is_skipped_as_stale_gives_back_what_it_held(house_of: Any) -> None:
    room = await open_room(await house_of(policy="auto", stale="skip"))
    await room.store(room.found(1, seen=room.now))
    held = await draft(room.house, KEY, now=room())
    await room.store(room.found(1, seen=room.now))
    await approve(room.house, await draft(room.house, KEY, now=room(), after=1), by="test", now=room())

    room.now = held.due_at + 3 * DAY
    await room.tick(1)
    after = await draft(room.house, KEY, now=room(), after=1)

    assert {one.key for one in after.content.stories} == {one.key for one in held.content.stories}


async def test_a_cancellation_while_an_issue_is_cut_counts_as_after_the_cut(house_of: Any) -> None:
    room = await open_room(await house_of(policy="review"))
    waits = await _held_and_passed_by(room, 1)
    async with room.house.store.read() as session:
        cut = await issues.last_until(session, KEY)

    assert cut is not None
    await cancel(room.house, waits, reason="too late", by="test", now=cut - HOUR)
    room.now += WEEK
    after = await draft(room.house, KEY, now=room())

    assert len(after.content.stories) == 1
