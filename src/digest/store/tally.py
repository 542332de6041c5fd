"""Looking at the ledger: counts, reasons, and the rows themselves. Nothing here changes anything."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import FINAL_DELIVERY_STATES, Delivery, DeliveryState
from digest.store.reader_tables import SubscriberRow
from digest.store.tables import DeliveryRow

PLAIN: tuple[str, ...] = (
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
PLAIN += ("first_tried_at", "updated_at")
WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: The table itself: rows by the hundred are not worth objects of the mapper.
TABLE: Table = DeliveryRow.__table__  # type: ignore[assignment]  # the mapper allows for more than tables


_COLUMNS = tuple(TABLE.c[name] for name in (*PLAIN, "state"))
#: Looked up, because making an enum's member from its value takes as long as the rest of a row.
_STATES = {state.value: state for state in DeliveryState}


def _delivery(row: DeliveryRow | Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(state=_STATES[row.state], **{name: getattr(row, name) for name in PLAIN})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A delivery with its reader's address; "" when the reader was erased."""

    delivery: Delivery
    email: str = ""


async def page(
    session: AsyncSession, issue_id: int, states: Collection[DeliveryState], *, after: int, limit: int = 1000
) -> tuple[Named, ...]:
    """The next deliveries of the issue in these states, by reader, after the reader `after`."""
    query = (
        select(*_COLUMNS, SubscriberRow.email)
        .select_from(TABLE)
        .outerjoin(SubscriberRow, SubscriberRow.id == DeliveryRow.subscriber_id)
        .where(
            DeliveryRow.issue_id == issue_id,
            DeliveryRow.subscriber_id > after,
            DeliveryRow.state.in_(states),
        )
        .order_by(DeliveryRow.subscriber_id)
        .limit(limit)
    )
    rows = await session.execute(query)
    return tuple(Named(delivery=_delivery(row), email=row.email or "") for row in rows)


async def waiting_page(
    session: AsyncSession, issue_id: int, *, after: int, limit: int = 1000
) -> tuple[Delivery, ...]:
    """The next deliveries that wait, by reader, after the reader `after`."""
    query = (
        select(DeliveryRow)
        .where(
            DeliveryRow.issue_id == issue_id,
            DeliveryRow.subscriber_id > after,
            DeliveryRow.state.in_(WAITING),
        )
        .order_by(DeliveryRow.subscriber_id)
        .limit(limit)
    )
    return tuple(_delivery(row) for row in await session.scalars(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How many deliveries in one state one sender holds, and until when at most."""

    holder: str
    state: DeliveryState
    count: int
    until: datetime | None


async def held(session: AsyncSession, issue_id: int) -> tuple[Holding, ...]:
    """Who holds claimed and handed deliveries of the issue."""
    query = (
        select(DeliveryRow.holder, DeliveryRow.state, func.count(), func.max(DeliveryRow.lease_until))
        .where(
            DeliveryRow.issue_id == issue_id,
            DeliveryRow.state.in_([DeliveryState.CLAIMED, DeliveryState.HANDED]),
        )
        .group_by(DeliveryRow.holder, DeliveryRow.state)
        .order_by(DeliveryRow.holder, DeliveryRow.state)
    )
    return tuple(
        Holding(holder=holder, state=DeliveryState(state), count=count, until=until)
        for holder, state, count, until in await session.execute(query)
    )


async def replies(
    session: AsyncSession, issue_id: int, state: DeliveryState
) -> AsyncIterator[tuple[str, int]]:
    """(what was said last, how many) of the deliveries in that state."""
    said = case((DeliveryRow.reply == "", DeliveryRow.reason), else_=DeliveryRow.reply)
    query = (
        select(said, func.count())
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state == state)
        .group_by(said)
    )
    async for words, count in await session.stream(query):
        yield words, count


async def open_count(session: AsyncSession, issue_id: int) -> int:
    """How many deliveries are not in a final state."""
    query = select(func.count()).where(
        DeliveryRow.issue_id == issue_id, DeliveryRow.state.not_in(FINAL_DELIVERY_STATES)
    )
    return await session.scalar(query) or 0


async def next_due(session: AsyncSession, issue_id: int) -> datetime | None:
    """When the next waiting delivery is due, if one waits."""
    query = select(DeliveryRow.due_at).where(DeliveryRow.issue_id == issue_id, DeliveryRow.state.in_(WAITING))
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
