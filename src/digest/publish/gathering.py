"""Gather what is due and store it: what has come in meanwhile together, and one by one where that fails."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest import gather
from digest.domain import Gathered, Source
from digest.errors import StoreError
from digest.house import House
from digest.publish.correcting import ask_told_pages
from digest.store import articles, listings, sources

#: How long a page that could not be read is tried again, and how many are read in one run.
_NEW = timedelta(days=3)
_MAX_PAGES = 300
#: Sources stored in one transaction, and how long the first of them waits for the others, in seconds:
#: a transaction alone costs as much as the articles of ten sources.
_MAX_BATCH = 100
_MAX_ARTICLES = 5000
_WAIT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherReport:
    """What one gathering came to; `errors` are (title, line) of the sources that failed."""

    sources: int = 0
    fresh: int = 0
    unchanged: int = 0
    failed: int = 0
    articles: int = 0
    revised: int = 0
    errors: tuple[tuple[str, str], ...] = ()

    def plus(self, got: Gathered, *, new: int, revised: int) -> "GatherReport":
        """The report with one more source in it."""
        errors = (*self.errors, (got.source.title or got.source.url, got.error)) if got.error else self.errors
        return replace(
            self,
            sources=self.sources + 1,
            fresh=self.fresh + (not got.error and not got.unchanged),
            unchanged=self.unchanged + got.unchanged,
            failed=self.failed + bool(got.error),
            articles=self.articles + new,
            revised=self.revised + revised,
            errors=errors,
        )


async def gather_sources(
    house: House,
    *,
    now: datetime,
    everything: bool = False,
    only: Sequence[Source] = (),
    with_pages: bool = True,
    watch: Callable[[Gathered], None] = lambda _got: None,
) -> GatherReport:
    """Read every source that is due (or `everything`, or `only` those) and store what is new.

    Then the pages of new articles, unless without them. Twice is safe: an article is stored once a source,
    and of two at a time in one process the second begins when the first is done, with what is still due.
    `watch` hears of each source as it finishes.
    """
    async with house.gathering:
        chosen = only or await _chosen(house, now=now, everything=everything)
        return await _gather(house, chosen, now=now, with_pages=with_pages, watch=watch)


async def _gather(
    house: House,
    chosen: Sequence[Source],
    *,
    now: datetime,
    with_pages: bool,
    watch: Callable[[Gathered], None],
) -> GatherReport:
    report = GatherReport()
    async with _open_client(house) as client:
        async for batch in _in_batches(gather.gather(chosen, client=client, now=now)):
            for got, saved in await _keep(house, batch, now=now):
                report = report.plus(got, new=saved.new, revised=saved.revised)
                watch(got)
        pages = await _read_pages(house, client, now=now) if with_pages else 0
        told = await ask_told_pages(house, client, now=now) if with_pages else 0
    if report.sources or pages or told:
        house.log.event(
            "gather.done",
            sources=report.sources,
            fresh=report.fresh,
            unchanged=report.unchanged,
            failed=report.failed,
            articles=report.articles,
            pages=pages,
            told=told,
        )
    return report


@asynccontextmanager
async def _open_client(house: House) -> "AsyncIterator[gather.Client]":
    """A client; meanwhile memory is seldom searched for rings, of which articles have none."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 20)
    try:
        async with gather.open_client(house.settings.gather) as client:
            yield client
    finally:
        gc.set_threshold(*before)


async def _read_pages(house: House, client: "gather.Client", *, now: datetime) -> int:
    """How many pages of new articles told their text; the rest is tried again or known to tell none."""
    async with house.store.read() as session:
        short = await articles.of_short_words(
            session, since=now - _NEW, below=gather.SHORT_SUMMARY, limit=_MAX_PAGES
        )
    told = 0
    async for read in gather.read_pages(short, client=client, now=now):
        if read.error:
            house.log.event("gather.page", article=read.article.id, why=read.error)
        if not read.is_later:
            async with house.store.begin() as session:
                await articles.keep_pages(session, [read.article], now=now)
        told += not read.error
    return told


async def _chosen(house: House, *, now: datetime, everything: bool) -> tuple[Source, ...]:
    """The sources to read now."""
    async with house.store.read() as session:
        every = await sources.all_of(session)
    return tuple(source for source in every if source.enabled and (everything or gather.is_due(source, now)))


async def _in_batches(results: AsyncIterable[Gathered]) -> AsyncIterator[list[Gathered]]:
    """The results, those together that come in a moment or while the last ones are stored."""
    waiting: asyncio.Queue[Gathered | None] = asyncio.Queue(maxsize=_MAX_BATCH)

    async def collect() -> None:
        async for got in results:
            await waiting.put(got)
        await waiting.put(None)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(collect())
        try:
            while batch := await _batch(waiting):
                yield batch
        finally:
            task.cancel()


async def _batch(waiting: asyncio.Queue[Gathered | None]) -> list[Gathered]:
    """What comes in a moment, at least one result; [] at the end, which is told again to who asks again."""
    batch: list[Gathered] = []
    articles = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as moment:
            while len(batch) < _MAX_BATCH and articles < _MAX_ARTICLES:
                got = await waiting.get()
                if got is None:
                    waiting.put_nowait(None)
                    break
                if not batch:
                    moment.reschedule(asyncio.get_running_loop().time() + _WAIT)
                batch.append(got)
                articles += len(got.articles)
    return batch


def _whole(batch: Sequence[Gathered]) -> list[listings.Listing]:
    """The readings that hold every event that their sources have to come."""
    return [
        listings.Listing(source_id=got.source.id, articles=got.articles, until=got.whole_until)
        for got in batch
        if got.whole_until is not None
    ]


async def _keep(
    house: House, batch: Sequence[Gathered], *, now: datetime
) -> list[tuple[Gathered, articles.Saved]]:
    """Store the sources' articles and what polling taught us, together or not at all."""
    try:
        async with house.store.begin() as session:
            withdrawn = await listings.compare(session, _whole(batch), now=now)
            saved = await articles.save_all(session, [got.articles for got in batch], now=now)
            await sources.learn(session, [(got.source, got.after) for got in batch])
    except (StoreError, ValueError):
        if len(batch) == 1:
            raise
        # One of them is at fault; alone, each of the others is stored.
        return [pair for got in batch for pair in await _keep(house, [got], now=now)]
    if withdrawn:
        house.log.event("gather.withdrawn", events=withdrawn)
    for got in batch:
        if got.error:
            why, failures = got.error, got.after.failures
            house.log.warning("gather.failed", source=got.source.id, failures=failures, why=why)
    return list(zip(batch, saved, strict=True))
