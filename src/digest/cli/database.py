"""`digest db upgrade|check`."""

from pathlib import Path

import typer

from digest.cli.running import AsJson, place_of, run
from digest.cli.terminal import of
from digest.errors import SchemaError
from digest.house import House
from digest.store import Store, schema
from digest.store.schema import Versions


def upgrade(ctx: typer.Context) -> None:
    """Bring the database up to this version of digest; make it when there is none. Twice is safe."""
    terminal = of(ctx)

    async def work(house: House) -> tuple[str, Versions, Versions]:
        before = await schema.upgrade(house.store)
        return place_of(house), before, await schema.versions(house.store)

    place, before, after = run(terminal, work, check_schema=False)
    if before.is_current:
        terminal.say("already", f"{place} is at {after.database}")
    else:
        terminal.say("upgraded", f"{place} from {before.database or 'nothing'} to {after.database}")
    terminal.then("doctor")


def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Compare the database's version with the code's. Exit 1, with the command to run, when they differ."""
    terminal = of(ctx)

    async def work(house: House) -> tuple[str, Versions | None]:
        return place_of(house), await schema.versions(house.store) if is_there(house.store) else None

    place, found = run(terminal, work, check_schema=False)
    if as_json:
        terminal.json(
            {
                "database": found.database if found else "",
                "code": found.code if found else "",
                "steps": found.steps if found else 0,
                "is_current": bool(found and found.is_current),
            }
        )
    if found is None:
        raise SchemaError(f"there is no database at {place} yet", hint="digest db upgrade makes it")
    require_same(found)
    terminal.say("ok", f"{place} is at {found.database}, like the code")


def is_there(store: Store) -> bool:
    """False when the database is a file that is not there yet: opening it would make it."""
    return not store.is_sqlite or Path(store.url.database or "").exists()


def require_same(found: Versions) -> None:
    """SchemaError with both numbers and the way out, unless they are the same."""
    if found.steps < 0:
        raise SchemaError(
            f"the database is at {found.database}, which this version (schema {found.code}) does not know",
            hint="install the newer digest that made it",
        )
    if not found.is_current:
        raise SchemaError(
            f"the database is at {found.database or '0'}, the code at {found.code}: {found.steps} to run",
            hint="digest db upgrade",
        )
