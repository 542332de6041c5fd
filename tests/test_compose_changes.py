"""What is different between two issues."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from articles import article, issue
from conftest import NOW
from digest.compose import Change, changes
from digest.domain import Content, Event, IssueSection, Story


def content(**sections: str) -> Content:
    """An issue with a story for each letter: capitals are stories with another title of the same letter."""
    return replace(
        issue([]),
        sections=tuple(
            IssueSection(key=key, label=key, stories=tuple(story(letter, key) for letter in letters))
            for key, letters in sections.items()
        ),
    )


def story(letter: str, section: str) -> Story:
    return Story(key=letter.lower(), section=section, title=letter, url=f"https://x.example/{letter.lower()}")


def told(before: Content, after: Content) -> list[tuple[str, str]]:
    return [(each.kind, each.what) for each in changes(before, after)]


def test_added_dropped_moved_and_retitled_are_told_apart() -> None:
    before, after = content(news="abcde", learnings="xyz"), content(news="abcExq", learnings="yz")

    assert told(before, after) == [
        ("dropped", "d"),
        ("retitled", "E"),
        ("moved", "x"),
        ("added", "q"),
    ]


def test_one_that_is_put_first_moves_and_the_others_do_not() -> None:
    assert changes(content(news="abcd"), content(news="dabc")) == (
        Change(kind="moved", what="d", before="news 4", after="news 1"),
    )


def test_a_story_is_known_by_its_articles_when_another_leads_it() -> None:
    week = [article(5), article(6, source_id=2, title=article(5).title)]
    before = issue(week)
    after = replace(
        before,
        sections=tuple(
            replace(part, stories=tuple(replace(each, key="other") for each in part.stories))
            for part in before.sections
        ),
    )

    assert changes(before, after) == ()


def test_what_changed_in_the_head_is_told() -> None:
    before = content(news="a")

    found = changes(before, replace(before, note="Dear all", sources_failed=("The Wire", "A blog")))

    assert [(each.what, each.after) for each in found] == [
        ("note", "Dear all"),
        ("sources_failed", "The Wire, A blog"),
    ]


def test_an_event_that_moved_is_told_in_words() -> None:
    was = Event(starts_at=NOW, ends_at=NOW + timedelta(hours=2), place="Dokk1, Aarhus")
    now = replace(was, starts_at=NOW + timedelta(hours=1), online=True)
    (section,) = content(events="a").sections
    first, then = (
        replace(content(), sections=(replace(section, stories=(replace(section.stories[0], event=one),)),))
        for one in (was, now)
    )

    (found,) = changes(first, then)

    assert found.kind == "event changed"
    assert (
        found.before
        == f"{NOW:%Y-%m-%d %H:%M} to {NOW + timedelta(hours=2):%Y-%m-%d %H:%M} UTC, Dokk1, Aarhus"
    )
    assert found.after.startswith(f"{NOW + timedelta(hours=1):%Y-%m-%d %H:%M} to ")
    assert found.after.endswith(" UTC, Dokk1, Aarhus, online")


@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_an_issue_is_like_itself_and_a_new_order_only_moves(one: list[str], other: list[str]) -> None:
    before, after = content(news="".join(one)), content(news="".join(other))

    assert changes(before, before) == ()
    assert {kind for kind, _what in told(before, after)} <= {"moved"}
    assert bool(changes(before, after)) == (one != other)
