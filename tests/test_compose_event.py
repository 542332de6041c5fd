"""One event in many lists, cancelled and moved ones, last calls, and deadlines anywhere on earth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from articles import NOW, event, issue, plan
from digest.compose import review
from digest.compose.event import day_of, event_title
from digest.domain import FLOATING, Article, Event

DAY = datetime(2026, 12, 1, tzinfo=UTC)


def listing(number: int, title: str, place: str = "", *, days: int = 0, **values: Any) -> Article:
    when = Event(starts_at=DAY + timedelta(days=days), all_day=True, place=place)
    url = f"https://list{number}.example/{number}"
    told: dict[str, Any] = {"title": title, "event": when, "source_id": number, "canonical_url": url}
    return event(number, **(told | values))


def told(*articles: Article) -> list[tuple[int, ...]]:
    return sorted(tuple(sorted(story.article_ids)) for story in issue(articles).stories)


def test_five_lists_name_one_event_in_five_ways() -> None:
    week = [
        listing(1, "DriftConf Porto", "Porto, Portugal"),
        listing(2, "DriftConf Porto 2026", "Porto"),
        listing(3, "4th Annual DriftConf"),
        listing(4, "DRIFTCONF '26 – PORTO"),
        listing(5, "The DriftConf (in-person)", "Porto"),
    ]

    assert told(*week) == [(1, 2, 3, 4, 5)]


def test_one_name_on_one_day_in_two_cities_is_two_events() -> None:
    assert told(listing(1, "DriftConf", "Porto"), listing(2, "DriftConf", "Kyoto")) == [(1,), (2,)]


def test_one_name_on_two_days_is_two_events() -> None:
    assert told(listing(1, "DriftConf", "Porto"), listing(2, "DriftConf", "Porto", days=1)) == [(1,), (2,)]


def test_one_address_and_day_is_one_event_whatever_it_is_called() -> None:
    same: dict[str, Any] = {"canonical_url": "https://drift.example/2026"}

    assert told(listing(1, "DriftConf", **same), listing(2, "Drift: talks on sand", **same)) == [(1, 2)]


@pytest.mark.parametrize(
    ("title", "places", "expected"),
    [
        ("The 3rd Annual DriftConf 2026", (), "driftconf"),
        ("AI Conference 2026", (), "ai conference 2026"),
        ("Meetup", (), "meetup"),
        ("Porto Meetup", ("porto",), "porto meetup"),
        ("[CANCELLED] DriftConf", (), "driftconf"),
        ("砂の会議 2026", (), "砂の会議"),
    ],
)
def test_a_title_is_compared_without_what_lists_add(
    title: str, places: tuple[str, ...], expected: str
) -> None:
    assert event_title(title, places) == expected


@pytest.mark.parametrize(
    "title", ["CANCELLED: DriftConf", "DriftConf [cancelled]", "DriftConf is now cancelled"]
)
def test_an_event_that_one_list_calls_cancelled_is_not_told(title: str) -> None:
    week = [
        listing(1, "DriftConf", "Porto"),
        listing(2, title, "Porto", canonical_url="https://list1.example/1"),
    ]

    found = review(week, plan(), now=NOW)

    assert found.content.is_empty
    assert [held.reasons[-1].words for held in found.held] == ["It is cancelled."]


def test_a_moved_event_says_so() -> None:
    assert [story.kind for story in issue([listing(1, "Moved: DriftConf", "Porto")]).stories] == ["Moved"]


def test_a_deadline_before_the_next_issue_is_a_last_call() -> None:
    calls = [
        event(number, event=Event(starts_at=NOW + timedelta(days=days), is_deadline=True))
        for number, days in ((1, 3), (2, 20))
    ]

    assert [story.kind for story in issue(calls).stories] == ["Last call", ""]
    early = issue(calls, goes_at=NOW + timedelta(days=14))
    assert [story.kind for story in early.stories] == ["Last call", "Last call"]


@pytest.mark.parametrize(("hours", "is_told"), [(35, True), (37, False)])
def test_a_deadline_without_a_zone_holds_until_its_day_is_over_anywhere_on_earth(
    hours: int, is_told: bool
) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    call = event(1, event=Event(starts_at=midnight, all_day=True, is_deadline=True))

    found = review(
        [call], plan(until=midnight + timedelta(hours=hours)), now=midnight + timedelta(hours=hours)
    )

    assert found.content.is_empty is not is_told


def test_an_event_keeps_its_hour_when_the_clocks_change() -> None:
    copenhagen = ZoneInfo("Europe/Copenhagen")
    before, after = (datetime(2026, 10, day, 18, tzinfo=copenhagen).astimezone(UTC) for day in (24, 26))
    now = datetime(2026, 10, 20, tzinfo=UTC)
    week = [event(1, event=Event(starts_at=before)), event(2, event=Event(starts_at=after))]

    found = review(week, plan(since=now - timedelta(days=7), until=now), now=now)

    starts = [story.event.starts_at for story in found.content.stories if story.event]
    assert [start.astimezone(copenhagen).hour for start in starts] == [18, 18]


def test_an_hour_without_a_zone_is_the_same_day_in_every_newsletters_zone() -> None:
    late = Event(starts_at=datetime(2026, 11, 25, 23, 30, tzinfo=UTC), zone=FLOATING)

    assert [day_of(late, zone) for zone in ("Asia/Tokyo", "UTC", "America/New_York")] == ["2026-11-25"] * 3
    assert day_of(replace(late, zone=""), "Asia/Tokyo") == "2026-11-26"
