"""When a source is read again."""

from datetime import UTC, datetime, timedelta

import pytest

from digest.domain import Source
from digest.gather import is_due
from digest.gather.document import Document
from digest.gather.polling import failed, retry_after, succeeded

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(url="https://t.example/feed", title="T")


def test_a_source_is_due_when_it_is_on_and_its_time_has_come() -> None:
    later = succeeded(SOURCE, now=NOW, every=HOUR)

    assert is_due(SOURCE, NOW)
    assert not is_due(later, NOW)
    assert is_due(later, NOW + HOUR)
    assert not is_due(Source(url="https://t.example/", title="T", enabled=False), NOW)


def test_each_failure_waits_twice_as_long_up_to_a_day() -> None:
    source, waits = SOURCE, []
    for _ in range(8):
        source = failed(source, "no", now=NOW, every=HOUR)
        assert source.next_check_at is not None
        waits.append((source.next_check_at - NOW) / HOUR)

    assert source.failures == 8
    assert all(
        full * 0.9 <= wait <= full for wait, full in zip(waits, (2, 4, 8, 16, 24, 24, 24, 24), strict=True)
    )
    assert (
        len(
            {
                failed(Source(url=f"https://{n}.example/", title=""), "", now=NOW, every=HOUR).next_check_at
                for n in range(9)
            }
        )
        > 5
    )


def test_success_forgets_the_failures_and_remembers_the_first_reading() -> None:
    source = failed(SOURCE, "no", now=NOW, every=HOUR)

    source = succeeded(source, now=NOW + HOUR, every=HOUR)
    again = succeeded(source, now=NOW + 2 * HOUR, every=HOUR)

    assert (source.failures, source.last_error) == (0, "")
    assert again.first_read_at == NOW + HOUR
    assert again.next_check_at == NOW + 3 * HOUR


def test_a_server_that_asks_for_more_time_gets_it() -> None:
    source = failed(SOURCE, "no", now=NOW, every=HOUR, not_before=timedelta(days=3))

    assert source.next_check_at == NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Sat, 22 Aug 2026 18:00:00 GMT", timedelta(days=1)),
        ("Sat, 01 Aug 2026 18:00:00 GMT", timedelta(0)),
        ("999999999", timedelta(days=7)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=7)),
        ("-5", timedelta(0)),
        ("9" * 6000, timedelta(0)),
        ("soon", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_week(value: str, wait: timedelta) -> None:
    assert retry_after(value, NOW) == wait


def test_a_source_without_news_is_asked_less_often_and_one_with_news_at_once_more() -> None:
    source, waits = succeeded(SOURCE, now=NOW, every=HOUR), []
    for _ in range(12):
        source = succeeded(source, now=NOW, every=HOUR, is_news=False)
        waits.append(source.interval_minutes)
    again = succeeded(source, now=NOW, every=HOUR)

    assert waits[:3] == [75, 94, 118]
    assert waits[-1] == 360
    assert again.interval_minutes == 180
    assert again.next_check_at == NOW + 3 * HOUR


def test_a_source_that_asks_to_be_left_alone_is_left_alone_for_a_day_at_most() -> None:
    patient = succeeded(SOURCE, now=NOW, every=HOUR, wait=timedelta(hours=8))
    endless = succeeded(SOURCE, now=NOW, every=HOUR, wait=timedelta(days=300))

    assert patient.next_check_at == NOW + 8 * HOUR
    assert endless.next_check_at == NOW + 24 * HOUR


def test_what_a_feed_asks_for_holds_when_it_answers_that_nothing_changed() -> None:
    feed = Document(base="", wait=timedelta(hours=12))

    source = succeeded(SOURCE, now=NOW, every=HOUR, document=feed)
    again = succeeded(source, now=NOW, every=HOUR, is_news=False)
    changed = succeeded(again, now=NOW, every=HOUR, document=Document(base=""))

    assert again.next_check_at == NOW + 12 * HOUR
    assert changed.next_check_at == NOW + 6 * HOUR
