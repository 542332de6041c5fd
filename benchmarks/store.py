"""Rows a second of what a large list asks of the store, beside bare sqlite3 doing one row at a time.

Importing readers from a CSV as `digest subscribers import` does, freezing the audience of an issue, claiming
it, storing intents and outcomes in groups, reading all readers in pages; and the bytes on disk. Not measured:
a database on another machine, several writers.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from digest.domain import Delivery, DeliveryState, Issue
from digest.house import House, open_house
from digest.log import Log
from digest.store import Writer, deliveries, issues, subscribers
from digest.store.deliveries import Settlement
from digest.subscribe import import_csv
from mailing import KEY, NOW, content, settings_for

LEASE = timedelta(minutes=10)
CLAIM = 500


class Watch:
    """Rows a second by name."""

    def __init__(self) -> None:
        self.per_s: dict[str, float] = {}

    def note(self, name: str, rows: int, since: float) -> None:
        self.per_s[name] = round(rows / (time.perf_counter() - since))


async def walk(house: House, count: int, group: int, watch: Watch) -> None:
    """The life of an issue's ledger."""
    lines = "".join(
        f"reader{number}@host{number % 997}.example.org,Reader {number}\n" for number in range(count)
    )
    data = f"email,name\n{lines}".encode()
    start = time.perf_counter()
    report = await import_csv(house, KEY, data, confirmed=True, basis="a benchmark", now=NOW)
    watch.note("import", report.added, start)
    async with house.store.begin() as session:
        draft = Issue(newsletter=KEY, number=1, period=NOW.isoformat(), due_at=NOW, content=content(3))
        issue = await issues.save_draft(session, draft, now=NOW)
    start = time.perf_counter()
    async with house.store.begin() as session:
        await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
    watch.note("fan_out", count, start)
    start, pages = time.perf_counter(), 0
    async with house.store.read() as session:
        async for page in subscribers.pages(session, KEY):
            pages += len(page)
    watch.note("page", pages, start)
    await _send_some(house, issue.id, min(count, 50_000), group, watch)


async def _send_some(house: House, issue_id: int, count: int, group: int, watch: Watch) -> None:
    """Claims, and both halves of each delivery, as a sending does it."""
    claimed: list[Delivery] = []
    start = time.perf_counter()
    while len(claimed) < count:
        async with house.store.begin() as session:
            claimed += await deliveries.claim(session, issue_id, limit=CLAIM, lease=LEASE, now=NOW)
    watch.note("claim", len(claimed), start)
    spent = {False: 0.0, True: 0.0}
    async with (
        aclosing(Writer(house.store)) as usual,
        aclosing(Writer(house.store, outlives_power=True)) as synced,
    ):
        # In turn, so that both meet the same moments of the machine.
        half = len(claimed) // 2
        stretch = group * 20
        for at in range(0, half, stretch):
            for outlives, writer, start in ((False, usual, 0), (True, synced, half)):
                some = claimed[start + at : start + min(at + stretch, half)]
                spent[outlives] += await _settle_some(writer, some, group)
    watch.per_s["intent_and_outcome"] = round(half / spent[False])
    watch.per_s["the_same_outliving_power"] = round(half / spent[True])


async def _settle_some(writer: Writer, claimed: list[Delivery], group: int) -> float:
    """Seconds for an intent and an outcome of each, in groups as a sending makes them."""
    start = time.perf_counter()
    before: list[Settlement] = []
    for at in [*range(0, len(claimed), group), len(claimed)]:
        now = claimed[at : at + group]
        await writer.write(partial(deliveries.record, intents=now, outcomes=before, lease=LEASE, now=NOW))
        before = [
            Settlement(delivery=one, state=DeliveryState.SENT, reply="250 2.0.0 queued as 4F1B2C3D")
            for one in now
        ]
    return time.perf_counter() - start


def one_by_one(file: Path, count: int) -> float:
    """Deliveries a second of bare sqlite3 that commits each intent and each outcome alone."""
    connection = sqlite3.connect(file, isolation_level=None)
    ids = [key for (key,) in connection.execute("SELECT id FROM delivery LIMIT ?", (count,))]
    connection.execute("PRAGMA synchronous=NORMAL")
    start = time.perf_counter()
    for key in ids:
        connection.execute("UPDATE delivery SET state='handed' WHERE id=?", (key,))
        connection.execute("UPDATE delivery SET state='sent', reply='250 ok' WHERE id=?", (key,))
    seconds = time.perf_counter() - start
    connection.close()
    return len(ids) / seconds


def bytes_in(folder: Path) -> int:
    """The size of all files there."""
    return sum(part.stat().st_size for part in folder.iterdir())


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """All figures of one run."""
    file, watch = folder / "store.db", Watch()
    async with open_house(settings_for(f"sqlite:///{file}", ""), log=Log(StringIO())) as house:
        await walk(house, options.subscribers, options.group, watch)
    size = bytes_in(folder)
    bare = one_by_one(file, min(options.subscribers, 5000))
    return {
        "subscribers": options.subscribers,
        "group": options.group,
        **{f"{name}_per_s": value for name, value in watch.per_s.items()},
        "one_by_one_per_s": round(bare),
        "ratio_to_one_by_one": round(watch.per_s["intent_and_outcome"] / bare, 2),
        "ratio_outliving_power": round(
            watch.per_s["the_same_outliving_power"] / watch.per_s["intent_and_outcome"], 2
        ),
        "bytes_a_subscriber": round(size / options.subscribers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--group", type=int, default=25, help="deliveries in a transaction")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(options, Path(folder)))
    for name, value in figures.items():
        print(f"{name:28}{value}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
