"""Where machines tell each other of work: Procrastinate's own tables, and what there is to tell."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import FINAL_DELIVERY_STATES, DeliveryState, IssueState
from digest.store.engine import Store
from digest.store.recovery import is_left
from digest.store.tables import DeliveryRow, IssueRow

#: PostgreSQL's schema for those tables. All in it may be lost: it only says where to look.
SCHEMA = "digest_jobs"
_WAITING = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
#: What a process that died leaves behind.
_HELD = (DeliveryState.CLAIMED, DeliveryState.HANDED)


def conninfo(store: Store) -> str:
    """The database's address as libpq reads it, with its password."""
    return store.url.set(drivername="postgresql").render_as_string(hide_password=False)


def make_tables(connection: Connection) -> None:
    """Make them anew as the installed Procrastinate wants them; nothing on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    from procrastinate.schema import SchemaManager

    drop_tables(connection)
    before = connection.scalar(text("SHOW search_path"))
    connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}"))
    # Many statements at once are only taken without parameters, which SQLAlchemy always gives.
    cursor = connection.connection.cursor()
    cursor.execute(SchemaManager.get_schema())
    cursor.close()
    connection.execute(text("SELECT set_config('search_path', :before, true)"), {"before": before})


def drop_tables(connection: Connection) -> None:
    """Take them away again."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


async def sendable(session: AsyncSession, *, now: datetime) -> tuple[int, ...]:
    """The ids of issues that are being sent and with which somebody could get on right now."""
    mine = DeliveryRow.issue_id == IssueRow.id
    is_open = exists().where(mine, DeliveryRow.state.not_in(FINAL_DELIVERY_STATES))
    query = select(IssueRow.id).where(
        IssueRow.state == IssueState.SENDING, or_(_is_due(now), _was_left(now), ~is_open)
    )
    return tuple(await session.scalars(query.order_by(IssueRow.id)))


def _is_due(now: datetime) -> ColumnElement[bool]:
    """A delivery waits whose time has come."""
    return exists().where(
        DeliveryRow.issue_id == IssueRow.id, DeliveryRow.state.in_(_WAITING), DeliveryRow.due_at <= now
    )


def _was_left(now: datetime) -> ColumnElement[bool]:
    """A delivery is held by a process that is gone."""
    return exists().where(DeliveryRow.issue_id == IssueRow.id, DeliveryRow.state.in_(_HELD), is_left(now))
