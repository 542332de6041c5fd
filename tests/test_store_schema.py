"""Migrations, on SQLite and on a real PostgreSQL."""

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from conftest import NOW
from digest.errors import ConfigError, SchemaError, StoreError
from digest.store import Store, schema, subscribers

VERSIONS = Path(__file__).parents[1] / "alembic" / "versions"


async def test_migrations_run_up_from_empty_and_down_again(empty_database_url: str) -> None:
    async with Store(empty_database_url) as store:
        before = await schema.upgrade(store)
        after = await schema.versions(store)

        assert before.database == ""
        assert after.is_current
        await schema.downgrade(store, "base")
        assert (await schema.versions(store)).database == ""
        await schema.upgrade(store)
        assert (await schema.versions(store)).is_current


async def test_the_models_are_what_the_migrations_make(store: Store) -> None:
    assert await schema.differences(store) == []


async def test_hashes_of_addresses_that_an_older_version_stored_are_found_by_this_one(
    empty_database_url: str,
) -> None:
    old = "0123456789abcdef" * 4
    async with Store(empty_database_url) as store:
        await schema.upgrade(store)
        await schema.downgrade(store, "0018")
        async with store.begin() as session:
            row = {"one": old, "at": NOW}
            await session.execute(
                text("INSERT INTO suppression (email_hash, reason, words, at) VALUES (:one, 'x', '', :at)"),
                row,
            )
        await schema.upgrade(store)

        async with store.read() as session:
            assert await subscribers.suppression(session, old[:32]) == "x"


async def test_upgrading_twice_changes_nothing(store: Store) -> None:
    before = await schema.upgrade(store)

    assert before.is_current


async def test_a_database_behind_names_both_versions_and_the_command(empty_database_url: str) -> None:
    async with Store(empty_database_url) as store:
        with pytest.raises(SchemaError) as caught:
            await schema.require_current(store, may_upgrade=False)

    assert "empty" in caught.value.what
    newest = max(file.name[:4] for file in VERSIONS.glob("*.py"))
    assert newest in caught.value.what
    assert caught.value.hint == "digest db upgrade"


async def test_a_database_behind_is_brought_up_when_upgrading_is_allowed(empty_database_url: str) -> None:
    async with Store(empty_database_url) as store:
        found = await schema.require_current(store, may_upgrade=True)

        assert found.is_current
        assert await schema.differences(store) == []


async def test_a_database_ahead_is_refused_even_when_upgrading_is_allowed(store: Store) -> None:
    async with store.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SchemaError, match="9999, which this version"):
        await schema.require_current(store, may_upgrade=True)
    with pytest.raises(SchemaError, match="9999"):
        await schema.upgrade(store)


async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "digest.db"
    file.write_text("this is a letter to my aunt, not a database, and it is long enough to be read " * 9)

    async with Store(f"sqlite:///{file}") as store:
        with pytest.raises(StoreError, match="not a database"):
            await schema.versions(store)


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "digest.db"])
def test_a_database_of_another_kind_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError):
        Store(url)


def test_the_codes_schema_version_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))

    assert schema.head() == ScriptDirectory.from_config(config).get_current_head()
