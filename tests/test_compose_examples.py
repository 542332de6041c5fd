"""Sections of an operator's own, told by titles that belong there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles import NOW, article, plan, source, sources
from digest.compose import Review, review
from digest.compose.examples import likeness
from digest.domain import DEFAULT_SECTIONS, Section

TOOLS = Section(
    key="tools",
    label="Tools",
    examples=(
        "ripgrep 15 is released",
        "Show HN: a terminal emulator written in Rust",
        "Zellij 0.43 brings a new terminal workspace",
        "A faster package manager for Python",
        "Show HN: my static site generator",
    ),
)
POLICY = Section(
    key="policy",
    label="Policy",
    examples=(
        "Parliament votes on the AI Act",
        "Regulator fines a bank over facial recognition",
        "Court rules on training data and copyright",
        "裁判所が学習データを認める",
    ),
)


def look(*titles: str, language: str = "", **values: object) -> Review:
    week = [
        article(
            number, title=title, summary="", language=language, canonical_url=f"https://s1.example/p/{number}"
        )
        for number, title in enumerate(titles, 1)
    ]
    chosen = {"sections": (*DEFAULT_SECTIONS, TOOLS, POLICY), "sources": sources(source(1))} | values
    return review(week, plan(**chosen), now=NOW)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Show HN: a tiny web server", "tools"),
        ("uv becomes the package manager of Python", "tools"),
        ("Regulator looks at Larkspur's training data", "policy"),
        ("裁判所、学習データの利用を認める", "policy"),
        ("Announcing Tern 3 for everybody", "news"),
        ("A guide to fine-tuning small models on one GPU", "learnings"),
    ],
)
def test_what_is_like_the_examples_of_a_section_is_put_there(title: str, key: str) -> None:
    found = look(title)

    assert [story.section for story in found.content.stories] == [key]
    assert [each for each in found.questions if each.kind == "section"] == []


def test_the_reason_names_the_section_and_the_word_as_it_stands_in_the_title() -> None:
    (story,) = look("Regulators look at Larkspur: training data").content.stories

    assert story.reasons[0].rule == "section.policy"
    assert story.reasons[0].words.startswith("It is like the examples of Policy, mostly by “Regulators”")


def test_what_is_a_little_like_them_stays_where_it_was_and_is_asked_about() -> None:
    found = look("Ghostty 1.3, a terminal for everybody")

    (story,), (question,) = found.content.stories, found.questions
    assert (story.section, question.section) == ("news", "news")
    assert "Perhaps it is one for Tools, by “terminal”" in story.reasons[0].words


def test_the_sources_own_section_goes_before_examples() -> None:
    (story,) = look("Show HN: a tiny web server", sources=sources(source(1, section="news"))).content.stories

    assert story.section == "news"


@given(st.text(max_size=80), st.lists(st.text(min_size=1, max_size=40), max_size=5))
def test_any_title_and_examples_give_a_likeness_or_none(title: str, examples: list[str]) -> None:
    found = likeness(title, [Section(key="own", label="Own", examples=tuple(examples))])

    assert found is None or 0.4 <= found.sure <= 1
