"""Mails that are no issue: stored in the transaction that caused them, so that none is lost or doubled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DeliveryState, Notice
from digest.store.rows import insert_ignoring, insert_new
from digest.store.tables import NoticeRow

_PLAIN: tuple[str, ...] = (
    "id",
    "key",
    "name",
    "newsletter",
    "recipient",
    "subscriber_id",
    "issue_id",
    "attempts",
    "reply",
)
_PLAIN += ("created_at", "due_at")


def _notice(row: NoticeRow) -> Notice:
    return Notice(state=DeliveryState(row.state), **{name: getattr(row, name) for name in _PLAIN})


async def add(session: AsyncSession, notice: Notice) -> bool:
    """True when it was queued; False when a notice of that key was there already."""
    return await insert_ignoring(session, NoticeRow, [_row(notice)], unique=("key",)) == 1


async def add_all(session: AsyncSession, added: Sequence[Notice]) -> None:
    """Queue them; those whose key was there already are left as they are."""
    if added:
        await session.execute(insert_new(session, NoticeRow.__table__), [_row(one) for one in added])


def _row(notice: Notice) -> dict[str, Any]:
    values = {name: getattr(notice, name) for name in _PLAIN if name != "id"}
    return values | {"state": DeliveryState.QUEUED, "lease_until": None}


async def claim(session: AsyncSession, *, limit: int, lease: timedelta, now: datetime) -> tuple[Notice, ...]:
    """Up to `limit` due notices, held for `lease`. A claim that ran out is taken up again: a notice that
    arrives twice does no harm, one that never arrives loses a reader."""
    claimed = await session.scalars(
        update(NoticeRow)
        .where(NoticeRow.id.in_(_claimable(limit, now)))
        .values(state=DeliveryState.CLAIMED, attempts=NoticeRow.attempts + 1, lease_until=now + lease)
        .returning(NoticeRow),
        execution_options={"populate_existing": True},
    )
    return tuple(sorted((_notice(row) for row in claimed), key=lambda one: one.id))


def _claimable(limit: int, now: datetime) -> Select[int]:
    """The ids of what is due, the longest due first.

    A query for each state, so that the index gives each in its order: after an import a million may wait.
    """
    states = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    lost = (NoticeRow.state == DeliveryState.CLAIMED) & (NoticeRow.lease_until < now)
    heads = (
        select(NoticeRow.id, NoticeRow.due_at)
        .where(what)
        .order_by(NoticeRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
        for what in (*((NoticeRow.state == state) & (NoticeRow.due_at <= now) for state in states), lost)
    )
    due = union_all(*(select(head.c.id, head.c.due_at) for head in heads)).subquery()
    return select(due.c.id).order_by(due.c.due_at, due.c.id).limit(limit)


async def settle(
    session: AsyncSession, notice: Notice, state: DeliveryState, *, reply: str, due_at: datetime | None
) -> None:
    """Store what came of it."""
    values = {"state": state, "reply": reply, "lease_until": None} | ({"due_at": due_at} if due_at else {})
    await session.execute(update(NoticeRow).where(NoticeRow.id == notice.id).values(values))


async def sent_to(
    session: AsyncSession, subscriber_id: int, newsletter: str, name: str, *, since: datetime | None = None
) -> tuple[int, datetime | None]:
    """(how many, the last time) of notices of that name queued for that reader, after `since`."""
    query = select(func.count(), func.max(NoticeRow.created_at)).where(
        NoticeRow.subscriber_id == subscriber_id,
        NoticeRow.newsletter == newsletter,
        NoticeRow.name == name,
    )
    if since is not None:
        query = query.where(NoticeRow.created_at > since)
    count, last = (await session.execute(query)).one()
    return count, last


async def of_reader(session: AsyncSession, subscriber_id: int, newsletter: str) -> tuple[Notice, ...]:
    """What was or is to be sent to that reader about that newsletter, oldest first."""
    mine = (NoticeRow.subscriber_id == subscriber_id) & (NoticeRow.newsletter == newsletter)
    return tuple(
        _notice(row) for row in await session.scalars(select(NoticeRow).where(mine).order_by(NoticeRow.id))
    )


async def forget(session: AsyncSession, subscriber_id: int, newsletter: str) -> None:
    """Delete what was or is to be sent to that reader about that newsletter: each row holds the address."""
    mine = (NoticeRow.subscriber_id == subscriber_id) & (NoticeRow.newsletter == newsletter)
    await session.execute(delete(NoticeRow).where(mine))


async def waiting(session: AsyncSession) -> int:
    """How many are not sent or given up."""
    final = [DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SKIPPED]
    query = select(func.count()).select_from(NoticeRow).where(NoticeRow.state.not_in(final))
    return await session.scalar(query) or 0
