"""What the words of two groups of texts say of their being one story."""

from itertools import permutations
from math import inf, lgamma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles import article, plan
from digest.compose.evidence import EXPECTED as ALL
from digest.compose.evidence import Said, evidence
from digest.compose.story import cluster

EXPECTED = (0.005, 0.005, 0.05, 0.5, 2.0)

words = st.dictionaries(st.integers(0, 4), st.sampled_from((1.0, 2.0, 5.0)), max_size=5)
said = st.builds(lambda found, more: Said(found, sum(found.values()) + more), words, st.integers(0, 40))


@given(said, said)
def test_evidence_is_the_same_both_ways(one: Said, other: Said) -> None:
    assert evidence(one, other, EXPECTED) == pytest.approx(evidence(other, one, EXPECTED))


@given(said, said)
def test_words_that_only_one_says_speak_against(one: Said, other: Said) -> None:
    longer = Said(one.words, one.size + 5.0)

    assert evidence(longer, other, EXPECTED) <= evidence(one, other, EXPECTED)


def test_what_both_say_speaks_for_one_story_and_the_more_the_rarer_it_is() -> None:
    ordinary, rare = ({word: 1.0} for word in (3, 0))

    found = [evidence(Said(each, 9.0), Said(each, 9.0), EXPECTED) for each in ({}, ordinary, rare)]

    assert found == sorted(set(found))


def test_a_word_counts_more_the_more_texts_of_a_story_have_it() -> None:
    once, often, one = Said({0: 1.0}, 60.0), Said({0: 6.0}, 60.0), Said({0: 1.0}, 9.0)

    assert evidence(often, one, EXPECTED) > evidence(once, one, EXPECTED)


def gammas(prior: float, one: float, other: float) -> float:
    """One word's part of the Dirichlet-multinomial model; with signs turned, that of all words."""
    return lgamma(prior) + lgamma(prior + one + other) - lgamma(prior + one) - lgamma(prior + other)


@given(said, said)
def test_words_said_once_count_as_the_model_has_it(one: Said, other: Said) -> None:
    both = one.words.keys() & other.words.keys()
    model = sum(gammas(EXPECTED[word], one.words[word], other.words[word]) for word in both)

    assert evidence(one, other, EXPECTED) == pytest.approx(model - gammas(ALL, one.size, other.size))


def test_a_text_of_many_rare_words_told_twice_has_evidence_that_is_a_number() -> None:
    rare = Said(dict.fromkeys(range(200), 1.0), 200.0)

    found = evidence(rare, rare, [1e-6] * 200)

    assert found == pytest.approx(200 * gammas(1e-6, 1.0, 1.0) - gammas(ALL, 200.0, 200.0))
    assert found < inf


def test_joining_adds_words_and_leaves_both_as_they_were() -> None:
    one, other = Said({0: 1.0, 1: 2.0}, 9.0), Said({1: 1.0}, 4.0)

    assert one.joined(other) == Said({0: 1.0, 1: 3.0}, 13.0)
    assert (one, other) == (Said({0: 1.0, 1: 2.0}, 9.0), Said({1: 1.0}, 4.0))


NORTH = (
    "Quake shakes Halvik, 12 hurt, harbour damaged",
    "Tremor hit Halvik before dawn, says mayor Ina Brask",
    "Halvik: school and harbour damaged, 12 people hurt",
    "Mayor Brask asks for tents for Halvik after the quake",
)
SOUTH = (
    "Quake in Montelar kills two at old mill",
    "Two dead in Montelar, rescuers at work in old mill",
    "Montelar quake: rescuers dig through the mill for survivors",
    "Rescuers leave Montelar, two dead found under the mill",
)


TRADE = (
    "Halvik and Montelar sign trade deal",
    "Brask said cheese, oak, wool, salmon and timber pass without customs, "
    "after nine rounds of quarrels over quotas.",
)
MATCH = (
    "Montelar beats Halvik on penalties",
    "Forty thousand fans saw the keeper save three shots in heavy rain "
    "and sang until midnight; Brask left early.",
)


def stories(texts: tuple[str, ...]) -> list[set[str]]:
    week = [
        article(number, source_id=number, title="", summary=text, canonical_url=f"https://s{number}.example/")
        for number, text in enumerate(texts, 1)
    ]
    return [{each.summary for each in found.articles} for found in cluster(week, plan())[0]]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_two_events_of_one_kind_in_few_words_are_two_stories(order: tuple[int, ...]) -> None:
    mixed = tuple(text for at in order for text in (NORTH[at], SOUTH[at]))

    found = stories(mixed)

    assert sorted(map(sorted, found)) == sorted([sorted(NORTH), sorted(SOUTH)])


def test_some_names_in_common_are_not_yet_a_story() -> None:
    week = [
        article(
            number, source_id=number, title=title, summary=text, canonical_url=f"https://s{number}.example/"
        )
        for number, (title, text) in enumerate((TRADE, MATCH), 1)
    ]

    assert len(cluster(week, plan())[0]) == 2
