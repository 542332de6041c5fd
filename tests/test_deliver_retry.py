"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver import after
from digest.domain import DeliveryState, OutcomeKind

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


def due(attempts: int, *, key: int = 1, tried_for: float = 0, hours: float = 48) -> timedelta | None:
    state, at = after(
        OutcomeKind.DEFERRED,
        attempts=attempts,
        first_tried_at=NOW - timedelta(hours=tried_for),
        now=NOW,
        give_up_after=timedelta(hours=hours),
        key=key,
    )
    assert (state is DeliveryState.DEFERRED) == (at is not None)
    return at - NOW if at else None


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 5), (2, 15), (3, 30), (4, 60), (5, 60), (40, 60)])
@given(key=st.integers(min_value=0))
def test_the_pauses_are_5_15_30_60_minutes_and_then_hours_with_a_little_more(
    attempts: int, minutes: int, key: int
) -> None:
    pause = due(attempts, key=key)

    assert pause is not None
    assert timedelta(minutes=minutes) <= pause <= timedelta(minutes=minutes * 1.2)


def test_what_was_deferred_together_does_not_return_together_but_each_always_at_its_own_time() -> None:
    first, again = ([due(1, key=key) for key in range(100)] for _ in range(2))

    assert first == again
    assert len(set(first)) > 90


def test_the_last_try_falls_on_the_moment_of_giving_up_and_then_it_has_failed() -> None:
    assert due(9, tried_for=47.5) == timedelta(minutes=30)
    assert due(9, tried_for=48) is None
    assert due(9, tried_for=99) is None


@pytest.mark.parametrize("kind", [OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.UNCERTAIN])
def test_every_other_outcome_is_final(kind: OutcomeKind) -> None:
    state, at = after(kind, attempts=1, first_tried_at=NOW, now=NOW, give_up_after=timedelta(hours=1), key=1)

    assert (state.value, at) == (kind.value, None)
