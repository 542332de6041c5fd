"""The events that are stored of a source beside one whole list of what it has to come.

What the list lacks is withdrawn. What it has under another name, because its calendar makes new UIDs
whenever it is built, is known by that name from then on.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Article
from digest.store import series
from digest.store.articles import own_guid, short_hash
from digest.store.tables import ArticleRow

_Key = tuple[object, ...]
_Entry = Row[Any] | Article
_BATCH = 500
_ASKED = [
    getattr(ArticleRow, name)
    for name in ("id", "source_id", "guid", "title", "canonical_url", "event", "event_at", "withdrawn_at")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One source's events to come, all of those that start before `until`."""

    source_id: int
    articles: tuple[Article, ...]
    until: datetime


async def compare(session: AsyncSession, listings: Sequence[Listing], *, now: datetime) -> int:
    """How many events are withdrawn now; call it before the lists' articles are stored. Twice is the same.

    What a list holds again loses its mark when its articles are stored.
    """
    stored: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    asked = [one.source_id for one in listings]
    # What was stored of these sources and has not begun.
    query = select(*_ASKED).where(ArticleRow.source_id.in_(asked), ArticleRow.event_at > now)
    for row in await session.execute(query.order_by(ArticleRow.id)) if asked else ():
        stored[row.source_id].append(row)
    gone: list[int] = []
    for listing in listings:
        gone += await _settle(session, listing, stored[listing.source_id])
    if gone:
        change = update(ArticleRow).where(ArticleRow.id.in_(gone), ArticleRow.withdrawn_at.is_(None))
        await session.execute(change.values(withdrawn_at=now))
    return len(gone)


async def _settle(session: AsyncSession, listing: Listing, stored: Sequence[Row[Any]]) -> list[int]:
    """Store the new names of what has them; the ids of what is gone and was not gone before."""
    listed = [article for article in listing.articles if article.event]
    names = {name for article in listed for name in (article.guid, own_guid(article))}
    missing = [row for row in stored if row.guid not in names]
    known = await _known(session, listing.source_id, names) if missing else frozenset()
    fresh = [one for one in listed if known.isdisjoint((one.guid, own_guid(one)))]
    renamed = _renamed(missing, fresh, stored, listed)
    for number, article in renamed.items():
        values = {"guid": article.guid, "guid_hash": short_hash(article.guid)}
        await session.execute(update(ArticleRow).where(ArticleRow.id == number).values(values))
    there = {_by_title_and_start(article) for article in listed}
    return [
        row.id
        for row in missing
        if row.id not in renamed
        and row.withdrawn_at is None
        and row.event_at < listing.until
        and _by_title_and_start(row) not in there
    ]


async def _known(session: AsyncSession, source_id: int, names: Collection[str]) -> frozenset[str]:
    """Those names that something stored of the source has, be it over."""
    found: set[str] = set()
    hashes = [short_hash(name) for name in names]
    for start in range(0, len(hashes), _BATCH):
        part = ArticleRow.guid_hash.in_(hashes[start : start + _BATCH])
        found |= set(
            await session.scalars(select(ArticleRow.guid).where(ArticleRow.source_id == source_id, part))
        )
    return frozenset(found)


def _renamed(
    missing: Sequence[Row[Any]],
    fresh: Sequence[Article],
    stored: Sequence[Row[Any]],
    listed: Sequence[Article],
) -> dict[int, Article]:
    """The listed article that each missing row is under a new name, by the row's id; none twice.

    By title and start, else by address and start, else by a title that no other event of the source has:
    a date of a series that goes is not another one that comes, unless the whole series moved.
    """
    once = {key for key, count in Counter(map(_by_title, stored)).items() if count == 1}
    once &= {key for key, count in Counter(map(_by_title, listed)).items() if count == 1}
    renamed: dict[int, Article] = {}
    for key in (_by_title_and_start, _by_address_and_start, _by_title):
        taken = {article.guid for article in renamed.values()}
        free = {key(one): one for one in reversed(fresh) if one.guid not in taken}
        rows = {key(row): row for row in reversed(missing) if row.id not in renamed}
        for each, row in rows.items():
            if each in free and (key is not _by_title or each in once):
                renamed[row.id] = free[each]
    return renamed | _moved(missing, fresh, stored, renamed)


def _moved(
    missing: Sequence[Row[Any]],
    fresh: Sequence[Article],
    stored: Sequence[Row[Any]],
    renamed: Mapping[int, Article],
) -> dict[int, Article]:
    """The same for the dates of series that moved as a whole, of what is not `renamed` already."""
    left = {row.guid: row for row in missing if row.id not in renamed}
    taken = {article.guid for article in renamed.values()}
    free = {article.guid: article for article in fresh if article.guid not in taken}
    if not (left and free):
        return {}
    stayed = [row for row in stored if row.guid not in left and row.id not in renamed]
    pairs = series.moved(
        [_date(row) for row in left.values()],
        _dates(free.values()),
        [_date(row) for row in (*left.values(), *stayed)],
    )
    return {left[old].id: free[new] for old, new in pairs.items()}


def _date(row: Row[Any]) -> series.Date:
    return series.Date(
        name=row.guid,
        title=row.title,
        place=row.event["place"],
        starts_at=row.event_at,
        is_deadline=_is_deadline(row),
    )


def _dates(articles: Iterable[Article]) -> list[series.Date]:
    return [
        series.Date(
            name=article.guid,
            title=article.title,
            place=article.event.place,
            starts_at=article.event.starts_at,
            is_deadline=article.event.is_deadline,
        )
        for article in articles
        if article.event
    ]


def _by_title(entry: _Entry) -> _Key:
    return entry.title.casefold(), _is_deadline(entry)


def _by_title_and_start(entry: _Entry) -> _Key:
    return *_by_title(entry), _start(entry)


def _by_address_and_start(entry: _Entry) -> _Key:
    return entry.canonical_url, _is_deadline(entry), _start(entry)


def _start(entry: _Entry) -> datetime | None:
    if isinstance(entry, Article):
        return entry.event.starts_at if entry.event else None
    return entry.event_at  # type: ignore[no-any-return]  # a row's columns are of any type


def _is_deadline(entry: _Entry) -> bool:
    if isinstance(entry, Article):
        return entry.event is not None and entry.event.is_deadline
    return bool(entry.event["is_deadline"])
