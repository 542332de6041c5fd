"""The demo itself: a week by hand, each step twice, and a count at the mailbox in the end."""

import asyncio
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from digest.demo.crowd import count_mails, gather_crowd, require_no_strangers
from digest.demo.leavings import leave_behind, make_folder
from digest.demo.mailbox import mailbox
from digest.demo.material import sample_sites
from digest.demo.options import DemoOptions
from digest.demo.showing import remarks
from digest.demo.sites import open_server
from digest.demo.stage import EDITOR, KEY, Stage, open_stage
from digest.demo.telling import DemoResult, Teller
from digest.domain import Issue
from digest.errors import DigestError, WrongStateError
from digest.jobs import Runner
from digest.publish import (
    GatherReport,
    SendReport,
    approve,
    desk,
    draft,
    gather_sources,
    present,
    send,
    send_notices,
)
from digest.schedule import Daemon
from digest.store import issues, sources
from digest.web import create_app

_NOTE = (
    "A week of agreements: twelve cities share one register, a court holds a chatbot to its word, and "
    "small languages get a voice. Start with the evaluation checks; they take one afternoon."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """What the acts came to."""

    issue: Issue
    gathered: GatherReport
    sent: SendReport


async def run_demo(options: DemoOptions, *, tell: Teller) -> DemoResult:
    """What the week came to; its files are in `options.out`, nothing else is left.

    UsageError for options that cannot be played, NothingToDoError when the week has no stories.
    With `serve` it returns after Ctrl-C or SIGTERM.
    """
    options.check()
    make_folder(options.out)
    started = time.monotonic()
    async with open_stage(options) as stage:
        tell.begins(options)
        played = await _play(stage, tell)
        result = await _count(stage, played, started)
        size = await leave_behind(stage, played.issue)
        result = replace(result, bytes=size)
        tell.result(result)
        if stage.listening is not None:
            await _keep_up(stage, tell)
    return result


async def _play(stage: Stage, tell: Teller) -> _Played:
    """Readers, gathering, drafting, approving, sending; then all of it once more."""
    house, clock = stage.house, stage.clock
    tell.sites(stage.sources, from_folder=stage.options.feeds is not None)
    tell.crowd(await gather_crowd(stage), notices=len(stage.catcher.mails))
    async with house.store.begin() as session:
        await sources.add(session, stage.sources, now=clock())
    gathered = await gather_sources(house, now=clock(), everything=True)
    await _name_the_unread(stage)
    tell.gathered(gathered)
    issue = await draft(house, KEY, now=clock())
    if stage.options.feeds is None:
        issue = await _write_note(stage, issue)
    tell.draft(issue)
    sites = sample_sites() if stage.options.feeds is None else ()
    asked = [one.question for one in (await desk(house, issue)).asked]
    tell.shown(remarks(issue.content, asked, sites))
    held = await present(house, issue, now=clock())
    await send_notices(house, clock=clock)
    approved = await approve(house, held, by=EDITOR, now=clock())
    tell.approved(approved, EDITOR)
    with tell.sending() as watch:
        await send(house, approved, clock=clock, watch=watch)
    report = await _again(stage, approved, tell)
    return _Played(issue=report.issue, gathered=gathered, sent=report)


async def _name_the_unread(stage: Stage) -> None:
    """Call a source that could not be read, and so told no title, by its file's name."""
    async with stage.house.store.begin() as session:
        for source in await sources.all_of(session):
            if not source.title:
                name = urlsplit(source.url).path.rpartition("/")[2]
                await sources.save(session, replace(source, title=name))


async def _write_note(stage: Stage, issue: Issue) -> Issue:
    """The draft with a note by the editor on top."""
    noted = replace(issue, content=replace(issue.content, note=_NOTE))
    async with stage.house.store.begin() as session:
        return await issues.save_draft(session, noted, now=stage.clock())


async def _again(stage: Stage, issue: Issue, tell: Teller) -> SendReport:
    """Gather, draft and send a second time: nothing may come of it."""
    house, clock = stage.house, stage.clock
    gathered = await gather_sources(house, now=clock(), everything=True)
    try:
        await draft(house, KEY, now=clock())
    except WrongStateError as exc:
        refusal = exc.what
    else:
        raise DigestError(f"issue {issue.number} was drafted again after it was sent")
    before = len(stage.catcher.mails)
    report = await send(house, issue, clock=clock)
    tell.again(gathered, refusal=refusal, mails=len(stage.catcher.mails) - before)
    return report


async def _count(stage: Stage, played: _Played, started: float) -> DemoResult:
    """The result, with mails counted at the catcher."""
    content = played.issue.content
    missing, twice, strangers = count_mails(stage, content)
    require_no_strangers(strangers)
    told = {section.key: len(section.stories) for section in content.sections}
    return DemoResult(
        sources=played.gathered.sources,
        sources_failed=played.gathered.failed,
        articles=played.gathered.articles,
        stories=len(content.stories),
        sections={one.key: told.get(one.key, 0) for one in stage.house.newsletter(KEY).sections},
        audience=played.sent.audience,
        sent=len(stage.catcher.issues()),
        excluded=sum(played.sent.excluded.values()),
        missing=missing,
        twice=twice,
        why_excluded=played.sent.excluded,
        errors=played.gathered.errors,
        out=str(stage.options.out.absolute()),
        seconds=round(time.monotonic() - started, 1),
    )


async def _keep_up(stage: Stage, tell: Teller) -> None:
    """Serve the readers' pages and the mailbox until a signal comes; sign-ups are mailed at once."""
    if stage.listening is None:
        return
    daemon = Daemon(stage.house, Runner(house=stage.house, clock=stage.clock))
    app = create_app(stage.house, clock=stage.clock, wake=daemon.wake)
    async with open_server(mailbox(stage.catcher)) as address:
        tell.serving(stage.house.page(KEY), address)
        await daemon.serve(app, stage.listening)
    # uvicorn closes its sockets a turn later.
    await asyncio.sleep(0)
