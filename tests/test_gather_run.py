"""Gathering over real HTTP on loopback: polite, safe, one result a source."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import __version__
from digest.config import GatherSettings
from digest.domain import Gathered, Source, SourceKind
from digest.gather import gather, open_client
from digest.gather.client import is_private
from sites import Site, open_site

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
FEEDS = Path(__file__).parent / "data" / "feeds"
RSS = (FEEDS / "blog.rss").read_text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


def settings(**changes: object) -> GatherSettings:
    values: dict[str, object] = {"allow_hosts": ("127.0.0.1",), "timeout_seconds": 5}
    return GatherSettings.model_validate(values | changes)


def source(url: str, **changes: object) -> Source:
    return replace(Source(id=1, url=url, title=""), **changes)  # type: ignore[arg-type]


async def read(*sources: Source, **changes: object) -> list[Gathered]:
    async with open_client(settings(**changes)) as client:
        return [result async for result in gather(sources, client=client, now=NOW)]


async def read_one(given: Source, **changes: object) -> Gathered:
    (result,) = await read(given, **changes)
    return result


async def test_a_first_reading_gives_articles_and_teaches_the_source(site: Site) -> None:
    given = source(site.put("/feed", RSS, etag='"1"', last_modified="Thu, 20 Aug 2026 08:00:00 GMT"))

    result = await read_one(given)

    assert [article.is_backlog for article in result.articles] == [False, True, True]
    assert result.source is given
    after = result.after
    assert (after.title, after.site_url) == ("Orbit Daily", "https://orbit.example/")
    assert (after.etag, after.last_modified) == ('"1"', "Thu, 20 Aug 2026 08:00:00 GMT")
    assert (after.checked_at, after.first_read_at) == (NOW, NOW)
    assert after.next_check_at == NOW + timedelta(hours=1)
    assert result.facts["status"] == 200
    assert result.facts["articles"] == 3


async def test_a_second_reading_asks_politely_and_finds_nothing_new(site: Site) -> None:
    first = await read_one(source(site.put("/feed", RSS, etag='"1"')))

    second = await read_one(first.after)

    assert site.asked[1].headers["If-None-Match"] == '"1"'
    assert (second.unchanged, second.articles, second.error) == (True, (), "")
    assert second.after.first_read_at == NOW


async def test_the_same_body_is_unchanged_though_the_server_knows_no_validators(site: Site) -> None:
    first = await read_one(source(site.put("/feed", RSS)))

    assert (await read_one(first.after)).unchanged
    site.put("/feed", RSS.replace("Atlas 4", "Atlas 5"))
    assert len((await read_one(first.after)).articles) == 3


async def test_a_calendar_of_series_is_read_again_although_its_bytes_are_known(site: Site) -> None:
    given = source(
        site.put("/c.ics", (FEEDS / "meetups.ics").read_bytes(), etag='"1"'), kind=SourceKind.CALENDAR
    )
    first = await read_one(given)

    async with open_client(settings()) as client:
        later = NOW + timedelta(days=60)
        (second,) = [result async for result in gather([first.after], client=client, now=later)]

    assert not second.unchanged
    assert {a.guid for a in second.articles} - {a.guid for a in first.articles}


async def test_the_user_agent_says_who_asks(site: Site) -> None:
    await read_one(source(site.put("/feed", RSS)), contact="https://example.org/digest")

    assert site.asked[0].headers["User-Agent"] == f"digest/{__version__} (+https://example.org/digest)"


async def test_a_host_is_asked_by_two_connections_at_most(site: Site) -> None:
    sources = [source(site.put(f"/{n}", RSS)) for n in range(12)]

    results = await read(*sources)

    assert len(results) == 12
    assert site.most_at_once <= 2


async def test_every_source_has_one_result_whatever_it_does(site: Site) -> None:
    sources = [
        source(site.put("/good", RSS)),
        source(site.put("/page", "<!doctype html><html><body>Hi</body></html>", content_type="text/html")),
        source(site.put("/empty", "")),
        source(site.hang("/hangs")),
        source(site.break_off("/half", RSS)),
        source(site.url + "/nowhere"),
        source("http://127.0.0.1:1/refused"),
        source("ftp://127.0.0.1/feed"),
        source("http://[/"),
        source("http://nowhere.invalid/feed"),
        source(site.redirect("/loop", "/loop")),
        source(site.redirect("/odd", "javascript:alert(1)")),
        source(site.put("/away", status=503)),
        source(site.put("/secret", status=403)),
    ]

    results = {r.source.url.removeprefix(site.url): r for r in await read(*sources, timeout_seconds=0.5)}

    assert len(results) == len(sources)
    assert {path: result.error for path, result in results.items()} == {
        "/good": "",
        "/page": "this is a web page, not a feed (digest sources add finds the feed of a site)",
        "/empty": "the answer is empty",
        "/hangs": "no answer from 127.0.0.1 within 0.5 seconds",
        "/half": "127.0.0.1 broke off in the middle of its answer",
        "/nowhere": "127.0.0.1 has no such page (404)",
        "http://127.0.0.1:1/refused": results["http://127.0.0.1:1/refused"].error,
        "ftp://127.0.0.1/feed": "only addresses that begin with http:// or https:// can be fetched",
        "http://[/": "only addresses that begin with http:// or https:// can be fetched",
        "http://nowhere.invalid/feed": results["http://nowhere.invalid/feed"].error,
        "/loop": "127.0.0.1 redirects more than 5 times",
        "/odd": "127.0.0.1 redirects to what is no web address",
        "/away": "127.0.0.1 has trouble of its own (503)",
        "/secret": "127.0.0.1 does not let us in (403)",
    }
    assert "cannot be reached" in results["http://127.0.0.1:1/refused"].error
    assert results["http://nowhere.invalid/feed"].error
    failures = [result.after for result in results.values() if result.error]
    assert all(after.failures == 1 and after.last_error and after.first_read_at is None for after in failures)


async def test_a_failure_keeps_what_was_known(site: Site) -> None:
    first = await read_one(source(site.put("/feed", RSS, etag='"1"')))
    site.put("/feed", "<html></html>")

    second = await read_one(first.after)

    assert (second.after.etag, second.after.body_hash) == ('"1"', first.after.body_hash)
    assert second.after.failures == 1


async def test_a_body_that_is_too_large_is_not_read_to_its_end(site: Site) -> None:
    bomb = gzip.compress(b" " * 20_000_000)
    plain, packed = await read(
        source(site.put("/plain", b" " * 200_000)),
        source(site.put("/packed", bomb, content_encoding="gzip")),
        max_bytes=100_000,
    )

    assert plain.error == packed.error == "127.0.0.1 sent more than 100,000 bytes"


async def test_a_packed_feed_is_unpacked(site: Site) -> None:
    result = await read_one(source(site.put("/feed", gzip.compress(RSS.encode()), content_encoding="gzip")))

    assert len(result.articles) == 3


async def test_a_large_feed_is_read_beside_the_loop(site: Site) -> None:
    text = RSS.replace("<item>", f"<!-- {'x' * 200_000} --><item>")

    assert len((await read_one(source(site.put("/feed", text)))).articles) == 3


@pytest.mark.parametrize("status", [301, 308])
async def test_a_source_that_moved_for_good_is_read_there_from_now_on(site: Site, status: int) -> None:
    there = site.put("/new", RSS)

    result = await read_one(source(site.redirect("/old", "/new", status=status)))

    assert result.after.url == there


async def test_only_what_moved_for_good_moves_the_address(site: Site) -> None:
    site.put("/new", RSS)
    site.redirect("/middle", "/new", status=302)
    page = site.redirect("/page", "/login")
    site.put("/login", "<html></html>")

    temporary = await read_one(source(site.redirect("/old", "/middle")))
    captive = await read_one(source(page))

    assert temporary.after.url == site.url + "/middle"
    assert captive.after.url == page


async def test_a_source_that_is_gone_is_switched_off(site: Site) -> None:
    result = await read_one(source(site.put("/feed", status=410)))

    assert not result.after.enabled
    assert "gone for good" in result.error


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured(site: Site, status: int) -> None:
    result = await read_one(source(site.put("/feed", status=status, retry_after="259200")))

    assert result.after.next_check_at == NOW + timedelta(days=3)


async def test_an_answer_that_cannot_be_read_keeps_us_away_as_long_as_it_says(site: Site) -> None:
    page = source(site.put("/page", "<!doctype html><p>Back soon", cache_control="max-age=10800"))
    missing = source(site.put("/missing", status=404, cache_control="max-age=10800"))
    endless = source(site.put("/endless", "<p>Never", cache_control="max-age=31536000"))

    results = [await read_one(given) for given in (page, missing, endless)]

    waits = [one.after.next_check_at - NOW for one in results if one.error and one.after.next_check_at]
    assert waits == [timedelta(hours=3), timedelta(hours=3), timedelta(days=1)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_never_fetched(site: Site, host: str) -> None:
    site.put("/feed", RSS)
    url = site.url.replace("127.0.0.1", host) + "/feed"

    result = await read_one(source(url), allow_hosts=())

    assert result.error
    assert site.asked == []


async def test_the_refusal_says_what_to_do(site: Site) -> None:
    result = await read_one(source(site.put("/feed", RSS)), allow_hosts=())

    assert result.error == (
        '127.0.0.1 is at a private address, which is never fetched (if it is your own, add "127.0.0.1" to '
        "allow_hosts in [gather])"
    )


async def test_a_redirect_does_not_lead_inside(site: Site) -> None:
    site.put("/feed", RSS)
    port = site.url.rpartition(":")[2]
    given = source(site.redirect("/out", f"http://localhost:{port}/feed"))

    result = await read_one(given)

    assert "private address" in result.error
    assert site.paths() == ["/out"]


async def test_a_host_is_allowed_by_its_port_alone(site: Site) -> None:
    given = source(site.put("/feed", RSS))

    allowed = await read_one(given, allow_hosts=(site.url.removeprefix("http://"),))
    other = await read_one(given, allow_hosts=("127.0.0.1:1",))

    assert (allowed.error, bool(other.error)) == ("", True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
        "nonsense",
    ],
)
def test_what_is_not_the_public_internet_is_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_the_public_internet_is_not_private(address: str) -> None:
    assert not is_private(address)


async def test_a_caller_may_stop_listening(site: Site) -> None:
    sources = [source(site.put(f"/{n}", RSS)) for n in range(6)] + [source(site.hang("/hangs"))]

    async with open_client(settings()) as client:
        results = gather(sources, client=client, now=NOW)
        first = await anext(results)
        await results.aclose()

    assert first.articles


async def test_no_sources_give_no_results() -> None:
    assert await read() == []
