"""Deliveries that wait for the end of the quiet hours, by the zones of their readers."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import case, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DeliveryState
from digest.store.moments import UTCDateTime
from digest.store.tables import DeliveryRow, SubscriberRow, SubscriptionRow


async def zones(session: AsyncSession, newsletter: str) -> tuple[str, ...]:
    """Every time zone that readers of the newsletter have; "" for those who named none."""
    query = (
        select(SubscriberRow.zone)
        .distinct()
        .join(SubscriptionRow, SubscriptionRow.subscriber_id == SubscriberRow.id)
        .where(SubscriptionRow.newsletter == newsletter)
    )
    return tuple(await session.scalars(query.order_by(SubscriberRow.zone)))


async def put_off(session: AsyncSession, issue_id: int, dues: Mapping[str, datetime]) -> None:
    """Make the queued deliveries of an issue due at the time of their reader's zone. In one pass."""
    if not dues:
        return
    zone = select(SubscriberRow.zone).where(SubscriberRow.id == DeliveryRow.subscriber_id).scalar_subquery()
    whens = {name: literal(due, UTCDateTime) for name, due in dues.items()}
    await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state == DeliveryState.QUEUED)
        .values(due_at=case(whens, value=zone, else_=DeliveryRow.due_at))
        .execution_options(synchronize_session=False)
    )
