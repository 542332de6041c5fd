"""Send an approved issue: how it begins, what a crash left behind, and where it stands in the end."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digest.clock import Clock, utc_now
from digest.deliver import open_relays
from digest.domain import Issue, IssueState, Outcome
from digest.errors import WrongStateError
from digest.house import House
from digest.publish.addressing import Addressing
from digest.publish.approve import CANCELLED
from digest.publish.breaker import Breaker
from digest.publish.ledger import Ledger
from digest.publish.outcomes import SETTLED_AS, next_issue_after
from digest.publish.pacing import Pacing
from digest.publish.sending import Sending
from digest.standing import find_dead, registered
from digest.store import Writer, deliveries, issues, leases, renderings

#: Added to the time-out of the dot for the lease of an intent.
_HAND_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    """Where the ledger of an issue stands: deliveries by state, and the skipped ones by reason."""

    issue: Issue
    states: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)
    #: When the next deferred one is due, if any waits.
    next_due: datetime | None = None
    #: Why processes that signed ended too early; this one signed the rest.
    lost: tuple[str, ...] = ()
    #: How many a crash had left in doubt before, of any issue; settled as the operator decided.
    in_doubt: int = 0

    @property
    def audience(self) -> int:
        """Everybody: sent, waiting and excluded."""
        return sum(self.states.values())

    @property
    def missing(self) -> int:
        """Readers without an outcome although nothing waits: always 0, or the ledger is broken."""
        final = ("sent", "failed", "uncertain", "skipped", "queued", "deferred", "claimed", "handed")
        return self.audience - sum(self.states.get(name, 0) for name in final)


async def send(
    house: House,
    issue: Issue,
    *,
    clock: Clock = utc_now,
    watch: Callable[[Outcome], None] = lambda _outcome: None,
    should_stop: Callable[[], bool] = lambda: False,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> SendReport:
    """Send what is due of an approved issue and report where the ledger stands.

    Twice is safe, also at the same time and after a crash: each delivery is claimed by one process, and
    an intent is stored before its message can leave. `should_stop` is asked before each
    message; what was claimed and not begun goes back. `pause` waits for a number of seconds.
    """
    issue = await _start(house, issue, now=clock())
    async with house.store.read() as session:
        expected = await deliveries.open_count(session, issue.id)
        frozen = await renderings.of_issue(session, issue.id)
    lease = timedelta(seconds=house.settings.smtp.dot_timeout_seconds) + _HAND_MARGIN
    async with (
        open_relays(house.settings, expected=expected) as relays,
        aclosing(_writer(house)) as writer,
        aclosing(Pacing(house, relays, clock)) as pacing,
        registered(house, clock=clock) as name,
    ):
        sending = Sending(
            house=house,
            issue=issue,
            name=name,
            addressing=Addressing(house, issue, frozen),
            clock=clock,
            ledger=Ledger(writer, hand_lease=lease, clock=clock, at_once=relays.connections),
            should_stop=should_stop,
            relays=relays,
            pacing=pacing,
            pause=pause,
            breaker=Breaker(house, issue),
            next_issue=next_issue_after(house, issue, clock()),
        )
        await sending.breaker.open()
        in_doubt = await recover(house, now=clock())
        await sending.run(watch)
    for why in relays.lost:
        house.log.warning("deliver.signer_lost", why=why, then="the sender signed instead")
    done = await finish(house, issue, now=clock())
    return replace(done, lost=relays.lost, in_doubt=in_doubt)


def _writer(house: House) -> Writer:
    """Where intents and outcomes go, as durable as the operator wants them."""
    return Writer(house.store, outlives_power=house.settings.delivery.durability == "power")


async def _start(house: House, issue: Issue, *, now: datetime) -> Issue:
    """The issue in state SENDING; an issue already there (or sent) is no error for whoever asks again."""
    try:
        async with house.store.begin() as session:
            current = await issues.get(session, issue.id)
            if current.state is not IssueState.APPROVED:
                raise WrongStateError
            return await issues.move(session, current, IssueState.SENDING, started_at=now)
    except WrongStateError:
        async with house.store.read() as session:
            current = await issues.get(session, issue.id)
    if current.state in {IssueState.SENDING, IssueState.SENT}:
        return current
    hint = f"digest approve {current.number}" if current.state in {"draft", "review"} else ""
    raise WrongStateError(f"issue {current.number} is {current.state} and cannot be sent", hint=hint)


async def recover(house: House, *, now: datetime) -> int:
    """Put back what a crash left behind; how many may have been sent, settled as the operator decided."""
    settle_as = SETTLED_AS[house.settings.delivery.uncertain]
    dead = await find_dead(house)
    async with house.store.begin() as session:
        back, doubt = await deliveries.recover(session, now=now, settle_as=settle_as, dead=dead)
        await leases.drop(session, [deliveries.SENDER + name for name in dead])
    if back or doubt:
        house.log.warning("deliver.recovered", requeued=back, uncertain=doubt, settled_as=settle_as)
    return doubt


async def report(house: House, issue: Issue) -> SendReport:
    """Where the ledger stands, changing nothing."""
    async with house.store.read() as session:
        return SendReport(
            issue=await issues.get(session, issue.id),
            states=await deliveries.counts(session, issue.id),
            excluded=await deliveries.excluded(session, issue.id),
            next_due=await deliveries.next_due(session, issue.id),
        )


async def finish(house: House, issue: Issue, *, now: datetime) -> SendReport:
    """The report; the issue becomes SENT when every delivery is in a final state."""
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        if current.state is IssueState.SENDING and not await deliveries.open_count(session, issue.id):
            # Of several senders that find nothing left, one says so.
            with contextlib.suppress(WrongStateError):
                await issues.move(session, current, IssueState.SENT, sent_at=now)
        if current.state is IssueState.CANCELLED:
            # What was in flight when it was cancelled, and was put off.
            await deliveries.withdraw(session, current.id, CANCELLED, now=now)
    done = await report(house, issue)
    house.log.event("issue.sending", n=done.issue.number, state=done.issue.state, **done.states)
    return done
