"""Send the mails that are no issue: confirmations, welcomes, drafts for the editor."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from digest.clock import Clock, utc_now
from digest.deliver import Envelope, after, deliver, encode, open_relays
from digest.domain import DeliveryState, Notice, Outcome, OutcomeKind
from digest.errors import DigestError
from digest.house import House
from digest.publish.notice import notice_message
from digest.store import notices

_BATCH = 50
_AT_ONCE = 2
_LEASE = timedelta(minutes=15)
#: A confirmation that cannot be handed over within a day is of no use to anyone.
_GIVE_UP_AFTER = timedelta(hours=24)


async def send_notices(house: House, *, clock: Clock = utc_now) -> int:
    """How many notices went out. What the server defers is kept for later; twice at once is safe."""
    sent = 0
    by_id: dict[int, Notice] = {}

    async def taking(outcome: Outcome) -> None:
        nonlocal sent
        await _settle(house, by_id[outcome.key], outcome, now=clock())
        sent += outcome.kind is OutcomeKind.SENT

    claimed = await _claim(house, clock)
    if not claimed:
        return 0
    async with open_relays(house.settings) as relays:
        while claimed:
            by_id = {one.id: one for one in claimed}
            envelopes = _envelopes(house, claimed, clock)
            await deliver(envelopes, relays.send, at_once=_AT_ONCE, handing=_always, taking=taking)
            claimed = await _claim(house, clock)
    return sent


async def _claim(house: House, clock: Clock) -> tuple[Notice, ...]:
    async with house.store.begin() as session:
        return await notices.claim(session, limit=_BATCH, lease=_LEASE, now=clock())


async def _always(_key: int) -> bool:
    """A notice needs no intent: one that arrives twice does no harm."""
    return True


async def _envelopes(house: House, claimed: tuple[Notice, ...], clock: Clock) -> AsyncIterator[Envelope]:
    for one in claimed:
        try:
            message = await notice_message(house, one)
            data = encode(message)
        except DigestError as exc:
            outcome = Outcome(key=one.id, kind=OutcomeKind.FAILED, reply=exc.what)
            await _settle(house, one, outcome, now=clock())
            continue
        yield Envelope(
            key=one.id,
            sender=message.sender,
            recipient=message.recipient,
            blocks=(data,),
            envelope_id=message.message_id,
        )


async def _settle(house: House, one: Notice, outcome: Outcome, *, now: datetime) -> None:
    kind = OutcomeKind.DEFERRED if outcome.kind is OutcomeKind.UNCERTAIN else outcome.kind
    state, due = after(
        kind,
        attempts=one.attempts,
        first_tried_at=one.created_at,
        now=now,
        give_up_after=_GIVE_UP_AFTER,
        key=one.id,
    )
    async with house.store.begin() as session:
        await notices.settle(session, one, state, reply=outcome.reply, due_at=due)
    if state is not DeliveryState.SENT:
        house.log.warning("notice.not_sent", id=one.id, notice=one.name, state=state, reply=outcome.reply)
