"""Where issues are cut: what a gathering stores after a cut counts as seen after it, whenever it began."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.tables import NewsletterRow

#: No gathering takes longer, even on a machine that slept. A cut further ahead comes of a wrong clock.
_MOST_AHEAD = timedelta(days=31)


async def cut(session: AsyncSession, newsletter: str, *, at: datetime) -> None:
    """Note that an issue of the newsletter is made of what was first seen before then.

    It waits for whoever is storing articles, so that what counts as seen before is there to be read once
    this is committed. Twice is the same; a later cut stays.
    """
    is_later = or_(NewsletterRow.cut_at.is_(None), NewsletterRow.cut_at < at)
    await session.execute(
        update(NewsletterRow).where(NewsletterRow.key == newsletter, is_later).values(cut_at=at)
    )


async def earliest_seen(session: AsyncSession, seen_at: datetime) -> datetime:
    """`seen_at`, or the last cut when that is later; nothing is cut before the transaction ends.

    For whatever the next issue takes up from then on: what was stored, what a cancelled issue held.
    """
    # SQLite has one writer at a time; PostgreSQL lets those who store articles share these rows.
    rows = await session.scalars(select(NewsletterRow.cut_at).with_for_update(read=True))
    near = (at for at in rows if at is not None and at - seen_at <= _MOST_AHEAD)
    return max((seen_at, *near))
