"""The model that places articles: its answers, its reasons, and what it asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles import NOW, article, plan, source, sources
from digest.compose import review
from digest.compose.features import ask, features, guess, read_model

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
