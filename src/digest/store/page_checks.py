"""Whether the pages of told articles are still there: one row an article, the last answer."""

from collections.abc import Collection

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import PageCheck
from digest.store.desk_tables import PageCheckRow
from digest.store.rows import upsert
from digest.store.tables import ArticleRow

_NAMES = ("article_id", "url", "asked_at", "status", "etag", "last_modified", "missing_since", "is_gone")


async def of_articles(session: AsyncSession, ids: Collection[int]) -> dict[int, PageCheck]:
    """The last check of each of these articles that was ever asked for, by article."""
    rows = await session.scalars(select(PageCheckRow).where(PageCheckRow.article_id.in_(ids)))
    return {row.article_id: PageCheck(**{name: getattr(row, name) for name in _NAMES}) for row in rows}


async def keep(session: AsyncSession, check: PageCheck) -> None:
    """Store it in place of the one before; nothing when the article was removed meanwhile."""
    row = {name: getattr(check, name) for name in _NAMES}
    if await session.scalar(select(exists().where(ArticleRow.id == check.article_id))):
        await upsert(session, PageCheckRow, row, unique=("article_id",))
