"""What composing leaves out or holds back to be quick changes nothing that it decides."""

import gc
import math
import random
from cProfile import Profile
from datetime import timedelta

import pytest

from articles import NOW, SINCE, article, moved, plan
from digest.compose import alike, review
from digest.compose.collector import without_collecting
from digest.compose.corpus import PAIRS, Corpus, Text, dot
from digest.compose.story import cluster
from digest.domain import Article


def drawn(chance: random.Random, count: int) -> list[Article]:
    """Articles of some days by eight owners, in few words, so that much is a little alike."""
    words = [f"{letter}{number}ord" for letter in "qwrtzpsdf" for number in range(8)]
    topics = [chance.sample(words, 9) for _ in range(4)]
    week = []
    for number in range(1, count + 1):
        topic = chance.choice(topics)
        title, text = chance.sample(topic, 3), chance.sample(topic, 4) + chance.sample(words, 8)
        one = article(
            number, source_id=chance.randint(1, 8), title=" ".join(title), summary=" ".join(text),
            canonical_url=f"https://s.example/{number}",
        )  # fmt: skip
        week.append(moved(one, SINCE + timedelta(days=chance.randint(0, 3), hours=2)))
    return week


def test_composing_makes_no_cycles_for_pythons_collector_to_find() -> None:
    week = drawn(random.Random(1), 60)
    review(week, plan(), now=NOW)
    gc.collect()
    # What is frozen is not looked at: what earlier tests left behind may fall to pieces meanwhile.
    gc.freeze()

    try:
        with without_collecting():
            review(week, plan(), now=NOW)
            found = gc.collect()
    finally:
        gc.unfreeze()

    assert found == 0


def test_the_collector_is_held_meanwhile_and_on_again_after_an_error() -> None:
    seen = []

    @without_collecting()
    def fail() -> None:
        seen.append(gc.isenabled())
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()

    assert [*seen, gc.isenabled()] == [False, True]


def test_what_was_off_before_stays_off() -> None:
    gc.disable()
    try:
        with without_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def nearly_one(count: int) -> list[Article]:
    """Articles of one day that have nine words in ten in common, each with others in their place."""
    chance = random.Random(3)
    words = [f"{letter}{number}ord" for letter in "qwrtzpsdf" for number in range(count // 22)]
    base = chance.sample(words, 40)
    week = []
    for number in range(1, count + 1):
        text = [*base]
        for at in chance.sample(range(40), 4):
            text[at] = chance.choice(words)
        one = article(
            number, source_id=number % 8 + 1, title="", summary=" ".join(text),
            canonical_url=f"https://s.example/{number}",
        )  # fmt: skip
        week.append(one)
    return week


def test_the_likeness_of_two_clusters_is_one_product_however_many_texts_they_have() -> None:
    week, profile = nearly_one(200), Profile()

    with profile:
        found, _ = cluster(week, plan())

    products = sum(each.callcount for each in profile.getstats() if each.code is dot.__code__)
    assert max(len(each.articles) for each in found) > 150
    assert products < 4 * PAIRS * len(week)


@pytest.mark.parametrize("seed", range(6))
def test_links_without_hope_that_are_forgotten_change_no_story_of_such_weeks(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    week = drawn(random.Random(seed), 120)

    forgotten = cluster(week, plan())[0]
    monkeypatch.setattr(alike, "HOPELESS", -math.inf)
    kept = cluster(week, plan())[0]

    assert forgotten == kept


@pytest.mark.parametrize("seed", range(6))
def test_clusters_that_no_link_connects_are_joined_apart_and_yet_as_if_all_were_looked_at_together(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    week = drawn(random.Random(seed), 120)

    apart = cluster(week, plan())
    monkeypatch.setattr(alike._Linker, "_apart", lambda linker: [sorted(linker._heap)])
    together = cluster(week, plan())

    assert apart == together


@pytest.mark.parametrize("seed", range(4))
def test_the_likeliest_pairs_of_a_day_do_not_hang_on_the_order_of_its_texts(seed: int) -> None:
    week = drawn(random.Random(seed), 150)
    texts = [Text(voice=str(each.id), language="", at=NOW, text=each.summary) for each in week]
    days = [list(range(90)), list(range(90, 150))]
    found = []

    for step in (1, -1):
        corpus = Corpus(texts)
        pairs = set()
        for day in days:
            corpus.add(day[::step])
            pairs |= {(one, other) for one, other, _ in corpus.pairs(day[::step])}
        found.append(pairs)

    assert found[0] == found[1]
    assert len(found[0]) > 150
