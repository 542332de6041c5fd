"""Outcomes in the ledger: what became of deliveries that were claimed, one or many at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Update,
    bindparam,
    cast,
    func,
    or_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DELIVERY_MOVES, SETTLING, Delivery, DeliveryEvent, DeliveryState
from digest.store.given import bound_rows
from digest.store.moments import UTCDateTime, sqlite_moment
from digest.store.prepared import Prepared
from digest.store.tally import TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery; `due_at` is when a deferred one is tried again."""

    delivery: Delivery
    state: DeliveryState
    reply: str = ""
    reason: str = ""
    due_at: datetime | None = None


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
    """True once the outcome is stored; False when it is refused: a newer claim owns the row."""
    one = Settlement(delivery=delivery, state=state, reply=reply, reason=reason, due_at=due_at)
    connection = await session.connection()
    return await connection.run_sync(settle_all, [one], now=now) == 1


def settle_all(connection: Connection, settlements: Sequence[Settlement], *, now: datetime) -> int:
    """How many outcomes are stored, in one statement for each kind; a row that a newer claim owns stays.

    All rows of a kind go over as one text: row by row this thread would wait for its turn, or for the
    server, as often as there are rows.
    """
    count, name = 0, connection.dialect.name
    for state in dict.fromkeys(one.state for one in settlements):
        rows = json.dumps([_given(one, name) for one in settlements if one.state is state])
        count += _SETTLE[SETTLING[state]].run(connection, its_rows=rows, its_now=now).rowcount
    return count


def may(event: DeliveryEvent) -> ColumnElement[bool]:
    """The states in which the event may happen. Not a list: that cannot be run for many rows at once."""
    return or_(*(TABLE.c.state == state for state in sorted(DELIVERY_MOVES[event].from_states)))


def _given(one: Settlement, name: str) -> tuple[int, int, str, str, str | None]:
    """The values of a row that `_SETTLE` takes, for a database of that name."""
    due = None
    if one.due_at is not None:
        due = sqlite_moment(one.due_at) if name == "sqlite" else one.due_at.isoformat()
    return one.delivery.id, one.delivery.fence, one.reply, one.reason, due


def _settle(event: DeliveryEvent, name: str) -> Update:
    key, fence, reply, reason, due = bound_rows("its_rows", name, 5)
    due_at = type_coerce(due, UTCDateTime) if name == "sqlite" else cast(due, DateTime(timezone=True))
    return (
        update(TABLE)
        .where(TABLE.c.id == cast(key, BigInteger), TABLE.c.fence == cast(fence, BigInteger), may(event))
        .values(
            state=DELIVERY_MOVES[event].to,
            reply=reply,
            reason=reason,
            due_at=func.coalesce(due_at, TABLE.c.due_at),
            lease_until=None,
            updated_at=bindparam("its_now", type_=UTCDateTime),
        )
    )


_SETTLE = {event: Prepared(partial(_settle, event)) for event in SETTLING.values()}
