"""The audience of an issue, frozen: one row of the ledger for each reader there is."""

from datetime import datetime

from sqlalchemy import ColumnElement, Integer, String, case, insert, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DeliveryState, Issue, SubscriptionState
from digest.store.moments import UTCDateTime
from digest.store.tables import DeliveryRow, SubscriberRow, SubscriptionRow, SuppressionRow


async def fan_out(session: AsyncSession, issue: Issue, *, due_at: datetime, now: datetime) -> None:
    """Freeze the audience: a row for every subscription, queued or skipped with the reason.

    One INSERT … SELECT, so a million readers cost no round trips. A second call adds nobody.
    """
    reason = _exclusion()
    audience = (
        select(
            literal(issue.id, Integer),
            SubscriptionRow.subscriber_id,
            SubscriptionRow.choice,
            case((reason == "", DeliveryState.QUEUED), else_=DeliveryState.SKIPPED).cast(String(16)),
            reason,
            literal(""),
            literal(0),
            literal(0),
            null(),
            literal(""),
            literal(due_at, UTCDateTime),
            null(),
            literal(now, UTCDateTime),
        )
        .join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        .outerjoin(SuppressionRow, SuppressionRow.email_hash == SubscriberRow.email_hash)
        .where(SubscriptionRow.newsletter == issue.newsletter, ~_has_row(issue.id))
    )
    names = [column.name for column in DeliveryRow.__table__.columns if column.name != "id"]
    await session.execute(insert(DeliveryRow).from_select(names, audience))


def _exclusion() -> ColumnElement[str]:
    """The same words as `Subscription.exclusion`, in SQL."""
    return case(
        (SuppressionRow.reason.is_not(None), "suppressed"),
        (SubscriptionRow.state == SubscriptionState.PENDING, "not confirmed"),
        (SubscriptionRow.state == SubscriptionState.LEFT, "left"),
        else_="",
    )


def _has_row(issue_id: int) -> ColumnElement[bool]:
    return (
        select(DeliveryRow.id)
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.subscriber_id == SubscriptionRow.subscriber_id)
        .exists()
    )
