"""The daemon in this process: it ticks, it wakes, it stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conftest import KEY
from digest.domain import Notice
from digest.errors import ConfigError
from digest.jobs import Runner
from digest.schedule import Daemon, listen
from digest.store import notices
from digest.web import create_app
from weeks import Week, open_week


@asynccontextmanager
async def running(week: Week, **ticks: float) -> AsyncIterator[Daemon]:
    """A daemon that serves, stopped at the end."""
    daemon = Daemon(week.house, Runner(house=week.house, clock=week.clock), ticks=ticks)
    with listen("127.0.0.1", 0) as listening:
        serving = asyncio.create_task(daemon.serve(create_app(week.house, wake=daemon.wake), listening))
        try:
            yield daemon
        finally:
            daemon.stop()
            await asyncio.wait_for(serving, 20)


async def queue_welcome(week: Week, number: int) -> None:
    """A notice to a reader of that number."""
    reader = await week.add_reader(f"r{number}@example.org")
    now = week.clock()
    async with week.house.store.begin() as session:
        notice = Notice(
            key=f"welcome:{number}",
            name="welcome",
            newsletter=KEY,
            recipient=reader.email,
            subscriber_id=reader.id,
            created_at=now,
            due_at=now,
        )
        await notices.add(session, notice)


async def mailed(week: Week, count: int) -> None:
    """Returns when that many mails have come."""
    while len(week.mail.mails) < count:  # noqa: ASYNC110 - the recorder is a plain list, filled by another task
        await asyncio.sleep(0.01)


async def test_a_daemon_looks_again_and_again(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    async with open_week(database, tmp_path) as week, running(week, notices=0.05):
        for number in range(3):
            await queue_welcome(week, number)
            await asyncio.wait_for(mailed(week, number + 1), 20)


async def test_what_is_queued_while_a_job_runs_is_not_left_until_the_next_tick(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    async with open_week(database, tmp_path) as week, running(week, notices=3600) as daemon:
        await queue_welcome(week, 1)
        daemon.wake()
        await queue_welcome(week, 2)
        daemon.wake()

        await asyncio.wait_for(mailed(week, 2), 20)


def test_a_port_that_is_taken_is_said_before_anything_starts() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)
