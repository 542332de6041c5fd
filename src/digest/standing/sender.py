"""Who sends: a process says so in the database while it does, so that its death is noticed soon."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.config import local_zone
from digest.domain import DeliveryState, Issue
from digest.errors import DigestError
from digest.house import House
from digest.standing import process
from digest.store import Store, deliveries, leases
from digest.store.leases import Lease
from digest.store.tally import Holding

#: A sender of which nothing was heard for so long loses its claims; it renews three times as often.
LIFE = timedelta(seconds=90)
_PREFIX = deliveries.SENDER


@asynccontextmanager
async def registered(house: House, *, clock: Callable[[], datetime]) -> AsyncIterator[str]:
    """The name under which this sending claims; known to all as alive until the block ends."""
    name = uuid.uuid4().hex[:12]
    await _take(house, name, clock())
    renewing = asyncio.create_task(_renew(house, name, clock))
    try:
        yield name
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        async with house.store.begin() as session:
            await leases.release(session, _PREFIX + name, process.me())


async def _take(house: House, name: str, now: datetime) -> None:
    async with house.store.begin() as session:
        await leases.take(session, _PREFIX + name, process.me(), life=LIFE, now=now)


async def _renew(house: House, name: str, clock: Callable[[], datetime]) -> None:
    while True:
        await asyncio.sleep(LIFE.total_seconds() / 3)
        # The next renewal may succeed, and the sending itself says what is wrong.
        with contextlib.suppress(DigestError):
            await _take(house, name, clock())


async def find_dead(house: House) -> frozenset[str]:
    """The names of senders that are certainly dead, because this machine ran them and does no more."""
    async with house.store.read() as session:
        found = await leases.all_of(session, _PREFIX)
    return frozenset(one.name.removeprefix(_PREFIX) for one in found if process.is_dead(one.holder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Deliveries of one issue that a sender holds, and when they are free if it is dead."""

    sender: str
    claimed: int
    handed: int
    is_alive: bool
    #: None when the next sending takes them up at once.
    free_at: datetime | None

    def words(self, zone: str) -> str:
        """ "40 deliveries held by pid 812 on mail1, which is at it"; times are told on that zone's clocks."""
        count = self.claimed + self.handed
        head = f"{count} {'delivery' if count == 1 else 'deliveries'} held by {self.sender}"
        if self.is_alive:
            return f"{head}, which is at it"
        if self.free_at is None:
            return f"{head}, which is gone; the next sending takes them up"
        until = f"{self.free_at.astimezone(local_zone(zone)):%H:%M %Z}"
        return f"{head}, which is silent; {self.handed} may be in doubt and wait until {until}"


async def holders(store: Store, issue: Issue, *, now: datetime) -> tuple[Held, ...]:
    """Who holds deliveries of the issue, by sender."""
    async with store.read() as session:
        rows = await deliveries.held(session, issue.id)
        known = {one.name.removeprefix(_PREFIX): one for one in await leases.all_of(session, _PREFIX)}
    names = dict.fromkeys(row.holder for row in rows)
    return tuple(
        _held([row for row in rows if row.holder == name], known.get(name), now=now) for name in names
    )


def _held(rows: list[Holding], lease: Lease | None, *, now: datetime) -> Held:
    """What one sender holds."""
    count = {row.state: row.count for row in rows}
    is_dead = lease is None or process.is_dead(lease.holder)
    waits = [row.until for row in rows if row.until and row.state is DeliveryState.HANDED]
    return Held(
        sender=process.shown(lease.holder) if lease else "a sender that has ended",
        claimed=count.get(DeliveryState.CLAIMED, 0),
        handed=count.get(DeliveryState.HANDED, 0),
        is_alive=lease is not None and not is_dead and lease.until >= now,
        free_at=None if is_dead else max(waits, default=None),
    )
