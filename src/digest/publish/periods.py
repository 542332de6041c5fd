"""The time at which an issue is due: its name among the others, and when it will be read."""

from datetime import UTC, datetime, timedelta

#: A draft made no more than so long before its time is for that time.
_EARLY = timedelta(days=7)


def period_of(due: datetime) -> str:
    """The time in UTC, to the minute: one issue of each cadence has it."""
    return due.astimezone(UTC).isoformat(timespec="minutes")


def read_at(now: datetime, due: datetime) -> datetime:
    """When an issue that is made now will be read: what is over by then is not to come.

    One that is due much later is mostly sent by hand before.
    """
    return max(now, due) if due - now <= _EARLY else now
