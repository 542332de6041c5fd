"""An approved issue of which an event changes before it goes: taken back, or sent; never silently."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from calendars import Entry, calendar
from conftest import KEY, NOW
from digest.compose import recheck as compare
from digest.domain import Cadence, Issue, IssueState, Source, SourceKind
from digest.errors import WrongStateError
from digest.log import Log
from digest.publish import (
    Hand,
    approve,
    desk,
    draft,
    draft_month,
    edit,
    gather_sources,
    recheck,
    release_due,
    replay,
    send,
    send_notices,
    take,
)
from digest.publish.putting_right import prepare, put_back
from digest.store import articles, checks, deliveries, issues, renderings, sources
from digest.store.subscribers import save as save_subscription
from digest.store.subscribers import subscription as subscription_of
from weeks import Week, open_week

#: Monday 07:00 in Copenhagen, when the newsletter is due.
DUE = datetime(2026, 8, 24, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENING = Entry(title="Model night", starts_at=datetime(2026, 9, 17, 18, tzinfo=UTC))
OPEN_DAY = Entry(title="Open day", starts_at=datetime(2026, 9, 18, 8, tzinfo=UTC), place="Oslo")
MOVED = replace(EVENING, starts_at=EVENING.starts_at + timedelta(days=3))
CANCELLED = replace(EVENING, more=("STATUS:CANCELLED",))


@asynccontextmanager
async def calendar_week(database: str, folder: Path, **newsletter: Any) -> AsyncIterator[Week]:
    """A week with a calendar of two events, one reader, and an editor who approves."""
    values = {"policy": "review"} | newsletter
    async with open_week(database, folder, newsletter=values) as week:
        await week.add_reader("ada@example.org")
        week.site.put("/c.ics", calendar(EVENING, OPEN_DAY), etag='"1"')
        async with week.house.store.begin() as session:
            there = Source(url=f"{week.site.url}/c.ics", title="Meetups", kind=SourceKind.CALENDAR)
            await sources.add(session, [there], now=NOW)
        yield week


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with calendar_week(database_url, tmp_path) as opened:
        yield opened


async def drafted(week: Week) -> Issue:
    await gather_sources(week.house, now=week.clock())
    return await draft(week.house, KEY, now=week.clock())


async def approved(week: Week, by: str = "mette") -> Issue:
    """The week's issue, approved on Friday."""
    return await approve(week.house, await drafted(week), by=by, now=week.clock())


async def tick(week: Week, at: datetime | None = None) -> Issue:
    """One round of the daemon; the issue as it stands then."""
    week.clock.now = at or week.clock.now
    await release_due(week.house, KEY, clock=week.clock)
    await send_notices(week.house, clock=week.clock)
    return await newest(week)


async def newest(week: Week) -> Issue:
    async with week.house.store.read() as session:
        return (await issues.all_of(session, KEY))[0]


async def audience(week: Week, issue: Issue) -> dict[str, int]:
    async with week.house.store.read() as session:
        return await deliveries.counts(session, issue.id)


def events_of(issue: Issue) -> list[tuple[str, datetime]]:
    return [(story.title, story.event.starts_at) for story in issue.content.stories if story.event]


def said(week: Week, email: str) -> list[tuple[str, str]]:
    """Subject and text of the mails to that address."""
    found = []
    for mail in week.mails_to(email):
        body = mail.get_body(("plain",))
        assert body is not None
        found.append((str(mail["Subject"]), " ".join(body.get_content().split())))
    return found


async def test_an_event_that_moved_takes_the_issue_back_puts_it_right_and_asks_once(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(MOVED, OPEN_DAY), etag='"2"')

    for minutes in range(3):
        back = await tick(week, DUE - 20 * HOUR + timedelta(minutes=minutes))

    assert (back.state, back.reason) == (IssueState.REVIEW, "“Model night”: moved from 17 Sep to 20 Sep")
    assert events_of(back) == [("Open day", OPEN_DAY.starts_at), ("Model night", MOVED.starts_at)]
    assert (back.revision, back.approved_at, back.approved_by) == (2, None, "")
    assert await audience(week, back) == {}
    assert (await replay(week.house, back)).is_same
    ((subject, text),) = said(week, "mette@example.org")
    assert subject.startswith("[Taken back] ")
    assert "taken back, because an event that it tells has changed:" in text
    assert "* “Model night”: moved from 17 Sep to 20 Sep" in text

    await approve(week.house, back, by="mette", now=week.clock())
    await tick(week, DUE - 10 * HOUR)
    sent = await tick(week, DUE)

    assert sent.state is IssueState.SENT
    assert sent.reason == ""
    ((_subject, text),) = said(week, "ada@example.org")
    assert "20 Sep" in text
    assert len(said(week, "mette@example.org")) == 1


async def test_an_issue_that_waits_again_is_not_sent_at_its_time_and_goes_when_it_is_approved(
    week: Week,
) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))

    await tick(week, DUE - HOUR)
    late = await tick(week, DUE + 13 * HOUR)

    assert late.state is IssueState.REVIEW
    assert said(week, "ada@example.org") == []
    await approve(week.house, late, by="mette", now=week.clock())
    assert (await tick(week)).state is IssueState.SENT
    assert "Model night" not in said(week, "ada@example.org")[0][1]


async def test_a_source_is_read_within_the_day_before_politely_and_once_in_six_hours(week: Week) -> None:
    await approved(week)
    first = week.site.paths().count("/c.ics")

    await tick(week, DUE - 25 * HOUR)
    assert week.site.paths().count("/c.ics") == first
    for hours in (23, 22, 18, 16.9, 11, 6, 5):
        await tick(week, DUE - hours * HOUR)
    sent = await tick(week, DUE)

    asked = [one for one in week.site.asked if one.path == "/c.ics"]
    assert len(asked) - first == 4
    assert {one.headers.get("If-None-Match") for one in asked[first:]} == {'"1"'}
    assert sent.state is IssueState.SENT
    assert week.site.paths().count("/news.xml") == first


async def test_what_a_gathering_found_that_began_before_the_last_look_is_enough(week: Week) -> None:
    await approved(week)
    await tick(week, DUE - 20 * HOUR)
    week.site.put("/c.ics", calendar(OPEN_DAY))
    began = week.clock() - timedelta(minutes=5)
    await gather_sources(week.house, now=began, everything=True)
    asked = len(week.site.asked)

    back = await tick(week, DUE - 19 * HOUR)

    assert back.reason == "“Model night”: cancelled, its source does not list it any more"
    assert len(week.site.asked) == asked


async def test_a_source_that_asks_for_patience_is_given_it(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", "", status=503, retry_after="86400")
    first = week.site.paths().count("/c.ics")

    for hours in (23, 16, 9, 2):
        await tick(week, DUE - hours * HOUR)

    assert week.site.paths().count("/c.ics") == first + 1


async def test_a_source_that_cannot_be_read_changes_nothing_and_is_said_in_the_log(
    week: Week,
) -> None:
    await approved(week)
    week.site.put("/c.ics", "", status=503)
    log = StringIO()
    week.house = replace(week.house, log=Log(log, as_json=False))

    await tick(week, DUE - 3 * HOUR)
    sent = await tick(week, DUE)

    assert sent.state is IssueState.SENT
    assert "gather.failed" in log.getvalue()
    async with week.house.store.read() as session:
        found = await checks.of_issue(session, sent.id)
    assert {one.words for one in found} == {
        "its source could not be read (127.0.0.1 has trouble of its own (503)); what was known holds"
    }
    assert said(week, "mette@example.org") == []


async def test_send_lets_it_go_as_it_was_approved_and_tells_the_editor_once(
    database_url: str, tmp_path: Path
) -> None:
    async with calendar_week(database_url, tmp_path, changed_events="send") as week:
        frozen = await approved(week)
        week.site.put("/c.ics", calendar(MOVED, OPEN_DAY))

        await tick(week, DUE - 3 * HOUR)
        await tick(week, DUE - 2 * HOUR)
        sent = await tick(week, DUE)

        assert (sent.state, sent.content, sent.hash) == (IssueState.SENT, frozen.content, frozen.hash)
        ((subject, text),) = said(week, "mette@example.org")
        assert subject == "Issue 1 goes although 1 event has changed"
        assert "* “Model night”: moved from 17 Sep to 20 Sep" in text
        assert "17 Sep" in said(week, "ada@example.org")[0][1]


async def test_an_issue_that_no_person_approved_is_put_right_and_goes_by_itself(
    database_url: str, tmp_path: Path
) -> None:
    async with calendar_week(database_url, tmp_path, policy="auto") as week:
        await approved(week, by="policy auto")
        week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))

        sent = await tick(week, DUE)

        assert (sent.state, sent.approved_by, sent.revision) == (IssueState.SENT, "policy auto", 2)
        assert events_of(sent) == [("Open day", OPEN_DAY.starts_at)]
        assert len(said(week, "ada@example.org")) == 1
        assert said(week, "mette@example.org") == []


async def test_what_a_person_approved_waits_for_a_person_also_under_auto(
    database_url: str, tmp_path: Path
) -> None:
    async with calendar_week(database_url, tmp_path, policy="auto") as week:
        await approved(week)
        week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))

        assert (await tick(week, DUE)).state is IssueState.REVIEW


async def test_auto_after_waits_for_its_time_anew(database_url: str, tmp_path: Path) -> None:
    async with calendar_week(database_url, tmp_path, policy="auto-after 2h") as week:
        await approved(week)
        week.site.put("/c.ics", calendar(MOVED, OPEN_DAY))

        back = await tick(week, DUE - HOUR)
        at_due = await tick(week, DUE)
        sent = await tick(week, DUE + HOUR + timedelta(minutes=1))

        assert back.approve_at is not None
        assert (back.state, at_due.state) == (IssueState.REVIEW, IssueState.REVIEW)
        assert (sent.state, sent.approved_by) == (IssueState.SENT, "policy auto-after")
        assert len(said(week, "mette@example.org")) == 1


async def test_a_locked_event_keeps_its_words_and_gets_the_new_time(week: Week) -> None:
    issue = await drafted(week)
    (night,) = [story for story in issue.content.stories if story.title == "Model night"]
    hand = Hand(by="mette", at=week.clock())
    issue = await edit(week.house, issue, night.rewritten(title="Night of models"), hand, what="retitled")
    await approve(week.house, issue, by="mette", now=week.clock())
    week.site.put("/c.ics", calendar(MOVED, OPEN_DAY))

    moved = await tick(week, DUE - HOUR)
    await approve(week.house, moved, by="mette", now=week.clock())
    week.site.put("/c.ics", calendar(OPEN_DAY))
    gone = await tick(week, DUE + 6 * HOUR)

    assert events_of(moved) == [("Open day", OPEN_DAY.starts_at), ("Night of models", MOVED.starts_at)]
    assert (gone.state, events_of(gone)) == (IssueState.REVIEW, [("Open day", OPEN_DAY.starts_at)])


async def test_what_an_editor_keeps_against_its_source_is_not_asked_again(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))
    back = await tick(week, DUE - 3 * HOUR)
    (held,) = [story for story in (await desk(week.house, back)).held if story.title == "Model night"]
    kept = await take(week.house, back, held, Hand(by="mette", at=week.clock()))
    await approve(week.house, kept, by="mette", now=week.clock())

    sent = await tick(week, DUE)

    assert sent.state is IssueState.SENT
    assert "Model night" in [title for title, _at in events_of(sent)]


async def test_a_second_change_asks_again(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(MOVED, OPEN_DAY))
    back = await tick(week, DUE - 20 * HOUR)
    await approve(week.house, back, by="mette", now=week.clock())
    week.site.put("/c.ics", calendar(EVENING, OPEN_DAY))

    again = await tick(week, DUE - 10 * HOUR)

    assert (again.state, again.reason) == (IssueState.REVIEW, "“Model night”: moved from 20 Sep to 17 Sep")
    assert len(said(week, "mette@example.org")) == 2


async def test_an_event_that_comes_and_goes_asks_once_for_each_thing_that_it_says(week: Week) -> None:
    await approved(week)
    back = await newest(week)
    for number, said_now in enumerate((MOVED, EVENING, MOVED, EVENING, MOVED)):
        week.site.put("/c.ics", calendar(said_now, OPEN_DAY), etag=f'"{number}m"')
        back = await tick(week, DUE - 23 * HOUR + 7 * number * HOUR / 2)
        await gather_sources(week.house, now=week.clock(), everything=True)
        back = await tick(week)
        if back.state is IssueState.REVIEW:
            await approve(week.house, back, by="mette", now=week.clock())

    assert len(said(week, "mette@example.org")) == 2
    assert (await newest(week)).state is IssueState.APPROVED


async def test_an_event_that_vanishes_again_is_not_asked_about_when_its_editor_kept_it(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(OPEN_DAY), etag='"2"')
    back = await tick(week, DUE - 20 * HOUR)
    (held,) = [story for story in (await desk(week.house, back)).held if story.title == "Model night"]
    kept = await take(week.house, back, held, Hand(by="mette", at=week.clock()))
    await approve(week.house, kept, by="mette", now=week.clock())

    week.site.put("/c.ics", calendar(EVENING, OPEN_DAY), etag='"3"')
    there = await tick(week, DUE - 13 * HOUR)
    week.site.put("/c.ics", calendar(OPEN_DAY), etag='"4"')
    gone = await tick(week, DUE - 6 * HOUR)

    assert [there.state, gone.state] == [IssueState.APPROVED] * 2
    assert len(said(week, "mette@example.org")) == 1


async def test_an_issue_of_which_nothing_is_left_waits_for_a_person_as_it_was(
    database_url: str, tmp_path: Path
) -> None:
    async with calendar_week(database_url, tmp_path, policy="auto") as week:
        week.publish("/news.xml")
        week.publish("/lessons.xml")
        week.site.put("/c.ics", calendar(EVENING))
        frozen = await approved(week, by="policy auto")
        week.site.put("/c.ics", calendar(CANCELLED))

        back = await tick(week, DUE)

        assert (back.state, back.content) == (IssueState.REVIEW, frozen.content)
        assert back.reason == "“Model night”: cancelled; nothing else is left of it"
        assert len(said(week, "mette@example.org")) == 1


async def test_the_issue_of_the_month_is_put_right_too(week: Week) -> None:
    reader = await week.add_reader("bo@example.org")
    async with week.house.store.begin() as session:
        there = await subscription_of(session, KEY, reader.id)
        assert there is not None
        await save_subscription(session, replace(there, cadence=Cadence.MONTHLY))
    await send(week.house, await approved(week), clock=week.clock)
    week.clock.pass_by(timedelta(days=8))
    month = await draft_month(week.house, KEY, now=week.clock())
    month = await approve(week.house, month, by="mette", now=week.clock())
    week.site.put("/c.ics", calendar(MOVED))

    back = await recheck(week.house, month, now=week.clock())

    assert (back.state, back.cadence) == (IssueState.REVIEW, Cadence.MONTHLY)
    assert events_of(back) == [("Model night", MOVED.starts_at)]
    assert len(back.content.stories) == len(month.content.stories) - 1


async def test_an_issue_whose_sending_began_is_never_taken_back(week: Week) -> None:
    issue = await approved(week)
    week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))
    async with week.house.store.begin() as session:
        await issues.move(session, issue, IssueState.SENDING, started_at=week.clock())

    week.clock.now = DUE
    after = await recheck(week.house, issue, now=week.clock())

    assert (after.state, after.hash) == (IssueState.SENDING, issue.hash)
    assert await audience(week, issue) == {"queued": 1}
    async with week.house.store.begin() as session:
        with pytest.raises(WrongStateError):
            await issues.take_back(session, after, reason="x", approve_at=None)


async def test_a_sending_that_begins_while_the_issue_is_put_right_goes_on_untouched(week: Week) -> None:
    issue = await approved(week)
    week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))
    await gather_sources(week.house, now=week.clock(), everything=True)
    async with week.house.store.read() as session:
        ids = {number for story in issue.content.stories for number in story.article_ids}
        there = {one.id: one for one in await articles.by_ids(session, ids)}
    news = [each for each in compare(issue.content, then={}, now=there, zone="UTC") if each.word]

    prepared = await prepare(week.house, issue, news, at=week.clock())
    report = await send(week.house, issue, clock=week.clock)
    with pytest.raises(WrongStateError, match="became sent meanwhile"):
        async with week.house.store.begin() as session:
            await put_back(session, week.house, issue, prepared, now=week.clock())

    assert len(news) == 1
    after = await newest(week)
    assert (after.state, after.hash, after.reason) == (IssueState.SENT, issue.hash, "")
    assert report.states == await audience(week, after) == {"sent": 1}
    async with week.house.store.read() as session:
        assert await renderings.of_issue(session, issue.id)


@pytest.mark.parametrize("is_sender_first", [True, False])
async def test_of_a_sending_and_a_taking_back_at_once_one_is_done_and_nothing_of_the_other(
    week: Week, is_sender_first: bool
) -> None:
    for number in range(9):
        await week.add_reader(f"r{number}@example.org")
    issue = await approved(week)
    week.site.put("/c.ics", calendar(CANCELLED, OPEN_DAY))
    await gather_sources(week.house, now=week.clock(), everything=True)
    week.clock.now = DUE

    doing: list[Coroutine[Any, Any, object]] = [send(week.house, issue, clock=week.clock)]
    doing += [recheck(week.house, issue, now=week.clock.now) for _ in range(3)]
    done = await asyncio.gather(*(doing if is_sender_first else doing[::-1]), return_exceptions=True)

    failed = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, WrongStateError) for one in failed), failed
    after = await newest(week)
    count = await audience(week, after)
    assert (after.state, count, len(week.mail.mails)) in [
        (IssueState.SENT, {"sent": 10}, 10),
        (IssueState.REVIEW, {}, 0),
    ]
    assert after.hash == issue.hash or after.state is IssueState.REVIEW


async def test_two_daemons_take_it_back_once(week: Week) -> None:
    await approved(week)
    week.site.put("/c.ics", calendar(MOVED, OPEN_DAY))
    week.clock.now = DUE - HOUR

    await asyncio.gather(*(release_due(week.house, KEY, clock=week.clock) for _ in range(3)))
    back = await tick(week)

    assert (back.state, back.revision) == (IssueState.REVIEW, 2)
    assert len(said(week, "mette@example.org")) == 1
