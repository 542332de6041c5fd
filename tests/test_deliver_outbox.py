"""The outbox: a folder of .eml files as a way out."""

import resource
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.config import SmtpSettings
from digest.deliver import Envelope, encode, open_transport
from digest.domain import Message, OutcomeKind
from digest.errors import TransportError


def envelope(number: int = 1, *, text: str = "Hello.") -> Envelope:
    message = Message(
        sender="news@example.org",
        recipient="reader@example.org",
        message_id=f"<47.{number}@example.org>",
        headers=(("Subject", "A week"),),
        text=text,
    )
    return Envelope(key=number, sender=message.sender, recipient=message.recipient, blocks=(encode(message),))


def settings(folder: Path) -> SmtpSettings:
    return SmtpSettings(url=SecretStr(f"file://{folder}"))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_message_becomes_a_file_with_its_very_bytes(tmp_path: Path) -> None:
    async with open_transport(settings(tmp_path / "a" / "outbox")) as transport:
        outcome = await transport.send(envelope())

    (name,) = names(tmp_path / "a" / "outbox")
    assert name.endswith(".eml")
    assert (tmp_path / "a" / "outbox" / name).read_bytes() == envelope().data
    assert (outcome.key, outcome.kind, outcome.reply) == (1, OutcomeKind.SENT, f"wrote {name}")


async def test_the_same_message_twice_is_one_file_and_another_is_another(tmp_path: Path) -> None:
    async with open_transport(settings(tmp_path)) as transport:
        for number in (1, 2, 1, 1):
            await transport.send(envelope(number))

    assert len(names(tmp_path)) == 2


async def test_a_message_that_is_withheld_leaves_no_file(tmp_path: Path) -> None:
    async def refuse() -> None:
        raise LookupError

    async with open_transport(settings(tmp_path)) as transport:
        with pytest.raises(LookupError):
            await transport.send(envelope(), intent=refuse)

    assert names(tmp_path) == []


async def test_what_an_intent_raises_is_not_taken_for_a_fault_of_the_disk(tmp_path: Path) -> None:
    async def refuse() -> None:
        raise OSError("the ledger's own")

    async with open_transport(settings(tmp_path)) as transport:
        with pytest.raises(OSError, match="the ledger's own"):
            await transport.send(envelope(), intent=refuse)


async def test_a_folder_that_cannot_be_made_defers_with_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "outbox"
    async with open_transport(settings(folder)) as transport:
        outcome = await transport.send(envelope())

        assert (outcome.kind, outcome.reply) == (OutcomeKind.DEFERRED, f"outbox {folder}: Not a directory")
        with pytest.raises(TransportError, match="Not a directory"):
            await transport.check()


async def test_a_place_that_is_taken_defers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_transport(settings(tmp_path)) as transport:
        await transport.send(envelope())
        (name,) = names(tmp_path)
        file = tmp_path / name
        file.unlink()
        file.mkdir()

        outcome = await transport.send(envelope())

    assert outcome.kind is OutcomeKind.DEFERRED
    assert "directory" in outcome.reply
    assert names(tmp_path) == [name]


async def test_a_disk_that_takes_no_more_defers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with open_transport(settings(tmp_path)) as transport:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            outcome = await transport.send(envelope(text="a week\n" * 100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (outcome.kind, outcome.reply) == (OutcomeKind.DEFERRED, f"outbox {tmp_path}: File too large")
    assert names(tmp_path) == []


async def test_the_check_counts_what_lies_there_and_adds_nothing(tmp_path: Path) -> None:
    async with open_transport(settings(tmp_path)) as transport:
        before = await transport.check()
        await transport.send(envelope())
        after = await transport.check()

    assert before == f"outbox {tmp_path}, writable, 0 messages"
    assert after == f"outbox {tmp_path}, writable, 1 message"
    assert len(names(tmp_path)) == 1
