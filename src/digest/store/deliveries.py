"""The ledger: one row for each reader of an issue, written before and after everything that happens."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, String, case, func, insert, literal, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import FINAL_DELIVERY_STATES, Delivery, DeliveryState, Issue, SubscriptionState
from digest.store.tables import DeliveryRow, SubscriberRow, SubscriptionRow, SuppressionRow, UTCDateTime

_PLAIN: tuple[str, ...] = (
    "id",
    "issue_id",
    "subscriber_id",
    "choice",
    "reason",
    "reply",
    "attempts",
    "fence",
    "due_at",
)
_PLAIN += ("first_tried_at", "updated_at")
_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(state=DeliveryState(row.state), **{name: getattr(row, name) for name in _PLAIN})


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


async def claim(
    session: AsyncSession, issue_id: int, *, limit: int, lease: timedelta, now: datetime
) -> tuple[Delivery, ...]:
    """Up to `limit` due deliveries, now held by the caller for `lease` under a new fencing number.

    One conditional update; on PostgreSQL many workers skip each other's rows.
    """
    due = (
        select(DeliveryRow.id)
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state.in_(_WAITING), DeliveryRow.due_at <= now)
        .order_by(DeliveryRow.due_at, DeliveryRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = await session.scalars(
        update(DeliveryRow)
        .where(DeliveryRow.id.in_(due.scalar_subquery()))
        .values(
            state=DeliveryState.CLAIMED,
            fence=DeliveryRow.fence + 1,
            attempts=DeliveryRow.attempts + 1,
            lease_until=now + lease,
            first_tried_at=func.coalesce(DeliveryRow.first_tried_at, literal(now, UTCDateTime)),
            updated_at=now,
        )
        .returning(DeliveryRow),
        execution_options={"populate_existing": True},
    )
    return tuple(sorted((_delivery(row) for row in claimed), key=lambda one: one.id))


async def hand(session: AsyncSession, delivery: Delivery, *, lease: timedelta, now: datetime) -> bool:
    """True once the intent to send is stored, for `lease`; False when the claim is no longer ours."""
    handed = await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery.id,
            DeliveryRow.state == DeliveryState.CLAIMED,
            DeliveryRow.fence == delivery.fence,
        )
        .values(state=DeliveryState.HANDED, lease_until=now + lease, updated_at=now)
        .returning(DeliveryRow.id)
    )
    return handed.first() is not None


async def settle(
    session: AsyncSession,
    delivery: Delivery,
    state: DeliveryState,
    *,
    now: datetime,
    reply: str = "",
    reason: str = "",
    due_at: datetime | None = None,
) -> bool:
    """True once the outcome is stored; False when a newer claim owns the row."""
    held = (DeliveryState.CLAIMED, DeliveryState.HANDED)
    values = {"state": state, "reply": reply, "reason": reason, "lease_until": None, "updated_at": now}
    settled = await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery.id, DeliveryRow.fence == delivery.fence, DeliveryRow.state.in_(held)
        )
        .values(values | ({"due_at": due_at} if due_at else {}))
        .returning(DeliveryRow.id)
    )
    return settled.first() is not None


async def recover(session: AsyncSession, *, now: datetime, settle_as: DeliveryState) -> tuple[int, int]:
    """(put back, uncertain) after a crash, for leases that ran out.

    A claim without intent is provably unsent and is queued again. One with an intent may have been sent; it
    becomes `settle_as`, which is the operator's policy: queued (resend), uncertain (hold) or sent.
    """
    expired = DeliveryRow.lease_until < now
    back = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.CLAIMED, expired)
        .values(state=DeliveryState.QUEUED, lease_until=None, updated_at=now)
        .returning(DeliveryRow.id)
    )
    words = "a crash fell between the dot and the reply"
    doubt = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.state == DeliveryState.HANDED, expired)
        .values(state=settle_as, lease_until=None, reason=words, updated_at=now)
        .returning(DeliveryRow.id)
    )
    return len(back.all()), len(doubt.all())


async def withdraw(session: AsyncSession, issue_id: int, reason: str, *, now: datetime) -> int:
    """How many waiting deliveries were skipped, for an issue that is cancelled."""
    gone = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state.in_(_WAITING))
        .values(state=DeliveryState.SKIPPED, reason=reason, updated_at=now)
        .returning(DeliveryRow.id)
    )
    return len(gone.all())


async def counts(session: AsyncSession, issue_id: int) -> dict[str, int]:
    """How many deliveries of the issue are in each state; their sum is the audience."""
    query = (
        select(DeliveryRow.state, func.count())
        .where(DeliveryRow.issue_id == issue_id)
        .group_by(DeliveryRow.state)
        .order_by(DeliveryRow.state)
    )
    return dict((await session.execute(query)).all())


async def excluded(session: AsyncSession, issue_id: int) -> dict[str, int]:
    """How many of the audience were skipped, by reason."""
    query = (
        select(DeliveryRow.reason, func.count())
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state == DeliveryState.SKIPPED)
        .group_by(DeliveryRow.reason)
        .order_by(DeliveryRow.reason)
    )
    return dict((await session.execute(query)).all())


async def open_count(session: AsyncSession, issue_id: int) -> int:
    """How many deliveries are not in a final state."""
    query = select(func.count()).where(
        DeliveryRow.issue_id == issue_id, DeliveryRow.state.not_in(FINAL_DELIVERY_STATES)
    )
    return await session.scalar(query) or 0


async def next_due(session: AsyncSession, issue_id: int) -> datetime | None:
    """When the next waiting delivery is due, if one waits."""
    query = select(DeliveryRow.due_at).where(
        DeliveryRow.issue_id == issue_id, DeliveryRow.state.in_(_WAITING)
    )
    return await session.scalar(query.order_by(DeliveryRow.due_at).limit(1))


async def of_reader(session: AsyncSession, subscriber_id: int) -> tuple[Delivery, ...]:
    """Every delivery to one reader, newest first."""
    query = select(DeliveryRow).where(DeliveryRow.subscriber_id == subscriber_id)
    return tuple(_delivery(row) for row in await session.scalars(query.order_by(DeliveryRow.id.desc())))


async def of_issue(
    session: AsyncSession, issue_id: int, *, states: Sequence[DeliveryState] = (), limit: int = 1000
) -> tuple[Delivery, ...]:
    """Deliveries of one issue by id; no `states` means all."""
    query = select(DeliveryRow).where(DeliveryRow.issue_id == issue_id).order_by(DeliveryRow.id)
    if states:
        query = query.where(DeliveryRow.state.in_(states))
    return tuple(_delivery(row) for row in await session.scalars(query.limit(limit)))
