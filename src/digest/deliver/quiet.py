"""When mail may arrive by a reader's own clock: outside quiet hours, or at their hour. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def after_quiet(quiet_hours: str, zone: str, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours ("22:00-07:00") that it falls into in that zone.

    Across a change of the clocks the wall clock counts: an end that is skipped comes with the hour after
    it, one that comes twice counts the first time.
    """
    if not quiet_hours:
        return at
    begin, end = (time.fromisoformat(text) for text in quiet_hours.split("-"))
    local = at.astimezone(ZoneInfo(zone))
    if not _is_within(local.time(), begin, end):
        return at
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    ends = datetime.combine(day, end, ZoneInfo(zone)).astimezone(UTC)
    # The hour that comes twice: the first time it ends may be over.
    return max(ends, at)


def own_hour(hour: int, zone: str, at: datetime) -> datetime:
    """`at` when it is that hour in that zone, or else when it next begins there: within a day.

    An hour that the clocks skip comes with the one after it; one that comes twice begins the first time.
    """
    local = at.astimezone(ZoneInfo(zone))
    if local.hour == hour:
        return at
    days = (local.date() + timedelta(days=passed) for passed in (0, 1))
    begins = (datetime.combine(day, time(hour), ZoneInfo(zone)).astimezone(UTC) for day in days)
    return next(begin for begin in begins if begin >= at)


def _is_within(moment: time, begin: time, end: time) -> bool:
    if begin <= end:
        return begin <= moment < end
    return moment >= begin or moment < end
