"""Many sources read at once, each to its articles or to one line that says why not."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import cast

from digest.domain import Article, Gathered, Source, SourceKind
from digest.errors import FetchError, SourceError
from digest.gather.clean import one_line
from digest.gather.client import Client, Page
from digest.gather.document import Body
from digest.gather.kinds import PAGES
from digest.gather.parallel import in_parallel
from digest.gather.polling import MAX_INTERVAL, failed, retry_after, succeeded
from digest.gather.reading import Reading, read_body
from digest.gather.urls import host_of

Facts = dict[str, str | int | float]

#: A calendar of a few lines can hold recurrences that take a while, and pages are the wildest of all.
_WILD = frozenset({SourceKind.CALENDAR, SourceKind.PAGE, SourceKind.EVENTS})
#: Smaller feeds are read in less time than a worker takes to start.
_LARGE_BYTES = 300_000
#: With so many sources the workers start anyway, and take the reading from the fetching.
_MANY = 50
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
    job = _Job(client=client, now=now, is_large=len(sources) >= _MANY)
    at_once = client.settings.concurrency
    results = in_parallel(_interleaved(sources), job.gathered, count=len(sources), at_once=at_once)
    async with aclosing(results):
        async for result in results:
            yield result


def _interleaved(sources: Iterable[Source]) -> Iterable[Source]:
    """The sources in turns of their hosts, so that one host's many do not hold up the others."""
    hosts: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sources:
        hosts[host_of(source.url)].append(source)
    turns = chain.from_iterable(zip_longest(*hosts.values()))
    return (source for source in turns if source is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One run: who fetches, when it is, and whether it is large enough to use all processors."""

    client: Client
    now: datetime
    is_large: bool

    @property
    def every(self) -> timedelta:
        """The shortest time between two readings of a source."""
        return timedelta(minutes=self.client.settings.every_minutes)

    async def gathered(self, source: Source) -> Gathered:
        """The source's result, whatever happens."""
        fetch = self.client.fetch_page if source.kind in PAGES else self.client.fetch
        try:
            page = await fetch(source.url, etag=source.etag, last_modified=source.last_modified)
        except FetchError as exc:
            return self._failure(source, exc)
        except Exception as exc:
            error = FetchError(f"fetching failed in an unforeseen way ({type(exc).__name__})")
            return self._failure(source, error)
        result = await self._judged(source, page)
        return replace(result, facts=_facts(page) | result.facts)

    def _failure(
        self, source: Source, error: SourceError, *, not_before: timedelta = timedelta(0), gone: bool = False
    ) -> Gathered:
        line = one_line(f"{error.what} ({error.hint})" if error.hint else error.what)
        after = failed(source, line, now=self.now, every=self.every, not_before=not_before)
        return Gathered(source=source, error=line, after=replace(after, enabled=after.enabled and not gone))

    async def _judged(self, source: Source, page: Page) -> Gathered:
        """The result of an answer: unchanged, an error's line, or articles."""
        if page.status == 304:
            return Gathered(source=source, unchanged=True, after=self._unchanged(source, page))
        if not 200 <= page.status < 300:
            return self._refused(source, page)
        known = hashlib.sha256(page.body).hexdigest()
        if known == source.body_hash:
            after = _with_validators(self._unchanged(source, page), page, known)
            return Gathered(source=source, unchanged=True, after=after)
        try:
            reading = await self._read(source, page)
        except SourceError as exc:
            return self._failure(source, exc, not_before=_fresh(page))
        articles, wait, error = await self._followed(source, reading)
        if error:
            return self._failure(source, error, not_before=max(_fresh(page), wait))
        document = reading.document
        after = succeeded(source, now=self.now, every=self.every, document=document, wait=_fresh(page))
        not_before = max(after.next_check_at or self.now, self.now + wait)
        after = replace(after, url=page.moved_to or after.url, next_check_at=not_before)
        if not document.depends_on_now:
            after = _with_validators(after, page, known)
        facts: Facts = {"articles": len(articles), "refused": document.refused, "how": document.how}
        facts["ttl"] = int(document.wait.total_seconds())
        whole_until = document.whole_until
        return Gathered(source=source, articles=articles, whole_until=whole_until, after=after, facts=facts)

    def _unchanged(self, source: Source, page: Page) -> Source:
        return succeeded(source, now=self.now, every=self.every, wait=_fresh(page), is_news=False)

    def _refused(self, source: Source, page: Page) -> Gathered:
        meaning = _MEANINGS.get(page.status) or (
            f"has trouble of its own ({page.status})" if page.status >= 500 else f"answered {page.status}"
        )
        wait = self._asked_wait(page)
        error = FetchError(f"{host_of(page.url)} {meaning}")
        wait = max(wait, _fresh(page))
        return self._failure(source, error, not_before=wait, gone=page.status == 410)

    async def _read(self, source: Source, page: Page) -> Reading:
        """The document and its articles; what may take long is read in a worker."""
        body = Body(data=page.body, url=page.url, charset=page.charset, recipe=source.recipe)
        if len(page.body) <= _LARGE_BYTES and source.kind not in _WILD and not self.is_large:
            return read_body(source, body, self.now)
        seconds = self.client.settings.timeout_seconds
        return cast(Reading, await self.client.workers.run("read", source, body, self.now, seconds=seconds))

    def _asked_wait(self, page: Page) -> timedelta:
        """How long an answer that refuses asks to be left alone."""
        return retry_after(page.retry_after, self.now) if page.status in {429, 503} else timedelta(0)

    async def _followed(
        self, source: Source, reading: Reading
    ) -> tuple[tuple[Article, ...], timedelta, SourceError | None]:
        """The document's articles and those of what belongs to it, and how long we are to stay away.

        What fails is left out; the error is of a document of which no part could be read. Robots.txt is
        asked about each part, and after one that asks for patience no other is asked for.
        """
        articles = {article.guid: article for article in reading.articles}
        wait, first_error, is_read = timedelta(0), None, False
        for url in reading.document.follow:
            try:
                page = await self.client.fetch_page(url)
                if not 200 <= page.status < 300:
                    wait = self._asked_wait(page)
                    raise FetchError(f"{host_of(page.url)} answered {page.status} for a part of it")
                part = await self._read(source, page)
            except SourceError as exc:
                first_error = first_error or exc
                if wait:
                    break
            else:
                is_read = True
                articles |= {article.guid: article for article in part.articles}
        return tuple(articles.values()), wait, None if is_read else first_error


def _facts(page: Page) -> Facts:
    """What an answer was, for the log and for `digest sources check`."""
    validators = {"ETag": page.etag, "Last-Modified": page.last_modified}
    return {
        "url": page.url,
        "status": page.status,
        "bytes": len(page.body),
        "seconds": round(page.seconds, 3),
        "via": "; ".join(page.via),
        "validators": ", ".join(name for name, value in validators.items() if value),
        "max_age": page.max_age,
    }


def _fresh(page: Page) -> timedelta:
    """How long the server says that its answer stays as it is, read or not; at most a day."""
    return min(timedelta(seconds=page.max_age), MAX_INTERVAL)


def _with_validators(source: Source, page: Page, known: str) -> Source:
    return replace(source, etag=page.etag, last_modified=page.last_modified, body_hash=known)
