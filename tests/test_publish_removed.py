"""Sources that are removed: what issues told of them stays told, and nothing else takes its number."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from conftest import KEY, NOW
from digest.domain import Article, Issue, Source, Subscriber, Subscription, SubscriptionState
from digest.house import House
from digest.publish import Hand, approve, draft, edit
from digest.publish.editions import told_by_both
from digest.store import articles, issues, items, schema, sources, subscribers

DAY = timedelta(days=1)
HAND = Hand(by="test", at=NOW)
WORDS = {
    "bridge": "Aarhus opens its new bridge to cyclists",
    "storm": "Storm floods harbour warehouses overnight",
    "library": "Library lends telescopes to schoolchildren",
    "ferry": "Electric ferry begins daily crossings",
}


async def gathered(house: House, url: str, *names: str, at: datetime) -> int:
    """The id of the source at `url`, there with articles of these names, first seen then."""
    async with house.store.begin() as session:
        there = {one.url: one.id for one in await sources.all_of(session)}
        if url not in there:
            await sources.add(session, [Source(url=url, title=url, section="news")], now=at)
            there = {one.url: one.id for one in await sources.all_of(session)}
        await articles.save(session, [_article(there[url], name, at) for name in names], now=at)
    return there[url]


def _article(source_id: int, name: str, at: datetime) -> Article:
    url = f"https://papers.example/{name}"
    return Article(
        source_id=source_id,
        guid=name,
        url=url,
        canonical_url=url,
        title=WORDS[name],
        summary=f"{WORDS[name]}, and that is all there is to say of it.",
        published_at=at,
        seen_at=at,
    )


async def removed(house: House, source_id: int) -> None:
    async with house.store.begin() as session:
        await sources.remove(session, [source_id])


async def made(house: House, now: datetime) -> Issue:
    """The issue due then, let go to one reader."""
    async with house.store.begin() as session:
        person = Subscriber(email="ada@example.org")
        ada = await subscribers.add(session, person, email_hash=house.email_hash(person.email), now=NOW)
        subscription = Subscription(
            subscriber=ada,
            newsletter=KEY,
            state=SubscriptionState.CONFIRMED,
            requested_at=NOW,
            confirmed_at=NOW,
        )
        await subscribers.save(session, subscription)
    return await approve(house, await draft(house, KEY, now=now, due_at=now), by="test", now=now)


def titles(issue: Issue) -> set[str]:
    return {story.title for story in issue.content.stories}


async def test_no_article_gets_the_number_of_one_that_was_removed(house_on_each: House) -> None:
    first = await gathered(house_on_each, "https://a.example/feed", "bridge", "storm", at=NOW)
    sent = await made(house_on_each, NOW + DAY)
    await removed(house_on_each, first)
    await gathered(house_on_each, "https://b.example/feed", "library", "ferry", at=NOW + 2 * DAY)

    later = await made(house_on_each, NOW + 3 * DAY)

    assert titles(later) == {WORDS["library"], WORDS["ferry"]}
    assert told_by_both(later.content, sent.content) == frozenset()


async def test_what_was_told_is_not_told_again_when_its_source_is_removed_and_added(
    house_on_each: House,
) -> None:
    first = await gathered(house_on_each, "https://a.example/feed", "bridge", "storm", at=NOW)
    await made(house_on_each, NOW + DAY)
    await removed(house_on_each, first)
    await gathered(house_on_each, "https://a.example/feed", "bridge", "storm", "ferry", at=NOW + 2 * DAY)

    later = await made(house_on_each, NOW + 3 * DAY)

    assert titles(later) == {WORDS["ferry"]}


async def test_a_draft_is_edited_though_a_source_of_it_was_removed(house_on_each: House) -> None:
    first = await gathered(house_on_each, "https://a.example/feed", "bridge", at=NOW)
    issue = await draft(house_on_each, KEY, now=NOW + DAY, due_at=NOW + DAY)
    await removed(house_on_each, first)

    (story,) = issue.content.stories
    edited = await edit(house_on_each, issue, replace(story, title="A bridge"), HAND, what="rewrote it")
    await approve(house_on_each, edited, by="test", now=NOW + DAY)
    await gathered(house_on_each, "https://a.example/feed", "bridge", "ferry", at=NOW + 2 * DAY)
    later = await made(house_on_each, NOW + 3 * DAY)

    assert titles(edited) == {"A bridge"}
    assert titles(later) == {WORDS["ferry"]}


async def test_an_older_database_keeps_its_articles_and_gives_no_number_again(house_on_each: House) -> None:
    first = await gathered(house_on_each, "https://a.example/feed", "bridge", "storm", at=NOW)
    second = await gathered(house_on_each, "https://b.example/feed", "library", at=NOW)
    sent = await made(house_on_each, NOW + DAY)
    store = house_on_each.store
    async with store.begin() as session:
        row = "(1, 'https://papers.example/bridge', '2026-08-21 18:00:00', 200, '', '', NULL, FALSE)"
        await session.execute(text(f"INSERT INTO page_check VALUES {row}"))
    await schema.downgrade(store, "0012")
    await removed(house_on_each, second)

    await schema.upgrade(store)

    async with store.read() as session:
        kept = await articles.by_ids(session, range(1, 10))
        told = await items.addresses_told(session, KEY)
        checks = await session.scalar(text("SELECT count(*) FROM page_check"))
        stored = await issues.get(session, sent.id)
    assert [(one.id, one.guid, one.source_id) for one in kept] == [(1, "bridge", first), (2, "storm", first)]
    assert told == {"https://papers.example/bridge", "https://papers.example/storm"}
    assert (checks, stored.content) == (1, sent.content)
    assert await schema.differences(store) == []
    await gathered(house_on_each, "https://c.example/feed", "ferry", at=NOW + 2 * DAY)
    async with store.read() as session:
        (new,) = [one for one in await articles.by_ids(session, range(1, 10)) if one.guid == "ferry"]
    assert new.id > max(number for story in sent.content.stories for number in story.article_ids)
