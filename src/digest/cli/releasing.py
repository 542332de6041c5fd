"""`digest approve`, `pause`, `resume` and `cancel`: what an operator decides about an issue."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

import typer

from digest import publish
from digest.cli.ledger import ledger_of
from digest.cli.plain import plain_issue
from digest.cli.running import (
    OPEN,
    AsJson,
    Newsletter,
    Number,
    local,
    newsletter_key,
    pick_issue,
    run,
    user,
)
from digest.cli.terminal import Terminal, counted, of
from digest.clock import utc_now
from digest.domain import Issue, IssueState
from digest.errors import WrongStateError
from digest.house import House

_GONE = frozenset({IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED, IssueState.SENT})


async def looked_again(terminal: Terminal, house: House, issue: Issue) -> Issue:
    """The issue when its events still are as it tells them; WrongStateError when it was taken back."""
    if issue.state is not IssueState.APPROVED:
        return issue
    if any(story.event for story in issue.content.stories):
        terminal.say("events", "compared with what their sources say now")
    issue = await publish.recheck(house, issue, now=utc_now())
    if issue.state is IssueState.REVIEW:
        hint = f"digest issues show {issue.number}, then digest approve {issue.number}"
        raise WrongStateError(f"issue {issue.number} was taken back: {issue.reason}", hint=hint)
    return issue


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
            issue = await publish.approve(house, issue, by=f"cli {user()}", now=now)
            due = local(house, issue.newsletter, issue.due_at) if issue.due_at > now else "at once"
            readers = (await ledger_of(house, issue)).waiting
            terminal.say(
                "approved",
                f"issue {issue.number} for {counted(readers, 'reader')}; digest run sends it {due}",
            )
            if not readers:
                again = f"digest cancel {issue.number} keeps what it tells for another draft"
                terminal.warn("nobody", f"waits for it, and who joins now gets the next one; {again}")
        asked = len((await publish.desk(house, issue)).asked)
        if asked:
            terminal.say("asked", f"{counted(asked, 'question')} open: digest questions {issue.number}")
        if as_json:
            ledger = (await ledger_of(house, issue)).plain()
            terminal.json(plain_issue(issue, stories=False) | {"questions": asked} | ledger)
        return issue

    issue = run(terminal, work)
    if issue.state is IssueState.APPROVED:
        terminal.then(f"send {issue.number}", f"sends it now; digest cancel {issue.number} stops it")
    else:
        terminal.then(f"issues show {issue.number}")


def pause(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """Stop a sending at once, whoever does it. What is in flight still ends. Twice is safe."""
    turn = _Turn(to=IssueState.PAUSED, done="paused", already="is paused", act=publish.pause)
    issue = _turn(of(ctx), turn, number, newsletter, as_json=as_json)
    of(ctx).then(f"resume {issue.number}", f"lets it go on; digest cancel {issue.number} ends it")


def resume(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """Let a paused issue go on: the daemon sends the rest, or `digest send`."""
    turn = _Turn(to=IssueState.SENDING, done="resumed", already="is being sent", act=publish.resume)
    issue = _turn(of(ctx), turn, number, newsletter, as_json=as_json)
    of(ctx).then(f"send {issue.number}", "sends the rest now; digest run does so by itself")


class _Act(Protocol):
    async def __call__(self, house: House, issue: Issue, /, *, by: str, now: datetime) -> Issue: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A sending brought into another state, in words."""

    to: IssueState
    done: str
    already: str
    act: _Act


def _turn(
    terminal: Terminal, turn: _Turn, number: int | None, newsletter: str | None, *, as_json: bool
) -> Issue:
    """The issue in that state, told; one that is there already is no error."""

    async def work(house: House) -> Issue:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        if issue.state is turn.to:
            terminal.say("already", f"issue {issue.number} {turn.already}")
        else:
            issue = await turn.act(house, issue, by=f"cli {user()}", now=utc_now())
            terminal.say(turn.done, f"issue {issue.number}: {(await ledger_of(house, issue)).words()}")
        if as_json:
            terminal.json(plain_issue(issue, stories=False) | (await ledger_of(house, issue)).plain())
        return issue

    return run(terminal, work)


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
        done = await publish.cancel(house, issue, reason=reason, by=f"cli {user()}", now=utc_now())
        ledger = await ledger_of(house, done)
        if as_json:
            terminal.json(plain_issue(done, stories=False) | ledger.plain())
        left = ledger.count("sent")
        had = counted(left, "reader")
        terminal.say("cancelled", f"issue {issue.number}{f'; {had} had it already' if left else ''}")

    run(terminal, work)
    terminal.then("draft --next", "makes the one after it")
