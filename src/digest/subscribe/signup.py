"""Sign up, confirm, ask again, forget: double opt-in, with one answer for every address."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digest.domain import Cadence, Subscriber, Subscription, SubscriptionState
from digest.errors import TokenExpiredError
from digest.house import House
from digest.store import Session, notices, subscribers
from digest.subscribe.addresses import normalise
from digest.subscribe.evidence import Evidence, printable, witness
from digest.subscribe.lookup import claimed, delete, found, known_sections, notice_of
from digest.tokens import CONFIRM_LIFE, Claim, Purpose

#: No address is sent a second mail of one kind within this time, however often somebody asks.
_PAUSE = timedelta(hours=24)
#: Confirmations that may stay unanswered; then the address has said no.
_MOST = 3
#: Over which the mails to somebody already confirmed are counted.
_ALREADY_WINDOW = timedelta(days=30)
#: Why an address is barred whose owner pressed "Never again".
ASKED = "asked"


async def sign_up(
    house: House,
    key: str,
    email: str,
    *,
    sections: Sequence[str] = (),
    cadence: Cadence | None = None,
    name: str = "",
    evidence: Evidence,
    now: datetime,
) -> None:
    """Ask for the confirmation of an address; says nothing about whether it was known.

    Queues at most one mail a day and three unanswered ones ever. No `sections` means all for a new address,
    and as before for one that waits. AddressError for what is no address.
    """
    address = normalise(email)
    email_hash = house.email_hash(address)
    async with house.store.begin() as session:
        await subscribers.lock_address(session, email_hash)
        barred = await subscribers.suppression(session, email_hash)
        asked = await subscribers.by_email(session, key, email_hash)
        if asked is None and barred:
            return
        is_new = asked is None
        asked = asked or await _new(session, house, key, address, name=name, now=now)
        if asked.state is SubscriptionState.PENDING and (sections or is_new):
            pace = cadence or asked.cadence
            asked = replace(asked, sections=known_sections(house, key, sections), cadence=pace)
            await subscribers.save(session, asked)
        await witness(session, asked, "asked", evidence, now=now)
        if not barred:
            await queue_answer(session, asked, now=now)
    house.log.event("reader.asked", newsletter=key, reader=asked.subscriber.id, state=asked.state)


async def _new(
    session: Session, house: House, key: str, address: str, *, name: str, now: datetime
) -> Subscription:
    """What is there of an address that was new a moment ago: usually nothing, so a pending subscription."""
    person = Subscriber(email=address, name=printable(name, 100))
    stored = await subscribers.add(session, person, email_hash=house.email_hash(address), now=now)
    await subscribers.lock(session, stored.id)
    there = await subscribers.subscription(session, key, stored.id)
    return there or Subscription(subscriber=stored, newsletter=key, requested_at=now)


async def queue_answer(session: Session, asked: Subscription, *, now: datetime) -> bool:
    """True when a mail was queued: a confirmation, or "you already get it". Within the limits."""
    is_confirmed = asked.state is SubscriptionState.CONFIRMED
    name = "already" if is_confirmed else "confirm"
    since = now - _ALREADY_WINDOW if is_confirmed else asked.confirmed_at
    count, last = await notices.sent_to(session, asked.subscriber.id, asked.newsletter, name, since=since)
    if count >= _MOST or (last is not None and now - last < _PAUSE):
        return False
    return await notices.add(session, notice_of(asked, name, now=now))


async def confirmation(house: House, key: str, token: str, *, now: datetime) -> Subscription:
    """Whom a confirmation link is for: already confirmed, or waiting for the button. Changes nothing.

    TokenError for a broken link, TokenExpiredError for an old one, NotFoundError when the address is gone.
    """
    claim = house.signer.read(token, Purpose.CONFIRM, key, now=now)
    async with house.store.read() as session:
        there = await found(session, key, claim.subject)
    _require_fresh(there, claim, now)
    return there


def _require_fresh(there: Subscription, claim: Claim, now: datetime) -> None:
    """A link made before the reader asked, or left, is spent: a scanner that presses old buttons signs
    nobody up, and a link of somebody deleted is of no use to whoever comes after."""
    if there.state is SubscriptionState.CONFIRMED:
        return
    since = max(moment for moment in (there.requested_at, there.left_at, claim.made_at) if moment)
    if now - claim.made_at > CONFIRM_LIFE or claim.made_at < since.replace(microsecond=0):
        raise TokenExpiredError


async def confirm(house: House, key: str, token: str, *, evidence: Evidence, now: datetime) -> Subscription:
    """The subscription confirmed, with a welcome queued the first time; twice gives the same.

    Errors as for `confirmation`.
    """
    claim = house.signer.read(token, Purpose.CONFIRM, key, now=now)
    async with house.store.begin() as session:
        there = await claimed(session, key, claim.subject)
        if there.state is SubscriptionState.CONFIRMED:
            return there
        _require_fresh(there, claim, now)
        done = replace(there, state=SubscriptionState.CONFIRMED, confirmed_at=now, left_at=None)
        await subscribers.save(session, done)
        await witness(session, done, "confirmed", evidence, now=now)
        if not done.suppressed:
            await notices.add(session, notice_of(done, "welcome", now=now))
    house.log.event("reader.confirmed", newsletter=key, reader=done.subscriber.id)
    return done


async def resend(house: House, key: str, token: str, *, evidence: Evidence, now: datetime) -> Subscription:
    """Whom a link, however old, is for, after a new confirmation was queued within the limits."""
    claim = house.signer.read(token, Purpose.CONFIRM, key, now=now)
    async with house.store.begin() as session:
        there = await claimed(session, key, claim.subject)
        if there.state is not SubscriptionState.CONFIRMED and not there.suppressed:
            await witness(session, there, "asked", evidence, now=now)
            await queue_answer(session, there, now=now)
    return there


async def forget(house: House, key: str, token: str, *, now: datetime) -> bool:
    """ "I did not ask for this": True when a waiting sign-up was deleted, with the person if nothing else
    hangs on them. Never touches who has confirmed; twice is False."""
    claim = house.signer.read(token, Purpose.CONFIRM, key, now=now)
    async with house.store.begin() as session:
        await subscribers.lock(session, claim.subject)
        there = await subscribers.subscription(session, key, claim.subject)
        if there is None or there.state is not SubscriptionState.PENDING:
            return False
        await delete(session, house, there)
    house.log.event("reader.forgotten", newsletter=key, reader=claim.subject)
    return True


async def never_again(house: House, key: str, email: str, *, now: datetime) -> bool:
    """True when the address is barred from every newsletter here; False when it confirmed one of them.

    The caller has made sure that it is the owner who asks.
    """
    email_hash = house.email_hash(normalise(email))
    async with house.store.begin() as session:
        mine = await subscribers.of_person(session, email_hash)
        if any(one.state is SubscriptionState.CONFIRMED for one in mine):
            return False
        await subscribers.suppress(session, email_hash, ASKED, f"by the owner, {key}", now=now)
        for one in mine:
            if one.state is SubscriptionState.PENDING:
                await delete(session, house, one)
    house.log.event("reader.barred", newsletter=key)
    return True
