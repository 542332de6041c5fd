"""What the operator does with readers: add one on a stated ground, remove one, forget who never confirmed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from digest.domain import Subscriber, Subscription, SubscriptionState
from digest.errors import NotFoundError, UsageError, WrongStateError
from digest.house import House
from digest.store import Session, notices, subscribers
from digest.subscribe.addresses import normalise
from digest.subscribe.evidence import Evidence, printable, witness
from digest.subscribe.lookup import delete, known_sections
from digest.subscribe.signup import queue_answer
from digest.tokens import CONFIRM_LIFE


async def add(
    house: House,
    key: str,
    email: str,
    *,
    sections: Sequence[str] = (),
    name: str = "",
    confirmed: bool = False,
    basis: str = "",
    now: datetime,
) -> Subscription:
    """The subscription of that address: pending, with the confirmation mail queued, or confirmed at once.

    `basis` says where a `confirmed` consent comes from and is kept as evidence; UsageError without it. Who is
    there already stays as they are, but a waiting one may be confirmed. WrongStateError for somebody who
    left or is barred: only they can come back.
    """
    address, email_hash = normalise(email), house.email_hash(normalise(email))
    require_basis(confirmed=confirmed, basis=basis)
    async with house.store.begin() as session:
        await subscribers.lock_address(session, email_hash)
        if why := await subscribers.suppression(session, email_hash):
            raise WrongStateError(f"{address} is barred from all mail ({why})")
        there = await subscribers.by_email(session, key, email_hash)
        if there is None:
            person = Subscriber(email=address, name=printable(name, 100))
            stored = await subscribers.add(session, person, email_hash=email_hash, now=now)
            chosen = known_sections(house, key, sections)
            there = Subscription(subscriber=stored, newsletter=key, sections=chosen, requested_at=now)
        if there.state is SubscriptionState.LEFT:
            raise WrongStateError(
                f"{address} left on {there.left_at:%d %B %Y}", hint="they can sign up again on the page"
            )
        if there.state is SubscriptionState.PENDING:
            there = await _let_in(session, there, basis=basis if confirmed else "", now=now)
    return there


def require_basis(*, confirmed: bool, basis: str) -> None:
    """Refuse to call somebody confirmed without a word on where that comes from."""
    if confirmed and not basis.strip():
        raise UsageError(
            "say where their consent comes from", hint='--basis "signed up at our meetup in May"'
        )


async def _let_in(session: Session, there: Subscription, *, basis: str, now: datetime) -> Subscription:
    """The pending subscription stored: confirmed on that basis, or with its confirmation mail queued."""
    done = there
    if basis:
        done = replace(there, state=SubscriptionState.CONFIRMED, confirmed_at=now)
    await subscribers.save(session, done)
    evidence = Evidence(form="operator", wording=basis)
    await witness(session, done, "imported" if basis else "asked", evidence, now=now)
    if not basis:
        await queue_answer(session, done, now=now)
    return done


async def forget_unconfirmed(house: House, key: str, *, now: datetime) -> int:
    """How many sign-ups were deleted that nobody confirmed: two weeks old, the last mail over a week ago.

    A link lives a week; the second week is for "Send a new one". Twice is safe, meant for once a day.
    """
    gone = 0
    async with house.store.begin() as session:
        for there in await subscribers.waiting_since(session, key, now - 2 * CONFIRM_LIFE):
            _, last = await notices.sent_to(session, there.subscriber.id, key, "confirm")
            if last is None or now - last > CONFIRM_LIFE:
                await delete(session, house, there)
                gone += 1
    if gone:
        house.log.event("readers.forgotten", newsletter=key, count=gone)
    return gone


async def remove(house: House, key: str, email: str) -> None:
    """Delete the subscription, and the person when nothing else hangs on them. NotFoundError when not there.

    Whoever shall only get no more mail is better served by `leave_by_operator`: it is remembered.
    """
    email_hash = house.email_hash(normalise(email))
    async with house.store.begin() as session:
        await subscribers.lock_address(session, email_hash)
        there = await subscribers.by_email(session, key, email_hash)
        if there is None:
            raise NotFoundError(f"{email} is not subscribed to {key}", hint="digest subscribers list")
        await delete(session, house, there)
    house.log.event("reader.removed", newsletter=key, reader=there.subscriber.id)
