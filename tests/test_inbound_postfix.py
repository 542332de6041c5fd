"""A Postfix log read for what became of mails: both kinds of stamps, rotated ids, and lines that lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound import Fate, Trace, read_postfix_log

MINE = "<week.1.7.0123456789abcdef@example.org>"
OTHER = "<week.1.8.fedcba9876543210@example.org>"
SYSLOG = "Nov 25 09:00:01 mail1 "
ISO = "2026-11-25T09:00:01.123456+01:00 mail1 "


def life(queue: str, message_id: str, status: str, *, head: str = SYSLOG) -> list[str]:
    """The lines of a message from its head to its end."""
    return [
        f"{head}postfix/smtpd[71]: {queue}: client=localhost[127.0.0.1]",
        f"{head}postfix/cleanup[72]: {queue}: message-id={message_id}",
        f"{head}postfix/qmgr[60]: {queue}: from=<news@example.org>, size=13767, nrcpt=1 (queue active)",
        f"{head}postfix/smtp[73]: {queue}: to=<ada@example.org>, relay=mx.example.org[192.0.2.1]:25, "
        f"delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, {status}",
        f"{head}postfix/qmgr[60]: {queue}: removed",
    ]


def last(lines: list[str], *wanted: str) -> Trace | None:
    traces = list(read_postfix_log(lines, set(wanted or (MINE,))))
    return traces[-1] if traces else None


@pytest.mark.parametrize("head", [SYSLOG, ISO, "<22>" + SYSLOG, "Nov  5 09:00:01 mail-1.example.org "])
@pytest.mark.parametrize("queue", ["4F2A1B3C9D", "4XyzBc12dQz7mN"])
@pytest.mark.parametrize(
    ("status", "fate", "words"),
    [
        ("status=sent (250 2.0.0 Ok: queued as 77)", Fate.SENT, "250 2.0.0 Ok: queued as 77"),
        ("status=bounced (host mx said: 550 5.1.1 no)", Fate.BOUNCED, "host mx said: 550 5.1.1 no"),
        ("status=deferred (connect to mx: timed out)", Fate.TAKEN, "connect to mx: timed out"),
        ("status=expired, returned to sender", Fate.BOUNCED, ""),
    ],
)
def test_the_last_line_says_what_became_of_it(
    head: str, queue: str, status: str, fate: Fate, words: str
) -> None:
    assert last(life(queue, MINE, status, head=head)) == Trace(message_id=MINE, fate=fate, words=words)


def test_a_message_that_was_queued_is_taken_and_one_without_an_end_is_cut_off() -> None:
    lines = life("4F2A1B3C9D", MINE, "status=sent (250 ok)")

    assert last(lines[:3]) == Trace(message_id=MINE, fate=Fate.TAKEN)
    assert last(lines[:2]) == Trace(message_id=MINE, fate=Fate.CUT_OFF)
    assert last(lines[:1]) is None


def test_an_id_that_comes_again_stands_for_the_new_message() -> None:
    lines = life("4F2A1B3C9D", MINE, "status=sent (250 ok)")[:2]
    lines += life("4F2A1B3C9D", OTHER, "status=bounced (550 no)")

    assert [trace.fate for trace in read_postfix_log(lines, {MINE})] == [Fate.CUT_OFF]


def test_another_instance_and_another_name_in_the_log_are_postfix_too() -> None:
    lines = life("4F2A1B3C9D", MINE, "status=sent (250 ok)")
    renamed = [line.replace("postfix/", "postfix-out/submission/") for line in lines]

    assert last(renamed) == Trace(message_id=MINE, fate=Fate.SENT, words="250 ok")


@pytest.mark.parametrize(
    "lie",
    [
        f"{SYSLOG}postfix/smtpd[1]: NOQUEUE: reject: helo=<x postfix/smtp[1]: 4F2A1B3C9D: , dsn=2.0.0, "
        "status=sent>",
        f"{SYSLOG}postfix/smtp[1]: 4F2A1B3C9D: to=<status=sent@example.org>, orig_to=<status=sent (250>",
        f"{SYSLOG}app[1]: 4F2A1B3C9D: to=<a@example.org>, dsn=2.0.0, status=sent (250 ok)",
        f"{SYSLOG}postfix/cleanup[1]: 4F2A1B3C9D: warning: header Subject: message-id={MINE}",
        f"{SYSLOG}postfix/smtp[1]: 4F2A1B3C9D: , dsn=2.0.0, status=perhaps",
        "postfix/smtp[1]: 4F2A1B3C9D: , dsn=2.0.0, status=sent (250 ok)",
    ],
)
def test_what_others_wrote_into_a_line_is_not_believed(lie: str) -> None:
    lines = life("4F2A1B3C9D", MINE, "status=sent (250 ok)")[:2]

    assert last([*lines, lie]) == Trace(message_id=MINE, fate=Fate.CUT_OFF)


@given(
    st.lists(
        st.one_of(st.text(max_size=200), st.just(SYSLOG), st.sampled_from(life("4F2A1B3C9D", MINE, "x")))
    )
)
def test_no_lines_break_it(lines: list[str]) -> None:
    assert all(trace.message_id == MINE for trace in read_postfix_log(lines, {MINE}))
