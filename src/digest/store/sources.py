"""Sources: what the operator chose and what polling has taught us."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import FullText, Source, SourceKind
from digest.store.rows import insert_ignoring
from digest.store.tables import SourceRow

_NAMES = [field.name for field in fields(Source) if field.name != "id"]

#: What a reading may change.
_LEARNED: tuple[str, ...] = ("url", "title", "site_url", "enabled", "etag", "last_modified", "body_hash")
_LEARNED += ("checked_at", "next_check_at", "interval_minutes", "first_read_at", "failures", "last_error")
#: The table itself: many rows of it are changed by one statement.
_TABLE = cast(Table, SourceRow.__table__)


def _values(source: Source) -> dict[str, Any]:
    values = {name: getattr(source, name) for name in _NAMES}
    plain = {"newsletters": list(source.newsletters), "kind": str(source.kind)}
    return values | plain | {"full_text": str(source.full_text)}


def _source(row: SourceRow) -> Source:
    values = {name: getattr(row, name) for name in _NAMES}
    values |= {"newsletters": tuple(row.newsletters), "kind": SourceKind(row.kind)}
    values["full_text"] = FullText(row.full_text)
    return Source(id=row.id, **values)


async def add(session: AsyncSession, sources: Iterable[Source], *, now: datetime) -> int:
    """How many were new. An address that is already there is left as it is, so twice is safe."""
    rows = [_values(source) | {"added_at": source.added_at or now} for source in sources]
    return await insert_ignoring(session, SourceRow, rows, unique=("url",))


async def all_of(session: AsyncSession) -> tuple[Source, ...]:
    """Every source by section and title."""
    found = await session.scalars(
        select(SourceRow).order_by(SourceRow.section, SourceRow.title, SourceRow.id)
    )
    return tuple(_source(row) for row in found)


async def find(session: AsyncSession, words: str) -> tuple[Source, ...]:
    """Sources whose id or address is `words`, else those whose title or address holds them."""
    every = await all_of(session)
    exact = [source for source in every if words in {str(source.id), source.url, source.site_url}]
    if exact:
        return tuple(exact)
    low = words.lower()
    return tuple(source for source in every if low in source.title.lower() or low in source.url.lower())


async def save(session: AsyncSession, source: Source) -> None:
    """Store what polling taught us; an address that moved onto another source's keeps its old one."""
    values = _values(source)
    if await _is_taken(session, source):
        del values["url"]
    del values["added_at"]
    await session.execute(update(SourceRow).where(SourceRow.id == source.id).values(values))


async def change(session: AsyncSession, before: Source, after: Source) -> None:
    """Store what the operator changed of a source, and nothing else: what polling taught meanwhile stays."""
    old, new = _values(before), _values(after)
    values = {name: new[name] for name in _NAMES if new[name] != old[name]}
    if values:
        await session.execute(update(SourceRow).where(SourceRow.id == before.id).values(values))


async def learn(session: AsyncSession, polled: Iterable[tuple[Source, Source]]) -> None:
    """Store what polling taught us of each source (as it was, as it is now), and nothing else of it.

    What the operator changed meanwhile stays; an address that moved onto another source's keeps its old one.
    """
    updates: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for before, after in polled:
        names = [name for name in _LEARNED if getattr(before, name) != getattr(after, name)]
        if "url" in names and await _is_taken(session, after):
            names.remove("url")
        if names:
            values = {name: getattr(after, name) for name in names}
            updates[tuple(names)].append(values | {"source_id": after.id})
    connection = await session.connection()
    for rows in updates.values():
        names = [name for name in rows[0] if name != "source_id"]
        change = update(_TABLE).where(_TABLE.c.id == bindparam("source_id"))
        await connection.execute(change.values({name: bindparam(name) for name in names}), rows)


async def _is_taken(session: AsyncSession, source: Source) -> bool:
    other = select(SourceRow.id).where(SourceRow.url == source.url, SourceRow.id != source.id)
    return (await session.scalar(other)) is not None


async def remove(session: AsyncSession, ids: Sequence[int]) -> int:
    """How many were there. Their articles go with them; issues that told them keep their words."""
    gone = await session.execute(delete(SourceRow).where(SourceRow.id.in_(ids)).returning(SourceRow.id))
    return len(gone.all())
