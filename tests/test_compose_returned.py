"""What an issue told and comes back from another address is not told again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from articles import LONG, NOW, SINCE, SOURCES, article, plan
from digest.compose import returned, review

TOLD = article(1, title="Porto tests harbour drones", summary=LONG, published_at=SINCE - timedelta(days=4))
AGAIN = replace(
    TOLD, id=2, guid="g2", canonical_url="https://s1.example/moved", url="https://s1.example/moved"
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"published_at": SINCE},
        {"published_at": None},
        {"summary": "Another word for it."},
        {"title": "PORTO tests harbour drones!"},
        {"source_id": 2, "published_at": SINCE},
    ],
)
def test_it_is_known_by_its_title_and_its_text_or_its_moment(change: dict[str, Any]) -> None:
    assert returned([replace(AGAIN, **change)], [TOLD], SOURCES) == {2}


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (LONG, {"title": "Porto tests harbour drones again"}),
        (LONG, {"summary": "Another word for it.", "published_at": SINCE}),
        (LONG, {"summary": "Another word for it.", "source_id": 2}),
        ("Our pictures of the week.", {"published_at": SINCE}),
    ],
)
def test_a_column_that_has_one_title_each_week_is_another_article(text: str, change: dict[str, Any]) -> None:
    told, again = (replace(one, summary=text) for one in (TOLD, AGAIN))

    assert returned([replace(again, **change)], [told], SOURCES) == frozenset()


def test_what_was_told_itself_did_not_come_back() -> None:
    assert returned([TOLD], [TOLD], SOURCES) == frozenset()


def test_it_is_held_back_with_the_reason_unless_somebody_tells_more_of_it() -> None:
    alone = review([AGAIN], plan(returned=frozenset({2})), now=NOW)
    more = replace(AGAIN, id=3, guid="g3", source_id=2, canonical_url="https://s2.example/drones")
    told = review([AGAIN, more], plan(returned=frozenset({2})), now=NOW)

    assert alone.content.stories == ()
    assert [story.reasons[-1].rule for story in alone.held] == ["story.told"]
    assert [story.article_ids for story in told.content.stories] == [(2, 3)]
