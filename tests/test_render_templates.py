"""Templates: an operator's own come first, and a broken one is found with file and line."""

import re
from pathlib import Path

import pytest

import sample_issues as stories
from digest.errors import TemplateError
from digest.render import check, notice, open_templates, render

BROKEN = {
    "issue/body.html": (
        '{% extends "_base/body.html" %}\n{% block body %}\n{{ storyy.title }}\n{% endblock %}',
        r"issue/body\.html:3: 'storyy' is undefined",
    ),
    "issue/subject.txt": ("{{ issue.titel }}", r"issue/subject\.txt:1: .*has no attribute 'titel'"),
    "issue/body.txt": ("one\n{% if %}", r"issue/body\.txt:2: Expected an expression"),
    "confirm/body.html": ('{% extends "nowhere.html" %}', r"nowhere\.html: there is no such template"),
    "welcome/body.txt": ("{{ 1 / 0 }}", r"welcome/body\.txt:1: division by zero"),
    "goodbye/body.txt": (
        "{{ left_at.__class__.__mro__ }}",
        r"goodbye/body\.txt:1: access to attribute '__class__'",
    ),
    "goodbye/sample.toml": ("left_at =", r"goodbye/sample\.toml: "),
    "_base/tokens.txt": (
        "{% set light = {} %}{% set dark = {} %}",
        r"_base/style\.css:\d+: .*has no attribute",
    ),
}


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_our_own_mails_all_render() -> None:
    templates = open_templates()

    check(templates)

    known = {"already", "changed", "confirm", "draft", "goodbye", "issue", "paused", "welcome"}
    assert known <= set(templates.mails())


def test_every_mail_lists_the_values_it_takes() -> None:
    templates = open_templates()

    assert [name for name in templates.mails() if not templates.find(f"{name}/sample.toml")] == ["issue"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_template_is_found_with_file_and_line(name: str, tmp_path: Path) -> None:
    text, words = BROKEN[name]
    templates = open_templates(folder(tmp_path, **{name: text}))

    with pytest.raises(TemplateError, match=words):
        check(templates)


def test_a_template_in_another_encoding_is_one_clear_line(tmp_path: Path) -> None:
    (folder(tmp_path) / "issue").mkdir()
    (tmp_path / "issue" / "subject.txt").write_bytes("Grüße".encode("latin-1"))

    with pytest.raises(TemplateError, match=r"issue/subject\.txt: is not UTF-8"):
        check(open_templates(tmp_path))


def test_an_issue_without_a_way_out_is_refused(tmp_path: Path) -> None:
    own = folder(tmp_path, **{"issue/body.txt": "Nothing but words."})

    with pytest.raises(TemplateError, match="issue: the text part has no link to unsubscribe"):
        check(open_templates(own))


def test_a_file_of_ones_own_comes_first_and_the_rest_is_ours(tmp_path: Path) -> None:
    own = folder(tmp_path, **{"issue/subject.txt": "Number {{ issue.number }}\nBefore the words"})

    issue = render(stories.week(), stories.MASTHEAD, open_templates(own))

    assert (issue.subject, issue.preheader) == ("Number 47", "Before the words")
    assert "A public register" in issue.html


def test_a_mail_of_ones_own_is_a_folder(tmp_path: Path) -> None:
    words = '{% extends "_base/notice.html" %}{% block words %}<p>{{ years }}</p>{% endblock %}'
    files = {
        "birthday/sample.toml": "years = 3",
        "birthday/subject.txt": "{{ years }} years of {{ masthead.name }}",
        "birthday/body.html": words,
        "birthday/body.txt": "{{ years }}",
    }
    templates = open_templates(folder(tmp_path, **files))

    check(templates)
    message = notice(
        "birthday",
        {"years": 4},
        stories.MASTHEAD,
        stories.READER.subscriber,
        templates,
        date=stories.UNTIL,
        message_key="4",
    )

    assert dict(message.headers)["Subject"] == "4 years of The Week in AI"


def test_a_changed_template_is_read_again(tmp_path: Path) -> None:
    templates = open_templates(folder(tmp_path, **{"issue/subject.txt": "first"}))
    first = render(stories.week(), stories.MASTHEAD, templates).subject

    folder(tmp_path, **{"issue/subject.txt": "the second one"})

    assert (first, render(stories.week(), stories.MASTHEAD, templates).subject) == ("first", "the second one")


def test_a_folder_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="is not a folder"):
        open_templates(tmp_path / "nowhere")


def test_an_unknown_notice_is_one_clear_line() -> None:
    with pytest.raises(TemplateError, match=r"nothing/subject\.txt: there is no such template"):
        notice(
            "nothing",
            {},
            stories.MASTHEAD,
            stories.READER.subscriber,
            open_templates(),
            date=stories.UNTIL,
            message_key="1",
        )


def test_no_template_holds_a_colour_of_its_own() -> None:
    base = open_templates().folders[-1]
    files = [file for file in base.rglob("*") if file.suffix in {".html", ".css"}]

    found = [file.name for file in files if re.search(r"#[0-9a-f]{6}\b", file.read_text(encoding="utf-8"))]

    assert files
    assert found == []


def test_every_mail_calls_the_page_of_choices_by_one_name() -> None:
    base = open_templates().folders[-1]
    link = re.compile(r"preferences(?:_url)?[ ,]")
    texts = {str(file.relative_to(base)): file.read_text(encoding="utf-8") for file in base.rglob("body.*")}
    found = {name: text for name, text in texts.items() if link.search(text)}

    assert len(found) == 6
    assert all("Change preferences" in text for text in found.values()), [*found]
