"""Several processes of one machine that send an issue together: everybody gets it once, whoever ends."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from commands import mates_of
from conftest import KEY, settings_for
from digest.config import Settings
from digest.deliver import new_keys
from digest.domain import Issue, Outcome
from digest.house import House, open_house
from digest.log import Log
from digest.publish import crew as crew_module
from digest.publish import send
from digest.publish.crew import crew, share, size
from digest.store import issues
from mailservers import Recorder, recording_server
from weeks import approved_for

READERS = 400
#: Of the process that the test runs in: the first two of four.
OURS = {1, 2}


async def approved(house: House, readers: int = READERS) -> Issue:
    """An approved issue that was due a day ago."""
    return await approved_for(house, readers, key=KEY, now=datetime.now(UTC) - timedelta(days=1))


def settings(database_url: str, folder: Path, server: Recorder, **changes: Any) -> Settings:
    smtp = {"url": f"smtp://127.0.0.1:{server.port}", "connections": 4}
    return settings_for(database_url, folder, smtp=smtp, **({"delivery": {"processes": 2}} | changes))


@asynccontextmanager
async def two_at_work(
    database_url: str, folder: Path
) -> AsyncIterator[tuple[House, Issue, Recorder, asyncio.Event]]:
    """An issue for a server that keeps one process waiting until the event says that another works."""
    async with recording_server() as server:
        others = asyncio.Event()

        async def hold() -> None:
            if server.mails[-1].connection not in OURS:
                others.set()
            if len(server.mails) >= 60:
                await others.wait()

        server.holding = hold
        async with open_house(settings(database_url, folder, server), log=Log(StringIO())) as house:
            yield house, await approved(house), server, others


def twice(server: Recorder) -> list[str]:
    """Who got more than one."""
    return [who for who, count in Counter(one.recipient for one in server.mails).items() if count > 1]


def told(house: House) -> str:
    """What the house's log says."""
    stream = house.log._stream
    assert isinstance(stream, StringIO)
    return stream.getvalue()


async def test_two_processes_share_an_issue_and_everybody_gets_it_once(
    database_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes: list[int] = []

    async with two_at_work(database_url, tmp_path) as (house, issue, server, _):
        report = await send(house, issue, watch=lambda outcome: outcomes.append(outcome.key))

    assert report.states == {"sent": READERS}
    assert (len(server.mails), twice(server)) == (READERS, [])
    assert server.most_at_once <= 4
    assert len(set(outcomes)) == len(outcomes) == READERS
    assert mates_of(os.getpid()) == []
    assert "warning" not in told(house)
    # A mate says nothing on the terminal of who sends.
    assert capfd.readouterr().err == ""


async def test_who_stops_one_stops_both_and_nobody_is_lost(database_url: str, tmp_path: Path) -> None:
    async with two_at_work(database_url, tmp_path) as (house, issue, server, _):
        stopped = await send(house, issue, should_stop=lambda: len(server.mails) > 80)

        assert mates_of(os.getpid()) == []
        assert set(stopped.states) == {"queued", "sent"}
        assert stopped.states["sent"] == len(server.mails)
        server.holding = None
        done = await send(house, issue)

    assert done.states == {"sent": READERS}
    assert twice(server) == []


async def test_what_a_process_held_that_died_is_sent_by_the_others_in_the_same_run(
    database_url: str, tmp_path: Path
) -> None:
    async with two_at_work(database_url, tmp_path) as (house, issue, server, others):
        sending = asyncio.create_task(send(house, issue))
        await others.wait()
        (mate,) = mates_of(os.getpid())
        os.kill(mate, signal.SIGKILL)
        server.holding = None
        report = await sending

    assert report.states == {"sent": READERS}
    assert report.lost == ("it was killed by SIGKILL",)
    assert {one.recipient for one in server.mails} == {f"r{number}@example.org" for number in range(READERS)}
    # What was between its dot and its outcome, on the mate's two connections.
    assert len(server.mails) - READERS <= 2
    assert told(house).count("mate_lost") == 1


async def test_a_process_that_dies_leaves_its_connections_to_the_others(
    database_url: str, tmp_path: Path
) -> None:
    async with two_at_work(database_url, tmp_path) as (house, issue, server, others):
        sending = asyncio.create_task(send(house, issue))
        await others.wait()
        (mate,) = mates_of(os.getpid())
        four = asyncio.Event()

        async def hold() -> None:
            if server.mails[-1].connection > 4:
                if len(server.live) == 4:
                    four.set()
                await four.wait()

        server.holding = hold
        os.kill(mate, signal.SIGKILL)
        async with asyncio.timeout(30):
            report = await sending

    assert report.states == {"sent": READERS}


async def test_a_process_that_hangs_is_ended_and_what_it_held_is_sent_by_the_others(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
    async with two_at_work(database_url, tmp_path) as (house, issue, server, others):
        sending = asyncio.create_task(send(house, issue, watch=outcomes.put_nowait))
        await others.wait()
        go_on = asyncio.Event()

        async def hold() -> None:
            if server.mails[-1].connection in OURS:
                await go_on.wait()

        server.holding = hold
        (mate,) = mates_of(os.getpid())
        monkeypatch.setattr(crew_module, "_SILENCE_SECONDS", 1.0)
        # More than this process has in flight: the mate was heard since.
        for _ in range(outcomes.qsize() + 5):
            await outcomes.get()
        os.kill(mate, signal.SIGSTOP)
        go_on.set()
        report = await sending

    assert report.states == {"sent": READERS}
    assert report.lost == ("it hung",)


async def test_a_process_that_cannot_work_says_why_and_leaves_its_part_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with recording_server() as server:
        chosen = settings(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path, server)
        async with open_house(chosen, log=Log(StringIO())) as house:
            issue = await approved(house, 20)
            elsewhere = chosen.model_copy(update={"database": SecretStr(f"sqlite:///{tmp_path}/gone/x.db")})
            monkeypatch.setattr(crew_module, "share", lambda *_: elsewhere)
            report = await send(house, issue)

    assert report.states == {"sent": 20}
    assert "gone/x.db" in report.lost[0]
    assert "Traceback" not in capfd.readouterr().err


async def test_a_mate_that_is_told_to_end_as_its_whole_service_is_ends_what_is_in_flight(
    database_url: str, tmp_path: Path
) -> None:
    async with two_at_work(database_url, tmp_path) as (house, issue, server, others):
        sending = asyncio.create_task(send(house, issue))
        await others.wait()
        (mate,) = mates_of(os.getpid())
        # systemd sends it to every process of a service.
        os.kill(mate, signal.SIGTERM)
        server.holding = None
        report = await sending
        done = report if report.states == {"sent": READERS} else await send(house, issue)

    assert done.states == {"sent": READERS}
    assert twice(server) == []
    assert "mate_ended" not in told(house)


async def test_ctrl_c_reaches_no_mate_even_while_it_starts(database_url: str, tmp_path: Path) -> None:
    async with two_at_work(database_url, tmp_path) as (house, issue, _server, others):
        sending = asyncio.create_task(send(house, issue))
        await others.wait()
        groups = {os.getpgid(mate) for mate in mates_of(os.getpid())}
        await sending

    # A terminal sends it to the processes of one group.
    assert groups.isdisjoint({os.getpgrp()})


async def test_a_process_that_cannot_start_leaves_the_issue_to_the_others(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    async with recording_server() as server:
        chosen = settings(database_url, tmp_path, server)
        async with open_house(chosen, log=Log(StringIO())) as house:
            report = await send(house, await approved(house, 20))

    assert report.states == {"sent": 20}
    assert told(house).count("mate_failed") == 1
    assert server.most_at_once == 4


@pytest.mark.parametrize("said", [b"", b"\0\0\0", b"\0\0\0\0\0\0\0\7half"])
async def test_a_mate_whose_parent_is_gone_before_it_is_told_ends_in_silence(said: bytes) -> None:
    mate = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "digest.publish.mate"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )

    assert await mate.communicate(said) == (b"", b"")
    assert mate.returncode == 0


@pytest.mark.parametrize("hung", [0, 1])
async def test_a_mate_that_hangs_holds_up_neither_the_others_nor_what_went_wrong(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hung: int
) -> None:
    monkeypatch.setattr(crew_module, "_END_SECONDS", 1.0)
    async with recording_server() as server:
        chosen = settings(database_url, tmp_path, server, delivery={"processes": 3})
        async with open_house(chosen, log=Log(StringIO())) as house:
            issue = await approved(house, 5)
            with pytest.raises(ZeroDivisionError):  # noqa: PT012 - it is raised in the block that is tested
                async with crew(house, issue, count=3, watch=print, should_stop=bool):
                    os.kill(mates_of(os.getpid())[hung], signal.SIGSTOP)
                    raise ZeroDivisionError
            left = mates_of(os.getpid())

    assert left == []


async def test_one_process_is_enough_unless_signing_fills_a_core(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    new_keys(tmp_path / "keys", domain="example.org", selector="s")
    keys = {"domain": "example.org", "selector": "s", "rsa_key": str(tmp_path / "keys" / "dkim-rsa.pem")}
    signing = {"url": "smtp://127.0.0.1:9", "connections": 4, "dkim": keys}

    async def sizes(readers: int, **changes: Any) -> int:
        chosen = settings_for(database, tmp_path, **changes)
        async with open_house(chosen, log=Log(StringIO())) as house:
            async with house.store.read() as session:
                known = await issues.all_of(session, KEY)
            return await size(house, known[0] if known else await approved(house, readers))

    assert await sizes(20, smtp=signing) == 1
    assert await sizes(20, delivery={"processes": 3}) == 3
    assert await sizes(20, delivery={"processes": 9}, smtp=signing) == 4


def test_connections_are_divided_and_none_is_lost(tmp_path: Path) -> None:
    relays = {
        name: {"url": f"smtp://{name}.example.org", "connections": count}
        for name, count in (("a", 5), ("b", 8))
    }
    whole = settings_for("sqlite:///x.db", tmp_path, relays=relays, smtp={})

    parts = [share(whole, 3, part) for part in range(3)]

    assert [one.relays["a"].connections for one in parts] == [2, 2, 1]
    assert [one.relays["b"].connections for one in parts] == [3, 3, 2]
    assert {one.delivery.processes for one in parts} == {1}
    assert share(whole, 1, 0) == whole


@pytest.mark.parametrize("number", [-1, 17])
def test_a_senseless_number_of_processes_is_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(ValueError, match="processes"):
        settings_for("sqlite:///x.db", tmp_path, delivery={"processes": number})
