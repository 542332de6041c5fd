"""How the issues of a newsletter are told from each other by the time they are due."""

from datetime import UTC, datetime


def period_of(due: datetime) -> str:
    """The time in UTC, to the minute: one issue of each cadence has it."""
    return due.astimezone(UTC).isoformat(timespec="minutes")
