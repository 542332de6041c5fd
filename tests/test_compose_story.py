"""Which articles are one story, who leads it, where it goes and how it is weighed."""

from datetime import UTC, datetime, timedelta

import pytest

from articles import NOW, SINCE, UNTIL, article, event, issue, source, sources
from digest.compose.same import is_release, title_key
from digest.domain import Article, Event, Story


def told(*articles: Article, **values: object) -> list[tuple[int, ...]]:
    return [story.article_ids for story in issue(articles, **values).stories]


def only(*articles: Article, **values: object) -> Story:
    (story,) = issue(articles, **values).stories
    return story


def test_one_address_in_two_sources_is_one_story_with_both_named() -> None:
    story = only(
        article(1), article(2, source_id=2, canonical_url="https://s1.example/1", title="Other words")
    )

    assert (story.source, story.also) == ("Source 1", ("Source 2",))


@pytest.mark.parametrize(
    "other", ["EU — settles   on one form!", "eu settles on one “form”", "EU settles on one form | Source 2"]
)
def test_equal_titles_but_for_case_and_marks_are_one_story(other: str) -> None:
    assert told(article(1, title="EU settles on one form"), article(2, source_id=2, title=other)) == [(1, 2)]


def test_the_same_words_under_a_column_title_do_not_make_one_story() -> None:
    assert len(told(article(4, title="Weekly links"), article(5, source_id=2, title="Weekly links"))) == 2


def test_a_chain_of_equal_addresses_and_titles_is_one_story() -> None:
    week = [
        article(1, title="Form A is here"),
        article(2, source_id=2, title="form a is here", canonical_url="https://s2.example/x"),
        article(3, source_id=3, title="Quite another title", canonical_url="https://s2.example/x"),
    ]

    assert told(*week) == [(1, 2, 3)]


def test_the_weightiest_source_leads_then_the_earliest() -> None:
    early = article(1, title="One form for all", published_at=SINCE)
    late = article(2, title="One form for all", source_id=2)

    assert only(late, early).article_ids == (1, 2)
    assert only(late, early, sources=sources(source(2, weight=2.0))).source == "Source 2"


def test_one_owners_two_feeds_are_no_second_voice() -> None:
    family = sources(source(1, owner="Halden"), source(2, owner="Halden"))
    week = [article(1, title="One form for all"), article(2, title="One form for all", source_id=2)]

    story = only(*week, sources=family)

    assert story.also == ()
    assert story.article_ids == (1, 2)
    assert "rank.voices" not in [reason.rule for reason in story.reasons]


def test_a_feed_with_one_link_for_everything_keeps_its_stories_apart() -> None:
    week = [article(n, canonical_url="https://s1.example/", title=f"Quite different {n}") for n in (1, 2, 3)]

    stories = issue(week).stories

    assert len({story.key for story in stories}) == 3


def test_versions_of_one_product_in_one_feed_are_the_newest_one() -> None:
    week = [
        article(
            n,
            title=f"Atlas Next 2.3.{n}",
            canonical_url="https://s1.example/log",
            published_at=SINCE + timedelta(days=n),
        )
        for n in (1, 2, 3)
    ]

    story = only(*week)

    assert (story.title, story.article_ids) == ("Atlas Next 2.3.3", (3, 2, 1))
    assert any("newest of 3 versions" in reason.words for reason in story.reasons)


@pytest.mark.parametrize(
    ("title", "expected"),
    [("v2.1.34", True), ("Atlas 2.3.15", True), ("Atlas v4", True), ("2.0.0-rc.1", True),
     ("Introducing Opus 4.5", False), ("Atlas 2.5 Pro", False), ("Form 47", False),
     ("What changed for you in Atlas 2.3.15", False)],
)  # fmt: skip
def test_a_bare_version_is_a_release_and_a_headline_is_not(title: str, expected: bool) -> None:
    assert is_release(title) is expected


def test_one_event_in_three_calendars_is_one_event_and_its_next_day_another() -> None:
    start = NOW + timedelta(days=3)
    week = [
        event(1, title="Open Day", event=Event(starts_at=start)),
        event(2, title="open day", source_id=2, event=Event(starts_at=start + timedelta(hours=1))),
        event(3, title="Open  Day!", source_id=3, event=Event(starts_at=start)),
        event(4, title="Open Day", event=Event(starts_at=start + timedelta(days=1))),
    ]

    assert told(*week) == [(1, 2, 3), (4,)]


def test_an_all_day_event_has_the_day_its_organiser_wrote() -> None:
    copenhagen = Event(
        starts_at=datetime(2026, 11, 29, 23, tzinfo=UTC), all_day=True, zone="Europe/Copenhagen"
    )
    tokyo = Event(starts_at=datetime(2026, 11, 29, 15, tzinfo=UTC), all_day=True, zone="Asia/Tokyo")
    week = [event(1, title="Day", event=copenhagen), event(2, title="Day", source_id=2, event=tokyo)]

    assert told(*week) == [(1, 2)]


def test_a_deadline_and_the_day_it_is_for_are_two() -> None:
    start = NOW + timedelta(days=3)
    week = [
        event(1, title="Open Day", event=Event(starts_at=start)),
        event(2, title="Open Day", event=Event(starts_at=start, is_deadline=True)),
    ]

    assert len(told(*week)) == 2


def test_a_text_is_taken_from_another_source_when_the_leading_one_has_none() -> None:
    week = [
        article(1, title="One form for all", summary=""),
        article(2, title="One form for all", source_id=2),
    ]

    assert only(*week).summary.startswith("The form has nineteen fields")


@pytest.mark.parametrize(
    ("values", "section", "rule"),
    [
        ({"title": "EU settles on one form"}, "news", "section.news"),
        ({"title": "How to read the form"}, "learnings", "section.learnings"),
        ({"title": "Training a small model"}, "learnings", "section.learnings"),
        ({"title": "The form, part 2"}, "learnings", "section.learnings"),
        ({"title": "Tutorials for all"}, "learnings", "section.learnings"),
        (
            {"title": "Nineteen fields", "canonical_url": "https://arxiv.org/abs/2601.1"},
            "learnings",
            "section.learnings",
        ),
        ({"title": "Nineteen fields", "kind": "Paper"}, "learnings", "section.learnings"),
        ({"title": "Webinar: how to read the form"}, "news", "section.news"),
        ({"title": "EU settles", "source_id": 2}, "learnings", "section.source"),
        ({"title": "A guide", "source_id": 3}, "learnings", "section.learnings"),
        ({"title": "A guide", "event": Event(starts_at=NOW)}, "events", "section.event"),
    ],
)
def test_a_story_is_placed_by_its_source_then_by_what_it_is_then_by_rules(
    values: dict[str, object], section: str, rule: str
) -> None:
    set_to = sources(source(2, section="learnings"), source(3, section="events"))

    story = only(article(1, **values), sources=set_to)

    assert (story.section, story.reasons[0].rule) == (section, rule)


def test_the_score_is_the_sum_of_the_published_terms() -> None:
    week = [
        article(
            1, title="One form for all", published_at=UNTIL - timedelta(days=3), seen_at=UNTIL - timedelta(1)
        ),
        article(2, title="One form for all", source_id=2),
    ]

    story = only(*week, sources=sources(source(1, weight=1.4)))

    # Half of recency after a half-life, two voices, 0.4 above the usual weight, the only story, a text.
    assert story.score == pytest.approx(0.5 + 0.8 + 0.2 + 0.4 + 0.3)


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -3.0])
def test_a_weight_that_is_no_weight_does_no_harm(weight: float) -> None:
    story = only(article(1), sources=sources(source(1, weight=weight)))

    assert 0 < story.score < 7


def test_a_rarely_heard_voice_is_lifted_over_a_busy_one() -> None:
    week = [*(article(n) for n in range(1, 5)), article(9, source_id=2)]

    placed = sources(source(1, section="news"), source(2, section="news"))

    assert issue(week, sources=placed).stories[0].source == "Source 2"


def test_the_sites_name_at_a_titles_end_is_not_compared() -> None:
    assert title_key("One form | Source 1", source(1)) == title_key("One form")
    assert title_key("One form | Another", source(1)) != title_key("One form")
