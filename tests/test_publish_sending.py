"""A sending that is stopped, stalled or broken: what was claimed goes back, and nobody is sent it twice."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from conftest import KEY, NOW, settings_for
from digest.deliver import new_keys
from digest.domain import Delivery, DeliveryState, Issue, IssueState, OutcomeKind
from digest.errors import ConfigError
from digest.house import House, open_house
from digest.publish import approve, draft, gather_sources, send
from digest.publish.outcomes import decide, next_limit
from digest.store import deliveries
from weeks import Week, open_week

READERS = 30


async def approved(week: Week) -> Issue:
    for number in range(READERS):
        await week.add_reader(f"r{number}@example.org")
    await gather_sources(week.house, now=week.clock())
    return await approve(
        week.house, await draft(week.house, KEY, now=week.clock()), by="test", now=week.clock()
    )


async def test_a_sending_that_is_told_to_stop_gives_back_what_it_has_not_begun(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)

        stopped = await send(
            week.house, issue, clock=week.clock, should_stop=lambda: len(week.mail.mails) > 9
        )

        gone = len(week.mail.mails)
        assert 10 <= gone < READERS
        assert stopped.states == {"queued": READERS - gone, "sent": gone}
        assert stopped.issue.state is IssueState.SENDING
        async with week.house.store.read() as session:
            assert {one.attempts for one in await deliveries.of_issue(session, issue.id)} == {0, 1}

        done = await send(week.house, issue, clock=week.clock)

    assert done.states == {"sent": READERS}
    assert set(Counter(one.recipient for one in week.mail.mails).values()) == {1}


async def test_a_sending_that_is_told_to_stop_gives_back_what_was_signed_in_advance(
    database_url: str, tmp_path: Path
) -> None:
    new_keys(tmp_path, domain="example.org", selector="week")
    dkim = {"domain": "example.org", "selector": "week", "ed25519_key": tmp_path / "dkim-ed25519.pem"}
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)
        smtp = {"url": f"smtp://127.0.0.1:{week.mail.port}", "connections": 2, "dkim": dkim}
        settings = settings_for(database_url, tmp_path, smtp=smtp, delivery={"processes": 2})
        async with open_house(settings, log=week.house.log) as house:
            await send(house, issue, clock=week.clock, should_stop=lambda: len(week.mail.mails) > 9)
            gone = len(week.mail.mails)
            done = await send(house, issue, clock=week.clock)

    # Two on their way, and the next on each connection.
    assert 10 <= gone <= 10 + 2 * 2
    assert done.states == {"sent": READERS}
    assert [mail.data.count(b"DKIM-Signature:") for mail in week.mail.mails] == [1] * READERS


async def test_a_sending_that_cannot_begin_claims_nothing(database_url: str, tmp_path: Path) -> None:
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)
        settings = settings_for(database_url, tmp_path, smtp={"url": "nonsense://"})

        async with open_house(settings, log=week.house.log) as house:
            with pytest.raises(ConfigError):
                await send(house, issue, clock=week.clock)

        async with week.house.store.read() as session:
            assert await deliveries.counts(session, issue.id) == {"queued": READERS}


def test_batches_grow_while_they_go_fast_and_shrink_when_they_last() -> None:
    fast, slow = timedelta(seconds=5), timedelta(minutes=5)

    assert next_limit(0, 4, slow) == 50
    assert next_limit(0, 50, slow) == 500
    assert next_limit(50, 4, fast) == 100
    assert next_limit(600, 4, fast) == 1000
    assert next_limit(100, 4, slow) == 50
    assert next_limit(5, 4, slow) == 4


def test_nothing_is_tried_beyond_the_next_issue(house: House) -> None:
    def again(hours: float, next_issue: datetime | None) -> tuple[DeliveryState, datetime | None]:
        one = Delivery(id=1, issue_id=1, subscriber_id=1, attempts=9, first_tried_at=NOW)
        now = NOW + timedelta(hours=hours)
        return decide(house, OutcomeKind.DEFERRED, one, now=now, next_issue=next_issue)

    soon = NOW + timedelta(hours=24)

    assert again(23.9, soon) == (DeliveryState.DEFERRED, soon)
    assert again(24, soon) == (DeliveryState.FAILED, None)
    assert again(24, NOW + timedelta(days=7))[0] is DeliveryState.DEFERRED
    assert again(48, NOW + timedelta(days=7)) == (DeliveryState.FAILED, None)
    assert again(24, NOW - timedelta(days=1))[0] is DeliveryState.DEFERRED
