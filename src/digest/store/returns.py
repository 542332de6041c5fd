"""What came back: counted for the circuit breaker."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DeliveryState
from digest.store.reader_tables import BounceRow
from digest.store.tables import AuditRow, DeliveryRow


async def let_go_at(session: AsyncSession, issue_id: int) -> datetime | None:
    """When a person last let the issue go on after a pause."""
    query = select(func.max(AuditRow.at)).where(
        AuditRow.subject == f"issue:{issue_id}", AuditRow.action == "issue.resumed"
    )
    return await session.scalar(query)


async def settled(session: AsyncSession, issue_id: int, *, since: datetime | None) -> tuple[int, int]:
    """(sent, refused) deliveries of the issue, settled after `since`."""
    query = select(DeliveryRow.state, func.count()).where(
        DeliveryRow.issue_id == issue_id, DeliveryRow.state.in_([DeliveryState.SENT, DeliveryState.FAILED])
    )
    if since is not None:
        query = query.where(DeliveryRow.updated_at > since)
    found = dict((await session.execute(query.group_by(DeliveryRow.state))).all())
    return found.get(DeliveryState.SENT, 0), found.get(DeliveryState.FAILED, 0)


async def reported(session: AsyncSession, *, since: datetime) -> tuple[int, int]:
    """(hard bounces, complaints) that came by mail after `since`."""
    query = select(BounceRow.kind, func.count()).where(BounceRow.at > since).group_by(BounceRow.kind)
    found = dict((await session.execute(query)).all())
    return found.get("hard", 0), found.get("complaint", 0)
