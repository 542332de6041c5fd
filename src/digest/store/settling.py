"""Outcomes in the ledger: what became of deliveries that were claimed, one or many at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Text,
    Update,
    bindparam,
    func,
    or_,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DELIVERY_MOVES, SETTLING, Delivery, DeliveryEvent, DeliveryState
from digest.store.moments import UTCDateTime, sqlite_moment
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
    statement = _SETTLE[SETTLING[state]].returning(TABLE.c.id)
    return (await session.execute(statement, _settling(one, now))).first() is not None


def settle_all(connection: Connection, settlements: Sequence[Settlement], *, now: datetime) -> None:
    """Store outcomes, in one round trip for each kind; a row that a newer claim owns stays as it is."""
    for state in dict.fromkeys(one.state for one in settlements):
        kind, some = SETTLING[state], [one for one in settlements if one.state == state]
        if connection.dialect.name == "sqlite":
            # Row by row this thread would wait for its turn as often as there are rows.
            rows = json.dumps([_given(one) for one in some])
            connection.execute(_SETTLE_GIVEN[kind], {"its_rows": rows, "its_now": now})
        else:
            connection.execute(_SETTLE[kind], [_settling(one, now) for one in some])


def may(event: DeliveryEvent) -> ColumnElement[bool]:
    """The states in which the event may happen. Not a list: that cannot be run for many rows at once."""
    return or_(*(TABLE.c.state == state for state in sorted(DELIVERY_MOVES[event].from_states)))


def _settle_statement(event: DeliveryEvent) -> Update:
    return (
        update(TABLE)
        .where(TABLE.c.id == bindparam("its_id"), TABLE.c.fence == bindparam("its_fence"), may(event))
        .values(
            state=DELIVERY_MOVES[event].to,
            reply=bindparam("its_reply"),
            reason=bindparam("its_reason"),
            due_at=func.coalesce(bindparam("its_due_at", type_=UTCDateTime), TABLE.c.due_at),
            lease_until=None,
            updated_at=bindparam("its_now"),
        )
    )


def _settle_given_statement(event: DeliveryEvent) -> Update:
    """The same for rows that are given together, as JSON."""
    rows = func.json_each(bindparam("its_rows", type_=Text)).table_valued("value")

    def field(number: int) -> ColumnElement[str]:
        return func.json_extract(rows.c.value, f"$[{number}]", type_=String)

    return (
        update(TABLE)
        .where(TABLE.c.id == field(0), TABLE.c.fence == field(1), may(event))
        .values(
            state=DELIVERY_MOVES[event].to,
            reply=field(2),
            reason=field(3),
            due_at=func.coalesce(type_coerce(field(4), UTCDateTime), TABLE.c.due_at),
            lease_until=None,
            updated_at=bindparam("its_now", type_=UTCDateTime),
        )
    )


_SETTLE = {event: _settle_statement(event) for event in SETTLING.values()}
_SETTLE_GIVEN = {event: _settle_given_statement(event) for event in SETTLING.values()}


def _settling(one: Settlement, now: datetime) -> dict[str, object]:
    """The values that `_SETTLE` takes."""
    return {
        "its_id": one.delivery.id,
        "its_fence": one.delivery.fence,
        "its_reply": one.reply,
        "its_reason": one.reason,
        "its_due_at": one.due_at,
        "its_now": now,
    }


def _given(one: Settlement) -> tuple[int, int, str, str, str | None]:
    """The values of a row that `_SETTLE_GIVEN` takes."""
    due = sqlite_moment(one.due_at) if one.due_at else None
    return one.delivery.id, one.delivery.fence, one.reply, one.reason, due
