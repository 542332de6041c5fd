"""Stop a sending, let it go on, and give those whom it did not reach another attempt."""

from collections.abc import Collection
from datetime import datetime

from digest.domain import DeliveryState, Issue, IssueState
from digest.errors import WrongStateError
from digest.house import House
from digest.store import audit, deliveries, issues


async def pause(house: House, issue: Issue, *, by: str, reason: str = "", now: datetime) -> Issue:
    """The issue paused: claims are taken back at once, and only what is in flight still ends.

    WrongStateError when it is not being sent. Who sends it meanwhile stops by itself.
    """
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        if current.state is not IssueState.SENDING:
            is_waiting = current.state is IssueState.APPROVED
            hint = f"digest cancel {current.number} keeps it from being sent" if is_waiting else ""
            raise WrongStateError(
                f"issue {current.number} is {current.state}; only one that is being sent is paused", hint=hint
            )
        done = await issues.move(session, current, IssueState.PAUSED, reason=reason)
        back = await deliveries.revoke(session, done.id, now=now)
        await audit.note(session, now=now, actor=by, action="issue.paused", subject=f"issue:{done.id}")
    house.log.event("issue.paused", n=done.number, revoked=back)
    return done


async def resume(house: House, issue: Issue, *, by: str, now: datetime) -> Issue:
    """The issue free to be sent again, which `send` or the daemon does; WrongStateError when not paused."""
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        if current.state is not IssueState.PAUSED:
            raise WrongStateError(f"issue {current.number} is {current.state}, not paused")
        done = await issues.move(session, current, IssueState.SENDING, reason="")
        await audit.note(session, now=now, actor=by, action="issue.resumed", subject=f"issue:{done.id}")
    house.log.event("issue.resumed", n=done.number)
    return done


async def retry(
    house: House, issue: Issue, states: Collection[DeliveryState], *, by: str, now: datetime
) -> int:
    """How many deliveries in these states are to be tried again; an issue that was sent is sending again.

    Never for who left or was suppressed since. WrongStateError before the issue was sent or after it was
    cancelled.
    """
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        if current.state not in {IssueState.SENDING, IssueState.PAUSED, IssueState.SENT}:
            raise WrongStateError(f"issue {current.number} is {current.state}: nobody was tried yet")
        count = await deliveries.retry(session, current.id, states, now=now)
        if count and current.state is IssueState.SENT:
            await issues.move(session, current, IssueState.SENDING)
        subject = f"issue:{current.id}"
        await audit.note(session, now=now, actor=by, action="issue.retried", subject=subject)
    house.log.event("issue.retried", n=current.number, deliveries=count)
    return count
