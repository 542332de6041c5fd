"""An issue as it was approved: one rendering for each choice of its readers, byte for byte."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Rendered
from digest.store.rows import upsert
from digest.store.tables import RenderingRow

_PARTS = (RenderingRow.subject, RenderingRow.preheader, RenderingRow.html, RenderingRow.text)


async def freeze(session: AsyncSession, issue_id: int, renderings: Mapping[str, Rendered]) -> None:
    """Keep what was approved, for each choice of readers."""
    for choice, rendered in renderings.items():
        row = {"issue_id": issue_id, "choice": choice, "subject": rendered.subject}
        row |= {"preheader": rendered.preheader, "html": rendered.html, "text": rendered.text}
        await upsert(session, RenderingRow, row, unique=("issue_id", "choice"))


async def of_issue(session: AsyncSession, issue_id: int) -> dict[str, Rendered]:
    """What was approved, by choice of readers; empty before approval. Equal ones are held once."""
    rows = await session.stream(select(*_PARTS, RenderingRow.choice).where(RenderingRow.issue_id == issue_id))
    held: dict[Rendered, Rendered] = {}
    found: dict[str, Rendered] = {}
    async for row in rows:
        one = _rendered(row)
        found[row.choice] = held.setdefault(one, one)
    return found


async def of_choice(session: AsyncSession, issue_id: int, choice: str) -> Rendered | None:
    """What was approved for that choice; None when nothing was."""
    query = select(*_PARTS).where(RenderingRow.issue_id == issue_id, RenderingRow.choice == choice)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else _rendered(row)


async def is_frozen(session: AsyncSession, issue_id: int) -> bool:
    """True once the issue was approved, for whatever choices."""
    return bool(await session.scalar(select(exists().where(RenderingRow.issue_id == issue_id))))


def _rendered(row: Row[*tuple[Any, ...]]) -> Rendered:
    return Rendered(subject=row.subject, preheader=row.preheader, html=row.html, text=row.text)
