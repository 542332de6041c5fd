"""The ledger: one row for each reader of an issue, written before and after everything that happens."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import (
    Connection,
    ScalarSelect,
    Update,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DELIVERY_MOVES, Delivery, DeliveryEvent, DeliveryState, IssueState
from digest.store.audience import fan_out
from digest.store.given import given_ids, ids_given
from digest.store.moments import UTCDateTime
from digest.store.packed import Rows, fetch
from digest.store.prepared import Prepared
from digest.store.recovery import (
    SENDER,
    UNANSWERED,
    in_doubt,
    prove,
    recover,
    retry,
    retryable,
    revoke,
    withdraw,
)
from digest.store.settling import Settlement, may, settle, settle_all
from digest.store.tables import DeliveryRow, IssueRow
from digest.store.tally import (
    PLAIN,
    TABLE,
    counts,
    excluded,
    held,
    next_due,
    of_issue,
    of_reader,
    open_count,
    page,
    replies,
    waiting_page,
)

__all__ = [
    "SENDER",
    "UNANSWERED",
    "Settlement",
    "claim",
    "claim_all",
    "claim_while_sending",
    "counts",
    "excluded",
    "fan_out",
    "give_back",
    "hand",
    "hand_all",
    "held",
    "in_doubt",
    "next_due",
    "of_issue",
    "of_reader",
    "open_count",
    "page",
    "postpone",
    "prove",
    "record",
    "recover",
    "replies",
    "retry",
    "retryable",
    "revoke",
    "settle",
    "settle_all",
    "waiting_page",
    "withdraw",
]


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
    connection: Connection, issue_id: int, *, limit: int, lease: timedelta, now: datetime, holder: str
) -> tuple[Delivery, ...]:
    """The same; none once the issue is stopped."""
    state = connection.scalar(select(IssueRow.state).where(IssueRow.id == issue_id))
    if state != IssueState.SENDING:
        return ()
    return claim_all(connection, issue_id, limit=limit, lease=lease, now=now, holder=holder)


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


async def give_back(session: AsyncSession, claimed: Sequence[Delivery], *, now: datetime) -> None:
    """Queue again what was claimed and not handed over; the try does not count."""
    for fence in {one.fence for one in claimed}:
        await session.execute(
            update(TABLE)
            .where(
                TABLE.c.id.in_([one.id for one in claimed if one.fence == fence]),
                TABLE.c.fence == fence,
                may(DeliveryEvent.RETURN),
            )
            .values(
                state=DELIVERY_MOVES[DeliveryEvent.RETURN].to,
                attempts=TABLE.c.attempts - 1,
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
        handed = _HAND.run(
            connection, its_ids=json.dumps(ids), its_fence=fence, its_lease=now + lease, its_now=now
        )
        # To be told each id costs a turn of this thread, and nearly always all of them are ours.
        stored.update(
            ids
            if handed.rowcount == len(ids)
            else connection.scalars(_HANDED, {"its_ids": ids, "its_fence": fence})
        )
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


_POSTPONE = (
    update(TABLE)
    .where(
        TABLE.c.id == bindparam("its_id"),
        TABLE.c.fence == bindparam("its_fence"),
        may(DeliveryEvent.RETURN),
    )
    .values(
        state=DELIVERY_MOVES[DeliveryEvent.RETURN].to,
        attempts=TABLE.c.attempts - 1,
        # Waiting for one's turn is no try: the time in which it is tried has not begun.
        first_tried_at=case((TABLE.c.attempts > 1, TABLE.c.first_tried_at), else_=null()),
        due_at=bindparam("its_due_at", type_=UTCDateTime),
        lease_until=None,
        updated_at=bindparam("its_now", type_=UTCDateTime),
    )
)


def _hand(name: str) -> Update:
    return (
        update(TABLE)
        .where(
            TABLE.c.id.in_(select(ids_given("its_ids", name))),
            TABLE.c.fence == bindparam("its_fence"),
            may(DeliveryEvent.HAND),
        )
        .values(
            state=DELIVERY_MOVES[DeliveryEvent.HAND].to,
            lease_until=bindparam("its_lease", type_=UTCDateTime),
            updated_at=bindparam("its_now", type_=UTCDateTime),
        )
    )


_HAND = Prepared(_hand)
_HANDED = select(TABLE.c.id).where(
    TABLE.c.id.in_(bindparam("its_ids", expanding=True)),
    TABLE.c.fence == bindparam("its_fence"),
    TABLE.c.state == DELIVERY_MOVES[DeliveryEvent.HAND].to,
)
