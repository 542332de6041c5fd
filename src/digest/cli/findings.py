"""What a check of `digest doctor` stands on, and what it finds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

from digest.cli.database import is_there
from digest.config import Settings, local_zone
from digest.errors import DigestError, SchemaError
from digest.store import Store


class State(StrEnum):
    """How a check ended."""

    #: Nothing to do.
    OK = "ok"
    #: Works, but a person should look at it.
    WARN = "warn"
    #: Must be mended before anything is sent.
    FAIL = "fail"
    #: Could not be looked at, because of another one.
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found, and what to do about it."""

    name: str
    state: State = State.OK
    found: str
    fix: str = ""

    @classmethod
    def broken(cls, name: str, exc: DigestError) -> Self:
        """A check that ended in one of our errors."""
        fix = "" if exc.hint == "digest doctor" else exc.hint
        return cls(name=name, state=State.FAIL, found=exc.what, fix=fix)

    @classmethod
    def without_database(cls, name: str) -> Self:
        """A check that has to wait for the database."""
        return cls(name=name, state=State.SKIP, found="not looked at without the database")

    def line(self) -> str:
        """As a person reads it."""
        return f"{self.state:<5} {self.name:<15} {self.found}{f'  → {self.fix}' if self.fix else ''}"

    def plain(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"name": self.name, "state": self.state, "found": self.found, "fix": self.fix}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every check stands on."""

    file: Path
    settings: Settings
    now: datetime
    #: False once the database was found to be unusable: what needs it is not looked at.
    has_database: bool = True

    def local(self, at: datetime) -> datetime:
        """A time on the clocks of the first newsletter."""
        first = next(iter(self.settings.newsletters.values()))
        return at.astimezone(local_zone(first.timezone))


@asynccontextmanager
async def open_store(ground: Ground) -> AsyncIterator[Store]:
    """The database, opened but not made: SchemaError when there is none."""
    async with Store(ground.settings.database.get_secret_value()) as store:
        if not is_there(store):
            raise SchemaError(
                f"there is no database at {store.url.database} yet", hint="digest db upgrade makes it"
            )
        yield store
