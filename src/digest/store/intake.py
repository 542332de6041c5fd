"""Many new readers at once: a few statements for thousands of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, and_, exists, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Consent, Subscription, SubscriptionState
from digest.store.given import given_ids, given_rows, given_words
from digest.store.reader_tables import ConsentRow, SubscriberRow, SubscriptionRow, SuppressionRow
from digest.store.rows import insert_new
from digest.store.subscribers import choice_of, wording_hash

_PEOPLE: Table = SubscriberRow.__table__  # type: ignore[assignment]  # the mapper allows for more than tables
_NAMES = ("email_hash", "email", "name", "language", "zone")
_TIMES = ("requested_at", "confirmed_at", "left_at")
_MANY = 5_000
_EVIDENCE = ("newsletter", "action", "ip", "user_agent", "form", "wording")


async def add_people(
    session: AsyncSession, people: Sequence[tuple[str, str, str, str, str]], *, now: datetime
) -> dict[str, int]:
    """The ids of those who were new, by the hash of their address; who is here or barred is left alone.

    `people` are (hash of the address, address, name, language, zone). Few keep their order; many are stored
    in the order of their hashes, so that each page of that index is written once and not for each of them.
    """
    if len(people) >= _MANY:
        people = sorted(people)
    columns = given_rows(session, people, len(_NAMES))
    is_barred = exists().where(SuppressionRow.email_hash == columns[0])
    rows = select(*columns, _time(SubscriberRow, "created_at", now)).where(~is_barred)
    adding = insert_new(session, _PEOPLE).from_select([*_NAMES, "created_at"], rows)
    return dict((await session.execute(adding.returning(_PEOPLE.c.email_hash, _PEOPLE.c.id))).all())


async def known(
    session: AsyncSession, newsletter: str, hashes: Sequence[str]
) -> dict[str, tuple[int, SubscriptionState | None]]:
    """Who of these hashes is here: (id, what they decided about that newsletter, if anything)."""
    theirs = and_(SubscriptionRow.subscriber_id == SubscriberRow.id, SubscriptionRow.newsletter == newsletter)
    query = (
        select(SubscriberRow.email_hash, SubscriberRow.id, SubscriptionRow.state)
        .outerjoin(SubscriptionRow, theirs)
        .where(SubscriberRow.email_hash.in_(given_words(session, hashes)))
    )
    return {
        email_hash: (key, SubscriptionState(state) if state else None)
        for email_hash, key, state in await session.execute(query)
    }


async def subscribe_all(
    session: AsyncSession, ids: Sequence[int], what: Subscription, consent: Consent
) -> None:
    """Give these people the subscription and the evidence that `what` and `consent` show.

    Those who have one in that newsletter keep it, and get another line of evidence.
    """
    values = {
        "newsletter": what.newsletter,
        "state": str(what.state),
        "choice": choice_of(what),
        "cadence": str(what.cadence),
    }
    subscription = select(
        given_ids(session, ids),
        *(literal(value) for value in values.values()),
        literal(what.hour, Integer),
        *(_time(SubscriptionRow, name, getattr(what, name)) for name in _TIMES),
    )
    names = ["subscriber_id", *values, "hour", *_TIMES]
    # `true()`, because SQLite takes an ON CONFLICT right after a table for the ON of a join.
    subscribing = insert_new(session, SubscriptionRow.__table__).from_select(
        names, subscription.where(true())
    )
    await session.execute(subscribing)
    await _testify(session, ids, consent)


async def confirm_all(session: AsyncSession, ids: Sequence[int], consent: Consent) -> int:
    """How many of these people waited for their confirmation in that newsletter and are confirmed now.

    Each gets the evidence that `consent` shows. Twice confirms nobody.
    """
    # Only who still waits: somebody may have left since the caller looked.
    done = await session.scalars(
        update(SubscriptionRow)
        .where(
            SubscriptionRow.newsletter == consent.newsletter,
            SubscriptionRow.state == SubscriptionState.PENDING,
            SubscriptionRow.subscriber_id.in_(select(given_ids(session, ids))),
        )
        .values(state=SubscriptionState.CONFIRMED, confirmed_at=consent.at)
        .returning(SubscriptionRow.subscriber_id)
        .execution_options(synchronize_session=False)
    )
    confirmed = done.all()
    await _testify(session, confirmed, consent)
    return len(confirmed)


async def _testify(session: AsyncSession, ids: Sequence[int], consent: Consent) -> None:
    """Add the same line of evidence for each of these people."""
    values = {name: getattr(consent, name) for name in _EVIDENCE}
    values["wording_hash"] = wording_hash(consent.wording)
    evidence = select(
        given_ids(session, ids),
        _time(ConsentRow, "at", consent.at),
        *(literal(value) for value in values.values()),
    )
    await session.execute(insert(ConsentRow).from_select(["subscriber_id", "at", *values], evidence))


def _time(table: Any, name: str, value: datetime | None) -> ColumnElement[Any]:
    moment: ColumnElement[Any] = literal(value, table.__table__.c[name].type).label(name)
    return moment


async def suppress_all(
    session: AsyncSession, hashes: Sequence[str], reason: str, words: str, *, now: datetime
) -> None:
    """Bar addresses, by their hash, for that reason; an earlier reason stays."""
    rows = [{"email_hash": one, "reason": reason, "words": words, "at": now} for one in hashes]
    await session.execute(insert_new(session, SuppressionRow.__table__), rows)
