"""Runs migrations on the connection handed in by `digest.store.schema`, or on the settings' database."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from digest import config
from digest.store import Store
from digest.store.tables import Base


def migrate(connection: Connection) -> None:
    """Run what was asked for in the caller's transaction; SQLite changes tables by copying them."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    context.run_migrations()


async def migrate_settings_database() -> None:
    """For the `alembic` command in a checkout, where no connection is handed in."""
    async with (
        Store(config.load().database.get_secret_value()) as store,
        store.engine.execution_options(digest_writes=True).begin() as connection,
    ):
        await connection.run_sync(migrate)


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_settings_database())
else:
    migrate(given)
