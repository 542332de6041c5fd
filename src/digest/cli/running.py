"""Opens what a command works with, runs it once, and finds what its arguments name."""

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from digest import config, eventloop
from digest.cli.stopping import cut_by_sigterm
from digest.cli.terminal import Terminal
from digest.config import Settings
from digest.domain import Issue, IssueState, Source
from digest.errors import NotFoundError, StoreError, UsageError
from digest.house import House, open_house
from digest.store import issues, sources

_T = TypeVar("_T")

Newsletter = Annotated[
    str | None,
    typer.Option("--newsletter", "-n", metavar="KEY", help="Which newsletter, if there are several."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 3 when there was nothing to do.")]
Number = Annotated[int | None, typer.Argument(metavar="[N]", help="The issue; default: the newest open one.")]

OPEN = frozenset(IssueState) - {IssueState.SENT, IssueState.CANCELLED}


def user() -> str:
    """Who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unnamed"


def load_settings(terminal: Terminal) -> Settings:
    """The settings; StoreError when a SQLite file's folder is missing, which SQLite cannot say clearly."""
    settings = config.load(terminal.config)
    found = re.fullmatch(r"sqlite:///(.+)", settings.database.get_secret_value())
    if found and not Path(found[1]).parent.is_dir():
        raise StoreError(f"{found[1]}: there is no such folder", hint="make it, or change database")
    return settings


def run(terminal: Terminal, work: Callable[[House], Awaitable[_T]], *, check_schema: bool = True) -> _T:
    """What `work` gives in an opened house; the one place where a command meets asyncio."""
    settings = load_settings(terminal)

    async def inside() -> _T:
        cut_by_sigterm()
        async with open_house(settings, log=terminal.log(), check_schema=check_schema) as house:
            return await work(house)

    try:
        return eventloop.run(inside())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def newsletter_key(settings: Settings, given: str | None) -> str:
    """The newsletter that is meant: the given one, or the only one."""
    if given is not None:
        settings.newsletter(given)
        return given
    if len(settings.newsletters) > 1:
        there = ", ".join(settings.newsletters)
        raise UsageError("there are several newsletters: which one?", hint=f"-n KEY, one of {there}")
    return next(iter(settings.newsletters))


async def pick_issue(house: House, key: str, number: int | None) -> Issue:
    """The issue of that number, else the newest that is open, else the newest; NotFoundError without any."""
    async with house.store.read() as session:
        if number is not None:
            return await issues.by_number(session, key, number)
        every = await issues.all_of(session, key)
    alive = [issue for issue in every if issue.state is not IssueState.CANCELLED]
    if not alive:
        raise NotFoundError(f"{house.newsletter(key).name} has no issue yet", hint="digest draft makes one")
    return next((issue for issue in alive if issue.state in OPEN), alive[0])


async def pick_sources(house: House, words: list[str]) -> tuple[Source, ...]:
    """The sources that the words name, each by id, address or part of a title; NotFoundError else."""
    found: dict[int, Source] = {}
    async with house.store.read() as session:
        for word in words:
            some = await sources.find(session, word)
            if not some:
                raise NotFoundError(f'no source matches "{word}"', hint="digest sources list")
            found |= {source.id: source for source in some}
    return tuple(found.values())


def place_of(house: House) -> str:
    """Where the database is, without its password."""
    url = house.store.url
    return str(url.database) if house.store.is_sqlite else url.render_as_string(hide_password=True)


def local(house: House, key: str, at: datetime | None) -> str:
    """A time as the newsletter's readers know it; "never" for None."""
    return "never" if at is None else house.local(key, at)
