"""Claims: deliveries that are due, held by one sender under a fencing number, and who they are for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection, ScalarSelect, func, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import (
    DELIVERY_MOVES,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Issue,
    IssueState,
    Subscription,
)
from digest.store.given import given_ids
from digest.store.moments import UTCDateTime
from digest.store.packed import Rows, fetch
from digest.store.readership import those_of_ids
from digest.store.tables import DeliveryRow, IssueRow
from digest.store.tally import PLAIN, TABLE

#: A delivery and its reader; None is somebody who was erased.
Claimed = tuple[Delivery, Subscription | None]


async def claim(
    session: AsyncSession,
    issue_id: int,
    *,
    limit: int,
    lease: timedelta,
    now: datetime,
    holder: str = "",
) -> tuple[Delivery, ...]:
    """What `claim_all` gives, in the session's transaction."""
    connection = await session.connection()
    return await connection.run_sync(claim_all, issue_id, limit=limit, lease=lease, now=now, holder=holder)


def claim_all(
    connection: Connection,
    issue_id: int,
    *,
    limit: int,
    lease: timedelta,
    now: datetime,
    holder: str = "",
) -> tuple[Delivery, ...]:
    """Up to `limit` due deliveries, now held by the caller for `lease` under a new fencing number.

    `holder` is the caller's name among the senders; when that one is gone, its claims are free. One
    conditional update; on PostgreSQL many workers skip each other's rows. SQLite, where whoever writes is
    alone, is asked for the rows before: as one text (see `packed`).
    """
    values = {
        "state": literal(DELIVERY_MOVES[DeliveryEvent.CLAIM].to.value),
        "fence": TABLE.c.fence + 1,
        "attempts": TABLE.c.attempts + 1,
        "lease_until": literal(now + lease, UTCDateTime),
        "holder": literal(holder),
        "first_tried_at": func.coalesce(TABLE.c.first_tried_at, literal(now, UTCDateTime)),
        "updated_at": literal(now, UTCDateTime),
    }
    due = TABLE.c.id.in_(_claimable(issue_id, limit, now))
    claiming = update(TABLE).values(values)
    rows: Rows
    if connection.dialect.name == "sqlite":
        rows = fetch(
            connection, select(*(values.get(name, TABLE.c[name]).label(name) for name in PLAIN)).where(due)
        )
        ids = given_ids(connection, [row[0] for row in rows])
        connection.execute(claiming.where(TABLE.c.id.in_(select(ids))))
    else:
        rows = connection.execute(claiming.where(due).returning(*(TABLE.c[name] for name in PLAIN))).all()
    found = [Delivery(state=DeliveryState.CLAIMED, **dict(zip(PLAIN, row, strict=True))) for row in rows]
    return tuple(sorted(found, key=attrgetter("id")))


def claim_while_sending(
    connection: Connection, issue: Issue, *, limit: int, lease: timedelta, now: datetime, holder: str
) -> tuple[Delivery, ...]:
    """The same; none once the issue is stopped."""
    state = connection.scalar(select(IssueRow.state).where(IssueRow.id == issue.id))
    if state != IssueState.SENDING:
        return ()
    return claim_all(connection, issue.id, limit=limit, lease=lease, now=now, holder=holder)


def with_readers(connection: Connection, issue: Issue, claimed: Sequence[Delivery]) -> list[Claimed]:
    """Claimed deliveries with their readers as they are now."""
    readers = those_of_ids(connection, issue.newsletter, [one.subscriber_id for one in claimed])
    return [(one, readers.get(one.subscriber_id)) for one in claimed]


def _claimable(issue_id: int, limit: int, now: datetime) -> ScalarSelect[int]:
    """The ids of what is due, the longest due first.

    A query for each state, and no order among those due at one time: so the index gives each in its order,
    where PostgreSQL would sort all that waits for each claim.
    """
    states = sorted(DELIVERY_MOVES[DeliveryEvent.CLAIM].from_states)
    heads = (
        select(DeliveryRow.id, DeliveryRow.due_at)
        .where(DeliveryRow.issue_id == issue_id, DeliveryRow.state == state, DeliveryRow.due_at <= now)
        .order_by(DeliveryRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
        for state in states
    )
    due = union_all(*(select(head.c.id, head.c.due_at) for head in heads)).subquery()
    return select(due.c.id).order_by(due.c.due_at).limit(limit).scalar_subquery()
