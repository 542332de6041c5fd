"""The commands of the next message leave with the dot of the one before, and nothing is lost by it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

import mailservers
from digest.config import SmtpSettings
from digest.deliver import Envelope, Transport, deliver, open_transport, pool
from digest.domain import Outcome, OutcomeKind
from mailservers import DROP, STALL, Script, recording_server, scripted_server

DEFERRED, FAILED, SENT, UNCERTAIN = (
    OutcomeKind.DEFERRED,
    OutcomeKind.FAILED,
    OutcomeKind.SENT,
    OutcomeKind.UNCERTAIN,
)


def envelope(number: int) -> Envelope:
    return Envelope(
        key=number,
        sender="bounce@example.org",
        recipient=f"reader{number}@example.org",
        blocks=(f"Message-ID: <47.{number}@example.org>\r\n\r\nHello.\r\n".encode(),),
    )


def settings(
    port: int, *, connections: int = 1, seconds: float = 20, messages_per_connection: int = 100
) -> SmtpSettings:
    return SmtpSettings(
        url=SecretStr(f"smtp://127.0.0.1:{port}"),
        connections=connections,
        timeout_seconds=seconds,
        dot_timeout_seconds=seconds,
        messages_per_connection=messages_per_connection,
    )


async def send_at_once(server: Script, *numbers: int, seconds: float = 20) -> list[Outcome]:
    """What becomes of messages that all wait for one connection."""
    async with open_transport(settings(server.port, seconds=seconds)) as transport:
        return list(await asyncio.gather(*(transport.send(envelope(number)) for number in numbers)))


def kinds(outcomes: list[Outcome]) -> list[OutcomeKind]:
    return [outcome.kind for outcome in outcomes]


def arrived(server: Script) -> list[int]:
    """Which messages arrived whole, in their order."""
    return [int(data.partition(b"<47.")[2].partition(b"@")[0]) for data in server.arrived]


async def test_a_message_that_waits_is_offered_before_the_last_one_is_answered() -> None:
    # Nobody answers the first dot before the second message's recipient is known.
    offered = asyncio.Event()

    class Curious(Script):
        async def _answer(self, step: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
            if step == "DOT" and len(self.arrived) == 1:
                told = await reader.readuntil(b"DATA\r\n")
                self.commands += told.decode().splitlines()
                offered.set()
                writer.write(b"250 2.0.0 first\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n")
                self.arrived.append(await reader.readuntil(b"\r\n.\r\n"))
            return await super()._answer(step, writer, reader)

    script = Curious(replies={})
    async with mailservers._running(script, path=""):
        outcomes = await send_at_once(script, 1, 2)

    assert offered.is_set()
    assert kinds(outcomes) == [SENT, SENT]
    assert arrived(script) == [1, 2]


async def test_a_server_that_takes_commands_one_by_one_gets_them_so() -> None:
    alone = mailservers.USUAL["EHLO"].replace("250-PIPELINING\r\n", "")
    async with scripted_server(EHLO=alone) as server:
        outcomes = await send_at_once(server, 1, 2, 3)

    assert kinds(outcomes) == [SENT] * 3
    assert arrived(server) == [1, 2, 3]


@pytest.mark.parametrize("reply", ["421 4.3.2 enough for now", DROP])
async def test_a_message_whose_commands_were_lost_with_the_line_begins_anew(reply: str) -> None:
    async with scripted_server(DOT=[reply, "250 2.0.0 ok"]) as server:
        first, second = await send_at_once(server, 1, 2)

    assert first.kind is (DEFERRED if reply.startswith("421") else UNCERTAIN)
    assert second.kind is SENT
    assert (arrived(server), server.connections) == ([1, 2], 2)


async def test_silence_after_the_dot_is_in_doubt_for_that_message_alone() -> None:
    async with scripted_server(DOT=[STALL, "250 2.0.0 ok"]) as server:
        first, second, third = await send_at_once(server, 1, 2, 3, seconds=0.4)

    assert kinds([first, second, third]) == [UNCERTAIN, SENT, SENT]
    assert arrived(server) == [1, 2, 3]


async def test_a_server_that_forgets_what_came_with_the_dot_is_asked_so_once() -> None:
    class Forgetful(Script):
        forgot = 0

        async def _answer(self, step: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
            if step == "DOT" and (early := bytes(reader._buffer)):  # type: ignore[attr-defined]
                await reader.readexactly(len(early))
                self.forgot += 1
            return await super()._answer(step, writer, reader)

    script = Forgetful(replies={})
    async with mailservers._running(script, path=""):
        outcomes = await send_at_once(script, *range(1, 8), seconds=0.4)

    assert kinds(outcomes) == [SENT] * 7
    assert sorted(arrived(script)) == list(range(1, 8))
    assert script.forgot == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_refusal_of_the_message_that_comes_next_is_its_own(step: str) -> None:
    usual = mailservers.USUAL[step]
    async with scripted_server(**{step: [usual, "550 5.1.1 not that one", usual]}) as server:
        outcomes = await send_at_once(server, 1, 2, 3)

    assert kinds(outcomes) == [SENT, FAILED, SENT]
    assert arrived(server) == [1, 3]


async def test_a_refusal_of_the_dot_is_no_refusal_of_the_message_that_comes_next() -> None:
    async with scripted_server(DOT=["550 5.7.1 spam", "250 2.0.0 ok"]) as server:
        outcomes = await send_at_once(server, 1, 2)

    assert kinds(outcomes) == [FAILED, SENT]
    assert server.connections == 1


async def test_an_address_that_the_server_cannot_take_fails_in_its_own_turn() -> None:
    odd = Envelope(
        key=2, sender="bounce@example.org", recipient="jürgen@example.org", blocks=(b"X: y\r\n\r\nx\r\n",)
    )
    async with scripted_server() as server, open_transport(settings(server.port)) as transport:
        outcomes = await asyncio.gather(
            *(transport.send(one) for one in (envelope(1), odd, envelope(3), envelope(4)))
        )

    assert kinds(list(outcomes)) == [SENT, FAILED, SENT, SENT]
    assert arrived(server) == [1, 3, 4]


async def test_who_gives_up_waiting_for_the_line_takes_nothing_from_the_message_on_it() -> None:
    dot, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Script):
        async def _answer(self, step: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
            if step == "DOT":
                dot.set()
                await go_on.wait()
            return await super()._answer(step, writer, reader)

    script = Slow(replies={})
    async with mailservers._running(script, path=""), open_transport(settings(script.port)) as transport:
        first = asyncio.create_task(transport.send(envelope(1)))
        second = asyncio.create_task(transport.send(envelope(2)))
        await dot.wait()
        second.cancel()
        go_on.set()
        outcome = await first
        third = await transport.send(envelope(3))

    assert kinds([outcome, third]) == [SENT, SENT]
    assert second.cancelled()
    assert arrived(script) == [1, 3]


async def test_no_line_carries_more_messages_than_it_may() -> None:
    async with recording_server() as server:
        chosen = settings(server.port, connections=2, messages_per_connection=5)
        async with open_transport(chosen) as transport:
            outcomes = await asyncio.gather(*(transport.send(envelope(number)) for number in range(1, 31)))

    assert kinds(list(outcomes)) == [SENT] * 30
    assert server.connections >= 6
    assert server.most_at_once <= 2
    assert len({mail.data for mail in server.mails}) == len(server.mails) == 30


class Held:
    """An intent that is asked for, and given when the test says so."""

    def __init__(self) -> None:
        self.asked, self.given = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.asked.set()
        await self.given.wait()


async def idle_and_busy(transport: Transport, held: Held) -> "asyncio.Task[Outcome]":
    """The message on the busy one of two lines, which waits for its dot; the other line is idle."""
    await asyncio.gather(transport.send(envelope(1)), transport.send(envelope(2)))
    busy = asyncio.create_task(transport.send(envelope(3), intent=held))
    await held.asked.wait()
    return busy


async def test_a_message_follows_one_that_is_about_to_leave_rather_than_take_an_idle_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "_FOLLOW_SECONDS", 60.0)
    held = Held()
    async with (
        scripted_server() as server,
        open_transport(settings(server.port, connections=2)) as transport,
    ):
        busy = await idle_and_busy(transport, held)
        following = asyncio.create_task(transport.send(envelope(4)))
        # A greeting later it would have begun on the idle line.
        await transport.check()
        begun = sum(line.startswith("MAIL") for line in server.commands)
        held.given.set()
        outcomes = [await busy, await following]

    assert begun == 3
    assert kinds(outcomes) == [SENT, SENT]
    assert sorted(arrived(server)) == [1, 2, 3, 4]


async def test_a_message_does_not_wait_long_for_one_that_stays() -> None:
    held = Held()
    async with (
        scripted_server() as server,
        open_transport(settings(server.port, connections=2)) as transport,
    ):
        busy = await idle_and_busy(transport, held)
        other = await transport.send(envelope(4))
        assert not busy.done()
        held.given.set()
        outcomes = [other, await busy]

    assert kinds(outcomes) == [SENT, SENT]
    assert arrived(server)[-2:] == [4, 3]


async def test_an_outcome_is_told_before_the_next_intent_of_its_line() -> None:
    open_intents: set[int] = set()
    most = 0

    async def messages() -> AsyncIterator[Envelope]:
        for number in range(1, 41):
            yield envelope(number)

    async def handing(key: int) -> bool:
        nonlocal most
        open_intents.add(key)
        most = max(most, len(open_intents))
        await asyncio.sleep(0)
        return True

    async def taking(outcome: Outcome) -> None:
        open_intents.remove(outcome.key)

    async with (
        recording_server() as server,
        open_transport(settings(server.port, connections=3)) as transport,
    ):
        await deliver(messages(), transport.send, at_once=3 + transport.ahead, handing=handing, taking=taking)

    assert len(server.mails) == 40
    assert most <= 3
