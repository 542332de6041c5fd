"""One issue's life, on SQLite and PostgreSQL, with real feeds and a real mail server on loopback."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from conftest import KEY, settings_for
from digest import subscribe
from digest.domain import Issue, IssueState, SubscriptionState
from digest.errors import NothingToDoError, TemplateError, WrongStateError
from digest.house import open_house
from digest.publish import approve, bytes_for, cancel, draft, gather_sources, send, send_notices
from digest.store import issues, subscribers
from mailservers import scripted_server
from weeks import Week, open_week

LEFT, PENDING = SubscriptionState.LEFT, SubscriptionState.PENDING


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with open_week(database_url, tmp_path) as opened:
        yield opened


async def approved(week: Week) -> Issue:
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    return await approve(week.house, issue, by="test", now=week.clock())


async def test_every_confirmed_reader_gets_the_issue_once_and_nobody_else(week: Week) -> None:
    for number in range(25):
        await week.add_reader(f"r{number}@example.org")
    await week.add_reader("pending@example.org", PENDING)
    await week.add_reader("left@example.org", LEFT)
    issue = await approved(week)

    report = await send(week.house, issue, clock=week.clock)

    assert Counter(one.recipient for one in week.mail.mails) == Counter(
        f"r{number}@example.org" for number in range(25)
    )
    assert report.issue.state is IssueState.SENT
    assert report.states == {"sent": 25, "skipped": 2}
    assert report.excluded == {"left": 1, "not confirmed": 1}
    assert (report.audience, report.missing) == (27, 0)


async def test_two_gatherings_at_one_time_ask_each_source_once(week: Week) -> None:
    first, second = await asyncio.gather(
        *(gather_sources(week.house, now=week.clock(), with_pages=False) for _ in range(2))
    )

    assert first.sources > 0
    assert second.sources == 0


async def test_the_whole_week_twice_is_one_mail_a_reader(week: Week) -> None:
    await week.add_reader("ada@example.org")

    for _ in range(2):
        await gather_sources(week.house, now=week.clock(), everything=True)
        try:
            issue = await draft(week.house, KEY, now=week.clock())
            await approve(week.house, issue, by="test", now=week.clock())
        except WrongStateError:
            async with week.house.store.read() as session:
                (issue,) = await issues.all_of(session, KEY)
        await send(week.house, issue, clock=week.clock)

    assert len(week.mails_to("ada@example.org")) == 1


async def test_two_that_send_at_once_send_each_mail_once(week: Week) -> None:
    for number in range(30):
        await week.add_reader(f"r{number}@example.org")
    issue = await approved(week)

    await asyncio.gather(*(send(week.house, issue, clock=week.clock) for _ in range(3)))

    assert sorted(Counter(one.recipient for one in week.mail.mails).values()) == [1] * 30


async def test_next_week_tells_nothing_again(week: Week) -> None:
    await week.add_reader("ada@example.org")
    await send(week.house, await approved(week), clock=week.clock)
    week.clock.pass_by(timedelta(days=7))
    await gather_sources(week.house, now=week.clock())

    with pytest.raises(NothingToDoError):
        await draft(week.house, KEY, now=week.clock())

    week.publish("/news.xml", "A model is released", "A licence is changed", "A third thing happens")
    await gather_sources(week.house, now=week.clock(), everything=True)
    second = await draft(week.house, KEY, now=week.clock())
    assert [story.title for story in second.content.stories] == ["A third thing happens"]
    assert second.number == 2


async def test_who_leaves_or_is_barred_after_approval_gets_nothing(week: Week) -> None:
    await week.add_reader("stays@example.org")
    leaver = await week.add_reader("leaves@example.org")
    await week.add_reader("barred@example.org")
    issue = await approved(week)
    async with week.house.store.begin() as session:
        there = await subscribers.subscription(session, KEY, leaver.id)
        assert there is not None
        await subscribers.save(session, replace(there, state=LEFT))
        barred = week.house.email_hash("barred@example.org")
        await subscribers.suppress(session, barred, "complaint", "", now=week.clock())

    report = await send(week.house, issue, clock=week.clock)

    assert [one.recipient for one in week.mail.mails] == ["stays@example.org"]
    assert report.excluded == {"left": 1, "suppressed": 1}


async def test_the_preview_is_the_mail(week: Week) -> None:
    reader = await week.add_reader("ada@example.org", name="Ada 愛")
    issue = await approved(week)
    async with week.house.store.read() as session:
        subscription = await subscribers.subscription(session, KEY, reader.id)
    before = await bytes_for(week.house, issue, subscription)

    await send(week.house, issue, clock=week.clock)

    (sent,) = week.mail.mails
    assert without_date(sent.data) == without_date(before)


async def test_what_was_approved_is_sent_whatever_happens_to_templates_and_articles(
    week: Week, tmp_path: Path
) -> None:
    await week.add_reader("ada@example.org")
    issue = await approved(week)
    broken = tmp_path / "templates" / "issue"
    broken.mkdir(parents=True)
    (broken / "body.html").write_text("{{ nobody.knows }}")
    settings = week.house.settings.model_copy(update={"templates": broken.parent})

    async with open_house(settings, log=week.house.log) as changed:
        report = await send(changed, issue, clock=week.clock)

    assert report.states == {"sent": 1}


async def test_a_template_that_does_not_render_is_found_before_anything_is_sent(
    week: Week, tmp_path: Path
) -> None:
    await week.add_reader("ada@example.org")
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    broken = tmp_path / "templates" / "issue"
    broken.mkdir(parents=True)
    (broken / "body.html").write_text("<p>\n{{ nobody.knows }}")
    settings = week.house.settings.model_copy(update={"templates": broken.parent})

    async with open_house(settings, log=week.house.log) as changed:
        with pytest.raises(TemplateError, match=r"issue/body\.html:2"):
            await approve(changed, issue, by="test", now=week.clock())

    async with week.house.store.read() as session:
        assert (await issues.get(session, issue.id)).state is IssueState.DRAFT


async def test_a_reader_gets_the_sections_they_chose(week: Week) -> None:
    await week.add_reader("all@example.org")
    await week.add_reader("lessons@example.org", sections=("learnings",))
    await week.add_reader("events@example.org", sections=("events",))

    report = await send(week.house, await approved(week), clock=week.clock)

    (lessons,) = week.mails_to("lessons@example.org")
    text = lessons.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail has a text part
    assert "How to read a benchmark" in text
    assert "A model is released" not in text
    assert report.excluded == {"nothing in the sections they chose": 1}


async def test_a_server_that_says_later_or_never_is_kept_with_its_words(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        open_week(database_url, tmp_path) as week,
        scripted_server(RCPT=["450 4.2.0 greylisted", "550 5.1.1 no such user", "250 ok"]) as server,
    ):
        for number in range(3):
            await week.add_reader(f"r{number}@example.org")
        issue = await approved(week)
        url = f"smtp://127.0.0.1:{server.port}"
        settings = settings_for(database_url, tmp_path, smtp={"url": url, "connections": 1})
        async with open_house(settings, log=week.house.log) as house:
            report = await send(house, issue, clock=week.clock)

            assert report.states == {"deferred": 1, "failed": 1, "sent": 1}
            assert report.issue.state is IssueState.SENDING
            assert report.next_due is not None
            week.clock.pass_by(timedelta(minutes=10))
            again = await send(house, issue, clock=week.clock)

    assert again.states == {"failed": 1, "sent": 2}
    assert again.issue.state is IssueState.SENT


async def test_a_mail_server_that_is_away_loses_nothing(database_url: str, tmp_path: Path) -> None:
    async with open_week(database_url, tmp_path) as week:
        await week.add_reader("ada@example.org")
        issue = await approved(week)
        settings = settings_for(database_url, tmp_path, smtp={"url": "smtp://127.0.0.1:1"})
        async with open_house(settings, log=week.house.log) as house:
            away = await send(house, issue, clock=week.clock)
        week.clock.pass_by(timedelta(minutes=10))

        back = await send(week.house, issue, clock=week.clock)

    assert away.states == {"deferred": 1}
    assert back.states == {"sent": 1}
    assert len(week.mail.mails) == 1


async def test_a_cancelled_issue_is_not_sent_and_its_stories_may_be_told_again(week: Week) -> None:
    await week.add_reader("ada@example.org")
    issue = await approved(week)

    gone = await cancel(week.house, issue, reason="wrong week", by="test", now=week.clock())

    with pytest.raises(WrongStateError, match="cancelled"):
        await send(week.house, gone, clock=week.clock)
    assert week.mail.mails == []
    again = await draft(week.house, KEY, now=week.clock(), after=1)
    assert len(again.content.stories) == len(issue.content.stories)
    assert again.number == 1


async def test_whom_the_operator_confirmed_meanwhile_is_not_asked_to_confirm(week: Week) -> None:
    email = "ada@example.org"
    await subscribe.add(week.house, KEY, email, now=week.clock())
    await subscribe.add(week.house, KEY, email, confirmed=True, basis="a letter", now=week.clock())

    await send_notices(week.house, clock=week.clock)

    assert week.mail.mails == []


async def test_approving_an_old_revision_is_refused(week: Week) -> None:
    await gather_sources(week.house, now=week.clock())
    old = await draft(week.house, KEY, now=week.clock())
    week.publish("/news.xml", "A model is released", "Something else entirely")
    await gather_sources(week.house, now=week.clock(), everything=True)
    await draft(week.house, KEY, now=week.clock())

    with pytest.raises(WrongStateError, match="revision 2"):
        await approve(week.house, old, by="test", now=week.clock())


async def test_a_bad_source_costs_nothing_but_itself(week: Week) -> None:
    week.site.put("/news.xml", "<html><body>Not found, but 200</body></html>", content_type="text/html")

    report = await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())

    assert (report.failed, report.fresh) == (1, 1)
    assert issue.content.sources_failed == ("The Wire",)
    assert len(issue.content.stories) == 2


def without_date(data: bytes) -> list[bytes]:
    """Every line but the Date: when sending begins is known only then."""
    return [line for line in data.split(b"\r\n") if not line.startswith(b"Date: ")]
