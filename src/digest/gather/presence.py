"""Whether the pages of what was told are still there: asked politely, and believed slowly."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from digest.domain import Article, PageCheck
from digest.gather.client import Client, Page
from digest.gather.pages import is_nobodys
from digest.gather.parallel import in_parallel
from digest.gather.urls import canonical_url

#: A page that was there is asked again after a day.
_EVERY = timedelta(days=1)
#: One that is missing, or gave no answer that says anything, sooner; a second miss so late is believed.
_SOON = timedelta(hours=6)
_MISSING, _GONE = 404, 410
#: Where homes stand that have a path of their own.
_HOMES = frozenset({"", "/", "/home", "/home/", "/index.html", "/index.php"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPage:
    """The page of an article that was told, the home of its site, and how it answered the last time."""

    article: Article
    site_url: str = ""
    before: PageCheck | None = None


def is_page_due(before: PageCheck | None, now: datetime) -> bool:
    """True when it is time to ask for the page, so that a restart asks nothing twice."""
    if before is None:
        return True
    was_there = before.status and not before.missing_since
    return now - before.asked_at >= (_EVERY if was_there or before.is_gone else _SOON)


async def ask_pages(
    pages: Sequence[ToldPage], *, client: Client, now: datetime
) -> AsyncGenerator[PageCheck, None]:
    """One check a page, in the order of finishing. Asking twice is safe: nothing is stored here.

    robots.txt is followed; addresses that are nobody's are not asked for.
    """
    at_once = client.settings.concurrency
    results = in_parallel(pages, lambda page: _ask(page, client, now), count=len(pages), at_once=at_once)
    async with aclosing(results):
        async for result in results:
            yield result


async def _ask(told: ToldPage, client: Client, now: datetime) -> PageCheck:
    url, before = told.article.url, told.before
    if is_nobodys(url):
        return judged(told, None, now=now)
    known = {"etag": before.etag, "last_modified": before.last_modified} if before else {}
    try:
        page = await client.fetch_page(url, **known)
    except Exception:
        # Whatever goes wrong with one page says nothing about it, and stops nothing else.
        return judged(told, None, now=now)
    return judged(told, page, now=now)


def judged(told: ToldPage, page: Page | None, *, now: datetime) -> PageCheck:
    """What an answer says of the page; None is no answer.

    410 is believed at once, 404 when it was 404 some hours ago too. Everything else but a page that is
    there (time-outs, 403, 5xx, a redirect to the site's home) leaves what was known as it was.
    """
    before = told.before or PageCheck(article_id=told.article.id, url=told.article.url, asked_at=now)
    asked = replace(before, asked_at=now)
    if page is None or _is_home(page, told):
        return asked
    if page.status in {_MISSING, _GONE}:
        since = before.missing_since or now
        is_gone = before.is_gone or page.status == _GONE or now - since >= _SOON
        return replace(asked, status=page.status, missing_since=since, is_gone=is_gone)
    if page.status == 304 or 200 <= page.status < 300:
        there = replace(asked, status=page.status, missing_since=None, is_gone=False)
        if page.status == 304:
            return there
        return replace(there, etag=page.etag, last_modified=page.last_modified)
    return asked


def _is_home(page: Page, told: ToldPage) -> bool:
    """True when the site's home answers for the page: some sites do so for what is gone."""
    if not page.via or _is_root(told.article.url):
        return False
    return _is_root(page.url) or canonical_url(page.url) == canonical_url(told.site_url)


def _is_root(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path.lower() in _HOMES and not parts.query
