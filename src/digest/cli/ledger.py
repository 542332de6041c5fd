"""Where the deliveries of an issue stand, in numbers and in words."""

from dataclasses import dataclass, field

from digest.cli.running import local
from digest.cli.terminal import Terminal
from digest.domain import Issue, IssueState
from digest.errors import WrongStateError
from digest.house import House
from digest.store import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """How many deliveries of an issue are in each state, and why some were left out."""

    states: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)

    def count(self, *names: str) -> int:
        """How many are in one of these states."""
        return sum(self.states.get(name, 0) for name in names)

    @property
    def waiting(self) -> int:
        """How many may still go out."""
        return self.count("queued", "deferred", "claimed", "handed")

    def words(self) -> str:
        """ "12408 sent, 3 deferred; not sent: 20 left, 4 not confirmed"."""
        done = [f"{count} {name}" for name, count in self.states.items() if name != "skipped"]
        out = [f"{count} {reason}" for reason, count in self.excluded.items()]
        return (", ".join(done) or "nobody") + (f"; not sent: {', '.join(out)}" if out else "")

    def plain(self) -> dict[str, object]:
        """As `--json` shows it: each outcome under its name, the rest by reason."""
        names = ("sent", "deferred", "failed", "uncertain", "queued")
        return {name: self.states.get(name, 0) for name in names} | {
            "audience": sum(self.states.values()),
            "waiting": self.waiting,
            "excluded": self.excluded,
        }


async def ledger_of(house: House, issue: Issue) -> Ledger:
    """Where the deliveries of an issue stand."""
    async with house.store.read() as session:
        return Ledger(
            states=await deliveries.counts(session, issue.id),
            excluded=await deliveries.excluded(session, issue.id),
        )


async def may_send(terminal: Terminal, house: House, issue: Issue) -> Ledger:
    """The numbers, said; WrongStateError with the command to run first when the issue is not ready."""
    hints = {
        IssueState.DRAFT: ("not approved yet (draft)", f"digest approve {issue.number}"),
        IssueState.REVIEW: ("not approved yet (review)", f"digest approve {issue.number}"),
        IssueState.PAUSED: (
            f"paused: {issue.reason}" if issue.reason else "paused",
            f"digest resume {issue.number}",
        ),
    }
    if issue.state in hints:
        what, hint = hints[issue.state]
        raise WrongStateError(f"issue {issue.number} is {what}", hint=hint)
    ledger = await ledger_of(house, issue)
    if issue.state is IssueState.SENT:
        when = local(house, issue.newsletter, issue.sent_at)
        terminal.say("already", f"issue {issue.number} was sent {when}: {ledger.words()}")
    else:
        terminal.say("issue", f"{issue.number}: {ledger.words()}")
    return ledger
