"""When the next issue really comes: an issue that was sent by hand before its time has taken that time."""

from collections.abc import Container
from datetime import datetime

from digest import cron
from digest.config import NewsletterSettings
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
