"""What comes back by mail is told apart, and no bytes whatever raise."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound import Bounce, Command, CommandKind, Complaint, Ignored, Mail, read_mail

MAILS = Path(__file__).parent / "data" / "mails"
TOKEN = "1a.t2x9.Qk7hY3_-w"
ID = "<weekly.47.12@example.org>"


def read(name: str) -> Mail:
    return read_mail((MAILS / f"{name}.eml").read_bytes())


def written(to: str = "weekly@example.org", subject: str = "", **headers: str) -> Mail:
    fields = {"From": "Ada <ada@example.net>", "To": to, "Subject": subject}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return read_mail(
        "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\nHello\r\n"
    )


def test_an_unknown_mailbox_is_a_hard_bounce_with_all_that_finds_its_delivery() -> None:
    assert read("bounce-unknown") == Bounce(
        recipient="ada@example.net",
        status="5.1.1",
        is_hard=True,
        reply="550 5.1.1 <ada@example.net>: no such mailbox",
        message_id=ID,
        token=TOKEN,
    )


def test_a_full_mailbox_is_soft_and_its_mail_is_known_by_returned_headers() -> None:
    bounce = read("bounce-full")

    assert isinstance(bounce, Bounce)
    assert (bounce.status, bounce.is_hard, bounce.message_id) == ("5.2.2", False, ID)


def test_a_vague_status_gives_way_to_the_code_of_the_remote_server() -> None:
    bounce = read("bounce-vague")

    assert isinstance(bounce, Bounce)
    assert (bounce.status, bounce.is_hard) == ("5.1.1", True)


def test_a_mail_that_was_blocked_is_not_the_readers_fault_whatever_the_status_says() -> None:
    bounce = read("bounce-blocked")

    assert isinstance(bounce, Bounce)
    assert not bounce.is_hard


@pytest.mark.parametrize("status", ["5.1.0", "5.1.8", "5.2.1", "5.7.1", "4.1.1", "5.1.11", "15.1.1"])
def test_only_codes_about_the_recipient_are_hard(status: str) -> None:
    data = (MAILS / "bounce-unknown.eml").read_bytes().replace(b"5.1.1", status.encode())

    bounce = read_mail(data)

    assert isinstance(bounce, Bounce)
    assert not bounce.is_hard


def test_a_failure_told_in_prose_is_a_bounce_without_a_code() -> None:
    assert read("failed-in-prose") == Bounce(
        recipient="ada@example.net", status="", is_hard=False, token=TOKEN
    )


def test_a_delay_is_no_bounce() -> None:
    assert read("delayed") == Ignored(why="a delivery report without a failure")


def test_a_complaint_names_reader_and_mail() -> None:
    assert read("complaint") == Complaint(recipient="ada@mailbox.example", message_id=ID, token=TOKEN)


def test_a_complaint_without_the_reader_is_read_from_the_returned_mail() -> None:
    data = (MAILS / "complaint.eml").read_bytes()

    complaint = read_mail(data.replace(b"Original-Rcpt-To", b"X-Nothing"))

    assert isinstance(complaint, Complaint)
    assert complaint.recipient == "ada@mailbox.example"


@pytest.mark.parametrize("kind", [b"not-spam", b"auth-failure", b""])
def test_a_report_that_is_no_complaint_is_none(kind: bytes) -> None:
    data = (MAILS / "complaint.eml").read_bytes().replace(b"Feedback-Type: abuse", b"Feedback-Type: " + kind)

    assert isinstance(read_mail(data), Ignored)


@pytest.mark.parametrize(
    ("tag", "kind", "token"),
    [
        (f"unsubscribe-{TOKEN}", CommandKind.UNSUBSCRIBE, TOKEN),
        (f"confirm-{TOKEN}", CommandKind.CONFIRM, TOKEN),
        (f"Confirm-{TOKEN}", CommandKind.CONFIRM, TOKEN),
        ("subscribe", CommandKind.SUBSCRIBE, ""),
        ("unsubscribe", CommandKind.UNSUBSCRIBE, ""),
        ("help", CommandKind.HELP, ""),
    ],
)
def test_a_plus_tag_is_a_command_and_its_token_keeps_its_case(
    tag: str, kind: CommandKind, token: str
) -> None:
    assert written(f"The Week <Weekly+{tag}@example.org>") == Command(
        kind=kind, sender="ada@example.net", token=token, newsletter="weekly"
    )


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Subscribe", "subscribe"), ("join", "subscribe"), ("Re: UNSUBSCRIBE", "unsubscribe"),
        ("stop!", "unsubscribe"), ("Please remove me", "unsubscribe"),
        ("=?utf-8?b?bGVhdmU=?=", "unsubscribe"), ("help", "help"),
    ],
)  # fmt: skip
def test_a_subject_is_a_command_too(subject: str, kind: str) -> None:
    assert written(subject=subject) == Command(
        kind=CommandKind(kind), sender="ada@example.net", newsletter="weekly"
    )


@pytest.mark.parametrize("subject", ["", "Stop the presses", "Leave a comment", "Re: The Week 47", "joint"])
def test_an_ordinary_subject_is_none(subject: str) -> None:
    assert written(subject=subject) == Ignored(why="neither a report nor a command")


@pytest.mark.parametrize(
    ("name", "value"),
    [("Auto-Submitted", "auto-replied (vacation)"), ("Auto-Submitted", "auto-generated"),
     ("Precedence", "bulk"), ("Return-Path", "<>"),
     ("List-Id", "<x.example>"), ("X-Loop", "weekly@example.org")],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["subscribe", f"confirm-{TOKEN}"])
def test_what_a_program_sent_confirms_and_subscribes_nobody(tag: str, name: str, value: str) -> None:
    assert isinstance(written(f"weekly+{tag}@example.org", **{name: value}), Ignored)
    assert isinstance(written(subject=tag.partition("-")[0], **{name: value}), Ignored)


def test_a_provider_may_leave_for_its_user_but_an_out_of_office_reply_may_not() -> None:
    to = f"weekly+unsubscribe-{TOKEN}@example.org"

    assert isinstance(written(to, Auto_Submitted="auto-generated", Return_Path="<>"), Command)
    assert isinstance(written(to, Auto_Submitted="auto-replied"), Ignored)


def test_an_out_of_office_reply_is_ignored() -> None:
    assert read("out-of-office") == Ignored(why="an automatic reply")


def test_a_mail_that_went_round_a_hundred_times_is_a_loop() -> None:
    data = b"Received: from a by b\r\n" * 101 + b"From: ada@example.net\r\nSubject: subscribe\r\n\r\n"

    assert read_mail(data) == Ignored(why="a mail loop")


def test_a_command_from_nobody_and_a_confirmation_without_its_token_are_ignored() -> None:
    assert isinstance(read_mail(b"To: weekly+subscribe@example.org\r\n\r\n"), Ignored)
    assert isinstance(written("weekly+confirm@example.org"), Ignored)


def test_a_thousand_mails_in_each_other_are_ignored() -> None:
    data = b"Content-Type: message/rfc822\r\n\r\n" * 5000

    assert isinstance(read_mail(data), Ignored)


def test_only_the_first_megabyte_is_read() -> None:
    assert isinstance(read_mail(b"X: y\r\n" * 400_000 + b"Subject: subscribe\r\n\r\n"), Ignored)


def test_a_hostile_reply_is_one_line_of_at_most_500_letters() -> None:
    data = (MAILS / "bounce-unknown.eml").read_bytes()

    bounce = read_mail(data.replace(b"no such mailbox", b"\x00\x1b[2J\r\n " * 900))

    assert isinstance(bounce, Bounce)
    assert bounce.reply.isprintable()
    assert len(bounce.reply) <= 500


FIXTURES = sorted(MAILS.glob("*.eml"))


@given(st.binary(max_size=2000))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(read_mail(data), Mail)


@given(st.sampled_from(FIXTURES), st.integers(0, 1500), st.integers(0, 60), st.binary(max_size=30))
def test_no_damage_to_a_mail_raises(path: Path, start: int, length: int, junk: bytes) -> None:
    data = path.read_bytes()

    assert isinstance(read_mail(data[:start] + junk + data[start + length :]), Mail)


@given(
    st.sampled_from(["From", "To", "Subject", "Content-Type", "X-Failed-Recipients", "Auto-Submitted"]),
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(["=?x?q?a?=", "=?utf-8?b?a?=", 'multipart/report; boundary="', "a;b*=x'y'%ff"]),
    ),
)
def test_no_header_raises(name: str, value: str) -> None:
    data = f"From: ada@example.net\r\n{name}: {value}\r\nSubject: join\r\n\r\n--\r\n".encode(
        "utf-8", "replace"
    )

    assert isinstance(read_mail(data), Mail)
