"""Several relays as one way out: shares, fail-over, and nothing lost when all are away."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import settings_for
from digest.config import Settings
from digest.deliver import Envelope, Relays, new_keys, open_relays
from digest.domain import OutcomeKind
from digest.errors import ConfigError, TransportError
from mailservers import Recorder, recording_server, scripted_server

DATA = b"Subject: x\r\n\r\nHello.\r\n"


def envelope(number: int) -> Envelope:
    return Envelope(key=number, sender="a@example.org", recipient=f"r{number}@example.org", blocks=(DATA,))


def settings(folder: Path, **relays: dict[str, Any]) -> Settings:
    return settings_for("sqlite:///unused.db", folder, smtp={}, relays=relays)


def at(port: int, **more: Any) -> dict[str, Any]:
    return {"url": f"smtp://127.0.0.1:{port}"} | more


async def send(relays: Relays, count: int) -> Counter[str]:
    outcomes = [await relays.send(envelope(number)) for number in range(count)]
    return Counter(str(one.kind) for one in outcomes)


async def test_each_relay_gets_its_share_in_small_steps(tmp_path: Path) -> None:
    async with (
        recording_server() as large,
        recording_server() as small,
        open_relays(settings(tmp_path, large=at(large.port, weight=3), small=at(small.port))) as relays,
    ):
        await send(relays, 8)
        early = len(large.mails), len(small.mails)
        await send(relays, 32)

    assert early == (6, 2)
    assert (len(large.mails), len(small.mails)) == (30, 10)


async def test_a_relay_that_cannot_be_reached_leaves_its_share_to_the_other(tmp_path: Path) -> None:
    async with recording_server() as gone:
        pass
    async with (
        recording_server() as there,
        open_relays(settings(tmp_path, gone=at(gone.port), there=at(there.port))) as relays,
    ):
        kinds = await send(relays, 20)
        asleep = [way.name for way in relays.ways if way not in relays.awake]

    assert (kinds, len(there.mails)) == ({"sent": 20}, 20)
    assert asleep == ["gone"]


async def test_with_no_relay_to_be_reached_messages_are_deferred(tmp_path: Path) -> None:
    async with (
        scripted_server(GREETING="421 4.3.2 not now") as one,
        scripted_server(GREETING="421 4.3.2 not now") as other,
        open_relays(settings(tmp_path, one=at(one.port), other=at(other.port))) as relays,
    ):
        outcomes = [await relays.send(envelope(number)) for number in range(10)]

    assert {one.kind for one in outcomes} == {OutcomeKind.DEFERRED}
    assert all("421 4.3.2 not now" in one.reply for one in outcomes)
    assert (one.connections, other.connections) == (1, 1)


async def test_a_refusal_by_one_relay_is_not_taken_to_another(tmp_path: Path) -> None:
    async with (
        scripted_server(RCPT="550 5.7.1 not from you") as one,
        recording_server() as other,
        open_relays(settings(tmp_path, one=at(one.port, weight=9), other=at(other.port))) as relays,
    ):
        outcome = await relays.send(envelope(1))

    assert (outcome.kind, other.mails) == (OutcomeKind.FAILED, [])


async def test_a_relay_without_credit_is_passed_over(tmp_path: Path) -> None:
    async with (
        recording_server() as one,
        recording_server() as other,
        open_relays(settings(tmp_path, one=at(one.port), other=at(other.port))) as relays,
    ):
        relays.ways[0].credit, relays.ways[1].credit = 3, 5
        kinds = await send(relays, 10)

    assert (len(one.mails), len(other.mails)) == (3, 5)
    assert kinds == {"sent": 8, "deferred": 2}


async def test_messages_at_the_same_time_use_no_more_credit_than_there_is(tmp_path: Path) -> None:
    async with (
        recording_server() as one,
        open_relays(settings(tmp_path, one=at(one.port), other=at(one.port))) as relays,
    ):
        relays.ways[0].credit, relays.ways[1].credit = 7, 2
        await asyncio.gather(*(relays.send(envelope(number)) for number in range(30)))

    assert len(one.mails) == 9


async def test_a_connection_is_renewed_as_often_as_its_relay_says(tmp_path: Path) -> None:
    async with (
        recording_server() as server,
        open_relays(settings(tmp_path, one=at(server.port, messages_per_connection=2))) as relays,
    ):
        await send(relays, 5)

    assert [mail.connection for mail in server.mails] == [1, 1, 2, 2, 3]


async def test_the_check_names_the_relay_that_is_away(tmp_path: Path) -> None:
    async with recording_server() as gone:
        pass
    async with (
        recording_server() as there,
        open_relays(settings(tmp_path, there=at(there.port), gone=at(gone.port))) as relays,
    ):
        with pytest.raises(TransportError, match=r"^relay gone: .*Connection refused"):
            await relays.check()


async def test_a_relay_that_signs_gets_the_mail_unsigned(tmp_path: Path) -> None:
    new_keys(tmp_path, domain="example.org", selector="digest")
    dkim = {"domain": "example.org", "rsa_key": tmp_path / "dkim-rsa.pem"}

    async def signed(server: Recorder, **more: Any) -> bool:
        chosen = settings_for(
            "sqlite:///unused.db", tmp_path, smtp={"dkim": dkim}, relays={"one": at(server.port, **more)}
        )
        async with open_relays(chosen) as relays:
            await relays.send(envelope(1))
        return server.mails.pop().data.startswith(b"DKIM-Signature:")

    async with recording_server() as server:
        assert await signed(server)
        assert not await signed(server, signs=True)


async def test_what_is_signed_in_advance_is_signed_once_and_leaves_unsigned_by_a_relay_that_signs(
    tmp_path: Path,
) -> None:
    new_keys(tmp_path, domain="example.org", selector="digest")
    dkim = {"domain": "example.org", "rsa_key": tmp_path / "dkim-rsa.pem"}
    many = [envelope(number) for number in range(20)]
    broken = Envelope(key=20, sender="a@example.org", recipient="b@example.org", blocks=(b"no message",))
    async with recording_server() as here, recording_server() as there:
        ways = {"here": at(here.port), "there": at(there.port, signs=True)}
        chosen = settings_for("sqlite:///unused.db", tmp_path, smtp={"dkim": dkim}, relays=ways)
        async with open_relays(chosen) as relays:
            await relays.sign([*many, broken])
            assert [one.is_signed for one in many] == [True] * 20
            assert not broken.is_signed
            outcomes = [await relays.send(one) for one in [*many, broken, broken]]

    assert [one.kind for one in outcomes[:20]] == [OutcomeKind.SENT] * 20
    # Whoever signs it says so; the server of the other relay says what it thinks of it.
    assert "the message has no end of its headers" in {one.reply for one in outcomes[20:]}
    assert [mail.data.count(b"DKIM-Signature:") for mail in here.mails] == [1] * 10
    assert all(not mail.data.startswith(b"DKIM") for mail in there.mails)
    assert len(there.mails) >= 10


async def test_a_wrong_address_names_its_relay(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^relays\.main\.url: no such transport"):
        async with open_relays(settings(tmp_path, main={"url": "nonsense://x"})):
            pass
