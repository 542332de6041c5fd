"""Several processes that send one issue together: this one, and mates of its own that it starts and ends.

Nothing is shared out: each claims from the ledger, as on several machines. Only the connections are divided.
"""

import asyncio
import contextlib
import os
import pickle
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from digest.config import Settings
from digest.domain import Issue, Outcome
from digest.house import House
from digest.store import deliveries

#: What goes over the pipes between processes is a pickle behind its length.
LENGTH = struct.Struct(">Q")
#: Fewer readers are served before another process has begun.
_WORTH_IT = 5_000
#: Beyond that many the ledger is what they wait for.
_MOST = 4
_LOOK_SECONDS = 0.5
#: What is in flight when a mate is told to stop has so long to end.
_END_SECONDS = 60.0

Watch = Callable[[Outcome], None]


async def size(house: House, issue: Issue) -> int:
    """How many processes are to send the issue: as the settings say, or one a core where RSA signs."""
    settings = house.settings
    fewest = min(way.connections for way in settings.ways.values())
    if settings.delivery.processes:
        return min(settings.delivery.processes, fewest)
    # On PostgreSQL that is what `digest worker` is for.
    if not (house.store.is_sqlite and _signs_slowly(settings)):
        return 1
    async with house.store.read() as session:
        waiting = await deliveries.open_count(session, issue.id)
    return min(os.cpu_count() or 1, _MOST, fewest) if waiting >= _WORTH_IT else 1


def _signs_slowly(settings: Settings) -> bool:
    """True with RSA, which takes longer than all else that a message needs."""
    keys = settings.smtp.dkim
    return (
        keys is not None and keys.rsa_key is not None and not all(way.signs for way in settings.ways.values())
    )


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


@asynccontextmanager
async def crew(
    house: House, issue: Issue, *, count: int, watch: Watch, should_stop: Callable[[], bool]
) -> AsyncIterator[None]:
    """`count` - 1 more processes that send the issue; the block's end waits for theirs.

    They stop when `should_stop` says so, when the block raises, and when this process is gone.
    """
    mates = [one for part in range(1, count) if (one := await _started(house, issue, count, part))]
    listening = [asyncio.create_task(_listen(mate, watch)) for mate in mates]
    stopping = asyncio.create_task(_stop_when(should_stop, mates)) if mates else None
    try:
        yield
        await asyncio.gather(*listening)
    finally:
        if stopping is not None:
            stopping.cancel()
        for mate in mates:
            _tell_to_stop(mate)
        try:
            await asyncio.gather(*(_end(house, mate) for mate in mates))
        finally:
            for task in listening:
                task.cancel()


async def _started(house: House, issue: Issue, count: int, part: int) -> asyncio.subprocess.Process | None:
    """A mate at work; None, with a warning, when the system gives no process: the others do its part."""
    try:
        mate = await asyncio.create_subprocess_exec(
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
        house.log.warning("deliver.mate_failed", why=f"{sys.executable}: {exc.strerror}")
        return None
    order = pickle.dumps((share(house.settings, count, part), issue.id), protocol=5)
    if mate.stdin is not None:
        mate.stdin.write(LENGTH.pack(len(order)) + order)
    return mate


async def _listen(mate: asyncio.subprocess.Process, watch: Watch) -> None:
    """Pass on what the mate tells of its outcomes, until it ends."""
    if mate.stdout is None:
        return
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            head = await mate.stdout.readexactly(LENGTH.size)
            told = await mate.stdout.readexactly(LENGTH.unpack(head)[0])
            for outcome in pickle.loads(told):  # noqa: S301  from a process of ours, over a pipe of ours
                watch(outcome)


async def _stop_when(should_stop: Callable[[], bool], mates: list[asyncio.subprocess.Process]) -> None:
    while not should_stop():  # noqa: ASYNC110 - what says so may be another thread's or the system's
        await asyncio.sleep(_LOOK_SECONDS)
    for mate in mates:
        _tell_to_stop(mate)


def _tell_to_stop(mate: asyncio.subprocess.Process) -> None:
    if mate.stdin is not None:
        mate.stdin.close()


async def _end(house: House, mate: asyncio.subprocess.Process) -> None:
    """Wait for the mate, or end it; what it claimed is found again by whoever sends next."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            await mate.wait()
    except TimeoutError:
        mate.kill()
        await mate.wait()
    except asyncio.CancelledError:
        if mate.returncode is None:
            mate.kill()
        raise
    if mate.returncode != 0:
        house.log.warning("deliver.mate_ended", code=mate.returncode)
