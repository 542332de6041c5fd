"""`digest send` and `digest retry`: an issue to its readers, and again to those whom it did not reach."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import typer

from digest import publish
from digest.cli.failures import PARTLY
from digest.cli.ledger import Ledger, ledger_of, may_send
from digest.cli.plain import plain_issue
from digest.cli.progress import listed, sending_bar
from digest.cli.releasing import looked_again
from digest.cli.running import (
    AsJson,
    ExitCode,
    Newsletter,
    Number,
    Yes,
    local,
    newsletter_key,
    pick_issue,
    run,
    user,
)
from digest.cli.stopping import stop_signals
from digest.cli.terminal import Terminal, counted, of
from digest.cli.trying import rehearse, send_test
from digest.clock import utc_now
from digest.deliver import gist
from digest.domain import DeliveryState, Issue, IssueState
from digest.errors import NothingToDoError, TransportError, UsageError
from digest.house import House
from digest.standing import holders
from digest.store import deliveries, issues

#: What became of mails in doubt, by `[delivery] uncertain`.
_SETTLED = {
    "resend": "sent again as the same message",
    "hold": "held back; digest reconcile --log FILE settles what the mail server's log names",
    "assume-sent": "counted as sent",
}
#: Reasons that are named at the end of a sending.
_NAMED = 5


def send(
    ctx: typer.Context,
    number: Number = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="EMAIL", help="Only a test mail to this address, marked as such."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make every reader's mail, check it, and send none.")
    ] = False,
    yes: Yes = False,
    exit_code: ExitCode = False,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Send an approved issue now. Twice is safe: nobody gets it twice.

    Exit 0 when everybody has it, 4 when some are put off or refused, 75 when all are put off or nothing is
    due yet, 1 when all are refused. With --to an issue in any state goes to that one address and counts for
    nothing.
    """
    terminal = of(ctx)
    if to is not None:  # "" is a script's unset variable: refused, and never a sending to everybody
        send_test(terminal, newsletter, number, to, as_json=as_json)
        return
    if dry_run:
        rehearse(terminal, newsletter, number, as_json=as_json)
        return

    async def work(house: House) -> tuple[Issue, Ledger, bool]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        before = await may_send(terminal, house, issue)
        is_new = issue.state is not IssueState.SENT and not await _is_too_soon(terminal, house, issue, before)
        if is_new:
            issue = await looked_again(terminal, house, issue)
            hint = "--yes sends it, digest send --dry-run tries it without sending"
            _agree(terminal, f"Send issue {issue.number} to", before.waiting, yes=yes, hint=hint)
            await _send(terminal, house, issue, before.waiting)
        issue, ledger = await _ended(terminal, house, issue, is_new=is_new, as_json=as_json)
        return issue, ledger, is_new

    issue, ledger, is_new = run(terminal, work)
    _point_on(terminal, issue, ledger)
    if is_new:
        raise typer.Exit(code_of(ledger))
    idle = 0 if issue.state is IssueState.SENT else TransportError.exit_code
    raise typer.Exit(NothingToDoError.exit_code if exit_code else idle)


async def _is_too_soon(terminal: Terminal, house: House, issue: Issue, before: Ledger) -> bool:
    """True, and said, when all that waits was put off to a time that has not come."""
    if before.count("claimed", "handed"):  # what a dead sender holds is taken up now
        return False
    async with house.store.read() as session:
        due = await deliveries.next_due(session, issue.id)
    if due is None or due <= utc_now():
        return False
    terminal.say("waits", f"nothing is due before {local(house, issue.newsletter, due)}; nothing was sent")
    return True


async def _ended(
    terminal: Terminal, house: House, issue: Issue, *, is_new: bool, as_json: bool
) -> tuple[Issue, Ledger]:
    """Where it stands after a sending, told."""
    async with house.store.read() as session:
        issue = await issues.get(session, issue.id)
    ledger = await ledger_of(house, issue)
    if as_json:
        terminal.json(plain_issue(issue, stories=False) | ledger.plain())
    if is_new:
        terminal.say("sent", ledger.words())
        await _explain(terminal, house, issue, ledger)
    return issue, ledger


def _point_on(terminal: Terminal, issue: Issue, ledger: Ledger) -> None:
    if issue.state is IssueState.PAUSED:
        terminal.then(f"resume {issue.number}", f"lets it go on; digest cancel {issue.number} ends it")
    elif ledger.count("deferred", "claimed", "handed"):
        terminal.then(f"send {issue.number}", "later tries the deferred again; digest run does so by itself")
    elif ledger.count("queued"):
        terminal.then(f"send {issue.number}", "later sends the rest; digest run does so by itself")
    elif ledger.count("failed", "uncertain"):
        terminal.then(f"who {issue.number} --missed", "names them")
    else:
        terminal.then(f"issues show {issue.number}")


async def _explain(terminal: Terminal, house: House, issue: Issue, ledger: Ledger) -> None:
    """What the numbers alone would leave a person to guess."""
    if issue.state in {IssueState.PAUSED, IssueState.CANCELLED}:
        why = f": {issue.reason}" if issue.reason else ""
        terminal.warn(issue.state, f"issue {issue.number}{why}")
    for state in (DeliveryState.DEFERRED, DeliveryState.FAILED):
        if ledger.count(state):
            terminal.say(state, listed(await _reasons(house, issue, state), _NAMED))
    await _say_what_waits(terminal, house, issue, ledger)
    for held in await holders(house.store, issue, now=utc_now()):
        terminal.say("held", held.words(house.newsletter(issue.newsletter).timezone))
    if issue.due_at > utc_now():
        due = local(house, issue.newsletter, issue.due_at)
        terminal.say("early", f"this was the issue due {due}; none goes then")


async def _say_what_waits(terminal: Terminal, house: House, issue: Issue, ledger: Ledger) -> None:
    """Why the rest is not sent: its time has not come, or the relays carry no more."""
    async with house.store.read() as session:
        due = await deliveries.next_due(session, issue.id)
    if issue.state is not IssueState.SENDING or due is None:
        return
    if due > utc_now():
        terminal.say("waits", f"nothing more is due before {local(house, issue.newsletter, due)}")
    elif ledger.count("queued"):
        terminal.say("waits", "the relays carry no more for now: digest relays")


async def _reasons(house: House, issue: Issue, state: DeliveryState) -> Counter[str]:
    """How many are in that state for which reason."""
    found: Counter[str] = Counter()
    async with house.store.read() as session:
        async for words, count in deliveries.replies(session, issue.id, state):
            found[gist(words)] += count
    return found


def _agree(terminal: Terminal, what: str, count: int, *, yes: bool, hint: str) -> None:
    """A person types the number of readers; a script says --yes."""
    if yes or not count:
        return
    if not terminal.is_interactive:
        raise UsageError(
            f"{what} {counted(count, 'reader')}: nobody is here to confirm it",
            hint=hint,
        )
    typed = terminal.ask(f"{what} {counted(count, 'reader')} now? Type {count}")
    if typed.replace(",", "") != str(count):
        raise UsageError("that is another number; nothing was sent")


async def _send(terminal: Terminal, house: House, issue: Issue, count: int) -> None:
    """Send what is due; a signal lets what is in flight end, so that nobody is left in doubt."""

    def tell() -> None:
        terminal.warn(
            "stopping", "what is on its way ends first; once more cuts it, and some may get it twice"
        )

    with sending_bar(terminal, count) as watch, stop_signals(tell) as is_to_stop:
        done = await publish.send(house, issue, clock=utc_now, watch=watch, should_stop=is_to_stop)
    if done.in_doubt:
        settled = _SETTLED[house.settings.delivery.uncertain]
        terminal.warn("doubt", f"{counted(done.in_doubt, 'mail')} may have left before a crash: {settled}")
    for why in done.lost:
        terminal.warn("process", f"one of those that sign was lost: {why}; the sender signed instead")
    if is_to_stop():
        terminal.say("sent", (await ledger_of(house, issue)).words())
        raise asyncio.CancelledError


def code_of(ledger: Ledger) -> int:
    """How a sending ends for a script."""
    late, refused = (
        ledger.count("deferred", "queued", "claimed", "handed"),
        ledger.count("failed", "uncertain"),
    )
    if not late and not refused:
        return 0
    if ledger.count("sent") or (late and refused):
        return PARTLY
    return TransportError.exit_code if late else 1


def retry(
    ctx: typer.Context,
    number: Number = None,
    failed: Annotated[bool, typer.Option("--failed", help="Those that the server refused.")] = False,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Those that a crash left open; they may get it twice.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Try again those whom an issue did not reach; never who left or was suppressed since.

    Exit codes as for send.
    """
    terminal = of(ctx)
    states = _states(failed, uncertain)

    async def work(house: House) -> tuple[Issue, Ledger, bool]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        async with house.store.read() as session:
            count = await deliveries.retryable(session, issue.id, states)
        if not count:
            terminal.say("none", f"nobody is to be tried again: {(await ledger_of(house, issue)).words()}")
        else:
            hint = f"--yes tries them again, digest who {issue.number} names them"
            _agree(terminal, f"Try issue {issue.number} again for", count, yes=yes, hint=hint)
            await publish.retry(house, issue, states, by=f"cli {user()}", now=utc_now())
            if issue.state is not IssueState.PAUSED:
                await _send(terminal, house, issue, count)
        issue, ledger = await _ended(terminal, house, issue, is_new=bool(count), as_json=as_json)
        return issue, ledger, bool(count)

    issue, ledger, is_new = run(terminal, work)
    _point_on(terminal, issue, ledger)
    raise typer.Exit(code_of(ledger) if is_new else 0)


def _states(failed: bool, uncertain: bool) -> list[DeliveryState]:
    chosen: Iterable[tuple[bool, DeliveryState]] = (
        (failed, DeliveryState.FAILED),
        (uncertain, DeliveryState.UNCERTAIN),
    )
    states = [state for wanted, state in chosen if wanted]
    if not states:
        raise UsageError("which ones?", hint="digest retry N --failed, or --uncertain")
    return states
