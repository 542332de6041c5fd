"""`digest doctor`: everything that can be wrong, looked at side by side."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Annotated, Any

import typer

from digest import config, eventloop
from digest.cli.checks import CHECKS, NO_SOURCES, database
from digest.cli.findings import Check, Ground, State
from digest.cli.mail_checks import send_to
from digest.cli.running import AsJson
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.errors import DigestError

#: Seconds that one check is given.
_PATIENCE = 10.0


def doctor(
    ctx: typer.Context,
    as_json: AsJson = False,
    recipient: Annotated[
        str, typer.Option("--send-to", metavar="EMAIL", help="Also send a mail to this address.")
    ] = "",
) -> None:
    """Check settings, database, mail server, links, templates, sources, readers, issues and the rest.

    Changes nothing. Exit 1 when something must be mended before sending.
    """
    terminal = of(ctx)
    found = eventloop.run(_examine(terminal, recipient))
    fails = sum(one.state is State.FAIL for one in found)
    if as_json:
        terminal.json({"ok": not fails, "checks": [one.plain() for one in found]})
    else:
        for one in found:
            line = terminal.hinted(one.line())
            terminal.write(line, style={State.WARN: "yellow", State.FAIL: "red"}.get(one.state, ""))
    warns = sum(one.state is State.WARN for one in found)
    terminal.say("found", f"{fails} to mend, {warns} to look at")
    if fails:
        raise typer.Exit(1)
    terminal.then(*_next(found))


def _next(found: Iterable[Check]) -> tuple[str, str]:
    """The next command, and what it does: what there is none of comes before running."""
    fixes = {one.name: one.fix for one in found}
    if fixes.get("sources") == NO_SOURCES:
        return NO_SOURCES.removeprefix("digest "), "adds our pack of AI sources"
    if fix := fixes.get("readers", ""):
        return fix.removeprefix("digest "), "nobody gets it yet; digest run also takes sign-ups"
    return "run", ""


async def _examine(terminal: Terminal, recipient: str) -> list[Check]:
    """Every check's finding; without settings there is only that one."""
    try:
        file = config.find(terminal.config)
        settings = config.load(terminal.config)
    except DigestError as exc:
        return [Check.broken("configuration", exc)]
    ground = Ground(file=file, settings=settings, now=utc_now())
    first = await _limited("database", database(ground))
    ground = replace(ground, has_database=first.state is State.OK)
    checks = dict(CHECKS)
    if recipient:
        checks["mail"] = lambda ground: send_to(ground, recipient)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_limited(name, check(ground))) for name, check in checks.items()]
    configuration, *others = [task.result() for task in tasks]
    return [configuration, first, *others]


async def _limited(name: str, check: Coroutine[Any, Any, Check]) -> Check:
    """The check's finding; what it raises or how long it takes harms no other."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await check
    except DigestError as exc:
        return Check.broken(name, exc)
    except TimeoutError:
        return Check(name=name, state=State.FAIL, found=f"no answer within {_PATIENCE:.0f} s")
