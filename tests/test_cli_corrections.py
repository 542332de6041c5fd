"""Corrections by hand, end to end: a title changes, a page goes, and the next issues say so once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from commands import Digest, digest
from mailservers import Recorder, recording_server
from sites import Site, open_site
from weeks import parsed

__all__ = ["digest"]

DRONES, COPPER = "Porto tests harbour drones", "Copper prices climb in Santiago"
NO_DRONES = "Porto tests <b>no</b> drones & {{ 7*7 }}"
ESCAPED = "Porto tests &lt;b&gt;no&lt;/b&gt; drones &amp; {{ 7*7 }}"


def publish(site: Site, **titles: str) -> None:
    """The feed with these titles, each on a page of the site."""
    now = datetime.now(UTC)
    told = "".join(
        f"<item><title><![CDATA[{title}]]></title><link>{site.url}/pages/{name}</link><guid>{name}</guid>"
        f"<description>{f'What is known of {name}, which is a good deal. ' * 8}</description>"
        f"<pubDate>{format_datetime(now - timedelta(hours=number + 1))}</pubDate></item>"
        for number, (name, title) in enumerate(titles.items())
    )
    site.put("/feed", f'<rss version="2.0"><channel><title>The Wire</title>{told}</channel></rss>')


@asynccontextmanager
async def sent(digest: Digest) -> AsyncIterator[tuple[Site, Recorder]]:
    """The first issue sent, then a title changed, another page gone, and news for a second issue."""
    async with open_site() as site, recording_server() as mail:
        digest.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')
        await digest.later("subscribers", "add", "ada@example.org", "--confirmed", "--basis", "a test")
        publish(site, drones=DRONES, copper=COPPER)
        await digest.later("sources", "add", f"{site.url}/feed")
        await send(digest)
        publish(site, drones=ESCAPED, copper=COPPER, owls="Owls nest")
        site.put("/pages/copper", status=410)
        yield site, mail


async def draft(digest: Digest, month: int) -> str:
    """The issue of that month, gathered and drafted; what was said."""
    text = digest.settings.read_text()
    line = next(each for each in text.splitlines() if each.startswith("schedule = "))
    digest.change(line, f'schedule = "0 0 1 {month} *"')
    await digest.later("gather", "--all")
    return (await digest.later("draft")).stderr


async def send(digest: Digest, month: int = 1) -> None:
    """The issue of that month, sent as it is."""
    await draft(digest, month)
    await digest.later("approve")
    await digest.later("send", "--yes")


async def test_both_are_proposed_one_is_dropped_the_other_is_sent_and_the_next_issue_has_none(
    digest: Digest,
) -> None:
    async with sent(digest) as (site, mail):
        said = await draft(digest, 2)
        listed = await digest.json_later("corrections", "list")
        shown = (await digest.later("draft")).stdout
        gone = next(one for one in listed["corrections"] if one["kind"] == "gone")
        await digest.later("corrections", "drop", str(gone["position"]))
        compared = (await digest.later("diff")).stdout
        after = (await digest.later("corrections", "list", "2")).stdout
        explained = (await digest.later("explain", "issue", "2")).stdout
        decided = (await digest.later("decisions", "list")).stdout
        replayed = await digest.json_later("replay", "2")
        await digest.later("approve")
        await digest.later("send", "--yes")
        publish(site, drones=ESCAPED, copper=COPPER, ferries="Ferries cross without captains")
        await draft(digest, 3)
        third = await digest.json_later("issues", "show", "3")
        late = await digest.later("corrections", "drop", "2", "1", code=1)

    assert "corrects  2 lines: digest" in said
    assert "corrections list 2" in said
    assert {
        (one["kind"], one["number"], one["title"], one["new_title"]) for one in listed["corrections"]
    } == {
        ("retitled", 1, DRONES, NO_DRONES),
        ("gone", 1, COPPER, ""),
    }
    assert f"No. 1 told “{COPPER}”; its page is gone." in shown
    assert f"correction of “{COPPER}”: its page is gone" in compared
    assert f"dropped: No. 1 told “{COPPER}”" in after
    assert "The Wire has changed the title since." in explained
    assert "gone for good (410)" in explained
    assert f"correction: No. 1 told “{COPPER}”; its page is gone." in decided
    assert replayed["same"]
    assert third["corrections"] == []
    assert "error[S001]" in late.stderr
    _first, second = [parsed(one.data) for one in mail.mails]
    text, html = second.get_body(("plain",)), second.get_body(("html",))
    assert text is not None
    assert html is not None
    words = " ".join(text.get_content().split())
    assert f"In No. 1 we told “{DRONES}”; its source now says “{NO_DRONES}”." in words
    assert COPPER not in words
    assert ESCAPED in html.get_content()
    assert '/n/week/issues/1"' in html.get_content()


async def test_what_was_dropped_can_be_kept_again(digest: Digest) -> None:
    async with sent(digest):
        await draft(digest, 2)
        await digest.later("corrections", "drop", "1")
        kept = await digest.later("corrections", "keep", "2", "1")
        found = await digest.json_later("corrections", "list")
        twice = await digest.later("corrections", "keep", "1")
        some = await digest.later("corrections", "list")
        for number in ("1", "2"):
            await digest.later("corrections", "drop", number)
        none = await digest.later("corrections", "list")

    assert [one["is_told"] for one in found["corrections"]] == [True, True]
    assert "kept" in kept.stderr
    assert twice.stderr == kept.stderr
    assert "corrections drop 2 K" in some.stderr
    assert "corrections keep 2 K" in none.stderr


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (("corrections", "drop", "1"), 1, "has no correction 1"),
        (("corrections", "drop", "1", "2", "3"), 2, "which correction?"),
        (("explain", "issue", "1"), 2, "which story?"),
        (("corrections", "list"), 0, "corrects nothing"),
    ],
)
async def test_where_there_is_nothing_to_correct_it_is_said_in_one_line(
    command: tuple[str, ...], code: int, words: str, digest: Digest
) -> None:
    async with open_site() as site:
        publish(site, drones=DRONES)
        await digest.later("sources", "add", f"{site.url}/feed")
        await draft(digest, 1)

    assert words in digest.run(*command, code=code).stderr
