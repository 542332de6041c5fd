"""`digest sources import|export|starter`: many sources at a time, as OPML."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.failures import PARTLY
from digest.cli.files import read_file, write_file
from digest.cli.running import AsJson, run
from digest.cli.terminal import of
from digest.clock import utc_now
from digest.domain import Source
from digest.gather import canonical_url, read_opml, starter_pack, write_opml
from digest.house import House
from digest.store import sources

#: Sources a step of the progress bar, and the most refused entries that are named.
_BATCH, _MAX_LINES = 200, 20


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


def _batched(given: Iterable[Source], size: int) -> Iterator[tuple[Source, ...]]:
    """The sources in groups of at most `size`."""
    waiting = iter(given)
    while some := tuple(islice(waiting, size)):
        yield some


async def add_new(
    house: House,
    given: Iterable[Source],
    *,
    now: datetime,
    step: Callable[[int], None] = lambda _count: None,
) -> int:
    """Store the sources whose canonical address is not there yet, all or none, and give how many that were.

    Those that are there stay as they are, so twice is safe. `step` hears how many more were looked at.
    """
    new = 0
    async with house.store.begin() as session:
        known = {canonical_url(one.url) for one in await sources.all_of(session)}
        for some in _batched(given, _BATCH):
            fresh = {canonical_url(one.url): one for one in reversed(some)}
            kept = [one for address, one in reversed(fresh.items()) if address not in known]
            new += await sources.add(session, kept, now=now)
            known |= fresh.keys()
            step(len(some))
    return new


async def add_starter(house: House, *, now: datetime) -> Added:
    """Store our pack; sources that are there already are left as they are, so twice is safe."""
    pack = starter_pack()
    return Added(new=await add_new(house, pack, now=now), pack=pack)


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
        with terminal.bar("importing", len(opml.sources)) as step:
            return await add_new(house, opml.sources, now=utc_now(), step=step)

    new = run(terminal, work)
    for problem in opml.problems[:_MAX_LINES]:
        terminal.warn("refused", problem)
    if len(opml.problems) > _MAX_LINES:
        terminal.warn("refused", f"{len(opml.problems) - _MAX_LINES} more; --json names them all")
    already = len(opml.sources) - new
    if as_json:
        terminal.json({"added": new, "already": already, "refused": list(opml.problems)})
    refused = f"; {_entries(len(opml.problems))} refused" if opml.problems else ""
    terminal.say("added", f"{new} of {len(opml.sources)} sources, {already} were there already{refused}")
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


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"
