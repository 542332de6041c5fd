"""Thousands of messages to servers that hang up, refuse or let nobody in: what is told is what arrived."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator

import pytest

import mailservers
from digest.deliver import Envelope, deliver
from digest.deliver.pool import Relay
from digest.deliver.smtp import Account
from digest.domain import Outcome, OutcomeKind
from mailservers import DROP, HALF_CLOSE, TRICKLE, Script

SENT, UNCERTAIN = OutcomeKind.SENT, OutcomeKind.UNCERTAIN
MESSAGES = 1_000
NUMBER = re.compile(rb"<(?:47\.|reader|bounce)(\d+)@")
REFUSED = "550 5.1.1 no such reader"
BROKEN = {DROP, HALF_CLOSE}


class Fickle(Script):
    """A server that does something odd now and then, and takes only so many connections."""

    def __init__(self, chance: random.Random, *, most: int, pipelining: bool, odd: float) -> None:
        super().__init__(replies={})
        self.chance = chance
        self.most = most
        self.odd = odd
        self.open = 0
        #: Messages that were taken, whether or not that was said.
        self.taken: list[bytes] = []
        #: Recipients that were refused for good.
        self.refused: list[bytes] = []
        #: How often each message was offered, and how often that was with another's dot and broke off.
        self.offered: Counter[int] = Counter()
        self.cut: Counter[int] = Counter()
        #: The message that each connection is at, and the connections on which it came with a dot.
        self.at: dict[object, int] = {}
        self.with_dot: set[object] = set()
        if not pipelining:
            hellos = ("EHLO", "LHLO")
            self.replies = {one: mailservers.USUAL[one].replace("250-PIPELINING\r\n", "") for one in hellos}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await super().serve(reader, writer)
        finally:
            self.open -= 1

    async def _answer(self, step: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
        # What is here before the dot is answered has come with it.
        if step == "DOT" and reader._buffer:  # type: ignore[attr-defined]
            self.with_dot.add(asyncio.current_task())
        elif step in {"DOT", "RSET"}:
            self.with_dot.discard(asyncio.current_task())
        return await super()._answer(step, writer, reader)

    def reply(self, step: str) -> str:
        me = asyncio.current_task()
        if step == "MAIL":
            (self.at[me],) = numbers([self.commands[-1].encode()])
            self.offered[self.at[me]] += 1
        told = self.choose(step, super().reply(step))
        if step in {"MAIL", "RCPT", "DATA"} and told in BROKEN and me in self.with_dot:
            self.cut[self.at[me]] += 1
        if step == "DOT" and (told.removeprefix(TRICKLE) == mailservers.USUAL[step] or self.keeps(told)):
            self.taken.append(self.arrived[-1])
        return told

    def keeps(self, told: str) -> bool:
        """Now and then a server takes a message and cannot say so any more."""
        return told in BROKEN and self.chance.random() < 0.5

    def choose(self, step: str, usual: str) -> str:
        if step == "GREETING" and self.open > self.most:
            return "421 4.7.0 too many connections"
        if self.chance.random() >= self.odd:
            return usual
        odd = ["421 4.3.2 shutting down", DROP, HALF_CLOSE, TRICKLE + usual]
        if step == "RCPT" and self.chance.random() < 0.5:
            self.refused.append(self.commands[-1].encode())
            return REFUSED
        if step in {"MAIL", "RCPT", "DATA", "DOT"}:
            odd += ["451 4.3.0 later", "550 5.1.1 never", "550-5.1.1 never\r\n550 5.1.1 ever"]
        return self.chance.choice(odd)


def envelope(number: int) -> Envelope:
    return Envelope(
        key=number,
        sender=f"bounce{number}@example.org",
        recipient=f"reader{number}@example.org",
        blocks=(f"Message-ID: <47.{number}@example.org>\r\n\r\nHello.\r\n".encode(),),
    )


def account(port: int, *, is_lmtp: bool) -> Account:
    return Account(host="127.0.0.1", port=port, is_lmtp=is_lmtp, reply_seconds=10, dot_seconds=10)


async def settled(relay: Relay) -> None:
    """Come back when no line is in use: the commands of who was given up may wait for their answer."""
    while (relay._open, relay._promised) != (len(relay._idle), set()):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)


def numbers(messages: list[bytes]) -> Counter[int]:
    return Counter(int(match[1]) for data in messages if (match := NUMBER.search(data)))


@pytest.mark.parametrize("is_lmtp", [False, True])
@pytest.mark.parametrize("seed", range(6))
async def test_what_is_told_of_each_message_is_what_became_of_it(seed: int, is_lmtp: bool) -> None:
    chance = random.Random(seed)
    connections = chance.choice([1, 2, 4, 7])
    a_line = chance.choice([1, 3, 100])
    server = Fickle(
        chance,
        most=chance.choice([1, 3, 100]),
        pipelining=chance.random() < 0.8,
        odd=chance.choice([0.005, 0.05, 0.2]),
    )
    told: dict[int, Outcome] = {}
    intents: set[int] = set()

    async def messages() -> AsyncIterator[Envelope]:
        for number in range(MESSAGES):
            yield envelope(number)

    async def handing(key: int) -> bool:
        if chance.random() < 0.01:
            return False
        assert key not in intents
        intents.add(key)
        return True

    async def taking(outcome: Outcome) -> None:
        assert outcome.key not in told
        told[outcome.key] = outcome

    async with mailservers._running(server, path=""), asyncio.timeout(20):
        relay = Relay(
            account(server.port, is_lmtp=is_lmtp),
            connections=connections,
            messages_a_line=a_line,
            rest_seconds=0.0,
        )
        at_once = connections + relay.ahead
        await deliver(messages(), relay.send, at_once=at_once, handing=handing, taking=taking)
        idle = len(relay._idle)
        assert (relay._open, len(relay._waiting), relay._promised) == (idle, 0, set())
        await relay.close()
        assert relay._open == 0

    arrived, taken = numbers(server.arrived), numbers(server.taken)
    said_sent = {key for key, outcome in told.items() if outcome.kind is SENT}
    in_doubt = {key for key, outcome in told.items() if outcome.kind is UNCERTAIN}
    said_refused = {key for key, outcome in told.items() if outcome.reply == REFUSED}
    assert said_refused == numbers(server.refused).keys()
    assert max(arrived.values()) == 1
    assert said_sent <= taken.keys() <= said_sent | in_doubt
    assert arrived.keys() <= intents
    # A message whose commands left with another's dot begins anew when the line breaks under them.
    for number, count in server.cut.items():
        assert server.offered[number] > count or told[number].is_unreached
    assert len(told) > MESSAGES * 0.9


@pytest.mark.parametrize("is_lmtp", [False, True])
@pytest.mark.parametrize("seed", range(6))
async def test_messages_that_are_given_up_at_any_moment_leave_no_line_lost(seed: int, is_lmtp: bool) -> None:
    chance = random.Random(seed)
    connections = chance.choice([1, 2, 4])
    server = Fickle(
        chance,
        most=chance.choice([1, 100]),
        pipelining=chance.random() < 0.8,
        odd=chance.choice([0.0, 0.02]),
    )

    async with mailservers._running(server, path=""), asyncio.timeout(20):
        relay = Relay(
            account(server.port, is_lmtp=is_lmtp),
            connections=connections,
            messages_a_line=20,
            rest_seconds=0.0,
        )
        going: set[asyncio.Task[Outcome]] = set()
        ended: set[asyncio.Task[Outcome]] = set()
        for number in range(600):
            going.add(asyncio.create_task(relay.send(envelope(number)), name=f"{number:03}"))
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                chance.choice(sorted(going, key=asyncio.Task.get_name)).cancel()
            if len(going) > 2 * connections:
                done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
                ended |= done
        await asyncio.gather(*going, return_exceptions=True)
        await settled(relay)
        server.odd = 0.0
        assert (await relay.send(envelope(10_000))).kind is SENT
        await relay.close()
        assert relay._open == 0

    outcomes = [task.result() for task in ended | going if not task.cancelled()]
    said_sent = {outcome.key for outcome in outcomes if outcome.kind is SENT}
    assert said_sent <= numbers(server.taken).keys()
    assert 100 < len(outcomes) < len(ended | going)
    assert max(numbers(server.arrived).values()) == 1


@pytest.mark.parametrize("seed", range(6))
async def test_no_message_waits_for_one_that_was_given_up(seed: int) -> None:
    chance = random.Random(seed)
    connections = chance.choice([1, 2])
    server = Fickle(chance, most=chance.choice([1, 100]), pipelining=seed % 2 == 0, odd=0.1)

    async with mailservers._running(server, path=""), asyncio.timeout(20):
        at = account(server.port, is_lmtp=False)
        relay = Relay(at, connections=connections, messages_a_line=chance.choice([1, 3]), rest_seconds=0.0)
        for start in range(0, 2_000, 10):
            going = [
                asyncio.create_task(relay.send(envelope(start + number)))
                for number in range(connections + chance.randrange(2, 5))
            ]
            # Nothing comes after these that could wake who was forgotten.
            staying = chance.randrange(len(going))
            given_up = [*going[:staying], *going[staying + 1 :]]
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
                if chance.random() < 0.1:
                    chance.choice(given_up).cancel()
            await asyncio.gather(*going, return_exceptions=True)
            await settled(relay)
        await relay.close()

    assert max(numbers(server.arrived).values()) == 1
