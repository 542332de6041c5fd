"""A worker: does what it is told there is, beside as many others as wanted, until it is told to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from digest import __version__
from digest.errors import DigestError, StoreError, UsageError
from digest.house import House
from digest.jobs.hints import QUEUES, Hints, forget_workers, worker_lease
from digest.jobs.local import Runner
from digest.publish import continue_sending
from digest.store import hints, leases

#: A worker of which nothing was heard for so long is dead.
_LIFE = timedelta(seconds=60)
#: How often it is looked up what there is to tell; a hint that was lost comes again by then.
_TICK_SECONDS = 10.0
#: Somebody who is at an issue already leaves the hint to others for so long.
_OTHERS = timedelta(seconds=5)
#: Seconds that running work is given to end.
_GRACE = 20.0


def queues_of(names: str) -> tuple[str, ...]:
    """The queues of a list with commas; UsageError names those there are."""
    wanted = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if wrong := next((name for name in wanted if name not in QUEUES), None):
        raise UsageError(f'no queue "{wrong}"', hint=f"there are {', '.join(QUEUES)}")
    return wanted or QUEUES


class Worker:
    """Serves queues of hints with the coroutines that the daemon runs by itself."""

    def __init__(self, house: House, told: Hints, *, queues: Sequence[str] = QUEUES, concurrency: int = 4):
        """`concurrency` is how many hints are followed at a time."""
        self._house = house
        self._told = told
        self._queues = tuple(queues)
        self._concurrency = concurrency
        self._runner = Runner(house=house, told=told)
        #: Issues being sent here: a second sending in this process would only take the first one's time.
        self._sending: set[int] = set()
        self._broken: BaseException | None = None
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more, let what is in flight end."""
        self._runner.stopping = True
        self._stopped.set()

    async def serve(self) -> None:
        """Work until `stop`; then end within seconds. Raises what broke the work, so that it is seen."""
        for queue in self._queues:
            self._told.app.task(name=queue, queue=queue)(self._follow(queue))
        async with self._seen(), asyncio.TaskGroup() as group:
            working = group.create_task(self._work())
            telling = group.create_task(self._tell())
            stopped = group.create_task(self._stopped.wait())
            await asyncio.wait({working, telling, stopped}, return_when=asyncio.FIRST_COMPLETED)
            self.stop()
            for task in (working, telling):
                task.cancel()
        self._house.log.event("stopped", worker=self._runner.holder)
        if self._broken is not None:
            raise self._broken

    async def _work(self) -> None:
        """Follow hints. Ends by itself only when the database is lost."""
        facts = {"worker": self._runner.holder, "queues": ",".join(self._queues)}
        self._house.log.event("ready", **facts, concurrency=self._concurrency, version=__version__)
        await self._told.app.run_worker_async(
            queues=list(self._queues),
            name=self._runner.holder,
            concurrency=self._concurrency,
            install_signal_handlers=False,
            shutdown_graceful_timeout=_GRACE,
            delete_jobs="always",
        )
        if not self._stopped.is_set():
            self._broken = StoreError("the workers' queue was lost", hint="digest doctor")

    def _follow(self, queue: str) -> Callable[[int], Awaitable[None]]:
        """What is done for a hint of that queue; one bad job is logged, a bug ends the worker loudly."""

        async def follow(issue_id: int) -> None:
            try:
                if queue == "deliver":
                    await self._deliver(issue_id)
                else:
                    await self._runner.do(queue)
            except DigestError as exc:
                self._house.log.warning("job.failed", job=queue, error=exc.id, why=exc.what)
            except Exception as exc:
                self._house.log.warning("worker.broke", job=queue, error=repr(exc))
                self._broken = exc
                self.stop()

        return follow

    async def _deliver(self, issue_id: int) -> None:
        """Take part in sending an issue; whoever joins calls the next, so that all come who are free."""
        async with self._house.store.read() as session:
            if issue_id not in await hints.sendable(session, now=self._runner.clock()):
                return
        if issue_id in self._sending:
            await self._told.give("deliver", issue_id, later=_OTHERS)
            return
        self._sending.add(issue_id)
        begun = asyncio.Event()
        calling = asyncio.create_task(self._call_next(issue_id, begun))
        try:
            await continue_sending(
                self._house,
                issue_id,
                clock=self._runner.clock,
                watch=lambda _outcome: begun.set(),
                should_stop=self._stopped.is_set,
            )
        finally:
            self._sending.discard(issue_id)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def _call_next(self, issue_id: int, begun: asyncio.Event) -> None:
        """Call another worker once something left here: where nothing can, it would only come and go."""
        await begun.wait()
        await self._told.give("deliver", issue_id)

    async def _tell(self) -> None:
        """Tell the others again and again what there is, whoever of them does it."""
        while True:
            await self._runner.run("deliver")
            await asyncio.sleep(_TICK_SECONDS)

    @asynccontextmanager
    async def _seen(self) -> AsyncIterator[None]:
        """Be in the list of those who work, and leave it at the end."""
        await forget_workers(self._house.store, before=self._runner.clock() - _LIFE)
        await self._show()
        showing = asyncio.create_task(self._show_again())
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            async with self._house.store.begin() as session:
                name = worker_lease(self._runner.holder)
                await leases.release(session, name, ",".join(self._queues))

    async def _show_again(self) -> None:
        while True:
            await asyncio.sleep(_LIFE.total_seconds() / 3)
            with contextlib.suppress(DigestError):  # the next may succeed; a lost queue ends the worker
                await self._show()

    async def _show(self) -> None:
        async with self._house.store.begin() as session:
            await leases.take(
                session,
                worker_lease(self._runner.holder),
                ",".join(self._queues),
                life=_LIFE,
                now=self._runner.clock(),
            )
