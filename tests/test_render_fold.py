"""Wrapping, cutting, soft breaks, dates: the small parts of a mail's text."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from digest.render import fold, moments
from digest.render.marks import fill, scrub
from digest.render.words import language_name


@given(st.text().map(scrub), st.integers(0, 4))
def test_wrapped_text_is_never_wider_and_loses_no_letter(text: str, indent: int) -> None:
    wrapped = fold.wrap(text, indent, width=20)

    assert "".join(wrapped.split()) == "".join(text.split())
    assert max(map(fold.columns, wrapped.split("\n"))) <= 20


def test_an_address_is_never_broken() -> None:
    url = "https://example.org/" + "a" * 90

    assert fold.wrap(f"See {url} now", 2) == f"  See\n  {url}\n  now"


def test_a_bullet_begins_the_first_line_only() -> None:
    assert fold.wrap("one two three", 2, "* ", width=9) == "* one two\n  three"


def test_japanese_breaks_between_letters_but_not_before_a_full_stop() -> None:
    assert fold.wrap("あいうえ。お", width=8) == "あいう\nえ。お"


@pytest.mark.parametrize(
    ("text", "room", "short"),
    [
        ("Short", 10, "Short"),
        ("One two three four", 12, "One two…"),
        ("A clause: and what follows it", 12, "A clause"),
        ("Unbreakable", 6, "Unbre…"),
        ("Ends, here and on", 6, "Ends…"),
    ],
)
def test_a_title_is_cut_at_a_clause_or_a_word(text: str, room: int, short: str) -> None:
    assert fold.shorten(text, room) == short


@given(st.text(min_size=1), st.integers(2, 40))
def test_a_cut_title_fits(text: str, room: int) -> None:
    assert len(fold.shorten(text, room)) <= room


@given(st.text())
def test_soft_breaks_change_nothing_that_is_read(text: str) -> None:
    assert fold.soft(text).replace("<wbr>", "") == escape(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", ""),
        ("A", "A"),
        ("AB", "A and B"),
        ("ABC", "A, B and C"),
        ("ABCDE", "A, B, C and 2 more"),
    ],
)
def test_a_series_ends_in_and(words: str, told: str) -> None:
    assert fold.series(list(words), "and", 3, "more") == told


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (date(2026, 11, 16), date(2026, 11, 22), "16–22 November 2026"),
        (date(2026, 9, 28), date(2026, 10, 4), "28 September – 4 October 2026"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 December 2026 – 3 January 2027"),
        (date(2026, 11, 16), date(2026, 11, 16), "16 November 2026"),
    ],
)
def test_a_span_names_month_and_year_once_where_it_can(first: date, last: date, told: str) -> None:
    assert moments.span(first, last) == told


def test_a_window_ends_on_the_day_before_its_end() -> None:
    since, until = datetime(2026, 11, 16, 6, tzinfo=UTC), datetime(2026, 11, 23, 6, tzinfo=UTC)

    assert moments.days_of(since, until, "Europe/Copenhagen") == (date(2026, 11, 16), date(2026, 11, 22))
    assert moments.days_of(until, until, "UTC") == (date(2026, 11, 23), date(2026, 11, 23))


@pytest.mark.parametrize(
    ("zone", "city", "letters"),
    [
        ("Europe/Copenhagen", "Copenhagen", "CET"),
        ("America/New_York", "New York", "EST"),
        ("America/Sao_Paulo", "Sao Paulo", "UTC-3"),
        ("Asia/Kathmandu", "Kathmandu", "UTC+5:45"),
        ("UTC", "", "UTC"),
        ("Etc/GMT+12", "", "UTC-12"),
        ("No/Such", "", "UTC"),
        ("", "", "UTC"),
    ],
)
def test_zones_are_called_by_their_city_and_letters(zone: str, city: str, letters: str) -> None:
    moment = moments.local(datetime(2026, 11, 23, tzinfo=UTC), zone)

    assert (moments.city(zone), moments.abbreviation(moment)) == (city, letters)


def test_only_another_language_is_named() -> None:
    assert language_name("de-AT", "en") == "German"
    assert language_name("en-GB", "en-US") == ""
    assert language_name("tlh", "en") == ""


@given(st.text())
def test_nothing_from_outside_can_hold_a_mark(text: str) -> None:
    assert fill(scrub(text), {"x": "!"}, frozenset()) == scrub(text)
