"""How many deliveries are claimed next, and what an outcome leads to. Pure."""

from datetime import datetime, timedelta

from digest import cron
from digest.deliver import after
from digest.domain import Delivery, DeliveryState, Issue, OutcomeKind
from digest.house import House

#: Claims taken at once at first, and for each connection when there are many; and at most.
_BATCH = 50
_BATCH_PER_CONNECTION = 10
_MOST = 1000
#: A batch that lasts longer is followed by a smaller one, so that no claim outlives its lease.
_BATCH_LASTS = timedelta(minutes=1)

#: What becomes of a delivery in doubt, as the operator decided.
SETTLED_AS = {
    "resend": DeliveryState.QUEUED,
    "hold": DeliveryState.UNCERTAIN,
    "assume-sent": DeliveryState.SENT,
}


def next_limit(limit: int, connections: int, lasted: timedelta) -> int:
    """How many to claim when the last `limit` lasted that long: few at first, many when it goes fast."""
    if not limit:
        return max(_BATCH, connections * _BATCH_PER_CONNECTION)
    return min(limit * 2, _MOST) if lasted < _BATCH_LASTS else max(limit // 2, connections)


def next_issue_after(house: House, issue: Issue, now: datetime) -> datetime:
    """When the newsletter's next issue is due after this one began to be sent."""
    chosen = house.newsletter(issue.newsletter)
    return cron.next_due(chosen.schedule, chosen.timezone, max(issue.due_at, issue.started_at or now))


def decide(
    house: House,
    kind: OutcomeKind,
    delivery: Delivery,
    *,
    now: datetime,
    next_issue: datetime | None = None,
) -> tuple[DeliveryState, datetime | None]:
    """The state that an outcome leads to and, when it is tried again, when.

    It is tried for `retry_for_hours`, and not beyond the time of the next issue.
    """
    if kind is OutcomeKind.SENT:
        return DeliveryState.SENT, None
    chosen = house.settings.delivery
    if kind is OutcomeKind.UNCERTAIN and chosen.uncertain != "resend":
        return SETTLED_AS[chosen.uncertain], None
    again = OutcomeKind.DEFERRED if kind is OutcomeKind.UNCERTAIN else kind
    first = delivery.first_tried_at or now
    patience = timedelta(hours=chosen.retry_for_hours)
    # What is first tried after that time was asked for by a person, and has all the time there is.
    if next_issue is not None and next_issue > first:
        patience = min(patience, next_issue - first)
    return after(
        again,
        attempts=delivery.attempts,
        first_tried_at=first,
        now=now,
        give_up_after=patience,
        key=delivery.id,
    )
