"""After a crash: what the mail server's log says settles what was open."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Digest, digest, feed
from sites import open_site
from test_inbound_postfix import life

__all__ = ["digest"]

READERS = tuple(f"r{number}@example.org" for number in range(5))


@pytest.fixture
async def in_doubt(digest: Digest) -> list[str]:
    """The Message-IDs of an issue whose sender died with five messages in flight; `hold` is the policy."""
    digest.change('#uncertain = "resend"', 'uncertain = "hold"')
    async with open_site() as site:
        for email in READERS:
            await digest.later("subscribers", "add", email, "--confirmed", "--basis", "a test")
        site.put("/feed", feed("A story"))
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("gather")
        await digest.later("draft")
        await digest.later("approve")
    found = []
    for email in READERS:
        await digest.later("preview", "1", "--as", email, "--out", str(digest.folder / "one.eml"))
        lines = (digest.folder / "one.eml").read_text().splitlines()
        found += [line.removeprefix("Message-ID: ") for line in lines if line.startswith("Message-ID:")]
    digest.sql("UPDATE issue SET state = 'sending', started_at = due_at")
    digest.sql(
        "UPDATE delivery SET state = 'handed', fence = 1, attempts = 1, holder = 'gone',"
        " lease_until = '2999-01-01 00:00:00' WHERE state = 'queued'"
    )
    return found


async def test_a_log_settles_by_message_id_and_twice_is_safe(digest: Digest, in_doubt: list[str]) -> None:
    sent, bounced, queued, cut, _unknown = in_doubt
    older, newer = digest.folder / "mail.log.1.gz", digest.folder / "mail.log"
    first = life("AAAAAAAAA1", sent, "status=sent (250 ok)")
    with gzip.open(older, "wt") as file:
        file.write("\n".join([*first[:3], *life("AAAAAAAAA2", bounced, "status=bounced (550 no)")]) + "\n")
    newer.write_text(
        "\n".join(
            [
                *first[3:],
                *life("AAAAAAAAA3", queued, "status=deferred (later)")[:4],
                *life("AAAAAAAAA4", cut, "")[:2],
                "\x00 nonsense \xff",
            ]
        )
    )
    os.utime(older, (1, 1))
    logs = ("--log", str(newer), "--log", str(older))
    digest.run("send", "--yes", code=1)

    tried = digest.json("reconcile", *logs, "--dry-run")
    assert tried == {
        "in_doubt": 5,
        "settled": 3,
        "unknown": 1,
        "taken": 1,
        "sent": 1,
        "bounced": 1,
        "cut_off": 1,
        "dry_run": True,
    }
    assert digest.json("issues", "show", "1")["uncertain"] == 5
    done = digest.run("reconcile", *logs).stderr
    assert (
        "of 5 in doubt: 1 mail sent, 1 in the server's queue, 1 bounced; 1 cut off, 1 not in the log" in done
    )

    again = digest.json("reconcile", *logs)
    assert (again["in_doubt"], again["settled"]) == (2, 0)
    ledger = digest.json("issues", "show", "1")
    assert (ledger["sent"], ledger["failed"], ledger["uncertain"]) == (2, 1, 2)
    assert "550 no" in digest.run("who", "1", "--failed").stdout
    digest.run("retry", "1", "--uncertain", "--yes", code=4)
    assert len(list((digest.folder / "outbox").iterdir())) == 2


async def test_with_resend_what_was_sent_is_not_sent_again(digest: Digest, in_doubt: list[str]) -> None:
    digest.change('uncertain = "hold"', 'uncertain = "resend"')
    lines = [
        line
        for number, one in enumerate(in_doubt)
        for line in life(f"AAAAAAAAB{number}", one, "status=sent (250 ok)")
    ]

    done = digest.run("reconcile", "--log", "-", stdin="\n".join(lines))

    assert "of 5 in doubt: 5 mails sent" in done.stderr
    assert digest.json("issues", "show", "1")["state"] == "sent"
    digest.run("send", "1", "--yes")
    assert not (digest.folder / "outbox").exists()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_log_that_is_no_text_is_one_clear_line(
    digest: Digest, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    journal = tmp_path / "system.journal"
    journal.write_bytes(pack(b"LPKSHHRH" + bytes(range(256)) * 40))

    for result in (
        digest.run("reconcile", "--log", str(journal), code=2),
        digest.run("reconcile", "--log", "-", code=2, stdin=journal.read_bytes()),
    ):
        assert "is no log: it is not text" in result.stderr.splitlines()[0]


def test_a_log_that_cannot_be_read_is_named(digest: Digest, tmp_path: Path) -> None:
    damaged = tmp_path / "mail.log.gz"
    damaged.write_bytes(gzip.compress(b"a line\n" * 1000)[:-12])

    assert "No such file" in digest.run("reconcile", "--log", str(tmp_path / "none"), code=2).stderr
    assert "is damaged" in digest.run("reconcile", "--log", str(damaged), code=2).stderr
