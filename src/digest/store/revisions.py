"""What issues said at each revision, and what the newest of each was made of."""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Content, Issue
from digest.store.desk_tables import MakingRow, RevisionRow
from digest.store.plain import converter
from digest.store.rows import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of an issue: what it said, what made it so ("drafted", "locked 3"), by whom."""

    revision: int
    content: Content
    what: str = ""
    by: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What an issue was composed from and what was kept beside it, both packed by whoever composed it."""

    inputs: bytes
    desk: bytes


async def keep(
    session: AsyncSession, issue: Issue, making: Making, *, what: str, by: str = "", now: datetime
) -> None:
    """Store an issue's revision and what it was made of. Twice is the same: the first time stays."""
    row = {"issue_id": issue.id, "inputs": making.inputs, "desk": making.desk}
    await upsert(session, MakingRow, row, unique=("issue_id",))
    if await session.get(RevisionRow, (issue.id, issue.revision)) is None:
        plain = json.dumps(converter(Content).dump_python(issue.content, mode="json"))
        packed = zlib.compress(plain.encode())
        session.add(
            RevisionRow(issue_id=issue.id, revision=issue.revision, content=packed, what=what, by=by, at=now)
        )
        await session.flush()


async def making(session: AsyncSession, issue_id: int) -> Making | None:
    """What the issue was made of; None for one from before this was kept."""
    row = await session.get(MakingRow, issue_id, populate_existing=True)
    return Making(inputs=row.inputs, desk=row.desk) if row else None


async def all_of(session: AsyncSession, issue_id: int) -> tuple[Revision, ...]:
    """Every revision that was kept, the oldest first."""
    rows = await session.scalars(
        select(RevisionRow).where(RevisionRow.issue_id == issue_id).order_by(RevisionRow.revision)
    )
    return tuple(
        Revision(
            revision=row.revision,
            content=converter(Content).validate_python(json.loads(zlib.decompress(row.content))),
            what=row.what,
            by=row.by,
            at=row.at,
        )
        for row in rows
    )
