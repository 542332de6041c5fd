"""One owner's four sites are one voice, from their feeds to the mail."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from conftest import KEY, NOW
from digest.domain import Cadence, Issue, Source, Story, Subscription, SubscriptionState
from digest.publish import approve, draft, draft_month, gather_sources, message_for, sample_reader
from digest.store import sources, subscribers
from weeks import Week, open_week

#: Written by all four of an owner's sites, and by one other paper.
SHARED = "Harbour tunnel opens after nine years of digging"
SITES = ("halden-one", "halden-two", "halden-three", "halden-four")
OWN = (
    "Orchard robots pick cherries by moonlight",
    "Museum finds Roman lamp under car park",
    "Glacier survey maps hidden valleys",
    "Choir records album inside lighthouse",
    "Bakers revive forgotten rye from seed bank",
    "Cyclists get priority across river crossings",
    "Beekeepers count record swarms this spring",
    "Village school wins national chess final",
)


def feed(name: str, *titles: str) -> str:
    items = "".join(
        f"<item><title>{title}</title><link>https://{name}.example/{title.split()[0].lower()}</link>"
        f"<description>{title}. {title.split()[0]} readers were told of it in plain words on Friday."
        f"</description><pubDate>{format_datetime(NOW - timedelta(hours=9))}</pubDate></item>"
        for title in titles
    )
    return f'<rss version="2.0"><channel><title>{name}</title>{items}</channel></rss>'


@pytest.fixture
async def week(tmp_path: Path) -> AsyncIterator[Week]:
    """Four sites of one owner with two stories of their own each, and two papers; all tell one story too."""
    caps = {"max_per_source": 3, "max_stories": 20}
    async with open_week(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path, newsletter=caps) as opened:
        site = opened.site
        for number, name in enumerate(SITES):
            site.put(f"/{name}.xml", feed(name, SHARED, *OWN[2 * number : 2 * number + 2]))
        site.put("/tide.xml", feed("tide", SHARED))
        site.put("/quay.xml", feed("quay", "Ferry timetable grows for summer visitors"))
        async with opened.house.store.begin() as session:
            await sources.remove(session, [one.id for one in await sources.all_of(session)])
            family = [
                Source(url=f"{site.url}/{name}.xml", title=name, section="news", owner="Halden Media ")
                for name in SITES[:3]
            ]
            family.append(
                Source(url=f"{site.url}/{SITES[3]}.xml", title=SITES[3], section="news", owner="halden media")
            )
            others = [
                Source(url=f"{site.url}/{name}.xml", title=name, section="news") for name in ("tide", "quay")
            ]
            await sources.add(session, [*family, *others], now=NOW)
        await opened.add_reader("ada@example.org")
        await gather_sources(opened.house, now=opened.clock())
        yield opened


async def drafted(week: Week) -> Issue:
    return await draft(week.house, KEY, now=week.clock())


def of_family(issue: Issue) -> list[Story]:
    return [story for story in issue.content.stories if story.source in SITES]


async def test_four_sites_of_one_owner_share_the_room_of_one(week: Week) -> None:
    issue = await drafted(week)

    shared = [one for one in issue.content.stories if one.title == SHARED]
    assert len(shared) == 1
    assert len([one for one in of_family(issue) if one not in shared]) <= 3
    assert {"Ferry timetable grows for summer visitors"} <= {one.title for one in issue.content.stories}


async def test_what_four_sites_of_one_owner_and_a_paper_tell_is_told_by_two(week: Week) -> None:
    (shared,) = [one for one in (await drafted(week)).content.stories if one.title == SHARED]

    (voices,) = [each for each in shared.reasons if each.rule.endswith("voices")]
    assert "2 independent owners" in voices.words
    assert len(shared.also) == 1
    assert len({"tide", *SITES} & {shared.source, *shared.also}) == 2
    assert "tide" in {shared.source, *shared.also}


async def test_the_mail_names_an_owner_once_beside_a_story(week: Week) -> None:
    issue = await approve(week.house, await drafted(week), by="test", now=week.clock())

    mail = await message_for(week.house, issue, sample_reader(KEY))

    (also,) = [line for line in mail.text.splitlines() if "also in" in line.lower()]
    assert "tide" in also
    assert sum(name in also for name in SITES) == 1


async def test_only_who_has_one_story_in_the_week_is_lifted_for_being_rare(week: Week) -> None:
    issue = await drafted(week)

    rare = {
        story.source: each.value
        for story in issue.content.stories
        for each in story.reasons
        if each.rule.endswith("rarity") and story.title != SHARED
    }
    assert rare["quay"] is not None
    assert all((rare[one] or 0) < rare["quay"] for one in rare if one in SITES)
    assert set(rare) & set(SITES)


async def test_the_issue_of_the_month_holds_an_owner_to_the_same_room(week: Week) -> None:
    async with week.house.store.begin() as session:
        (reader,) = [one async for page in subscribers.pages(session, KEY, state=None) for one in page]
        monthly = Subscription(
            subscriber=reader.subscriber,
            newsletter=KEY,
            state=SubscriptionState.CONFIRMED,
            cadence=Cadence.MONTHLY,
            requested_at=NOW,
            confirmed_at=NOW,
        )
        await subscribers.save(session, monthly)
    first = await approve(week.house, await drafted(week), by="test", now=week.clock())
    for number, name in enumerate(SITES):
        week.site.put(f"/{name}.xml", feed(name, f"{OWN[number].split()[0]} news from {name} again"))
    week.clock.pass_by(timedelta(days=6))
    await gather_sources(week.house, now=week.clock(), everything=True)
    second = await approve(week.house, await drafted(week), by="test", now=week.clock())

    month = await draft_month(week.house, KEY, now=week.clock())

    assert len({*of_family(first), *of_family(second)}) > 3
    assert 0 < len(of_family(month)) <= 3
