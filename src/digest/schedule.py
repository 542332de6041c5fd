"""The daemon: what runs when, the pages beside it, and a clean stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from fastapi import FastAPI

from digest import __version__, cron
from digest.errors import ConfigError
from digest.house import House
from digest.jobs import Runner
from digest.standing import next_due

#: How often the database is asked whether anything is due, in seconds; "deliver" only where workers can be.
TICKS: Mapping[str, float] = {"gather": 60, "issues": 30, "deliver": 10, "notices": 10, "tidy": 24 * 3600}
#: Seconds that running work is given to end after SIGTERM.
GRACE = 20.0


class Daemon:
    """Ticks jobs and serves the pages until `stop` is called or a signal comes."""

    def __init__(self, house: House, runner: Runner, *, ticks: Mapping[str, float] = TICKS) -> None:
        """Nothing runs before `serve`; `ticks` has each job's pause in seconds."""
        self._house = house
        self._runner = runner
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[bool]] = set()
        #: Jobs asked for while they were running: what was queued meanwhile may have been missed.
        self._again: set[str] = set()
        self._broken: BaseException | None = None
        # A machine that slept wakes up late; what it missed is due all the same.
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None})
        self._ticks = ticks
        for job, seconds in ticks.items():
            self._scheduler.add_job(self._tick, IntervalTrigger(seconds=seconds), args=[job])
        self._await_due()

    def _await_due(self) -> None:
        """Tick at the very moment the next issue is due; the ticks between catch up with what was missed."""
        now, every = datetime.now(UTC), self._house.settings.newsletters.values()
        due = min(cron.next_due(one.schedule, one.timezone, now) for one in every)
        self._scheduler.add_job(self._at_due, DateTrigger(due), id="due", replace_existing=True)

    async def _at_due(self) -> None:
        self.tick("issues")
        self._await_due()

    def stop(self) -> None:
        """Let what is in flight end, claim nothing more."""
        self._runner.stopping = True
        self._stopped.set()

    async def _tick(self, job: str) -> None:
        """For the scheduler, which would run a plain function in a thread, where there is no loop."""
        self.tick(job)

    def tick(self, job: str) -> None:
        """Start a job, or start it once more when it is running; what is due is read from the database."""
        if self._stopped.is_set():
            return
        if any(task.get_name() == job for task in self._tasks):
            self._again.add(job)
            return
        task = asyncio.get_running_loop().create_task(self._runner.run(job), name=job)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug, not bad input: stop loudly, and let the service manager start us afresh.
            self._house.log.warning("daemon.broke", job=task.get_name(), error=repr(error))
            self._broken = error
            self.stop()
        elif task.get_name() in self._again:
            self._again.discard(task.get_name())
            self.tick(task.get_name())

    def wake(self) -> None:
        """Send notices now; the pages call it, so that a confirmation leaves within a second."""
        self.tick("notices")

    async def serve(self, app: FastAPI, listening: socket.socket) -> None:
        """Run until stopped; then end within `GRACE` seconds and say what was left."""
        server = _Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=5,
                forwarded_allow_ips=list(self._house.settings.web.trusted_proxies),
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        async with asyncio.TaskGroup() as group:
            pages = group.create_task(server.serve(sockets=[listening]))
            self._scheduler.start()
            await self._announce(listening)
            for job in self._ticks:
                self.tick(job)
            stopped = group.create_task(self._stopped.wait())
            await asyncio.wait({pages, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await self._wind_down(server)
            stopped.cancel()
        if self._broken is not None:
            # What manages the service is to see a failure, and to start it again.
            raise self._broken

    async def _announce(self, listening: socket.socket) -> None:
        host, port = listening.getsockname()[:2]
        due = await next_issue(self._house, now=datetime.now(UTC))
        self._house.log.event(
            "ready",
            http=f"{host}:{port}",
            version=__version__,
            newsletters=len(self._house.settings.newsletters),
            next_issue=due.isoformat(timespec="minutes"),
        )

    async def _wind_down(self, server: uvicorn.Server) -> None:
        self.stop()
        self._scheduler.shutdown(wait=False)
        server.should_exit = True
        running = set(self._tasks)
        self._house.log.event("stopping", jobs=len(running))
        done, left = await asyncio.wait(running, timeout=GRACE) if running else (set(), set())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._house.log.event("stopped", ended=len(done), cut_off=len(left))


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the daemon has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def next_issue(house: House, *, now: datetime) -> datetime:
    """When the first issue of any newsletter really comes, on that newsletter's clock."""
    dues = [
        (await next_due(house, key, now=now)).astimezone(ZoneInfo(chosen.timezone))
        for key, chosen in house.settings.newsletters.items()
    ]
    return min(dues)


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket that names its protocol: only then does asyncio send small answers at once."""
    family, kind, protocol, _name, place = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket, before anything says that it is ready; ConfigError when it is taken."""
    try:
        return _bound(host, port)
    except OSError as exc:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {exc.strerror}", hint="another digest run? else [web] port"
        ) from exc
