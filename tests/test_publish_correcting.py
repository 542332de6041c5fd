"""What was sent is looked after for four weeks, on SQLite and PostgreSQL, with real pages on loopback."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from conftest import KEY, NOW
from digest.domain import Issue, PageCheck, Source
from digest.errors import NotFoundError, NothingToDoError, WrongStateError
from digest.publish import (
    Hand,
    approve,
    cancel,
    desk,
    draft,
    drop_correction,
    edit,
    gather_sources,
    keep_correction,
    recompose,
    replay,
    send,
)
from digest.store import Store, decisions, issues, page_checks, sources
from weeks import Week, open_week

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
TITLES = {
    "drones": "Porto tests harbour drones",
    "copper": "Copper prices climb in Santiago",
    "violins": "Violins outlive their makers",
}


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with open_week(database_url, tmp_path) as opened:
        await opened.add_reader("ada@example.org")
        publish(opened, TITLES)
        for name in TITLES:
            opened.site.put(f"/pages/{name}", "a page")
        await make(opened)
        yield opened


def publish(week: Week, titles: dict[str, str], *, folder: str = "/pages", **more: str) -> None:
    """The feed with these titles, on pages of the site itself; `more` is first seen now."""
    told = "".join(
        f"<item><title>{title}</title><guid>{name}</guid><link>{week.site.url}{folder}/{name}</link>"
        f"<description>{f'What is known of {title}, which is a good deal. ' * 8}</description>"
        f"<pubDate>{format_datetime(week.clock.now - HOUR)}</pubDate></item>"
        for name, title in {**titles, **more}.items()
    )
    week.site.put("/news.xml", f'<rss version="2.0"><channel><title>The Wire</title>{told}</channel></rss>')


async def make(week: Week, *, is_sent: bool = True) -> Issue:
    """The next issue, gathered, drafted and sent."""
    await gather_sources(week.house, now=week.clock(), everything=True)
    issue = await draft(week.house, KEY, now=week.clock())
    if not is_sent:
        return issue
    issue = await approve(week.house, issue, by="test", now=week.clock())
    week.clock.now = issue.due_at
    return (await send(week.house, issue, clock=week.clock)).issue


async def gather(week: Week, span: timedelta) -> None:
    """Let time pass, and gather."""
    week.clock.pass_by(span)
    await gather_sources(week.house, now=week.clock(), everything=True)


def told(issue: Issue) -> list[tuple[int, str, str]]:
    return [(one.number, one.title, one.new_title) for one in issue.content.corrections]


def hand(week: Week) -> Hand:
    return Hand(by="mette", at=week.clock())


async def test_a_title_that_changed_after_it_was_sent_is_told_once_and_never_again(week: Week) -> None:
    changed = TITLES | {"drones": "Porto tests no drones", "copper": "COPPER prices climb in Santiago!"}

    publish(week, changed, ferries="Ferries cross without captains")
    second = await make(week)
    publish(week, changed, owls="Owls nest inside stadiums")
    third = await make(week)

    assert told(second) == [(1, "Porto tests harbour drones", "Porto tests no drones")]
    assert told(third) == []
    (mail,) = week.mails_to("ada@example.org")[1:2]
    body = mail.get_body(("plain",))
    assert body is not None
    words = " ".join(body.get_content().split())
    assert (
        "In No. 1 we told “Porto tests harbour drones”; its source now says “Porto tests no drones”." in words
    )


async def new_week(week: Week, **titles: str) -> None:
    publish(week, TITLES | titles, ferries="Ferries cross without captains")


async def test_a_page_is_gone_when_404_is_seen_twice_and_back_when_it_is_there(week: Week) -> None:
    await new_week(week)
    del week.site.answers["/pages/drones"]

    await gather(week, 30 * HOUR)
    once = await draft(week.house, KEY, now=week.clock())
    await gather(week, HOUR)
    at_once = await draft(week.house, KEY, now=week.clock())
    await gather(week, 6 * HOUR)
    twice = await draft(week.house, KEY, now=week.clock())
    week.site.put("/pages/drones", "here again")
    await gather(week, 30 * HOUR)
    back = await draft(week.house, KEY, now=week.clock())

    assert (told(once), told(at_once), told(back)) == ([], [], [])
    assert told(twice) == [(1, "Porto tests harbour drones", "")]


async def test_nothing_is_asked_twice_whatever_restarts(week: Week) -> None:
    week.site.put("/pages/drones", status=410)

    for _ in range(3):
        await gather(week, HOUR)
    asked = [path for path in week.site.paths() if path.startswith("/pages/")]

    assert sorted(asked) == [f"/pages/{name}" for name in sorted(TITLES)]
    async with week.house.store.read() as session:
        kept = await page_checks.of_articles(session, range(20))
    assert sorted(one.status for one in kept.values() if one.status) == [200, 200, 410]


async def test_a_miss_at_an_address_that_the_source_gave_up_does_not_count(week: Week) -> None:
    await new_week(week)
    del week.site.answers["/pages/drones"]
    await gather(week, 30 * HOUR)
    publish(week, TITLES, folder="/moved", ferries="Ferries cross without captains")
    await gather(week, 7 * HOUR)

    once = await draft(week.house, KEY, now=week.clock())
    await gather(week, 7 * HOUR)
    twice = await draft(week.house, KEY, now=week.clock())

    assert "/moved/drones" in week.site.paths()
    assert told(once) == []
    assert {title for _number, title, _new in told(twice)} == set(TITLES.values())


async def test_a_source_that_is_switched_off_is_not_asked_for_pages(week: Week) -> None:
    async with week.house.store.begin() as session:
        for one in await sources.all_of(session):
            await sources.change(session, one, replace(one, enabled=False))
    week.site.asked.clear()

    await gather(week, 30 * HOUR)

    assert week.site.paths() == []


async def test_an_article_that_is_removed_while_its_page_is_asked_for_does_no_harm(store: Store) -> None:
    gone = PageCheck(article_id=999, url="https://a.example/1", asked_at=NOW, status=410, is_gone=True)

    async with store.begin() as session:
        await page_checks.keep(session, gone)
        kept = await page_checks.of_articles(session, [999])

    assert kept == {}


async def test_no_more_than_forty_pages_are_asked_for_at_a_time(tmp_path: Path) -> None:
    many = {"max_stories": 60, "max_per_source": 50}
    async with open_week(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path, newsletter=many) as week:
        await week.add_reader("ada@example.org")
        publish(week, {f"p{number}": f"a{number}a b{number}b c{number}c d{number}d" for number in range(45)})
        await make(week)
        week.site.asked.clear()

        asked = []
        for _ in range(3):
            await gather(week, HOUR)
            asked.append(sum(path.startswith("/pages/") for path in week.site.paths()))

    # The week's other two stories, whose pages are nobody's, may be among the first forty.
    assert 38 <= asked[0] <= 40
    assert asked[1:] == [45, 45]


async def test_what_was_sent_long_ago_is_left_alone_but_for_the_last_issue(week: Week) -> None:
    await new_week(week)
    await make(week)
    week.clock.pass_by(5 * WEEK)
    publish(week, TITLES | {"drones": "No drones"}, ferries="No ferries", owls="Owls nest inside stadiums")

    issue = await make(week, is_sent=False)

    assert told(issue) == [(2, "Ferries cross without captains", "No ferries")]


async def test_a_dropped_correction_is_never_proposed_again_unless_it_is_kept_or_forgotten(
    week: Week,
) -> None:
    await new_week(week, drones="Porto tests no drones")
    issue = await make(week, is_sent=False)
    (one,) = (await desk(week.house, issue)).corrections

    dropped = await drop_correction(week.house, issue, one.key, hand(week))
    dropped = await drop_correction(week.house, dropped, one.key, hand(week))
    again = await draft(week.house, KEY, now=week.clock())
    kept = await keep_correction(week.house, again, one.key, hand(week))
    twice = await keep_correction(week.house, kept, one.key, hand(week))
    with pytest.raises(NotFoundError, match="no such correction"):
        await drop_correction(week.house, kept, "another", hand(week))
    assert twice.revision == kept.revision
    await drop_correction(week.house, kept, one.key, hand(week))
    async with week.house.store.begin() as session:
        (decision,) = await decisions.all_of(session, KEY)
        await decisions.remove(session, KEY, [decision.id])
    forgotten = await draft(week.house, KEY, now=week.clock())

    assert [len(each.content.corrections) for each in (issue, dropped, again, kept, forgotten)] == [
        1,
        0,
        0,
        1,
        1,
    ]
    assert decision.words.startswith("No. 1 told “Porto tests harbour drones”")


async def test_a_headline_that_is_tested_in_variants_is_proposed_once(week: Week) -> None:
    one, other = "Porto tests harbour drones", "Drones that nobody flies"
    issues_made = []
    for number, title in enumerate((other, one, other, one)):
        week.site.put(f"/pages/ferry{number}", "a page")
        publish(week, TITLES | {"drones": title}, **{f"ferry{number}": f"Ferry {number} crosses alone"})
        issues_made.append(await make(week))

    assert [told(issue) for issue in issues_made] == [[(1, one, other)], [], [], []]


async def test_a_title_that_flips_before_anything_is_told_is_not_proposed(week: Week) -> None:
    for title in ("Drones that nobody flies", TITLES["drones"], "Drones that nobody flies"):
        publish(week, TITLES | {"drones": title}, ferries="Ferries cross without captains")
        await gather(week, HOUR)

    issue = await make(week, is_sent=False)

    assert told(issue) == []


async def test_each_correction_is_decided_on_its_own_and_a_draft_made_again_keeps_them(week: Week) -> None:
    await new_week(week, drones="Porto tests no drones", copper="Copper falls", violins="Violas")
    issue = await make(week, is_sent=False)
    one, other, _third = issue.content.corrections
    for each in (one, other):
        issue = await drop_correction(week.house, issue, each.key, hand(week))

    kept = await keep_correction(week.house, issue, one.key, hand(week))
    again = await draft(week.house, KEY, now=week.clock())
    beside = await desk(week.house, again)

    assert other not in kept.content.corrections
    assert len(kept.content.corrections) == 2
    assert again.content.corrections == kept.content.corrections
    assert (len(beside.corrections), beside.uncorrected) == (3, frozenset({other.key}))


async def test_a_dropped_correction_stays_away_from_the_issues_after(week: Week) -> None:
    await new_week(week, drones="Porto tests no drones")
    issue = await make(week, is_sent=False)
    await drop_correction(week.house, issue, issue.content.corrections[0].key, hand(week))
    await make(week)
    publish(week, TITLES | {"drones": "PORTO tests no drones"}, owls="Owls nest inside stadiums")

    third = await make(week, is_sent=False)
    with pytest.raises(WrongStateError, match="not a draft"):
        await drop_correction(week.house, await by_number(week, 2), "any", hand(week))

    assert third.number == 3
    assert told(third) == []


async def by_number(week: Week, number: int) -> Issue:
    async with week.house.store.read() as session:
        return await issues.by_number(session, KEY, number)


async def test_what_a_cancelled_issue_would_have_corrected_is_proposed_again(week: Week) -> None:
    await new_week(week, drones="Porto tests no drones")
    issue = await make(week, is_sent=False)
    await cancel(week.house, issue, reason="a test", by="test", now=week.clock())
    week.clock.pass_by(WEEK)

    again = await make(week, is_sent=False)

    assert told(again) == told(issue) != []


async def test_another_article_under_the_number_of_a_removed_one_is_no_correction(week: Week) -> None:
    async with week.house.store.begin() as session:
        await sources.remove(session, [one.id for one in await sources.all_of(session)])
        again = Source(url=f"{week.site.url}/news.xml", title="Another", section="news")
        await sources.add(session, [again], now=week.clock())
    publish(week, {name: f"Another {number}" for number, name in enumerate("abcd")})
    week.clock.pass_by(HOUR)

    issue = await make(week, is_sent=False)

    assert issue.content.stories
    assert told(issue) == []


async def test_there_is_no_issue_of_corrections_alone(week: Week) -> None:
    publish(week, TITLES | {"drones": "Porto tests no drones"})
    week.clock.pass_by(HOUR)

    with pytest.raises(NothingToDoError):
        await make(week)


async def test_an_issue_with_corrections_is_replayed_to_the_byte_before_and_after_edits(week: Week) -> None:
    await new_week(week, drones="Porto tests no drones", copper="Copper falls")
    first = await replay(week.house, await by_number(week, 1))
    issue = await make(week, is_sent=False)
    drafted = await replay(week.house, issue)
    noted = await recompose(week.house, issue, hand(week), what="changed the note", note="Dear all")
    dropped = await drop_correction(week.house, noted, noted.content.corrections[0].key, hand(week))
    edited = await replay(week.house, dropped)
    sent = await make(week)
    new = {"drones": "Third", "copper": "Fourth"}
    await new_week(week, **new)
    await gather(week, HOUR)
    last = await replay(week.house, sent)

    assert [each.is_same for each in (first, drafted, edited, last)] == [True] * 4
    assert len(noted.content.corrections) == 2
    assert len(dropped.content.corrections) == 1


async def test_an_editors_own_title_is_no_reason_for_a_correction(week: Week) -> None:
    await new_week(week)
    second = await make(week, is_sent=False)
    (story,) = second.content.stories
    await edit(week.house, second, story.rewritten(title="Mine"), hand(week), what="rewrote")
    second = await approve(week.house, await by_number(week, 2), by="test", now=week.clock())
    week.clock.now = second.due_at
    await send(week.house, second, clock=week.clock)

    publish(week, TITLES, ferries="Ferries cross, without captains", owls="Owls nest inside stadiums")
    dressed = await make(week, is_sent=False)
    publish(week, TITLES, ferries="Ferries do not cross", owls="Owls nest inside stadiums")
    another = await make(week, is_sent=False)

    assert told(dressed) == []
    assert told(another) == [(2, "Mine", "Ferries do not cross")]


async def test_a_story_that_comes_back_from_another_address_is_not_told_again(week: Week) -> None:
    publish(week, {"violins-2": TITLES["violins"], "glaciers": "Glaciers retreat past Ilulissat"})

    issue = await make(week, is_sent=False)

    assert [story.title for story in issue.content.stories] == ["Glaciers retreat past Ilulissat"]
    held = (await desk(week.house, issue)).held
    assert [(story.title, story.reasons[-1].rule) for story in held] == [(TITLES["violins"], "story.told")]
    assert (await replay(week.house, issue)).is_same
