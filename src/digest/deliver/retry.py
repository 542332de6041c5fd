"""When a delivery is tried again. Pure."""

import zlib
from datetime import datetime, timedelta

from digest.domain import DeliveryState, OutcomeKind

#: After the first, second, … try; the last one repeats.
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))
#: At most this part of a pause is added, so that what was deferred together does not return together.
_JITTER = 0.2

_FINAL = {
    OutcomeKind.SENT: DeliveryState.SENT,
    OutcomeKind.FAILED: DeliveryState.FAILED,
    OutcomeKind.UNCERTAIN: DeliveryState.UNCERTAIN,
}


def after(
    outcome_kind: OutcomeKind,
    *,
    attempts: int,
    first_tried_at: datetime,
    now: datetime,
    give_up_after: timedelta,
    key: int,
) -> tuple[DeliveryState, datetime | None]:
    """The state that an outcome leads to and, for a deferred delivery, when it is due again.

    `attempts` counts the tries so far, this one included. The last try falls on the very moment of giving
    up; deferred once more, the delivery has failed. The jitter depends on `key` and `attempts` alone.
    """
    if outcome_kind is not OutcomeKind.DEFERRED:
        return _FINAL[outcome_kind], None
    end = first_tried_at + give_up_after
    if now >= end:
        return DeliveryState.FAILED, None
    pause = _PAUSES[min(max(attempts, 1), len(_PAUSES)) - 1]
    share = zlib.crc32(f"{key}/{attempts}".encode()) / 2**32
    return DeliveryState.DEFERRED, min(now + pause * (1 + _JITTER * share), end)
