"""Every source of the starter pack, served with its quirk from loopback: read twice, nothing doubled."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from digest.config import GatherSettings
from digest.domain import Gathered, Source, SourceKind
from digest.gather import gather, open_client, starter_pack
from digest.gather.presets import recipe_of
from digest.store import Store, articles, listings, sources
from sites import Site, open_site
from starter_sites import NOW, PLAIN, SERVED, Serving

PAGE = "<!doctype html><html><head><title>Just a moment…</title></head><body><p>One moment</p></body></html>"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


def path_of(source: Source) -> str:
    """Where the local server has this source: under the name of its host."""
    there = urlsplit(source.url)
    return f"/{there.netloc}{there.path}{f'?{there.query}' if there.query else ''}"


def serve(site: Site, number: int) -> list[Source]:
    """The whole pack, as built the first or the second time, every source switched on."""
    local: list[Source] = []
    for source in starter_pack():
        serving: Serving = SERVED.get(source.url, PLAIN)
        path = path_of(source)
        if serving.moved_to:
            site.redirect(path, f"{site.url}{serving.moved_to}")
        where = serving.moved_to or path
        site.put(where, serving.build(number), content_type=serving.content_type)
        # A preset goes by the address that the pack names.
        recipe = source.recipe or recipe_of(source.url)
        local.append(replace(source, url=site.url + path, recipe=recipe, enabled=True))
    return local


async def read_all(store: Store, now: datetime) -> list[Gathered]:
    """One gathering of everything that is stored, stored."""
    async with store.read() as session:
        every = await sources.all_of(session)
    settings = GatherSettings(allow_hosts=("127.0.0.1",), timeout_seconds=30)
    async with open_client(settings) as client:
        results = [got async for got in gather(every, client=client, now=now)]
    whole = [
        listings.Listing(source_id=got.source.id, articles=got.articles, until=got.whole_until)
        for got in results
        if got.whole_until
    ]
    async with store.begin() as session:
        await listings.compare(session, whole, now=now)
        await articles.save_all(session, [got.articles for got in results], now=now)
        await sources.learn(session, [(got.source, got.after) for got in results])
    return results


async def counts(store: Store) -> dict[str, int]:
    """How many articles each source has."""
    async with store.read() as session:
        every = await sources.all_of(session)
        return {one.title: len(await articles.newest_of(session, one.id, limit=3000)) for one in every}


async def withdrawn(store: Store) -> list[str]:
    """Titles of the events that vanished from their lists."""
    async with store.read() as session:
        return [
            article.title
            for source in await sources.all_of(session)
            for article in await articles.newest_of(session, source.id, limit=3000)
            if article.is_withdrawn
        ]


async def start(store: Store, site: Site) -> None:
    async with store.begin() as session:
        await sources.add(session, serve(site, 0), now=NOW)


def expected(*, builds: int) -> dict[str, int]:
    served = {source.title: SERVED.get(source.url, PLAIN) for source in starter_pack()}
    return {title: one.first + (one.more if builds > 1 else 0) for title, one in served.items()}


def test_every_quirk_belongs_to_a_source_of_the_pack() -> None:
    assert set(SERVED) <= {source.url for source in starter_pack()}


async def test_the_whole_pack_is_read_and_a_second_build_doubles_nothing(store: Store, site: Site) -> None:
    await start(store, site)

    first = await read_all(store, NOW)
    after_one = await counts(store)
    serve(site, 1)
    second = await read_all(store, NOW + timedelta(hours=6))

    assert {got.source.title: got.error for got in (*first, *second) if got.error} == {}
    assert after_one == expected(builds=1)
    assert await counts(store) == expected(builds=2)
    moved = {got.source.title for got in first if got.after.url != got.source.url}
    assert moved == {"Mistral AI", "vLLM"}
    assert {got.source.kind for got in second if got.whole_until} == {SourceKind.CALENDAR, SourceKind.JSON}
    assert await withdrawn(store) == []


async def test_a_web_page_with_status_200_is_no_source_of_the_pack_and_loses_nothing(
    store: Store, site: Site
) -> None:
    await start(store, site)
    await read_all(store, NOW)
    for path in [path_of(source) for source in starter_pack()]:
        site.put(path, PAGE, content_type="text/html")
    for serving in SERVED.values():
        if serving.moved_to:
            site.put(serving.moved_to, PAGE, content_type="text/html")

    results = await read_all(store, NOW + timedelta(hours=6))

    assert Counter(bool(got.error) for got in results) == {True: len(starter_pack())}
    assert await counts(store) == expected(builds=1)


def test_what_is_unofficial_or_doubtful_is_switched_off_and_says_why() -> None:
    off = {source.title: source for source in starter_pack() if not source.enabled}

    assert set(off) == {
        "Anthropic (volunteers' copy)",
        "WikiCFP: machine learning",
        "Linux Foundation Events",
        "Claude Community events",
        "The AI Collective events",
    }
    assert all(len(source.note) > 20 for source in off.values())


def test_kinds_of_the_pack_are_said_where_an_address_cannot_tell_them() -> None:
    kinds = Counter(source.kind for source in starter_pack())

    assert kinds == {SourceKind.FEED: 37, SourceKind.JSON: 5, SourceKind.CALENDAR: 5}
