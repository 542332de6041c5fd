"""A sending that several processes sign for, as a person or a service starts, stops and kills it."""

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

from commands import Digest, signers_of
from digest.deliver import new_keys
from mailservers import Recorder, recording_server
from test_cli_stopping import approved, said

#: More than are signed before another process begins.
READERS = 400
EVERYBODY = READERS + 2
#: Of so many that are there the server answers no more until it is told.
HELD = 250
CONNECTIONS = 4


@asynccontextmanager
async def signing(folder: Path) -> AsyncIterator[tuple[Digest, Recorder, asyncio.Event]]:
    """An approved issue that is due and is signed by two processes; the server holds most of it back."""
    async with recording_server() as server:
        digest = await approved(folder, server, READERS)
        new_keys(folder, domain="example.org", selector="s")
        keys = 'dkim = { domain = "example.org", selector = "s", rsa_key = "dkim-rsa.pem" }'
        digest.change("[smtp]", f"[smtp]\n{keys}")
        digest.change("#processes = 0", "processes = 2")
        digest.sql("UPDATE issue SET due_at = '2026-01-01 06:00:00.000000'")
        go_on = asyncio.Event()

        async def hold() -> None:
            if len(server.mails) > HELD:
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


async def signer_of(process: "subprocess.Popen[str]", server: Recorder) -> int:
    """The process that signs for this one, which has begun to wait for the server."""
    async with asyncio.timeout(30):
        await server.until(HELD + 1)
    (signer,) = signers_of(process.pid)
    return signer


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


async def test_who_signs_for_a_sending_that_is_killed_ends_by_itself_and_nobody_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, go_on):
        with started(digest, "send", "--yes") as process:
            signer = await signer_of(process, server)
            process.kill()
            await asyncio.to_thread(process.wait)
        go_on.set()

        assert await ended([signer])
        await digest.later("send", "--yes")

    found = times(server)
    assert set(found) <= {1, 2}
    assert found.total() == EVERYBODY
    assert found[2] <= CONNECTIONS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_daemon_that_is_told_to_stop_ends_with_who_signs_and_nobody_gets_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, go_on):
        with started(digest, "run", "--port", "0") as process:
            signer = await signer_of(process, server)
            # A service that is stopped tells each of its processes.
            os.kill(signer, number)
            process.send_signal(number)
            await said(process, '"stopping"')
            go_on.set()
            _, told = await asyncio.to_thread(process.communicate, timeout=60)
        gone = len(server.mails)

        assert await ended([signer])
        await digest.later("send", "--yes")

    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert process.returncode == 0
    assert events[-1]["event"] == "stopped"
    assert events[-1]["cut_off"] == 0
    assert not [one for one in events if one["level"] != "info"]
    assert gone < EVERYBODY
    assert times(server) == {1: EVERYBODY}


async def test_a_second_signal_ends_who_signs_too_although_the_server_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, _):
        with started(digest, "send", "--yes") as process:
            signer = await signer_of(process, server)
            process.send_signal(signal.SIGTERM)
            await said(process, "stopping")
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.communicate, timeout=20)

        assert await ended([signer])
    assert process.returncode == 130


async def test_ctrl_c_in_a_terminal_reaches_no_process_that_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, go_on):
        with started(digest, "send", "--yes") as process:
            signer = await signer_of(process, server)
            groups = {os.getpgid(one) for one in (process.pid, signer)}
            go_on.set()
            await asyncio.to_thread(process.communicate, timeout=60)

    # A terminal sends it to the processes of one group.
    assert len(groups) == 2
    assert process.returncode == 0


async def test_two_sendings_at_a_time_on_one_file_send_each_mail_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, go_on):
        go_on.set()
        both = [digest.start("send", "--yes"), digest.start("send", "--yes")]
        ends = [await asyncio.to_thread(one.communicate, timeout=60) for one in both]

    # Who is done first says what the other still holds.
    assert {0} <= {one.returncode for one in both} <= {0, 4}, ends
    assert times(server) == {1: EVERYBODY}


async def test_a_process_that_is_lost_is_told_in_one_line_and_the_sender_signs_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with signing(tmp_path) as (digest, server, go_on):
        with started(digest, "send", "--yes") as process:
            os.kill(await signer_of(process, server), signal.SIGKILL)
            go_on.set()
            _, told = await asyncio.to_thread(process.communicate, timeout=60)

    assert process.returncode == 0
    assert told.count("killed by SIGKILL") == 1
    assert f"{EVERYBODY} sent" in told
    assert times(server) == {1: EVERYBODY}
    assert all(one.data.startswith(b"DKIM-Signature:") for one in server.mails)
