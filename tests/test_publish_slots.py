"""An issue that goes before its time takes that time: everybody is told of the one after it."""

import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

from conftest import KEY, NOW, settings_for
from digest import subscribe
from digest.domain import Cadence, Notice, Subscriber
from digest.house import House, open_house
from digest.log import Log
from digest.publish import approve, cancel, draft, gather_sources, notice_message, send
from digest.schedule import next_issue
from digest.standing import next_due
from digest.store import subscribers
from websites import serve
from weeks import Week, open_week


async def welcome(week: Week) -> str:
    """The mail that tells a new reader what comes next."""
    reader = await week.add_reader(f"r{week.clock()}@example.org".replace(" ", "").replace(":", ""))
    return await told(week.house, reader)


async def told(house: House, reader: Subscriber) -> str:
    """The same to this reader, as one line."""
    notice = Notice(
        key="w",
        name="welcome",
        newsletter=KEY,
        recipient=reader.email,
        subscriber_id=reader.id,
        created_at=NOW,
        due_at=NOW,
    )
    return " ".join((await notice_message(house, notice)).text.split())


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


async def test_pages_and_mails_of_a_daily_newsletter_say_that_it_comes_every_day(tmp_path: Path) -> None:
    settings = settings_for(
        f"sqlite:///{tmp_path / 'digest.db'}", tmp_path / "outbox", newsletter={"schedule": "0 7 * * *"}
    )
    async with open_house(settings, log=Log(StringIO())) as house, serve(house) as site:
        there = await subscribe.add(house, KEY, "ada@example.org", confirmed=True, basis="test", now=NOW)

        page = (await site.get(f"/n/{KEY}")).text
        mail = await told(house, there.subscriber)

    assert "One mail every day" in page
    assert "You get one mail every day." in mail
    told_words = re.sub(r"<[^>]+>|https?:\S+|The Week in AI", " ", page + mail, flags=re.IGNORECASE)
    assert "week" not in told_words.lower()


async def test_a_reader_of_the_month_at_an_hour_of_their_own_is_told_theirs(house: House) -> None:
    there = await subscribe.add(house, KEY, "ada@example.org", confirmed=True, basis="test", now=NOW)
    monthly = replace(there, cadence=Cadence.MONTHLY, hour=18)
    async with house.store.begin() as session:
        await subscribers.save(session, monthly)
        await subscribers.rename(session, replace(there.subscriber, zone="Asia/Tokyo"))

    mail = await told(house, there.subscriber)
    async with serve(house) as site:
        await site.post(site.path("leave", there))
        back = await site.follow(await site.post(site.path("undo", there)))

    assert "Your first issue comes on Tuesday 1 September 2026 at 18:00" in mail
    assert "You get one mail once a month." in mail
    assert "Tuesday 1 September 2026, 18:00 Tokyo time" in back.text
