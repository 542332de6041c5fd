"""What lint says of an issue before anybody gets it."""

from dataclasses import replace

import pytest

import sample_issues as stories
from digest.domain import Content, Rendered
from digest.render import Masthead, lint, open_templates, render

TEMPLATES = open_templates()


def words(content: Content, masthead: Masthead = stories.MASTHEAD) -> list[str]:
    problems = lint(render(content, masthead, TEMPLATES))
    return [f"{problem.severity}: {problem.words}" for problem in problems]


def test_an_ordinary_issue_has_no_problem() -> None:
    assert words(stories.week()) == []


def test_a_missing_postal_address_stops() -> None:
    found = words(stories.week(), replace(stories.MASTHEAD, postal_address=" "))

    assert found == [
        'stop: the HTML part has no postal address: set "address" of the newsletter',
        'stop: the text part has no postal address: set "address" of the newsletter',
    ]


def test_a_link_that_is_not_of_the_web_stops() -> None:
    found = words(
        stories.news(stories.story("A", url="JavaScript:alert(1)"), stories.story("B", url="/only/path"))
    )

    assert found == [
        "stop: 'JavaScript:alert(1)' is not a web address",
        "stop: '/only/path' is not a web address",
    ]


def test_a_long_note_and_a_long_subject_warn() -> None:
    content = replace(stories.week(note="n" * 241), subject="s" * 71)

    assert words(content) == [
        "warn: the subject has 71 characters; 70 are seen",
        "warn: the note has 241 characters; over 240 hide the news on a phone",
    ]


def test_what_looks_like_a_template_warns_but_does_not_stop() -> None:
    assert words(stories.news(stories.story("{{ reader.name }}"))) == [
        "warn: '{{ reader.name }}' looks like something a template left over"
    ]


@pytest.mark.parametrize(("kilobytes", "severity"), [(79, None), (81, "warn"), (103, "stop")])
def test_size_warns_at_80_and_stops_at_102_kilobytes(kilobytes: int, severity: str | None) -> None:
    issue = render(stories.news(stories.story("A")), stories.MASTHEAD, TEMPLATES)
    padded = replace(issue, html=issue.html + "x" * (kilobytes * 1024 - len(issue.html.encode())))

    assert [problem.severity for problem in lint(padded)] == ([severity] if severity else [])


def test_an_issue_of_nothing_is_stopped_for_each_of_its_lacks() -> None:
    problems = lint(Rendered(subject="", preheader="", html="", text=""))

    assert [problem.words for problem in problems if problem.severity == "stop"][:2] == [
        "the subject is empty",
        "the HTML part has no link to unsubscribe",
    ]
