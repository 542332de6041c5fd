"""When the next issue really comes, and to one reader: at their pace, by their own clock.

An issue that was sent by hand before its time has taken that time.
"""

from collections.abc import Container
from datetime import datetime

from digest import cron
from digest.config import NewsletterSettings, local_zone
from digest.deliver import after_quiet, own_hour
from digest.domain import Cadence, Subscription
from digest.house import House
from digest.store import issues

#: More times in a row than anybody has sent by hand.
_MOST = 100


def next_slot(chosen: NewsletterSettings, taken: Container[datetime], now: datetime) -> datetime:
    """The first time after `now` that no issue has taken, on the newsletter's own clock."""
    due = cron.next_due(chosen.schedule, chosen.timezone, now)
    for _ in range(_MOST):
        if due not in taken:
            break
        due = cron.next_due(chosen.schedule, chosen.timezone, due)
    return due


async def next_due(house: House, key: str, *, now: datetime) -> datetime:
    """The same, read from the database."""
    async with house.store.read() as session:
        taken = await issues.taken_slots(session, key, after=now)
    return next_slot(house.newsletter(key), taken, now)


def arrival(quiet_hours: str, zone: str, hour: int | None, at: datetime) -> datetime:
    """When an issue that goes at that time comes to a reader of that zone: at their hour, if they chose one.

    An hour that a reader chose counts although it is a quiet one.
    """
    return after_quiet(quiet_hours, zone, at) if hour is None else own_hour(hour, zone, at)


def arrival_anew(
    quiet_hours: str, zone: str, hour: int | None, *, goes_at: datetime, now: datetime
) -> datetime:
    """When an issue that goes at `goes_at` is due for who changed their hour or zone before they had it.

    What would have come already comes now, but not in quiet hours. Before it goes, now is as soon as it goes.
    """
    due = arrival(quiet_hours, zone, hour, goes_at)
    if due > max(goes_at, now):
        return due
    return now if goes_at > now else after_quiet(quiet_hours, zone, now)


def pace_of(chosen: NewsletterSettings, reader: Subscription) -> str:
    """How often the reader gets an issue: "every Monday", "once a month", or "" when no word fits."""
    is_monthly = reader.cadence is Cadence.MONTHLY and bool(chosen.monthly)
    return "once a month" if is_monthly else cron.rhythm(chosen.schedule)


async def next_for(house: House, reader: Subscription, *, now: datetime) -> datetime:
    """When the next issue comes to this reader, on their own clock where they named one."""
    chosen = house.newsletter(reader.newsletter)
    zone = clock_of(chosen, reader)
    if reader.cadence is Cadence.MONTHLY and chosen.monthly:
        due = cron.next_due(chosen.monthly, chosen.timezone, now)
    else:
        due = await next_due(house, reader.newsletter, now=now)
    coming = arrival(house.settings.delivery.quiet_hours, zone, reader.hour, due)
    return coming.astimezone(local_zone(zone))


def clock_of(chosen: NewsletterSettings, reader: Subscription) -> str:
    """The zone whose clocks count for the reader."""
    zone = reader.subscriber.zone
    return zone if zone and local_zone(zone).key == zone else chosen.timezone
