"""How fast mail may leave by one relay or to one receiving domain. Standard library only."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A bucket of tokens, one a message, that all workers share, and what the other side taught us."""

    #: "relay:NAME" or "domain:NAME".
    name: str
    #: Counts up with every change; 0 was never stored.
    version: int = 0
    tokens: float = 0.0
    #: When `tokens` was true; None for a bucket that nobody has taken from.
    filled_at: datetime | None = None
    #: The day in UTC (2026-11-25) that `sent` counts.
    day: str = ""
    sent: int = 0
    #: The first day that anything was sent.
    first_day: str = ""
    #: Messages a second, as learnt from a domain that throttled; None for no limit.
    per_second: float | None = None
    #: The rate at which it throttled us the last time.
    met_at: float | None = None
    throttled_at: datetime | None = None
    #: When `per_second` was last raised or lowered.
    changed_at: datetime | None = None
    #: A relay that could not be reached is left alone until then.
    rests_until: datetime | None = None
    #: The other side's last words about it.
    reply: str = ""
