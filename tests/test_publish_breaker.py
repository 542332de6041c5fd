"""The circuit breaker: too much that comes back pauses an issue, and its editor is told."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import KEY
from digest.deliver import Returns, Verdict
from digest.domain import Issue, IssueState
from digest.publish import approve, draft, gather_sources, resume, send, send_notices
from digest.store import subscribers
from mailservers import scripted_server
from weeks import Week, open_week, parsed

READERS = 130


def judged(tried: int, bounced: int, complained: int) -> Verdict:
    return Returns(tried=tried, bounced=bounced, complained=complained).judge()[0]


@pytest.mark.parametrize(
    ("tried", "bounced", "complained", "expected"),
    [
        (99, 99, 99, Verdict.FINE),
        (100, 4, 0, Verdict.FINE),
        (100, 5, 0, Verdict.REVIEW),
        (100, 9, 0, Verdict.REVIEW),
        (100, 10, 0, Verdict.PAUSE),
        (100, 0, 2, Verdict.FINE),
        (100, 0, 3, Verdict.PAUSE),
        (2_999, 0, 3, Verdict.REVIEW),
        (10_000, 0, 9, Verdict.FINE),
        (10_000, 0, 10, Verdict.REVIEW),
        (10_000, 0, 30, Verdict.PAUSE),
        (10_000, 600, 30, Verdict.PAUSE),
    ],
)
def test_the_shares_decide(tried: int, bounced: int, complained: int, expected: Verdict) -> None:
    assert judged(tried, bounced, complained) is expected


@given(st.integers(0, 10_000), st.integers(0, 2_000), st.integers(0, 100), st.integers(0, 50))
def test_more_that_comes_back_never_makes_it_better(
    tried: int, bounced: int, complained: int, more: int
) -> None:
    order = list(Verdict)

    before = order.index(judged(tried, bounced, complained))
    assert order.index(judged(tried, bounced + more, complained)) >= before
    assert order.index(judged(tried, bounced, complained + more)) >= before


def test_the_numbers_are_said() -> None:
    words = Returns(tried=1204, bounced=130, complained=0).judge()[1]

    assert words == "130 of 1204 came back (10.8%; 10.0% is too much)"


async def approved(week: Week) -> Issue:
    for number in range(READERS):
        await week.add_reader(f"r{number}@example.org")
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    return await approve(week.house, issue, by="test", now=week.clock())


async def test_an_issue_that_comes_back_is_paused_and_goes_on_when_a_person_says_so(
    database_url: str, tmp_path: Path
) -> None:
    refusals = ["550 5.1.1 nobody here"] * 20 + ["250 ok"]
    relay: dict[str, object] = {"connections": 1}
    async with scripted_server(RCPT=refusals) as server:
        relay["url"] = f"smtp://127.0.0.1:{server.port}"
        async with open_week(database_url, tmp_path, smtp={}, relays={"main": relay}) as week:
            issue = await approved(week)

            stopped = await send(week.house, issue, clock=week.clock)
            await send_notices(week.house, clock=week.clock)
            mail = parsed(server.arrived[-1])

            assert stopped.issue.state is IssueState.PAUSED
            assert stopped.states["failed"] == 20
            assert stopped.issue.reason.startswith("20 of ")
            assert 100 <= stopped.states["failed"] + stopped.states["sent"] <= READERS
            assert (mail["To"], mail["Subject"]) == (
                "mette@example.org",
                f"Issue 1 is paused: {stopped.issue.reason}",
            )
            assert "digest resume 1" in str(mail.get_body(("plain",)))

            week.clock.pass_by(timedelta(minutes=5))
            await resume(week.house, issue, by="test", now=week.clock())
            done = await send(week.house, issue, clock=week.clock)

    assert done.issue.state is IssueState.SENT
    assert done.states == {"failed": 20, "sent": READERS - 20}
    assert done.issue.reason == ""


async def test_complaints_that_come_by_mail_meanwhile_pause_it_too(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    async with open_week(database, tmp_path) as week:
        issue = await approved(week)
        first = await send(
            week.house, issue, clock=week.clock, should_stop=lambda: len(week.mail.mails) > 110
        )
        async with week.house.store.begin() as session:
            for number in range(3):
                await subscribers.add_bounce(
                    session,
                    f"hash{number}",
                    kind="complaint",
                    status="",
                    reply="",
                    message_id="",
                    now=week.clock(),
                )
        second = await send(week.house, issue, clock=week.clock)

    assert first.issue.state is IssueState.SENDING
    assert second.issue.state is IssueState.PAUSED
    assert second.states["sent"] == first.states["sent"]
    assert "3 of" in second.issue.reason
