"""Several processes that send one issue together: this one, and mates of its own that it starts and ends.

Nothing is shared out: each claims from the ledger, as on several machines. Only the connections are divided.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from digest.config import Settings
from digest.domain import Issue, Outcome
from digest.house import House
from digest.store import deliveries

#: What goes over the pipes between processes is a pickle behind its length.
LENGTH = struct.Struct(">Q")
#: Fewer readers are served before another process has begun, which takes a second of a core: by what signs.
_WORTH_IT_RSA = 5_000
_WORTH_IT_ED25519 = 15_000
#: Beyond that many the ledger is what they wait for.
_MOST = 4
_LOOK_SECONDS = 0.5
#: What is in flight when a mate is told to stop has so long to end.
_END_SECONDS = 60.0
#: A mate tells what it did several times a second; one that is silent for so long hangs.
_SILENCE_SECONDS = 90.0

Watch = Callable[[Outcome], None]


async def size(house: House, issue: Issue) -> int:
    """How many processes are to send the issue: as the settings say, or one a core where it is signed."""
    settings = house.settings
    fewest = min(way.connections for way in settings.ways.values())
    if settings.delivery.processes:
        return min(settings.delivery.processes, fewest)
    # On PostgreSQL that is what `digest worker` is for.
    if not house.store.is_sqlite or (worth_it := _worth_it(settings)) is None:
        return 1
    async with house.store.read() as session:
        waiting = await deliveries.open_count(session, issue.id)
    return min(os.cpu_count() or 1, _MOST, fewest) if waiting >= worth_it else 1


def _worth_it(settings: Settings) -> int | None:
    """From how many readers on another process is worth its start; None for never."""
    keys = settings.smtp.dkim
    if keys is None or all(way.signs for way in settings.ways.values()):
        return None
    return _WORTH_IT_ED25519 if keys.rsa_key is None else _WORTH_IT_RSA


def share(settings: Settings, parts: int, part: int) -> Settings:
    """The settings of one of so many processes: its part of the connections, and no mates of its own."""
    if parts == 1:
        return settings

    def of(connections: int) -> int:
        return connections // parts + (part < connections % parts)

    relays = {
        name: relay.model_copy(update={"connections": of(relay.connections)})
        for name, relay in settings.relays.items()
    }
    smtp = settings.smtp.model_copy(update={"connections": of(settings.smtp.connections)})
    delivery = settings.delivery.model_copy(update={"processes": 1})
    return settings.model_copy(update={"relays": relays, "smtp": smtp, "delivery": delivery})


@dataclass(slots=True, eq=False)
class Crew:
    """The processes that send an issue now: this one, and mates that may be lost."""

    #: True when what called for the sending wants it to end.
    is_to_stop: Callable[[], bool]
    #: How many began, this one included.
    size: int = 1
    #: Why mates ended before they were told to, or found nothing more to do.
    lost: list[str] = field(default_factory=list)

    def should_stop(self) -> bool:
        """True also when a mate is lost: what it held is to be found, and its connections are free."""
        return bool(self.lost) or self.is_to_stop()


@asynccontextmanager
async def crew(
    house: House, issue: Issue, *, count: int, watch: Watch, should_stop: Callable[[], bool]
) -> AsyncIterator[Crew]:
    """`count` - 1 more processes that send the issue, or as many as can be had; the end waits for all.

    They stop when `should_stop` says so, when one of them is lost, when the block raises, and when this
    process is gone. Cancelling ends them at once.
    """
    ours = Crew(should_stop)
    mates: list[Process] = []
    listening: list[asyncio.Task[None]] = []
    stopping = asyncio.create_task(_stop_when(ours.should_stop, mates))
    try:
        while len(mates) < count - 1 and (mate := await _started(house)) is not None:
            mates.append(mate)
        ours.size = 1 + len(mates)
        for part, mate in enumerate(mates, start=1):
            _order(mate, share(house.settings, ours.size, part), issue)
            listening.append(asyncio.create_task(_listen(house, mate, watch, ours)))
        yield ours
        await asyncio.gather(*listening)
    except asyncio.CancelledError:
        for task in listening:
            task.cancel()
        _kill(mates)
        raise
    finally:
        stopping.cancel()
        _tell_to_stop(mates)
        await _ended(mates, listening)


async def _started(house: House) -> Process | None:
    """A mate that waits for its order; None, with a warning, when the system gives no process."""
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "digest.publish.mate",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C reaches all that a terminal runs, and a mate that is still starting has no answer to it.
            start_new_session=True,
        )
    except OSError as exc:
        why = f"{sys.executable}: {exc.strerror}"
        house.log.warning("deliver.mate_failed", why=why, then="the others take its connections")
        return None


def _order(mate: Process, settings: Settings, issue: Issue) -> None:
    order = pickle.dumps((settings, issue.id), protocol=5)
    if mate.stdin is not None:
        mate.stdin.write(LENGTH.pack(len(order)) + order)


async def _listen(house: House, mate: Process, watch: Watch, ours: Crew) -> None:
    """Pass on what the mate tells of its outcomes, until it ends; note why when that is too early."""
    try:
        why = await _heard(mate, watch)
    except TimeoutError:
        why = "it hung"
        _kill([mate])
        await mate.wait()
    if why:
        ours.lost.append(why)
        house.log.warning("deliver.mate_lost", why=why, then="the others take up what it held")


async def _heard(mate: Process, watch: Watch) -> str:
    """What went wrong with the mate, once it has ended; "" for nothing. TimeoutError when it hangs."""
    why = ""
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            async with asyncio.timeout(_SILENCE_SECONDS):
                told = await _told(mate)
            if isinstance(told, str):
                why = told
                continue
            for outcome in told:
                watch(outcome)
    async with asyncio.timeout(_END_SECONDS):
        code = await mate.wait()
    return why or _ending(code)


async def _told(mate: Process) -> list[Outcome] | str:
    """Outcomes, or what went wrong; IncompleteReadError once the mate has ended."""
    if mate.stdout is None:
        raise asyncio.IncompleteReadError(b"", None)
    head = await mate.stdout.readexactly(LENGTH.size)
    said: list[Outcome] | str = pickle.loads(  # noqa: S301  from a process of ours, over a pipe of ours
        await mate.stdout.readexactly(LENGTH.unpack(head)[0])
    )
    return said


def _ending(code: int) -> str:
    """How a process ended, in words; "" when it ended well."""
    if code < 0:
        return f"it was killed by {signal.Signals(-code).name}"
    return f"it ended with code {code}" if code else ""


async def _stop_when(should_stop: Callable[[], bool], mates: list[Process]) -> None:
    while not should_stop():  # noqa: ASYNC110 - what says so may be another thread's or the system's
        await asyncio.sleep(_LOOK_SECONDS)
    _tell_to_stop(mates)


def _tell_to_stop(mates: list[Process]) -> None:
    for mate in mates:
        if mate.stdin is not None:
            mate.stdin.close()


def _kill(mates: list[Process]) -> None:
    for mate in mates:
        with contextlib.suppress(ProcessLookupError):
            mate.kill()


async def _ended(mates: list[Process], listening: list[asyncio.Task[None]]) -> None:
    """Wait for the mates, or end them; what they claimed is found again by whoever sends next."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            await asyncio.gather(*(mate.wait() for mate in mates))
    except TimeoutError:
        pass
    finally:
        _kill(mates)
    await asyncio.gather(*(mate.wait() for mate in mates))
    await asyncio.gather(*listening, return_exceptions=True)
