"""An issue tried without sending it to its readers: to one address as a test, or only rehearsed."""

import typer

from digest import publish
from digest.cli.ledger import may_send
from digest.cli.plain import plain_issue
from digest.cli.progress import listed
from digest.cli.running import newsletter_key, pick_issue, run
from digest.cli.terminal import Terminal, counted
from digest.clock import utc_now
from digest.domain import Issue, IssueState, OutcomeKind
from digest.errors import TransportError
from digest.house import House
from digest.subscribe import normalise

#: Reasons that are named.
_NAMED = 5


def send_test(
    terminal: Terminal, newsletter: str | None, number: int | None, email: str, *, as_json: bool
) -> None:
    """Send a test mail; TransportError with the server's words when it was not taken."""
    address = normalise(email)

    async def work(house: House) -> Issue:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        outcome = await publish.send_trial(house, issue, address, now=utc_now())
        if as_json:
            terminal.json(
                plain_issue(issue, stories=False) | {"outcome": outcome.kind, "reply": outcome.reply}
            )
        if outcome.kind is not OutcomeKind.SENT:
            raise TransportError(f"the test mail to {address} was not taken: {outcome.reply}")
        terminal.say("tested", f"issue {issue.number} ({issue.state}) to {address}: {outcome.reply}")
        return issue

    issue = run(terminal, work)
    ready = issue.state in {IssueState.DRAFT, IssueState.REVIEW}
    terminal.then(f"approve {issue.number}" if ready else f"issues show {issue.number}")


def rehearse(terminal: Terminal, newsletter: str | None, number: int | None, *, as_json: bool) -> None:
    """Make all mails and send none; exit 1 when some cannot be sent."""

    async def work(house: House) -> tuple[Issue, publish.Rehearsal]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        before = await may_send(terminal, house, issue)
        with terminal.bar("making", before.waiting) as step:
            return issue, await publish.rehearse(house, issue, step=step)

    issue, done = run(terminal, work)
    if as_json:
        terminal.json(plain_issue(issue, stories=False) | _plain_rehearsal(done))
    size = f", {done.smallest / 1000:.1f} to {done.largest / 1000:.1f} KB each" if done.made else ""
    terminal.say(
        "made", f"{counted(done.made, 'mail')}{size}, {done.total_bytes / 1e6:.1f} MB; none was sent"
    )
    if done.skipped:
        terminal.say("skipped", listed(done.skipped, _NAMED))
    for words in done.warnings:
        terminal.warn("warn", words)
    for email, words in done.first:
        terminal.warn("failed", f"{email}: {words}")
    broken = done.broken.total()
    if broken:
        terminal.warn("failed", f"{counted(broken, 'mail')} cannot be sent")
    terminal.then(f"send {issue.number}")
    raise typer.Exit(1 if broken else 0)


def _plain_rehearsal(done: publish.Rehearsal) -> dict[str, object]:
    return {
        "made": done.made,
        "skipped": dict(done.skipped),
        "broken": dict(done.broken),
        "first_broken": [{"email": email, "why": words} for email, words in done.first],
        "warnings": list(done.warnings),
        "bytes": {"smallest": done.smallest, "largest": done.largest, "total": done.total_bytes},
    }
