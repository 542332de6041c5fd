"""Processes that sign beside the one that sends: every message gets its signature, whoever ends."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import children_of, signers_of
from digest.config import DkimSettings
from digest.deliver import beside, new_keys
from digest.deliver.dkim import Signer
from digest.deliver.keys import Keyring, read_keyring
from digest.deliver.signer import Longhand, Shorthand
from digest.deliver.signers import Signers

#: More than are signed before another process begins, and it is ready.
MANY = 400
SHARED = b"x" * 5000 + b"\r\n"


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    folder = tmp_path_factory.mktemp("keys")
    new_keys(folder, domain="example.org", selector="week")
    return read_keyring(
        DkimSettings(
            domain="example.org",
            selector="week",
            rsa_key=folder / "dkim-rsa.pem",
            ed25519_key=folder / "dkim-ed25519.pem",
        )
    )


def message(number: int) -> tuple[bytes, ...]:
    """One of many that share a long block."""
    head = f"From: news@example.org\r\nTo: r{number}@example.org\r\n\r\nHello {number}.\r\n".encode()
    return head, SHARED, b"Bye %d.\r\n" % number


def batch(start: int, count: int = MANY) -> list[tuple[bytes, ...]]:
    return [message(number) for number in range(start, start + count)]


async def signed(signers: Signers, start: int, count: int = MANY) -> list[bytes | str]:
    """Asked for in some batches, of which one is no whole number of eights."""
    batches = (batch(at, min(50, start + count - at)) for at in range(start, start + count, 50))
    return [one for some in await asyncio.gather(*map(signers.sign, batches)) for one in some]


def expected(keyring: Keyring, start: int, count: int = MANY) -> list[bytes | str]:
    return Signer(keyring).sign(batch(start, count))


async def begun(signers: Signers) -> int:
    """The process beside this one, that is ready."""
    while not signers._ready:
        await signed(signers, 0, 50)
    (process,) = signers_of(os.getpid())
    return process


async def test_few_messages_are_signed_here(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        assert await signed(signers, 0, 20) == expected(keyring, 0, 20)
        assert signers_of(os.getpid()) == []


async def test_many_are_signed_by_another_process_too_and_each_gets_its_own(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        await begun(signers)
        here = signers._signed_here

        assert await signed(signers, 1000) == expected(keyring, 1000)
        assert signers._signed_here - here < MANY
    assert signers_of(os.getpid()) == []
    assert signers.lost == []


async def test_who_knows_that_many_will_come_has_a_process_begin_at_once(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        signers.expect(20)
        await signers.sign(batch(1, 1))
        assert signers_of(os.getpid()) == []

        signers.expect(100_000)
        # It is on its way although next to nothing was signed here.
        assert len(signers._tasks) == 1
        while not signers._ready and not signers.lost:
            await signers.sign(batch(1, 1))
        assert len(signers_of(os.getpid())) == 1


async def test_who_stops_a_whole_service_ends_no_process_that_signs_even_while_it_starts(
    keyring: Keyring,
) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        signers.expect(100_000)
        while not (pids := children_of(os.getpid())):
            await signers.sign(batch(1, 1))
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pids[0], number)
        while not signers._ready and not signers.lost:
            await signers.sign(batch(1, 1))
        assert await signed(signers, 0) == expected(keyring, 0)
    assert signers.lost == []


async def test_what_is_no_message_has_words_in_its_place(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        await begun(signers)
        found = await signers.sign([message(1), (b"no message",), message(2)])

    assert found[1] == "the message has no end of its headers"
    assert found[::2] == expected(keyring, 1, 2)


@pytest.mark.parametrize("processes", [1, 2])
async def test_nobody_waits_for_ever_for_what_cannot_be_signed(keyring: Keyring, processes: int) -> None:
    strange: Any = ("no bytes",)
    async with aclosing(Signers(keyring, processes=processes)) as signers:
        if processes > 1:
            await begun(signers)
        with pytest.raises(TypeError):
            await signers.sign([message(1), strange])
        # The next ones are no worse off.
        assert await signed(signers, 0) == expected(keyring, 0)


async def test_what_a_process_was_asked_that_dies_is_signed_here(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        process = await begun(signers)
        os.kill(process, signal.SIGSTOP)
        waiting = signers.sign(batch(0))
        os.kill(process, signal.SIGKILL)

        assert await waiting == expected(keyring, 0)
        # None is started in its place: what killed one may kill the next.
        assert await signed(signers, 5000) == expected(keyring, 5000)
        assert signers_of(os.getpid()) == []
    assert signers.lost == ["it was killed by SIGKILL"]


async def test_what_a_process_was_asked_that_hangs_is_signed_here(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        process = await begun(signers)
        os.kill(process, signal.SIGSTOP)
        monkeypatch.setattr(beside, "_SILENCE_SECONDS", 0.2)

        assert await signed(signers, 0) == expected(keyring, 0)
    assert signers.lost == ["it hung"]
    assert signers_of(os.getpid()) == []


async def test_where_no_process_can_be_started_all_is_signed_here(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "/nowhere/python"
    monkeypatch.setattr(sys, "executable", gone)
    async with aclosing(Signers(keyring, processes=3)) as signers:
        assert await signed(signers, 0) == expected(keyring, 0)
        assert await signed(signers, 1000) == expected(keyring, 1000)
    assert signers.lost == [f"{gone}: No such file or directory"] * 2


async def test_a_python_without_digest_is_no_help_and_no_harm(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 3\n")
    other.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(other))
    async with aclosing(Signers(keyring, processes=2)) as signers:
        while not signers.lost:
            assert await signed(signers, 0) == expected(keyring, 0)
    assert signers.lost == ["it ended with code 3"]


async def test_as_many_processes_begin_as_are_wanted(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=3)) as signers:
        while len(signers._ready) < 2:
            await signed(signers, 0, 50)
        assert await signed(signers, 1000) == expected(keyring, 1000)
        assert len(signers_of(os.getpid())) == 2
    async with aclosing(Signers(keyring, processes=1)) as alone:
        await signed(alone, 0)
        assert signers_of(os.getpid()) == []


async def test_who_is_cancelled_leaves_no_process(keyring: Keyring) -> None:
    async with aclosing(Signers(keyring, processes=2)) as signers:
        await begun(signers)
        given_up, waiting = signers.sign(batch(0)), signers.sign(batch(1000))
        given_up.cancel()

        assert await waiting == expected(keyring, 1000)
        signers.sign(batch(1, 1))
    assert signers_of(os.getpid()) == []


@pytest.mark.parametrize("said", [b"", b"\0\0\0", b"\0\0\0\0\0\0\0\7half"])
async def test_a_signer_whose_parent_is_gone_before_it_is_told_ends_in_silence(said: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "digest.deliver.signer"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )

    assert await process.communicate(said) == (b"", b"")
    assert process.returncode == 0


BLOCKS = st.one_of(
    st.binary(max_size=20),
    # More different long ones than both sides remember.
    st.integers(0, 600).map(lambda number: b"%d" % number + b"x" * 2048),
)


@settings(max_examples=30)
@given(
    batches=st.lists(st.lists(st.lists(BLOCKS, max_size=20), max_size=20), max_size=6),
    flood=st.booleans(),
)
def test_what_is_written_short_is_read_as_it_was(batches: list[list[list[bytes]]], flood: bool) -> None:
    if flood:
        batches = [*batches, [[b"%d" % number + b"y" * 2048] for number in range(300)], *batches]
    shorthand, longhand = Shorthand(), Longhand()

    for messages in batches:
        assert longhand.read(shorthand.write(messages)) == messages


def test_a_block_that_is_known_is_not_said_again() -> None:
    shorthand = Shorthand()
    shorthand.write([message(1)])

    ((_, said, _),) = shorthand.write([message(2)])
    assert isinstance(said, int)
