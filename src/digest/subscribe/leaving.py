"""Leave, and come back within seven days."""

from dataclasses import replace
from datetime import datetime

from digest.domain import Subscription, SubscriptionState
from digest.errors import TokenExpiredError
from digest.house import House
from digest.store import subscribers
from digest.subscribe.evidence import Evidence, witness
from digest.subscribe.lookup import claimed, find
from digest.tokens import UNDO_LIFE, Purpose

_BY_OPERATOR = Evidence(form="operator")


async def leave(house: House, key: str, token: str, *, evidence: Evidence, now: datetime) -> Subscription:
    """The subscription left; `left_at` says since when. Twice, and in any state, is the same.

    No mail goes out: the page says that nothing more will be sent. TokenError for a broken link,
    NotFoundError when there is no such reader any more.
    """
    claim = house.signer.read(token, Purpose.LEAVE, key, now=now)
    return await _leave(house, key, claim.subject, evidence=evidence, now=now)


async def leave_by_operator(house: House, key: str, email: str, *, now: datetime) -> Subscription:
    """The subscription of that address left on the operator's word; NotFoundError when there is none."""
    there = await find(house, key, email)
    return await _leave(house, key, there.subscriber.id, evidence=_BY_OPERATOR, now=now)


async def _leave(
    house: House, key: str, subscriber_id: int, *, evidence: Evidence, now: datetime
) -> Subscription:
    async with house.store.begin() as session:
        there = await claimed(session, key, subscriber_id)
        if there.state is SubscriptionState.LEFT:
            return there
        done = replace(there, state=SubscriptionState.LEFT, left_at=now)
        await subscribers.save(session, done)
        await witness(session, done, "left", evidence, now=now)
    house.log.event("reader.left", newsletter=key, reader=subscriber_id)
    return done


def can_undo(subscription: Subscription, *, now: datetime) -> bool:
    """True while leaving can be taken back with one press."""
    left = subscription.left_at
    return subscription.state is SubscriptionState.LEFT and left is not None and now - left <= UNDO_LIFE


async def undo(house: House, key: str, token: str, *, evidence: Evidence, now: datetime) -> Subscription:
    """The subscription as it was before leaving; twice is the same. TokenExpiredError after seven days."""
    claim = house.signer.read(token, Purpose.LEAVE, key, now=now)
    async with house.store.begin() as session:
        there = await claimed(session, key, claim.subject)
        if there.state is not SubscriptionState.LEFT:
            return there
        if not can_undo(there, now=now):
            raise TokenExpiredError("Undo is offered for seven days")
        before = SubscriptionState.CONFIRMED if there.confirmed_at else SubscriptionState.PENDING
        done = replace(there, state=before, left_at=None)
        await subscribers.save(session, done)
        await witness(session, done, "undone", evidence, now=now)
    house.log.event("reader.undone", newsletter=key, reader=claim.subject)
    return done
