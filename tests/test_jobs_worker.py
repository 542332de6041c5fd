"""`digest worker`: many processes at one issue, one of them killed, and who does what beside the daemon."""

import asyncio
import json
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from commands import Digest, digest, make
from conftest import settings_for
from digest import config
from digest.domain import (
    Issue,
    IssueState,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.errors import UsageError
from digest.house import House, open_house
from digest.jobs import Runner, Worker, open_hints, queues_of, workers
from digest.log import Log
from digest.publish import send
from digest.store import deliveries, issues, notices, subscribers
from mailservers import Recorder, recording_server
from weeks import approved_for

__all__ = ["digest"]

KEY = "week"
READERS = 250
CONNECTIONS = 3


def told(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    """The next line of that event in a worker's log."""
    assert process.stderr is not None
    for line in process.stderr:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"it never said {event}")


@dataclass(slots=True)
class Machine:
    """A worker with a mail server of its own, so that it is known what it sent."""

    process: "subprocess.Popen[str]"
    mail: Recorder

    async def said(self, event: str) -> dict[str, Any]:
        return await asyncio.to_thread(told, self.process, event)


def made(folder: Path) -> Digest:
    """A folder of its own as `digest init` leaves it."""
    folder.mkdir()
    return make(folder)


async def until(is_so: Callable[[], Awaitable[object]]) -> None:
    """Let the loop turn until it is so."""
    async with asyncio.timeout(60):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0)


async def mails_in(folder: Path, count: int) -> bool:
    return len(await asyncio.to_thread(lambda: list(folder.glob("*.eml")))) >= count


@asynccontextmanager
async def machine(folder: Path, database: str, *options: str) -> AsyncIterator[Machine]:
    """A running `digest worker` on that database."""
    async with recording_server() as mail:
        command = await asyncio.to_thread(made, folder)
        command.change('database = "sqlite:///digest.db"', f'database = "{database}"')
        command.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')
        command.change("[smtp]", f"[smtp]\nconnections = {CONNECTIONS}")
        with command.start("worker", *options) as process:
            try:
                await asyncio.to_thread(told, process, "ready")
                yield Machine(process, mail)
            finally:
                process.kill()


def take_turns(one: Machine, other: Machine) -> None:
    """Let neither send over twenty before the other sent one: a fast one would leave nothing to share."""
    for mine, theirs in ((one.mail, other.mail), (other.mail, one.mail)):

        async def hold(mine: Recorder = mine, theirs: Recorder = theirs) -> None:
            if len(mine.mails) >= 20:
                await theirs.until(1)

        mine.holding = hold


@asynccontextmanager
async def house_of(folder: Path) -> AsyncIterator[House]:
    """The house that machines in folders beside this one work for."""
    async with open_house(config.load(folder / "digest.toml"), log=Log(StringIO())) as house:
        yield house


async def approved(house: House, key: str = KEY, readers: int = READERS) -> Issue:
    """An approved issue that is due now."""
    return await approved_for(house, readers, key=key, now=datetime.now(UTC))


async def start(house: House, issue: Issue) -> None:
    """Let the issue go, and tell the workers."""
    async with house.store.begin() as session:
        await issues.move(session, issue, IssueState.SENDING, started_at=datetime.now(UTC))
    async with open_hints(house.store) as hints:
        assert hints is not None
        await hints.give("deliver", issue.id)


@pytest.mark.postgres
async def test_two_workers_share_an_issue_and_send_nobody_two(postgres_url: str, tmp_path: Path) -> None:
    async with (
        machine(tmp_path / "a", postgres_url) as first,
        machine(tmp_path / "b", postgres_url) as second,
    ):
        take_turns(first, second)
        async with house_of(tmp_path / "a") as house:
            issue = await approved(house)
            await start(house, issue)
            done = await asyncio.gather(first.said("issue.sending"), second.said("issue.sending"))
            there = await workers(house.store, now=datetime.now(UTC))
            command = Digest(tmp_path / "a")
            status, doctor = await command.json_later("status"), await command.later("doctor")
            for one in (first, second):
                one.process.send_signal(signal.SIGTERM)
            await asyncio.gather(first.said("stopped"), second.said("stopped"))
            left = await workers(house.store, now=datetime.now(UTC))

        codes = [await asyncio.to_thread(one.process.wait, 30) for one in (first, second)]

    got = Counter(mail.recipient for mail in first.mail.mails + second.mail.mails)
    assert len(got) == READERS
    assert set(got.values()) == {1}
    assert first.mail.mails
    assert second.mail.mails
    assert any(one["state"] == "sent" and one["sent"] == READERS for one in done)
    assert list(there.values()) == [("notices", "deliver", "gather")] * 2
    assert len(status["workers"]) == 2
    assert doctor.output.count("notices,deliver,gather") == 2
    assert (left, codes) == ({}, [0, 0])


@pytest.mark.postgres
async def test_a_worker_that_is_killed_delays_its_batch_by_a_lease_and_loses_nobody(
    postgres_url: str, tmp_path: Path
) -> None:
    async with (
        machine(tmp_path / "a", postgres_url) as first,
        machine(tmp_path / "b", postgres_url) as second,
        house_of(tmp_path / "b") as house,
    ):
        take_turns(first, second)
        issue = await approved(house)
        await start(house, issue)
        await asyncio.gather(first.mail.until(20), second.mail.until(1))
        first.process.kill()
        await second.said("issue.sending")
        async with house.store.read() as session:
            states = await deliveries.counts(session, issue.id)
        second.process.send_signal(signal.SIGTERM)
        await second.said("stopped")

        later = await send(house, issue, clock=lambda: datetime.now(UTC) + timedelta(minutes=12))

    assert states.get("handed", 0) <= CONNECTIONS
    assert later.states == {"sent": READERS}
    got = Counter(mail.recipient for mail in first.mail.mails + second.mail.mails)
    assert len(got) == READERS
    assert sum(got.values()) - READERS <= CONNECTIONS
    assert {len({mail.data for mail in second.mail.mails if mail.recipient == "r1@example.org"})} <= {0, 1}


@pytest.mark.postgres
async def test_the_daemon_hands_over_to_workers_and_does_it_itself_without(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = settings_for(postgres_url, tmp_path / "outbox", newsletter={"editor": None})
    async with open_house(settings, log=Log(StringIO())) as house, open_hints(house.store) as hints:
        assert hints is not None
        daemon = Runner(house=house, told=hints)
        assert await daemon.run("notices")
        worker = Worker(house, hints, queues=("notices",))
        working = asyncio.create_task(worker.serve())
        await until(lambda: workers(house.store, now=datetime.now(UTC)))
        await queue_notice(house)

        ran = (await daemon.run("notices"), await daemon.run("gather"))

        await until(lambda: mails_in(tmp_path / "outbox", 1))
        worker.stop()
        await working
        assert ran == (False, True)
        assert await daemon.run("notices")


async def queue_notice(house: House) -> None:
    key, now = next(iter(house.settings.newsletters)), datetime.now(UTC)
    async with house.store.begin() as session:
        person = await subscribers.add(session, Subscriber(email="ada@example.org"), email_hash="a", now=now)
        one = Subscription(
            subscriber=person, newsletter=key, state=SubscriptionState.PENDING, requested_at=now
        )
        await subscribers.save(session, one)
        await notices.add(session, notice(key, person, now))


def notice(key: str, person: Subscriber, now: datetime) -> Notice:
    return Notice(
        key="n1",
        name="confirm",
        newsletter=key,
        recipient=person.email,
        subscriber_id=person.id,
        created_at=now,
        due_at=now,
    )


@pytest.mark.postgres
async def test_an_issue_whose_workers_all_died_is_told_of_again(postgres_url: str, tmp_path: Path) -> None:
    settings = settings_for(postgres_url, tmp_path / "outbox")
    key = next(iter(settings.newsletters))
    async with open_house(settings, log=Log(StringIO())) as house, open_hints(house.store) as hints:
        issue = await approved(house, key, 3)
        now = datetime.now(UTC)
        async with house.store.begin() as session:
            await issues.move(session, issue, IssueState.SENDING, started_at=now)
            await deliveries.claim(session, issue.id, limit=3, lease=-timedelta(minutes=1), now=now)
        worker = Worker(house, hints, queues=("deliver",)) if hints else None
        assert worker is not None

        working = asyncio.create_task(worker.serve())
        await until(lambda: mails_in(tmp_path / "outbox", 3))
        worker.stop()
        await working

        async with house.store.read() as session:
            assert await deliveries.counts(session, issue.id) == {"sent": 3}


def test_a_worker_on_sqlite_says_in_one_line_who_does_the_work(digest: Digest) -> None:
    said = digest.run("worker", code=2)

    assert "digest worker needs PostgreSQL" in said.stderr


def test_only_queues_that_there_are_can_be_served() -> None:
    assert queues_of("gather, notices") == ("gather", "notices")
    assert queues_of("") == ("notices", "deliver", "gather")
    with pytest.raises(UsageError, match="no queue"):
        queues_of("deliver,digging")
