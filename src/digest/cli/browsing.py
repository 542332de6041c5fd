"""`digest issues list` and `digest issues show`: looking back."""

from typing import Annotated

import typer

from digest.cli.ledger import ledger_of
from digest.cli.plain import plain_issue
from digest.cli.running import AsJson, Newsletter, Number, local, newsletter_key, pick_issue, run
from digest.cli.show import write_issue
from digest.cli.terminal import Row, of
from digest.domain import Issue, IssueState
from digest.house import House
from digest.store import issues


def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """List the issues, with where each stands."""
    terminal = of(ctx)

    async def work(house: House) -> int:
        key = newsletter_key(house.settings, newsletter)
        async with house.store.read() as session:
            every = await issues.all_of(session, key, limit=limit)
        every = tuple(sorted(every, key=lambda issue: issue.due_at, reverse=True))
        if as_json:
            told = [plain_issue(one, stories=False) | (await ledger_of(house, one)).plain() for one in every]
            terminal.json({"issues": told})
        elif every:
            rows = [await _row(house, one) for one in every]
            terminal.table(("issue", "state", "due", "stories", "readers"), rows)
        return len(every)

    if run(terminal, work):
        terminal.then("issues show N")
    else:
        terminal.say("none", "there are no issues yet")
        terminal.then("draft")


async def _row(house: House, issue: Issue) -> Row:
    ledger = await ledger_of(house, issue)
    is_off = issue.state is IssueState.CANCELLED
    state = f"{issue.state}: {issue.reason}" if is_off and issue.reason else issue.state
    number = str(issue.number) if issue.number > 0 else "–"
    due = local(house, issue.newsletter, issue.due_at)
    return number, state, due, str(len(issue.content.stories)), ledger.words() if ledger.states else ""


def show(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """Show an issue with its stories, and where its deliveries stand."""
    terminal = of(ctx)

    async def work(house: House) -> Issue:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        ledger = await ledger_of(house, issue)
        if as_json:
            terminal.json(plain_issue(issue) | ledger.plain())
            return issue
        write_issue(terminal, house, issue)
        if ledger.states:
            terminal.write()
            terminal.write(f"Readers: {ledger.words()}")
        return issue

    issue = run(terminal, work)
    terminal.then(_NEXT.get(issue.state, "draft").format(n=issue.number))


_NEXT = {
    IssueState.DRAFT: "approve {n}",
    IssueState.REVIEW: "approve {n}",
    IssueState.APPROVED: "send {n}",
    IssueState.SENDING: "send {n}",
    IssueState.SENT: "explain {n} 1",
}
