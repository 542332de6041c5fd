"""The ledger: one row for each reader of an issue, written before and after everything that happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import FINAL_DELIVERY_STATES, Delivery, DeliveryState
from digest.store.audience import fan_out
from digest.store.tables import DeliveryRow, UTCDateTime

__all__ = [
    "Settlement",
    "claim",
    "counts",
    "excluded",
    "fan_out",
    "give_back",
    "hand",
    "hand_all",
    "next_due",
    "of_issue",
    "of_reader",
    "open_count",
    "postpone",
    "record",
    "recover",
    "settle",
    "settle_all",
    "withdraw",
]

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
#: The table itself: rows by the hundred are not worth objects of the mapper.
_TABLE: Table = DeliveryRow.__table__  # type: ignore[assignment]  # the mapper allows for more than tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery; `due_at` is when a deferred one is tried again."""

    delivery: Delivery
    state: DeliveryState
    reply: str = ""
    reason: str = ""
    due_at: datetime | None = None


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(state=DeliveryState(row.state), **{name: getattr(row, name) for name in _PLAIN})


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
    claimed = await session.execute(
        update(_TABLE)
        .where(_TABLE.c.id.in_(due.scalar_subquery()))
        .values(
            state=DeliveryState.CLAIMED,
            fence=_TABLE.c.fence + 1,
            attempts=_TABLE.c.attempts + 1,
            lease_until=now + lease,
            first_tried_at=func.coalesce(_TABLE.c.first_tried_at, literal(now, UTCDateTime)),
            updated_at=now,
        )
        .returning(*(_TABLE.c[name] for name in _PLAIN))
    )
    found = (Delivery(state=DeliveryState.CLAIMED, **row) for row in claimed.mappings())
    return tuple(sorted(found, key=lambda one: one.id))


async def give_back(session: AsyncSession, claimed: Sequence[Delivery], *, now: datetime) -> None:
    """Queue again what was claimed and not handed over; the try does not count."""
    for fence in {one.fence for one in claimed}:
        await session.execute(
            update(_TABLE)
            .where(
                _TABLE.c.id.in_([one.id for one in claimed if one.fence == fence]),
                _TABLE.c.fence == fence,
                _TABLE.c.state == DeliveryState.CLAIMED,
            )
            .values(
                state=DeliveryState.QUEUED,
                attempts=_TABLE.c.attempts - 1,
                lease_until=None,
                updated_at=now,
            )
        )


async def postpone(
    session: AsyncSession, claimed: Sequence[tuple[Delivery, datetime]], *, now: datetime
) -> None:
    """Queue again, each for its own later time, what may not leave yet; the try does not count."""
    values = [
        {"its_id": one.id, "its_fence": one.fence, "its_due_at": due, "its_now": now} for one, due in claimed
    ]
    connection = await session.connection()
    await connection.execute(_POSTPONE, values)


async def hand(session: AsyncSession, delivery: Delivery, *, lease: timedelta, now: datetime) -> bool:
    """True once the intent to send is stored, for `lease`; False when the claim is no longer ours."""
    connection = await session.connection()
    return delivery.id in await connection.run_sync(hand_all, [delivery], lease=lease, now=now)


def hand_all(
    connection: Connection, claimed: Sequence[Delivery], *, lease: timedelta, now: datetime
) -> frozenset[int]:
    """The ids of those whose intent is stored now, for `lease`; the claims on the others are not ours."""
    stored: set[int] = set()
    # One update for each fencing number, and nearly all share one.
    for fence in {one.fence for one in claimed}:
        ids = [one.id for one in claimed if one.fence == fence]
        handed = connection.execute(
            _HAND, {"its_ids": ids, "its_fence": fence, "its_lease": now + lease, "its_now": now}
        )
        stored.update(handed.scalars())
    return frozenset(stored)


def record(
    connection: Connection,
    *,
    intents: Sequence[Delivery],
    outcomes: Sequence[Settlement],
    lease: timedelta,
    now: datetime,
) -> frozenset[int]:
    """`settle_all`, then `hand_all`: what many connections to a mail server learnt and want, at once."""
    settle_all(connection, outcomes, now=now)
    return hand_all(connection, intents, lease=lease, now=now)


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
    one = Settlement(delivery=delivery, state=state, reply=reply, reason=reason, due_at=due_at)
    settled = await session.execute(_SETTLE.returning(_TABLE.c.id), _settling(one, now))
    return settled.first() is not None


def settle_all(connection: Connection, settlements: Sequence[Settlement], *, now: datetime) -> None:
    """Store outcomes; a row that a newer claim owns stays as it is. In one round trip."""
    if settlements:
        connection.execute(_SETTLE, [_settling(one, now) for one in settlements])


_POSTPONE = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("its_id"),
        _TABLE.c.fence == bindparam("its_fence"),
        _TABLE.c.state == DeliveryState.CLAIMED,
    )
    .values(
        state=DeliveryState.QUEUED,
        attempts=_TABLE.c.attempts - 1,
        # Waiting for one's turn is no try: the time in which it is tried has not begun.
        first_tried_at=case((_TABLE.c.attempts > 1, _TABLE.c.first_tried_at), else_=null()),
        due_at=bindparam("its_due_at", type_=UTCDateTime),
        lease_until=None,
        updated_at=bindparam("its_now", type_=UTCDateTime),
    )
)
_HAND = (
    update(_TABLE)
    .where(
        _TABLE.c.id.in_(bindparam("its_ids", expanding=True)),
        _TABLE.c.fence == bindparam("its_fence"),
        _TABLE.c.state == DeliveryState.CLAIMED,
    )
    .values(state=DeliveryState.HANDED, lease_until=bindparam("its_lease"), updated_at=bindparam("its_now"))
    .returning(_TABLE.c.id)
)
_SETTLE = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("its_id"),
        _TABLE.c.fence == bindparam("its_fence"),
        # A list of values cannot stand in a statement that is run for many rows.
        or_(_TABLE.c.state == DeliveryState.CLAIMED, _TABLE.c.state == DeliveryState.HANDED),
    )
    .values(
        state=bindparam("its_state"),
        reply=bindparam("its_reply"),
        reason=bindparam("its_reason"),
        due_at=func.coalesce(bindparam("its_due_at", type_=UTCDateTime), _TABLE.c.due_at),
        lease_until=None,
        updated_at=bindparam("its_now"),
    )
)


def _settling(one: Settlement, now: datetime) -> dict[str, object]:
    """The values that `_SETTLE` takes."""
    return {
        "its_id": one.delivery.id,
        "its_fence": one.delivery.fence,
        "its_state": one.state,
        "its_reply": one.reply,
        "its_reason": one.reason,
        "its_due_at": one.due_at,
        "its_now": now,
    }


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
