"""Finding a reader, and what else every act of theirs needs."""

from collections.abc import Collection, Sequence
from datetime import datetime

from digest.domain import Notice, Subscription
from digest.errors import NotFoundError
from digest.house import House
from digest.store import Session, notices, subscribers
from digest.subscribe.addresses import normalise
from digest.tokens import Purpose

#: The hours that a page or a file may name; "" is as it comes.
HOURS: dict[str, int | None] = {"": None} | {
    f"{hour:0{width}}": hour for hour in range(24) for width in (1, 2)
}


async def reader(house: House, key: str, token: str, purpose: Purpose, *, now: datetime) -> Subscription:
    """Whose link it is; changes nothing. TokenError for a broken one, NotFoundError when they are gone."""
    claim = house.signer.read(token, purpose, key, now=now)
    async with house.store.read() as session:
        return await found(session, key, claim.subject)


async def find(house: House, key: str, email: str) -> Subscription:
    """The subscription of that address; NotFoundError when there is none, AddressError for no address."""
    house.newsletter(key)
    email_hash = house.email_hash(normalise(email))
    async with house.store.read() as session:
        there = await subscribers.by_email(session, key, email_hash)
    if there is None:
        raise NotFoundError(f"{email} is not subscribed to {key}", hint="digest subscribers list")
    return there


async def found(session: Session, key: str, subscriber_id: int) -> Subscription:
    """That reader's subscription; NotFoundError when there is none."""
    there = await subscribers.subscription(session, key, subscriber_id)
    if there is None:
        raise NotFoundError("the address that this link was for has been deleted")
    return there


async def claimed(session: Session, key: str, subscriber_id: int) -> Subscription:
    """The same, and nobody else changes that reader until the transaction ends."""
    await subscribers.lock(session, subscriber_id)
    return await found(session, key, subscriber_id)


def known_sections(house: House, key: str, sections: Sequence[str]) -> tuple[str, ...]:
    """The known ones of these sections; () when they are all, so that a section added later comes too."""
    known = [section.key for section in house.newsletter(key).sections]
    chosen = tuple(one for one in known if one in sections)
    return () if len(chosen) == len(known) else chosen


def known_topics(house: House, key: str, topics: Collection[str]) -> tuple[str, ...]:
    """The known ones of these topics; () for none, or for all, so that one added later comes too."""
    known = house.newsletter(key).topics
    chosen = tuple(one for one in known if one in topics)
    return () if len(chosen) == len(known) else chosen


def notice_of(subscription: Subscription, name: str, *, now: datetime) -> Notice:
    """A mail to that reader. Whole seconds: the token in a confirmation is made from `created_at`."""
    second = now.replace(microsecond=0)
    return Notice(
        key=f"{name}:{subscription.newsletter}:{subscription.subscriber.id}:{second.isoformat()}",
        name=name,
        newsletter=subscription.newsletter,
        recipient=subscription.subscriber.email,
        subscriber_id=subscription.subscriber.id,
        created_at=second,
        due_at=second,
    )


async def delete(session: Session, house: House, there: Subscription) -> None:
    """Delete a subscription and its mails, and the person when it was the last thing they had here."""
    mine = await subscribers.of_person(session, house.email_hash(there.subscriber.email))
    await notices.forget(session, there.subscriber.id, there.newsletter)
    if len(mine) == 1:
        await subscribers.erase(session, there.subscriber.id)
    else:
        await subscribers.remove(session, there.newsletter, there.subscriber.id)
