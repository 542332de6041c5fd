"""What a reader wants of a newsletter, changed by their own link."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from digest.domain import Subscription, SubscriptionState
from digest.errors import UsageError, WrongStateError
from digest.house import House
from digest.store import subscribers
from digest.subscribe.evidence import Evidence, witness
from digest.subscribe.lookup import claimed, known_sections
from digest.tokens import Purpose

#: The one reason for which a reader may start the mail again by themselves.
BOUNCE = "bounce"


async def stopped(house: House, there: Subscription) -> tuple[str, datetime] | None:
    """(the words, when) with which mail to that reader was stopped; None when it was not."""
    async with house.store.read() as session:
        email_hash = house.email_hash(there.subscriber.email)
        return await subscribers.evidence_of_suppression(session, email_hash)


async def try_again(house: House, key: str, token: str, *, evidence: Evidence, now: datetime) -> Subscription:
    """The subscription, mail on again if it was off for bounces; other reasons stay. Twice is safe."""
    claim = house.signer.read(token, Purpose.PREFERENCES, key, now=now)
    async with house.store.begin() as session:
        there = await claimed(session, key, claim.subject)
        if there.suppressed != BOUNCE:
            return there
        await subscribers.unsuppress(session, house.email_hash(there.subscriber.email))
        await witness(session, there, "resumed", evidence, now=now)
    house.log.event("reader.resumed", newsletter=key, reader=claim.subject)
    return replace(there, suppressed="")


async def choose_sections(
    house: House, key: str, token: str, sections: Sequence[str], *, evidence: Evidence, now: datetime
) -> Subscription:
    """The subscription with these sections; all of them are stored as (). Twice is the same.

    UsageError when none of them is known, WrongStateError for somebody who has left.
    """
    claim = house.signer.read(token, Purpose.PREFERENCES, key, now=now)
    if not any(section.key in sections for section in house.newsletter(key).sections):
        raise UsageError("Nothing left to send", hint="Choose one, or leave")
    async with house.store.begin() as session:
        there = await claimed(session, key, claim.subject)
        if there.state is SubscriptionState.LEFT:
            raise WrongStateError("You have left")
        done = replace(there, sections=known_sections(house, key, sections))
        if set(done.sections) != set(there.sections):
            await subscribers.save(session, done)
            await witness(session, done, "changed", evidence, now=now)
    house.log.event("reader.changed", newsletter=key, reader=claim.subject)
    return done
