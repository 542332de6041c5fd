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
