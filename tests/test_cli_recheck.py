"""What the commands say of an approved issue of which an event has changed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calendars import Entry, calendar
from commands import Digest, digest
from sites import Site, open_site

__all__ = ["digest"]

NIGHT = Entry(title="Model night", starts_at=datetime.now(UTC) + timedelta(days=9))
OPEN_DAY = Entry(title="Open day", starts_at=datetime.now(UTC) + timedelta(days=12), place="Oslo")
GONE = "“Model night”: cancelled, its source does not list it any more"


@pytest.fixture
async def site(digest: Digest) -> AsyncIterator[Site]:
    """A calendar of two events, and the issue that tells them, approved."""
    async with open_site() as opened:
        opened.put("/c.ics", calendar(NIGHT, OPEN_DAY), content_type="text/calendar")
        await digest.later("subscribers", "add", "ada@example.org", "--confirmed", "--basis", "a test")
        await digest.later("sources", "add", f"{opened.url}/c.ics", "--section", "events")
        await digest.later("gather")
        await digest.later("draft")
        await digest.later("approve")
        # As if the calendar had been read yesterday.
        digest.sql("UPDATE source SET checked_at = datetime(checked_at, '-1 day')")
        yield opened


async def test_send_looks_at_the_events_again_and_refuses_when_one_has_changed(
    digest: Digest, site: Site
) -> None:
    site.put("/c.ics", calendar(OPEN_DAY), content_type="text/calendar")

    refused = await digest.later("send", "1", "--yes", code=1)
    status, doctor = await digest.later("status"), await digest.later("doctor")

    assert f"issue 1 was taken back: {GONE}" in refused.stderr
    assert "approve 1" in refused.stderr
    assert f"review (taken back: {GONE})" in status.stdout
    assert f"was approved and waits again: {GONE}" in doctor.stdout
    assert f"Taken back: {GONE}" in digest.run("issues", "show", "1").stdout
    assert [story["title"] for story in digest.json("issues", "show", "1")["stories"]] == ["Open day"]
    await digest.later("approve", "1")
    assert "1 sent" in (await digest.later("send", "1", "--yes")).stderr


async def test_explain_says_what_the_look_at_an_event_found(digest: Digest, site: Site) -> None:
    moved = replace(NIGHT, starts_at=NIGHT.starts_at + timedelta(days=1))
    assert digest.json("explain", "issue", "1", "story", "1")["recheck"] is None
    site.put("/c.ics", calendar(moved, OPEN_DAY), content_type="text/calendar")
    await digest.later("send", "1", "--yes", code=1)

    night, open_day = (digest.run("explain", "1", number).stdout for number in ("1", "2"))

    assert f"“Model night”: moved from {NIGHT.starts_at.day} {NIGHT.starts_at:%b}" in night
    assert "Looked at again" in open_day
    assert "as the issue tells it" in open_day
    told = digest.json("explain", "issue", "1", "story", "2")
    assert told["recheck"]["words"] == "“Open day”: as the issue tells it"


async def test_an_unchanged_issue_is_sent(digest: Digest, site: Site) -> None:
    sent = await digest.later("send", "1", "--yes")

    assert "compared with what their sources say now" in sent.stderr
    assert "1 sent" in sent.stderr
    assert site.paths().count("/c.ics") == 3
