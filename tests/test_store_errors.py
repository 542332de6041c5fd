"""What the database says when it cannot: one clear line of ours, and nothing lost."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from conftest import NOW
from digest.domain import Source
from digest.errors import BusyError, DiskFullError, SchemaError, StoreError
from digest.store import Store, schema, sources


def many(count: int) -> list[Source]:
    return [Source(url=f"https://{number}.example/feed", title="t" * 500) for number in range(count)]


async def write(store: Store) -> None:
    async with store.begin() as session:
        await sources.add(session, many(1), now=NOW)


async def fill_the_disk(store: Store) -> None:
    """Write more than there is room for; the limit makes SQLite say what it says on a full disk."""
    async with store.begin() as session:
        pages = await session.scalar(text("PRAGMA page_count"))
        await session.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        await sources.add(session, many(500), now=NOW)


async def test_a_full_disk_is_one_clear_line_and_what_was_there_stays(tmp_path: Path) -> None:
    async with Store(f"sqlite:///{tmp_path / 'digest.db'}") as store:
        await schema.upgrade(store)
        async with store.begin() as session:
            await sources.add(session, many(3), now=NOW)

        with pytest.raises(DiskFullError, match=r"digest\.db is full"):
            await fill_the_disk(store)

        async with store.read() as session:
            assert len(await sources.all_of(session)) == 3


async def test_a_database_without_its_tables_names_the_command(empty_database_url: str) -> None:
    async with Store(empty_database_url) as store:
        with pytest.raises(SchemaError) as caught:
            await write(store)

    assert caught.value.hint == "digest db upgrade"


async def test_a_database_that_another_process_holds_is_said_to_be_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.engine.LOCK_TIMEOUT", 0.05)
    url = f"sqlite:///{tmp_path / 'digest.db'}"
    async with Store(url) as first, Store(url) as second:
        await schema.upgrade(first)
        async with first.begin() as session:
            await sources.add(session, many(1), now=NOW)

            with pytest.raises(BusyError, match="locked by another process"):
                await write(second)


async def test_a_connection_that_is_closed_gives_back_the_lock_although_a_cursor_of_it_is_open(
    tmp_path: Path,
) -> None:
    file = tmp_path / "digest.db"
    async with Store(f"sqlite:///{file}") as store, store.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute("CREATE TABLE much (what TEXT)")
        await driver.execute("BEGIN IMMEDIATE")
        # As SQLAlchemy leaves it when a task is cancelled once more while it closes what it had.
        cursor = await driver.execute("INSERT INTO much VALUES ('a'), ('b') RETURNING what")

        await driver.close()

        with closing(sqlite3.connect(file, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT count(*) FROM much").fetchone() == (0,)
        del cursor


async def test_writers_take_turns_and_lose_nothing(store: Store) -> None:
    async def add(number: int) -> None:
        async with store.begin() as session:
            await sources.add(session, [Source(url=f"https://{number}.example/", title="")], now=NOW)

    await asyncio.gather(*(add(number) for number in range(20)))

    async with store.read() as session:
        assert len(await sources.all_of(session)) == 20


@pytest.mark.parametrize("place", ["", "nowhere/digest.db"])
def test_a_place_where_no_file_can_be_is_one_clear_line(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / place}")


async def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "digest.db"

    async with Store(f"sqlite:///{file}") as store:
        assert not file.exists()
        await schema.upgrade(store)

    assert file.stat().st_mode & 0o077 == 0
