"""Short transactions beside the loop and on it: what an error, a full disk, a cancellation leave behind."""

import asyncio
import gc
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from digest.errors import DiskFullError
from digest.store import Store, Writer


async def test_of_a_transaction_that_fails_after_it_was_cancelled_nothing_is_printed(store: Store) -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: told.append(what))
    async with aclosing(Writer(store)) as writer:
        doing = asyncio.create_task(writer.write(lambda connection: connection.execute(text("no SQL"))))
        await asyncio.sleep(0)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing

    del doing
    gc.collect()

    assert told == []


async def test_a_full_disk_is_one_clear_line_and_the_next_intent_is_stored_once_there_is_room(
    tmp_path: Path,
) -> None:
    def grow(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE IF NOT EXISTS much (what TEXT)"))
        connection.execute(text("INSERT INTO much VALUES (zeroblob(50000))"))

    def may_grow(connection: Connection, pages: int) -> None:
        there = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {there + pages}"))

    async with Store(f"sqlite:///{tmp_path / 'digest.db'}") as store, aclosing(Writer(store)) as writer:
        await writer.write_little(lambda connection: may_grow(connection, 2))
        for _ in range(2):
            with pytest.raises(DiskFullError, match=r"digest\.db is full"):
                await writer.write_little(grow)

        await writer.write_little(lambda connection: may_grow(connection, 100))
        await writer.write_little(grow)

        async with store.begin() as session:
            assert await session.scalar(text("SELECT count(*) FROM much")) == 1


async def test_one_reads_and_stores_a_little_beside_another_that_writes(store: Store) -> None:
    def one(connection: Connection) -> object:
        return connection.scalar(text("SELECT 1"))

    async with aclosing(Writer(store)) as writer:
        async with store.begin() as session:
            await session.execute(text("CREATE TABLE beside (what TEXT)"))
            read = await writer.read(one)
            storing = asyncio.create_task(writer.write_little(one))
            await asyncio.sleep(0)
            assert not (store.is_sqlite and storing.done())

        assert (read, await storing) == (1, 1)


async def test_with_power_in_mind_each_transaction_reaches_the_disk(store: Store) -> None:
    ask = "PRAGMA synchronous" if store.is_sqlite else "SHOW synchronous_commit"
    if not store.is_sqlite:
        async with store.begin() as session:
            name = store.url.database
            await session.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        await store.close()

    async with aclosing(Writer(store, outlives_power=True)) as writer, aclosing(Writer(store)) as usual:
        full = await writer.write(lambda connection: connection.scalar(text(ask)))
        less = await usual.write(lambda connection: connection.scalar(text(ask)))

    assert (full, less) == ((2, 1) if store.is_sqlite else ("on", "off"))


async def test_what_is_stored_on_the_loop_leaves_the_log_by_the_next_claim(tmp_path: Path) -> None:
    def add(connection: Connection, size: int) -> None:
        connection.execute(text("UPDATE much SET what = zeroblob(:size)"), {"size": size})

    log, sizes = tmp_path / "digest.db-wal", []
    async with Store(f"sqlite:///{tmp_path / 'digest.db'}") as store, aclosing(Writer(store)) as writer:
        await writer.write(lambda connection: connection.execute(text("CREATE TABLE much (what BLOB)")))
        await writer.write(lambda connection: connection.execute(text("INSERT INTO much VALUES ('')")))
        for _ in range(10):
            for _ in range(3):
                await writer.write_little(partial(add, size=2_000_000))
            await writer.write(partial(add, size=1))
            sizes.append(log.stat().st_size)

    assert max(sizes) < 2 * sizes[0]
