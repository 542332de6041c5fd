"""Leases: of many processes on one database, one does the job."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.rows import insert_ignoring
from digest.store.tables import LeaseRow


async def take(session: AsyncSession, name: str, holder: str, *, life: timedelta, now: datetime) -> bool:
    """True when `holder` has the lease until now + life: it was free, had run out, or was theirs."""
    row = {"name": name, "holder": holder, "until": now + life}
    if await insert_ignoring(session, LeaseRow, [row], unique=("name",)):
        return True
    free = or_(LeaseRow.until < now, LeaseRow.holder == holder)
    taken = update(LeaseRow).where(LeaseRow.name == name, free).values(holder=holder, until=now + life)
    return (await session.execute(taken.returning(LeaseRow.name))).first() is not None


async def release(session: AsyncSession, name: str, holder: str) -> None:
    """Give the lease back, if it is still the holder's."""
    await session.execute(delete(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder))


async def holder(session: AsyncSession, name: str, *, now: datetime) -> str:
    """Who holds it now, or ""."""
    query = select(LeaseRow.holder).where(LeaseRow.name == name, LeaseRow.until >= now)
    return await session.scalar(query) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who has it, or had it last."""

    name: str
    holder: str
    until: datetime


async def all_of(session: AsyncSession, prefix: str) -> tuple[Lease, ...]:
    """The leases whose name begins so, also those that ran out; by name."""
    query = select(LeaseRow).where(LeaseRow.name.startswith(prefix, autoescape=True)).order_by(LeaseRow.name)
    return tuple(
        Lease(name=row.name, holder=row.holder, until=row.until) for row in await session.scalars(query)
    )


async def drop(session: AsyncSession, names: Collection[str]) -> None:
    """Forget these leases, whoever has them."""
    if names:
        await session.execute(delete(LeaseRow).where(LeaseRow.name.in_(names)))
