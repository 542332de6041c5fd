"""Articles of which only a teaser is known become whole: their own pages are read, politely, one by one."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import cast

from digest.domain import Article
from digest.errors import FetchError, SourceError
from digest.gather.clean import MAX_SUMMARY, cut, minutes_of, one_line
from digest.gather.client import Client
from digest.gather.document import Body
from digest.gather.pagetext import PageText
from digest.gather.parallel import in_parallel
from digest.gather.urls import canonical_url, host_of, title_of

#: Below this a summary is a teaser; a page is read for the rest.
SHORT_SUMMARY = 300
#: Names that can never be anybody's (RFC 2606).
_NOBODY = re.compile(r"(?:^|\.)(?:example|invalid|test)$|(?:^|\.)example\.(?:com|net|org)$")
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """What reading an article's page once came to."""

    #: The article, with what its page told when `error` is empty.
    article: Article
    error: str = ""
    #: True when trying again later can help.
    is_later: bool = False


async def read_pages(
    articles: Sequence[Article], *, client: Client, now: datetime
) -> AsyncGenerator[PageRead, None]:
    """One result an article, in the order of finishing; a page that cannot be read is a result.

    robots.txt is followed; addresses that are nobody's are not asked for.
    """
    at_once = client.settings.concurrency
    results = in_parallel(
        articles, lambda article: _read(article, client, now), count=len(articles), at_once=at_once
    )
    async with aclosing(results):
        async for result in results:
            yield result


def is_nobodys(url: str) -> bool:
    """True for an address at a name that is kept for examples."""
    return _NOBODY.search(host_of(url)) is not None


async def _read(article: Article, client: Client, now: datetime) -> PageRead:
    if is_nobodys(article.url):
        return PageRead(article=article, error="its address is nobody's")
    try:
        page = await client.fetch_page(article.url)
        if not 200 <= page.status < 300:
            error = f"{host_of(page.url)} answered {page.status}"
            return PageRead(article=article, error=error, is_later=page.status in _LATER)
        body = Body(data=page.body, url=page.url, charset=page.charset)
        seconds = client.settings.timeout_seconds
        text = cast(PageText, await client.workers.run("text", body, seconds=seconds))
    except SourceError as exc:
        return PageRead(article=article, error=exc.what, is_later=isinstance(exc, FetchError))
    except Exception as exc:
        return PageRead(article=article, error=f"reading failed in an unforeseen way ({type(exc).__name__})")
    return PageRead(article=whole(article, text, now=now))


def whole(article: Article, page: PageText, *, now: datetime) -> Article:
    """The article with what its page tells: the text, and whatever its source left out.

    The source's own words stay where there are any, but for a summary that is only the beginning.
    """
    text = one_line(page.text)
    is_guess = article.title == title_of(article.url)
    is_teaser = len(article.summary) < min(SHORT_SUMMARY, len(text))
    return replace(
        article,
        title=page.title if is_guess and page.title else article.title,
        text=page.text,
        summary=cut(text, MAX_SUMMARY) if is_teaser else article.summary,
        author=article.author or page.author,
        language=article.language or page.language,
        image=article.image or page.image,
        minutes=article.minutes or minutes_of(page.text),
        published_at=article.published_at or _published(page.published, now),
        canonical_url=_canonical(article, page),
    )


def _published(moment: datetime | None, now: datetime) -> datetime | None:
    try:
        utc = moment.astimezone(UTC) if moment else None
    except (OverflowError, ValueError):
        return None
    return utc if utc and datetime(1995, 1, 1, tzinfo=UTC) < utc < now + _MAX_AHEAD else None


def _canonical(article: Article, page: PageText) -> str:
    """The page's own name for itself, unless the source told several articles of that one address apart."""
    is_own = article.canonical_url == canonical_url(article.url)
    return page.canonical if page.canonical and is_own else article.canonical_url
