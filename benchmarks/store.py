"""Rows a second of what a large list asks of the store, beside bare sqlite3 doing the same.

Importing readers from a CSV file as `digest subscribers import` does, freezing the audience of an issue,
claiming it, storing intents and outcomes in groups, reading all readers in pages; the bytes on disk, and the
most memory before claims. The limit of an import is sqlite3's `executemany` of the same rows, read before,
in as large transactions into the same tables; that of a group is sqlite3 that commits each intent and outcome
alone. By the clock, and by processor time where `_cpu` is in the name, which says more on a busy machine.
Not measured: a database on another machine, several writers.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from digest import eventloop
from digest.domain import Delivery, DeliveryState, Issue
from digest.house import House, open_house
from digest.log import Log
from digest.store import Writer, deliveries, issues, subscribers
from digest.store.deliveries import Settlement
from digest.subscribe import import_csv
from mailing import KEY, NOW, content, settings_for

LEASE = timedelta(minutes=10)
#: Rows in a transaction of the bare import, as many as in one of ours.
TRANSACTION = 32_000
CLAIM = 500


class Watch:
    """Rows a second by name, by the clock and by processor time; and the most memory."""

    def __init__(self) -> None:
        self.per_s: dict[str, float] = {}
        self.peak_mb = 0

    @contextmanager
    def over(self, name: str, rows: int) -> Iterator[None]:
        """Notes what the block does."""
        start, cpu = time.perf_counter(), time.process_time()
        yield
        self.per_s[name] = round(rows / (time.perf_counter() - start))
        self.per_s[f"{name}_cpu"] = round(rows / (time.process_time() - cpu))


def write_list(file: Path, count: int) -> None:
    """A CSV of that many readers."""
    with file.open("w") as out:
        out.write("email,name\n")
        for number in range(count):
            out.write(f"reader{number}@host{number % 997}.example.org,Reader {number}\n")


async def walk(house: House, folder: Path, options: argparse.Namespace, watch: Watch) -> None:
    """The life of an issue's ledger, after an import."""
    count = options.subscribers
    with (folder / "list.csv").open("rb") as file, watch.over("import", count):
        report = await import_csv(house, KEY, file, confirmed=True, basis="a benchmark", now=NOW)
    if report.added != count:
        sys.exit(f"not all were imported: {report.added}")
    async with house.store.begin() as session:
        draft = Issue(newsletter=KEY, number=1, period=NOW.isoformat(), due_at=NOW, content=content(3))
        issue = await issues.save_draft(session, draft, now=NOW)
    with watch.over("fan_out", count):
        async with house.store.begin() as session:
            await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
    with watch.over("page", count):
        async with house.store.read() as session:
            async for _page in subscribers.pages(session, KEY):
                pass
    # Before the deliveries that are claimed next, which only a benchmark holds all at once.
    watch.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    await _send_some(house, issue.id, min(count, 50_000), options.group, watch)


async def _send_some(house: House, issue_id: int, count: int, group: int, watch: Watch) -> None:
    """Claims, and both halves of each delivery, as a sending does it."""
    claimed: list[Delivery] = []
    with watch.over("claim", count):
        while len(claimed) < count:
            async with house.store.begin() as session:
                claimed += await deliveries.claim(session, issue_id, limit=CLAIM, lease=LEASE, now=NOW)
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
        await writer.write_little(
            partial(deliveries.record, intents=now, outcomes=before, lease=LEASE, now=NOW)
        )
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


def bare_import(file: Path, count: int, watch: Watch) -> None:
    """sqlite3 alone storing what an import of as many readers stores, in the tables of `file`, emptied."""
    connection = sqlite3.connect(file, isolation_level=None)
    tables = {name: _columns(connection, name) for name in ("subscriber", "subscription", "consent")}
    rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    for name in ("delivery", "consent", "subscription", "subscriber"):
        connection.execute(f"DELETE FROM {name}")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    with watch.over("bare_import", count):
        for at in range(0, count, TRANSACTION):
            connection.execute("BEGIN IMMEDIATE")
            for name, places in tables.items():
                some = rows[name][at : at + TRANSACTION]
                connection.executemany(f"INSERT INTO {name} VALUES ({places})", some)
            connection.execute("COMMIT")
    connection.close()


def _columns(connection: sqlite3.Connection, table: str) -> str:
    return ",".join("?" for _ in connection.execute(f"PRAGMA table_info({table})"))


def bytes_in(folder: Path) -> int:
    """The size of the database's files there."""
    return sum(part.stat().st_size for part in folder.glob("store.db*"))


async def ours(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """What this process does with the store."""
    watch = Watch()
    settings = settings_for(f"sqlite:///{folder / 'store.db'}", "")
    async with open_house(settings, log=Log(StringIO())) as house:
        await walk(house, folder, options, watch)
    return watch.per_s | {"peak_mb": watch.peak_mb}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """All figures of one run; ours in a process of its own, so that its memory is its own."""
    write_list(folder / "list.csv", options.subscribers)
    command = [sys.executable, __file__, "--child", str(folder)]
    command += ["--subscribers", str(options.subscribers), "--group", str(options.group)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    peak, file, watch = found.pop("peak_mb"), folder / "store.db", Watch()
    size = bytes_in(folder)
    bare = one_by_one(file, min(options.subscribers, 5000))
    bare_import(file, options.subscribers, watch)
    rates = found | watch.per_s
    return {
        "subscribers": options.subscribers,
        "group": options.group,
        **{f"{name}_per_s": value for name, value in rates.items()},
        "import_ratio_to_bare": round(rates["import"] / rates["bare_import"], 2),
        "one_by_one_per_s": round(bare),
        "ratio_to_one_by_one": round(rates["intent_and_outcome"] / bare, 2),
        "ratio_outliving_power": round(rates["the_same_outliving_power"] / rates["intent_and_outcome"], 2),
        "bytes_a_subscriber": round(size / options.subscribers),
        "peak_mb": peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--group", type=int, default=25, help="deliveries in a transaction")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(eventloop.run(ours(options, options.child))))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options, Path(folder))
    for name, value in figures.items():
        print(f"{name:28}{value}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
