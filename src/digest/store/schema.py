"""The schema's version: Alembic's migrations, run and compared through our own engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, column, inspect, select, table

from digest.errors import SchemaError
from digest.store.engine import Store, clear_errors
from digest.store.tables import Base

if TYPE_CHECKING:
    from alembic.config import Config

_T = TypeVar("_T")
_REVISION = re.compile(r"""^revision = ["'](\w+)["']$""", re.MULTILINE)
_FOLLOWS = re.compile(r"""^down_revision = ["'](\w+)["']$""", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The database's version ("" when it is new), the code's, and the steps between."""

    database: str
    code: str
    steps: int

    @property
    def is_current(self) -> bool:
        """True when the two are the same."""
        return self.database == self.code


def _folder() -> Path:
    """Where the migrations are: beside `src` in a checkout, inside the package in a wheel."""
    package = Path(__file__).parents[1]
    packed = package / "_data" / "alembic"
    return packed if packed.is_dir() else package.parents[1] / "alembic"


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _steps(start: str, end: str) -> int:
    """How many migrations lie between; -1 when the database has a version that we do not know."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}
    if start and start not in known:
        return -1
    return len(list(scripts.iterate_revisions(end, start or "base")))


def head() -> str:
    """The code's version: the migration that no other follows.

    Read from the files: every command asks for it, and Alembic, which would import them all, takes a tenth of
    a second.
    """
    texts = [file.read_text(encoding="utf-8") for file in (_folder() / "versions").glob("*.py")]
    revisions = {found[1] for text in texts for found in _REVISION.finditer(text)}
    followed = {found[1] for text in texts for found in _FOLLOWS.finditer(text)}
    return max(revisions - followed, default="")


async def versions(store: Store) -> Versions:
    """Both versions and the number of migrations between them."""
    code = head()
    database = await _with_connection(store, _stored, writes=False)
    return Versions(database=database, code=code, steps=0 if database == code else _steps(database, code))


def _stored(connection: Connection) -> str:
    """The database's version, where Alembic keeps it; "" when there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(select(column("version_num")).select_from(table("alembic_version"))) or ""


async def upgrade(store: Store) -> Versions:
    """Bring the database up to the code and return what it was before. Twice is safe."""
    from alembic import command

    before = await versions(store)
    if before.steps < 0:
        raise _too_new(before)
    if not before.is_current:
        await _with_connection(store, lambda connection: command.upgrade(_config(connection), "head"))
    return before


async def downgrade(store: Store, revision: str) -> None:
    """Take the database back to `revision` ("base" empties it)."""
    from alembic import command

    await _with_connection(store, lambda connection: command.downgrade(_config(connection), revision))


async def differences(store: Store) -> list[Any]:
    """What the models have and the database has not, or the other way round; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return await _with_connection(
        store,
        lambda connection: list(
            compare_metadata(
                MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
            )
        ),
    )


async def require_current(store: Store, *, may_upgrade: bool) -> Versions:
    """The versions, equal; a database behind is upgraded when allowed, else SchemaError with both numbers."""
    found = await versions(store)
    if found.is_current:
        return found
    if found.steps < 0:
        raise _too_new(found)
    if may_upgrade:
        await upgrade(store)
        return await versions(store)
    there = found.database or "empty"
    raise SchemaError(
        f"the database is at {there}, the code at {found.code}: {found.steps} to run",
        hint="digest db upgrade",
    )


def _too_new(found: Versions) -> SchemaError:
    return SchemaError(
        f"the database is at {found.database}, which this version (schema {found.code}) does not know",
        hint="install the newer digest that made it",
    )


async def _with_connection(store: Store, work: Callable[[Connection], _T], *, writes: bool = True) -> _T:
    """Run Alembic's synchronous work on one of our connections, in one transaction."""
    with clear_errors(store.url):
        async with store.engine.execution_options(digest_writes=writes).begin() as connection:
            return await connection.run_sync(work)
