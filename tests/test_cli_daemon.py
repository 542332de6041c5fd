"""`digest run` as a process: ready when it says so, clean when it is told to stop."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from commands import Digest, digest

__all__ = ["digest"]


def wait_ready(process: "subprocess.Popen[str]") -> str:
    """The address a daemon listens at, once it says that it is ready."""
    assert process.stderr is not None
    for line in process.stderr:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "ready":
            return str(event["http"])
    raise AssertionError("it never was ready")


def stop(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> list[dict[str, Any]]:
    """What a daemon says from the signal to its end."""
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    return [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_cleanly(digest: Digest, number: int) -> None:
    process = digest.start("run", "--port", "0")
    wait_ready(process)

    told = stop(process, number)

    assert process.returncode == 0
    events = [one["event"] for one in told]
    assert "stopping" in events
    assert events[-1] == "stopped"
    assert told[-1]["cut_off"] == 0


async def test_two_daemons_on_one_database_do_no_harm(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org")
    first, second = digest.start("run", "--port", "0"), digest.start("run", "--port", "0")
    places = [wait_ready(first), wait_ready(second)]

    async with aiohttp.ClientSession() as client:
        for place in places:
            async with client.get(f"http://{place}/readyz") as answer:
                assert answer.status == 200
    told = stop(first) + stop(second)

    assert (first.returncode, second.returncode) == (0, 0)
    assert not [one for one in told if one["level"] != "info"]
    assert len(list((digest.folder / "outbox").iterdir())) == 1


async def test_status_and_a_second_start_see_the_running_daemon(digest: Digest) -> None:
    process = digest.start("run", "--port", "0")
    host, _, port = wait_ready(process).rpartition(":")
    digest.change("#port = 8080", f"port = {port}")

    status = digest.json("status")
    taken = digest.run("run", code=2)
    stop(process)

    assert status["daemon"] is True
    assert f"cannot listen on {host}:{port}" in taken.stderr
    assert digest.json("status")["daemon"] is False


def test_a_daemon_needs_its_database_up_to_date(digest: Digest) -> None:
    (digest.folder / "digest.db").unlink()
    digest.change('#migrate = "on-start"', 'migrate = "by-hand"')

    process = digest.start("run", "--port", "0")
    _, err = process.communicate(timeout=30)

    assert process.returncode == 1
    assert " db upgrade" in err
    assert "ready" not in err


def test_the_installed_command_is_the_same(digest: Digest) -> None:
    command = Path(sys.executable).with_name("digest")

    found = subprocess.run([command, "--config", str(digest.settings), "db", "check"], capture_output=True)

    assert found.returncode == 0
