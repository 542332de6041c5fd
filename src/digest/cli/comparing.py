"""`digest replay` and `digest diff`: is it what it was, and what changed."""

from dataclasses import asdict
from typing import Annotated

import typer

from digest import publish
from digest.cli.running import AsJson, Newsletter, Number, newsletter_key, pick_issue, run
from digest.cli.terminal import Terminal, counted, of
from digest.compose import Change, changes
from digest.domain import Content, Issue, IssueState
from digest.errors import NotFoundError, UsageError
from digest.house import House
from digest.publish import Replay
from digest.store import issues, revisions
from digest.store.revisions import Revision


def replay(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """Compose an issue once more from what it was made of then, and compare.

    Exit 1 when it is not the same; what differs is shown.
    """
    terminal = of(ctx)

    async def work(house: House) -> tuple[Issue, Replay]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        return issue, await publish.replay(house, issue)

    issue, found = run(terminal, work)
    if as_json:
        terminal.json({"issue": issue.number, "same": found.is_same} | asdict(found))
    elif not found.is_same:
        _write(terminal, found.changes)
    made = f"{counted(found.articles, 'article')}, version {found.version_then}"
    if found.is_same:
        terminal.say("same", f"issue {issue.number} comes out as it was, from {made}: {found.now[:16]}")
        terminal.then(f"issues show {issue.number}")
        return
    terminal.warn(
        "differs", f"issue {issue.number} was {found.then[:16]} and would be {found.now[:16]} ({made})"
    )
    if found.version_then != found.version_now:
        terminal.say("version", f"it was made by {found.version_then}, this is {found.version_now}")
    terminal.then(f"issues show {issue.number}", "shows it as it is stored")
    raise typer.Exit(1)


def diff(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[N] [M]", help="One issue's revisions, or two issues.")
    ] = None,
    since: Annotated[int, typer.Option("--from", metavar="R", help="Revision; default: the one before.")] = 0,
    until: Annotated[int, typer.Option("--to", metavar="R", help="Revision; default: the newest.")] = 0,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Show what changed between two revisions of an issue, or between two issues."""
    terminal, given = of(ctx), numbers or []
    if len(given) > 2 or (len(given) == 2 and (since or until)):
        raise UsageError("two issues, or two revisions of one", hint="digest diff 12 --from 3 --to 5")

    async def work(house: House) -> tuple[Issue, tuple[str, Content], tuple[str, Content]]:
        key = newsletter_key(house.settings, newsletter)
        if len(given) == 2:
            async with house.store.read() as session:
                one, other = [await issues.by_number(session, key, number) for number in given]
            return other, (f"issue {one.number}", one.content), (f"issue {other.number}", other.content)
        issue = await pick_issue(house, key, given[0] if given else None)
        async with house.store.read() as session:
            every = await revisions.all_of(session, issue.id)
        return issue, *_two(issue, every, since, until)

    issue, (before, old), (after, new) = run(terminal, work)
    found = changes(old, new)
    if as_json:
        terminal.json({"before": before, "after": after, "changes": [asdict(each) for each in found]})
    else:
        terminal.write(f"{before} → {after}", style="bold")
        _write(terminal, found)
    if not found:
        terminal.say("same", "nothing changed")
    is_draft = issue.state in {IssueState.DRAFT, IssueState.REVIEW}
    terminal.then(f"{'preview' if is_draft else 'issues show'} {issue.number}")


def _two(
    issue: Issue, every: tuple[Revision, ...], since: int, until: int
) -> tuple[tuple[str, Content], tuple[str, Content]]:
    """The two revisions that are meant, each with its name."""
    known = {each.revision: each for each in every}
    if not known:
        raise NotFoundError(f"no revision of issue {issue.number} was kept", hint="digest draft keeps one")
    last = until or max(known)
    first = since or max((each for each in known if each < last), default=last)
    for each in (first, last):
        if each not in known:
            there = ", ".join(str(one) for one in known)
            raise NotFoundError(f"issue {issue.number} has no revision {each}", hint=f"there is: {there}")
    old, new = known[first], known[last]
    by = f" by {new.by}" if new.by else ""
    name = f"issue {issue.number}, revision"
    return (f"{name} {old.revision}", old.content), (f"{name} {new.revision} ({new.what}{by})", new.content)


def _write(terminal: Terminal, found: tuple[Change, ...]) -> None:
    for each in found:
        how = " → ".join(part for part in (each.before, each.after) if part)
        terminal.write(f"{each.kind:<10} {each.what}{f': {how}' if how else ''}")
