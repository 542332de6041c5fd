"""Kill -9 while an issue is sent, again and again: who was missed, who got it twice, what is in doubt.

Each kill falls at a named point of a delivery or at a random message; both stores, both transports, one and
three workers in turn. The next run starts at once and finds by itself that the last one's process is dead.
What arrived is counted by a mail server in this process, which outlives every kill; in an outbox the same
message twice is one file, so duplicates are only counted with SMTP. Not measured: loss of power, a mail
server or a PostgreSQL that dies, two machines.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from digest import eventloop
from digest.deliver.smtp import Line
from digest.deliver.wire import Wire
from digest.house import open_house
from digest.log import Log
from digest.publish import outcomes, send
from digest.publish.ledger import Ledger
from digest.publish.sending import Sending
from digest.store import Writer, deliveries
from mailing import postgres, prepare, settings_for, the_issue

#: A victim that was given a point that never comes ends by itself.
_KILLS_A_CAMPAIGN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sender finds its ledger, its way out and its log."""

    database: str
    url: str
    log: Path


class Sink:
    """A mail server that takes everything, a little slowly, and remembers it."""

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        self.forms: defaultdict[str, set[str]] = defaultdict(set)
        self.count = 0
        #: Called with the number of messages so far, before the reply.
        self.on_message: Callable[[int], None] = lambda _count: None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink.example.org ESMTP\r\n")
        recipient = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink.example.org\r\n250-PIPELINING\r\n250 SIZE 10000000\r\n")
            elif verb == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self._take(recipient, await reader.readuntil(b"\r\n.\r\n"))
                await asyncio.sleep(random.random() / 500)
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 ok\r\n")

    def _take(self, recipient: str, data: bytes) -> None:
        found = re.search(rb"^Message-ID: (\S+)", data, re.MULTILINE)
        self.arrived[recipient] += 1
        self.forms[recipient].add(f"{found and found[1]!r} {hashlib.sha256(data).hexdigest()}")
        self.count += 1
        self.on_message(self.count)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_call(owner: Any, name: str, nth: int) -> None:
    """Die when the call of that number has returned."""
    calls, original = itertools.count(1), getattr(owner, name)

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        if next(calls) >= nth:
            die()
        return result

    setattr(owner, name, wrapped)


def at_dot(nth: int) -> None:
    """Die when the final dot of that number is written and before its reply is read."""
    calls, original = itertools.count(1), Wire._write

    def wrapped(self: Wire, *blocks: bytes) -> None:
        original(self, *blocks)
        if blocks[0].startswith(b".\r\n") and next(calls) >= nth:
            die()

    Wire._write = wrapped  # type: ignore[method-assign]


def in_transaction(nth: int) -> None:
    """Die when intents and outcomes are written and not committed."""
    calls, original = itertools.count(1), deliveries.record

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if next(calls) >= nth:
            die()
        return result

    deliveries.record = wrapped


#: Where a victim dies by itself, given the number of the call; "" leaves it to chance.
POINTS: dict[str, Callable[[int], None]] = {
    "dot out": at_dot,
    "": lambda _nth: None,
    "intent not committed": in_transaction,
    "reply read": lambda nth: after_call(Line, "_finish", nth),
    "intent stored": lambda nth: after_call(Ledger, "hand", nth),
    "body out": lambda nth: after_call(Wire, "push", nth),
    "outcome stored": lambda nth: after_call(Writer, "write", nth),
    "claim stored": lambda nth: after_call(Sending, "_claim", 1 + nth // 40),
}


def work(place: Place, connections: int, point: str, nth: int) -> None:
    """A process that sends, and dies at the point it was given."""
    outcomes._BATCH = 1
    POINTS[point](nth)
    eventloop.run(_send(place, connections))


async def _send(place: Place, connections: int) -> None:
    settings = settings_for(place.database, place.url, connections=connections)
    with place.log.open("a") as log:
        async with open_house(settings, log=Log(log, as_json=True)) as house:
            await send(house, await the_issue(house))


def recovered(place: Place) -> int:
    """How many senders found in doubt when they took up what a dead one left."""
    if not place.log.exists():
        return 0
    lines = [json.loads(line) for line in place.log.read_text().splitlines()]
    return sum(line["uncertain"] for line in lines if line["event"] == "deliver.recovered")


async def ledger(place: Place) -> dict[str, int]:
    """The deliveries by state."""
    async with open_house(settings_for(place.database, ""), log=Log(StringIO())) as house:
        issue = await the_issue(house)
        async with house.store.read() as session:
            return await deliveries.counts(session, issue.id)


class Campaign:
    """One issue to all readers, with kills until they are used up, then to the end."""

    def __init__(self, options: argparse.Namespace, place: Place, sink: Sink, workers: int) -> None:
        self.options = options
        self.place = place
        self.sink = sink
        self.workers = workers
        #: Intents without an outcome after the last run, and those that senders have found since.
        self.handed = self.found = 0
        self.doubts: list[int] = []
        self.kills = 0

    async def run(self, kills: int) -> dict[str, int]:
        """What came of it."""
        few = settings_for(self.place.database, self.place.url)
        await prepare(few, readers=self.options.readers, stories=3)
        while self.kills < kills and await self._once(kill=True):
            pass
        await self._once(kill=False)
        states = await ledger(self.place)
        if set(states) != {"sent"}:
            sys.exit(f"the ledger does not end well: {states}")
        return self._verdict()

    async def _once(self, *, kill: bool) -> bool:
        """True when there is something left to send."""
        # So early that the others leave the victim enough to reach it.
        nth = random.randint(1, max(1, self.options.readers // (2 * _KILLS_A_CAMPAIGN * self.workers)))
        point = next(_POINTS[self.place.url.partition(":")[0]]) if kill else ""
        processes = [
            _CONTEXT.Process(target=work, args=(self.place, self.options.connections, point * first, nth))
            for first in (True, *[False] * (self.workers - 1))
        ]
        victim = processes[0]
        for process in processes:
            process.start()
        if kill and not point:
            start = self.sink.count
            self.sink.on_message = lambda count: victim.kill() if count >= start + nth else None
            if self.place.url.startswith("file"):
                asyncio.get_running_loop().call_later(0.3 + random.random(), victim.kill)
        for process in processes:
            await asyncio.to_thread(process.join)
        self.sink.on_message = lambda _count: None
        if victim.exitcode not in (0, -signal.SIGKILL):
            sys.exit(f"a sender ended with {victim.exitcode}")
        self.kills += victim.exitcode != 0
        return await self._count_doubts()

    async def _count_doubts(self) -> bool:
        """Note what this run left in doubt, also what another worker has found; True when some are unsent."""
        states = await ledger(self.place)
        handed, found = states.get("handed", 0), recovered(self.place)
        self.doubts.append(handed - self.handed + found - self.found)
        self.handed, self.found = handed, found
        return set(states) != {"sent"}

    def _verdict(self) -> dict[str, int]:
        readers = [f"reader{number}@example.org" for number in range(1, self.options.readers + 1)]
        if self.place.url.startswith("file"):
            outbox = Path(self.place.url.removeprefix("file://"))
            missed = self.options.readers - len(list(outbox.glob("*.eml")))
        else:
            missed = sum(reader not in self.sink.arrived for reader in readers)
        return {
            "missed": missed,
            "duplicates": sum(self.sink.arrived.values()) - len(self.sink.arrived),
            "changed": sum(len(forms) > 1 for forms in self.sink.forms.values()),
        }


#: An outbox has no dot and no reply.
_POINTS = {
    "smtp": itertools.cycle(POINTS),
    "file": itertools.cycle(point for point in POINTS if point not in ("dot out", "reply read", "body out")),
}
#: A fork of a process that has everything imported starts in no time.
_CONTEXT = multiprocessing.get_context("forkserver")


async def measure(options: argparse.Namespace, fresh: Callable[[], str] | None) -> dict[str, Any]:
    """The sums of as many campaigns as the kills need, the kinds in turn."""
    kinds = list(itertools.product(options.store, options.transport, options.workers))
    total: Counter[str] = Counter()
    doubts: list[int] = []
    for store, transport, workers in itertools.cycle(kinds):
        if total["kills"] >= options.kills:
            break
        kills = min(_KILLS_A_CAMPAIGN, options.kills - total["kills"])
        found, campaign = await campaigned(options, store, transport, workers, kills=kills, fresh=fresh)
        total.update(found | {"kills": campaign.kills, "readers": options.readers})
        doubts += campaign.doubts
        kind = f"{store}, {transport}, {workers} worker{'' if workers == 1 else 's'}"
        print(f"{kind}: {campaign.kills} kills, {found}, in doubt after each: {campaign.doubts}", flush=True)
    names = ("kills", "readers", "missed", "duplicates", "changed")
    return {name: total[name] for name in names} | {
        "kinds": len(kinds),
        "connections": options.connections,
        "uncertain": sum(doubts),
        "worst_uncertain": max(doubts),
    }


async def campaigned(
    options: argparse.Namespace,
    store: str,
    transport: str,
    workers: int,
    *,
    kills: int,
    fresh: Callable[[], str] | None,
) -> tuple[dict[str, int], Campaign]:
    """One campaign with a mail server and a database of its own."""
    sink = Sink()
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        place = Place(
            database=fresh() if store == "postgres" and fresh else f"sqlite:///{folder}/crash.db",
            url=f"file://{folder}/outbox" if transport == "file" else f"smtp://127.0.0.1:{port}",
            log=Path(folder) / "log",
        )
        campaign = Campaign(options, place, sink, workers)
        found = await campaign.run(kills)
    server.close()
    return found, campaign


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--readers", type=int, default=400, help="of each campaign of six kills")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--store", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--transport", nargs="+", choices=["smtp", "file"], default=["smtp", "file"])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 3])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    random.seed(options.seed)
    with postgres() if "postgres" in options.store else nullcontext() as fresh:
        figures = asyncio.run(measure(options, fresh))
    if options.json:
        print(json.dumps(figures))
    is_sound = not (figures["missed"] or figures["changed"]) and (
        figures["duplicates"] <= figures["uncertain"] and figures["worst_uncertain"] <= options.connections
    )
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
