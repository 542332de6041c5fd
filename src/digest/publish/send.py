"""Send an approved issue: claim, note the intent, hand over, note the outcome; until nothing is due."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from digest.deliver import Envelope, Transport, after, deliver, encode, open_transport
from digest.domain import Delivery, DeliveryState, Issue, IssueState, Outcome, OutcomeKind, Rendered
from digest.errors import DigestError, WrongStateError
from digest.house import House
from digest.publish.mails import addressed
from digest.store import deliveries, issues, subscribers

Clock = Callable[[], datetime]

#: How long a claim holds without news; a batch is small enough to be handed over well within it.
_CLAIM_LEASE = timedelta(minutes=10)
#: Added to the time-out of the dot for the lease of an intent.
_HAND_MARGIN = timedelta(minutes=1)
#: Claims taken at once for each connection.
_BATCH_PER_CONNECTION = 10

_SETTLED_AS = {
    "resend": DeliveryState.QUEUED,
    "hold": DeliveryState.UNCERTAIN,
    "assume-sent": DeliveryState.SENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    """Where the ledger of an issue stands: deliveries by state, and the skipped ones by reason."""

    issue: Issue
    states: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)
    #: When the next deferred one is due, if any waits.
    next_due: datetime | None = None

    @property
    def audience(self) -> int:
        """Everybody: sent, waiting and excluded."""
        return sum(self.states.values())

    @property
    def missing(self) -> int:
        """Readers without an outcome although nothing waits: always 0, or the ledger is broken."""
        final = ("sent", "failed", "uncertain", "skipped", "queued", "deferred", "claimed", "handed")
        return self.audience - sum(self.states.get(name, 0) for name in final)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


async def send(
    house: House,
    issue: Issue,
    *,
    clock: Clock = utc_now,
    watch: Callable[[Outcome], None] = lambda _outcome: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SendReport:
    """Send what is due of an approved issue and report where the ledger stands.

    Twice is safe, also at the same time and after a crash: each delivery is claimed by one process, and
    an intent is stored before its message can leave. `should_stop` is asked between batches.
    """
    issue = await _start(house, issue, now=clock())
    async with house.store.read() as session:
        frozen = await issues.renderings(session, issue.id)
    async with open_transport(house.settings.smtp) as transport:
        await recover(house, now=clock())
        batch = _Batch(house=house, issue=issue, frozen=frozen, transport=transport, clock=clock)
        while not should_stop() and await batch.run(watch):
            pass
    return await finish(house, issue, now=clock())


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


async def recover(house: House, *, now: datetime) -> None:
    """Put back what a crash left behind, and settle what may have been sent as the operator decided."""
    settle_as = _SETTLED_AS[house.settings.smtp.uncertain]
    async with house.store.begin() as session:
        back, doubt = await deliveries.recover(session, now=now, settle_as=settle_as)
    if back or doubt:
        house.log.warning("deliver.recovered", requeued=back, uncertain=doubt, settled_as=settle_as)


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
            await issues.move(session, current, IssueState.SENT, sent_at=now)
    done = await report(house, issue)
    house.log.event("issue.sending", n=done.issue.number, state=done.issue.state, **done.states)
    return done


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Claims a few deliveries and takes each to its outcome."""

    house: House
    issue: Issue
    frozen: dict[str, Rendered]
    transport: Transport
    clock: Clock
    claimed: dict[int, Delivery] = field(default_factory=dict)

    async def run(self, watch: Callable[[Outcome], None]) -> bool:
        """False when nothing more is due or the issue was stopped."""
        smtp = self.house.settings.smtp
        async with self.house.store.begin() as session:
            if (await issues.get(session, self.issue.id)).state is not IssueState.SENDING:
                return False
            limit = smtp.connections * _BATCH_PER_CONNECTION
            got = await deliveries.claim(
                session, self.issue.id, limit=limit, lease=_CLAIM_LEASE, now=self.clock()
            )
        self.claimed = {one.id: one for one in got}
        flow = deliver(self._envelopes(), self.transport, connections=smtp.connections, handing=self._hand)
        async with aclosing(flow):
            async for outcome in flow:
                await self._settle(outcome)
                watch(outcome)
        return bool(got)

    async def _envelopes(self) -> AsyncIterator[Envelope]:
        """The messages of the claimed; who left or was suppressed since approval is skipped here."""
        ids = [one.subscriber_id for one in self.claimed.values()]
        async with self.house.store.read() as session:
            readers = await subscribers.of_ids(session, self.issue.newsletter, ids)
        for delivery in self.claimed.values():
            reader = readers.get(delivery.subscriber_id)
            rendered = self.frozen.get(delivery.choice)
            why = "erased" if reader is None else reader.exclusion
            if not why and rendered is None:
                why = "nothing in the sections they chose"
            if why or reader is None or rendered is None:
                await self._close(delivery, DeliveryState.SKIPPED, reason=why)
                continue
            try:
                message = addressed(self.house, self.issue, rendered, reader)
                data = encode(message)
            except DigestError as exc:
                await self._close(delivery, DeliveryState.FAILED, reason=exc.what)
                continue
            yield Envelope(key=delivery.id, sender=message.sender, recipient=message.recipient, data=data)

    async def _hand(self, key: int) -> bool:
        """True once the intent is durable."""
        lease = timedelta(seconds=self.house.settings.smtp.dot_timeout_seconds) + _HAND_MARGIN
        async with self.house.store.begin() as session:
            return await deliveries.hand(session, self.claimed[key], lease=lease, now=self.clock())

    async def _settle(self, outcome: Outcome) -> None:
        """Store what the server said; uncertain ones follow the operator's policy at once."""
        delivery, now = self.claimed[outcome.key], self.clock()
        state, due = decide(self.house, outcome.kind, delivery, now=now)
        async with self.house.store.begin() as session:
            await deliveries.settle(session, delivery, state, now=now, reply=outcome.reply, due_at=due)

    async def _close(self, delivery: Delivery, state: DeliveryState, *, reason: str) -> None:
        async with self.house.store.begin() as session:
            await deliveries.settle(session, delivery, state, now=self.clock(), reason=reason)


def decide(
    house: House, kind: OutcomeKind, delivery: Delivery, *, now: datetime
) -> tuple[DeliveryState, datetime | None]:
    """The state that an outcome leads to and, when it is tried again, when."""
    smtp = house.settings.smtp
    if kind is OutcomeKind.UNCERTAIN and smtp.uncertain != "resend":
        return _SETTLED_AS[smtp.uncertain], None
    again = OutcomeKind.DEFERRED if kind is OutcomeKind.UNCERTAIN else kind
    return after(
        again,
        attempts=delivery.attempts,
        first_tried_at=delivery.first_tried_at or now,
        now=now,
        give_up_after=timedelta(hours=smtp.retry_for_hours),
        key=delivery.id,
    )
