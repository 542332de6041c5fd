"""The events of an issue, or one of them, as an iCalendar file (RFC 5545). Pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import icalendar

from digest.config import local_zone
from digest.domain import FLOATING, Event, Story
from digest.render import Masthead
from digest.web.feed import tag_domain


def calendar_file(
    stories: Sequence[Story], masthead: Masthead, *, number: int, made_at: datetime, name: str = ""
) -> bytes:
    """The events of these stories; times in UTC, whole days as dates.

    An event has one UID in all issues; a later issue's file (`number`) brings a calendar up to date.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", f"-//digest//{one_line(masthead.name)}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    if name:
        calendar.add("x-wr-calname", one_line(name))
    for story in stories:
        if story.event is not None:
            calendar.add_component(_entry(story, story.event, masthead, number=number, made_at=made_at))
    data: bytes = calendar.to_ical()
    return data


def _entry(
    story: Story, event: Event, masthead: Masthead, *, number: int, made_at: datetime
) -> icalendar.Event:
    entry = icalendar.Event()
    entry.add("uid", f"{story.key}@{tag_domain(masthead).removeprefix('tag:').partition(',')[0]}")
    entry.add("dtstamp", made_at.astimezone(UTC))
    entry.add("sequence", number)
    entry.add("summary", one_line(story.title) or "Event")
    _add_times(entry, event)
    entry.add("status", "CANCELLED" if event.is_cancelled else "CONFIRMED")
    # A deadline takes nobody's time.
    entry.add("transp", "TRANSPARENT" if event.is_deadline or event.all_day else "OPAQUE")
    where = event.place or ("Online" if event.online else "")
    if where:
        entry.add("location", one_line(where))
    entry.add("description", f"{one_line(story.summary)}\n\n{story.url}".strip())
    entry.add("url", one_line(story.url))
    return entry


def _add_times(entry: icalendar.Event, event: Event) -> None:
    if not event.all_day:
        # A time without a zone is that of wherever the calendar is (RFC 5545 §3.3.5, form 1).
        zone = None if event.zone == FLOATING else UTC
        entry.add("dtstart", event.starts_at.astimezone(UTC).replace(tzinfo=zone))
        if event.ends_at and event.ends_at > event.starts_at:
            entry.add("dtend", event.ends_at.astimezone(UTC).replace(tzinfo=zone))
        return
    first = _day(event.starts_at, event.zone)
    entry.add("dtstart", first)
    if event.ends_at and (after := _day(event.ends_at, event.zone)) > first:
        entry.add("dtend", after)
    elif first < date.max:
        entry.add("dtend", first + timedelta(days=1))


def _day(moment: datetime, zone: str) -> date:
    """The organiser's day; at the ends of the calendar UTC's."""
    try:
        return moment.astimezone(local_zone(zone)).date()
    except OverflowError:
        return moment.date()


def one_line(text: str) -> str:
    """The text without line breaks and controls, which would end a property."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
