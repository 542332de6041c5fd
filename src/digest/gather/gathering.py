"""Many sources read at once, each to its articles or to one line that says why not."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest

from digest.domain import Article, Gathered, Source, SourceKind
from digest.errors import FetchError, ParseError, SourceError
from digest.gather.articles import articles_of
from digest.gather.clean import one_line
from digest.gather.client import Client, Page
from digest.gather.document import Body, Document
from digest.gather.kinds import KINDS
from digest.gather.polling import failed, retry_after, succeeded
from digest.gather.urls import host_of

#: A calendar of a few lines can hold recurrences that take a while.
_IN_THREAD = frozenset({SourceKind.CALENDAR})
#: Smaller bodies are read in less time than a thread takes to be of use.
_THREAD_BYTES = 300_000
_MEANINGS = {
    401: "wants a password (401)",
    403: "does not let us in (403)",
    404: "has no such page (404)",
    410: "says this source is gone for good (410); it was switched off",
    429: "asks us to come less often (429)",
}


async def gather(
    sources: Sequence[Source], *, client: Client, now: datetime
) -> AsyncGenerator[Gathered, None]:
    """One result a source, in the order of finishing; a source that fails is a result, not an error.

    Reading twice is safe: nothing is stored here, and the result's `after` is what must be.
    """
    waiting = _interleaved(sources)
    done: asyncio.Queue[Gathered] = asyncio.Queue()

    async def work() -> None:
        for source in waiting:
            await done.put(await _gathered(source, client, now))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for _ in range(min(client.settings.concurrency, len(sources)))]
        try:
            for _ in sources:
                yield await done.get()
        except GeneratorExit:
            # The caller stopped listening; a task group would report this as an error of its own.
            for task in tasks:
                task.cancel()


def _interleaved(sources: Iterable[Source]) -> Iterable[Source]:
    """The sources in turns of their hosts, so that one host's many do not hold up the others."""
    hosts: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sources:
        hosts[host_of(source.url)].append(source)
    turns = chain.from_iterable(zip_longest(*hosts.values()))
    return (source for source in turns if source is not None)


async def _gathered(source: Source, client: Client, now: datetime) -> Gathered:
    every = timedelta(minutes=client.settings.every_minutes)
    try:
        page = await client.fetch(source.url, etag=source.etag, last_modified=source.last_modified)
    except FetchError as exc:
        return _failure(source, exc, failed(source, exc.what, now=now, every=every))
    except Exception as exc:
        error = FetchError(f"fetching failed in an unforeseen way ({type(exc).__name__})")
        return _failure(source, error, failed(source, error.what, now=now, every=every))
    result = await _judged(source, page, client, now, every)
    facts: dict[str, str | int | float] = {
        "status": page.status,
        "bytes": len(page.body),
        "seconds": round(page.seconds, 3),
    }
    return replace(result, facts=facts | result.facts)


def _failure(source: Source, error: SourceError, after: Source) -> Gathered:
    line = one_line(f"{error.what} ({error.hint})" if error.hint else error.what)
    return Gathered(source=source, error=line, after=replace(after, last_error=line))


async def _judged(source: Source, page: Page, client: Client, now: datetime, every: timedelta) -> Gathered:
    """The result of an answer: unchanged, an error's line, or articles."""
    if page.status == 304:
        return Gathered(source=source, unchanged=True, after=succeeded(source, now=now, every=every))
    if not 200 <= page.status < 300:
        return _refused(source, page, now, every)
    known = hashlib.sha256(page.body).hexdigest()
    if known == source.body_hash:
        after = _with_validators(succeeded(source, now=now, every=every), page, known)
        return Gathered(source=source, unchanged=True, after=after)
    try:
        document, articles = await _read(source, page, client.settings.timeout_seconds, now)
    except ParseError as exc:
        return _failure(source, exc, failed(source, exc.what, now=now, every=every))
    after = succeeded(source, now=now, every=every, document=document)
    after = replace(after, url=page.moved_to or after.url)
    if not document.depends_on_now:
        after = _with_validators(after, page, known)
    facts: dict[str, str | int | float] = {"articles": len(articles), "refused": document.refused}
    return Gathered(source=source, articles=articles, after=after, facts=facts)


def _with_validators(source: Source, page: Page, known: str) -> Source:
    return replace(source, etag=page.etag, last_modified=page.last_modified, body_hash=known)


def _refused(source: Source, page: Page, now: datetime, every: timedelta) -> Gathered:
    meaning = _MEANINGS.get(page.status) or (
        f"has trouble of its own ({page.status})" if page.status >= 500 else f"answered {page.status}"
    )
    error = FetchError(f"{host_of(page.url)} {meaning}")
    wait = retry_after(page.retry_after, now) if page.status in {429, 503} else timedelta(0)
    after = failed(source, error.what, now=now, every=every, not_before=wait)
    return _failure(source, error, replace(after, enabled=after.enabled and page.status != 410))


async def _read(
    source: Source, page: Page, seconds: float, now: datetime
) -> tuple[Document, tuple[Article, ...]]:
    """The document and its articles; large bodies and recurring events are read beside the loop."""
    body = Body(data=page.body, url=page.url, charset=page.charset)
    if len(page.body) <= _THREAD_BYTES and source.kind not in _IN_THREAD:
        return _parsed(source, body, now)
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(_parsed, source, body, now)
    except TimeoutError as exc:
        raise ParseError(f"it takes longer than {seconds:g} seconds to read") from exc


def _parsed(source: Source, body: Body, now: datetime) -> tuple[Document, tuple[Article, ...]]:
    try:
        document = KINDS[source.kind](body, now)
        return document, articles_of(document, source, now=now)
    except ParseError:
        raise
    except Exception as exc:
        # Hostile input finds the parsers' own errors; that is this source's trouble, not the run's.
        raise ParseError(f"reading failed in an unforeseen way ({type(exc).__name__})") from exc
