"""`digest receive`: what a mail from the MTA's pipe does, and what it cannot do."""

import sqlite3
from email.message import EmailMessage

import pytest

from commands import Digest, digest, feed
from sites import open_site

__all__ = ["digest"]

READER = "ada@example.org"


def mail(to: str, *, subject: str = "", sender: str = READER) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = "<one@example.org>"
    message.set_content("Hello")
    return message.as_bytes()


def bounce(message_id: str, *, status: str = "5.1.1", recipient: str = READER) -> bytes:
    """A delivery report as RFC 3464 has it."""
    return (
        "From: MAILER-DAEMON@mx.example.org\r\nTo: news@example.org\r\nSubject: Undelivered\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    ).encode()


def complaint(message_id: str) -> bytes:
    """A complaint as RFC 5965 has it, with the address blanked."""
    return (
        "From: feedback@provider.example\r\nTo: news@example.org\r\nSubject: complaint\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSpam.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
        "User-Agent: x/1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\n"
        "From: news@example.org\r\n\r\nx\r\n"
        "--b--\r\n"
    ).encode()


def state_of(digest: Digest) -> str:
    return str(digest.json("subscribers", "show", READER)["state"])


async def sent_message_id(digest: Digest) -> str:
    """The Message-ID of a mail that the reader got."""
    digest.run("subscribers", "add", READER, "--confirmed", "--basis", "a test")
    async with open_site() as site:
        site.put("/feed", feed("A story"))
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("gather")
    digest.run("draft")
    digest.run("approve")
    digest.run("send", "--yes")
    (file,) = (digest.folder / "outbox").iterdir()
    lines = file.read_text().splitlines()
    return next(line.partition(": ")[2].strip() for line in lines if line.startswith("Message-ID:"))


def test_a_mail_signs_up_and_waits_for_the_confirmation(digest: Digest) -> None:
    digest.run("receive", stdin=mail("news+subscribe@example.org"))

    assert state_of(digest) == "pending"


def test_a_mail_leaves_and_twice_is_the_same(digest: Digest) -> None:
    digest.run("subscribers", "add", READER, "--confirmed", "--basis", "a test")

    for _ in range(2):
        assert "left" in digest.run("receive", stdin=mail("news@example.org", subject="unsubscribe")).stderr

    assert state_of(digest) == "left"


def test_a_forged_token_does_nothing(digest: Digest) -> None:
    digest.run("subscribers", "add", READER, "--confirmed", "--basis", "a test")

    told = digest.run("receive", stdin=mail("news+unsubscribe-1.0.AAAAAAAAAAAAAAAAAAAAAA@example.org"))

    assert "nothing done" in told.stderr
    assert state_of(digest) == "confirmed"


@pytest.mark.parametrize("data", [b"", b"\0\xff" * 100, b"hello", mail("x@example.org", subject="Hi")])
def test_what_is_no_command_is_ignored(digest: Digest, data: bytes) -> None:
    assert "mail" in digest.run("receive", stdin=data).stderr


async def test_a_hard_bounce_of_a_mail_of_ours_bars_the_address(digest: Digest) -> None:
    message_id = await sent_message_id(digest)

    told = digest.run("receive", stdin=bounce(message_id))

    assert "is sent nothing more" in told.stderr
    assert READER not in told.stderr
    assert state_of(digest) == "suppressed"


async def test_a_complaint_about_a_mail_of_ours_bars_even_a_blanked_address(digest: Digest) -> None:
    message_id = await sent_message_id(digest)

    digest.run("receive", stdin=complaint(message_id))

    assert state_of(digest) == "suppressed"


async def test_reports_that_prove_nothing_bar_nobody(digest: Digest) -> None:
    message_id = await sent_message_id(digest)
    forged = message_id.replace(message_id.rpartition(".")[0][-16:], "0" * 16, 1)

    for data in (bounce("<x@example.org>"), bounce(message_id, status="4.2.2"), complaint("<week.1.1.0a@x>")):
        digest.run("receive", stdin=data)
    if forged != message_id:
        digest.run("receive", stdin=bounce(forged))

    assert state_of(digest) == "confirmed"


def test_a_locked_database_keeps_the_mail_with_the_mta(digest: Digest) -> None:
    digest.change("sqlite:///digest.db", "sqlite:///nowhere/digest.db")

    assert digest.run("receive", stdin=mail("news+subscribe@example.org"), code=75).stderr.startswith(
        "error[B"
    )


def test_a_dry_run_only_says_what_the_mail_is(digest: Digest) -> None:
    told = digest.run("receive", "--dry-run", stdin=bounce("<x@example.org>"))

    assert "hard bounce 5.1.1" in told.stderr
    with sqlite3.connect(digest.folder / "digest.db") as database:
        assert database.execute("SELECT count(*) FROM bounce").fetchone() == (0,)
    database.close()
