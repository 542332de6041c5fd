"""Many new readers at once: a few statements for thousands of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Integer, Select, Table, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Consent, Subscriber, Subscription, SubscriptionState
from digest.store.rows import insert_new
from digest.store.subscribers import choice_of, wording_hash
from digest.store.tables import ConsentRow, SubscriberRow, SubscriptionRow, SuppressionRow

_PEOPLE: Table = SubscriberRow.__table__  # type: ignore[assignment]  # the mapper allows for more than tables


async def add_people(session: AsyncSession, people: Mapping[str, Subscriber], *, now: datetime) -> None:
    """Store subscribers by the hash of their address; those that are there are left as they are."""
    rows = [
        {"email": one.email, "email_hash": email_hash, "name": one.name}
        | {"language": one.language, "zone": one.zone, "created_at": now}
        for email_hash, one in people.items()
    ]
    if rows:
        await session.execute(insert_new(session, _PEOPLE), rows)


async def subscribe_all(
    session: AsyncSession, hashes: Sequence[str], what: Subscription, consent: Consent
) -> None:
    """Give the people of these hashes the subscription and the evidence that `what` and `consent` show.

    Those who have one in that newsletter keep it, and get another line of evidence.
    """
    wanted = SubscriberRow.email_hash.in_(hashes)
    subscription = select(
        literal(what.newsletter),
        SubscriberRow.id,
        literal(str(what.state)),
        literal(choice_of(what.sections)),
        literal(str(what.cadence)),
        literal(what.hour, Integer),
        *(_time(SubscriptionRow, name, getattr(what, name)) for name in _TIMES),
    ).where(wanted)
    names = ["newsletter", "subscriber_id", "state", "choice", "cadence", "hour", *_TIMES]
    await session.execute(_from(session, SubscriptionRow, names, subscription))
    values = {name: getattr(consent, name) for name in _EVIDENCE}
    values["wording_hash"] = wording_hash(consent.wording)
    evidence = select(
        SubscriberRow.id,
        _time(ConsentRow, "at", consent.at),
        *(literal(value) for value in values.values()),
    ).where(wanted)
    await session.execute(_from(session, ConsentRow, ["subscriber_id", "at", *values], evidence))


async def confirm_all(session: AsyncSession, hashes: Sequence[str], consent: Consent) -> int:
    """How many of these hashes waited for their confirmation in that newsletter and are confirmed now.

    Each gets the evidence that `consent` shows. Twice confirms nobody.
    """
    people = select(SubscriberRow.id).where(SubscriberRow.email_hash.in_(hashes))
    # Only who still waits: somebody may have left since the caller looked.
    done = await session.scalars(
        update(SubscriptionRow)
        .where(
            SubscriptionRow.newsletter == consent.newsletter,
            SubscriptionRow.state == SubscriptionState.PENDING,
            SubscriptionRow.subscriber_id.in_(people),
        )
        .values(state=SubscriptionState.CONFIRMED, confirmed_at=consent.at)
        .returning(SubscriptionRow.subscriber_id)
        .execution_options(synchronize_session=False)
    )
    values = {name: getattr(consent, name) for name in ("at", *_EVIDENCE)}
    values["wording_hash"] = wording_hash(consent.wording)
    rows = [{"subscriber_id": one} | values for one in done]
    if rows:
        await session.execute(insert(ConsentRow), rows)
    return len(rows)


_TIMES = ("requested_at", "confirmed_at", "left_at")
_EVIDENCE = ("newsletter", "action", "ip", "user_agent", "form", "wording")


def _time(table: Any, name: str, value: datetime | None) -> Any:
    return literal(value, table.__table__.c[name].type).label(name)


def _from(session: AsyncSession, table: Any, names: Sequence[str], rows: Select[Any]) -> Insert:
    inserting: Insert = insert_new(session, table.__table__).from_select(list(names), rows)
    return inserting


async def suppress_all(
    session: AsyncSession, reasons: Mapping[str, str], words: str, *, now: datetime
) -> None:
    """Bar addresses, by their hash, for these reasons; the first reason stays."""
    rows = [
        {"email_hash": email_hash, "reason": reason, "words": words, "at": now}
        for email_hash, reason in reasons.items()
    ]
    if rows:
        await session.execute(insert_new(session, SuppressionRow.__table__), rows)


async def states(
    session: AsyncSession, newsletter: str, hashes: Sequence[str]
) -> dict[str, SubscriptionState]:
    """What those of these hashes decided who have a subscription."""
    query = (
        select(SubscriberRow.email_hash, SubscriptionRow.state)
        .join(SubscriptionRow, SubscriptionRow.subscriber_id == SubscriberRow.id)
        .where(SubscriptionRow.newsletter == newsletter, SubscriberRow.email_hash.in_(hashes))
    )
    return {email_hash: SubscriptionState(state) for email_hash, state in await session.execute(query)}


async def ids(session: AsyncSession, hashes: Sequence[str]) -> dict[str, int]:
    """The ids of the people of these hashes."""
    query = select(SubscriberRow.email_hash, SubscriberRow.id).where(SubscriberRow.email_hash.in_(hashes))
    return dict((await session.execute(query)).all())
