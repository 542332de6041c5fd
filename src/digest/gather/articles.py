"""A document's items become articles: cleaned, identified, dated, at most a thousand of the newest."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from digest.domain import Article, Source, SourceKind
from digest.gather.clean import cut, language_of, minutes_of, one_line, summary_of, title_text
from digest.gather.document import Document, Item
from digest.gather.urls import canonical_url, host_of, title_of, web_url

MAX_ARTICLES = 1000
_MAX_GUID = 400
_FIRST_YEAR = 1995
_MAX_AHEAD = timedelta(days=2)
_PAGE_OF_ENTRIES = 3
#: Older than this is backlog: at the first reading, and ever after.
_FIRST_BACKLOG = timedelta(days=7)
_LATER_BACKLOG = timedelta(days=45)
#: The same site for others' eyes: m.youtube.com, export.arxiv.org.
_VARIANTS = frozenset({"www", "m", "export", "player"})
_VIDEO_HOSTS = frozenset({"youtube.com", "youtu.be", "vimeo.com", "youtube-nocookie.com"})
_PAPER_HOSTS = frozenset({"arxiv.org", "openreview.net", "aclanthology.org", "biorxiv.org", "ssrn.com"})


def articles_of(document: Document, source: Source, *, now: datetime) -> tuple[Article, ...]:
    """The document's newest thousand articles in its own order; what has no words at all is left out."""
    items = _newest(document.items, now)
    made = [_article(item, document, source, now) for item in items]
    return tuple(_told_apart([article for article in made if article is not None]))


def _newest(items: Sequence[Item], now: datetime) -> list[Item]:
    """Feeds begin with their newest; among more than a thousand, dates decide and order breaks the tie."""
    if len(items) <= MAX_ARTICLES or any(item.event for item in items):
        return list(items[:MAX_ARTICLES])
    oldest = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    dates = [_published(item, now) or oldest for item in items]
    places = sorted(range(len(items)), key=lambda place: dates[place], reverse=True)[:MAX_ARTICLES]
    return [items[place] for place in sorted(places)]


def _article(item: Item, document: Document, source: Source, now: datetime) -> Article | None:
    url = web_url(item.url, document.base) if item.url.strip() else web_url(item.guid)
    title = title_text(item.title)
    summary = summary_of(item.description, item.content, title)
    if not title:
        title, summary = cut(summary, 100), ("" if len(summary) <= 100 else summary)
    if not title and not item.url:
        return None
    published = _published(item, now)
    return Article(
        source_id=source.id,
        guid=_guid(item, url, title, summary),
        url=url or document.site_url or source.site_url or source.url,
        canonical_url=canonical_url(url),
        title=title or cut(url.partition("://")[2], 100) or "Untitled",
        summary=summary,
        author=cut(title_text(item.author), 100),
        language=language_of(item.language, document.language),
        kind="" if item.event else _kind(url),
        minutes=None if item.event else minutes_of(item.content),
        published_at=published,
        seen_at=now,
        is_backlog=item.event is None and _is_backlog(published, source, now),
        event=item.event,
        is_title_guessed=source.kind is SourceKind.SITEMAP and title == title_of(url),
    )


def _published(item: Item, now: datetime) -> datetime | None:
    """When it appeared, in UTC; None for a date that cannot be true."""
    try:
        moment = item.published.astimezone(UTC) if item.published else None
    except (OverflowError, ValueError):
        return None
    if moment is None or moment.year < _FIRST_YEAR or moment > now + _MAX_AHEAD:
        return None
    return moment


def _is_backlog(published: datetime | None, source: Source, now: datetime) -> bool:
    """True for what was there before we came, and for what is old though it only now appears."""
    if source.first_read_at is None:
        return published is None or published < now - _FIRST_BACKLOG
    return published is not None and published < now - _LATER_BACKLOG


def _guid(item: Item, url: str, title: str, summary: str) -> str:
    """The source's own name for the item, else its address, else a hash of its words."""
    guid = one_line(item.guid) or url or "sha256:" + _hash(title, summary)
    return guid if len(guid) <= _MAX_GUID else "sha256:" + _hash(guid)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _told_apart(articles: Iterable[Article]) -> list[Article]:
    """Exact repetitions dropped; a guid or address that several articles share is made each one's own.

    Real feeds give one guid or one link to every item: what then tells them apart is the link's
    fragment, else the words.
    """
    once = list({(a.guid, a.url, a.title): a for a in articles}.values())
    guids = Counter(article.guid for article in once)
    once = [replace(a, guid=f"{a.guid} {a.url}") if guids[a.guid] > 1 else a for a in once]
    guids = Counter(article.guid for article in once)
    once = [replace(a, guid=f"{a.guid} {_hash(a.title)}") if guids[a.guid] > 1 else a for a in once]
    shared = Counter(article.canonical_url for article in once)
    addresses = [_own_address(article, shared[article.canonical_url]) for article in once]
    return [
        article if article.canonical_url == address else replace(article, canonical_url=address)
        for article, address in zip(once, addresses, strict=True)
    ]


def _own_address(article: Article, shared_by: int) -> str:
    """Its canonical address, told apart from those that share it; then it is a name, not one to follow.

    Two items with one address are one article told twice; with fragments of their own, or three and
    more, they are entries of a page. Dates of one event are always told apart.
    """
    if not article.canonical_url:
        return f"urn:sha256:{_hash(article.guid, article.title)}"
    fragment = article.url.partition("#")[2]
    if shared_by > 1 and fragment and not article.event:
        return f"{article.canonical_url}#{fragment}"
    if shared_by >= _PAGE_OF_ENTRIES or (shared_by > 1 and article.event):
        return f"{article.canonical_url}#{_hash(article.guid, article.title)}"
    return article.canonical_url


def _kind(url: str) -> str:
    """ "Paper" or "Video" by the address, which changes the decision to click; else ""."""
    host = host_of(url)
    first, _, rest = host.partition(".")
    if first in _VARIANTS:
        host = rest
    if host in _VIDEO_HOSTS:
        return "Video"
    is_pdf = url.partition("?")[0].partition("#")[0].lower().endswith(".pdf")
    is_paper = is_pdf or host in _PAPER_HOSTS or url.startswith("https://huggingface.co/papers/")
    return "Paper" if is_paper else ""
