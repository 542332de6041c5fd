"""Pausing, resuming, cancelling and trying again in the middle of a sending: nobody is sent it twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import KEY
from digest.config import SmtpSettings
from digest.domain import DeliveryState, Issue, IssueState
from digest.errors import WrongStateError
from digest.publish import approve, cancel, draft, gather_sources, pause, resume, retry, send
from digest.store import deliveries, issues, subscribers
from mailservers import scripted_server
from weeks import Week, open_week

READERS = 30
#: Five, and what is in flight on the other connections.
AT_MOST = 5 + 3


async def approved(week: Week) -> Issue:
    for number in range(READERS):
        await week.add_reader(f"r{number}@example.org")
    await gather_sources(week.house, now=week.clock())
    return await approve(
        week.house, await draft(week.house, KEY, now=week.clock()), by="test", now=week.clock()
    )


async def test_a_pause_takes_claims_back_at_once_and_a_resumed_issue_reaches_the_rest_once(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)
        paused: list[Issue] = []

        async def stop() -> None:
            paused.append(await pause(week.house, issue, by="test", now=week.clock()))

        stopped = await sending_until(week, issue, 5, stop)

        assert paused[0].state is IssueState.PAUSED
        assert stopped == {"queued": READERS - stopped["sent"], "sent": len(week.mail.mails)}
        assert stopped["sent"] <= AT_MOST
        with pytest.raises(WrongStateError, match="paused"):
            await send(week.house, issue, clock=week.clock)

        await resume(week.house, issue, by="test", now=week.clock())
        done = await send(week.house, issue, clock=week.clock)

    assert done.states == {"sent": READERS}
    assert set(Counter(one.recipient for one in week.mail.mails).values()) == {1}


async def test_what_a_worker_had_claimed_of_a_cancelled_issue_does_not_leave(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)

        async def stop() -> None:
            await cancel(week.house, issue, reason="wrong", by="test", now=week.clock())

        ended = await sending_until(week, issue, 5, stop)

        assert ended == {"sent": len(week.mail.mails), "skipped": READERS - ended["sent"]}
        assert ended["sent"] <= AT_MOST


async def test_an_issue_that_some_have_keeps_its_number_when_it_is_called_off(
    database_url: str, tmp_path: Path
) -> None:
    async with open_week(database_url, tmp_path) as week:
        issue = await approved(week)

        async def stop() -> None:
            await cancel(week.house, issue, reason="wrong", by="test", now=week.clock())

        await sending_until(week, issue, 5, stop)

        again = await draft(week.house, KEY, now=week.clock(), after=1)
        async with week.house.store.read() as session:
            gone = await issues.by_number(session, KEY, issue.number)
        assert gone.id == issue.id
        assert again.number == issue.number + 1


async def test_failed_deliveries_are_tried_again_but_for_who_may_get_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with scripted_server(RCPT="550 5.1.1 unknown") as strict:
        smtp = {"url": f"smtp://127.0.0.1:{strict.port}"}
        async with open_week(database_url, tmp_path, smtp=smtp) as week:
            issue = await approved(week)
            assert (await send(week.house, issue, clock=week.clock)).states == {"failed": READERS}
            async with week.house.store.begin() as session:
                one = week.house.email_hash("r0@example.org")
                await subscribers.suppress(session, one, "bounce", "", now=week.clock())
            with pytest.raises(WrongStateError, match="is sent"):
                await resume(week.house, issue, by="test", now=week.clock())

            count = await retry(week.house, issue, {DeliveryState.FAILED}, by="test", now=week.clock())

            assert count == READERS - 1
            smtp = {"url": f"smtp://127.0.0.1:{week.mail.port}"}
            settings = week.house.settings.model_copy(update={"smtp": SmtpSettings.model_validate(smtp)})
            done = await send(replace(week.house, settings=settings), issue, clock=week.clock)
            assert done.states == {"failed": 1, "sent": READERS - 1}
            assert done.issue.state is IssueState.SENT
            nobody = await retry(week.house, issue, {DeliveryState.FAILED}, by="test", now=week.clock())
            assert nobody == 0


async def sending_until(
    week: Week, issue: Issue, count: int, stop: Callable[[], Awaitable[None]]
) -> dict[str, int]:
    """The ledger after a sending during which `stop` was awaited while the server held `count` mails."""
    keep, stopped = week.mail.handle_DATA, asyncio.Event()

    async def slowly(*call: Any) -> str:
        reply = await keep(*call)
        if len(week.mail.mails) == count:
            await stop()
            stopped.set()
        if len(week.mail.mails) > count:
            await stopped.wait()
        return reply

    week.mail.handle_DATA = slowly  # type: ignore[method-assign, assignment]
    await send(week.house, issue, clock=week.clock)
    async with week.house.store.read() as session:
        return await deliveries.counts(session, issue.id)
