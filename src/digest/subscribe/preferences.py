"""What a reader wants of a newsletter, changed by their own link."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.config import local_zone
from digest.domain import Cadence, Subscription, SubscriptionState
from digest.errors import UsageError, WrongStateError
from digest.house import House
from digest.standing import arrival_anew, clock_of
from digest.store import Session, quiet, subscribers
from digest.subscribe.evidence import Evidence, witness
from digest.subscribe.lookup import HOURS, claimed, find, known_sections, known_topics
from digest.tokens import Purpose

#: The one reason for which a reader may start the mail again by themselves.
BOUNCE = "bounce"
LONGEST_PAUSE = timedelta(days=366)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a reader wants otherwise; None leaves a thing as it is."""

    sections: Sequence[str] | None = None
    #: None known, or all, is no choice among them.
    topics: Sequence[str] | None = None
    cadence: Cadence | None = None
    #: How long from now nothing shall come; zero ends a pause.
    pause: timedelta | None = None
    #: IANA name, "" for the newsletter's own zone.
    zone: str | None = None
    #: One of `HOURS`.
    hour: str | None = None


async def choose(
    house: House, key: str, token: str, wishes: Wishes, *, evidence: Evidence, now: datetime
) -> Subscription:
    """The subscription as wished; all sections, or topics, are stored as (). Twice is the same.

    UsageError when no section is known or there is no such zone or hour; WrongStateError for who has left.
    """
    claim = house.signer.read(token, Purpose.PREFERENCES, key, now=now)
    return await _change(house, key, claim.subject, wishes, evidence=evidence, now=now)


async def choose_by_operator(
    house: House, key: str, email: str, wishes: Wishes, *, now: datetime
) -> Subscription:
    """The same for the reader of that address, whom the operator speaks for; it is kept as evidence.

    NotFoundError when there is none, and the errors of `choose`.
    """
    there = await find(house, key, email)
    if there.state is SubscriptionState.LEFT:
        raise WrongStateError(f"{there.subscriber.email} has left", hint="they can sign up again on the page")
    evidence = Evidence(form="operator")
    return await _change(house, key, there.subscriber.id, wishes, evidence=evidence, now=now)


async def _change(
    house: House, key: str, subscriber_id: int, wishes: Wishes, *, evidence: Evidence, now: datetime
) -> Subscription:
    chosen = house.newsletter(key)
    if wishes.sections is not None and not any(one.key in wishes.sections for one in chosen.sections):
        raise UsageError("Nothing left to send", hint="Choose one, or leave")
    if wishes.zone and local_zone(wishes.zone).key != wishes.zone:
        raise UsageError(f"There is no time zone {wishes.zone[:60]}")
    if wishes.hour and wishes.hour not in HOURS:
        raise UsageError(f"There is no hour {wishes.hour[:60]}")
    async with house.store.begin() as session:
        there = await claimed(session, key, subscriber_id)
        if there.state is SubscriptionState.LEFT:
            raise WrongStateError("You have left")
        done = _as_wished(house, there, wishes, now=now)
        if _differ(done, there):
            await subscribers.save(session, done)
            await subscribers.rename(session, done.subscriber)
            await witness(session, done, "changed", evidence, now=now)
        if (done.hour, done.subscriber.zone) != (there.hour, there.subscriber.zone):
            await _move_what_waits(session, house, done, now=now)
    house.log.event("reader.changed", newsletter=key, reader=subscriber_id)
    return done


async def _move_what_waits(session: Session, house: House, reader: Subscription, *, now: datetime) -> None:
    """Let what is approved and not tried yet come at the reader's new hour, of every newsletter they read."""
    for one in await quiet.waiting(session, reader.subscriber.id):
        if one.newsletter not in house.settings.newsletters:
            continue
        theirs = replace(reader, newsletter=one.newsletter, hour=one.hour)
        due = arrival_anew(
            house.settings.delivery.quiet_hours,
            clock_of(house.newsletter(one.newsletter), theirs),
            one.hour,
            goes_at=one.goes_at,
            now=now,
        )
        await quiet.move(session, one.delivery_id, due)


def _as_wished(house: House, there: Subscription, wishes: Wishes, *, now: datetime) -> Subscription:
    chosen = house.newsletter(there.newsletter)
    sections, topics, cadence, paused_until = there.sections, there.topics, there.cadence, there.paused_until
    hour = there.hour if wishes.hour is None else HOURS[wishes.hour]
    if wishes.sections is not None:
        sections = known_sections(house, there.newsletter, wishes.sections)
    if wishes.topics is not None:
        topics = known_topics(house, there.newsletter, wishes.topics)
    if wishes.cadence is not None:
        cadence = wishes.cadence if chosen.monthly else Cadence.WEEKLY
    if wishes.pause is not None:
        paused_until = now + min(wishes.pause, LONGEST_PAUSE) if wishes.pause > timedelta(0) else None
    person = there.subscriber
    if wishes.zone is not None:
        person = replace(person, zone=wishes.zone)
    return replace(
        there,
        subscriber=person,
        sections=sections,
        topics=topics,
        cadence=cadence,
        paused_until=paused_until,
        hour=hour,
    )


def _differ(one: Subscription, other: Subscription) -> bool:
    """True when the two are not the same but for the order of sections and topics."""
    return _ordered(one) != _ordered(other)


def _ordered(one: Subscription) -> Subscription:
    return replace(one, sections=tuple(sorted(one.sections)), topics=tuple(sorted(one.topics)))
