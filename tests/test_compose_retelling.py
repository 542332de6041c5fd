"""An event that an earlier issue told: silence, unless it changed or is at its last call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles import NOW, SINCE, UNTIL, event, plan
from digest.compose import compose, review
from digest.domain import Article, Content, Event, Story

WEEK = timedelta(days=7)
EVENING = datetime(2026, 12, 8, 17, tzinfo=UTC)
CONF = Event(starts_at=EVENING, place="Porto, Portugal")
DEADLINE = Event(starts_at=EVENING - timedelta(days=4), is_deadline=True)


def conf(number: int = 1, told: Event = CONF, **values: Any) -> Article:
    at: dict[str, Any] = {"title": "DriftConf", "canonical_url": f"https://list{number}.example/"}
    return event(number, **(at | {"event": told, "source_id": number} | values))


def issue_of(weeks: int, articles: list[Article], told: tuple[Story, ...] = ()) -> Content:
    """The issue that many weeks after the first."""
    later = plan(since=SINCE + weeks * WEEK, until=UNTIL + weeks * WEEK, told_events=told)
    return compose(articles, later, now=NOW + weeks * WEEK)


def next_issue(first: list[Article], second: list[Article]) -> list[tuple[str, str]]:
    """(title, word) of the events that the second of two issues tells."""
    told = issue_of(0, first).stories
    assert told
    return [(story.title, story.kind) for story in issue_of(1, second, told).stories]


def test_an_event_that_did_not_change_is_told_once() -> None:
    assert next_issue([conf()], [conf()]) == []


def test_what_is_held_back_says_why_and_does_not_count_as_read() -> None:
    told = issue_of(0, [conf()]).stories
    later = plan(since=UNTIL, until=UNTIL + WEEK, told_events=told)

    found = review([conf()], later, now=NOW + WEEK)

    assert [held.reasons[-1].words for held in found.held] == ["An earlier issue told it as it is."]
    assert found.content.articles_read == 0


def test_another_list_that_comes_later_with_the_same_event_tells_nothing_new() -> None:
    assert next_issue([conf(1)], [conf(1), conf(2)]) == []
    assert next_issue([conf(1)], [conf(2, replace(CONF, place="Porto"), title="The DriftConf 2026")]) == []


def test_one_name_on_one_day_in_another_city_is_another_event() -> None:
    assert next_issue([conf(1)], [conf(2, replace(CONF, place="Kyoto"))]) == [("DriftConf", "")]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"starts_at": EVENING + timedelta(days=1)}, "Moved from 8 Dec"),
        ({"starts_at": EVENING + timedelta(days=60)}, "Moved from 8 Dec 2026"),
        ({"starts_at": EVENING + timedelta(hours=2)}, "New time"),
        ({"place": "Kyoto, Japan"}, "New place"),
        ({"place": "", "online": True}, "Now online"),
        ({"is_cancelled": True}, "Cancelled"),
    ],
)
def test_a_change_that_leads_somebody_astray_is_told(change: dict[str, Any], word: str) -> None:
    assert next_issue([conf()], [conf(told=replace(CONF, **change))]) == [("DriftConf", word)]


@pytest.mark.parametrize(
    "change",
    [
        {"place": "Porto"},
        {"place": "Main Hall, Porto, Portugal"},
        {"place": ""},
        {"ends_at": EVENING + timedelta(hours=3)},
        {"starts_at": EVENING.replace(hour=0), "all_day": True},
        {"zone": "Europe/Lisbon"},
    ],
)
def test_the_same_in_other_words_is_no_change(change: dict[str, Any]) -> None:
    assert next_issue([conf()], [conf(told=replace(CONF, **change))]) == []


def test_the_source_that_readers_heard_it_from_decides_what_changed() -> None:
    late = replace(CONF, starts_at=EVENING + timedelta(hours=2))
    told = issue_of(0, [conf(1), conf(2)]).stories

    assert issue_of(1, [conf(1), conf(2, late)], told).is_empty
    (again,) = issue_of(1, [conf(1, late), conf(2)], told).stories
    assert again.kind == "New time"
    assert again.event is not None
    assert again.event.starts_at == late.starts_at


def test_a_list_that_still_has_the_old_day_does_not_hide_the_move() -> None:
    moved = replace(CONF, starts_at=EVENING + timedelta(days=2))

    assert next_issue([conf(1), conf(2)], [conf(1, moved), conf(2)]) == [("DriftConf", "Moved from 8 Dec")]


def test_a_change_is_told_once_and_keeps_the_key_that_calendars_know() -> None:
    moved = conf(told=replace(CONF, starts_at=EVENING + timedelta(days=9)))
    first = issue_of(0, [conf()]).stories
    second = issue_of(1, [moved], first).stories

    assert [story.key for story in second] == [story.key for story in first]
    assert issue_of(2, [moved], first + second).is_empty


def test_a_cancelled_event_is_told_once_and_only_to_readers_who_heard_of_it() -> None:
    off = conf(told=replace(CONF, is_cancelled=True))
    first = issue_of(0, [conf()]).stories
    second = issue_of(1, [off], first).stories

    assert issue_of(0, [off]).is_empty
    assert issue_of(2, [off], first + second).is_empty
    assert [story.kind for story in issue_of(1, [conf()], first + second).stories] == ["On after all"]


def test_a_deadline_comes_again_at_its_last_call_and_then_no_more() -> None:
    call = conf(told=DEADLINE)
    first = issue_of(0, [call]).stories
    second = issue_of(1, [call], first).stories

    assert [story.kind for story in first] == [""]
    assert [story.kind for story in second] == ["Last call"]
    assert issue_of(1, [call], first + second).is_empty


def test_a_page_that_names_its_next_date_in_place_of_the_last_is_another_event() -> None:
    soon = conf(told=replace(CONF, starts_at=NOW + timedelta(days=2)))
    following = conf(told=replace(CONF, starts_at=NOW + timedelta(days=30)))
    first = issue_of(0, [soon]).stories

    (second,) = issue_of(1, [following], first).stories

    assert (second.kind, second.key == first[0].key) == ("", False)


def test_news_of_known_events_goes_before_new_ones_when_there_is_no_room() -> None:
    full = [conf(number, title=f"Evening of {name}") for number, name in enumerate(("tar", "rope"), 2)]
    off = conf(told=replace(CONF, is_cancelled=True, starts_at=EVENING + timedelta(days=3)))
    told = issue_of(0, [conf()]).stories
    later = plan(since=UNTIL, until=UNTIL + WEEK, told_events=told, max_events=1)

    stories = compose([*full, off], later, now=NOW + WEEK).stories

    assert [story.kind for story in stories] == ["Cancelled"]


_STATES = st.builds(
    Event,
    starts_at=st.integers(0, 40).map(lambda days: EVENING + timedelta(days=days)),
    place=st.sampled_from(["", "Porto", "Kyoto"]),
    is_cancelled=st.booleans(),
    is_deadline=st.booleans(),
)


@settings(max_examples=60)
@given(st.lists(_STATES, min_size=1, max_size=4))
def test_whatever_becomes_of_an_event_no_two_issues_in_a_row_say_the_same(states: list[Event]) -> None:
    told: tuple[Story, ...] = ()
    last: tuple[Event | None, str] | None = None
    for state in states:
        for _ in range(2):
            for story in issue_of(0, [conf(told=state)], told).stories:
                assert (story.event, story.kind) != last
                last = (story.event, story.kind)
                told += (story,)


def test_an_event_that_its_list_dropped_is_told_as_cancelled_once() -> None:
    first = issue_of(0, [conf()]).stories
    second = issue_of(1, [conf(is_withdrawn=True)], first).stories

    assert [(story.kind, story.event and story.event.is_cancelled) for story in second] == [
        ("Cancelled", True)
    ]
    assert "does not list it any more" in second[0].reasons[-2].words
    assert issue_of(2, [conf(is_withdrawn=True)], first + second).is_empty
    assert [story.kind for story in issue_of(2, [conf()], first + second).stories] == ["On after all"]


def test_an_event_that_its_list_dropped_before_it_was_told_is_held_back() -> None:
    found = review([conf(is_withdrawn=True)], plan(), now=NOW)

    assert found.content.is_empty
    assert [held.reasons[-1].words for held in found.held] == ["Its source does not list it any more."]


def test_an_event_that_another_list_still_has_takes_place() -> None:
    dropped = conf(1, title="DriftConf online", is_withdrawn=True)

    (story,) = issue_of(0, [dropped, conf(2)]).stories

    assert (story.title, story.source, story.also) == ("DriftConf", "Source 2", ())
    assert next_issue([conf(1), conf(2)], [conf(1, is_withdrawn=True), conf(2)]) == []
