"""What hostile servers and bodies cannot do: hang us, lead us inside, or be read against their wish."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from digest.config import GatherSettings
from digest.domain import Gathered, Source, SourceKind
from digest.errors import ParseError
from digest.gather import gather, open_client
from digest.gather.document import Body
from digest.gather.pace import domain_of, next_start
from digest.gather.reading import Reading
from digest.gather.robots import Answer, rules_of
from digest.gather.workers import Workers, open_workers
from sites import Site, open_site

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
RSS = "<rss><channel><title>T</title><link>x</link><item><title>One</title></item></channel></rss>"
PAGE = "<html><body>" + "".join(
    f"<h2><a href='/a/{n}'>A headline of some words {n}</a></h2>" for n in range(5)
)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


class Fickle(AbstractResolver):
    """A name server that gives its addresses in turn, the last one for ever."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """One address, whatever the name."""
        self.asked.append(host)
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        result = {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}
        return [ResolveResult(**result)]  # type: ignore[typeddict-item]

    async def close(self) -> None:
        """Nothing is open."""


async def read(
    *sources: Source, resolver: AbstractResolver | None = None, **changes: object
) -> list[Gathered]:
    values: dict[str, object] = {"allow_hosts": ("127.0.0.1",), "timeout_seconds": 5}
    settings = GatherSettings.model_validate(values | changes)
    async with open_client(settings, resolver=resolver) as client:
        return [result async for result in gather(sources, client=client, now=NOW)]


def source(url: str, kind: SourceKind = SourceKind.FEED, **changes: object) -> Source:
    return replace(Source(id=1, url=url, title="", kind=kind), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1"])
async def test_a_public_name_that_resolves_inside_is_refused(site: Site, address: str) -> None:
    site.put("/feed", RSS)
    port = site.url.rpartition(":")[2]

    (result,) = await read(source(f"http://public.example:{port}/feed"), resolver=Fickle(address))

    assert "private address" in result.error
    assert site.asked == []


async def test_a_name_that_is_public_once_and_private_at_connecting_is_refused(site: Site) -> None:
    site.put("/feed", RSS)
    port = site.url.rpartition(":")[2]
    start = site.redirect("/out", f"http://rebind.example:{port}/feed")
    resolver = Fickle("203.0.113.9", "127.0.0.1")
    await resolver.resolve("rebind.example")

    (result,) = await read(source(start), resolver=resolver)

    assert "private address" in result.error
    assert site.paths() == ["/out"]


async def test_an_allowed_name_may_resolve_inside(site: Site) -> None:
    site.put("/feed", RSS)
    port = site.url.rpartition(":")[2]
    given = source(f"http://wiki.example:{port}/feed")

    (result,) = await read(given, resolver=Fickle("127.0.0.1"), allow_hosts=("wiki.example",))

    assert [article.title for article in result.articles] == ["One"]


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    async with open_workers() as opened:
        yield opened


class Endless:
    """What keeps a worker busy for a minute as soon as it is handed over."""

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (60,)


async def test_what_takes_too_long_is_killed_and_the_next_is_read(workers: Workers) -> None:
    body = Body(data=RSS.encode(), url="https://t.example/")

    with pytest.raises(ParseError, match="takes longer than"):
        await workers.run("read", Endless(), seconds=0.2)
    reading = await workers.run("read", source("https://t.example/"), body, NOW, seconds=30)

    assert isinstance(reading, Reading)
    assert [article.title for article in reading.articles] == ["One"]


async def test_what_takes_too_much_of_the_processor_is_killed(workers: Workers) -> None:
    items = "<item><title>One more</title><description>Of very many</description></item>" * 60_000
    body = Body(data=RSS.replace("</channel>", f"{items}</channel>").encode(), url="https://t.example/")

    with pytest.raises(ParseError, match=r"takes longer than 0\.2 seconds"):
        await workers.run("read", source("https://t.example/"), body, NOW, seconds=0.2)


class Slow:
    """What keeps a worker waiting, and its processor free."""

    def __reduce__(self) -> tuple[object, ...]:
        return time.sleep, (1.5,)


async def test_a_busy_machine_is_not_the_sources_fault(workers: Workers) -> None:
    body = Body(data=RSS.encode(), url="https://t.example/")
    waiting = source("https://t.example/", note=Slow())

    reading = await workers.run("read", waiting, body, NOW, seconds=1)

    assert isinstance(reading, Reading)
    assert [article.title for article in reading.articles] == ["One"]


async def test_a_worker_that_dies_is_one_clear_line_and_is_replaced(workers: Workers) -> None:
    for _ in range(3):
        with pytest.raises(ParseError, match="took too much and was given up"):
            await workers.run("no such task", seconds=5)


async def test_what_waits_behind_a_body_that_hangs_is_read_by_another_worker() -> None:
    body = Body(data=RSS.encode(), url="https://t.example/")
    workers = Workers(1)

    hanging, *others = await asyncio.gather(
        workers.run("read", Endless(), seconds=0.2),
        *(workers.run("read", source("https://t.example/"), body, NOW, seconds=30) for _ in range(5)),
        return_exceptions=True,
    )
    await workers.close()

    assert isinstance(hanging, ParseError)
    assert [len(one.articles) for one in others if isinstance(one, Reading)] == [1] * 5


async def test_each_gets_its_own_answer_when_one_before_it_was_cancelled() -> None:
    bodies = [Body(data=RSS.replace("One", f"No {n}").encode(), url="https://t.example/") for n in range(3)]
    workers = Workers(1)
    slow = source("https://t.example/", note=Slow())
    reading = [asyncio.create_task(workers.run("read", slow, bodies[0], NOW, seconds=30))]
    reading += [
        asyncio.create_task(workers.run("read", source("https://t.example/"), body, NOW, seconds=30))
        for body in bodies[1:]
    ]

    await asyncio.wait(reading, timeout=0.5)
    reading[1].cancel()
    results = await asyncio.gather(*reading, return_exceptions=True)
    await workers.close()

    assert isinstance(results[1], asyncio.CancelledError)
    told = [one.articles[0].title for one in results if isinstance(one, Reading)]
    assert told == ["No 0", "No 2"]


async def test_a_large_feed_is_read_in_a_worker(site: Site) -> None:
    text = RSS.replace("<item>", f"<!-- {'x' * 400_000} --><item>")

    (result,) = await read(source(site.put("/feed", text)))

    assert [article.title for article in result.articles] == ["One"]


async def test_the_rest_goes_on_while_one_body_hangs(site: Site) -> None:
    deep = "<rss><channel><title>x</title>" + "<item><description>" + "&lt;a&gt;" * 900_000
    hostile = source(site.put("/deep", deep))
    good = [source(site.put(f"/{n}", RSS)) for n in range(8)]

    results = await read(hostile, *good, timeout_seconds=3)

    assert sum(bool(result.articles) for result in results if result.source != hostile) == 8


async def test_a_page_is_read_only_where_robots_txt_lets_us(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    open_page = source(site.put("/open/", PAGE), SourceKind.PAGE)
    closed = source(site.put("/private/", PAGE), SourceKind.PAGE)
    feed = source(site.put("/private/feed", RSS))

    results = {result.source.url: result for result in await read(open_page, closed, feed)}

    assert len(results[open_page.url].articles) == 5
    assert results[closed.url].error == "robots.txt of 127.0.0.1 does not let us read this page"
    assert len(results[feed.url].articles) == 1
    assert site.paths().count("/robots.txt") == 1
    assert "/private/" not in site.paths()


@pytest.mark.parametrize(
    ("status", "body", "allowed"),
    [
        (200, b"User-agent: digest\nDisallow: /\n", False),
        (200, b"User-agent: other\nDisallow: /\n", True),
        (200, b"\xff\xfe nonsense", True),
        (404, b"", True),
        (403, b"", True),
        (429, b"", False),
        (503, b"", False),
        (0, b"", False),
    ],
)
def test_the_answer_to_robots_txt_decides(status: int, body: bytes, allowed: bool) -> None:
    rules = rules_of(Answer(status=status, body=body))

    assert rules.can_fetch("https://site.example/a", "digest") is allowed


async def test_a_sitemaps_newest_parts_are_read_as_one_source(site: Site) -> None:
    part = "<urlset><url><loc>/a-page-of-{0}</loc><lastmod>2026-08-20</lastmod></url></urlset>"
    site.put("/1.xml", part.format("one"))
    site.put("/2.xml", part.format("two"))
    index = "<sitemapindex>" + "".join(f"<sitemap><loc>/{n}.xml</loc></sitemap>" for n in (1, 2, 3))

    (result,) = await read(source(site.put("/sitemap.xml", index + "</sitemapindex>"), SourceKind.SITEMAP))

    assert sorted(article.title for article in result.articles) == ["A page of one", "A page of two"]


def put_sitemap(site: Site) -> Source:
    """A sitemap of three parts, the last of them asked for first."""
    part = "<urlset><url><loc>/a-page-of-{0}</loc><lastmod>2026-08-20</lastmod></url></urlset>"
    for number in (1, 2, 3):
        site.put(f"/{number}.xml", part.format(f"part-{number}"))
    index = "<sitemapindex>" + "".join(f"<sitemap><loc>/{n}.xml</loc></sitemap>" for n in (1, 2, 3))
    return source(site.put("/sitemap.xml", index + "</sitemapindex>"), SourceKind.SITEMAP)


@pytest.mark.parametrize(("number", "is_partly"), [(2, True), (3, False)])
async def test_a_part_of_a_sitemap_that_asks_for_patience_is_given_it(
    site: Site, number: int, is_partly: bool
) -> None:
    given = put_sitemap(site)
    site.put(f"/{number}.xml", status=429, retry_after="259200")

    (result,) = await read(given)

    assert result.after.next_check_at == NOW + timedelta(days=3)
    assert (bool(result.error), len(result.articles)) == ((False, 1) if is_partly else (True, 0))
    assert "/1.xml" not in site.paths()


async def test_a_part_of_a_sitemap_that_robots_txt_forbids_is_not_read(site: Site) -> None:
    given = put_sitemap(site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /2.xml\n", content_type="text/plain")

    (result,) = await read(given)

    assert sorted(article.title for article in result.articles) == ["A page of part 1", "A page of part 3"]
    assert "/2.xml" not in site.paths()


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.org", "example.org"),
        ("a.b.example.org", "example.org"),
        ("www.example.co.uk", "example.co.uk"),
        ("a.substack.com", "substack.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
        ("x.y.io", "y.io"),
    ],
)
def test_requests_are_counted_by_registrable_domain(host: str, domain: str) -> None:
    assert domain_of(host) == domain


def test_two_requests_to_one_domain_begin_apart() -> None:
    assert next_start(float("-inf"), 10.0, 0.2) == 10.0
    assert next_start(10.0, 10.1, 0.2) == 10.2
    assert next_start(10.0, 99.0, 0.2) == 99.0
