"""What the daemon does of itself: policies, stale and empty issues, missed and repeated ticks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from conftest import KEY
from digest.domain import Issue, IssueState
from digest.jobs import Runner
from digest.log import Log
from digest.publish import approve, draft, gather_sources, release_due, send_notices
from digest.render import open_templates
from digest.store import issues, leases
from weeks import Week, open_week

#: Monday 07:00 in Copenhagen, when the newsletter is due.
DUE = datetime(2026, 8, 24, 5, 0, tzinfo=UTC)


@asynccontextmanager
async def week_with(tmp_path: Path, **newsletter: Any) -> AsyncIterator[Week]:
    """A week whose daemon met the newsletter on Friday, one reader; it is just past due."""
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    async with open_week(database, tmp_path, newsletter=newsletter) as week:
        await week.add_reader("ada@example.org")
        await tick(week)
        week.clock.now = DUE + timedelta(seconds=20)
        yield week


async def tick(week: Week) -> None:
    """One round of the daemon: what is due of the newsletter, then the notices."""
    await release_due(week.house, KEY, clock=week.clock)
    await send_notices(week.house, clock=week.clock)


async def every_issue(week: Week) -> tuple[Issue, ...]:
    async with week.house.store.read() as session:
        return await issues.all_of(session, KEY)


async def test_auto_sends_at_its_time_and_once_however_often_the_clock_ticks(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        for _ in range(3):
            await tick(week)

        (issue,) = await every_issue(week)
        assert issue.state is IssueState.SENT
        assert len(week.mails_to("ada@example.org")) == 1


async def test_nothing_is_made_before_its_time(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        week.clock.now = DUE - timedelta(minutes=1)
        await tick(week)

        assert await every_issue(week) == ()


async def test_a_new_newsletter_makes_no_issue_for_a_time_before_it_was_there(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    async with open_week(database, tmp_path) as week:
        week.clock.now = DUE + timedelta(minutes=5)
        await tick(week)

        assert await every_issue(week) == ()


async def test_review_holds_the_issue_and_mails_the_draft_to_the_editor_once(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="review") as week:
        for _ in range(3):
            await tick(week)

        (held,) = await every_issue(week)
        assert held.state is IssueState.REVIEW
        assert week.mails_to("ada@example.org") == []
        (mail,) = week.mails_to("mette@example.org")
        assert "/review/" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
        await approve(week.house, held, by="mette", now=week.clock())
        await tick(week)
        assert len(week.mails_to("ada@example.org")) == 1


async def test_auto_after_waits_for_the_editor_and_then_goes(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto-after 6h") as week:
        await tick(week)
        week.clock.pass_by(timedelta(hours=5, minutes=58))
        await tick(week)
        assert week.mails_to("ada@example.org") == []
        week.clock.pass_by(timedelta(minutes=3))
        await tick(week)

        assert len(week.mails_to("ada@example.org")) == 1
        assert len(week.mails_to("mette@example.org")) == 1


async def test_an_issue_approved_early_waits_for_its_time(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="review") as week:
        week.clock.now = DUE - timedelta(hours=3)
        await gather_sources(week.house, now=week.clock())
        issue = await draft(week.house, KEY, now=week.clock())
        await approve(week.house, issue, by="mette", now=week.clock())
        await tick(week)
        assert week.mails_to("ada@example.org") == []

        week.clock.now = DUE
        await tick(week)

        assert len(week.mails_to("ada@example.org")) == 1


@pytest.mark.parametrize(
    ("stale", "state", "mails"),
    [("skip", IssueState.CANCELLED, 0), ("ask", IssueState.REVIEW, 0), ("send", IssueState.SENT, 1)],
)
async def test_a_daemon_that_was_down_too_long_does_what_the_policy_says(
    tmp_path: Path, stale: str, state: IssueState, mails: int
) -> None:
    async with week_with(tmp_path, policy="auto", stale=stale, stale_after_hours=12) as week:
        week.clock.now = DUE + timedelta(hours=13)
        for _ in range(2):
            await tick(week)

        (issue,) = await every_issue(week)
        assert issue.state is state
        assert len(week.mails_to("ada@example.org")) == mails


async def test_a_daemon_that_was_down_a_little_catches_up(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto", stale="skip", stale_after_hours=12) as week:
        week.clock.now = DUE + timedelta(hours=11)
        await tick(week)

        assert len(week.mails_to("ada@example.org")) == 1


async def test_what_a_skipped_issue_would_have_told_is_in_the_next(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto", stale="skip") as week:
        await gather_sources(week.house, now=DUE - timedelta(days=2))
        week.clock.now = DUE + timedelta(hours=13)
        await tick(week)
        week.clock.now = DUE + timedelta(days=7, seconds=5)
        await tick(week)

        newest, skipped = await every_issue(week)
        assert skipped.state is IssueState.CANCELLED
        assert newest.number == 1
        assert "A model is released" in [story.title for story in newest.content.stories]


async def test_an_empty_issue_is_recorded_and_never_sent(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        week.publish("/news.xml")
        week.publish("/lessons.xml")
        for _ in range(2):
            await tick(week)

        (issue,) = await every_issue(week)
        assert issue.state is IssueState.CANCELLED
        assert "nothing new to tell" in issue.reason
        assert week.mail.mails == []


async def test_a_job_that_another_daemon_does_is_left_to_it(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        async with week.house.store.begin() as session:
            await leases.take(session, "issues", "another:1", life=timedelta(minutes=1), now=week.clock.now)
        runner = Runner(house=week.house, clock=week.clock)

        assert not await runner.run("issues")
        assert await every_issue(week) == ()
        week.clock.pass_by(timedelta(minutes=2))
        assert await runner.run("issues")
        assert len(week.mails_to("ada@example.org")) == 1


async def test_two_daemons_on_one_database_send_one_mail(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        for _ in range(2):
            for _daemon in range(2):
                await Runner(house=week.house, clock=week.clock).run("issues")

        assert len(week.mails_to("ada@example.org")) == 1


async def test_a_job_that_fails_is_one_line_and_frees_its_lease(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        broken = tmp_path / "templates" / "issue"
        broken.mkdir(parents=True)
        (broken / "body.html").write_text("{{ nobody.knows }}")
        log = StringIO()
        house = replace(week.house, templates=open_templates(broken.parent), log=Log(log, as_json=False))

        assert await Runner(house=house, clock=week.clock).run("issues")
        assert "job.failed job=issues error=T001" in log.getvalue()
        assert await Runner(house=week.house, clock=week.clock).run("issues")
        assert len(week.mails_to("ada@example.org")) == 1


async def test_a_database_that_is_away_does_not_end_the_daemon(tmp_path: Path) -> None:
    async with week_with(tmp_path, policy="auto") as week:
        async with week.house.store.begin() as session:
            await session.execute(text("DROP TABLE lease"))
        log = StringIO()
        house = replace(week.house, log=Log(log, as_json=False))

        await Runner(house=house, clock=week.clock).run("issues")

        assert "job.failed job=issues error=D002" in log.getvalue()
