"""What is stored of a source's events beside one whole list of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import NOW
from digest.domain import Article, Event, Source, SourceKind
from digest.store import Store, articles, listings, sources

UNTIL = NOW + timedelta(days=400)
EVENING = NOW + timedelta(days=20)


async def one_source(store: Store) -> Source:
    async with store.begin() as session:
        calendar = Source(url="https://a.example/c.ics", title="A", kind=SourceKind.CALENDAR)
        await sources.add(session, [calendar], now=NOW)
        (stored,) = await sources.all_of(session)
    return stored


def event(guid: str, *, at: datetime = EVENING, title: str = "", **values: Any) -> Article:
    chosen: dict[str, Any] = {
        "source_id": 1,
        "guid": guid,
        "url": "https://a.example/",
        "canonical_url": f"https://a.example/#{guid}",
        "title": title or f"Evening of {guid}",
        "seen_at": NOW,
        "event": Event(starts_at=at),
    }
    return Article(**(chosen | values))


async def listed(
    store: Store, source: Source, *found: Article, now: datetime = NOW, until: datetime = UNTIL
) -> int:
    """How many are withdrawn by a whole list of these."""
    mine = tuple(replace(one, source_id=source.id) for one in found)
    async with store.begin() as session:
        one = listings.Listing(source_id=source.id, articles=mine, until=until)
        gone = await listings.compare(session, [one], now=now)
        await articles.save(session, mine, now=now)
    return gone


async def stored(store: Store, source: Source) -> dict[str, bool]:
    """By guid, whether it is withdrawn."""
    async with store.read() as session:
        return {one.guid: one.is_withdrawn for one in await articles.newest_of(session, source.id, limit=99)}


async def test_what_a_whole_list_lacks_is_withdrawn_until_it_is_listed_again(store: Store) -> None:
    source = await one_source(store)
    await listed(store, source, event("a"), event("b"))

    assert await listed(store, source, event("a")) == 1
    assert await stored(store, source) == {"a": False, "b": True}
    assert await listed(store, source, event("a")) == 0
    assert await listed(store, source, event("a"), event("b")) == 0
    assert await stored(store, source) == {"a": False, "b": False}


async def test_a_reading_that_is_not_whole_brings_back_and_withdraws_nothing(store: Store) -> None:
    source = await one_source(store)
    await listed(store, source, event("a"), event("b"))
    await listed(store, source, event("a"))

    async with store.begin() as session:
        await articles.save(session, [event("b", source_id=source.id)], now=NOW)

    assert await stored(store, source) == {"a": False, "b": False}


async def test_what_is_over_or_beyond_the_list_stays(store: Store) -> None:
    source = await one_source(store)
    far, soon = event("far", at=NOW + timedelta(days=90)), event("soon", at=NOW + timedelta(hours=1))
    await listed(store, source, far, soon, event("a"))

    until = NOW + timedelta(days=60)
    assert await listed(store, source, event("a"), now=NOW + timedelta(hours=2), until=until) == 0

    assert await stored(store, source) == {"far": False, "soon": False, "a": False}


async def test_another_source_and_articles_that_are_no_events_stay(store: Store) -> None:
    source = await one_source(store)
    async with store.begin() as session:
        await sources.add(session, [Source(url="https://b.example/c.ics", title="B")], now=NOW)
        other = next(one for one in await sources.all_of(session) if one.title == "B")
        mine = event("news", source_id=source.id, event=None)
        await articles.save(session, [event("b", source_id=other.id), mine], now=NOW)

    assert await listed(store, source, event("a")) == 0
    assert await stored(store, other) == {"b": False}
    assert await stored(store, source) == {"a": False, "news": False}


async def test_uids_that_are_new_at_every_build_withdraw_and_double_nothing(store: Store) -> None:
    source = await one_source(store)
    nights = [EVENING + timedelta(days=7 * week) for week in range(3)]

    for build in range(3):
        found = [event(f"{build}-{at:%d%m}", at=at, title="Model night") for at in nights]
        assert await listed(store, source, *found) == 0

    assert await stored(store, source) == {f"2-{at:%d%m}": False for at in nights}


async def test_an_event_that_moves_under_a_new_uid_is_the_same_event(store: Store) -> None:
    source = await one_source(store)
    await listed(store, source, event("1", title="Model night"), event("2", title="Open day"))
    moved = EVENING + timedelta(days=3)

    gone = await listed(
        store, source, event("3", at=moved, title="Model night"), event("4", title="Open day")
    )

    async with store.read() as session:
        found = await articles.newest_of(session, source.id, limit=9)
    assert gone == 0
    starts = {one.title: one.event.starts_at for one in found if one.event}
    assert starts == {"Model night": moved, "Open day": EVENING}
    assert len(found) == 2


async def test_an_event_with_another_title_and_uid_at_its_address_is_the_same_event(store: Store) -> None:
    source = await one_source(store)
    await listed(store, source, event("1", title="Modle night", canonical_url="https://a.example/night"))

    gone = await listed(
        store, source, event("2", title="Model night", canonical_url="https://a.example/night")
    )

    assert (gone, await stored(store, source)) == (0, {"2": False})


async def test_a_date_of_a_series_that_goes_is_not_another_that_comes(store: Store) -> None:
    source = await one_source(store)
    first, second, third = (
        event(f"x {week}", at=EVENING + timedelta(days=7 * week), title="Model night") for week in range(3)
    )
    await listed(store, source, first, second)

    assert await listed(store, source, second, third) == 1

    assert await stored(store, source) == {"x 0": True, "x 1": False, "x 2": False}


@pytest.mark.parametrize("is_titled_anew", [False, True], ids=["same title", "same UID"])
async def test_a_series_that_moves_to_another_weekday_is_the_same_dates(
    store: Store, is_titled_anew: bool
) -> None:
    source = await one_source(store)
    at = [EVENING + timedelta(days=7 * week) for week in range(3)]
    moved = [each - timedelta(days=2) for each in at]
    title = "Model night, now on another day" if is_titled_anew else "Model night"
    uid = "x" if is_titled_anew else "y"
    await listed(store, source, *(event(f"x {one:%Y%m%dT%H%MZ}", at=one, title="Model night") for one in at))

    gone = await listed(
        store, source, *(event(f"{uid} {one:%Y%m%dT%H%MZ}", at=one, title=title) for one in moved)
    )

    async with store.read() as session:
        found = await articles.by_ids(session, range(1, 9))
    assert gone == 0
    assert [(one.id, one.event.starts_at) for one in found if one.event] == [
        *zip((1, 2, 3), moved, strict=True)
    ]


async def test_a_series_that_ends_is_not_the_one_of_its_name_elsewhere_or_later(store: Store) -> None:
    source = await one_source(store)
    at = [EVENING + timedelta(days=7 * week) for week in range(2)]
    await listed(store, source, *(event(f"x {one:%d}", at=one, title="Night") for one in at))
    elsewhere = [
        event(f"y {one:%d}", title="Night", event=Event(starts_at=one - timedelta(days=2), place="Oslo"))
        for one in at
    ]
    later = [event(f"z {one:%d}", title="Night", at=one + timedelta(days=60)) for one in at]

    assert await listed(store, source, *elsewhere, *later) == 2

    assert len(await stored(store, source)) == 6


async def test_a_new_name_that_something_past_had_is_left_to_that(store: Store) -> None:
    source = await one_source(store)
    past = event("a", at=NOW - timedelta(days=1), title="Model night")
    await listed(store, source, past)
    await listed(store, source, event("b", title="Model night"))

    gone = await listed(store, source, event("a", at=EVENING + timedelta(days=1), title="Model night"))

    assert gone == 1
    assert await stored(store, source) == {"a": False, "b": True}


async def test_rows_that_earlier_builds_left_behind_are_not_withdrawn_beside_their_event(
    store: Store,
) -> None:
    source = await one_source(store)
    async with store.begin() as session:
        left = [event(name, title="Model night", source_id=source.id) for name in ("1", "2")]
        await articles.save(session, left, now=NOW)

    assert await listed(store, source, event("3", title="Model night")) == 0
    assert await stored(store, source) == {"3": False, "2": False}
