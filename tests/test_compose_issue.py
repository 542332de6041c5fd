"""One issue out of articles: the window, the caps, what an editor fixed, and that it is a function."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles import NOW, SINCE, UNTIL, article, event, issue, moved, plan, source, sources
from digest.compose import compose, explain, review
from digest.domain import DEFAULT_SECTIONS, Article, Content, Event, Section, Story, Tier


def titles(content: Content, key: str) -> list[str]:
    return [story.title for each in content.sections if each.key == key for story in each.stories]


words = st.sampled_from(
    ["Atlas", "a guide to", "the new", "form", "released", "{{ 7*7 }}", "日本語", "שלום", "🎉"]
)
stories = st.builds(
    lambda number, source_id, path, parts, hours, is_event, days: article(
        number,
        source_id=source_id,
        canonical_url=f"https://s.example/{path}",
        title=" ".join(parts),
        seen_at=SINCE + timedelta(hours=hours),
        event=Event(starts_at=NOW + timedelta(days=days)) if is_event else None,
    ),
    number=st.just(0),
    source_id=st.integers(1, 9),
    path=st.integers(0, 6),
    parts=st.lists(words, min_size=1, max_size=4),
    hours=st.integers(-24, 192),
    is_event=st.booleans(),
    days=st.integers(-2, 40),
)


@st.composite
def weeks(draw: st.DrawFn) -> list[Article]:
    drawn = draw(st.lists(stories, max_size=14))
    return [replace(each, id=number, guid=f"g{number}") for number, each in enumerate(drawn, 1)]


@settings(max_examples=60)
@given(weeks(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_order_of_the_input_does_not_matter(week: list[Article], random: object, room: int) -> None:
    shuffled = list(week)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis' own Random

    once, again = issue(week, max_stories=room), issue(shuffled, max_stories=room)

    assert once == again
    assert once.digest() == again.digest()


@settings(max_examples=60)
@given(weeks())
def test_an_article_is_in_one_story_at_most_and_every_story_has_its_own_key(week: list[Article]) -> None:
    content = issue(week)

    told = [number for story in content.stories for number in story.article_ids]
    keys = [story.key for story in content.stories]
    assert len(told) == len(set(told))
    assert len(keys) == len(set(keys))


@settings(max_examples=60)
@given(weeks())
def test_with_room_enough_every_article_of_the_window_is_told(week: list[Article]) -> None:
    content = issue(week, max_stories=100, max_events=100, max_per_source=100)

    deadlines = [each for each in week if each.event and each.event.is_deadline]
    told = [number for story in content.stories for number in story.article_ids]
    assert not deadlines
    assert len(told) == content.articles_read


@settings(max_examples=60)
@given(weeks())
def test_what_one_issue_tells_the_next_does_not(week: list[Article]) -> None:
    first = issue(week)
    numbers = {number for story in first.stories for number in story.article_ids}
    told = frozenset(each.canonical_url for each in week if each.id in numbers and not each.event)
    events = tuple(story for story in first.stories if story.event)

    later = plan(since=UNTIL, until=UNTIL + timedelta(days=7), told=told, told_events=events)
    second = compose(week, later, now=NOW)

    again = {number for story in second.stories if not story.kind for number in story.article_ids}
    assert not numbers & again


def test_the_window_has_its_first_moment_and_not_its_last() -> None:
    edge = timedelta(microseconds=1)
    week = [
        moved(article(4, title="Just too early here"), SINCE - edge),
        moved(article(5, title="Announced at the first moment"), SINCE),
        moved(article(6, title="Announced at the last moment"), UNTIL - edge),
        moved(article(7, title="Just too late here"), UNTIL),
    ]

    told = sorted(story.title for story in issue(week).stories)
    assert told == ["Announced at the first moment", "Announced at the last moment"]


def test_backlog_what_was_told_and_sources_of_others_are_left_out() -> None:
    others = sources(
        source(2, enabled=False), source(3, newsletters=("daily",)), source(4, newsletters=("weekly",))
    )
    week = [
        article(1, is_backlog=True),
        article(2),
        article(3, source_id=2),
        article(4, source_id=3),
        article(5, source_id=4, title="Announcing the only one left"),
        article(6, source_id=99),
    ]

    content = issue(week, sources=others, told=frozenset({"https://s1.example/2"}))

    assert titles(content, "news") == ["Announcing the only one left"]
    assert content.articles_read == 1


def test_events_are_in_when_they_are_to_come_whenever_they_were_seen() -> None:
    week = [
        moved(event(1, title="Long known", days=1), SINCE - timedelta(days=60)),
        event(2, title="Already over", days=-0.01),
        event(3, title="Far away", days=36),
        event(4, title="Told last week", days=2),
        event(5, title="On the last day", days=35),
    ]

    content = issue(week, told_events=issue(week[3:4]).stories)

    assert titles(content, "events") == ["Long known", "On the last day"]


def test_a_repeated_event_at_one_address_is_told_again_for_its_next_day() -> None:
    same = "https://s1.example/meetup"
    week = [
        event(1, title="Meetup", canonical_url=same),
        event(2, title="Meetup", canonical_url=same, days=10),
    ]

    content = issue(week, told_events=issue(week[:1]).stories)

    assert [story.article_ids for story in content.stories] == [(2,)]


def test_an_all_day_event_is_still_in_on_the_morning_of_its_day() -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    today = event(1, event=Event(starts_at=midnight, all_day=True))
    yesterday = event(2, event=Event(starts_at=midnight - timedelta(days=1), all_day=True))

    assert [story.article_ids for story in issue([today, yesterday]).stories] == [(1,)]


def test_an_event_in_the_year_9999_or_in_an_unknown_zone_does_no_harm() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    week = [
        event(1, event=Event(starts_at=last, all_day=True, zone="Nowhere/Land")),
        event(2, event=Event(starts_at=NOW, all_day=True, zone="Nowhere/Land"), published_at=last),
        article(3, published_at=datetime.min.replace(tzinfo=UTC)),
    ]

    assert len(issue(week).stories) == 2


def test_an_empty_week_is_an_empty_issue_and_empty_sections_are_left_out() -> None:
    assert issue([]).is_empty
    assert [section.key for section in issue([event(1)]).sections] == ["events"]


def test_a_section_has_one_lead_five_with_text_and_the_rest_in_brief() -> None:
    week = [article(number, source_id=number % 8 + 1) for number in range(4, 15)]
    week.append(article(15, source_id=8, summary="", published_at=UNTIL - timedelta(hours=1)))

    tiers = [story.tier for story in issue(week, max_per_source=9).stories]

    assert tiers == [Tier.LEAD] + [Tier.ITEM] * 5 + [Tier.BRIEF] * 6


def test_a_first_story_without_a_text_that_carries_it_is_no_lead() -> None:
    only = article(1, summary="A short text of six words.")

    assert [(story.tier, story.summary) for story in issue([only]).stories] == [
        (Tier.ITEM, "A short text of six words.")
    ]


def test_one_owners_feeds_share_one_cap() -> None:
    family = sources(source(1, owner="Halden"), source(2, owner="halden "), source(3))
    week = [article(number, source_id=number % 3 + 1) for number in range(1, 13)]

    content = issue(week, sources=family, max_per_source=3)

    assert sorted(story.source == "Source 3" for story in content.stories) == [False] * 3 + [True] * 3


def test_what_others_tell_too_is_not_left_out_for_the_cap_of_one() -> None:
    talks = [event(number, source_id=1, days=number) for number in range(1, 4)]
    conference = [event(9, source_id=number, days=9, title="Open Fjord Conference") for number in (1, 2)]

    found = review([*talks, *conference], plan(max_per_source=2), now=NOW)

    assert [story.title for story in found.content.stories] == [
        "Open evening 1",
        "Open evening 2",
        "Open Fjord Conference",
    ]
    assert [(story.title, story.reasons[-1].words) for story in found.held] == [
        ("Open evening 3", "Its owner has 2 events in this section already.")
    ]


def test_no_section_starves_another() -> None:
    news = [article(number, source_id=number % 4 + 1) for number in range(1, 13)]
    learnings = [
        article(20 + number, source_id=5, title=f"A guide to part {number}", published_at=SINCE)
        for number in range(3)
    ]

    content = issue([*news, *learnings], max_stories=8)

    assert len(titles(content, "learnings")) == 2
    assert len(titles(content, "news")) == 6


def test_events_come_by_date_within_their_cap_and_deadlines_have_their_own() -> None:
    talks = [event(number, source_id=number % 8 + 1, days=20 - number) for number in range(1, 13)]
    calls = [
        event(20 + number, source_id=number % 8 + 1, days=number, event=_deadline(number))
        for number in range(1, 9)
    ]

    stories = issue([*talks, *calls], max_events=3).stories

    starts = [story.event.starts_at for story in stories if story.event]
    assert starts == sorted(starts)
    assert [story.article_ids[0] for story in stories if not (story.event and story.event.is_deadline)] == [
        12,
        11,
        10,
    ]
    assert sum(bool(story.event and story.event.is_deadline) for story in stories) == 6


def _deadline(days: int) -> Event:
    return Event(starts_at=NOW + timedelta(days=days), is_deadline=True)


def test_a_newsletter_without_events_or_with_sections_of_its_own_still_places_everything() -> None:
    own = (Section(key="first", label="First"), Section(key="learnings", label="Learnings"))

    content = issue([article(1), article(2, title="A guide to forms"), event(3)], sections=own)

    assert titles(content, "first") == ["Regulators settle on form 1"]
    assert titles(content, "learnings") == ["A guide to forms"]
    assert titles(content, "events") == []


def test_what_an_editor_locked_stays_as_it_is_and_is_not_told_twice() -> None:
    locked = Story(
        key="k",
        section="news",
        tier=Tier.LEAD,
        title="My own words",
        url="https://x.example/",
        article_ids=(1,),
    )
    week = [article(1), article(2), article(3)]

    content = issue(week, locked=(locked,), note="Dear all", subject="Mine", max_stories=2)

    assert content.stories[0] is locked
    assert [story.article_ids for story in content.stories[1:]] == [(2,)]
    assert content.stories[1].tier is Tier.ITEM
    assert (content.note, content.subject) == ("Dear all", "Mine")


def test_a_locked_story_is_found_again_when_its_articles_were_stored_anew() -> None:
    story = issue([article(1)]).stories[0]
    again = article(77, source_id=2, canonical_url="https://s1.example/1", title="Another title of it")

    content = issue([again], locked=(replace(story, article_ids=()),))

    assert [each.title for each in content.stories] == [story.title]


def test_a_locked_story_of_a_section_that_is_gone_is_kept() -> None:
    locked = Story(key="k", section="jobs", title="A post", url="https://x.example/")

    content = issue([], locked=(locked,))

    assert [(section.label, section.stories) for section in content.sections] == [("Jobs", (locked,))]


def test_a_locked_event_keeps_its_date_order_and_counts() -> None:
    locked = replace(issue([event(1, days=5)]).stories[0], title="Locked")

    content = issue([event(1, days=5), event(2, days=3), event(3, days=9)], locked=(locked,), max_events=2)

    assert titles(content, "events") == ["Open evening 2", "Locked"]


@pytest.mark.parametrize(
    "title",
    [
        "{{ 7*7 }} and {% raw %}",
        "<script>alert(1)</script>",
        "مرحبا بالعالم اليوم",
        "Rocket 🚀👩‍🚀 lands today",
        "W" * 300,
    ],
)
def test_a_title_survives_untouched(title: str) -> None:
    assert [story.title for story in issue([article(1, title=title)]).stories] == [title]


def test_sources_are_counted_whose_articles_were_read() -> None:
    content = issue([article(1), article(2), article(3, source_id=2)], sources_failed=("Source 5",))

    assert (content.articles_read, content.sources_read) == (3, 2)
    assert content.sources_failed == ("Source 5",)


def test_every_story_says_why_it_is_there() -> None:
    week = [article(1), article(2, source_id=2, title="Regulators settle on form 1!"), event(3)]

    lines = [explain(story) for story in issue(week).stories]

    assert lines[0][1] == "Told by Source 1 and Source 2; 2 articles."
    rules = [line.split(":")[0] for line in lines[0][2:]]
    assert rules == [
        "section.news", "story.same", "story.member.same",
        "rank.recency", "rank.voices", "rank.rarity", "rank.substance", "pick.lead",
    ]  # fmt: skip
    assert [line.split(":")[0] for line in lines[1][2:]] == ["section.event", "pick.event"]


def test_the_default_sections_are_told_in_their_order() -> None:
    week = [event(1), article(2, title="A guide to forms"), article(3)]

    assert [each.key for each in issue(week).sections] == [each.key for each in DEFAULT_SECTIONS]
