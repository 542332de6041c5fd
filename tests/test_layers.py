"""The plan of the house: imports go downward only, and rooms are entered through their doors."""

import ast
from pathlib import Path

import pytest

import digest

ROOT = Path(digest.__file__).parent

#: From the roof to the ground. A room may import from lines below its own, and from itself.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"demo", "preview"},
    {"web", "schedule", "loopback"},
    {"jobs"},
    {"publish", "subscribe"},
    {"standing"},
    {"house"},
    {"gather", "compose", "rewrite", "render", "deliver", "inbound", "store"},
    {"config", "log", "tokens", "eventloop"},
    {"cron", "clock"},
    {"errors", "doors", "invoked"},
    {"domain"},
)
#: Rooms whose inner modules are nobody else's business.
CLOSED = {"gather", "compose", "rewrite", "render", "deliver", "inbound"}
#: The only rooms that may speak SQL.
SQL = {"store"}

FILES = sorted(ROOT.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def level(room: str) -> int:
    return next(number for number, rooms in enumerate(LAYERS) if room in rooms)


def imports(file: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "digest":
            found += [f"digest.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_downward_and_through_the_door(file: Path) -> None:
    room = room_of(file)
    wrong = []
    for name in imports(file):
        parts = name.split(".")
        if parts[0] != "digest" or len(parts) == 1 or parts[1] in {room, "__version__"}:
            continue
        if room == "__init__" or level(parts[1]) <= level(room):
            wrong.append(f"{name} is not below {room}")
        if parts[1] in CLOSED and len(parts) > 2:
            wrong.append(f"{name} goes past the door of {parts[1]}")

    assert wrong == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_sql_is_spoken_in_the_store_only(file: Path) -> None:
    spoken = {name.partition(".")[0] for name in imports(file)} & {"sqlalchemy", "alembic", "sqlite3"}

    assert room_of(file) in SQL or not spoken


@pytest.mark.parametrize("room", ["compose", "render"])
def test_pure_rooms_touch_no_network_database_or_clock(room: str) -> None:
    forbidden = {"aiohttp", "asyncio", "socket", "sqlalchemy", "time", "random", "aiosmtplib"}
    for file in (ROOT / room).rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

        assert not forbidden & {name.partition(".")[0] for name in imports(file)}, file
        assert not {"now", "utcnow", "today"} & calls, file


def test_the_migrations_folder_does_not_shadow_the_library() -> None:
    checkout = ROOT.parents[1]

    assert not (checkout / "alembic" / "__init__.py").exists()
