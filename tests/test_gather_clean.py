"""Plain text out of hostile markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.gather.clean import cut, language_of, minutes_of, one_line, plain_text, summary_of, title_text


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("A &amp; B", "A & B"),
        ("<b>Bold</b> and <i class='x'>so</i>", "Bold and so"),
        ("How List<T> works in <script>", "How List<T> works in <script>"),
        ("A {{ 7*7 }} b", "A {{ 7*7 }} b"),
        ("two\nlines\t and\x00 a\x1b[31m nul", "two lines and a [31m nul"),
        ("right\u202eto\u2066left\u200b\ufeff", "righttoleft"),
        ("Cafe\u0301", "Café"),
        ("lone \ud800 half", "lone half"),
        ("hidden\U000e0041\U000e0042 words", "hidden words"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_a_title_is_one_line_of_plain_text(raw: str, title: str) -> None:
    assert title_text(raw) == title


def test_a_title_has_at_most_300_characters_and_ends_between_words() -> None:
    title = title_text("word " * 200)

    assert len(title) <= 300
    assert title.endswith("word…")


def test_a_word_without_end_is_cut_inside() -> None:
    assert cut("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One. Two."),
        ("a<br>b<br/>c", "a b c"),
        ("<script>alert(1)</script>Only<style>p{}</style> this", "Only this"),
        ("1 &lt; 2 &amp;amp; so", "1 < 2 &amp; so"),
        ("<img src=x onerror=alert(1)>Words", "Words"),
        ("<p>Begun <a href='x", "Begun"),
        ("Words here. The post Words appeared first on Orbit.", "Words here."),
        ("Words here [&hellip;]", "Words here"),
        ("Whoever wants to read more books should begin.", "Whoever wants to read more books should begin."),
    ],
)
def test_a_summary_is_what_a_browser_would_show(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<p>One <b>two</b> three.</p><p>Four &amp; <a href='/x?a=1&amp;b=2'>five</a></p>",
        '<DIV class="a b"><em>One</em><br/>two<br />three</DIV>\n<ul><li>four<li>five</ul>',
        "One<br>two <img src='x.png' alt=''> <span style=\"color: red;\">three</span>  four",
        "No tags, two  spaces,\ttabs and\xa0others",
    ],
)
def test_plain_tags_leave_the_words_that_a_parser_finds(markup: str) -> None:
    by_parser = plain_text(markup + "<custom-tag></custom-tag>")

    assert plain_text(markup) == by_parser


def test_half_of_a_surrogate_pair_costs_itself_and_nothing_else() -> None:
    assert plain_text("<section-x>One \ud800two</section-x> three") == "One two three"


@given(st.text(st.sampled_from("ab <>/pé\xa0\n\t\x0b\x1c\u2003."), max_size=60))
def test_words_are_counted_as_splitting_counts_them(text: str) -> None:
    words = text.replace("<", "").replace(">", "")

    minutes = minutes_of("word " * 400 + words + " word" * 405)

    assert minutes == round((805 + len(words.split())) / 230)


def test_a_summary_has_at_most_1500_characters() -> None:
    assert 1400 < len(plain_text("<p>some words</p>" * 5000)) <= 1500


def test_fifty_thousand_nested_tags_are_not_walked() -> None:
    assert plain_text("Words " + "<b>" * 50_000 + "deep") == "Words"


def test_a_summary_that_repeats_the_title_says_nothing() -> None:
    assert summary_of("The title.", "", "The Title") == ""


def test_a_description_that_was_cut_gives_way_to_the_text() -> None:
    assert summary_of("The model holds…", "<p>The model holds nine million words.</p>", "T") == (
        "The model holds nine million words."
    )


def test_an_editors_description_stays() -> None:
    assert summary_of("Why it matters.", "<p>The model holds nine.</p>", "T") == "Why it matters."


def test_reading_time_needs_a_whole_text() -> None:
    assert minutes_of("<p>" + "word " * 690 + "</p>") == 3
    assert minutes_of("word " * 100) is None


def test_a_language_is_its_primary_tag() -> None:
    assert language_of("", "und", "en-US") == "en"
    assert language_of("english please") == ""


def test_a_line_of_nothing_is_empty() -> None:
    assert one_line(" \u200b\n") == ""
