"""What one sending may do now: tokens of the relays, and what receiving domains have taught all workers."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from digest.deliver import Relays, Way, pacing, provider
from digest.domain import Outcome, OutcomeKind, Pace
from digest.house import House
from digest.store import Session, pace

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: What others do is asked for, and what was sent told to them, no more often.
_SHARE_SECONDS = 1.0
#: Another worker may take tokens at the same moment; then they are asked for again.
_TRIES = 20


class Pacing:
    """Costs next to nothing while no relay has a limit and no domain has throttled."""

    def __init__(self, house: House, relays: Relays, clock: Callable[[], datetime]) -> None:
        """Close it, for what was taken and not used to go back."""
        self._house = house
        self._relays = relays
        self._clock = clock
        self._limits = {name: one for name, one in house.settings.ways.items() if one.is_limited}
        self._limited = [way for way in relays.ways if way.name in self._limits]
        for way in self._limited:
            way.credit = 0
        #: How many are claimed and not yet on their way: they will need tokens.
        self.promised = 0
        #: How many of those are about to be.
        self.leaving = 0
        self._next_token: dict[str, datetime] = {}
        self._domains = _Domains(house, clock)
        self._told_rests: dict[str, float] = {}
        self._shared_at = -math.inf

    async def room(self, wanted: int) -> int:
        """How many deliveries may be claimed now: those that the relays have tokens for."""
        if self._is_time_to_share():
            await self._share()
        awake = self._relays.awake
        limited = [way for way in self._limited if way in awake]
        if limited:
            whole = sum(way.weight for way in awake)
            async with self._house.store.begin() as session:
                for way in limited:
                    share = (wanted + self.promised) * way.weight / whole
                    # More than a second's worth would leave at once when it can, faster than the relay may.
                    held = min(share, self.promised * way.weight / whole + self._second_of(way))
                    await self._fill(session, way, math.ceil(held - way.credit))
        room = sum(way.credit for way in awake) - self.promised
        return wanted if room >= wanted else max(int(room), 0)

    def next_room(self) -> datetime | None:
        """When there is room again; None when there is some."""
        awake = {way.name for way in self._relays.awake}
        return min((at for name, at in self._next_token.items() if name in awake), default=None)

    @property
    def has_room(self) -> bool:
        """False when the relays that can be reached have no tokens left for what was claimed."""
        return not self._limited or sum(way.credit for way in self._relays.awake) >= self.leaving + 1

    @property
    def is_slow(self) -> bool:
        """True when some receiving domain has a limit."""
        return bool(self._domains.slow)

    def domain(self, address: str) -> str:
        """Whose limits the address comes under, for a message that is about to leave."""
        name = provider(address)
        self._domains.offered[name] += 1
        return name

    async def wait(self, domain: str) -> datetime | None:
        """When a message to that domain may leave; None for now."""
        return await self._domains.wait(domain) if domain in self._domains.slow else None

    def hear(self, domain: str, outcome: Outcome) -> None:
        """Learn from what the server said of a message to that domain."""
        if outcome.kind is OutcomeKind.DEFERRED and pacing.is_throttle(outcome.reply):
            self._domains.hear(domain, outcome.reply)

    async def aclose(self) -> None:
        """Put back what was not used, and store what was learnt."""
        await self._share()
        now = self._clock()
        async with self._house.store.begin() as session:
            for way in self._limited:
                unspent, way.credit = int(way.credit), 0
                if unspent > 0:
                    put_back = partial(pacing.put_back, unspent=unspent, now=now)
                    await _change(session, f"relay:{way.name}", put_back)

    def _second_of(self, way: Way) -> float:
        """What the relay may carry in a second, at least one message."""
        per_second = self._limits[way.name].per_second
        return math.inf if per_second is None else max(per_second, 1.0)

    async def _fill(self, session: Session, way: Way, wanted: int) -> None:
        """Take tokens of a relay from the bucket that all workers share."""
        now, relay = self._clock(), self._limits[way.name]
        self._next_token.pop(way.name, None)
        for _ in range(_TRIES if wanted > 0 else 0):
            old = await pace.get(session, f"relay:{way.name}")
            limits = pacing.limits_of(relay, old, now)
            new, granted = pacing.take(old, limits, wanted, now)
            if not granted:
                self._next_token[way.name] = pacing.next_at(old, limits, wanted, now)
                return
            if await pace.swap(session, new):
                way.credit += granted
                return

    def _is_time_to_share(self) -> bool:
        """True now and then, and at once when something was learnt."""
        if self._domains.has_heard or any(self._has_changed(way) for way in self._relays.ways):
            return True
        return asyncio.get_running_loop().time() - self._shared_at >= _SHARE_SECONDS

    async def _share(self) -> None:
        """Tell the other workers what this one learnt, and hear what they did."""
        loop_now, now = asyncio.get_running_loop().time(), self._clock()
        self._shared_at = loop_now
        news = [way for way in self._relays.ways if self._is_news(way)]
        if news:
            async with self._house.store.begin() as session:
                for way in news:
                    rests = now + timedelta(seconds=max(way.rests_until - loop_now, 0))
                    await self._tell(session, way, rests_until=rests if way.rests_until else None)
        await self._domains.share()

    def _is_news(self, way: Way) -> bool:
        is_counted = way.name not in self._limits and way.taken > 0
        return is_counted or self._has_changed(way)

    def _has_changed(self, way: Way) -> bool:
        """True when it began to rest, or works again."""
        return way.rests_until != self._told_rests.get(way.name, 0.0)

    async def _tell(self, session: Session, way: Way, *, rests_until: datetime | None) -> None:
        now = self._clock()
        sent, way.taken = 0 if way.name in self._limits else way.taken, 0
        if way.rests_until and way.rests_until != self._told_rests.get(way.name):
            self._house.log.warning("relay.rests", relay=way.name, reply=way.reply)
        self._told_rests[way.name] = way.rests_until

        def told(old: Pace) -> Pace:
            return pacing.rested(
                pacing.counted(old, sent, now), rests_until, way.reply if rests_until else ""
            )

        await _change(session, f"relay:{way.name}", told)


class _Domains:
    """Receiving domains that have a limit."""

    def __init__(self, house: House, clock: Callable[[], datetime]) -> None:
        self._house = house
        self._clock = clock
        self._started = clock()
        self.slow: dict[str, Pace] = {}
        #: Messages a domain was offered by this sending.
        self.offered: Counter[str] = Counter()
        self._heard: dict[str, str] = {}
        self._credit: Counter[str] = Counter()
        #: When the next token comes, and when the last message that waits for one is due.
        self._empty_until: dict[str, datetime] = {}
        self._tail: dict[str, datetime] = {}

    @property
    def has_heard(self) -> bool:
        """True when some domain throttled since that was last shared."""
        return bool(self._heard)

    def hear(self, domain: str, reply: str) -> None:
        """A domain throttled: from now on each message to it asks first."""
        self._heard[domain] = reply
        self._credit[domain] = 0
        self.slow.setdefault(domain, Pace(name=f"domain:{domain}"))

    async def share(self) -> None:
        """Store what was heard, and read what all workers know."""
        now = self._clock()
        heard, self._heard = self._heard, {}
        if heard:
            async with self._house.store.begin() as session:
                for domain, reply in heard.items():
                    await self._learn(session, domain, reply, now)
        async with self._house.store.read() as session:
            known = await pace.limited(session)
        self.slow = {one.name.removeprefix("domain:"): one for one in known}

    async def _learn(self, session: Session, domain: str, reply: str, now: datetime) -> None:
        observed = self.offered[domain] / max((now - self._started).total_seconds(), 1.0)
        new = await _change(
            session,
            f"domain:{domain}",
            lambda old: pacing.throttled(old, observed=observed, reply=reply, now=now),
        )
        self._house.log.warning(
            "deliver.throttled", domain=domain, per_second=round(new.per_second or 0, 3), reply=reply
        )

    async def wait(self, domain: str) -> datetime | None:
        """When a message to the domain may leave; None for now, and a token is taken."""
        if domain in self._heard:
            await self.share()
        now = self._clock()
        if self._credit[domain] < 1 and now >= self._empty_until.get(domain, _LONG_AGO):
            await self._fill(domain, now)
        if domain not in self.slow:
            return None
        if self._credit[domain] >= 1:
            self._credit[domain] -= 1
            return None
        per_second = self.slow[domain].per_second or 1.0
        first = max(self._tail.get(domain, _LONG_AGO), self._empty_until.get(domain, now))
        self._tail[domain] = first + timedelta(seconds=1 / per_second)
        return first

    async def _fill(self, domain: str, now: datetime) -> None:
        """Take what a second brings from the bucket that all workers share."""
        async with self._house.store.begin() as session:
            for _ in range(_TRIES):
                old = pacing.grown(await pace.get(session, f"domain:{domain}"), now)
                limits = pacing.Limits(per_second=old.per_second)
                wanted = max(int(old.per_second or 1), 1)
                new, granted = pacing.take(old, limits, wanted, now)
                if await pace.swap(session, new):
                    break
        self._credit[domain] += granted
        self.slow[domain] = new
        if not granted:
            self._empty_until[domain] = pacing.next_at(new, limits, 1, now)
        if new.per_second is None:
            del self.slow[domain]
            self._house.log.event("deliver.unthrottled", domain=domain)


async def _change(session: Session, name: str, decide: Callable[[Pace], Pace]) -> Pace:
    """What was decided of the pace, once it is stored."""
    for _ in range(_TRIES):
        new = decide(await pace.get(session, name))
        if await pace.swap(session, new):
            return new
    return new
