"""Who did what: lines that people read back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.tables import AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the audit log; `subject` is an id, never an address."""

    at: datetime
    actor: str
    action: str
    subject: str


async def note(session: AsyncSession, *, now: datetime, actor: str, action: str, subject: str = "") -> None:
    """Add a line."""
    session.add(AuditRow(at=now, actor=actor, action=action, subject=subject))
    await session.flush()


async def read(session: AsyncSession, *, subject: str = "", limit: int = 200) -> tuple[Entry, ...]:
    """The newest lines, newest first; of one subject when it is given."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if subject:
        query = query.where(AuditRow.subject == subject)
    return tuple(
        Entry(at=row.at, actor=row.actor, action=row.action, subject=row.subject)
        for row in await session.scalars(query)
    )
