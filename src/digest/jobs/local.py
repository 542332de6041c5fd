"""Runs jobs in this process under a lease, so that a second daemon on the same database does no harm."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from digest.clock import Clock, utc_now
from digest.errors import DigestError
from digest.house import House
from digest.jobs.hints import QUEUES, Hints, workers
from digest.publish import gather_sources, release_due, send_notices
from digest.store import hints, leases
from digest.subscribe import forget_unconfirmed

#: After the death of a process its job is free again this much later.
_LIFE = timedelta(seconds=90)

Job = Callable[["Runner"], Awaitable[None]]


def _name() -> str:
    """This process: host, number, and a part that a restart with the same number does not share."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass(slots=True, kw_only=True)
class Runner:
    """Runs jobs by name until it is told to stop."""

    house: House
    clock: Clock = utc_now
    holder: str = field(default_factory=_name)
    stopping: bool = False
    #: Where other machines are told of work; None on SQLite, where there are none.
    told: Hints | None = None

    async def run(self, name: str) -> bool:
        """True when the job ran here; False when another process (or this one) is at it, or is told to be.

        What goes wrong is logged in one line; the next tick tries again.
        """
        if self.stopping:
            return False
        try:
            return not await self._hand_over(name) and await self.do(name)
        except DigestError as exc:
            self.house.log.warning("job.failed", job=name, error=exc.id, why=exc.what)
        return True

    async def do(self, name: str) -> bool:
        """The same by this process and no other; what goes wrong is raised."""
        if self.stopping or not await self._take(name):
            return False
        try:
            await self._run_renewing(name)
        finally:
            await self._release(name)
        return True

    async def _hand_over(self, name: str) -> bool:
        """True when a worker lives that does such jobs; it is told of this one."""
        if self.told is None or name not in QUEUES or name == "deliver":
            return False
        there = await workers(self.house.store, now=self.clock())
        if not any(name in queues for queues in there.values()):
            return False
        await self.told.give(name)
        return True

    async def _run_renewing(self, name: str) -> None:
        """Do the job and keep its lease alive meanwhile."""
        renewing = asyncio.create_task(self._renew(name))
        try:
            await JOBS[name](self)
        finally:
            renewing.cancel()

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(_LIFE.total_seconds() / 3)
            with contextlib.suppress(
                DigestError
            ):  # the next renewal may succeed, and the job says what is wrong
                await self._take(name)

    async def _take(self, name: str) -> bool:
        async with self.house.store.begin() as session:
            return await leases.take(session, name, self.holder, life=_LIFE, now=self.clock())

    async def _release(self, name: str) -> None:
        async with self.house.store.begin() as session:
            await leases.release(session, name, self.holder)


async def _gather(runner: Runner) -> None:
    """Read the sources that are due."""
    await gather_sources(runner.house, now=runner.clock())


async def _issues(runner: Runner) -> None:
    """Move every newsletter's issues on."""
    for key in runner.house.settings.newsletters:
        await release_due(runner.house, key, clock=runner.clock, should_stop=lambda: runner.stopping)


async def _deliver(runner: Runner) -> None:
    """Tell workers of issues that are being sent; whoever joins claims deliveries of its own."""
    if runner.told is None:
        return
    async with runner.house.store.read() as session:
        found = await hints.sendable(session, now=runner.clock())
    for issue_id in found:
        await runner.told.give("deliver", issue_id)


async def _notices(runner: Runner) -> None:
    """Send confirmations and the like."""
    await send_notices(runner.house, clock=runner.clock)


async def _tidy(runner: Runner) -> None:
    """Forget sign-ups that nobody confirmed."""
    for key in runner.house.settings.newsletters:
        await forget_unconfirmed(runner.house, key, now=runner.clock())


#: Every job there is; a new one is a line here and a line in `schedule.py`.
JOBS: dict[str, Job] = {
    "gather": _gather,
    "issues": _issues,
    "deliver": _deliver,
    "notices": _notices,
    "tidy": _tidy,
}
