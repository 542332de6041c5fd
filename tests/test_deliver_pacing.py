"""Buckets, caps a day, warm-up plans, and limits learnt from refusals: pure, so any clock will do."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from digest.config import RelaySettings
from digest.deliver import pacing, provider
from digest.deliver.pacing import Limits
from digest.domain import Pace

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
RELAY, DOMAIN = Pace(name="relay:main"), Pace(name="domain:gmail.com")
REPLY = "421 4.7.28 unusual rate of mail"


def relay(**limits: object) -> RelaySettings:
    return RelaySettings.model_validate({"url": SecretStr("smtp://relay.example.org")} | limits)


@given(
    per_second=st.floats(0.01, 500),
    asks=st.lists(st.tuples(st.floats(0, 30), st.integers(0, 1000)), max_size=40),
)
def test_a_bucket_never_gives_more_than_its_rate_and_one_second_ahead(
    per_second: float, asks: list[tuple[float, int]]
) -> None:
    pace, now, given_away = RELAY, NOW, 0
    limits = Limits(per_second=per_second)
    for pause, wanted in asks:
        now += timedelta(seconds=pause)
        pace, granted = pacing.take(pace, limits, wanted, now)
        given_away += granted

        assert 0 <= granted <= wanted
    passed = (now - NOW).total_seconds()
    assert given_away <= passed * per_second + max(per_second, 1) + 0.01


@given(per_second=st.floats(0.01, 500), wanted=st.integers(1, 5000))
def test_at_the_time_that_is_named_there_is_a_token(per_second: float, wanted: int) -> None:
    limits = Limits(per_second=per_second)
    pace, _granted = pacing.take(RELAY, limits, 10_000, NOW)
    at = pacing.next_at(pace, limits, wanted, NOW)

    assert pacing.take(pace, limits, wanted, at + timedelta(microseconds=1))[1] >= 1
    assert pacing.take(pace, limits, wanted, NOW)[1] == 0


@given(asks=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 400)), max_size=60))
def test_no_day_carries_more_than_its_cap(asks: list[tuple[int, int]]) -> None:
    pace, now, days = RELAY, NOW, dict[date, int]()
    for hours, wanted in asks:
        now += timedelta(hours=hours)
        pace, granted = pacing.take(pace, Limits(a_day=500), wanted, now)
        days[now.date()] = days.get(now.date(), 0) + granted

    assert all(count <= 500 for count in days.values())


def test_a_used_up_day_waits_for_midnight_in_utc() -> None:
    pace, granted = pacing.take(RELAY, Limits(a_day=500), 800, NOW)

    assert granted == 500
    assert pacing.next_at(pace, Limits(a_day=500), 1, NOW) == datetime(2026, 11, 24, tzinfo=UTC)


def test_what_was_taken_and_not_used_counts_for_nobody() -> None:
    pace, _granted = pacing.take(RELAY, Limits(a_day=500), 500, NOW)
    pace = pacing.put_back(pace, 120, NOW)

    assert pacing.take(pace, Limits(a_day=500), 500, NOW)[1] == 120


def test_yesterdays_unused_tokens_do_not_lower_todays_count() -> None:
    pace, _granted = pacing.take(RELAY, Limits(a_day=500), 500, NOW)
    pace = pacing.put_back(pace, 120, NOW + timedelta(days=1))

    assert pace.sent == 0


def test_a_warm_up_counts_from_the_first_day_of_use_and_ends() -> None:
    warming = relay(warm_up=(200, 500), daily_cap=1000)
    first, granted = pacing.take(RELAY, pacing.limits_of(warming, RELAY, NOW), 5000, NOW)
    caps = [pacing.limits_of(warming, first, NOW + timedelta(days=day)).a_day for day in range(4)]

    assert granted == 200
    assert caps == [200, 500, 1000, 1000]


def test_asking_in_vain_does_not_begin_a_warm_up() -> None:
    asked, granted = pacing.take(RELAY, Limits(a_day=0), 10, NOW)

    assert (granted, asked.first_day) == (0, "")


def test_a_warm_up_with_a_start_carries_nothing_before_it() -> None:
    warming = relay(warm_up=(200, 500), warm_up_start=date(2026, 11, 24))
    caps = [pacing.limits_of(warming, RELAY, NOW + timedelta(days=day)).a_day for day in range(4)]

    assert caps == [0, 200, 500, None]


def test_a_throttle_halves_the_rate_after_a_pause() -> None:
    pace = pacing.throttled(DOMAIN, observed=40, reply=REPLY, now=NOW)
    limits = Limits(per_second=pace.per_second)

    assert (pace.per_second, pace.met_at, pace.reply) == (20, 40, REPLY)
    assert pacing.take(pace, limits, 20, NOW + timedelta(seconds=59))[1] == 0
    assert pacing.take(pace, limits, 20, NOW + timedelta(seconds=61))[1] == 20


def test_many_refusals_of_one_moment_count_once() -> None:
    pace = DOMAIN
    for number in range(20):
        pace = pacing.throttled(pace, observed=40, reply=REPLY, now=NOW + timedelta(seconds=number))
    later = pacing.throttled(pace, observed=40, reply=REPLY, now=NOW + timedelta(seconds=61))

    assert (pace.per_second, later.per_second) == (20, 10)


def test_a_domain_gets_back_to_its_rate_in_half_an_hour_and_is_forgotten_after_more() -> None:
    pace = pacing.throttled(DOMAIN, observed=40, reply=REPLY, now=NOW)
    rates = []
    for minute in range(1, 92):
        pace = pacing.grown(pace, NOW + timedelta(minutes=minute))
        rates.append(pace.per_second)

    assert rates[29] == pytest.approx(40)
    assert rates[-1] is None


def test_a_night_without_mail_teaches_little() -> None:
    pace = pacing.throttled(DOMAIN, observed=40, reply=REPLY, now=NOW)

    assert pacing.grown(pace, NOW + timedelta(hours=9)).per_second == pytest.approx(20 + 40 * 5 / 60)


@given(events=st.lists(st.tuples(st.booleans(), st.integers(0, 600)), max_size=50))
def test_whatever_a_domain_says_it_is_sent_something(events: list[tuple[bool, int]]) -> None:
    pace, now = DOMAIN, NOW
    for is_refusal, seconds in events:
        now += timedelta(seconds=seconds)
        pace = (
            pacing.throttled(pace, observed=0.001, reply=REPLY, now=now)
            if is_refusal
            else pacing.grown(pace, now)
        )

        assert pace.per_second is None or pace.per_second >= 1 / 60


def test_a_clock_that_goes_back_stops_nothing() -> None:
    ahead, _granted = pacing.take(RELAY, Limits(per_second=10), 10, NOW + timedelta(days=400))

    assert pacing.take(ahead, Limits(per_second=10), 10, NOW)[1] == 10
    once = replace(pacing.throttled(DOMAIN, observed=40, reply=REPLY, now=NOW + timedelta(days=400)), sent=0)
    assert pacing.grown(once, NOW).per_second == 20


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("421 4.7.28 Gmail has detected an unusual rate of unsolicited mail", True),
        ("421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", True),
        ("451 4.7.650 The mail server has been temporarily rate limited due to IP reputation", True),
        ("450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents", True),
        ("452 4.5.3 Too many recipients this hour", True),
        ("454 Throttling failure: Maximum sending rate exceeded", True),
        ("421 Too many concurrent SMTP connections", True),
        ("421 Too many messages in a short time, slow down", True),
        ("421 4.3.2 Service shutting down", False),
        ("452 4.2.2 The email account that you tried to reach is over quota", False),
        ("450 4.2.0 Recipient address rejected: Greylisted", False),
        ("451 4.7.1 Greylisting in action, please come back later", False),
        ("450 4.1.1 user unknown in virtual table", False),
        ("451 4.3.0 Temporary lookup failure", False),
        ("550 5.7.1 rate limit", False),
        ("before the final dot: no answer in time", False),
        ("127.0.0.1:25: 421 4.3.2 later", False),
        ("", False),
    ],
)
def test_only_what_is_about_our_rate_counts_as_a_throttle(reply: str, expected: bool) -> None:
    assert pacing.is_throttle(reply) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@gmail.com", "gmail.com"),
        ("a@GoogleMail.com", "gmail.com"),
        ("a@hotmail.co.uk", "outlook.com"),
        ("a@outlook.com", "outlook.com"),
        ("a@yahoo.co.jp", "yahoo.com"),
        ("a@me.com", "icloud.com"),
        ("a@live.example.org", "live.example.org"),
        ("a@example.org", "example.org"),
        ("not an address", "not an address"),
    ],
)
def test_domains_of_one_provider_share_a_name(address: str, expected: str) -> None:
    assert provider(address) == expected
