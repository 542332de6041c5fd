"""Statements that both databases know in their own words."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.tables import Base

#: Rows a statement: SQLite allows 32,766 values in one.
_BATCH = 500
#: The largest whole number that a column of either holds; their drivers raise for one beyond it.
LARGEST = 2**31 - 1


def dialect_of(session: AsyncSession) -> Any:
    """What only one of the two databases has words for; the other's need not be loaded."""
    return import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")


def insert_new(session: AsyncSession, table: Any) -> Any:
    """An INSERT that leaves rows alone which are there already."""
    return dialect_of(session).insert(table).on_conflict_do_nothing()


async def insert_ignoring(
    session: AsyncSession, table: type[Base], rows: Sequence[dict[str, Any]], *, unique: Sequence[str]
) -> int:
    """How many rows were new; those that meet the unique index over `unique` are left as they are."""
    dialect = dialect_of(session)
    new = 0
    for start in range(0, len(rows), _BATCH):
        insert = dialect.insert(table).values(list(rows[start : start + _BATCH]))
        insert = insert.on_conflict_do_nothing(index_elements=list(unique))
        done = await session.execute(insert.returning(*inspect(table).primary_key))
        new += len(done.all())
    return new


async def upsert(
    session: AsyncSession, table: type[Base], row: dict[str, Any], *, unique: Sequence[str]
) -> None:
    """Insert the row, or overwrite the one with the same `unique` columns."""
    dialect = dialect_of(session)
    insert = dialect.insert(table).values(row)
    changes = {name: insert.excluded[name] for name in row if name not in unique}
    if not changes:
        await session.execute(insert.on_conflict_do_nothing(index_elements=list(unique)))
    else:
        await session.execute(insert.on_conflict_do_update(index_elements=list(unique), set_=changes))
