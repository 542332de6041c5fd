"""Readers, what they subscribed to, the evidence of it, and addresses that are sent nothing."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Cadence, Choice, Consent, Subscriber, Subscription, SubscriptionState
from digest.store.given import given_words
from digest.store.reader_tables import BounceRow, ConsentRow, SubscriberRow, SubscriptionRow, SuppressionRow
from digest.store.readership import choice_stored, choices, counts, of_ids, pages
from digest.store.rows import insert_ignoring, upsert

__all__ = [
    "add",
    "add_bounce",
    "add_consent",
    "by_email",
    "choice_of",
    "choices",
    "consents",
    "counts",
    "erase",
    "evidence_of_suppression",
    "lock",
    "lock_address",
    "of_ids",
    "of_person",
    "pages",
    "remove",
    "rename",
    "save",
    "subscription",
    "suppress",
    "suppressed",
    "suppression",
    "unsuppress",
    "waiting_since",
    "wording_hash",
]

_MOST = 1000


def choice_of(subscription: Subscription) -> str:
    """Sections and topics as they are stored: the key of a `Choice`; "" for all."""
    return Choice(sections=subscription.sections, topics=subscription.topics).key


def _query() -> Select[SubscriptionRow, SubscriberRow, str]:
    return (
        select(SubscriptionRow, SubscriberRow, SuppressionRow.reason)
        .join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        .outerjoin(SuppressionRow, SuppressionRow.email_hash == SubscriberRow.email_hash)
    )


def _subscriber(row: SubscriberRow) -> Subscriber:
    return Subscriber(
        id=row.id,
        email=row.email,
        name=row.name,
        language=row.language,
        zone=row.zone,
        created_at=row.created_at,
    )


def _subscription(row: SubscriptionRow, person: SubscriberRow, suppressed: str | None) -> Subscription:
    chosen = choice_stored(row.choice)
    return Subscription(
        subscriber=_subscriber(person),
        newsletter=row.newsletter,
        state=SubscriptionState(row.state),
        sections=chosen.sections,
        topics=chosen.topics,
        cadence=Cadence(row.cadence),
        paused_until=row.paused_until,
        hour=row.hour,
        requested_at=row.requested_at,
        confirmed_at=row.confirmed_at,
        left_at=row.left_at,
        suppressed=suppressed or "",
    )


async def add(session: AsyncSession, subscriber: Subscriber, *, email_hash: str, now: datetime) -> Subscriber:
    """The stored subscriber of that address: a new one, or the one there was (whose name is kept)."""
    row: dict[str, Any] = {"email": subscriber.email, "email_hash": email_hash, "name": subscriber.name}
    row |= {"language": subscriber.language, "zone": subscriber.zone, "created_at": now}
    await insert_ignoring(session, SubscriberRow, [row], unique=("email_hash",))
    found = await session.scalar(select(SubscriberRow).where(SubscriberRow.email_hash == email_hash))
    if found is None:
        raise AssertionError("a subscriber just inserted is not there")
    return _subscriber(found)


async def lock(session: AsyncSession, subscriber_id: int) -> None:
    """Let nobody else change this reader until the transaction ends; SQLite has only one writer anyway."""
    await session.execute(select(SubscriberRow.id).where(SubscriberRow.id == subscriber_id).with_for_update())


async def lock_address(session: AsyncSession, email_hash: str) -> None:
    """The same by the hash of an address; nothing when it is new."""
    query = select(SubscriberRow.id).where(SubscriberRow.email_hash == email_hash)
    await session.execute(query.with_for_update())


async def subscription(session: AsyncSession, newsletter: str, subscriber_id: int) -> Subscription | None:
    """That reader's subscription, if there is one."""
    query = _query().where(
        SubscriptionRow.newsletter == newsletter, SubscriptionRow.subscriber_id == subscriber_id
    )
    found = (await session.execute(query)).first()
    return _subscription(*found) if found else None


async def by_email(session: AsyncSession, newsletter: str, email_hash: str) -> Subscription | None:
    """The subscription of that address, if there is one."""
    query = _query().where(SubscriptionRow.newsletter == newsletter, SubscriberRow.email_hash == email_hash)
    found = (await session.execute(query)).first()
    return _subscription(*found) if found else None


async def of_person(session: AsyncSession, email_hash: str) -> tuple[Subscription, ...]:
    """Everything that this address is subscribed to, or was."""
    query = _query().where(SubscriberRow.email_hash == email_hash).order_by(SubscriptionRow.newsletter)
    return tuple(_subscription(*row) for row in await session.execute(query))


async def save(session: AsyncSession, subscription: Subscription) -> None:
    """Store what a reader decided, in place of what they decided before."""
    row: dict[str, Any] = {
        "newsletter": subscription.newsletter,
        "subscriber_id": subscription.subscriber.id,
        "state": subscription.state,
        "choice": choice_of(subscription),
        "cadence": subscription.cadence,
        "paused_until": subscription.paused_until,
        "hour": subscription.hour,
        "requested_at": subscription.requested_at,
        "confirmed_at": subscription.confirmed_at,
        "left_at": subscription.left_at,
    }
    await upsert(session, SubscriptionRow, row, unique=("newsletter", "subscriber_id"))


async def remove(session: AsyncSession, newsletter: str, subscriber_id: int) -> None:
    """Delete one subscription; the person stays."""
    mine = (SubscriptionRow.newsletter == newsletter) & (SubscriptionRow.subscriber_id == subscriber_id)
    await session.execute(delete(SubscriptionRow).where(mine))


async def rename(session: AsyncSession, subscriber: Subscriber) -> None:
    """Store a subscriber's name, language and zone."""
    values = {"name": subscriber.name, "language": subscriber.language, "zone": subscriber.zone}
    await session.execute(update(SubscriberRow).where(SubscriberRow.id == subscriber.id).values(values))


async def erase(session: AsyncSession, subscriber_id: int) -> None:
    """Delete the person with everything that hangs on them; suppression by hash stays."""
    await session.execute(delete(SubscriberRow).where(SubscriberRow.id == subscriber_id))


def wording_hash(wording: str) -> str:
    """What shows later that the words were these."""
    return hashlib.sha256(wording.encode()).hexdigest()


async def add_consent(session: AsyncSession, consent: Consent) -> None:
    """Add a line of evidence."""
    session.add(
        ConsentRow(
            subscriber_id=consent.subscriber_id,
            newsletter=consent.newsletter,
            at=consent.at,
            action=consent.action,
            ip=consent.ip,
            user_agent=consent.user_agent[:400],
            form=consent.form,
            wording=consent.wording,
            wording_hash=wording_hash(consent.wording),
        )
    )
    await session.flush()


async def consents(session: AsyncSession, subscriber_id: int) -> tuple[Consent, ...]:
    """The evidence about one reader, oldest first."""
    query = select(ConsentRow).where(ConsentRow.subscriber_id == subscriber_id).order_by(ConsentRow.id)
    names = ("subscriber_id", "newsletter", "at", "action", "ip", "user_agent", "form", "wording")
    return tuple(
        Consent(**{name: getattr(row, name) for name in names}) for row in await session.scalars(query)
    )


async def suppress(session: AsyncSession, email_hash: str, reason: str, words: str, *, now: datetime) -> None:
    """Bar an address from all mail; the first reason stays."""
    row = {"email_hash": email_hash, "reason": reason, "words": words, "at": now}
    await insert_ignoring(session, SuppressionRow, [row], unique=("email_hash",))


async def unsuppress(session: AsyncSession, email_hash: str) -> bool:
    """True when the address was barred and is no more."""
    gone = delete(SuppressionRow).where(SuppressionRow.email_hash == email_hash)
    return (await session.execute(gone.returning(SuppressionRow.email_hash))).first() is not None


async def suppressed(session: AsyncSession, hashes: Sequence[str]) -> frozenset[str]:
    """Those of `hashes` that are barred."""
    barred = SuppressionRow.email_hash.in_(given_words(session, hashes))
    query = select(SuppressionRow.email_hash).where(barred)
    return frozenset(await session.scalars(query))


async def evidence_of_suppression(session: AsyncSession, email_hash: str) -> tuple[str, datetime] | None:
    """(in which words, when) that address was barred, if it is."""
    query = select(SuppressionRow.words, SuppressionRow.at).where(SuppressionRow.email_hash == email_hash)
    found = (await session.execute(query)).first()
    return (found[0], found[1]) if found else None


async def waiting_since(session: AsyncSession, newsletter: str, before: datetime) -> tuple[Subscription, ...]:
    """Sign-ups from before that time that were never confirmed, oldest first, at most a thousand."""
    pending = SubscriptionRow.state == SubscriptionState.PENDING
    query = _query().where(
        SubscriptionRow.newsletter == newsletter, pending, SubscriptionRow.requested_at < before
    )
    rows = await session.execute(query.order_by(SubscriptionRow.requested_at).limit(_MOST))
    return tuple(_subscription(*row) for row in rows)


async def suppression(session: AsyncSession, email_hash: str) -> str:
    """Why that address is barred, or ""."""
    query = select(SuppressionRow.reason).where(SuppressionRow.email_hash == email_hash)
    return await session.scalar(query) or ""


async def add_bounce(
    session: AsyncSession,
    email_hash: str,
    *,
    kind: str,
    status: str,
    reply: str,
    message_id: str,
    now: datetime,
) -> None:
    """Keep the evidence of a mail that came back."""
    session.add(
        BounceRow(email_hash=email_hash, kind=kind, status=status, reply=reply, message_id=message_id, at=now)
    )
    await session.flush()
