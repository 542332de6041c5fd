"""Which topics stories are about, by the operator's words and by an editor's."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from articles import NOW, article, plan
from digest.compose import review
from digest.domain import Article, Content, IssueSection, Story, Topic

AGENTS = Topic(key="agents", label="Agents", words=("agent", "tool use", "エージェント"))
CHIPS = Topic(key="chips", label="Chips", words=("GPU", "C++", "芯片"))
KNOWN = frozenset({"agents", "chips"})


def story_of(one: Article, *topics: Topic) -> Story:
    """The only story of an issue of this article."""
    (story,) = review([one], plan(topics=topics), now=NOW).content.stories
    return story


@pytest.mark.parametrize(
    ("title", "topics"),
    [
        ("An AGENT that plans", ("agents",)),
        ("The agent's tools", ("agents",)),
        ("Reagents and agentic things, an agency", ()),
        ("Notes on tool-use", ("agents",)),
        ("A tool  use study", ("agents",)),
        ("A tool of some use", ()),
        ("新しいAIエージェントが登場", ("agents",)),
        ("国产芯片发布", ("chips",)),
        ("最新GPU登場", ("chips",)),
        ("GPUs are sold out", ()),
        ("Ｇｐｕ prices", ("chips",)),
        ("Modern C++ in a week", ("chips",)),
        ("An agent on a GPU", ("agents", "chips")),
        ("Nothing of the kind", ()),
    ],
)
def test_a_word_counts_when_it_stands_by_itself(title: str, topics: tuple[str, ...]) -> None:
    assert story_of(article(1, title=title, summary=""), AGENTS, CHIPS).topics == topics


def test_a_summary_counts_too_and_the_reason_names_the_word() -> None:
    story = story_of(article(1, title="A plain title", summary="It says what a GPU costs."), AGENTS, CHIPS)

    reasons = {each.rule: each.words for each in story.reasons if each.rule.startswith("topic.")}
    assert story.topics == ("chips",)
    assert reasons == {"topic.chips": "Of the topic Chips: it says “gpu”."}


def test_words_of_two_texts_are_not_one_word() -> None:
    assert story_of(article(1, title="A new tool", summary="Use it well."), AGENTS).topics == ()


def test_without_topics_nothing_is_different() -> None:
    story = story_of(article(1, title="An agent on a GPU"))

    assert story.topics == ()
    assert not [each for each in story.reasons if each.rule.startswith("topic.")]


def told(chosen: tuple[str, ...], *, known: frozenset[str] = KNOWN) -> str:
    """The keys of what a reader with that choice is told of four stories."""
    topics = {"a": ("agents",), "b": ("chips",), "c": (), "d": ("agents", "chips"), "e": ("gone",)}
    stories = tuple(
        Story(key=key, section="news", title=key, url=f"https://a.example/{key}", topics=topics[key])
        for key in topics
    )
    news = IssueSection(key="news", label="News", stories=stories)
    content = Content(newsletter="n", number=1, since=NOW, until=NOW, sections=(news,))
    return "".join(story.key for story in content.about(chosen, known=known).stories)


@pytest.mark.parametrize(
    ("chosen", "keys"),
    [
        ((), "abcde"),
        (("agents",), "acde"),
        (("chips",), "bcde"),
        (("agents", "chips"), "abcde"),
        (("gone",), "abcde"),
        (("gone", "chips", "never"), "bcde"),
    ],
)
def test_only_stories_whose_topics_were_all_left_are_left_out(chosen: tuple[str, ...], keys: str) -> None:
    assert told(chosen) == keys


def test_once_there_are_no_topics_everybody_gets_all() -> None:
    assert told(("agents",), known=frozenset()) == "abcde"


def test_an_issue_without_topics_has_the_hash_that_it_always_had() -> None:
    at = datetime(2026, 11, 23, 7, tzinfo=UTC)
    story = Story(key="a", section="news", title="A", url="https://a.example/a")
    news = IssueSection(key="news", label="News", stories=(story,))
    content = Content(newsletter="n", number=1, since=at, until=at, sections=(news,))
    about = replace(news, stories=(replace(story, topics=("agents",)),))

    assert content.digest() == "ac51ce3ae78a68fd0ae3d2f0205e18bcd7a0c0854bd8068c97e5708269006c7d"
    assert replace(content, sections=(about,)).digest() != content.digest()
