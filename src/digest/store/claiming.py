"""Claims: deliveries that are due, held by one sender under a fencing number, and who they are for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    ScalarSelect,
    Select,
    Update,
    bindparam,
    func,
    literal,
    select,
    union_all,
    update,
)
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
from digest.store.given import bound_ids
from digest.store.moments import UTCDateTime
from digest.store.packed import Query, Rows
from digest.store.prepared import Prepared
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

    `holder` is the caller's name among the senders; when that one is gone, its claims are free.
    """
    rows = _take(connection, issue_id, limit=limit, lease=lease, now=now, holder=holder)
    return tuple(_deliveries(rows))


def claim_while_sending(
    connection: Connection, issue: Issue, *, limit: int, lease: timedelta, now: datetime, holder: str
) -> Rows:
    """The same, as `with_readers` takes them; none once the issue is stopped."""
    if _STATE.run(connection, its_issue=issue.id).fetchall() != [(IssueState.SENDING,)]:
        return ()
    return _take(connection, issue.id, limit=limit, lease=lease, now=now, holder=holder)


def with_readers(connection: Connection, issue: Issue, claimed: Rows) -> list[Claimed]:
    """Claimed deliveries with their readers as they are now."""
    found = _deliveries(claimed)
    readers = those_of_ids(connection, issue.newsletter, [one.subscriber_id for one in found])
    return [(one, readers.get(one.subscriber_id)) for one in found]


def _take(
    connection: Connection, issue_id: int, *, limit: int, lease: timedelta, now: datetime, holder: str
) -> Rows:
    """The rows that are claimed now: of the columns in `PLAIN`, in no order.

    One conditional update; on PostgreSQL many workers skip each other's rows. SQLite, where whoever writes is
    alone, is asked for the rows before: as texts (see `packed`), which are read when others may write again.
    """
    due = {"its_issue": issue_id, "its_limit": limit, "its_now": now}
    held = {"its_lease": now + lease, "its_holder": holder, "its_now": now}
    if connection.dialect.name != "sqlite":
        return _CLAIM.run(connection, **due | held).fetchall()
    rows = _DUE.packed(connection, **due)
    _CLAIM.run(connection, its_ids=rows.columns[0], **held)
    return rows


def _deliveries(rows: Rows) -> list[Delivery]:
    """By id."""
    return sorted([_delivery(row) for row in rows], key=attrgetter("id"))


def _delivery(row: Sequence[Any]) -> Delivery:
    # Name by name: with a dictionary it takes half as long again.
    key, issue_id, reader, choice, reason, reply, attempts, fence, due_at, first_tried_at, updated_at = row
    return Delivery(
        id=key,
        issue_id=issue_id,
        subscriber_id=reader,
        choice=choice,
        state=DeliveryState.CLAIMED,
        reason=reason,
        reply=reply,
        attempts=attempts,
        fence=fence,
        due_at=due_at,
        first_tried_at=first_tried_at,
        updated_at=updated_at,
    )


def _values() -> dict[str, Any]:
    """What a claim changes."""
    now = bindparam("its_now", type_=UTCDateTime)
    return {
        "state": literal(DELIVERY_MOVES[DeliveryEvent.CLAIM].to.value),
        "fence": TABLE.c.fence + 1,
        "attempts": TABLE.c.attempts + 1,
        "lease_until": bindparam("its_lease", type_=UTCDateTime),
        "holder": bindparam("its_holder"),
        "first_tried_at": func.coalesce(TABLE.c.first_tried_at, now),
        "updated_at": now,
    }


def _due(_name: str) -> Select[*tuple[Any, ...]]:
    """What is due, as it will be when it is claimed."""
    values = _values()
    columns = (values.get(name, TABLE.c[name]).label(name) for name in PLAIN)
    return select(*columns).where(TABLE.c.id.in_(_claimable()))


def _claim(name: str) -> Update:
    claiming = update(TABLE).values(_values())
    if name == "sqlite":
        return claiming.where(TABLE.c.id.in_(select(bound_ids("its_ids", name))))
    return claiming.where(TABLE.c.id.in_(_claimable())).returning(*(TABLE.c[name] for name in PLAIN))


def _claimable() -> ScalarSelect[int]:
    """The ids of what is due, the longest due first.

    A query for each state, and no order among those due at one time: so the index gives each in its order,
    where PostgreSQL would sort all that waits for each claim.
    """
    states = sorted(DELIVERY_MOVES[DeliveryEvent.CLAIM].from_states)
    limit = bindparam("its_limit", type_=Integer)
    heads = (
        select(DeliveryRow.id, DeliveryRow.due_at)
        .where(
            DeliveryRow.issue_id == bindparam("its_issue"),
            DeliveryRow.state == state,
            DeliveryRow.due_at <= bindparam("its_now", type_=UTCDateTime),
        )
        .order_by(DeliveryRow.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
        for state in states
    )
    due = union_all(*(select(head.c.id, head.c.due_at) for head in heads)).subquery()
    return select(due.c.id).order_by(due.c.due_at).limit(limit).scalar_subquery()


def _state(_name: str) -> Select[str]:
    return select(IssueRow.state).where(IssueRow.id == bindparam("its_issue"))


_STATE = Prepared(_state)
_DUE = Query(_due)
_CLAIM = Prepared(_claim)
