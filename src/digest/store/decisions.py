"""Decisions of editors: one for what it is about, the newest answer counts."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Decision, DecisionKind
from digest.store.desk_tables import DecisionRow
from digest.store.rows import LARGEST, upsert


def _about(decision: Decision) -> str:
    """A hash of what it is about; the same for two addresses in either order."""
    parts = [decision.kind, str(decision.source_id), decision.pattern, *sorted(decision.urls)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _decision(row: DecisionRow) -> Decision:
    names = ("id", "newsletter", "answer", "pattern", "words", "by", "at")
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    return Decision(kind=DecisionKind(row.kind), urls=tuple(row.urls), source_id=row.source_id or 0, **values)


async def keep(session: AsyncSession, decision: Decision) -> None:
    """Remember it, in place of an earlier one about the same. Twice is the same."""
    names = ("newsletter", "answer", "pattern", "words", "by", "at")
    row = {name: getattr(decision, name) for name in names}
    row |= {"kind": str(decision.kind), "about": _about(decision), "urls": sorted(decision.urls)}
    row |= {"source_id": decision.source_id or None}
    await upsert(session, DecisionRow, row, unique=("newsletter", "about"))


async def all_of(session: AsyncSession, newsletter: str) -> tuple[Decision, ...]:
    """All that was decided for a newsletter, the newest first."""
    rows = await session.scalars(
        select(DecisionRow)
        .where(DecisionRow.newsletter == newsletter)
        .order_by(DecisionRow.at.desc(), DecisionRow.id.desc())
    )
    return tuple(_decision(row) for row in rows)


async def remove(session: AsyncSession, newsletter: str, ids: Sequence[int]) -> int:
    """How many of these there were to forget."""
    ids = [one for one in ids if abs(one) <= LARGEST]
    gone = await session.execute(
        delete(DecisionRow)
        .where(DecisionRow.newsletter == newsletter, DecisionRow.id.in_(ids))
        .returning(DecisionRow.id)
    )
    return len(gone.all())
