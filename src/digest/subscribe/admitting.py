"""One batch of an import: who is new comes in, who waits is vouched for, who left stays out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.domain import Cadence, Subscriber, Subscription, SubscriptionState
from digest.house import House
from digest.store import Session, intake, notices, subscribers
from digest.subscribe.evidence import Evidence, printable
from digest.subscribe.lookup import HOURS, known_sections, known_topics, notice_of
from digest.subscribe.table import Row, Wishes

#: The paces that a file may name; "" is the usual one.
PACES = {"": Cadence.WEEKLY} | {cadence.value: cadence for cadence in Cadence}
#: Words for somebody who is to be sent nothing, in our own exports and in others'.
_GONE = frozenset({"left", "unsubscribed", "blocklisted", "bounced", "complained", "suppressed"})


@dataclass(slots=True, kw_only=True)
class Count:
    """What became of the rows so far, as `ImportReport` has it."""

    added: int = 0
    vouched: int = 0
    already: int = 0
    kept_out: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all rows of one import share."""

    house: House
    key: str
    #: What those are who are new.
    state: SubscriptionState
    evidence: Evidence
    now: datetime


async def admit(session: Session, ground: Ground, people: Mapping[str, Row], count: Count) -> None:
    """Store those of `people` (by hash) who are new to the newsletter, confirm those who wait; count all.

    A second time finds everybody there.
    """
    rows = [(one, row.email, row.name, row.language, row.zone) for one, row in people.items()]
    fresh = await intake.add_people(session, rows, now=ground.now)
    rest = [one for one in people if one not in fresh]
    await _bar(session, ground, people, rest)
    barred = await subscribers.suppressed(session, rest) if rest else frozenset()
    there = (
        await intake.known(session, ground.key, [one for one in rest if one not in barred]) if rest else {}
    )
    # Readers of another newsletter are new to this one.
    fresh |= {one: key for one, (key, state) in there.items() if state is None}
    left = [one for one, (_, state) in there.items() if state is SubscriptionState.LEFT]
    vouched = await _vouch(session, ground, people, there)
    gone = await _enlist(session, ground, people, fresh)
    count.added += len(fresh) - gone
    count.vouched += vouched
    count.kept_out += len(barred) + len(left) + gone
    count.already += len(people) - len(barred) - len(left) - len(fresh) - vouched


async def _vouch(
    session: Session,
    ground: Ground,
    people: Mapping[str, Row],
    there: Mapping[str, tuple[int, SubscriptionState | None]],
) -> int:
    """How many who waited were confirmed, and the evidence of it stored."""
    waiting = [
        key
        for one, (key, state) in there.items()
        if state is SubscriptionState.PENDING
        and _state(ground, people[one].wishes) is SubscriptionState.CONFIRMED
    ]
    what = Subscription(subscriber=Subscriber(email=""), newsletter=ground.key)
    consent = ground.evidence.line(what, "imported", now=ground.now)
    return await intake.confirm_all(session, waiting, consent) if waiting else 0


async def _enlist(
    session: Session, ground: Ground, people: Mapping[str, Row], fresh: Mapping[str, int]
) -> int:
    """How many of those who are new are to be sent nothing; each has their subscription stored."""
    gone = 0
    groups: defaultdict[Wishes, list[str]] = defaultdict(list)
    for one in fresh:
        groups[people[one].wishes].append(one)
    for wishes, hashes in groups.items():
        state = _state(ground, wishes)
        await _subscribe(session, ground, [fresh[one] for one in hashes], wishes)
        await _bar(session, ground, people, hashes)
        if not wishes.barred and state is SubscriptionState.PENDING:
            await _ask(session, ground, {fresh[one]: people[one].email for one in hashes})
        gone += len(hashes) if wishes.barred or state is SubscriptionState.LEFT else 0
    return gone


async def _bar(session: Session, ground: Ground, people: Mapping[str, Row], hashes: Iterable[str]) -> None:
    """Bar whom the file bars, also who is here: another row of the file may have let them in."""
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for one in hashes:
        if why := people[one].wishes.barred:
            reasons[printable(why, 16)].append(one)
    for why, whom in reasons.items():
        await intake.suppress_all(session, whom, why, "as imported", now=ground.now)


def _state(ground: Ground, wishes: Wishes) -> SubscriptionState:
    """What the file says of them, where that is less than what the whole import was given."""
    if wishes.state in _GONE:
        return SubscriptionState.LEFT
    return SubscriptionState.PENDING if wishes.state == "pending" or wishes.barred else ground.state


async def _subscribe(session: Session, ground: Ground, ids: list[int], wishes: Wishes) -> None:
    """Store the same subscription for all of them, and the evidence of it."""
    state = _state(ground, wishes)
    what = Subscription(
        subscriber=Subscriber(email=""),
        newsletter=ground.key,
        state=state,
        sections=known_sections(ground.house, ground.key, wishes.sections) if wishes.sections else (),
        topics=known_topics(ground.house, ground.key, wishes.topics) if wishes.topics else (),
        cadence=PACES[wishes.pace],
        hour=HOURS[wishes.hour],
        requested_at=ground.now,
        confirmed_at=ground.now if state is SubscriptionState.CONFIRMED else None,
        left_at=ground.now if state is SubscriptionState.LEFT else None,
    )
    await intake.subscribe_all(session, ids, what, ground.evidence.line(what, "imported", now=ground.now))


async def _ask(session: Session, ground: Ground, asked: Mapping[int, str]) -> None:
    """Queue the confirmation mail to those who have to confirm: addresses by id."""
    waiting = (
        Subscription(
            subscriber=Subscriber(id=key, email=email),
            newsletter=ground.key,
            state=SubscriptionState.PENDING,
            requested_at=ground.now,
        )
        for key, email in asked.items()
    )
    await notices.add_all(session, [notice_of(one, "confirm", now=ground.now) for one in waiting])
