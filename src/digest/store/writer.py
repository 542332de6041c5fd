"""Short transactions in quick succession: each is one visit to one thread, beside the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event, text

from digest.store.engine import (
    LOCK_TIMEOUT,
    Store,
    begin_sqlite,
    clear_errors,
    prepare_sqlite,
    sync_every_commit,
)

T = TypeVar("T")


class Writer:
    """Runs functions of a connection, each in a transaction of its own, one after the other.

    Awaiting every statement costs a driver that lives in a thread more than the statements do.
    """

    def __init__(self, store: Store, *, outlives_power: bool = False) -> None:
        """Close it before the store. With `outlives_power` a transaction ends when the disk has it."""
        self._store = store
        self._outlives_power = outlives_power
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        # psycopg speaks both ways under one name.
        url = store.url.set(drivername="sqlite") if store.is_sqlite else store.url
        waiting = {"timeout": LOCK_TIMEOUT} if store.is_sqlite else {}
        engine = create_engine(url, pool_pre_ping=not store.is_sqlite, connect_args=waiting)
        self._engine = engine.execution_options(digest_writes=True)
        self._kept: Connection | None = None
        if store.is_sqlite:
            event.listen(engine, "connect", prepare_sqlite)
            event.listen(engine, "begin", begin_sqlite)
            if outlives_power:
                event.listen(engine, "connect", sync_every_commit)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is durable; nothing is stored when it raises.

        Cancelling lets the transaction end, so that the thread is free for the next.
        """
        async with self._turn:
            doing = asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:
                await asyncio.wait([doing])
                raise

    async def aclose(self) -> None:
        """Wait for the last transaction and close the connection."""
        async with self._turn:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._close)
            self._threads.shutdown()

    def _close(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._engine.dispose()

    def _connected(self) -> AbstractContextManager[Connection]:
        """A connection for one transaction: SQLite's is kept, a server's is asked whether it still lives."""
        if not self._store.is_sqlite:
            return self._engine.connect()
        if self._kept is None:
            self._kept = self._engine.connect()
        return nullcontext(self._kept)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with clear_errors(self._store.url), self._connected() as connection, connection.begin():
            if self._outlives_power and not self._store.is_sqlite:
                # Also where the server's own default is less.
                connection.execute(text("SET LOCAL synchronous_commit = on"))
            return work(connection)
