"""A sending of several processes, as a person or a service starts, stops and kills it."""

import asyncio
import json
import os
import select
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from commands import Digest, mates_of
from mailservers import Recorder, recording_server
from test_cli_stopping import approved, said

#: More than one process claims before the other has begun.
READERS = 300
EVERYBODY = READERS + 2
CONNECTIONS = 4


@asynccontextmanager
async def two_processes(folder: Path) -> AsyncIterator[tuple[Digest, Recorder, asyncio.Event]]:
    """An approved issue that is due; the server answers the first two connections, and others when told."""
    async with recording_server() as server:
        digest = await approved(folder, server, READERS)
        digest.change("#processes = 0", "processes = 2")
        digest.sql("UPDATE issue SET due_at = '2026-01-01 06:00:00.000000'")
        go_on = asyncio.Event()

        async def hold() -> None:
            if server.mails[-1].connection > 2 or len(server.mails) > 10:
                await go_on.wait()

        server.holding = hold
        yield digest, server, go_on
        go_on.set()


@contextmanager
def started(digest: Digest, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """The command as a process, which is killed when the test fails meanwhile."""
    with digest.start(*args) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


async def both_at_work(server: Recorder) -> None:
    """Come back when one process waits for the server, and another too."""
    async with asyncio.timeout(30):
        while {one.connection for one in server.mails}.issubset({1, 2}):
            await server.until(len(server.mails) + 1)


async def ended(pids: Iterable[int]) -> bool:
    """True when these processes end soon."""

    def wait(pid: int) -> bool:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([handle], [], [], 30)[0])
        finally:
            os.close(handle)

    return all([await asyncio.to_thread(wait, pid) for pid in pids])


def times(server: Recorder) -> Counter[int]:
    """How many readers got it how many times."""
    # A daemon also asks who has not confirmed yet.
    got = Counter(one.recipient for one in server.mails if one.recipient != "waiting@example.org")
    return Counter(got.values())


async def test_the_mates_of_a_sending_that_is_killed_end_by_themselves_and_nobody_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, go_on):
        with started(digest, "send", "--yes") as process:
            await both_at_work(server)
            mates = mates_of(process.pid)
            process.kill()
            await asyncio.to_thread(process.wait)
        go_on.set()

        assert await ended(mates)
        assert len(mates) == 1
        await digest.later("send", "--yes")

    found = times(server)
    assert set(found) <= {1, 2}
    assert found.total() == EVERYBODY
    # In flight were no more than the killed process's own.
    assert found[2] <= CONNECTIONS // 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_daemon_that_is_told_to_stop_ends_with_its_mates_and_nobody_gets_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, go_on):
        with started(digest, "run", "--port", "0") as process:
            await both_at_work(server)
            mates = mates_of(process.pid)
            process.send_signal(number)
            await said(process, '"stopping"')
            go_on.set()
            _, told = await asyncio.to_thread(process.communicate, timeout=60)
        gone = len(server.mails)

        assert await ended(mates)
        assert len(mates) == 1
        await digest.later("send", "--yes")

    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert process.returncode == 0
    assert events[-1]["event"] == "stopped"
    assert events[-1]["cut_off"] == 0
    assert not [one for one in events if one["level"] != "info"]
    assert gone < EVERYBODY
    assert times(server) == {1: EVERYBODY}


async def test_a_second_signal_ends_mates_too_although_the_server_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, _):
        with started(digest, "send", "--yes") as process:
            await both_at_work(server)
            mates = mates_of(process.pid)
            process.send_signal(signal.SIGTERM)
            await said(process, "stopping")
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.communicate, timeout=20)

        assert await ended(mates)
    assert process.returncode == 130


async def test_two_sendings_of_two_processes_each_on_one_file_send_each_mail_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, go_on):
        go_on.set()
        both = [digest.start("send", "--yes"), digest.start("send", "--yes")]
        ends = [await asyncio.to_thread(one.communicate, timeout=60) for one in both]

    assert [one.returncode for one in both] == [0, 0], ends
    assert times(server) == {1: EVERYBODY}


async def test_two_daemons_with_mates_on_one_file_send_each_mail_once_also_when_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, go_on):
        run = ("run", "--port", "0")
        with started(digest, *run) as first, started(digest, *run) as second:
            await both_at_work(server)
            busy, left = (first, second) if mates_of(first.pid) else (second, first)
            mates = mates_of(busy.pid)
            busy.kill()
            go_on.set()
            assert await ended(mates)
            left.send_signal(signal.SIGTERM)
            await asyncio.to_thread(left.communicate, timeout=60)
        await digest.later("send", "--yes")

    found = times(server)
    assert found.total() == EVERYBODY
    assert set(found) <= {1, 2}
    assert found[2] <= CONNECTIONS // 2


async def test_a_process_that_is_lost_is_told_in_one_line_and_the_others_take_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with two_processes(tmp_path) as (digest, server, go_on):
        with started(digest, "send", "--yes") as process:
            await both_at_work(server)
            (mate,) = mates_of(process.pid)
            os.kill(mate, signal.SIGKILL)
            go_on.set()
            _, told = await asyncio.to_thread(process.communicate, timeout=60)

    assert process.returncode == 0
    assert told.count("killed by SIGKILL") == 1
    assert f"{EVERYBODY} sent" in told
    assert times(server).total() == EVERYBODY
