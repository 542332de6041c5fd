"""From a site's address to its feeds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from digest.config import GatherSettings
from digest.domain import SourceKind
from digest.errors import FetchError
from digest.gather import Found, discover, open_client
from sites import Site, open_site

FEEDS = Path(__file__).parent / "data" / "feeds"
RSS = (FEEDS / "blog.rss").read_text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


async def found(url: str) -> tuple[Found, ...]:
    async with open_client(GatherSettings(allow_hosts=("127.0.0.1",))) as client:
        return (await discover(url, client=client)).found


async def test_a_feeds_own_address_gives_itself(site: Site) -> None:
    url = site.put("/feed", RSS)

    (one,) = await found(url)

    assert one == Found(url=url, title="Orbit Daily", kind=SourceKind.FEED, site_url="https://orbit.example/")


async def test_a_calendar_is_found_as_one(site: Site) -> None:
    (one,) = await found(site.put("/c", (FEEDS / "meetups.ics").read_bytes()))

    assert (one.kind, one.title) == (SourceKind.CALENDAR, "Meetups of the north")


async def test_a_page_gives_the_feeds_that_it_names(site: Site) -> None:
    page = """<!doctype html><html><head><title>Orbit &amp; co</title><base href="/blog/">
      <link rel="alternate" type="application/rss+xml" title="Comments feed" href="/comments/feed">
      <link rel="alternate" type="application/atom+xml" href="atom.xml">
      <link rel="ALTERNATE nofollow" type="application/feed+json; q=1" title="JSON" href="/feed.json">
      <link rel="alternate" hreflang="de" href="/de"><link rel="alternate" type="text/html" href="/x">
      <link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
      <link rel="stylesheet" type="application/rss+xml" href="/style"></head>
      <body><a href="webcal://127.0.0.1/meet.ics">Calendar</a></body></html>"""

    sources = await found(site.put("/", page, content_type="text/html"))

    assert [(one.url.removeprefix(site.url), one.title, one.kind) for one in sources] == [
        ("/blog/atom.xml", "Orbit & co", SourceKind.FEED),
        ("/feed.json", "Orbit & co", SourceKind.FEED),
        ("https://127.0.0.1/meet.ics", "Orbit & co", SourceKind.CALENDAR),
    ]


@pytest.mark.parametrize("name", ["", "RSS", "RSS 2.0 feed", "Atom", "Subscribe"])
async def test_a_feed_that_neither_link_nor_page_names_tells_its_name_when_it_is_read(
    site: Site, name: str
) -> None:
    link = f'<link rel="alternate" type="application/rss+xml" title="{name}" href="/feed">'

    (one,) = await found(site.put("/", f"<html><head>{link}</head></html>", content_type="text/html"))

    assert one.title == ""


async def test_a_page_that_names_none_is_searched_at_the_usual_places(site: Site) -> None:
    page = site.put("/blog", "<html><title>x</title></html>")
    feed = site.put("/blog/rss.xml", RSS)
    site.put("/blog/feed", "<html>not here</html>")

    assert [one.url for one in await found(page)] == [feed]


async def test_a_page_without_any_gives_nothing(site: Site) -> None:
    assert await found(site.put("/", "<html><![broken <link rel=alternate>")) == ()
    assert len(site.asked) < 20


async def test_a_page_that_is_not_there_is_one_clear_line(site: Site) -> None:
    with pytest.raises(FetchError, match="answered 404"):
        await found(site.url + "/nowhere")


async def test_an_address_may_be_written_without_its_scheme() -> None:
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 cannot be reached"):
        await found("127.0.0.1:1/blog")
