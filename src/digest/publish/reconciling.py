"""Settle what a crash left open by what the mail server's own log says."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from digest.domain import DeliveryEvent, Issue, IssueState
from digest.house import House
from digest.inbound import Fate, Trace, read_postfix_log
from digest.publish.send import finish, recover
from digest.render import issue_message_id
from digest.store import audit, deliveries, issues

#: Issues that are looked at of each newsletter, the newest first.
_ISSUES = 30
_STATES = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED)
#: Of several traces of a message the one that says most counts.
_WEIGHT = {Fate.CUT_OFF: 0, Fate.TAKEN: 1, Fate.SENT: 2, Fate.BOUNCED: 2}
_EVENTS = {
    Fate.TAKEN: DeliveryEvent.PROVE_SENT,
    Fate.SENT: DeliveryEvent.PROVE_SENT,
    Fate.BOUNCED: DeliveryEvent.PROVE_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a log said of the deliveries in doubt."""

    #: How many there were.
    in_doubt: int = 0
    #: By what the log says of them.
    fates: Counter[Fate] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """How many have an outcome now."""
        return sum(self.fates[fate] for fate in _EVENTS)

    @property
    def unknown(self) -> int:
        """How many the log does not name."""
        return self.in_doubt - self.fates.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A delivery that may have been sent."""

    id: int
    issue: Issue


async def reconcile(
    house: House, lines: Iterable[str], *, by: str, now: datetime, dry_run: bool = False
) -> Reconciled:
    """What the log's lines, oldest first, say of all that is in doubt; stored unless `dry_run`.

    Twice is safe: what was settled is not in doubt any more. What the server took counts as sent, what it
    returned as failed. What it has not seen, or cut off, stays as it is.
    """
    if not dry_run:
        await recover(house, now=now)
    doubts = await _doubts(house)
    best: dict[str, Trace] = {}
    for trace in read_postfix_log(lines, doubts):
        before = best.get(trace.message_id)
        if before is None or _WEIGHT[trace.fate] >= _WEIGHT[before.fate]:
            best[trace.message_id] = trace
    done = Reconciled(in_doubt=len(doubts), fates=Counter(trace.fate for trace in best.values()))
    if not dry_run:
        await _store(house, doubts, best, by=by, now=now)
        house.log.event("deliver.reconciled", in_doubt=done.in_doubt, settled=done.settled)
    return done


async def _doubts(house: House) -> dict[str, _Doubt]:
    """Everything in doubt, by Message-ID."""
    found: dict[str, _Doubt] = {}
    async with house.store.read() as session:
        for key in house.settings.newsletters:
            masthead = house.masthead(key)
            for issue in await issues.all_of(session, key, states=_STATES, limit=_ISSUES):
                for number, reader in await deliveries.in_doubt(session, issue.id):
                    found[issue_message_id(masthead, issue.id, reader)] = _Doubt(id=number, issue=issue)
    return found


async def _store(
    house: House, doubts: dict[str, _Doubt], best: dict[str, Trace], *, by: str, now: datetime
) -> None:
    proven = [(doubts[name], trace) for name, trace in best.items() if trace.fate in _EVENTS]
    touched = {doubt.issue.id: doubt.issue for doubt, _trace in proven}
    async with house.store.begin() as session:
        for doubt, trace in proven:
            words = trace.words or "in the mail server's queue"
            await deliveries.prove(session, doubt.id, _EVENTS[trace.fate], reply=words, now=now)
        for issue_id in touched:
            await audit.note(
                session, now=now, actor=by, action="issue.reconciled", subject=f"issue:{issue_id}"
            )
    for issue in touched.values():
        await finish(house, issue, now=now)
