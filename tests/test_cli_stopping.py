"""Ctrl-C and SIGTERM while an issue is sent: once is polite, twice is at once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from commands import Digest, digest, make
from mailservers import Recorder, recording_server
from sites import open_site
from test_cli_sending import draft_week, send_to

__all__ = ["digest"]

READERS = 40
#: A command that sends and then does something else, and is told to stop in both.
TWICE = """
import asyncio, os, signal
from digest import eventloop
from digest.cli.stopping import cut_by_sigterm, stop_signals

async def work():
    cut_by_sigterm()
    told = asyncio.Event()
    with stop_signals(told.set) as is_to_stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await told.wait()
        print("stopped", is_to_stop())
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
    finally:
        print("undone")

try:
    eventloop.run(work())
except asyncio.CancelledError:
    print("cut")
"""


async def approved(folder: Path, server: Recorder, readers: int = READERS) -> Digest:
    """A newsletter with an approved issue for so many readers of that server, and two more."""
    digest = make(folder)
    send_to(digest, server.port)
    async with open_site() as site:
        await draft_week(digest, site)
    rows = "".join(f"r{number}@example.org\n" for number in range(readers))
    (folder / "readers.csv").write_text(f"email\n{rows}")
    await digest.later("subscribers", "import", "readers.csv", "--confirmed", "--basis", "a test")
    await digest.later("approve")
    return digest


def held(server: Recorder) -> asyncio.Event:
    """From the tenth message on the server answers when the event is set."""
    go_on = asyncio.Event()

    async def hold() -> None:
        if len(server.mails) >= 10:
            await go_on.wait()

    server.holding = hold
    return go_on


async def said(process: "subprocess.Popen[str]", words: str) -> str:
    """What the command says until those words."""

    def read() -> str:
        assert process.stderr is not None
        text = ""
        while words not in text:
            letter = process.stderr.read(1)
            assert letter, text
            text += letter
        return text

    return await asyncio.to_thread(read)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_first_signal_lets_what_is_on_its_way_end_and_nobody_gets_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    async with recording_server() as server:
        digest = await approved(tmp_path, server)
        go_on = held(server)
        with digest.start("send", "--yes") as process:
            await server.until(10)
            process.send_signal(number)
            await said(process, "stopping")
            go_on.set()
            _, told = await asyncio.to_thread(process.communicate, timeout=60)
        gone = len(server.mails)

        await digest.later("send", "--yes")

    assert process.returncode == 130
    assert f"{READERS + 2 - gone} queued, {gone} sent" in told
    assert 10 <= gone < 20
    assert Counter(one.recipient for one in server.mails).most_common(1)[0][1] == 1
    assert len(server.mails) == READERS + 2


async def test_a_second_signal_ends_it_although_the_server_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with recording_server() as server:
        digest = await approved(tmp_path, server)
        held(server)
        with digest.start("send", "--yes") as process:
            await server.until(10)
            process.send_signal(signal.SIGINT)
            await said(process, "stopping")
            process.send_signal(signal.SIGINT)
            await asyncio.to_thread(process.communicate, timeout=60)

    assert process.returncode == 130


def test_a_signal_after_a_sending_cuts_the_command_off_and_what_it_did_is_undone() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=30)

    assert (done.returncode, done.stdout.split()) == (0, ["stopped", "True", "undone", "cut"])
