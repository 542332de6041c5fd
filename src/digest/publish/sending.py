"""One process's part in sending an issue: claims, a batch ahead, and each delivery taken to its outcome."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from digest.clock import Clock
from digest.deliver import Envelope, InAdvance, Intent, Relays, deliver
from digest.domain import Delivery, DeliveryState, Issue, IssueState, Outcome, OutcomeKind, Subscription
from digest.errors import DigestError
from digest.house import House
from digest.publish.addressing import Addressing
from digest.publish.breaker import Breaker
from digest.publish.ledger import Ledger
from digest.publish.outcomes import decide, next_limit
from digest.publish.pacing import Pacing
from digest.store import deliveries, issues
from digest.store.deliveries import Claimed, Settlement

#: How long a claim holds without news; a batch is small enough to be handed over well within it.
_CLAIM_LEASE = timedelta(minutes=10)
#: A sending waits that long for tokens or a throttled domain; for longer waits the next tick comes.
_PATIENCE = timedelta(minutes=2)
#: It looks that often whether it is to stop.
_PAUSE_SECONDS = 1.0
#: Messages made one after the other cost a tenth less than those made between other work; signed are eight
#: at a time.
_MADE_AT_ONCE = 48
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: What was claimed, and its message or how it ends without one.
_Message = tuple[Claimed, Envelope | Settlement]


@dataclass(slots=True, kw_only=True)
class Sending:
    """Claims deliveries, a batch ahead of what is on its way, and takes each to its outcome."""

    house: House
    issue: Issue
    #: Of this sender: what it claims is free when it is gone.
    name: str
    addressing: Addressing
    clock: Clock
    ledger: Ledger
    should_stop: Callable[[], bool]
    relays: Relays
    pacing: Pacing
    pause: Callable[[float], Awaitable[None]]
    breaker: Breaker
    #: Nothing of this one is tried beyond that time.
    next_issue: datetime
    #: Claimed and not settled yet.
    claimed: dict[int, Delivery] = field(default_factory=dict)
    #: Claimed, and without a message yet.
    unmade: list[Claimed] = field(default_factory=list)
    #: The messages that leave next, a few at a time, and what is done when those are signed.
    made: deque[tuple[list[_Message], InAdvance]] = field(default_factory=deque)
    #: The claim that is made meanwhile.
    following: "asyncio.Task[list[Claimed]]" = field(init=False)
    #: Whose limits each of those on their way comes under.
    domains: dict[int, str] = field(default_factory=dict)
    #: Those that have to wait, with the time they are due.
    postponed: list[tuple[Delivery, datetime]] = field(default_factory=list)
    #: True when what a claim found to be all that is due no longer is.
    has_put_back: bool = False
    handed: set[int] = field(default_factory=set)
    #: How many are claimed at once, and when that was last done.
    limit: int = 0
    claimed_at: datetime = _LONG_AGO
    #: True when a claim was refused its intent: the issue was paused, or the lease ran out.
    is_revoked: bool = False

    async def run(self, watch: Callable[[Outcome], None]) -> None:
        """Send until nothing more is due, the issue is stopped or `should_stop` says so."""

        async def taking(outcome: Outcome) -> None:
            self._settle(outcome)
            watch(outcome)

        at_once = self.relays.connections + self.relays.ahead
        storing = asyncio.create_task(self.ledger.run())
        try:
            async with aclosing(self._envelopes()) as envelopes:
                await deliver(envelopes, self._send, at_once=at_once, handing=self._hand, taking=taking)
        finally:
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)
            await self._put_away()

    async def _put_away(self) -> None:
        """Store the last outcomes, and queue again what was claimed and never handed over."""
        await self.ledger.flush()
        await self._postpone()
        unsent = [one for one in self.claimed.values() if one.id not in self.handed]
        if unsent:
            await self._give_back(unsent)

    async def _give_back(self, unsent: list[Delivery]) -> None:
        """Queue again what was claimed and not begun."""
        async with self.house.store.begin() as session:
            await deliveries.give_back(session, unsent, now=self.clock())
        self.pacing.promised -= len(unsent)
        self.has_put_back = True
        for one in unsent:
            del self.claimed[one.id]

    async def _envelopes(self) -> AsyncGenerator[Envelope, None]:
        """The messages of what is due, until there is no more or the sending is to stop."""
        async with aclosing(self._signed()) as signed:
            async for messages in signed:
                for at, (claimed, message) in enumerate(messages):
                    if self.should_stop():
                        return
                    if self.is_revoked or self.breaker.is_tripped or not self.pacing.has_room:
                        await self._give_back_all(messages[at:])
                        break
                    if await self._must_wait(claimed):
                        self.pacing.promised -= 1
                    elif isinstance(message, Settlement):
                        self.pacing.promised -= 1
                        self._close(message)
                    else:
                        self.pacing.leaving += 1
                        yield message

    async def _signed(self) -> AsyncGenerator[list[_Message], None]:
        """What is due, a few at a time; more are claimed, made and signed while these are sent."""
        self.following = asyncio.create_task(self._claim())
        try:
            while True:
                while len(self.made) < self.relays.batches and await self._has_unmade():
                    self._make_some()
                if not self.made:
                    return
                # Not in their order: others sign, and one that waits for the first has the rest already.
                ready = (at for at, (_messages, signing) in enumerate(self.made) if signing.is_done)
                at = next(ready, 0)
                messages, signing = self.made[at]
                del self.made[at]
                await signing
                yield messages
        finally:
            # Not cancelled: what it claims must be known, to be given back.
            await asyncio.gather(self.following, return_exceptions=True)

    async def _has_unmade(self) -> bool:
        """True when there is something to make; waits for it only when nothing else is ready to leave."""
        while not self.unmade and (self.following.done() or not self.made):
            self.unmade = await self.following
            await self._postpone()
            if not (self.unmade or self.has_put_back):
                break
            self.has_put_back = False
            self.following = asyncio.create_task(self._claim())
        return bool(self.unmade)

    def _make_some(self) -> None:
        """Make the next few messages, and have them signed."""
        some, self.unmade = self.unmade[:_MADE_AT_ONCE], self.unmade[_MADE_AT_ONCE:]
        now = self.clock()
        messages = [(one, self._make(*one, now=now)) for one in some]
        signing = self.relays.sign([made for _, made in messages if isinstance(made, Envelope)])
        self.made.append((messages, signing))

    async def _give_back_all(self, messages: list[_Message]) -> None:
        """Queue again these and whatever is to leave after them."""
        self.is_revoked = False
        ahead = [one for some, _signing in self.made for one, _made in some]
        unsent = [*(one for one, _made in messages), *ahead, *self.unmade]
        self.made.clear()
        self.unmade = []
        await self._give_back([delivery for delivery, _reader in unsent])

    async def _claim(self) -> list[Claimed]:
        """Deliveries that are due now, with the reader as they are now; none once the issue is stopped.

        Waits a little for tokens, and for what a throttled domain will take soon.
        """
        self.limit = next_limit(self.limit, self.relays.connections, self.clock() - self.claimed_at)
        while not self.should_stop() and not await self.breaker.trips(now=self.clock()):
            self.claimed_at = self.clock()
            room = await self.pacing.room(self.limit)
            if room and (got := await self._claim_some(room)):
                return got
            if not await self._wait_for_more(has_room=bool(room)):
                break
        return []

    async def _claim_some(self, room: int) -> list[Claimed]:
        """Up to so many deliveries that are due; none once the issue is stopped."""
        got = await self.ledger.claim(self.issue, limit=room, lease=_CLAIM_LEASE, holder=self.name)
        self.claimed |= {one.id: one for one, _reader in got}
        self.pacing.promised += len(got)
        return got

    async def _wait_for_more(self, *, has_room: bool) -> bool:
        """True after a while in which tokens came, or a time at which something is due."""
        now = self.clock()
        at = None if has_room else self.pacing.next_room()
        async with self.house.store.read() as session:
            if (await issues.get(session, self.issue.id)).state is not IssueState.SENDING:
                return False
            if has_room and self.pacing.is_slow:
                at = await deliveries.next_due(session, self.issue.id)
        if at is None or at > now + _PATIENCE:
            return False
        at = max(at, now + timedelta(seconds=_PAUSE_SECONDS))
        while (now := self.clock()) < at and not self.should_stop():
            await self.pause(min(_PAUSE_SECONDS, (at - now).total_seconds()))
        return True

    async def _must_wait(self, claimed: Claimed) -> bool:
        """True, and noted, when the domain of the reader takes no more for now."""
        delivery, reader = claimed
        if reader is None:
            return False
        domain = self.pacing.domain(reader.subscriber.email)
        if self.pacing.is_slow and (due := await self.pacing.wait(domain)) is not None:
            self.postponed.append((delivery, due))
            return True
        self.domains[delivery.id] = domain
        return False

    async def _postpone(self) -> None:
        """Put back what has to wait; the try does not count."""
        postponed, self.postponed = self.postponed, []
        if postponed:
            async with self.house.store.begin() as session:
                await deliveries.postpone(session, postponed, now=self.clock())
            self.has_put_back = True
            for delivery, _due in postponed:
                del self.claimed[delivery.id]

    def _make(
        self, delivery: Delivery, reader: Subscription | None, *, now: datetime
    ) -> Envelope | Settlement:
        """The message; for who left or was suppressed since approval, or cannot have one, how that ends."""
        why = self.addressing.exclusion(delivery, reader, at=now)
        if why or reader is None:
            return Settlement(delivery=delivery, state=DeliveryState.SKIPPED, reason=why)
        try:
            return self.addressing.envelope(delivery, reader)
        except DigestError as exc:
            return Settlement(delivery=delivery, state=DeliveryState.FAILED, reason=exc.what)

    def _send(self, envelope: Envelope, *, intent: Intent) -> Awaitable[Outcome]:
        """By the relay whose turn it is, whose tokens count it from now on."""
        self.pacing.promised -= 1
        self.pacing.leaving -= 1
        return self.relays.send(envelope, intent=intent)

    async def _hand(self, key: int) -> bool:
        """True once the intent is durable."""
        self.handed.add(key)
        is_ours = await self.ledger.hand(self.claimed[key])
        # What was claimed with it went the same way; the next claim asks whether to go on.
        self.is_revoked = self.is_revoked or not is_ours
        return is_ours

    def _settle(self, outcome: Outcome) -> None:
        """Note what the server said; uncertain ones follow the operator's policy at once."""
        delivery = self.claimed[outcome.key]
        self.breaker.note(outcome.kind)
        if outcome.kind is OutcomeKind.DEFERRED:
            self.pacing.hear(self.domains[outcome.key], outcome)
        state, due = decide(self.house, outcome.kind, delivery, now=self.clock(), next_issue=self.next_issue)
        reason = deliveries.UNANSWERED if outcome.kind is OutcomeKind.UNCERTAIN else ""
        self._close(
            Settlement(delivery=delivery, state=state, reply=outcome.reply, reason=reason, due_at=due)
        )

    def _close(self, settlement: Settlement) -> None:
        del self.claimed[settlement.delivery.id]
        self.domains.pop(settlement.delivery.id, None)
        self.handed.discard(settlement.delivery.id)
        self.ledger.settle(settlement)
