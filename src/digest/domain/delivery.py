"""What became of one reader's message. Standard library only."""

from dataclasses import dataclass
from datetime import datetime

from digest.domain.states import DeliveryState, OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One reader's copy of one issue in the ledger; unique by (issue, subscriber)."""

    id: int
    issue_id: int
    subscriber_id: int
    #: The sections the reader had chosen at approval, as keys joined by commas; "" means all.
    choice: str = ""
    state: DeliveryState = DeliveryState.QUEUED
    reason: str = ""
    #: The server's last words.
    reply: str = ""
    attempts: int = 0
    #: Fencing number: an outcome is only written by the claim that is still the newest.
    fence: int = 0
    due_at: datetime | None = None
    first_tried_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a transport says of one message; `key` is the caller's own, `reply` the server's words."""

    key: int
    kind: OutcomeKind
    reply: str = ""
    #: True when no server was reached: another one may be tried at once.
    is_unreached: bool = False
