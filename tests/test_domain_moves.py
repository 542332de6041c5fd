"""The ledger's rules by themselves: what may follow what, and what nothing may follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import DELIVERY_MOVES, SETTLING, DeliveryEvent, DeliveryState, follow

EVENTS = st.lists(st.sampled_from(DeliveryEvent), max_size=30)


@given(EVENTS)
def test_no_order_of_events_makes_a_delivery_sent_twice_or_sends_it_without_an_intent(
    events: list[DeliveryEvent],
) -> None:
    state, sent, handed = DeliveryState.QUEUED, 0, False
    for event in events:
        after = follow(state, event)
        if after is None:
            continue
        if event is DeliveryEvent.ACCEPT:
            assert handed
        handed = event is DeliveryEvent.HAND
        sent += after is DeliveryState.SENT
        state = after

    assert sent <= 1
    assert state is DeliveryState.SENT or not sent


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.SKIPPED])
def test_nothing_leaves_what_is_over_for_good(state: DeliveryState) -> None:
    assert [event for event in DeliveryEvent if follow(state, event)] == []


def test_every_state_leads_to_an_end() -> None:
    ends = {DeliveryState.SENT, DeliveryState.SKIPPED}

    for start in DeliveryState:
        reached = {start}
        for _ in DeliveryState:
            reached |= {
                after for state in reached for event in DeliveryEvent if (after := follow(state, event))
            }
        assert reached & ends


def test_a_worker_settles_only_what_it_holds() -> None:
    for event in SETTLING.values():
        assert DELIVERY_MOVES[event].from_states <= {DeliveryState.CLAIMED, DeliveryState.HANDED}


def test_what_may_have_been_sent_never_goes_back_as_unsent() -> None:
    assert follow(DeliveryState.HANDED, DeliveryEvent.RETURN) is None
    assert follow(DeliveryState.HANDED, DeliveryEvent.WITHDRAW) is None
    assert follow(DeliveryState.HANDED, DeliveryEvent.SKIP) is None
