"""What an editor decided holds, whatever else comes in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles import LONG, NOW, SINCE, article, event, issue, plan
from digest.compose import Plan, pattern_of, pattern_words, review
from digest.domain import Article, Decision, DecisionKind, Section, Tier

URLS = tuple(f"https://s.example/{name}" for name in "abcdef")
TITLES = ("Regulators settle on one form", "Regulators settle on a form", "Beetles count footsteps", "Weekly")

articles = st.builds(
    lambda url, title, source_id, hours, is_long, is_event: article(
        0,
        canonical_url=url,
        title=title,
        source_id=source_id,
        summary=LONG if is_long else f"What {title} means, told anew in {hours} hours.",
        seen_at=SINCE + timedelta(hours=hours),
        event=event(1).event if is_event else None,
    ),
    url=st.sampled_from(URLS),
    title=st.sampled_from(TITLES),
    source_id=st.integers(1, 4),
    hours=st.integers(0, 160),
    is_long=st.booleans(),
    is_event=st.sampled_from([False, False, False, True]),
)


@st.composite
def weeks(draw: st.DrawFn) -> list[Article]:
    drawn = draw(st.lists(articles, min_size=1, max_size=12))
    return [replace(each, id=number, guid=f"g{number}") for number, each in enumerate(drawn, 1)]


pairs = st.tuples(st.sampled_from(URLS), st.sampled_from(URLS)).filter(lambda pair: pair[0] < pair[1])


def kin(url: str, same: frozenset[tuple[str, str]]) -> frozenset[str]:
    """All that is one with this address, by what the editor said."""
    found = {url}
    while more := {each for pair in same if not found.isdisjoint(pair) for each in pair} - found:
        found |= more
    return frozenset(found)


def everything(week: Sequence[Article], chosen: Plan) -> list[set[str]]:
    """The addresses of each story, told or held back."""
    found = review(week, chosen, now=NOW)
    urls = {each.id: each.canonical_url for each in week}
    return [{urls[number] for number in story.article_ids} for story in (*found.content.stories, *found.held)]


@settings(max_examples=120)
@given(weeks(), st.frozensets(pairs, max_size=4), st.frozensets(pairs, max_size=4))
def test_an_answer_is_obeyed_whatever_else_comes_in(
    week: list[Article], same: frozenset[tuple[str, str]], different: frozenset[tuple[str, str]]
) -> None:
    different = frozenset(pair for pair in different if pair[1] not in kin(pair[0], same))
    there = {each.canonical_url for each in week}

    stories = everything(week, plan(same=same, different=different))

    for one, other in same:
        if {one, other} <= there:
            assert all((one in story) == (other in story) for story in stories)
    assert not [pair for pair in different if any(set(pair) <= story for story in stories)]


def test_what_is_one_with_an_article_is_kept_from_what_that_was_told_apart_from() -> None:
    a, b, c = (article(number, canonical_url=url) for number, url in enumerate(URLS[:3], 5))
    week = [replace(a, title="Beetles count footsteps"), b, replace(c, title="Beetles count footsteps")]

    stories = everything(week, plan(same=frozenset({URLS[:2]}), different=frozenset({URLS[1:3]})))

    assert sorted(map(sorted, stories)) == [list(URLS[:2]), [URLS[2]]]


@settings(max_examples=60)
@given(weeks(), st.frozensets(pairs, max_size=3), st.frozensets(pairs, max_size=3))
def test_what_was_answered_is_not_asked_again(
    week: list[Article], same: frozenset[tuple[str, str]], different: frozenset[tuple[str, str]]
) -> None:
    questions = review(week, plan(same=same, different=different), now=NOW).questions

    asked = {each.urls for each in questions if each.kind is DecisionKind.STORY}
    assert not asked & (same | different)


@settings(max_examples=60)
@given(weeks(), st.sampled_from(URLS), st.sampled_from(["news", "learnings", "events"]))
def test_a_section_that_was_answered_is_the_section_of_that_story(
    week: list[Article], url: str, section: str
) -> None:
    ids = {each.id for each in week if each.canonical_url == url}

    found = review(week, plan(placed={url: section}), now=NOW)

    mine = [story for story in (*found.content.stories, *found.held) if ids & set(story.article_ids)]
    assert {story.section for story in mine} <= {section}
    assert not [each for each in found.questions if each.kind is DecisionKind.SECTION and url in each.urls]


@settings(max_examples=60)
@given(weeks(), weeks(), st.data())
def test_locked_stories_survive_any_gathering(
    monday: list[Article], tuesday: list[Article], data: st.DataObject
) -> None:
    before = issue(monday).stories
    locked = tuple(data.draw(st.lists(st.sampled_from(before), unique_by=lambda each: each.key)))
    places = {each.key: data.draw(st.integers(1, 9)) for each in locked if data.draw(st.booleans())}
    later = [replace(each, id=each.id + 100, guid=f"t{each.id}") for each in tuesday]

    after = issue([*monday, *later], locked=locked, places=places).stories

    keys = [story.key for story in after]
    kept = {each.key: each for each in after}
    for each in locked:
        grown = kept[each.key]
        fixed = replace(grown, also=each.also, article_ids=each.article_ids, reasons=each.reasons)
        assert fixed == each
        assert (grown.also[: len(each.also)], grown.reasons[: len(each.reasons)]) == (each.also, each.reasons)
        assert set(each.article_ids) <= set(grown.article_ids)
    assert len(set(keys)) == len(keys)


@settings(max_examples=60)
@given(weeks(), weeks(), st.data())
def test_what_was_dropped_stays_out_of_any_later_draft(
    monday: list[Article], tuesday: list[Article], data: st.DataObject
) -> None:
    dropped = data.draw(st.sampled_from(issue(monday).stories))
    later = [replace(each, id=each.id + 100, guid=f"t{each.id}") for each in tuesday]

    found = review([*monday, *later], plan(dropped=(dropped,)), now=NOW)

    told = {number for story in found.content.stories for number in story.article_ids}
    assert not told & set(dropped.article_ids)
    assert "An editor dropped it." in [each.reasons[-1].words for each in found.held]


def test_a_locked_story_gains_the_sources_that_tell_it_since_and_no_words() -> None:
    first = article(5)
    locked = replace(issue([first]).stories[0], title="Mine")
    later = [
        article(n, source_id=n - 4, title=first.title, canonical_url=f"https://s{n}.example/") for n in (6, 7)
    ]

    (story,) = issue([first, *later], locked=(locked,)).stories
    (same,) = issue([first], locked=(locked,)).stories

    assert (story.title, story.also, story.article_ids) == ("Mine", ("Source 2", "Source 3"), (5, 6, 7))
    assert story.reasons[-1].words == "Told since it was locked by Source 2, Source 3."
    assert same is locked


def test_a_locked_story_stands_where_it_was_put() -> None:
    week = [article(number, source_id=number % 8 + 1) for number in range(4, 12)]
    third = issue(week).stories[3]

    content = issue(week, locked=(replace(third, tier=Tier.LEAD),), places={third.key: 1})
    last = issue(week, locked=(third,), places={third.key: 99})

    assert content.stories[0].key == third.key
    assert [story.tier for story in content.stories].count(Tier.LEAD) == 1
    assert [story.key for story in last.stories if story.tier is third.tier][-1] == third.key


def test_a_rule_places_what_is_like_the_moved_article_and_nothing_else() -> None:
    rule = _rule("tutorial:")
    week = [
        article(4, title="Tutorial: weaving bamboo cloth"),
        article(5, title="A tutorial on glaciers"),
        article(6, title="Tutorial: ferries without captains", summary="Boats steer.", source_id=2),
    ]

    own = (*plan().sections, Section(key="jobs", label="Jobs"))
    content = issue(week, sections=own, rules=(_rule("", answer="gone"), rule))
    told = {story.article_ids[0]: story for story in content.stories}

    assert told[4].section == "jobs"
    assert told[4].reasons[0].rule == "section.rule"
    assert {told[5].section, told[6].section}.isdisjoint({"jobs"})


def _rule(pattern: str, **values: object) -> Decision:
    chosen: dict[str, object] = {"answer": "jobs", "source_id": 1, "pattern": pattern, "at": NOW}
    return Decision(newsletter="weekly", kind=DecisionKind.RULE, **(chosen | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "path", "expected"),
    [
        ("Tutorial: weaving bamboo", "/2026/weaving", "tutorial:"),
        ("[Video] weaving bamboo", "/2026/weaving", "[video]"),
        ("Weaving bamboo", "/blog/how-to/2026/weaving", "/blog/how-to/"),
        ("Weaving bamboo", "/2026/11/weaving", None),
        ("Weaving: a love story that goes on: for long", "/blog/weaving", "weaving:"),
        ("10:30 is the time", "/", None),
        ("A headline without anything", "/posts/weaving", None),
    ],
)
def test_a_move_teaches_what_tells_an_article_from_others(
    title: str, path: str, expected: str | None
) -> None:
    others = [article(n, canonical_url=f"https://s1.example/posts/{n}", title=f"News {n}") for n in range(5)]

    moved = article(9, title=title, canonical_url=f"https://s1.example{path}")

    assert pattern_of(moved, [moved, *others]) == expected


def test_a_pattern_is_told_in_words() -> None:
    assert pattern_words(_rule("tutorial:")) == "titles that begin with tutorial:"
    assert pattern_words(_rule("/how-to/")) == "addresses that begin with /how-to/"
    assert pattern_words(_rule("")) == "all of it"


def test_a_held_story_can_be_told_as_it_is() -> None:
    week = [article(number, source_id=number % 8 + 1) for number in range(4, 9)]
    held = review(week, plan(max_stories=2), now=NOW).held[0]

    content = issue(week, max_stories=2, locked=(held,))

    assert held.summary
    assert held in content.stories
    assert len(content.stories) == 2
