"""An issue that goes before its time takes that time: everybody is told of the one after it."""

from datetime import timedelta
from pathlib import Path

from conftest import KEY, NOW
from digest.domain import Notice
from digest.publish import approve, cancel, draft, gather_sources, next_due, notice_message, send
from digest.schedule import next_issue
from websites import serve
from weeks import Week, open_week


async def welcome(week: Week) -> str:
    """The mail that tells a new reader what comes next."""
    reader = await week.add_reader(f"r{week.clock()}@example.org".replace(" ", "").replace(":", ""))
    notice = Notice(
        key="w",
        name="welcome",
        newsletter=KEY,
        recipient=reader.email,
        subscriber_id=reader.id,
        created_at=NOW,
        due_at=NOW,
    )
    return (await notice_message(week.house, notice)).text


async def test_after_an_early_sending_pages_and_mails_name_the_time_after_it(tmp_path: Path) -> None:
    async with open_week(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path) as week:
        await week.add_reader("ada@example.org")
        await gather_sources(week.house, now=week.clock())
        issue = await draft(week.house, KEY, now=week.clock())
        async with serve(week.house) as site:
            assert "24 August" in (await site.get(f"/n/{KEY}")).text
            assert "24 August" in await welcome(week)

            issue = await approve(week.house, issue, by="test", now=week.clock())
            assert (await next_due(week.house, KEY, now=NOW)).day == 24
            await send(week.house, issue, clock=week.clock)

            assert (await next_issue(week.house, now=NOW)).day == 31
            site.now += timedelta(minutes=1)
            page = (await site.get(f"/n/{KEY}")).text
            assert "31 August" in page
            assert "24 August" not in page.partition("Next:")[2]
        assert (await next_due(week.house, KEY, now=NOW)).day == 31
        assert "31 August" in await welcome(week)


async def test_a_cancelled_issue_leaves_its_time_empty(tmp_path: Path) -> None:
    async with open_week(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path) as week:
        await gather_sources(week.house, now=week.clock())
        issue = await draft(week.house, KEY, now=week.clock())

        await cancel(week.house, issue, reason="no news", by="test", now=week.clock())

        assert (await next_due(week.house, KEY, now=NOW)).day == 31
        assert (await next_due(week.house, KEY, now=NOW + timedelta(days=7))).day == 31
