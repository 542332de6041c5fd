"""Whether a told page is still there: one answer is not believed where a server may err."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.config import GatherSettings
from digest.domain import Article, PageCheck
from digest.gather import ToldPage, ask_pages, is_page_due, open_client
from digest.gather.client import Page
from digest.gather.presence import judged
from sites import Site, open_site

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(url: str, before: PageCheck | None = None, *, home: str = "") -> ToldPage:
    article = Article(id=7, guid="g", url=url, canonical_url=url, title="A title", seen_at=NOW)
    return ToldPage(article=article, before=before, site_url=home)


async def ask(site: Site, page: ToldPage, now: datetime = NOW) -> PageCheck:
    """What asking for it once comes to."""
    async with open_client(GatherSettings(allow_hosts=["127.0.0.1"], timeout_seconds=2)) as client:
        (check,) = [check async for check in ask_pages([page], client=client, now=now)]
    return check


async def test_a_page_that_says_410_is_gone_at_once_and_may_come_back() -> None:
    async with open_site() as site:
        page = told(site.put("/a", status=410))

        gone = await ask(site, page)
        site.put("/a", "here again")
        back = await ask(site, replace(page, before=gone), NOW + DAY)

    assert (gone.is_gone, gone.status, gone.missing_since, gone.url) == (True, 410, NOW, page.article.url)
    assert (back.is_gone, back.missing_since, back.status) == (False, None, 200)


async def test_a_page_that_says_404_is_gone_when_it_says_so_hours_later() -> None:
    async with open_site() as site:
        page = told(f"{site.url}/nowhere")

        first = await ask(site, page)
        soon = await ask(site, replace(page, before=first), NOW + HOUR)
        later = await ask(site, replace(page, before=first), NOW + 7 * HOUR)

    assert (first.is_gone, first.missing_since) == (False, NOW)
    assert (soon.is_gone, soon.missing_since) == (False, NOW)
    assert (later.is_gone, later.missing_since, later.asked_at) == (True, NOW, NOW + 7 * HOUR)


@pytest.mark.parametrize("status", [401, 403, 408, 429, 451, 500, 503])
async def test_a_server_that_will_not_say_leaves_what_was_known(status: int) -> None:
    async with open_site() as site:
        page = told(site.put("/a", status=status))
        missing = PageCheck(
            article_id=7, url=page.article.url, asked_at=NOW - DAY, status=404, missing_since=NOW - DAY
        )

        fresh = await ask(site, page)
        known = await ask(site, replace(page, before=missing))

    assert (fresh.is_gone, fresh.missing_since, fresh.asked_at) == (False, None, NOW)
    assert known == replace(missing, asked_at=NOW)


async def test_silence_and_a_host_that_is_not_there_say_nothing() -> None:
    async with open_site() as site:
        hanging = await ask(site, told(site.hang("/a")))
        broken = await ask(site, told(site.break_off("/b", "half of it")))
        nobody = await ask(site, told("https://blog.example/1"))
        paths = site.paths()

    assert [one.missing_since for one in (hanging, broken, nobody)] == [None, None, None]
    assert paths == ["/robots.txt", "/a", "/robots.txt", "/b"]


async def test_a_redirect_to_the_home_says_nothing_and_one_to_an_article_says_that_it_is_there() -> None:
    async with open_site() as site:
        site.put("/", "the home")
        site.put("/blog/", "the home of the blog")
        site.put("/2026/a-new-address", "the article")
        missing = PageCheck(article_id=7, url="", asked_at=NOW - DAY, status=404, missing_since=NOW - DAY)
        blog = f"{site.url}/blog/"

        home = await ask(site, told(site.redirect("/a", "/"), missing, home=blog))
        own = await ask(site, told(site.redirect("/b", "/blog/"), missing, home=blog))
        moved = await ask(site, told(site.redirect("/c", "/2026/a-new-address"), missing, home=blog))
        away = await ask(site, told(site.redirect("/d", "/nothing-here"), missing, home=blog))
        itself = await ask(site, told(f"{site.url}/", missing, home=f"{site.url}/"))

    assert [home.missing_since, own.missing_since, moved.missing_since] == [NOW - DAY, NOW - DAY, None]
    assert (away.is_gone, home.is_gone, own.is_gone) == (True, False, False)
    assert itself.missing_since is None


async def test_a_page_is_asked_for_politely() -> None:
    async with open_site() as site:
        page = told(site.put("/a", "a page", etag='"one"'))
        known = await ask(site, page)
        unchanged = await ask(site, replace(page, before=known), NOW + DAY)
        asked = [one.headers.get("If-None-Match") for one in site.asked if one.path == "/a"]
        site.put("/robots.txt", "User-agent: *\nDisallow: /private\n", content_type="text/plain")
        forbidden = await ask(site, told(site.put("/private/b", status=410)))
        paths = site.paths()

    assert asked == [None, '"one"']
    assert (unchanged.status, unchanged.etag, unchanged.missing_since) == (304, '"one"', None)
    assert not forbidden.is_gone
    assert "/private/b" not in paths


@pytest.mark.parametrize(
    ("status", "missing", "is_gone", "hours"),
    [
        (200, False, False, 24),
        (304, False, False, 24),
        (404, True, False, 6),
        (0, False, False, 6),
        (410, True, True, 24),
        (404, True, True, 24),
    ],
)
def test_a_page_is_asked_again_when_it_is_time_and_not_before(
    status: int, missing: bool, is_gone: bool, hours: int
) -> None:
    before = PageCheck(
        article_id=7,
        url="",
        asked_at=NOW,
        status=status,
        missing_since=NOW if missing else None,
        is_gone=is_gone,
    )

    assert is_page_due(None, NOW)
    assert not is_page_due(before, NOW + hours * HOUR - timedelta(seconds=1))
    assert is_page_due(before, NOW + hours * HOUR)


def test_what_is_gone_stays_gone_until_it_is_there() -> None:
    gone = PageCheck(article_id=7, url="", asked_at=NOW, status=410, missing_since=NOW, is_gone=True)
    page = told("https://a.test/x", gone)

    for answer in (None, Page(url="https://a.test/x", status=404), Page(url="https://a.test/x", status=500)):
        assert judged(page, answer, now=NOW + HOUR).is_gone
    assert not judged(page, Page(url="https://a.test/x", status=200), now=NOW + HOUR).is_gone
