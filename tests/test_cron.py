"""When a newsletter is due."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.cron import last_due, next_due, rhythm
from digest.errors import ConfigError

ZONE = "Europe/Copenhagen"
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 7 * * mon", "2026-11-23T07:00+01:00"),
        ("0 7 * * 1", "2026-11-23T07:00+01:00"),
        ("0 7 * * 0", "2026-11-29T07:00+01:00"),
        ("0 7 * * 7", "2026-11-29T07:00+01:00"),
        ("0 7 * * 5-7", "2026-11-27T07:00+01:00"),
        ("0 7 * * 6-1", "2026-11-23T07:00+01:00"),
        ("30 6 1 * *", "2026-12-01T06:30+01:00"),
    ],
)
def test_weekdays_are_numbered_as_in_cron(expression: str, expected: str) -> None:
    assert next_due(expression, ZONE, SUNDAY) == datetime.fromisoformat(expected)


def test_the_hour_is_kept_when_the_clocks_change() -> None:
    before = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)

    due = next_due("0 7 * * sun", ZONE, before)

    assert due.astimezone(ZoneInfo(ZONE)).hour == 7
    assert due.utcoffset() == timedelta(hours=1)


def test_the_last_time_includes_this_moment() -> None:
    due = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

    assert last_due("0 7 * * mon", ZONE, due) == due
    assert last_due("0 7 * * mon", ZONE, due - timedelta(seconds=1)) == due - timedelta(days=7)


def test_a_time_that_spring_leaves_out_comes_an_hour_later() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)

    due = next_due("15 2 * * 0", ZONE, before)

    assert due.isoformat() == "2026-03-29T03:15:00+02:00"
    assert next_due("15 2 * * 0", ZONE, due).isoformat() == "2026-04-05T02:15:00+02:00"


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001 - made aware below
def test_last_and_next_enclose_every_moment(naive: datetime) -> None:
    now = naive.replace(tzinfo=UTC)

    last, coming = last_due("15 2 * * 0", ZONE, now), next_due("15 2 * * 0", ZONE, now)

    assert last is not None
    assert last <= now < coming
    assert next_due("15 2 * * 0", ZONE, last) == coming


@given(
    zone=st.sampled_from(
        ["Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"]
    ),
    expression=st.builds(
        "{} {} * * *".format,
        st.sampled_from(["30", "15,40", "0", "0,30"]),
        st.sampled_from(["2", "0", "1-3", "23"]),
    ),
    now=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - made aware by hypothesis
)
@example(
    zone="Australia/Lord_Howe", expression="15,40 2 * * *", now=datetime(2026, 10, 3, 15, 25, tzinfo=UTC)
)
def test_each_face_of_the_clock_comes_once_over_every_change(
    zone: str, expression: str, now: datetime
) -> None:
    coming = next_due(expression, zone, now)

    minutes, hours = expression.split()[:2]
    faces = {
        face.astimezone(UTC)
        for day in (-1, 0, 1, 2)
        for hour in _numbers(hours)
        for minute in _numbers(minutes)
        for face in [
            (now.astimezone(ZoneInfo(zone)) + timedelta(days=day)).replace(
                hour=hour, minute=minute, second=0, microsecond=0, fold=0
            )
        ]
    }
    assert coming == min(face for face in faces if face > now)
    assert last_due(expression, zone, coming) == coming
    assert last_due(expression, zone, coming - timedelta(seconds=1)) != coming


def _numbers(field: str) -> list[int]:
    first, _, last = field.partition("-")
    return list(range(int(first), int(last) + 1)) if last else [int(one) for one in field.split(",")]


@pytest.mark.parametrize(
    "expression", ["", "weekly", "0 7 * *", "99 7 * * mon", "0 7 * * monday-ish", "0 7 31 2 *"]
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ConfigError):
        next_due(expression, ZONE, SUNDAY)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 7 * * *", "every day"),
        ("0 7 * * mon-fri", "every weekday"),
        ("30 6 * * 1", "every Monday"),
        ("0 7 * * sun", "every Sunday"),
        ("0 7 * * tue,fri", "every Tuesday and Friday"),
        ("0 7 1 * *", "once a month"),
        ("0 7 1-7 * mon", "once a month"),
        ("0 7,18 * * *", ""),
        ("0 7 1,15 * *", ""),
        ("0 7 */2 * *", ""),
        ("0 0 1 1 *", ""),
    ],
)
def test_a_schedule_is_told_in_words_where_a_word_fits(expression: str, words: str) -> None:
    assert rhythm(expression) == words
