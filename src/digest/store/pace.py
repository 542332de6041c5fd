"""Buckets of tokens that all workers share, and what receiving domains taught us."""

from dataclasses import fields

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Pace
from digest.store.rows import insert_ignoring
from digest.store.tables import PaceRow

_PLAIN = tuple(field.name for field in fields(Pace))


def _pace(row: PaceRow) -> Pace:
    return Pace(**{name: getattr(row, name) for name in _PLAIN})


async def get(session: AsyncSession, name: str) -> Pace:
    """The pace of that name, a new one when there is none."""
    row = await session.scalar(
        select(PaceRow).where(PaceRow.name == name).execution_options(populate_existing=True)
    )
    return _pace(row) if row else Pace(name=name)


async def all_of(session: AsyncSession, kind: str) -> tuple[Pace, ...]:
    """Every pace of "relay" or "domain", by name."""
    query = select(PaceRow).where(PaceRow.name.startswith(f"{kind}:", autoescape=True))
    query = query.order_by(PaceRow.name).execution_options(populate_existing=True)
    return tuple(_pace(row) for row in await session.scalars(query))


async def limited(session: AsyncSession) -> tuple[Pace, ...]:
    """The receiving domains that have a limit at present."""
    query = select(PaceRow).where(PaceRow.per_second.is_not(None)).order_by(PaceRow.name)
    found = await session.scalars(query.execution_options(populate_existing=True))
    return tuple(_pace(row) for row in found)


async def swap(session: AsyncSession, new: Pace) -> bool:
    """True once `new` is stored; False when somebody else changed the row since it was read.

    One conditional UPDATE, or an INSERT for the first.
    """
    values = {name: getattr(new, name) for name in _PLAIN} | {"version": new.version + 1}
    if new.version == 0 and await insert_ignoring(session, PaceRow, [values], unique=("name",)):
        return True
    changed = await session.execute(
        update(PaceRow)
        .where(PaceRow.name == new.name, PaceRow.version == new.version)
        .values(values)
        .returning(PaceRow.name)
    )
    return changed.first() is not None
