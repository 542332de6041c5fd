"""Topics that readers chose, from the feeds to the mails, on SQLite and PostgreSQL."""

import csv
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import case, event, select, update

from conftest import KEY, settings_for
from digest import subscribe
from digest.domain import Choice, Issue, Subscription
from digest.house import House
from digest.publish import addressing, approve, bytes_for, draft, gather_sources, send
from digest.publish.replaying import replay
from digest.store import deliveries, renderings, subscribers
from digest.store.audience import choice_in
from digest.store.reader_tables import SubscriberRow, SubscriptionRow
from digest.store.tables import DeliveryRow
from topics import AGENTS, CHIPS, PLAIN, TOPICS
from weeks import Week, open_week

TITLES = (AGENTS, CHIPS, PLAIN)


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with open_week(database_url, tmp_path, newsletter={"topics": TOPICS}) as opened:
        opened.publish("/news.xml", *TITLES)
        opened.site.put("/lessons.xml", "<rss version='2.0'><channel><title>Lessons</title></channel></rss>")
        yield opened


async def reader(week: Week, name: str, *topics: str, sections: tuple[str, ...] = ()) -> Subscription:
    """A confirmed reader who chose these topics, as the database has them."""
    person = await week.add_reader(f"{name}@example.org")
    async with week.house.store.begin() as session:
        there = await subscribers.subscription(session, KEY, person.id)
        assert there is not None
        chosen = replace(there, topics=topics, sections=sections)
        await subscribers.save(session, chosen)
    return chosen


async def approved(week: Week, *, house: House | None = None) -> Issue:
    await gather_sources(week.house, now=week.clock())
    issue = await draft(week.house, KEY, now=week.clock())
    return await approve(house or week.house, issue, by="test", now=week.clock())


def told(week: Week, name: str) -> list[str]:
    """The titles in the one mail that they got, which HTML and text agree on."""
    (mail,) = week.mails_to(f"{name}@example.org")
    html, text = (mail.get_body([kind]).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert [title for title in TITLES if title in html] == [title for title in TITLES if title in text]
    return [title for title in TITLES if title in html]


async def test_each_reader_gets_the_stories_of_their_topics_and_those_of_none(week: Week) -> None:
    chosen = {
        "ada": await reader(week, "ada", "agents"),
        "bo": await reader(week, "bo", "chips", sections=("news", "events")),
        "cy": await reader(week, "cy"),
        "di": await reader(week, "di", "law"),
        "ed": await reader(week, "ed", "agents", sections=("events",)),
    }
    before = await draft_of(week)
    previews = {name: await bytes_for(week.house, before, chosen[name]) for name in ("ada", "bo", "cy")}

    issue = await approve(week.house, before, by="test", now=week.clock())
    report = await send(week.house, issue, clock=week.clock)

    assert told(week, "ada") == [AGENTS, PLAIN]
    assert told(week, "bo") == [CHIPS, PLAIN]
    assert told(week, "cy") == [AGENTS, CHIPS, PLAIN]
    assert told(week, "di") == [PLAIN]
    assert report.excluded == {"nothing in the sections and topics they chose": 1}
    assert (report.audience, report.missing) == (5, 0)
    for name, preview in previews.items():
        frozen = await bytes_for(week.house, report.issue, chosen[name])
        (sent,) = [one.data for one in week.mail.mails if one.recipient == f"{name}@example.org"]
        assert frozen == sent
        assert body_of(preview) == body_of(sent)


async def draft_of(week: Week) -> Issue:
    await gather_sources(week.house, now=week.clock())
    return await draft(week.house, KEY, now=week.clock())


def body_of(data: bytes) -> bytes:
    """What stands below the headers, of which `Date` is the sending's."""
    return data.partition(b"\r\n\r\n")[2]


async def test_equal_editions_are_rendered_once_and_held_once(week: Week) -> None:
    await reader(week, "ada", "law")
    await reader(week, "bo", "law", sections=("news",))
    await reader(week, "cy", "law", sections=("learnings", "news"))

    issue = await approved(week)

    async with week.house.store.read() as session:
        frozen = await renderings.of_issue(session, issue.id)
    assert {"~law", "news~law", "learnings,news~law"} < set(frozen)
    assert len({id(frozen[key]) for key in frozen if key.endswith("~law")}) == 1


async def test_a_preview_of_an_approved_issue_loads_the_one_edition_that_it_shows(week: Week) -> None:
    ada = await reader(week, "ada", "agents")
    await reader(week, "bo", "chips")
    issue = await approved(week)
    asked: list[str] = []
    engine = week.house.store.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    shown = await bytes_for(week.house, issue, ada)

    (texts,) = [statement for statement in asked if "rendering.html" in statement]
    assert "rendering.choice =" in texts
    report = await send(week.house, issue, clock=week.clock)
    assert report.states["sent"] == 2
    (sent,) = [one.data for one in week.mail.mails if one.recipient == "ada@example.org"]
    assert body_of(shown) == body_of(sent)


async def test_a_topic_that_was_removed_counts_for_nothing(week: Week, tmp_path: Path) -> None:
    await reader(week, "ada", "gone")
    await reader(week, "bo", "chips", "gone")
    await reader(week, "cy", "chips")
    fewer = {key: one for key, one in TOPICS.items() if key != "chips"}
    url = week.house.settings.database.get_secret_value()
    settings = settings_for(url, tmp_path, newsletter={"topics": fewer}, smtp=week.house.settings.smtp)
    house = replace(week.house, settings=settings)

    issue = await approved(week, house=house)
    await send(house, issue, clock=week.clock)

    assert [told(week, name) for name in ("ada", "bo", "cy")] == [list(TITLES)] * 3


async def test_topics_are_the_readers_in_the_ledger_and_in_a_replay(week: Week) -> None:
    there = await reader(week, "ada", "agents", "chips", sections=("news",))
    issue = await approved(week)

    async with week.house.store.read() as session:
        (delivery,) = await deliveries.of_reader(session, there.subscriber.id)
    assert Choice.parse(delivery.choice).topics == ("agents", "chips")
    assert (await replay(week.house, issue)).is_same


async def test_more_editions_than_are_held_encoded_are_sent_all_the_same(
    week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addressing, "MOST_COMPILED", 1)
    for number in range(4):
        await reader(week, f"a{number}", "agents")
        await reader(week, f"c{number}", "chips")

    await send(week.house, await approved(week), clock=week.clock)

    for number in range(4):
        assert told(week, f"a{number}") == [AGENTS, PLAIN]
        assert told(week, f"c{number}") == [CHIPS, PLAIN]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "news",
        "~agents",
        "events,news~agents,law",
        "news@Asia/Tokyo",
        "~law@Asia/Tokyo!3!12(news~law)!14",
        "!3",
    ],
)
def test_a_choice_and_its_key_are_one(key: str) -> None:
    assert Choice.parse(key).key == key


@pytest.mark.parametrize("odd", ["~", "~~", "a~b~c", "~,", ",~,", "~@", "~~law"])
def test_an_odd_choice_that_is_stored_is_read_all_the_same(odd: str) -> None:
    assert Choice.parse(odd).had == ()


async def test_topics_and_clocks_go_together(week: Week) -> None:
    there = await reader(week, "ada", "agents", sections=("news",))
    async with week.house.store.begin() as session:
        await subscribers.rename(session, replace(there.subscriber, zone="Asia/Tokyo"))
        key = await session.scalar(
            select(choice_in(session, (3,), ("Asia/Tokyo",)))
            .select_from(SubscriptionRow)
            .join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        )

    assert key == "news~agents@Asia/Tokyo"


async def test_what_a_copy_told_is_known_where_a_reader_chose_less_then(week: Week) -> None:
    there = {name: await reader(week, name, "agents", sections=("news",)) for name in ("ada", "bo", "cy")}
    issue = await approved(week)
    await send(week.house, issue, clock=week.clock)

    async with week.house.store.begin() as session:
        more = case((DeliveryRow.subscriber_id == there["cy"].subscriber.id, "!7(~a)"), else_="@Asia/Tokyo!7")
        await session.execute(update(DeliveryRow).values(choice=DeliveryRow.choice + more))
        await subscribers.save(session, replace(there["bo"], topics=("agents", "chips")))
        await subscribers.save(session, replace(there["cy"], sections=(), topics=()))
        keys = await session.scalars(
            select(choice_in(session, (issue.id, 99), ())).order_by(SubscriptionRow.subscriber_id)
        )

    assert list(keys) == [
        f"news~agents!{issue.id}",
        f"news~agents,chips!{issue.id}(news~agents)",
        f"!{issue.id}(news~agents)",
    ]


async def test_topics_come_in_by_csv_and_go_out_again_and_unknown_ones_are_passed_over(week: Week) -> None:
    rows = (
        "email,sections,topics",
        "ada@example.org,news,chips agents",
        "bo@example.org,,gone;CHIPS",
        "cy@example.org,,'; drop table",
        "di@example.org,,agents chips law",
    )
    data = "\n".join(rows).encode()

    report = await subscribe.import_csv(
        week.house, KEY, data, confirmed=True, basis="moved", now=week.clock()
    )

    assert (report.added, report.refused) == (4, ())
    lines = [line async for line in subscribe.export_csv(week.house, KEY)]
    found = {row["email"]: row["topics"] for row in csv.DictReader(lines)}
    assert [found[f"{name}@example.org"] for name in ("ada", "bo", "cy", "di")] == [
        "agents chips",
        "chips",
        "",
        "",
    ]
