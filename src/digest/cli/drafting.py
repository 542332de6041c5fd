"""`digest gather` and `digest draft`: the first half of the week by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer

from digest.cli.failures import PARTLY
from digest.cli.plain import plain_issue
from digest.cli.running import AsJson, ExitCode, Newsletter, newsletter_key, pick_sources, run
from digest.cli.show import write_issue
from digest.cli.terminal import Terminal, counted, of, one_line
from digest.clock import utc_now
from digest.domain import Gathered, Issue, Source
from digest.errors import NothingToDoError, UsageError
from digest.gather import is_due
from digest.house import House
from digest.publish import GatherReport, desk, draft_month, gather_sources
from digest.publish import draft as draft_issue
from digest.store import sources


@contextmanager
def nothing_is_fine(terminal: Terminal, *, exit_code: bool, as_json: bool) -> Iterator[None]:
    """Ends a command that finds nothing to do with one line: 0, or 3 when a script wants to know."""
    try:
        yield
    except NothingToDoError as exc:
        if as_json:
            terminal.json({"nothing": exc.what})
        terminal.say("nothing", exc.what)
        if exc.hint:
            terminal.say("hint", exc.hint)
        raise typer.Exit(exc.exit_code if exit_code else 0) from exc


def gather(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those whose time has not come.")] = False,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="WORDS", help="Only these; may be repeated.")
    ] = None,
    exit_code: ExitCode = False,
    as_json: AsJson = False,
) -> None:
    """Read the sources that are due and keep what is new. Exit 4 when some failed, 1 when all did."""
    terminal = of(ctx)

    async def work(house: House) -> GatherReport:
        now = utc_now()
        chosen = await _chosen(house, source or [], everything=everything, now=now)
        with terminal.bar("gathering", len(chosen)) as step:

            def watch(got: Gathered) -> None:
                step(1)
                if got.error:
                    terminal.warn("failed", f"{got.source.title or got.source.url}: {got.error}")

            return await gather_sources(house, now=now, only=chosen, watch=watch)

    with nothing_is_fine(terminal, exit_code=exit_code, as_json=as_json):
        report = run(terminal, work)
    if as_json:
        terminal.json(_plain_report(report))
    terminal.say("gathered", _words(report))
    terminal.then("draft")
    if report.failed:
        raise typer.Exit(1 if report.failed == report.sources else PARTLY)


async def _chosen(house: House, words: list[str], *, everything: bool, now: datetime) -> tuple[Source, ...]:
    """The sources to read; NothingToDoError says why there are none."""
    if words:
        return await pick_sources(house, words)
    async with house.store.read() as session:
        every = [one for one in await sources.all_of(session) if one.enabled]
    if not every:
        raise NothingToDoError(
            "there are no sources", hint="digest sources starter, or digest sources add URL"
        )
    due = tuple(one for one in every if everything or is_due(one, now))
    if not due:
        first = min(one.next_check_at for one in every if one.next_check_at)
        minutes = int((first - now).total_seconds() // 60) + 1
        raise NothingToDoError(
            f"no source is due; the first is in {minutes} min", hint="digest gather --all reads them now"
        )
    return due


def _words(report: GatherReport) -> str:
    articles, read = counted(report.articles, "new article"), counted(report.sources, "source")
    how = f"{report.fresh} fresh, {report.unchanged} unchanged, {report.failed} failed"
    return f"{articles} from {read}: {how}"


def _plain_report(report: GatherReport) -> dict[str, object]:
    names = ("sources", "fresh", "unchanged", "failed", "articles", "revised")
    errors = [{"source": title, "error": one_line(line)} for title, line in report.errors]
    return {name: getattr(report, name) for name in names} | {"errors": errors}


def draft(
    ctx: typer.Context,
    after: Annotated[bool, typer.Option("--next", help="The issue after the one that is due next.")] = False,
    monthly: Annotated[
        bool, typer.Option("--monthly", help="The issue of the month, from those sent.")
    ] = False,
    exit_code: ExitCode = False,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Compose the next issue from what was gathered, and show it. Again replaces the draft."""
    terminal = of(ctx)
    if monthly and after:
        raise UsageError("--next and --monthly do not go together", hint="digest draft --monthly")

    async def work(house: House) -> tuple[Issue, int]:
        key, now = newsletter_key(house.settings, newsletter), utc_now()
        if monthly:
            issue = await draft_month(house, key, now=now)
        else:
            issue = await draft_issue(house, key, now=now, after=int(after))
        asked = len((await desk(house, issue)).asked)
        if as_json:
            terminal.json(plain_issue(issue) | {"questions": asked})
        else:
            write_issue(terminal, house, issue)
        return issue, asked

    with nothing_is_fine(terminal, exit_code=exit_code, as_json=as_json):
        issue, asked = run(terminal, work)
    if told := len(issue.content.corrections):
        terminal.say("corrects", f"{counted(told, 'line')}: digest corrections list {issue.number}")
    if asked:
        terminal.say("asked", f"{counted(asked, 'question')} open: digest questions {issue.number}")
    terminal.then(f"preview {issue.number}", f"then digest approve {issue.number}")
