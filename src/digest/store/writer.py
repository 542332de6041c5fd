"""Short transactions in quick succession: on SQLite each is one visit to one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncSession

from digest.store.engine import Store, begin_sqlite, clear_errors, prepare_sqlite, sync_every_commit

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
        self._engine = create_engine(store.url.set(drivername="sqlite")) if store.is_sqlite else None
        if self._engine is not None:
            event.listen(self._engine, "connect", prepare_sqlite)
            event.listen(self._engine, "begin", begin_sqlite)
            if outlives_power:
                event.listen(self._engine, "connect", sync_every_commit)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is durable; nothing is stored when it raises.

        Cancelling lets the transaction end, so that the thread is free for the next.
        """
        async with self._turn:
            if self._engine is None:
                return await self._through_session(work)
            writing = self._engine.execution_options(digest_writes=True)
            doing = asyncio.get_running_loop().run_in_executor(self._threads, self._transact, writing, work)
            try:
                return await asyncio.shield(doing)
            except asyncio.CancelledError:
                await asyncio.wait([doing])
                raise

    async def aclose(self) -> None:
        """Wait for the last transaction and close the connection."""
        async with self._turn:
            if self._engine is not None:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._engine.dispose)
            self._threads.shutdown()

    async def _through_session(self, work: Callable[[Connection], T]) -> T:
        async with self._store.begin() as session:
            if self._outlives_power:
                # Also where the server's own default is less.
                await session.execute(text("SET LOCAL synchronous_commit = on"))
            return await _on_connection(session, work)

    def _transact(self, writing: Engine, work: Callable[[Connection], T]) -> T:
        with clear_errors(self._store.url), writing.begin() as connection:
            return work(connection)


async def _on_connection(session: AsyncSession, work: Callable[[Connection], T]) -> T:
    return await (await session.connection()).run_sync(work)
