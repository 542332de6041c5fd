"""What an operator does after refusals and after a crash, by command and on each database."""

import asyncio
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

from commands import Digest, make
from mailservers import USUAL, recording_server, scripted_server
from sites import open_site
from test_cli_processes import started
from test_cli_sending import READERS, draft_week, send_to
from test_inbound_postfix import life

#: Held back by the server, each on a connection of its own.
IN_FLIGHT = 4


@pytest.fixture
async def on_each(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Digest:
    """The command with a draft for two readers, once on SQLite and once on PostgreSQL."""
    monkeypatch.chdir(tmp_path)
    digest = make(tmp_path)
    digest.change("sqlite:///digest.db", database_url)
    async with open_site() as site:
        await draft_week(digest, site)
    return digest


async def test_who_was_refused_is_tried_again_and_nobody_else(on_each: Digest) -> None:
    refused = "550 5.1.1 no such reader"
    async with scripted_server(RCPT=[refused, USUAL["RCPT"]]) as server:
        send_to(on_each, server.port)
        await on_each.later("approve")
        first = await on_each.later("send", "--yes", code=4)
        named = await on_each.later("who", "1", "--failed")
        again = await on_each.later("retry", "1", "--failed", "--yes")
        nobody = await on_each.later("retry", "1", "--failed", "--yes")
    ledger = await on_each.json_later("issues", "show", "1")

    assert "1 failed, 1 sent" in first.stderr
    assert refused in named.stdout
    assert "2 sent" in again.stderr
    assert "nobody is to be tried again" in nobody.stderr
    assert (ledger["state"], ledger["sent"], ledger["failed"]) == ("sent", 2, 0)
    assert len(server.arrived) == len(READERS)


async def test_what_a_killed_sender_left_open_is_settled_by_the_log_and_the_rest_sent_again(
    on_each: Digest,
) -> None:
    on_each.change('#uncertain = "resend"', 'uncertain = "hold"')
    for number in range(IN_FLIGHT - len(READERS)):
        more = f"more{number}@example.org"
        await on_each.later("subscribers", "add", more, "--confirmed", "--basis", "a test")
    async with recording_server() as server:
        send_to(on_each, server.port)
        await on_each.later("approve")
        server.holding = asyncio.Event().wait
        with started(on_each, "send", "--yes") as process:
            await server.until(IN_FLIGHT)
            process.kill()
        server.holding = None
        held = await on_each.later("send", "--yes", code=1)
        ids = [str(message_from_bytes(mail.data)["Message-ID"]) for mail in server.mails]
        lines = [*life("AAAAAAAAA1", ids[0], "status=sent (250 ok)")]
        lines += life("AAAAAAAAA2", ids[1], "status=bounced (550 no)")
        (on_each.folder / "mail.log").write_text("\n".join(lines) + "\n")

        settled = await on_each.later("reconcile", "--log", "mail.log")
        twice = await on_each.json_later("reconcile", "--log", "mail.log")
        between = await on_each.json_later("issues", "show", "1")
        await on_each.later("retry", "1", "--uncertain", "--yes", code=4)
    ledger = await on_each.json_later("issues", "show", "1")

    assert f"{IN_FLIGHT} uncertain" in held.stderr
    assert f"of {IN_FLIGHT} in doubt: 1 mail sent, 0 in the server's queue, 1 bounced" in settled.stderr
    assert twice["settled"] == 0
    assert (between["sent"], between["failed"], between["uncertain"]) == (1, 1, IN_FLIGHT - 2)
    assert (ledger["sent"], ledger["failed"], ledger["uncertain"]) == (IN_FLIGHT - 1, 1, 0)
    # Once more for those two of whom the log knows nothing, under their old names.
    names = Counter(str(message_from_bytes(mail.data)["Message-ID"]) for mail in server.mails)
    assert [names[one] for one in ids] == [1, 1, 2, 2]
