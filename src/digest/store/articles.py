"""Articles as gathered: kept once a source, revised in place, never lost."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Article, Event, FullText
from digest.store.cutting import earliest_seen
from digest.store.plain import converter
from digest.store.rows import dialect_of
from digest.store.tables import ArticleRow, SourceRow

_PLAIN: tuple[str, ...] = (
    "source_id",
    "guid",
    "url",
    "canonical_url",
    "title",
    "summary",
    "author",
    "language",
    "kind",
)
_PLAIN += ("minutes", "published_at", "seen_at", "is_backlog", "image", "text")
_PLAIN_OF = attrgetter(*_PLAIN)
#: What a source may change in an article that we know already.
_REVISED = ("url", "canonical_url", "title", "summary", "author", "kind", "minutes")
#: The same once its own page was read, which tells the rest better.
_REVISED_WHOLE = ("url", "title", "kind")
#: What the page of an article tells.
_OF_PAGE: tuple[str, ...] = (
    "title",
    "canonical_url",
    "summary",
    "author",
    "language",
    "minutes",
    "published_at",
)
_OF_PAGE += ("image", "text")
#: So many earlier titles of one article are kept, the newest.
_MOST_TITLES = 12
_BATCH = 500
#: Rows inserted at a time: between them others of the loop have their turn, and its workers get their work.
_INSERTED = 250
#: What is needed to tell whether a stored article is one of these and has changed.
_COMPARED = [
    getattr(ArticleRow, name)
    for name in ("id", "source_id", "guid", *_REVISED, "event", "text", "withdrawn_at")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What storing articles came to."""

    new: int = 0
    revised: int = 0


def short_hash(text: str) -> str:
    """32 hexadecimal characters, by which names and addresses of any length are found."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _values(article: Article) -> dict[str, Any]:
    values: dict[str, Any] = dict(zip(_PLAIN, _PLAIN_OF(article), strict=True))
    event = article.event
    values["guid_hash"] = short_hash(article.guid)
    values["canonical_url_hash"] = short_hash(article.canonical_url)
    values["event"] = converter(Event).dump_python(event, mode="json") if event else None
    values["event_at"] = event.starts_at if event else None
    return values


def _article(row: ArticleRow) -> Article:
    values = {name: getattr(row, name) for name in _PLAIN}
    event = converter(Event).validate_python(row.event) if row.event else None
    values |= {"is_withdrawn": row.withdrawn_at is not None, "earlier_titles": tuple(row.earlier_titles)}
    return Article(id=row.id, event=event, **values)


async def save(session: AsyncSession, articles: Iterable[Article], *, now: datetime) -> Saved:
    """Store one source's articles, as `save_all` does those of several."""
    return (await save_all(session, [tuple(articles)], now=now))[0]


async def save_all(
    session: AsyncSession, batches: Sequence[Sequence[Article]], *, now: datetime
) -> list[Saved]:
    """Store the articles of several sources, a batch each; what became of each batch, in its order.

    Those known by guid, or by address and title, are revised in place; a guid that a source gives to an
    article of other words at another address names a new one. An article keeps the time it was first seen,
    so nothing appears twice; one that comes after an issue was cut counts as seen then, so nothing slips a
    window.
    """
    known = await _known(session, [article for batch in batches for article in batch])
    fresh: list[Article] = []
    saved: list[Saved] = []
    for batch in batches:
        new = revised = 0
        for article in {article.guid: article for article in batch}.values():
            row = _row_of(known, article)
            if row is None:
                is_reused = (article.source_id, "guid", article.guid) in known
                fresh.append(replace(article, guid=own_guid(article)) if is_reused else article)
                new += 1
            else:
                revised += await _revise(session, row, article, now)
        saved.append(Saved(new=new, revised=revised))
    if fresh:
        await _insert(session, fresh, seen_from=await earliest_seen(session, now))
    return saved


def _row_of(known: Mapping[tuple[int, str, str], Row[Any]], article: Article) -> Row[Any] | None:
    """The stored row of this article, None when it is new."""
    for guid in (article.guid, own_guid(article)):
        row = known.get((article.source_id, "guid", guid))
        if row is not None and not _is_another(row, article):
            return row
    return known.get((article.source_id, article.canonical_url, article.title))


def own_guid(article: Article) -> str:
    """A name for an article whose source gave it the guid of an older one."""
    return f"{article.guid} {article.canonical_url}"


def _is_another(row: Row[Any], article: Article) -> bool:
    """True when nothing but the guid is the same: neither address, nor most of the title's words."""
    if row.event or article.event or article.url == row.url or article.canonical_url == row.canonical_url:
        return False
    mine, theirs = set(article.title.casefold().split()), set(row.title.casefold().split())
    return len(mine & theirs) * 3 < len(mine | theirs)


async def _insert(session: AsyncSession, articles: Sequence[Article], *, seen_from: datetime) -> None:
    """Insert the articles, seen at `seen_from` or later; what another process inserted meanwhile stays."""
    dialect = dialect_of(session)
    insert = dialect.insert(ArticleRow.__table__)
    insert = insert.on_conflict_do_nothing(index_elements=["source_id", "guid_hash"])
    connection = await session.connection()
    for start in range(0, len(articles), _INSERTED):
        rows = [_values(article) for article in articles[start : start + _INSERTED]]
        await connection.execute(insert, [row | {"seen_at": max(row["seen_at"], seen_from)} for row in rows])


async def _known(session: AsyncSession, articles: Sequence[Article]) -> dict[tuple[int, str, str], Row[Any]]:
    """The stored rows by (source, "guid", guid) and, but for events, by (source, address, title)."""
    ids = {article.source_id for article in articles}
    told = select(SourceRow.id).where(
        SourceRow.id.in_(ids), exists().where(ArticleRow.source_id == SourceRow.id)
    )
    before = set(await session.scalars(told)) if ids else set()
    asked = [article for article in articles if article.source_id in before]
    known: dict[tuple[int, str, str], Row[Any]] = {}
    for start in range(0, len(asked), _BATCH):
        part = asked[start : start + _BATCH]
        same = or_(
            ArticleRow.guid_hash.in_([short_hash(article.guid) for article in part]),
            ArticleRow.canonical_url_hash.in_([short_hash(article.canonical_url) for article in part]),
        )
        mine = ArticleRow.source_id.in_({article.source_id for article in part})
        for row in await session.execute(select(*_COMPARED).where(mine, same)):
            known[row.source_id, "guid", row.guid] = row
            if row.event is None:
                known[row.source_id, row.canonical_url, row.title] = row
    return known


async def _revise(session: AsyncSession, row: Row[Any], article: Article, now: datetime) -> int:
    """1 when the source changed the article since we last saw it, or lists it again; else 0."""
    values = _values(article)
    names = {*(_REVISED_WHOLE if row.text else _REVISED), "event"}
    names -= {"title"} if row.text and article.is_title_guessed else set()
    changes = {name: values[name] for name in names if values[name] != getattr(row, name)}
    if row.withdrawn_at is not None:
        changes["withdrawn_at"] = None
    if not changes:
        return 0
    if row.text:
        # Another title or address is another page: what we know of the old one goes, and it is read again.
        changes |= {name: values[name] for name in (*_REVISED, "text")} | {"page_read_at": None}
    changes |= {"canonical_url_hash": short_hash(changes.get("canonical_url", row.canonical_url))}
    if "title" in changes:
        # Asked for here, since few of the rows that are compared have another title.
        earlier = await session.scalar(select(ArticleRow.earlier_titles).where(ArticleRow.id == row.id))
        changes["earlier_titles"] = [*(earlier or ()), row.title][-_MOST_TITLES:]
    changes |= {"event_at": values["event_at"], "changed_at": now}
    await session.execute(update(ArticleRow).where(ArticleRow.id == row.id).values(changes))
    return 1


async def of_short_words(
    session: AsyncSession, *, since: datetime, below: int, limit: int
) -> tuple[Article, ...]:
    """Articles first seen since `since` whose pages are still to be read, the newest first.

    Those of sources that want it always, or when the summary has fewer characters than `below`; no events,
    no backlog, and each page until it was read once.
    """
    is_short = ArticleRow.minutes.is_(None) & (func.length(ArticleRow.summary) < below)
    is_wanted = or_(
        SourceRow.full_text == FullText.ALWAYS, and_(SourceRow.full_text == FullText.SHORT, is_short)
    )
    rows = await session.scalars(
        select(ArticleRow)
        .join(SourceRow, SourceRow.id == ArticleRow.source_id)
        .where(ArticleRow.seen_at >= since, ArticleRow.page_read_at.is_(None), is_wanted)
        .where(ArticleRow.is_backlog.is_(False), ArticleRow.event_at.is_(None))
        .order_by(ArticleRow.seen_at.desc(), ArticleRow.id)
        .limit(limit)
    )
    return tuple(_article(row) for row in rows)


async def keep_pages(session: AsyncSession, articles: Sequence[Article], *, now: datetime) -> None:
    """Store what the articles' pages told, or that they told nothing. Twice is the same."""
    for article in articles:
        values = {name: getattr(article, name) for name in _OF_PAGE}
        values |= {"canonical_url_hash": short_hash(article.canonical_url), "page_read_at": now}
        await session.execute(update(ArticleRow).where(ArticleRow.id == article.id).values(values))


async def candidates(
    session: AsyncSession, *, since: datetime, until: datetime, also: Collection[int] = ()
) -> tuple[Article, ...]:
    """Articles first seen in [since, until), events that start at or after `since`, and those `also` names.

    Each once, in no order.
    """
    seen = (ArticleRow.seen_at >= since) & (ArticleRow.seen_at < until) & ArticleRow.is_backlog.is_(False)
    coming = (ArticleRow.event_at >= since) & (ArticleRow.seen_at < until)
    rows = await session.scalars(select(ArticleRow).where(or_(seen, coming)))
    found = {row.id: _article(row) for row in rows}
    more = await by_ids(session, [number for number in also if number not in found])
    return (*found.values(), *more)


async def newest_of(session: AsyncSession, source_id: int, *, limit: int) -> tuple[Article, ...]:
    """A source's newest articles, the newest first."""
    rows = await session.scalars(
        select(ArticleRow)
        .where(ArticleRow.source_id == source_id)
        .order_by(ArticleRow.seen_at.desc(), ArticleRow.id.desc())
        .limit(limit)
    )
    return tuple(_article(row) for row in rows)


async def by_ids(session: AsyncSession, ids: Collection[int]) -> tuple[Article, ...]:
    """The articles of these ids that are still there, by id."""
    numbers = sorted(set(ids))
    found: list[Article] = []
    for start in range(0, len(numbers), _BATCH):
        part = ArticleRow.id.in_(numbers[start : start + _BATCH])
        rows = await session.scalars(select(ArticleRow).where(part).order_by(ArticleRow.id))
        found += [_article(row) for row in rows]
    return tuple(found)
