"""Servers that take so many messages a connection, then say 421 or hang up: the next gets a new one."""

import asyncio

import pytest

import mailservers
from digest.deliver.pool import Relay
from digest.deliver.smtp import Account
from digest.domain import Outcome, OutcomeKind
from mailservers import DROP, HALF_CLOSE, USUAL, Script
from test_deliver_following import arrived, envelope, kinds

DEFERRED, SENT = OutcomeKind.DEFERRED, OutcomeKind.SENT
ENOUGH = "421 4.7.0 enough messages for one connection"
PLAIN = USUAL["EHLO"].replace("250-PIPELINING\r\n", "")


class Sparing(Script):
    """A server that takes only so many messages a connection, and may let in only so many."""

    def __init__(self, a_line: int, *, most: int = 100, pipelining: bool = True, end: str = ENOUGH) -> None:
        super().__init__(replies={} if pipelining else {"EHLO": PLAIN})
        self.a_line = a_line
        self.end = end
        self.most = most
        self.taken: dict[asyncio.Task[object] | None, int] = {}
        self.refusals = 0

    def reply(self, step: str) -> str:
        me = asyncio.current_task()
        if step == "GREETING" and self.connections > self.most:
            return "421 4.3.2 no more of you"
        if step == "MAIL" and self.taken.get(me, 0) >= self.a_line:
            self.refusals += 1
            return self.end
        if step == "DOT":
            self.taken[me] = self.taken.get(me, 0) + 1
        return super().reply(step)


def relay_to(server: Script, connections: int, *, is_lmtp: bool = False) -> Relay:
    account = Account(host="127.0.0.1", port=server.port, is_lmtp=is_lmtp, reply_seconds=20, dot_seconds=20)
    return Relay(account, connections=connections)


async def send_all(server: Script, count: int, *, connections: int, is_lmtp: bool = False) -> list[Outcome]:
    """What becomes of so many messages; each may ask for its intent once."""
    intents: list[int] = []

    async def send(number: int) -> Outcome:
        async def intent() -> None:
            assert number not in intents
            intents.append(number)

        return await relay.send(envelope(number), intent=intent)

    async with mailservers._running(server, path=""), asyncio.timeout(20):
        relay = relay_to(server, connections, is_lmtp=is_lmtp)
        outcomes = await asyncio.gather(*(send(number) for number in range(count)))
        assert (relay._open, len(relay._waiting), relay._promised) == (len(relay._idle), 0, set())
        await relay.close()
    return list(outcomes)


@pytest.mark.parametrize("is_lmtp", [False, True])
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("connections", [1, 3])
@pytest.mark.parametrize("a_line", [1, 2, 7])
@pytest.mark.parametrize("end", [ENOUGH, DROP, HALF_CLOSE])
async def test_all_is_sent_at_once_although_each_connection_takes_only_some(
    end: str, a_line: int, connections: int, pipelining: bool, is_lmtp: bool
) -> None:
    server = Sparing(a_line, pipelining=pipelining, end=end)
    if is_lmtp and not pipelining:
        server.replies = {"LHLO": "250 mx.example.org"}

    outcomes = await send_all(server, 60, connections=connections, is_lmtp=is_lmtp)

    assert kinds(outcomes) == [SENT] * 60
    assert sorted(arrived(server)) == list(range(60))
    assert server.refusals > 0


@pytest.mark.parametrize(
    ("end", "words"), [(ENOUGH, ENOUGH), (DROP, "before the final dot: Unexpected EOF received")]
)
async def test_a_new_connection_that_is_refused_too_puts_the_message_off(end: str, words: str) -> None:
    server = Sparing(0, end=end)

    outcomes = await send_all(server, 3, connections=1)

    assert kinds(outcomes) == [DEFERRED] * 3
    assert [outcome.reply for outcome in outcomes] == [words] * 3
    # Each was tried on one connection, none again and again.
    assert server.connections == 3


async def test_a_server_that_then_lets_nobody_in_puts_the_rest_off_and_is_not_asked_again_and_again() -> None:
    server = Sparing(2, most=1)

    outcomes = await send_all(server, 20, connections=4)

    assert kinds(outcomes).count(SENT) == 2
    assert kinds(outcomes).count(DEFERRED) == 18
    assert server.connections < 20


async def test_many_connections_that_all_end_at_their_limit_leave_none_behind() -> None:
    server = Sparing(3, most=6)

    outcomes = await send_all(server, 40, connections=6)

    assert kinds(outcomes).count(SENT) == 18
    assert kinds(outcomes).count(DEFERRED) == 22


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
async def test_421_about_the_message_itself_is_no_limit_of_the_connection(step: str) -> None:
    usual = USUAL[step]
    async with mailservers.scripted_server(**{step: [usual, "421 4.7.0 not this one", usual]}) as server:
        relay = relay_to(server, 1)
        outcomes = [await relay.send(envelope(number)) for number in range(3)]
        await relay.close()

    assert kinds(outcomes) == [SENT, DEFERRED, SENT]


async def test_a_connection_that_is_hung_up_on_a_next_message_is_no_loop() -> None:
    async with mailservers.scripted_server(MAIL=["250 ok", DROP]) as server:
        relay = relay_to(server, 1)
        outcomes = [await relay.send(envelope(number)) for number in range(2)]
        await relay.close()

    assert kinds(outcomes) == [SENT, DEFERRED]


async def test_a_server_that_let_in_few_is_asked_for_as_many_as_are_wished_for_when_a_line_ends() -> None:
    server = Sparing(4, most=1)
    async with mailservers._running(server, path=""), asyncio.timeout(20):
        relay = relay_to(server, 3)
        await asyncio.gather(*(relay.send(envelope(number)) for number in range(4)))
        few = relay._open
        server.most = 100
        await asyncio.gather(*(relay.send(envelope(number)) for number in range(4, 13)))
        many = relay._open
        await relay.close()

    assert few == 1
    assert many > 1
