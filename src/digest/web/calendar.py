"""One event as an iCalendar file (RFC 5545). Pure."""

from datetime import UTC, date, datetime, timedelta

import icalendar

from digest.config import local_zone
from digest.domain import Event, Story
from digest.render import Masthead
from digest.web.feed import tag_domain


def calendar_file(story: Story, masthead: Masthead, *, made_at: datetime) -> bytes:
    """The story's event; times in UTC, whole days as dates. The story must have one."""
    if story.event is None:
        raise ValueError("a story without an event")
    entry = icalendar.Event()
    entry.add("uid", f"{story.key}@{tag_domain(masthead).removeprefix('tag:').partition(',')[0]}")
    entry.add("dtstamp", made_at.astimezone(UTC))
    entry.add("summary", one_line(story.title) or "Event")
    _add_times(entry, story.event)
    where = story.event.place or ("Online" if story.event.online else "")
    if where:
        entry.add("location", one_line(where))
    entry.add("description", f"{one_line(story.summary)}\n\n{story.url}".strip())
    entry.add("url", one_line(story.url))
    calendar = icalendar.Calendar()
    calendar.add("prodid", f"-//digest//{one_line(masthead.name)}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    data: bytes = calendar.to_ical()
    return data


def _add_times(entry: icalendar.Event, event: Event) -> None:
    if not event.all_day:
        entry.add("dtstart", event.starts_at.astimezone(UTC))
        if event.ends_at and event.ends_at > event.starts_at:
            entry.add("dtend", event.ends_at.astimezone(UTC))
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
