"""Commands around a sending: tried without sending, to one address, paused, tried again, looked at."""

import csv
import io
import json
from pathlib import Path

import pytest

from commands import Digest, digest, feed, make
from digest.cli.ledger import Ledger
from digest.cli.sending import code_of
from mailservers import recording_server, scripted_server
from sites import Site, open_site
from weeks import parsed

__all__ = ["digest"]

READERS = ("ada@example.org", "bo@example.org")


async def draft_week(digest: Digest, site: Site) -> None:
    """Two readers, one who waits, one source, and a draft."""
    for email in READERS:
        await digest.later("subscribers", "add", email, "--confirmed", "--basis", "a test")
    await digest.later("subscribers", "add", "waiting@example.org")
    site.put("/feed", feed("A story", "Another story"))
    await digest.later("sources", "add", f"{site.url}/feed")
    await digest.later("gather")
    await digest.later("draft")


def send_to(digest: Digest, port: int) -> None:
    """Let the mails go to that port."""
    text = digest.settings.read_text()
    lines = [
        f'url = "smtp://127.0.0.1:{port}"' if one.startswith("url =") else one for one in text.splitlines()
    ]
    digest.settings.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ({"sent": 2, "skipped": 1}, 0),
        ({"sent": 1, "deferred": 1}, 4),
        ({"sent": 1, "failed": 1}, 4),
        ({"deferred": 1, "failed": 1}, 4),
        ({"deferred": 2}, 75),
        ({"failed": 2}, 1),
    ],
)
def test_a_sending_ends_with_the_code_that_its_help_names(states: dict[str, int], code: int) -> None:
    assert code_of(Ledger(states=states)) == code


async def test_a_dry_run_makes_every_mail_and_sends_none(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    assert "not approved yet" in digest.run("send", "--dry-run", code=1).stderr
    digest.run("approve")

    shown = digest.run("send", "--dry-run").stderr
    told = digest.json("send", "--dry-run")

    assert "2 mails" in shown
    assert "none was sent" in shown
    assert (told["made"], told["broken"], told["state"]) == (2, {}, "approved")
    assert 0 < told["bytes"]["smallest"] <= told["bytes"]["largest"] < told["bytes"]["total"]
    assert not (digest.folder / "outbox").exists()


async def test_a_dry_run_names_whom_it_cannot_reach_and_why(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")
    digest.run("subscribers", "remove", READERS[0], "--yes")
    # An address that was stored before the checks became stricter.
    digest.sql("UPDATE subscriber SET email = 'bo,b@example.org' WHERE email = ?", READERS[1])

    done = digest.run("send", "--dry-run", code=1)

    assert "bo,b@example.org" in done.stderr
    assert "1 mail cannot be sent" in done.stderr
    assert "skipped   left" in done.stderr


async def test_a_test_mail_is_marked_and_leaves_the_ledger_alone(digest: Digest) -> None:
    async with open_site() as site, recording_server() as mail:
        send_to(digest, mail.port)
        await draft_week(digest, site)

        await digest.later("send", "--to", "Boss@Elsewhere.example")
        await digest.later("approve")
        await digest.later("send", "--to", "boss@elsewhere.example")
        ledger = await digest.json_later("issues", "show", "1")

        first, second = (parsed(one.data) for one in mail.mails)
        assert [one.recipient.lower() for one in mail.mails] == ["boss@elsewhere.example"] * 2
        assert first["Subject"].startswith("[Test] ")
        assert (first["X-Digest-Test"], second["X-Digest-Test"]) == (
            "issue 1, draft, revision 1",
            "issue 1, approved, revision 1",
        )
        assert first["Message-ID"] != second["Message-ID"]
        assert (ledger["audience"], ledger["sent"], ledger["state"]) == (3, 0, "approved")

        leave = first["List-Unsubscribe"].partition("<")[2].partition(">")[0].rpartition("/")[2]
        await digest.later("receive", stdin=mail_to(f"news+unsubscribe-{leave}@example.org"))
        counts = await digest.json_later("subscribers", "list")
        assert counts["counts"] == {"confirmed": 2, "pending": 1}


def mail_to(address: str) -> bytes:
    return f"From: ada@example.org\r\nTo: {address}\r\nSubject: unsubscribe\r\n\r\n\r\n".encode()


async def test_a_test_mail_that_is_refused_says_why(digest: Digest) -> None:
    async with open_site() as site, scripted_server(RCPT="550 5.1.1 nobody here") as mail:
        send_to(digest, mail.port)
        await draft_week(digest, site)

        done = await digest.later("send", "--to", "boss@elsewhere.example", code=75)
        wrong = await digest.later("send", "--to", "no address", code=2)

    assert "550 5.1.1 nobody here" in done.stderr
    assert "error[A001]" in wrong.stderr


async def test_who_was_refused_is_named_with_the_reason_and_tried_again(tmp_path: Path) -> None:
    digest = make(tmp_path)
    async with open_site() as site, scripted_server(RCPT=["250 ok", "550 5.1.1 no such user"]) as mail:
        send_to(digest, mail.port)
        digest.change("#connections = 4", "connections = 1")
        await draft_week(digest, site)
        await digest.later("approve")
        ended = await digest.later("send", "--yes", code=4)
    refused = digest.run("who", "1", "--failed").stdout
    assert "failed    550 5.1.1 no such user" in ended.stderr
    assert refused.startswith("bo@example.org ")
    assert "550 5.1.1 no such user" in refused

    assert "which ones?" in digest.run("retry", "1", code=2).stderr
    alone = digest.run("retry", "1", "--failed", code=2).stderr
    assert "nobody is here" in alone
    assert "--yes tries them again" in alone
    assert "--dry-run" not in alone
    async with recording_server() as kind:
        send_to(digest, kind.port)
        again = await digest.later("retry", "1", "--failed", "--yes")
        nobody = await digest.later("retry", "1", "--failed", "--yes")

    assert [one.recipient for one in kind.mails] == ["bo@example.org"]
    assert "2 sent; not sent: 1 not confirmed" in again.stderr
    assert "nobody is to be tried again" in nobody.stderr


async def test_who_lists_as_a_table_as_json_lines_and_as_csv(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")
    digest.run("send", "--yes")

    lines = [json.loads(line) for line in digest.run("who", "1", "--json").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(digest.run("who", "1", "--sent", "--csv").stdout)))
    table = digest.run("who", "1", "--skipped").stdout.splitlines()

    assert [one["state"] for one in lines] == ["sent", "sent", "skipped"]
    assert [one["email"] for one in rows] == list(READERS)
    assert [line.split()[:2] for line in table] == [["waiting@example.org", "skipped"]]
    assert digest.run("who", "1", "--missed").stdout == ""
    digest.run("who", "--json", "--csv", code=2)


async def test_a_paused_issue_is_not_sent_until_it_is_resumed(digest: Digest) -> None:
    async with open_site() as site, scripted_server(RCPT="450 4.2.1 later") as mail:
        send_to(digest, mail.port)
        await draft_week(digest, site)
        await digest.later("approve")
        early = (await digest.later("pause", code=1)).stderr
        assert "issue 1 is approved; only one that is being sent is paused" in early
        assert "cancel 1 keeps it from being sent" in early
        await digest.later("send", "--yes", code=75)

        paused = await digest.json_later("pause", "1")
        again = await digest.later("pause", "1")
        refused = await digest.later("send", "1", "--yes", code=1)
        resumed = await digest.json_later("resume", "1")

    assert (paused["state"], paused["deferred"]) == ("paused", 2)
    assert "already" in again.stderr
    assert " resume 1" in refused.stderr
    assert resumed["state"] == "sending"


@pytest.mark.parametrize(
    ("command", "said", "code"),
    [
        (("pause", "1"), "paused    issue 1\n", 4),
        (("cancel", "1", "--reason", "a wrong link"), "cancelled issue 1: a wrong link\n", 0),
    ],
)
async def test_a_sending_that_somebody_else_stops_says_so(
    digest: Digest, command: tuple[str, ...], said: str, code: int
) -> None:
    async with open_site() as site, recording_server() as mail:
        send_to(digest, mail.port)
        digest.change("#connections = 4", "connections = 1")
        await draft_week(digest, site)
        await digest.later("approve")

        async def stop() -> None:
            mail.holding = None
            await digest.later(*command)

        mail.holding = stop
        ended = await digest.later("send", "--yes", code=code)

    assert said in ended.stderr
    assert (" resume 1  lets it go on" in ended.stderr) is (command[0] == "pause")
    assert len(mail.mails) == 1


async def test_sending_before_anything_is_due_says_when_and_sends_nothing(digest: Digest) -> None:
    async with open_site() as site, scripted_server(RCPT=["250 ok", "450 4.2.1 later"]) as mail:
        send_to(digest, mail.port)
        digest.change("#connections = 4", "connections = 1")
        await draft_week(digest, site)
        await digest.later("approve")
        first = await digest.later("send", "--yes", code=4)
        again = await digest.later("send", "1", code=75)
        told = await digest.later("send", "1", "--exit-code", code=3)

    assert "1 deferred, 1 sent; not sent" in first.stderr
    assert "waits     nothing more is due before " in first.stderr
    assert "waits     nothing is due before " in again.stderr
    assert "later tries the deferred again" in again.stderr
    assert "\nsent " not in again.stderr + told.stderr


async def test_what_a_cap_keeps_for_another_day_is_said(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    text = "\n".join(
        line for line in digest.settings.read_text().splitlines() if not line.startswith("url =")
    )
    digest.settings.write_text(f'{text}\n[relays.main]\nurl = "file://outbox"\ndaily_cap = 1\n')
    digest.run("approve")

    said = digest.run("send", "--yes", code=4).stderr

    assert "1 queued, 1 sent; not sent" in said
    assert "waits     the relays carry no more for now: " in said
    assert " send 1  later sends the rest" in said


def leave_behind(digest: Digest, state: str) -> None:
    """What a sender that died holds."""
    digest.sql("UPDATE issue SET state = 'sending', started_at = due_at")
    digest.sql(
        f"UPDATE delivery SET state = '{state}', fence = 1, attempts = 1, holder = 'gone',"
        " lease_until = '2999-01-01 00:00:00' WHERE state = 'queued'"
    )


async def test_what_a_dead_sender_holds_is_said_and_taken_up(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")
    leave_behind(digest, "claimed")

    words = "2 deliveries held by a sender that has ended, which is gone; the next sending takes them up"
    assert words in digest.run("status").stdout
    assert "2 claimed; not sent: 1 not confirmed" in digest.run("status").stdout
    assert words in digest.run("doctor").stdout
    assert "2 sent" in digest.run("send", "--yes").stderr


@pytest.mark.parametrize(
    ("policy", "settled", "count"),
    [("resend", "sent again", 2), ("hold", "held back", 0), ("assume-sent", "counted as sent", 0)],
)
async def test_how_many_a_crash_left_in_doubt_is_said_and_what_became_of_them(
    digest: Digest, policy: str, settled: str, count: int
) -> None:
    digest.change('#uncertain = "resend"', f'uncertain = "{policy}"')
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")
    leave_behind(digest, "handed")

    said = digest.run("send", "--yes", code=1 if policy == "hold" else 0).stderr

    assert f"doubt     2 mails may have left before a crash: {settled}" in said
    assert len(list((digest.folder / "outbox").glob("*.eml"))) == count


async def test_a_readers_time_line_goes_from_consent_to_the_servers_words_and_what_came_back(
    digest: Digest,
) -> None:
    async with open_site() as site, scripted_server(RCPT="450 4.2.1 later") as mail:
        send_to(digest, mail.port)
        await draft_week(digest, site)
        await digest.later("approve")
        await digest.later("send", "--yes", code=75)
    digest.sql(
        "INSERT INTO bounce (email_hash, kind, status, reply, message_id, at)"
        " SELECT email_hash, 'hard', '5.1.1', 'no such user', '', '2999-01-01 00:00:00' FROM subscriber"
    )

    told = digest.json("explain", "--reader", READERS[0])["history"]

    words = [one["what"] for one in told]
    assert words[0].startswith("imported") or words[0].startswith("confirmed")
    assert "issue 1 approved, with this reader" in words
    assert any("issue 1 deferred, next try" in one and one.endswith("450 4.2.1 later") for one in words)
    assert words[-1] == "came back: hard 5.1.1: no such user"


async def test_a_test_mail_to_an_empty_address_is_refused_and_sends_the_issue_to_nobody(
    digest: Digest,
) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")

    refused = digest.run("send", "--to", "", "--yes", code=2).stderr

    assert "A001" in refused
    assert digest.json("send", "--dry-run")["made"] == 2


async def test_a_number_beyond_every_column_is_an_issue_that_is_not_there(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

    for number in ("2147483648", "99999999999999999999999999"):
        assert f"has no issue {number}" in digest.run("approve", number, code=1).stderr
    assert "N001" in digest.run("decisions", "remove", "99999999999999999999999999", code=1).stderr
