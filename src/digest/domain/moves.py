"""The ledger's rules: what may happen to a delivery, and where that leads. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from digest.domain.states import DeliveryState

_S = DeliveryState


class DeliveryEvent(StrEnum):
    """What happens to a delivery."""

    #: A worker takes it, under a new fencing number.
    CLAIM = "claim"
    #: It goes back unsent: not begun, revoked, or the worker died before its intent.
    RETURN = "return"
    #: The intent to send is stored; the final dot may follow.
    HAND = "hand"
    #: The server took it (or the operator presumes so after a crash).
    ACCEPT = "accept"
    #: The server said "later", or could not be reached.
    DEFER = "defer"
    #: The server said "never", the tries are used up, or it cannot be made.
    REFUSE = "refuse"
    #: Nobody knows whether the server took it, and the operator wants to decide.
    DOUBT = "doubt"
    #: Nobody knows, and the operator wants it sent again.
    REPEAT = "repeat"
    #: The reader left, was suppressed or erased: found at the claim.
    SKIP = "skip"
    #: The issue was cancelled before this one left.
    WITHDRAW = "withdraw"
    #: The operator asks for another attempt.
    RETRY = "retry"
    #: The mail server's own log says that it took it, or that it bounced.
    PROVE_SENT = "prove-sent"
    PROVE_FAILED = "prove-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The states in which an event may happen, and the one that follows."""

    from_states: frozenset[DeliveryState]
    to: DeliveryState


def _move(to: DeliveryState, *from_states: DeliveryState) -> Move:
    return Move(from_states=frozenset(from_states), to=to)


#: Every move there is. Nothing leaves SENT and SKIPPED, so nobody is sent an issue again that they have.
DELIVERY_MOVES: Mapping[DeliveryEvent, Move] = {
    DeliveryEvent.CLAIM: _move(_S.CLAIMED, _S.QUEUED, _S.DEFERRED),
    DeliveryEvent.RETURN: _move(_S.QUEUED, _S.CLAIMED),
    DeliveryEvent.HAND: _move(_S.HANDED, _S.CLAIMED),
    DeliveryEvent.ACCEPT: _move(_S.SENT, _S.HANDED),
    DeliveryEvent.DEFER: _move(_S.DEFERRED, _S.CLAIMED, _S.HANDED),
    DeliveryEvent.REFUSE: _move(_S.FAILED, _S.CLAIMED, _S.HANDED),
    DeliveryEvent.DOUBT: _move(_S.UNCERTAIN, _S.HANDED),
    DeliveryEvent.REPEAT: _move(_S.QUEUED, _S.HANDED),
    DeliveryEvent.SKIP: _move(_S.SKIPPED, _S.CLAIMED),
    DeliveryEvent.WITHDRAW: _move(_S.SKIPPED, _S.QUEUED, _S.DEFERRED),
    DeliveryEvent.RETRY: _move(_S.QUEUED, _S.FAILED, _S.UNCERTAIN),
    DeliveryEvent.PROVE_SENT: _move(_S.SENT, _S.UNCERTAIN, _S.QUEUED, _S.DEFERRED),
    DeliveryEvent.PROVE_FAILED: _move(_S.FAILED, _S.UNCERTAIN, _S.QUEUED, _S.DEFERRED),
}

#: What a worker may say of its own claim, by the state that it wants to see.
SETTLING: Mapping[DeliveryState, DeliveryEvent] = {
    DELIVERY_MOVES[event].to: event
    for event in (
        DeliveryEvent.ACCEPT,
        DeliveryEvent.DEFER,
        DeliveryEvent.REFUSE,
        DeliveryEvent.DOUBT,
        DeliveryEvent.SKIP,
    )
}


def follow(state: DeliveryState, event: DeliveryEvent) -> DeliveryState | None:
    """The state after the event; None when it is refused."""
    move = DELIVERY_MOVES[event]
    return move.to if state in move.from_states else None
