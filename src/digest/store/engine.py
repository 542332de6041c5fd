"""The database behind a URL: SQLite in WAL mode or PostgreSQL, with transactions and clear errors."""

import errno
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from digest.errors import BusyError, ConfigError, DiskFullError, SchemaError, StoreError

#: A transaction, as the other rooms name it.
Session = AsyncSession

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
#: Seconds to wait for SQLite's write lock.
LOCK_TIMEOUT = 30


class Store:
    """Opens transactions. `begin` writes, `read` only reads; both roll back when the block raises."""

    def __init__(self, url: str) -> None:
        """`url` is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; ConfigError for others."""
        self.url = _with_driver(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _open_engine(self.url, is_sqlite=self.is_sqlite)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction that may write; it commits when the block ends well."""
        writing = self.engine.execution_options(digest_writes=True)
        with clear_errors(self.url):
            async with AsyncSession(writing, expire_on_commit=False) as session, session.begin():
                yield session

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that sees one state of the database and changes nothing."""
        with clear_errors(self.url):
            async with AsyncSession(self.engine) as session:
                yield session

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()


def _with_driver(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise ConfigError('"database" is not a URL', hint="sqlite:///digest.db or postgresql://…") from exc
    if parsed.get_backend_name() not in _DRIVERS and parsed.drivername not in _DRIVERS:
        raise ConfigError(
            f'"database" cannot be {parsed.drivername}', hint="sqlite:///digest.db or postgresql://…"
        )
    return parsed.set(drivername=_DRIVERS[parsed.drivername.partition("+")[0]])


class _Closing(sqlite3.Connection):
    """Gives back the write lock when it is closed.

    SQLite itself waits for the last cursor, and that of a task which was cancelled twice stays open.
    """

    def close(self) -> None:
        """Roll back, then close; closed twice is no error."""
        with suppress(sqlite3.Error):
            self.rollback()
        super().close()


def _open_engine(url: URL, *, is_sqlite: bool) -> AsyncEngine:
    if not is_sqlite:
        try:
            return create_async_engine(url, pool_pre_ping=True)
        except (NoSuchModuleError, ImportError) as exc:
            raise ConfigError(f"the PostgreSQL driver cannot be loaded: {exc}") from exc
    file = Path(url.database or "")
    _require_place(file)
    engine = create_async_engine(url, connect_args={"timeout": LOCK_TIMEOUT, "factory": _Closing})
    if not file.exists():
        # It holds addresses: a new one is its owner's alone.
        event.listen(engine.sync_engine, "connect", lambda *_: file.chmod(0o600), once=True)
    event.listen(engine.sync_engine, "connect", prepare_sqlite)
    event.listen(engine.sync_engine, "begin", begin_sqlite)
    return engine


def _require_place(file: Path) -> None:
    """StoreError where no database can be; nothing is made yet, looking at one must not create it."""
    try:
        if file.exists():
            os.close(os.open(file, os.O_RDWR))
        elif not os.access(file.parent, os.W_OK):
            raise PermissionError(errno.EACCES, f"{file.parent} is no folder to write to")
    except OSError as exc:
        raise StoreError(f"{file} cannot be opened: {exc.strerror}", hint="digest doctor") from exc


def prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL lets readers and one writer work side by side; NORMAL survives the death of the process."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def sync_every_commit(connection: Any, _record: object) -> None:
    """What is committed outlives a loss of power, and so does all that was committed before it."""
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "fullfsync=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def leave_checkpoints(connection: Any, _record: object) -> None:
    """What is committed is moved to its place, which waits for the disk, when another connection commits."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA wal_autocheckpoint=0")
    cursor.close()


def begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: upgrading a read lock later can only fail."""
    writes = connection.get_execution_options().get("digest_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class clear_errors:  # noqa: N801 - used like a function in `with`
    """Turns what the driver raises into one of our errors with what to do next."""

    def __init__(self, url: URL) -> None:
        self.name = url.database or url.host or ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: object) -> None:
        if isinstance(exc, IntegrityError) or not isinstance(exc, SQLAlchemyError | sqlite3.Error):
            return
        words = str(exc.orig if isinstance(exc, DBAPIError) else exc).strip().splitlines()[0]
        raise _translate(words, self.name) from exc


def _translate(words: str, name: str) -> StoreError | BusyError:
    lower = words.lower()
    if "disk is full" in lower or "no space left" in lower or "disk i/o error" in lower:
        return DiskFullError(f"the disk that holds {name} is full", hint="free some space and run it again")
    if "locked" in lower:
        return BusyError(f"{name} is locked by another process", hint="wait a moment and run it again")
    if "no such table" in lower or "no such column" in lower or "does not exist" in lower:
        return SchemaError(f"{name}: {words}", hint="digest db upgrade")
    return StoreError(f"{name}: {words}", hint="digest doctor")
