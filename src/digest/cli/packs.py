"""`digest sources import|export|starter`: many sources at a time, as OPML."""

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.failures import PARTLY
from digest.cli.files import read_file, write_file
from digest.cli.running import AsJson, run, utc_now
from digest.cli.terminal import of
from digest.domain import Source
from digest.gather import read_opml, starter_pack, write_opml
from digest.house import House
from digest.store import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many sources of a pack were new."""

    new: int
    pack: tuple[Source, ...]

    def words(self) -> str:
        """One line: "42 sources from the starter pack (News 24, Learnings 14, Events 4)"."""
        counts = Counter((source.section or "by rule").capitalize() for source in self.pack)
        each = ", ".join(f"{section} {count}" for section, count in counts.items())
        off = sum(not source.enabled for source in self.pack)
        off_words = f"; {off} of them switched off" if off else ""
        return f"{self.new} sources from the starter pack ({each}{off_words})"


async def add_starter(house: House, *, now: datetime) -> Added:
    """Store our pack; sources that are there already are left as they are, so twice is safe."""
    pack = starter_pack()
    async with house.store.begin() as session:
        return Added(new=await sources.add(session, pack, now=now), pack=pack)


def starter(ctx: typer.Context) -> None:
    """Add our pack of AI sources: news, learnings and events. Twice is safe."""
    terminal = of(ctx)
    added = run(terminal, lambda house: add_starter(house, now=utc_now()))
    terminal.say("added", added.words())
    terminal.then("gather")


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.opml", help='An OPML file; "-" for standard input.')],
    as_json: AsJson = False,
) -> None:
    """Add the sources of an OPML file. What is there stays as it is; exit 4 when some were refused."""
    terminal = of(ctx)
    opml = read_opml(read_file(file))

    async def work(house: House) -> int:
        async with house.store.begin() as session:
            return await sources.add(session, opml.sources, now=utc_now())

    new = run(terminal, work)
    for problem in opml.problems:
        terminal.warn("refused", problem)
    already = len(opml.sources) - new
    if as_json:
        terminal.json({"added": new, "already": already, "refused": list(opml.problems)})
    terminal.say("added", f"{new} of {len(opml.sources)} sources, {already} were there already")
    terminal.then("gather")
    if opml.problems:
        raise typer.Exit(PARTLY)


def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Default: standard output.")] = None,
) -> None:
    """Write every source as OPML, so that import gives the same sources again."""
    terminal = of(ctx)

    async def work(house: House) -> tuple[tuple[Source, ...], str]:
        async with house.store.read() as session:
            title = next(iter(house.settings.newsletters.values())).name
            return await sources.all_of(session), title

    every, title = run(terminal, work)
    data = write_opml(every, title)
    if file is None or str(file) == "-":
        sys.stdout.write(data.decode())
        return
    write_file(file, data)
    terminal.say("wrote", f"{len(every)} sources to {file}")
