"""`digest corrections`: what a draft says of earlier issues, and what its editor drops of it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from digest import publish
from digest.cli.running import (
    AsJson,
    Newsletter,
    Number,
    newsletter_key,
    pick_issue,
    run,
    user,
)
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.compose import correction_words
from digest.domain import Correction, Issue, IssueState
from digest.errors import NotFoundError, UsageError
from digest.house import House
from digest.publish import Desk, Hand

Of = Annotated[
    list[int],
    typer.Argument(metavar="[N] K", help="Issue and correction, as `digest corrections list` numbers them."),
]
Change = Callable[[House, Issue, str, Hand], Awaitable[Issue]]


def list_(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """List what a draft corrects of earlier issues, with the reason for each, and what was dropped.

    What is not dropped is sent with the issue.
    """
    terminal = of(ctx)

    async def work(house: House) -> tuple[Issue, Desk]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        return issue, await publish.desk(house, issue)

    issue, desk = run(terminal, work)
    if as_json:
        terminal.json({"issue": issue.number, "corrections": plain_corrections(issue, desk)})
    else:
        write_corrections(terminal, issue, desk)
    if desk.corrections and issue.state in {IssueState.DRAFT, IssueState.REVIEW}:
        if all(one.key in desk.uncorrected for one in desk.corrections):
            terminal.then(f"corrections keep {issue.number} K", "takes one back in")
        else:
            terminal.then(f"corrections drop {issue.number} K", "takes one out, for ever")
    elif not desk.corrections:
        terminal.say("none", f"issue {issue.number} corrects nothing")


def write_corrections(terminal: Terminal, issue: Issue, desk: Desk) -> None:
    """Print each correction under its number: where it stands, what it says, and why."""
    for position, one in enumerate(desk.corrections, 1):
        state = _state(issue, desk, one)
        terminal.write(f"{position:>4}  {f'{state}: ' if state else ''}{correction_words(one)}")
        for reason in one.reasons:
            terminal.write(f"      why: {reason.words}", style="dim")


def plain_corrections(issue: Issue, desk: Desk) -> list[dict[str, object]]:
    """The corrections as `--json` shows them."""
    names = ("kind", "number", "section", "title", "new_title", "url")
    return [
        {"position": position}
        | {name: getattr(one, name) for name in names}
        | {"words": correction_words(one), "is_dropped": one.key in desk.uncorrected}
        | {"is_told": one in issue.content.corrections}
        | {"reasons": [{"rule": each.rule, "words": each.words} for each in one.reasons]}
        for position, one in enumerate(desk.corrections, 1)
    ]


def _state(issue: Issue, desk: Desk, one: Correction) -> str:
    """What there is to say of one that the issue does not tell."""
    if one.key in desk.uncorrected:
        return "dropped"
    return "" if one in issue.content.corrections else "waits for room"


def drop(ctx: typer.Context, numbers: Of, as_json: AsJson = False, newsletter: Newsletter = None) -> None:
    """Drop a correction from a draft; it is not proposed again. `digest corrections keep` undoes it."""
    _change(of(ctx), newsletter, numbers, publish.drop_correction, "dropped", as_json=as_json)


def keep(ctx: typer.Context, numbers: Of, as_json: AsJson = False, newsletter: Newsletter = None) -> None:
    """Take a correction back into a draft that was dropped."""
    _change(of(ctx), newsletter, numbers, publish.keep_correction, "kept", as_json=as_json)


def _change(
    terminal: Terminal,
    newsletter: str | None,
    numbers: list[int],
    change: Change,
    done: str,
    *,
    as_json: bool,
) -> None:
    """Do it to the draft, say so, and name the next command."""
    if len(numbers) not in {1, 2}:
        raise UsageError("which correction?", hint="correction 2 of issue 12 is 12 2")

    async def work(house: House) -> tuple[Issue, Desk, Correction]:
        key = newsletter_key(house.settings, newsletter)
        issue = await pick_issue(house, key, numbers[0] if len(numbers) == 2 else None)
        one = _at(issue, await publish.desk(house, issue), numbers[-1])
        issue = await change(house, issue, one.key, Hand(by=f"cli {user()}", at=utc_now()))
        return issue, await publish.desk(house, issue), one

    issue, desk, one = run(terminal, work)
    if as_json:
        terminal.json({"issue": issue.number, "corrections": plain_corrections(issue, desk)})
    terminal.say(done, correction_words(one))
    terminal.say("revision", f"issue {issue.number} is at revision {issue.revision}")
    terminal.then(f"preview {issue.number}", f"digest diff {issue.number} shows what changed")


def _at(issue: Issue, desk: Desk, position: int) -> Correction:
    if not 1 <= position <= len(desk.corrections):
        hint = f"digest corrections list {issue.number}"
        raise NotFoundError(f"issue {issue.number} has no correction {position}", hint=hint)
    return desk.corrections[position - 1]
