import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from typing import Any

import icalendar
import pytest

from conftest import KEY, NOW
from digest.domain import FLOATING, Content, Event, IssueState, Story
from digest.publish import cancel
from sample_issues import cruel, week
from websites import Website, website

__all__ = ["website"]

ATOM = "{http://www.w3.org/2005/Atom}"


def content(number: int = 1, **changes: str) -> Content:
    return replace(week(), newsletter=KEY, number=number, **changes)  # type: ignore[arg-type]


def event_of(found: Content) -> Story:
    return next(story for story in found.stories if story.event and not story.event.all_day)


def event_in(data: bytes) -> Any:
    """The one event of a calendar file; its properties have more types than a test wants to tell apart."""
    (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
    return event


async def test_the_archive_lists_issues_by_month_newest_first(website: Website) -> None:
    for number, days in ((1, 40), (2, 7), (3, 0)):
        await website.issue(content(number, subject=f"Subject {number}"), days=days)

    page = await website.get(f"/n/{KEY}/issues")

    assert re.findall(r'class="month">([^<]+)<', page.text) == ["August 2026", "July 2026"]
    assert re.findall(r"Subject \d", page.text) == ["Subject 3", "Subject 2", "Subject 1"]
    assert "no-store" not in page.headers["Cache-Control"]


async def test_a_long_archive_is_turned_page_by_page(website: Website) -> None:
    for number in range(1, 31):
        await website.issue(content(number), days=300 - 7 * number)

    first = await website.get(f"/n/{KEY}/issues")
    older = re.findall(r'href="([^"]+before=\d+)"', first.text)[0]
    second = await website.get(older)

    seen = [int(found) for page in (first, second) for found in re.findall(r"Issue (\d+) ·", page.text)]
    assert seen == list(range(30, 0, -1))
    assert "before=" not in second.text


async def test_an_empty_archive_offers_the_sign_up(website: Website) -> None:
    page = await website.get(f"/n/{KEY}/issues")

    assert (page.status, "No issue has gone out yet" in page.text) == (200, True)


async def test_an_issue_is_a_page_with_every_story_and_its_neighbours(website: Website) -> None:
    for number in (1, 2, 3):
        await website.issue(content(number), days=21 - 7 * number)
    await website.confirmed()

    page = await website.get(f"/n/{KEY}/issues/2")

    assert page.heading == "The Week in AI 2"
    for story in week().stories:
        assert f'href="{story.url}"' in page.text.replace("&amp;", "&")
    assert ('rel="prev"' in page.text, 'rel="next"' in page.text) == (True, True)
    assert page.text.count("<main") == 1
    assert "/leave/" not in page.text
    assert "@example.org" not in page.text
    assert len(page.body) < 15_000


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (IssueState.DRAFT, 404),
        (IssueState.REVIEW, 404),
        (IssueState.APPROVED, 404),
        (IssueState.SENDING, 200),
        (IssueState.PAUSED, 200),
        (IssueState.SENT, 200),
        (IssueState.CANCELLED, 404),
    ],
)
async def test_only_what_was_sent_is_public(website: Website, state: IssueState, status: int) -> None:
    await website.issue(content(), state)
    story = event_of(week())

    answers = [
        await website.get(f"/n/{KEY}/issues/1"),
        await website.get(f"/n/{KEY}/issues/1/events/{story.key}.ics"),
    ]

    assert [answer.status for answer in answers] == [status, status]
    feed = ET.fromstring((await website.get(f"/n/{KEY}/feed.atom")).body)
    assert len(feed.findall(f"{ATOM}entry")) == (status == 200)


async def test_an_issue_called_off_halfway_is_read_by_who_has_its_mail_and_listed_nowhere(
    website: Website,
) -> None:
    there = await website.issue(content(), IssueState.SENDING)
    await cancel(website.house, there, reason="wrong", by="test", now=NOW)

    page = await website.get(f"/n/{KEY}/issues/1")
    listing = await website.get(f"/n/{KEY}/issues")

    assert page.status == 200
    assert "/issues/1" not in listing.text


@pytest.mark.parametrize("number", ["0", "-1", "99", "x", "1e3", "9" * 40, "１", "%00", "9" * 5000])
async def test_a_number_that_is_no_issue_is_a_plain_404(website: Website, number: str) -> None:
    for path in (f"/issues/{number}", f"/issues/{number}/events/x.ics", f"/issues?before=x{number}"):
        answer = await website.get(f"/n/{KEY}{path}")

        assert (answer.status, "There is nothing here" in answer.text) == (404, True)


async def test_the_feed_is_atom_with_ids_that_stay(website: Website) -> None:
    for number in range(1, 23):
        await website.issue(content(number, subject=f"S & <{number}>\x0b"), days=200 - 7 * number)

    first = await website.get(f"/n/{KEY}/feed.atom")
    again = await website.get(f"/n/{KEY}/feed.atom")

    assert first.body == again.body
    assert first.headers["Content-Type"].startswith("application/atom+xml")
    feed = ET.fromstring(first.body)
    entries = feed.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert (len(entries), len(set(ids))) == (20, 20)
    assert ids[0] == "tag:example.org,2026:week-in-ai/22"
    assert entries[0].findtext(f"{ATOM}title") == "S & <22>"
    for place in (feed, *entries):
        assert place.findtext(f"{ATOM}id")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", place.findtext(f"{ATOM}updated") or "")
    assert event_of(week()).url in (entries[0].findtext(f"{ATOM}content") or "")
    assert not feed.findall(f"{ATOM}script")


async def test_an_event_is_a_calendar_file_with_a_uid_that_stays(website: Website) -> None:
    story = event_of(week())
    for number in (1, 2):
        await website.issue(content(number), days=14 - 7 * number)

    paths = [f"/n/{KEY}/issues/{number}/events/{story.key}.ics" for number in (1, 2)]
    first, second = [event_in((await website.get(path)).body) for path in paths]

    assert first["UID"] == second["UID"] == f"{story.key}@example.org"
    assert first["SUMMARY"] == story.title
    assert story.event is not None
    assert first["DTSTART"].dt == story.event.starts_at
    assert str(first["URL"]) == story.url


async def test_all_dates_of_an_issue_are_one_calendar_file_with_the_uids_of_the_single_ones(
    website: Website,
) -> None:
    found = content()
    await website.issue(found)
    dated = [story for story in found.stories if story.event]

    page = await website.get(f"/n/{KEY}/issues/1")
    answer = await website.get(f"/n/{KEY}/issues/1/events.ics")

    assert f"/n/{KEY}/issues/1/events.ics" in page.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert 'filename="week-in-ai-1.ics"' in answer.headers["Content-Disposition"]
    whole = icalendar.Calendar.from_ical(answer.body)
    assert [str(one["UID"]) for one in whole.walk("VEVENT")] == [f"{s.key}@example.org" for s in dated]
    for story, one in zip(dated, whole.walk("VEVENT"), strict=True):
        alone = await website.get(f"/n/{KEY}/issues/1/events/{story.key}.ics")
        assert event_in(alone.body).to_ical() == one.to_ical()


async def test_calendar_files_keep_what_rfc_5545_wants_of_them(website: Website) -> None:
    await website.issue(content())

    data = (await website.get(f"/n/{KEY}/issues/1/events.ics")).body

    assert data.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    calendar: Any = icalendar.Calendar.from_ical(data)
    assert (str(calendar["VERSION"]), str(calendar["METHOD"])) == ("2.0", "PUBLISH")
    assert calendar["PRODID"]
    for one in calendar.walk("VEVENT"):
        assert not one.errors
        assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE", "STATUS"} <= set(one)
        assert one["DTSTAMP"].dt.tzinfo is not None
        assert "DTEND" not in one or one["DTEND"].dt > one["DTSTART"].dt


async def test_a_later_issue_moves_or_strikes_out_what_an_earlier_one_put_into_a_calendar(
    website: Website,
) -> None:
    found = content()
    story = event_of(found)
    assert story.event is not None
    for number, is_cancelled in ((1, False), (2, True)):
        changed = replace(story, event=replace(story.event, is_cancelled=is_cancelled))
        section = replace(found.sections[0], stories=(changed,))
        await website.issue(replace(found, number=number, sections=(section,)), days=14 - 7 * number)

    paths = [f"/n/{KEY}/issues/{number}/events/{story.key}.ics" for number in (1, 2)]
    first, second = [event_in((await website.get(path)).body) for path in paths]

    assert first["UID"] == second["UID"]
    assert (str(first["STATUS"]), str(second["STATUS"])) == ("CONFIRMED", "CANCELLED")
    assert second["SEQUENCE"] > first["SEQUENCE"]
    assert "Update your calendar" in (await website.get(f"/n/{KEY}/issues/2")).text


async def test_an_issue_without_events_has_no_calendar(website: Website) -> None:
    found = content()
    await website.issue(replace(found, sections=found.sections[:1]))

    assert (await website.get(f"/n/{KEY}/issues/1/events.ics")).status == 404


async def test_an_hour_without_a_zone_has_none_in_its_calendar_file(website: Website) -> None:
    found = content()
    evening = Event(starts_at=NOW, ends_at=NOW + timedelta(hours=2), zone=FLOATING)
    story = replace(event_of(found), key="evening", event=evening)
    await website.issue(replace(found, sections=(replace(found.sections[0], stories=(story,)),)))

    event = event_in((await website.get(f"/n/{KEY}/issues/1/events/evening.ics")).body)

    naive = NOW.replace(tzinfo=None)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (naive, naive + timedelta(hours=2))


async def test_a_whole_day_is_a_date_and_line_breaks_end_no_property(website: Website) -> None:
    found = content()
    story = event_of(found)
    day = Event(starts_at=NOW - timedelta(hours=20), all_day=True, zone="Europe/Copenhagen")
    evil = replace(story, key="evil", title="One\r\nATTENDEE:mailto:a@example.org;x,y\x00", event=day)
    sections = (replace(found.sections[0], stories=(evil,)),)
    await website.issue(replace(found, sections=sections))

    data = (await website.get(f"/n/{KEY}/issues/1/events/evil.ics")).body

    event = event_in(data)
    assert (str(event["DTSTART"].dt), str(event["DTEND"].dt)) == ("2026-08-21", "2026-08-22")
    assert "ATTENDEE" not in event
    assert b"\r\n" in data


@pytest.mark.parametrize("name", sorted(cruel()))
async def test_no_story_is_too_cruel_for_its_page_its_feed_or_its_calendar(
    website: Website, name: str
) -> None:
    hard = replace(cruel()[name], newsletter=KEY, number=1)
    await website.issue(hard)

    page = await website.get(f"/n/{KEY}/issues/1")
    feed = await website.get(f"/n/{KEY}/feed.atom")
    listing = await website.get(f"/n/{KEY}/issues")

    assert [one.status for one in (page, feed, listing)] == [200, 200, 200]
    assert "<script" not in page.text
    ET.fromstring(feed.body)
    for story in hard.stories:
        if story.event:
            answer = await website.get(f"/n/{KEY}/issues/1/events/{story.key}.ics")
            assert answer.status == 200
            icalendar.Calendar.from_ical(answer.body)
