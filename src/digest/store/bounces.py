"""Evidence of mails that came back, and of complaints."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.reader_tables import BounceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced:
    """The evidence of a mail that came back, or of a complaint."""

    at: datetime
    kind: str
    status: str
    reply: str


async def of_address(session: AsyncSession, email_hash: str) -> tuple[Bounced, ...]:
    """What came back from that address, oldest first."""
    query = select(BounceRow).where(BounceRow.email_hash == email_hash).order_by(BounceRow.id)
    return tuple(
        Bounced(at=row.at, kind=row.kind, status=row.status, reply=row.reply)
        for row in await session.scalars(query)
    )
