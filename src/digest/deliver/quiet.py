"""Hours in which no mail arrives, by a reader's own clock. Pure."""

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


def _is_within(moment: time, begin: time, end: time) -> bool:
    if begin <= end:
        return begin <= moment < end
    return moment >= begin or moment < end
