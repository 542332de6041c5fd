"""Short transactions in quick succession: in a thread beside the loop, or at once where that is sooner."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event, text

from digest.errors import BusyError
from digest.store.engine import (
    LOCK_TIMEOUT,
    Store,
    begin_sqlite,
    clear_errors,
    leave_checkpoints,
    prepare_sqlite,
    sync_every_commit,
)

T = TypeVar("T")
#: Who writes a little is done in half a millisecond, and who claims in ten: SQLite's own waits grow faster.
_TRIES = (0.0005, 0.001, 0.002, *[0.004] * 8)


class Writer:
    """Runs functions of a connection, each in a transaction of its own, one after the other.

    Awaiting every statement costs a driver that lives in a thread more than the statements do.
    """

    def __init__(self, store: Store, *, outlives_power: bool = False) -> None:
        """Close it before the store. With `outlives_power` a transaction ends when the disk has it."""
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._patient = _Connected(store, outlives_power=outlives_power)
        self._reading = _Connected(store, only_reads=True)
        # Where a commit waits for nobody: for no server and no disk.
        is_quick = store.is_sqlite and not outlives_power
        self._hasty = _Connected(store, is_hasty=True) if is_quick else None

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is durable; nothing is stored when it raises.

        Cancelling lets the transaction end, so that the thread is free for the next.
        """
        async with self._turn:
            return await self._in_thread(self._patient, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, which only reads: others write meanwhile."""
        return await self._in_thread(self._reading, work)

    async def _in_thread(self, connected: "_Connected", work: Callable[[Connection], T]) -> T:
        doing = asyncio.get_running_loop().run_in_executor(self._threads, connected.transact, work)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            # Nobody is told any more what it raises, and asyncio prints what nobody took.
            await asyncio.gather(doing, return_exceptions=True)
            raise

    async def write_little(self, work: Callable[[Connection], T]) -> T:
        """The same for what takes less than a millisecond: done here, unless others write for long.

        A thread that needs Python's lock at each statement waits longer for it than the statements take.
        """
        if self._hasty is not None:
            async with self._turn:
                for seconds in _TRIES:
                    with suppress(BusyError):
                        return self._hasty.transact(work)
                    await asyncio.sleep(seconds)
        return await self.write(work)

    async def aclose(self) -> None:
        """Wait for the last transaction and close the connections."""
        async with self._turn:
            for connected in (self._patient, self._reading):
                await asyncio.get_running_loop().run_in_executor(self._threads, connected.close)
            self._threads.shutdown()
            if self._hasty is not None:
                self._hasty.close()


class _Connected:
    """Transactions on a connection that is kept (SQLite) or asked first whether it still lives (a server)."""

    def __init__(
        self, store: Store, *, outlives_power: bool = False, is_hasty: bool = False, only_reads: bool = False
    ) -> None:
        """One in haste waits for no other writer, which is a BusyError, and hardly ever for the disk."""
        self._store = store
        self._outlives_power = outlives_power
        # psycopg speaks both ways under one name.
        url = store.url.set(drivername="sqlite") if store.is_sqlite else store.url
        waiting = {"timeout": 0 if is_hasty else LOCK_TIMEOUT} if store.is_sqlite else {}
        engine = create_engine(url, pool_pre_ping=not store.is_sqlite, connect_args=waiting)
        if store.is_sqlite:
            event.listen(engine, "connect", prepare_sqlite)
            event.listen(engine, "begin", begin_sqlite)
            if outlives_power:
                event.listen(engine, "connect", sync_every_commit)
            if is_hasty:
                event.listen(engine, "connect", leave_checkpoints)
        self._engine = engine.execution_options(digest_writes=not only_reads)
        self._kept: Connection | None = None

    def transact(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is durable; nothing is stored when it raises."""
        with clear_errors(self._store.url), self._connection() as connection, connection.begin():
            if self._outlives_power and not self._store.is_sqlite:
                # Also where the server's own default is less.
                connection.execute(text("SET LOCAL synchronous_commit = on"))
            return work(connection)

    def close(self) -> None:
        """Close the connection."""
        if self._kept is not None:
            self._kept.close()
        self._engine.dispose()

    def _connection(self) -> AbstractContextManager[Connection]:
        if not self._store.is_sqlite:
            return self._engine.connect()
        if self._kept is None:
            self._kept = self._engine.connect()
        return nullcontext(self._kept)
