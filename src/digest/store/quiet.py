"""Deliveries that wait for the hour of their reader, or for the end of the quiet hours there."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DeliveryState, IssueState, SubscriptionState
from digest.store.moments import UTCDateTime
from digest.store.reader_tables import SubscriberRow, SubscriptionRow
from digest.store.tables import DeliveryRow, IssueRow

#: A reader's zone ("" for who named none), and the hour they chose (None for as it comes).
Clock = tuple[str, int | None]


async def clocks(session: AsyncSession, newsletter: str) -> tuple[Clock, ...]:
    """Every clock that confirmed readers of the newsletter go by."""
    query = (
        select(SubscriberRow.zone, SubscriptionRow.hour)
        .distinct()
        .join(SubscriptionRow, SubscriptionRow.subscriber_id == SubscriberRow.id)
        .where(SubscriptionRow.newsletter == newsletter, SubscriptionRow.state == SubscriptionState.CONFIRMED)
    )
    return tuple((zone, hour) for zone, hour in await session.execute(query))


async def put_off(session: AsyncSession, issue_id: int, dues: Mapping[Clock, datetime]) -> None:
    """Make the queued deliveries of an issue due at the time of their reader's clock. One pass an hour."""
    by_hour: defaultdict[int | None, dict[str, datetime]] = defaultdict(dict)
    for (zone, hour), due in dues.items():
        by_hour[hour][zone] = due
    newsletter = select(IssueRow.newsletter).where(IssueRow.id == issue_id).scalar_subquery()
    zone_of = (
        select(SubscriberRow.zone).where(SubscriberRow.id == DeliveryRow.subscriber_id).scalar_subquery()
    )
    for hour, zones in by_hour.items():
        theirs = select(SubscriptionRow.subscriber_id).where(
            SubscriptionRow.newsletter == newsletter, SubscriptionRow.hour.is_not_distinct_from(hour)
        )
        whens = {name: literal(due, UTCDateTime) for name, due in zones.items()}
        await session.execute(
            update(DeliveryRow)
            .where(
                DeliveryRow.issue_id == issue_id,
                DeliveryRow.state == DeliveryState.QUEUED,
                DeliveryRow.subscriber_id.in_(theirs),
            )
            .values(due_at=case(whens, value=zone_of, else_=DeliveryRow.due_at))
            .execution_options(synchronize_session=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A delivery that has not been tried, of a reader who may want it at another hour."""

    delivery_id: int
    newsletter: str
    #: The hour that the reader chose in that newsletter.
    hour: int | None
    #: When the issue goes, or went.
    goes_at: datetime


async def waiting(session: AsyncSession, subscriber_id: int) -> tuple[Waiting, ...]:
    """What waits for a reader and has not been tried, of all newsletters."""
    goes_at = func.greatest if session.get_bind().dialect.name == "postgresql" else func.max
    query = (
        select(
            DeliveryRow.id,
            IssueRow.newsletter,
            SubscriptionRow.hour,
            goes_at(IssueRow.due_at, IssueRow.approved_at, type_=UTCDateTime),
        )
        .join(IssueRow, IssueRow.id == DeliveryRow.issue_id)
        .join(SubscriptionRow, SubscriptionRow.newsletter == IssueRow.newsletter)
        .where(
            DeliveryRow.subscriber_id == subscriber_id,
            SubscriptionRow.subscriber_id == subscriber_id,
            DeliveryRow.state == DeliveryState.QUEUED,
            DeliveryRow.attempts == 0,
            IssueRow.state.in_((IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)),
        )
    )
    return tuple(
        Waiting(delivery_id=key, newsletter=newsletter, hour=hour, goes_at=at)
        for key, newsletter, hour, at in await session.execute(query)
    )


async def move(session: AsyncSession, delivery_id: int, due_at: datetime) -> None:
    """Make a delivery due at another time; one that a sender has meanwhile stays as it is."""
    still = DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.QUEUED
    await session.execute(update(DeliveryRow).where(*still).values(due_at=due_at))
