"""The ledger: one row for each reader of an issue, written before and after everything that happens."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    Update,
    bindparam,
    case,
    null,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DELIVERY_MOVES, Delivery, DeliveryEvent
from digest.store.audience import fan_out
from digest.store.claiming import Claimed, claim, claim_all, claim_while_sending, with_readers
from digest.store.given import bound_ids
from digest.store.moments import UTCDateTime
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
from digest.store.tally import (
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
    "Claimed",
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
    "with_readers",
    "withdraw",
]


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
            TABLE.c.id.in_(select(bound_ids("its_ids", name))),
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
