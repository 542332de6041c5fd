"""The model that places articles: its answers, its reasons, and what it asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles import NOW, article, plan, source, sources
from digest.compose import review
from digest.compose.features import ask, features, guess, read_model
from digest.compose.strange import strangers

MODEL = read_model(
    "#sections\tnews\tlearnings\n#counts\t1\t1\nt:alpha\t150\t-150\nt:beta\t-150\t150\nt:gamma\t10\t0\n"
)


@pytest.mark.parametrize(
    ("title", "url", "expected"),
    [
        ("Halden raises $80 million in Series B", "https://a.example/news/b", "news"),
        ("Regulators agree on one form", "https://a.example/world/form", "news"),
        ("Announcing Orbit 6", "https://a.example/blog/orbit", "news"),
        ("How we cut our build from an hour to a minute", "https://a.example/posts/build", "learnings"),
        ("A guide to reading forms", "https://a.example/guides/forms", "learnings"),
        ("Quantifying drift in small models", "https://arxiv.org/abs/2601.1", "learnings"),
    ],
)
def test_the_shipped_model_places_what_a_person_would(title: str, url: str, expected: str) -> None:
    assert guess(title, url, among=("news", "learnings")).narrowed[0][0] == expected


def test_an_answer_says_how_sure_it_is_and_why() -> None:
    sure, unsure = (ask(MODEL, title, "", among=("news", "learnings")) for title in ("Alpha", "Gamma"))

    key, share = sure.narrowed[0]
    assert (key, round(share, 3)) == ("news", 0.953)
    assert sure.because == "its title says “alpha”"
    assert unsure.narrowed[0][1] < 0.6


def test_what_a_newsletter_was_not_asked_about_is_left_out() -> None:
    assert [key for key, _ in ask(MODEL, "Beta", "", among=("learnings",)).narrowed] == ["learnings"]


#: What a paper of the day, a magazine and a hobbyist write about, and where.
OF_ANOTHER_TRADE = (
    ("Cardinals gather before the vote in Rome", "https://paper.example/articles/cardinals"),
    ("Drought empties reservoirs across Andalusia", "https://paper.example/articles/drought"),
    ("Why nobody eats herring any more", "https://paper.example/posts/herring"),
    ("Goalkeeper apologises for Benfica defeat", "https://paper.example/articles/benfica"),
)


def test_a_source_of_another_trade_is_news_and_nobody_is_asked() -> None:
    week = [
        article(number, title=title, canonical_url=url, source_id=1)
        for number, (title, url) in enumerate(OF_ANOTHER_TRADE, 1)
    ]

    found = review(week, plan(sources=sources(source(1, section=None)), max_per_source=9), now=NOW)

    assert {story.section for story in found.content.stories} == {"news"}
    assert len(found.content.stories) == len(week)
    assert [each for each in found.questions if each.kind == "section"] == []
    assert all("another trade" in story.reasons[0].words for story in found.content.stories)


@pytest.mark.parametrize(
    ("title", "url"),
    [
        ("A guide to pickling herring", "https://paper.example/articles/pickling"),
        ("How to smoke an eel", "https://paper.example/posts/eel"),
        ("Migration of eels in the Sargasso", "https://paper.example/research/eels"),
    ],
)
def test_what_teaches_in_another_trade_is_a_learning(title: str, url: str) -> None:
    week = [
        article(number, title=each, canonical_url=where, source_id=1)
        for number, (each, where) in enumerate([*OF_ANOTHER_TRADE, (title, url)], 1)
    ]

    found = review(week, plan(sources=sources(source(1, section=None)), max_per_source=9), now=NOW)

    sections = {story.title: story.section for story in found.content.stories}
    assert sections[title] == "learnings"


@pytest.mark.parametrize(
    ("language", "title", "path", "wanted"),
    [
        ("de", "Bundestag beschließt Rechenzentrumsgesetz", "politik/1", "news"),
        ("de", "Eine Einführung in Transformer", "artikel/2", "learnings"),
        ("ja", "東京大学、新しい量子計算機を公開", "news/3", "news"),
        ("ja", "機械学習入門：線形回帰", "posts/4", "learnings"),
        ("zh", "手把手教你微调模型", "p/5", "learnings"),
        ("fr", "Le gouvernement présente sa stratégie", "tutorials/6", "learnings"),
    ],
)
def test_what_is_not_in_english_is_news_unless_it_says_that_it_teaches_and_nobody_is_asked(
    language: str, title: str, path: str, wanted: str
) -> None:
    url = f"https://s.example/{path}"
    told = article(1, title=title, canonical_url=url, language=language, source_id=1)

    found = review([told], plan(sources=sources(source(1, section=None))), now=NOW)

    assert [story.section for story in found.content.stories] == [wanted]
    assert found.questions == ()


def test_one_title_of_unknown_words_is_no_other_trade() -> None:
    of_the_trade = "How we measured latency in our distributed inference servers"
    assert strangers([article(1, title="Quux frobnicates")]) == frozenset()
    assert strangers([article(1, title=title) for title, _ in OF_ANOTHER_TRADE]) != frozenset()
    assert strangers([article(1, title=of_the_trade)] * 3) == frozenset()
    assert strangers([article(1, title=title, language="da") for title, _ in OF_ANOTHER_TRADE]) == frozenset()


def test_below_a_confidence_the_editor_is_asked_and_a_set_source_never_is() -> None:
    week = [article(number, title="Orbit", canonical_url=f"https://s{number}.example/o") for number in (1, 2)]
    found = {
        setting: review(week[:1], plan(sources=sources(source(1, section=setting))), now=NOW).questions
        for setting in (None, "news")
    }

    assert found["news"] == ()
    assert all(each.kind == "section" and each.confidence < 0.6 for each in found[None])


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_title_and_address_get_an_answer(title: str, url: str) -> None:
    found = guess(title, url, among=("news", "learnings"))

    assert sum(share for _, share in found.shares) == pytest.approx(1, abs=1e-4)
    assert list(features(title, url)) == list(features(title, url))
