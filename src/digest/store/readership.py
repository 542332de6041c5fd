"""All readers of a newsletter: by the page, by the number, by what they chose."""

import json
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Cadence, Choice, Subscriber, Subscription, SubscriptionState
from digest.store.given import bound_ids
from digest.store.packed import Query
from digest.store.reader_tables import SubscriberRow, SubscriptionRow, SuppressionRow

_PAGE = 1000
#: Looked up, because making an enum's member from its value takes as long as the rest of a row.
_STATES = {state.value: state for state in SubscriptionState}
_CADENCES = {cadence.value: cadence for cadence in Cadence}
_READER = (
    SubscriberRow.id,
    SubscriberRow.email,
    SubscriberRow.name,
    SubscriberRow.language,
    SubscriberRow.zone,
    SubscriberRow.created_at,
)
_SUBSCRIPTION = (
    SubscriptionRow.state,
    SubscriptionRow.choice,
    SubscriptionRow.cadence,
    SubscriptionRow.paused_until,
    SubscriptionRow.hour,
    SubscriptionRow.requested_at,
    SubscriptionRow.confirmed_at,
    SubscriptionRow.left_at,
)


async def of_ids(session: AsyncSession, newsletter: str, ids: Sequence[int]) -> dict[int, Subscription]:
    """What `those_of_ids` gives, in the session's transaction."""
    connection = await session.connection()
    return await connection.run_sync(those_of_ids, newsletter, ids)


def those_of_ids(connection: Connection, newsletter: str, ids: Sequence[int]) -> dict[int, Subscription]:
    """Subscriptions by subscriber id, for those of `ids` that are still there."""
    rows = _THOSE.rows(connection, its_newsletter=newsletter, its_ids=json.dumps(ids))
    return {row[0]: _of_columns(newsletter, row) for row in rows}


def _those(name: str) -> Select[*tuple[Any, ...]]:
    wanted = select(bound_ids("its_ids", name))
    return _columns(bindparam("its_newsletter")).where(SubscriptionRow.subscriber_id.in_(wanted))


def _columns(newsletter: str | BindParameter[str]) -> Select[*tuple[Any, ...]]:
    """Columns, not rows of the mapper: this is asked for every reader of an issue."""
    return (
        select(*_READER, *_SUBSCRIPTION, func.coalesce(SuppressionRow.reason, ""))
        .select_from(SubscriptionRow)
        .join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        .outerjoin(SuppressionRow, SuppressionRow.email_hash == SubscriberRow.email_hash)
        .where(SubscriptionRow.newsletter == newsletter)
    )


_THOSE = Query(_those)


def _of_columns(newsletter: str, row: Sequence[Any]) -> Subscription:
    key, email, name, language, zone, created_at, *own = row
    state, choice, cadence, paused_until, hour, asked, confirmed, left, why = own
    chosen = choice_stored(choice)
    return Subscription(
        subscriber=Subscriber(
            id=key, email=email, name=name, language=language, zone=zone, created_at=created_at
        ),
        newsletter=newsletter,
        state=_STATES[state],
        sections=chosen.sections,
        topics=chosen.topics,
        cadence=_CADENCES[cadence],
        paused_until=paused_until,
        hour=hour,
        requested_at=asked,
        confirmed_at=confirmed,
        left_at=left,
        suppressed=why,
    )


@lru_cache(maxsize=1000)
def choice_stored(key: str) -> Choice:
    """The sections and topics of that key; many readers share one."""
    return Choice.parse(key)


def barred_ids() -> Select[int]:
    """A query of the people who are barred. They are few, so that nobody else's address has to be read."""
    same = SuppressionRow.email_hash == SubscriberRow.email_hash
    return select(SubscriberRow.id).join(SuppressionRow, same)


async def pages(
    session: AsyncSession,
    newsletter: str,
    *,
    state: SubscriptionState | None = None,
    barred: bool | None = None,
) -> AsyncIterator[tuple[Subscription, ...]]:
    """Subscriptions by subscriber id, a thousand at a time, so that memory stays flat.

    Only those in `state`, only those who are `barred` or are not; None for all.
    """
    some = _columns(newsletter).order_by(SubscriptionRow.subscriber_id).limit(_PAGE)
    if state is not None:
        some = some.where(SubscriptionRow.state == state)
    if barred is not None:
        is_barred = SubscriptionRow.subscriber_id.in_(barred_ids())
        some = some.where(is_barred if barred else ~is_barred)
    last = 0
    while rows := (await session.execute(some.where(SubscriptionRow.subscriber_id > last))).all():
        last = rows[-1][0]
        yield tuple(_of_columns(newsletter, row) for row in rows)


async def counts(session: AsyncSession, newsletter: str) -> dict[str, int]:
    """How many subscriptions are in each state; "suppressed" counts on its own."""
    every = (
        select(SubscriptionRow.state, func.count())
        .where(SubscriptionRow.newsletter == newsletter)
        .group_by(SubscriptionRow.state)
        .order_by(SubscriptionRow.state)
    )
    # The barred are counted by themselves and taken off: to ask it of each reader takes twice as long.
    barred = every.where(SubscriptionRow.subscriber_id.in_(barred_ids()))
    out = dict((await session.execute(barred)).all())
    found = {
        str(name): count - out.get(name, 0)
        for name, count in await session.execute(every)
        if count > out.get(name, 0)
    }
    return found | ({"suppressed": sum(out.values())} if out else {})


async def choices(session: AsyncSession, newsletter: str) -> tuple[str, ...]:
    """Every different choice of sections and topics that readers made, "" (all) always among them."""
    query = select(SubscriptionRow.choice).distinct().where(SubscriptionRow.newsletter == newsletter)
    return tuple(sorted({"", *await session.scalars(query)}))
