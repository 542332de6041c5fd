"""A thousand feeds over loopback: fetched, parsed, cleaned and stored; then all of them again, unchanged.

Ours is the whole path of `digest gather` (every feed its own source in SQLite), with --concurrency 64. The
plain loop is requests + feedparser + sqlite3, one feed after the other, on --plain of the same feeds in the
same run; rss2email is run beside it where it is installed. The server is a process of its own on the same
processors. Not measured: names, TLS, slow servers, and the spacing that hosts of one's own (these are) do not
need.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

from digest import eventloop
from digest.config import Settings
from digest.domain import Source
from digest.house import open_house
from digest.log import Log
from digest.publish import GatherReport, gather_sources
from digest.store import sources

ITEMS = 25
PER_HOST = 4
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
_WORDS = (
    "The harbour keeps its readings for thirty years and a day, and <b>nobody</b> is asked to pay for the "
    "standing of the gauges; what the water did this morning is told to "
    "<a href='/ask?who=1&amp;what=2'>anybody who asks</a>. "
)


def feed_of(number: int) -> bytes:
    """A feed of 25 entries and about 100 KB, no two alike."""
    items = "".join(
        f"<item><title>Reading {place} of gauge {number}</title>"
        f"<guid isPermaLink='false'>g{number}-{place}</guid>"
        f"<link>https://gauge{number}.example/readings/{place}?utm_source=feed</link>"
        f"<pubDate>{NOW - timedelta(hours=place):%a, %d %b %Y %H:%M:%S GMT}</pubDate>"
        f"<description><![CDATA[<p>{place}. {_WORDS * 16}</p>]]></description></item>"
        for place in range(ITEMS)
    )
    head = f"<title>Gauge {number}</title><link>https://gauge{number}.example/</link><language>en</language>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


class Server(asyncio.Protocol):
    """Answers /N with feed N, or with 304 to who has it."""

    template = feed_of(7_777_777)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            request, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
            number = request.split(b" ", 2)[1].strip(b"/")
            etag = b'ETag: "%s"\r\n' % number
            if b"if-none-match" in request.lower():
                self.transport.write(b"HTTP/1.1 304 Not Modified\r\n" + etag + b"\r\n")
                continue
            body = self.template.replace(b"7777777", number)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: %d\r\n" % len(
                body
            )
            self.transport.writelines((head, etag, b"\r\n", body))


async def serve() -> None:
    """Serve on every address of 127.0.0.0/8 until standard input ends; the port is the first line printed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "0.0.0.0", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def addresses(count: int, port: int) -> list[str]:
    """Four feeds a host, as many hosts as it takes."""
    return [f"http://{_host(number)}:{port}/{number}" for number in range(count)]


def _host(number: int) -> str:
    host = number // PER_HOST
    return f"127.0.{1 + host // 200}.{1 + host % 200}"


async def ours(count: int, port: int, concurrency: int, folder: Path) -> dict[str, float]:
    """Feeds a second, fresh and unchanged, and the most memory that we and our workers took."""
    # Imported before the clock runs, as the plain loop's libraries are.
    import_module("digest.gather.gathering")
    hosts = sorted({_host(number) for number in range(count)})
    settings = Settings.model_validate(
        {
            "database": f"sqlite:///{folder / 'digest.db'}",
            "secret": "a secret of thirty-two characters or more",
            "gather": {"allow_hosts": hosts, "concurrency": concurrency},
            "newsletters": {"a": {"name": "A", "from_address": "a@example.org"}},
        }
    )
    async with open_house(settings, log=Log(StringIO())) as house:
        async with house.store.begin() as session:
            await sources.add(session, [Source(url=url, title="") for url in addresses(count, port)], now=NOW)
        with Memory() as memory:
            fresh = await _timed(gather_sources(house, now=NOW, everything=True))
            again = await _timed(gather_sources(house, now=NOW + timedelta(hours=1), everything=True))
    expect(fresh[1].fresh == count and fresh[1].articles == count * ITEMS, fresh[1])
    expect(again[1].unchanged == count, again[1])
    rates = {"fresh_per_s": count / fresh[0], "unchanged_per_s": count / again[0]}
    spent = {"fresh_cpu_ms": fresh[2] / count * 1000, "unchanged_cpu_ms": again[2] / count * 1000}
    return rates | spent | {"peak_mb": memory.peak_mb}


async def _timed(run: Any) -> tuple[float, GatherReport, float]:
    """Seconds by the clock, the report, and seconds of processors, those of the workers with them."""
    start, before = time.perf_counter(), os.times()
    report: GatherReport = await run
    return time.perf_counter() - start, report, sum(os.times()[:4]) - sum(before[:4])


class Memory:
    """Watches how much this process and its workers have together, ten times a second."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.1):
            self.peak_mb = max(self.peak_mb, sum(map(_resident_mb, ("self", *_children()))))


def _children() -> list[str]:
    with contextlib.suppress(OSError):
        return [
            pid
            for task in Path("/proc/self/task").iterdir()
            for pid in (task / "children").read_text().split()
        ]
    return []


def _resident_mb(process: str) -> float:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return 0.0


def expect(is_true: bool, told: object) -> None:
    """End the benchmark when a run did not do what is measured."""
    if not is_true:
        raise SystemExit(f"the run did not do its work: {told}")


def plain(count: int, port: int, folder: Path) -> dict[str, float]:
    """The loop that everybody writes first, on some of the same feeds."""
    import feedparser

    get = _getter()
    database = sqlite3.connect(folder / "plain.db")
    database.execute("CREATE TABLE article (guid TEXT PRIMARY KEY, title TEXT, link TEXT, summary TEXT)")
    rates, spent = [], time.process_time()
    for _ in range(2):
        start = time.perf_counter()
        for url in addresses(count, port):
            rows = [(e.id, e.title, e.link, e.summary) for e in feedparser.parse(get(url)).entries]
            with database:
                database.executemany("INSERT OR REPLACE INTO article VALUES (?, ?, ?, ?)", rows)
        rates.append(count / (time.perf_counter() - start))
    cpu_ms = (time.process_time() - spent) / (2 * count) * 1000
    return {"plain_per_s": statistics.median(rates), "plain_cpu_ms": cpu_ms}


def _getter() -> Any:
    """requests where it is installed, else the standard library's way."""
    try:
        import requests
    except ImportError:
        from urllib.request import urlopen

        return lambda url: urlopen(url).read()
    session = requests.Session()
    return lambda url: session.get(url, timeout=30).content


def rss2email(count: int, port: int, folder: Path) -> dict[str, float]:
    """rss2email reading the same feeds into a file of mails; {} where it is not installed."""
    program = shutil.which("r2e")
    if not program:
        return {}
    base = [program, "-c", str(folder / "r2e.cfg"), "-d", str(folder / "r2e.json")]

    def run(*words: str) -> None:
        subprocess.run([*base, *words], check=True, capture_output=True)

    run("new", "reader@example.org")
    for number, url in enumerate(addresses(count, port)):
        run("add", f"feed{number}", url)
    start = time.perf_counter()
    run("run", "--no-send")
    return {"rss2email_per_s": count / (time.perf_counter() - start)}


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Every part in a process of its own, ours as often as asked; medians."""
    with contextlib.ExitStack() as stack:
        server = subprocess.Popen(
            [sys.executable, __file__, "--part", "serve"], stdin=-1, stdout=-1, text=True
        )
        stack.callback(server.wait)
        stack.callback(server.stdin.close)  # type: ignore[union-attr]
        port = int(server.stdout.readline())  # type: ignore[union-attr]
        ratios, runs = [], []
        for _ in range(options.runs):
            mine = _part("ours", options.feeds, port, options.concurrency)
            loop = _part("plain", min(options.plain, options.feeds), port, options.concurrency)
            ratios.append(mine["fresh_per_s"] / loop["plain_per_s"])
            runs.append(mine | loop)
        beside = _part("rss2email", min(options.plain, options.feeds), port, options.concurrency)
        server.stdout.close()  # type: ignore[union-attr]
    result = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return result | beside | {"ratio_to_plain": statistics.median(ratios)}


def _part(name: str, feeds: int, port: int, concurrency: int) -> dict[str, float]:
    words = ["--part", name, "--feeds", str(feeds), "--port", str(port), "--concurrency", str(concurrency)]
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run_part(options: argparse.Namespace) -> None:
    """One part, its figures as the last line."""
    if options.part == "serve":
        asyncio.run(serve())
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.part == "ours":
            result = eventloop.run(ours(options.feeds, options.port, options.concurrency, folder))
        else:
            result = {"plain": plain, "rss2email": rss2email}[options.part](
                options.feeds, options.port, folder
            )
    print(json.dumps(result))


def main() -> None:
    """Measure and print; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--plain", type=int, default=60, help="how many of them the plain loop reads")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", choices=("serve", "ours", "plain", "rss2email"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        run_part(options)
        return
    result = {"feeds": options.feeds, "feed_bytes": len(feed_of(1))} | {
        name: round(value, 1) for name, value in measure(options).items()
    }
    print(", ".join(f"{name} {value}" for name, value in result.items()))
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
