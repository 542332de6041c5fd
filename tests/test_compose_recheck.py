"""The events of an approved issue beside what their sources say now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from articles import event, issue
from digest.compose import Recheck, put_right, recheck
from digest.domain import Article, Content, Event

EVENING = datetime(2026, 12, 8, 17, tzinfo=UTC)
CONF = Event(starts_at=EVENING, place="Porto, Portugal")
ZONE = "Europe/Copenhagen"


def conf(number: int = 1, told: Event = CONF, **values: Any) -> Article:
    chosen: dict[str, Any] = {"title": "DriftConf", "canonical_url": f"https://list{number}.example/"}
    chosen |= {"url": f"https://list{number}.example/?from=list"}
    return event(number, **(chosen | {"event": told, "source_id": number} | values))


def looked_at(then: list[Article], now: list[Article], content: Content | None = None) -> list[Recheck]:
    """What is found of the events of the issue of `then`."""
    found = recheck(
        content or issue(then),
        then={one.id: one for one in then},
        now={one.id: one for one in now},
        zone=ZONE,
    )
    return list(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts_at": EVENING + timedelta(days=1)}, "“DriftConf”: moved from 8 Dec to 9 Dec"),
        ({"starts_at": EVENING + timedelta(hours=2)}, "“DriftConf”: new time, 20:00"),
        ({"place": "Kyoto, Japan"}, "“DriftConf”: new place, Kyoto, Japan"),
        ({"place": "", "online": True}, "“DriftConf”: now online"),
        ({"is_cancelled": True}, "“DriftConf”: cancelled"),
    ],
)
def test_what_would_lead_a_reader_astray_is_a_change(change: dict[str, Any], words: str) -> None:
    (found,) = looked_at([conf()], [conf(told=replace(CONF, **change))])

    assert found.words == words
    assert found.mark
    assert found.event == replace(CONF, **change)


def test_an_event_that_its_list_dropped_is_cancelled_and_one_that_another_has_is_not() -> None:
    gone = conf(is_withdrawn=True)

    (alone,) = looked_at([conf()], [gone])
    (listed,) = looked_at([conf(), conf(2)], [gone, conf(2)])

    assert alone.words == "“DriftConf”: cancelled, its source does not list it any more"
    assert (alone.is_off, listed.is_off, listed.mark) == (True, False, "")


def test_another_address_is_a_change_and_another_parameter_is_none() -> None:
    moved = conf(url="https://new.example/", canonical_url="https://new.example/")
    tagged = conf(url="https://list1.example/?from=elsewhere")

    (found,) = looked_at([conf()], [moved])

    assert (found.words, found.url) == ("“DriftConf”: new address", "https://new.example/")
    assert [each.mark for each in looked_at([conf()], [tagged])] == [""]


@pytest.mark.parametrize("change", [{"place": "Main Hall, Porto, Portugal"}, {"zone": "Europe/Lisbon"}])
def test_the_same_in_other_words_is_no_change(change: dict[str, Any]) -> None:
    assert [each.mark for each in looked_at([conf()], [conf(told=replace(CONF, **change))])] == [""]


def test_what_another_list_always_wrote_otherwise_is_no_change() -> None:
    late = replace(CONF, starts_at=EVENING + timedelta(hours=2))

    for order in ([conf(1), conf(2, late)], [conf(1, late), conf(2)]):
        assert [each.mark for each in looked_at(order, order)] == [""]


def test_a_list_that_still_has_the_old_day_does_not_hide_the_move() -> None:
    moved = replace(CONF, starts_at=EVENING + timedelta(days=2))

    (found,) = looked_at([conf(1), conf(2)], [conf(1, moved), conf(2)])

    assert found.word == "Moved from 8 Dec"


def test_an_event_that_is_on_after_all_is_a_change_of_an_issue_that_cancels_it() -> None:
    first = issue([conf()])
    off = conf(told=replace(CONF, is_cancelled=True))
    second = issue([off], told_events=first.stories)

    (found,) = looked_at([off], [conf()], second)
    (still,) = looked_at([off], [off], second)

    assert (found.word, found.event.is_cancelled, still.mark) == ("On after all", False, "")


def test_articles_that_are_gone_and_stories_that_are_no_events_are_passed_over() -> None:
    assert looked_at([conf()], []) == []
    assert looked_at([event(3, event=None)], [event(3, event=None)]) == []


def test_a_mark_tells_changes_apart_and_stays_when_the_issue_is_put_right() -> None:
    days = [replace(CONF, starts_at=EVENING + timedelta(days=number)) for number in (1, 2)]
    first, second = (looked_at([conf()], [conf(told=day)])[0] for day in days)
    (again,) = looked_at([conf(told=days[1])], [conf(told=days[0])])

    assert len({first.mark, second.mark}) == 2
    assert again.mark == first.mark


def test_an_issue_is_put_right_by_date_without_what_is_called_off() -> None:
    later = Event(starts_at=EVENING + timedelta(days=1))
    others = [event(2, title="Harbour day", event=later), event(3, title="Open day", event=later)]
    content = issue([conf(), *others])
    off = replace(others[1], event=replace(later, is_cancelled=True))
    moved = conf(told=replace(CONF, starts_at=EVENING + timedelta(days=3)))

    after = put_right(content, looked_at([conf(), *others], [moved, others[0], off]))

    assert [story.title for story in after.stories] == ["Harbour day", "DriftConf"]
    assert after.stories[1].event == moved.event
    assert put_right(content, looked_at([conf()], [conf(is_withdrawn=True)])).stories == content.stories[1:]
    assert put_right(issue([conf()]), looked_at([conf()], [conf(is_withdrawn=True)])).is_empty
