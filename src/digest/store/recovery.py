"""What happens to deliveries from outside: after a crash, by a pause, by an operator, by a server's log."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import DELIVERY_MOVES, DeliveryEvent, DeliveryState, IssueState, SubscriptionState
from digest.store.reader_tables import SubscriberRow, SubscriptionRow, SuppressionRow
from digest.store.tables import DeliveryRow, IssueRow, LeaseRow

#: The names of senders' leases begin so, and end in what their deliveries are marked with.
SENDER = "sender "
#: Why a delivery that a crash left behind is where it is.
CRASHED = "a crash fell between the dot and the reply"
#: The same for one whose server said nothing any more.
UNANSWERED = "no reply to the final dot"
_PRESUMED = {
    DeliveryState.QUEUED: DeliveryEvent.REPEAT,
    DeliveryState.UNCERTAIN: DeliveryEvent.DOUBT,
    DeliveryState.SENT: DeliveryEvent.ACCEPT,
}


def _may(event: DeliveryEvent) -> ColumnElement[bool]:
    """The states in which the event may happen."""
    return DeliveryRow.state.in_(sorted(DELIVERY_MOVES[event].from_states))


async def recover(
    session: AsyncSession,
    *,
    now: datetime,
    settle_as: DeliveryState,
    dead: Collection[str] = (),
) -> tuple[int, int]:
    """(put back, uncertain) after a crash, of those whose sender is gone.

    A claim without intent is provably unsent and is queued again, as soon as nothing was heard of its sender
    for a while: were it alive after all, it would be refused its intent. One with an intent may have been
    sent, so it waits until its sender has ended, is among the `dead`, or its own lease ran out; then it
    becomes `settle_as`, which is the operator's policy: queued (resend), uncertain (hold) or sent. For an
    issue that was cancelled it becomes uncertain whatever the policy.
    """
    gone = _is_gone(now, dead)
    back = await session.execute(
        update(DeliveryRow)
        .where(_is_open(), _may(DeliveryEvent.RETURN), or_(gone, _is_silent(now)))
        .values(state=DELIVERY_MOVES[DeliveryEvent.RETURN].to, lease_until=None, updated_at=now)
        .returning(DeliveryRow.id)
    )
    doubt = 0
    for event, issue in (
        (DeliveryEvent.DOUBT, _is_open(IssueState.CANCELLED)),
        (_PRESUMED[settle_as], _is_open()),
    ):
        found = await session.execute(
            update(DeliveryRow)
            .where(issue, _may(event), gone)
            .values(state=DELIVERY_MOVES[event].to, lease_until=None, reason=CRASHED, updated_at=now)
            .returning(DeliveryRow.id)
        )
        doubt += len(found.all())
    return len(back.all()), doubt


def _is_open(*states: IssueState) -> ColumnElement[bool]:
    """The row is of an issue that may still have something on its way."""
    of_state = IssueRow.state.in_(states or (IssueState.SENDING, IssueState.PAUSED, IssueState.CANCELLED))
    return DeliveryRow.issue_id.in_(select(IssueRow.id).where(of_state))


def _is_gone(now: datetime, dead: Collection[str]) -> ColumnElement[bool]:
    """The sender of the row has ended or is dead, or the row's own lease ran out."""
    registered = exists().where(LeaseRow.name == SENDER + DeliveryRow.holder)
    ended = and_(DeliveryRow.holder != "", or_(~registered, DeliveryRow.holder.in_(dead)))
    return or_(DeliveryRow.lease_until < now, ended)


def _is_silent(now: datetime) -> ColumnElement[bool]:
    """Nothing was heard of the sender of the row for longer than it should take."""
    return exists().where(LeaseRow.name == SENDER + DeliveryRow.holder, LeaseRow.until < now)


def is_left(now: datetime) -> ColumnElement[bool]:
    """The row is one that `recover` would take from its sender."""
    return or_(_is_gone(now, ()), and_(_may(DeliveryEvent.RETURN), _is_silent(now)))


async def revoke(session: AsyncSession, issue_id: int, *, now: datetime) -> int:
    """How many claims of the issue were taken back: their messages can no longer be handed over.

    The fencing number counts up, so the worker that holds a claim is refused its intent.
    """
    back = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.issue_id == issue_id, _may(DeliveryEvent.RETURN))
        .values(
            state=DELIVERY_MOVES[DeliveryEvent.RETURN].to,
            fence=DeliveryRow.fence + 1,
            attempts=DeliveryRow.attempts - 1,
            lease_until=None,
            updated_at=now,
        )
        .returning(DeliveryRow.id)
    )
    return len(back.all())


async def withdraw(session: AsyncSession, issue_id: int, reason: str, *, now: datetime) -> int:
    """How many waiting deliveries were skipped, for an issue that is cancelled."""
    gone = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.issue_id == issue_id, _may(DeliveryEvent.WITHDRAW))
        .values(state=DELIVERY_MOVES[DeliveryEvent.WITHDRAW].to, reason=reason, updated_at=now)
        .returning(DeliveryRow.id)
    )
    return len(gone.all())


async def retry(
    session: AsyncSession, issue_id: int, states: Collection[DeliveryState], *, now: datetime
) -> int:
    """How many deliveries in these final states are queued anew, with all their tries before them.

    Only for those who would get an issue today: confirmed, and not suppressed.
    """
    again = await session.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.issue_id == issue_id,
            DeliveryRow.state.in_(states),
            _may(DeliveryEvent.RETRY),
            _is_wanted(issue_id),
        )
        .values(
            state=DELIVERY_MOVES[DeliveryEvent.RETRY].to,
            reason="",
            attempts=0,
            first_tried_at=None,
            due_at=now,
            updated_at=now,
        )
        .returning(DeliveryRow.id)
    )
    return len(again.all())


async def retryable(session: AsyncSession, issue_id: int, states: Collection[DeliveryState]) -> int:
    """How many `retry` would queue."""
    query = select(func.count()).where(
        DeliveryRow.issue_id == issue_id,
        DeliveryRow.state.in_(states),
        _may(DeliveryEvent.RETRY),
        _is_wanted(issue_id),
    )
    return await session.scalar(query) or 0


def _is_wanted(issue_id: int) -> ColumnElement[bool]:
    """The reader of the row is subscribed to the issue's newsletter, and nothing bars them."""
    newsletter = select(IssueRow.newsletter).where(IssueRow.id == issue_id).scalar_subquery()
    suppressed = exists().where(SuppressionRow.email_hash == SubscriberRow.email_hash)
    return exists().where(
        SubscriptionRow.subscriber_id == DeliveryRow.subscriber_id,
        SubscriptionRow.newsletter == newsletter,
        SubscriptionRow.state == SubscriptionState.CONFIRMED,
        SubscriberRow.id == SubscriptionRow.subscriber_id,
        ~suppressed,
    )


def is_in_doubt() -> ColumnElement[bool]:
    """The row may have been sent and has no outcome yet: it waits for the operator, or to be sent again."""
    again = DeliveryRow.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED])
    return or_(
        DeliveryRow.state == DeliveryState.UNCERTAIN,
        and_(again, DeliveryRow.reason.in_([CRASHED, UNANSWERED])),
    )


async def in_doubt(session: AsyncSession, issue_id: int) -> tuple[tuple[int, int], ...]:
    """(delivery, subscriber) of what may have been sent and has no outcome yet."""
    query = select(DeliveryRow.id, DeliveryRow.subscriber_id).where(
        DeliveryRow.issue_id == issue_id, is_in_doubt()
    )
    return tuple((number, reader) for number, reader in await session.execute(query))


async def prove(
    session: AsyncSession, delivery_id: int, event: DeliveryEvent, *, reply: str, now: datetime
) -> bool:
    """True when what a mail server's log says of an unsettled delivery was stored; False when it was settled.

    The fencing number counts up: nobody else may settle it from now on.
    """
    done = await session.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, _may(event), is_in_doubt())
        .values(
            state=DELIVERY_MOVES[event].to,
            reply=reply,
            reason="settled from the mail server's log",
            fence=DeliveryRow.fence + 1,
            updated_at=now,
        )
        .returning(DeliveryRow.id)
    )
    return done.first() is not None
