"""`digest approve`, `digest send` and `digest cancel`: the second half of the week by hand."""

import getpass
from dataclasses import dataclass, field
from typing import Annotated

import typer

from digest import publish
from digest.cli.failures import PARTLY
from digest.cli.running import (
    OPEN,
    AsJson,
    ExitCode,
    Newsletter,
    Number,
    Yes,
    local,
    newsletter_key,
    pick_issue,
    run,
    utc_now,
)
from digest.cli.show import plain_issue
from digest.cli.terminal import Terminal, counted, of
from digest.domain import Issue, IssueState, Outcome
from digest.errors import NothingToDoError, TransportError, UsageError, WrongStateError
from digest.house import House
from digest.store import deliveries, issues

_GONE = frozenset({IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED, IssueState.SENT})


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


def approve(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """Freeze an issue and its audience: what preview shows is what will be sent. Twice is safe."""
    terminal = of(ctx)

    async def work(house: House) -> Issue:
        now = utc_now()
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        if issue.state in _GONE:
            when = local(house, issue.newsletter, issue.approved_at)
            terminal.say("already", f"approved by {issue.approved_by}, {when}")
        else:
            issue = await publish.approve(house, issue, by=f"cli {_user()}", now=now)
            due = local(house, issue.newsletter, issue.due_at) if issue.due_at > now else "at once"
            readers = counted((await ledger_of(house, issue)).waiting, "reader")
            terminal.say("approved", f"issue {issue.number} for {readers}; digest run sends it {due}")
        if as_json:
            terminal.json(plain_issue(issue, stories=False) | (await ledger_of(house, issue)).plain())
        return issue

    issue = run(terminal, work)
    if issue.state is IssueState.APPROVED:
        terminal.then(f"send {issue.number}", f"sends it now; digest cancel {issue.number} stops it")
    else:
        terminal.then(f"issues show {issue.number}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unnamed"


def send(
    ctx: typer.Context,
    number: Number = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the numbers and send nothing.")] = False,
    yes: Yes = False,
    exit_code: ExitCode = False,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Send an approved issue now. Twice is safe: nobody gets it twice.

    Exit 0 when everybody has it, 4 when some are put off or refused, 75 when all are put off, 1 when all
    are refused.
    """
    terminal = of(ctx)

    async def work(house: House) -> tuple[Issue, Ledger, bool]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        before = await _may_send(terminal, house, issue)
        is_new = issue.state is not IssueState.SENT and not dry_run
        if is_new:
            _agree(terminal, issue, before.waiting, yes=yes)
            await _send(terminal, house, issue, before.waiting)
        async with house.store.read() as session:
            issue = await issues.get(session, issue.id)
        ledger = await ledger_of(house, issue)
        if as_json:
            terminal.json(plain_issue(issue, stories=False) | ledger.plain())
        return issue, ledger, is_new

    issue, ledger, is_new = run(terminal, work)
    if is_new:
        terminal.say("sent", ledger.words())
        _explain(terminal, issue, ledger)
    if ledger.count("deferred", "claimed", "handed"):
        terminal.then(f"send {issue.number}", "later tries the deferred again; digest run does so by itself")
    else:
        terminal.then(f"issues show {issue.number}")
    nothing = NothingToDoError.exit_code if exit_code and not dry_run else 0
    raise typer.Exit(_code(ledger) if is_new else nothing)


def _explain(terminal: Terminal, issue: Issue, ledger: Ledger) -> None:
    """What the numbers alone would leave a person to guess."""
    if held := ledger.count("claimed", "handed"):
        words = f"{held} by a sender that is at it or has died; what it does not send is free in 11 minutes"
        terminal.say("held", words)
    if issue.due_at > utc_now():
        terminal.say("early", f"this was the issue due {issue.due_at:%a %d %b %H:%M} UTC; none goes then")


async def _may_send(terminal: Terminal, house: House, issue: Issue) -> Ledger:
    """The numbers, said; WrongStateError with the command to run first when the issue is not ready."""
    if issue.state in {IssueState.DRAFT, IssueState.REVIEW}:
        raise WrongStateError(
            f"issue {issue.number} is not approved yet ({issue.state})", hint=f"digest approve {issue.number}"
        )
    ledger = await ledger_of(house, issue)
    if issue.state is IssueState.SENT:
        when = local(house, issue.newsletter, issue.sent_at)
        terminal.say("already", f"issue {issue.number} was sent {when}: {ledger.words()}")
    else:
        terminal.say("issue", f"{issue.number}: {ledger.words()}")
    return ledger


def _agree(terminal: Terminal, issue: Issue, count: int, *, yes: bool) -> None:
    """A person types the number of readers; a script says --yes."""
    if yes or not count:
        return
    if not terminal.is_interactive:
        raise UsageError(
            f"issue {issue.number} would go to {counted(count, 'reader')}; nobody is here to confirm it",
            hint="--yes sends it, --dry-run only shows the numbers",
        )
    typed = terminal.ask(f"Send issue {issue.number} to {counted(count, 'reader')} now? Type {count}")
    if typed.replace(",", "") != str(count):
        raise UsageError("that is another number; nothing was sent")


async def _send(terminal: Terminal, house: House, issue: Issue, count: int) -> None:
    with terminal.bar("sending", count) as step:

        def watch(_outcome: Outcome) -> None:
            step(1)

        await publish.send(house, issue, clock=utc_now, watch=watch)


def _code(ledger: Ledger) -> int:
    """How a sending ends for a script."""
    late, refused = (
        ledger.count("deferred", "queued", "claimed", "handed"),
        ledger.count("failed", "uncertain"),
    )
    if not late and not refused:
        return 0
    if ledger.count("sent"):
        return PARTLY
    return TransportError.exit_code if late else 1


def cancel(
    ctx: typer.Context,
    number: Number = None,
    reason: Annotated[str, typer.Option(help="Kept with the issue.")] = "by hand",
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Cancel an issue: what has not left stays here, and what it told may be told again."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        if issue.state not in OPEN:
            raise WrongStateError(f"issue {issue.number} is {issue.state}; it cannot be cancelled")
        done = await publish.cancel(house, issue, reason=reason, by=f"cli {_user()}", now=utc_now())
        ledger = await ledger_of(house, done)
        if as_json:
            terminal.json(plain_issue(done, stories=False) | ledger.plain())
        left = ledger.count("sent")
        had = counted(left, "reader")
        terminal.say("cancelled", f"issue {issue.number}{f'; {had} had it already' if left else ''}")

    run(terminal, work)
    terminal.then("draft --next", "makes the one after it")
