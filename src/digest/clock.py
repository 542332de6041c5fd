"""The time, read where something is begun and handed on from there."""

from collections.abc import Callable
from datetime import UTC, datetime

#: What tells the time; tests and the demo have their own.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)
