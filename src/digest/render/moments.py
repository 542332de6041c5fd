"""Dates and times in words, always in a named zone; filters for templates."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.config import local_zone
from digest.render.words import MONTHS, WEEKDAYS

#: The zone in which a day ends last; calls for papers close "anywhere on earth".
ANYWHERE = "Etc/GMT+12"


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of that name, UTC when it is empty or unknown. Kept: each message of an issue asks for it."""
    return local_zone(name)


def is_zone(name: str) -> bool:
    """True when there is such a zone."""
    return bool(name) and zone(name).key == name


def local(moment: datetime, zone_name: str) -> datetime:
    """The same moment on the clocks of that zone; at the ends of the calendar it stays as it is."""
    try:
        return moment.astimezone(zone(zone_name))
    except OverflowError:
        return moment


def clock(moment: datetime) -> str:
    """ "07:00"."""
    return f"{moment:%H:%M}"


def day(moment: date) -> str:
    """ "3 March 2026"."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def short_day(moment: date) -> str:
    """ "3 Mar"."""
    return f"{moment.day} {month(moment)}"


def month(moment: date) -> str:
    """ "Mar"."""
    return MONTHS[moment.month - 1][:3]


def weekday(moment: date) -> str:
    """ "Tue"."""
    return WEEKDAYS[moment.weekday()][:3]


def long_weekday(moment: date) -> str:
    """ "Tuesday"."""
    return WEEKDAYS[moment.weekday()]


def span(first: date, last: date) -> str:
    """ "16–22 November 2026", naming month and year twice only where they differ."""
    if first >= last:
        return day(first)
    if first.year != last.year:
        return f"{day(first)} – {day(last)}"
    if first.month != last.month:
        return f"{first.day} {MONTHS[first.month - 1]} – {day(last)}"
    return f"{first.day}–{day(last)}"


def days_of(since: datetime, until: datetime, zone_name: str) -> tuple[date, date]:
    """First and last day that a window covers, so that each day belongs to one issue only."""
    first, last = local(since, zone_name).date(), local(until, zone_name).date()
    return first, max(first, last - timedelta(days=1))


def city(zone_name: str) -> str:
    """ "Copenhagen" for Europe/Copenhagen; "" for zones that are not called after a place."""
    area, _, place = zone(zone_name).key.rpartition("/")
    return "" if not area or area.startswith("Etc") else place.replace("_", " ")


def abbreviation(moment: datetime) -> str:
    """ "CET", "UTC", or "UTC+3" where a zone has no letters of its own."""
    name = moment.tzname() or ""
    if not name.startswith(("+", "-")):
        return name
    hours, minutes = name[1:3].lstrip("0") or "0", name[3:5]
    return f"UTC{name[0]}{hours}{f':{minutes}' if minutes.strip('0') else ''}"
