"""Which articles each issue told: they stay told when they are removed with their source."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Cadence, Content, IssueState
from digest.store.tables import ArticleRow, IssueItemRow, IssueRow


async def note(session: AsyncSession, issue_id: int, content: Content) -> None:
    """Note which articles the issue tells, in place of what was noted before."""
    numbers = {article for story in content.stories for article in story.article_ids}
    addresses = await _addresses(session, issue_id, numbers)
    await session.execute(delete(IssueItemRow).where(IssueItemRow.issue_id == issue_id))
    rows = {
        article: {
            "issue_id": issue_id,
            "article_id": article,
            "canonical_url": addresses.get(article, ""),
            "story_key": story.key,
            "section": story.section,
            "position": position,
        }
        for position, story in enumerate(content.stories)
        for article in story.article_ids
    }
    if rows:
        await session.execute(insert(IssueItemRow), list(rows.values()))


async def _addresses(session: AsyncSession, issue_id: int, numbers: Collection[int]) -> dict[int, str]:
    """The addresses of these articles, but for events; of removed ones as this issue noted them before."""
    noted = await session.execute(
        select(IssueItemRow.article_id, IssueItemRow.canonical_url).where(IssueItemRow.issue_id == issue_id)
    )
    found = {row.article_id: row.canonical_url for row in noted}
    stored = await session.execute(
        select(ArticleRow.id, ArticleRow.canonical_url).where(
            ArticleRow.id.in_(numbers), ArticleRow.event_at.is_(None)
        )
    )
    return found | {row.id: row.canonical_url for row in stored}


async def stored_of(session: AsyncSession, issue_ids: Collection[int]) -> frozenset[tuple[str, int]]:
    """(story's key, article's id) of what these issues told and is still stored.

    An article that was removed with its source is not among them.
    """
    rows = await session.execute(
        select(IssueItemRow.story_key, IssueItemRow.article_id)
        .join(ArticleRow, ArticleRow.id == IssueItemRow.article_id)
        .where(IssueItemRow.issue_id.in_(issue_ids))
    )
    return frozenset((row.story_key, row.article_id) for row in rows)


async def given_back(session: AsyncSession, newsletter: str, *, since: datetime) -> frozenset[int]:
    """The articles, but for events, that issues held which were cancelled at `since` or later.

    Whatever was cut before then left them out.
    """
    rows = await session.scalars(
        select(IssueItemRow.article_id)
        .join(IssueRow, IssueRow.id == IssueItemRow.issue_id)
        .where(
            IssueRow.newsletter == newsletter,
            IssueRow.cadence == Cadence.WEEKLY,
            IssueRow.cancelled_at >= since,
            IssueItemRow.canonical_url != "",
        )
    )
    return frozenset(rows)


async def articles_told(
    session: AsyncSession, newsletter: str, *, but: int = 0, since: datetime
) -> frozenset[int]:
    """Articles, but for events, that issues due since then told, but issue `but` and cancelled ones."""
    rows = await session.scalars(
        select(IssueItemRow.article_id)
        .join(IssueRow, IssueRow.id == IssueItemRow.issue_id)
        .where(
            IssueRow.newsletter == newsletter,
            IssueRow.id != but,
            IssueRow.state != IssueState.CANCELLED,
            IssueRow.cadence == Cadence.WEEKLY,
            IssueRow.due_at >= since,
            IssueItemRow.canonical_url != "",
        )
    )
    return frozenset(rows)


async def addresses_told(session: AsyncSession, newsletter: str, *, but: int = 0) -> frozenset[str]:
    """Addresses of what issues of this newsletter told, but for events, issue `but` and cancelled ones.

    Those that they had when they were told, and those that they have now.
    """
    counted = (
        IssueRow.newsletter == newsletter,
        IssueRow.id != but,
        IssueRow.state != IssueState.CANCELLED,
        IssueRow.cadence == Cadence.WEEKLY,
        IssueItemRow.canonical_url != "",
    )
    rows = await session.execute(
        select(IssueItemRow.canonical_url, ArticleRow.canonical_url)
        .join(IssueRow, IssueRow.id == IssueItemRow.issue_id)
        .outerjoin(ArticleRow, ArticleRow.id == IssueItemRow.article_id)
        .where(*counted)
    )
    return frozenset(address for row in rows for address in row if address)
