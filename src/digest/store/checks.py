"""What the events of an approved issue were found to be before it is sent: the newest finding of each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.desk_tables import CheckRow
from digest.store.rows import upsert
from digest.store.tables import ArticleRow

#: So many changes of one event are remembered: as many as the column holds.
_MOST_MARKS = 11
_UNCHANGED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """When an event was looked at again, and what was found."""

    #: The article that the event is told from.
    article_id: int
    at: datetime
    #: A sentence for people.
    words: str
    #: What it changed to; "" when nothing changed.
    mark: str = ""
    #: Every such mark of which the editor was told, the newest first.
    known: tuple[str, ...] = ()


async def keep(session: AsyncSession, issue_id: int, found: Iterable[Check]) -> None:
    """Store them in place of earlier ones. Twice is the same."""
    for one in found:
        row = {"issue_id": issue_id, "article_id": one.article_id, "at": one.at}
        marks = one.mark or _UNCHANGED, *(each for each in one.known if each != one.mark)
        row |= {"words": one.words, "mark": " ".join(marks[:_MOST_MARKS])}
        await upsert(session, CheckRow, row, unique=("issue_id", "article_id"))


async def of_issue(session: AsyncSession, issue_id: int) -> tuple[Check, ...]:
    """What was found of an issue's events, by article."""
    rows = await session.scalars(
        select(CheckRow).where(CheckRow.issue_id == issue_id).order_by(CheckRow.article_id)
    )
    return tuple(_check(row) for row in rows)


def _check(row: CheckRow) -> Check:
    marks = [mark for mark in row.mark.split() if mark != _UNCHANGED]
    return Check(
        article_id=row.article_id,
        at=row.at,
        words=row.words,
        mark="" if row.mark.startswith(_UNCHANGED) else "".join(marks[:1]),
        known=tuple(marks),
    )


async def has_news(session: AsyncSession, ids: Collection[int], *, since: datetime) -> bool:
    """True when one of these articles was changed, withdrawn or listed again since then."""
    is_new = or_(ArticleRow.changed_at >= since, ArticleRow.withdrawn_at >= since)
    query = select(ArticleRow.id).where(ArticleRow.id.in_(ids), is_new).limit(1)
    return await session.scalar(query) is not None
