"""What is due of a newsletter right now, read from the database: a missed or repeated tick does no harm."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from digest import cron
from digest.clock import Clock, utc_now
from digest.domain import Cadence, Content, Issue, IssueState, Outcome, StalePolicy
from digest.errors import BusyError, NothingToDoError, WrongStateError
from digest.house import House
from digest.publish.approve import approve, call_off
from digest.publish.draft import draft, hold, present
from digest.publish.gathering import gather_sources
from digest.publish.monthly import draft_month
from digest.publish.periods import period_of
from digest.publish.recheck import AHEAD, recheck
from digest.publish.send import send
from digest.store import issues


async def release_due(
    house: House, key: str, *, clock: Clock = utc_now, should_stop: Callable[[], bool] = lambda: False
) -> None:
    """Make the issues whose time has come, approve what waited long enough, send what is approved and due."""
    # The month's issue last: it is made of the others.
    for cadence in (Cadence.WEEKLY, Cadence.MONTHLY):
        due = await _missing(house, key, cadence, now=clock())
        if due is not None:
            await _make(house, key, due, cadence, clock=clock)
    async with house.store.read() as session:
        open_issues = await issues.all_of(session, key, states=(IssueState.REVIEW, *_SENDABLE))
    for issue in reversed(open_issues):
        if should_stop():
            return
        await _advance(house, issue, clock=clock, should_stop=should_stop)


_SENDABLE = (IssueState.APPROVED, IssueState.SENDING)


async def _missing(house: House, key: str, cadence: Cadence, *, now: datetime) -> datetime | None:
    """The last due time, when its issue is still to be made; never one from before we met the newsletter."""
    chosen = house.newsletter(key)
    schedule = chosen.monthly if cadence is Cadence.MONTHLY else chosen.schedule
    if not schedule:
        return None
    async with house.store.begin() as session:
        met = await issues.meet_newsletter(session, key, now=now)
        due = cron.last_due(schedule, chosen.timezone, now)
        if due is None or due < met:
            return None
        there = await issues.of_period(session, key, period_of(due), cadence=cadence)
    return due.astimezone(UTC) if there is None or there.state is IssueState.DRAFT else None


async def _make(house: House, key: str, due: datetime, cadence: Cadence, *, clock: Clock) -> None:
    """Gather, draft and present the issue due at `due`; a stale one follows the operator's policy."""
    chosen = house.newsletter(key)
    is_stale = clock() - due > timedelta(hours=chosen.stale_after_hours)
    if is_stale and chosen.stale is StalePolicy.SKIP:
        why = "its time passed while the daemon was down"
        await _record_skip(house, key, due, cadence, reason=why, now=clock())
        return
    try:
        if cadence is Cadence.MONTHLY:
            issue = await draft_month(house, key, now=clock(), due_at=due)
        else:
            await gather_sources(house, now=clock())
            issue = await draft(house, key, now=clock(), due_at=due)
    except NothingToDoError as exc:
        await _record_skip(house, key, due, cadence, reason=exc.what, now=clock())
        return
    except WrongStateError:
        return  # Another process made it meanwhile, and it is past drafting.
    if is_stale and chosen.stale is StalePolicy.ASK:
        await hold(house.store, issue, editor=chosen.editor or "", auto_after=timedelta(0), now=clock())
    else:
        await present(house, issue, now=clock())


async def _record_skip(
    house: House, key: str, due: datetime, cadence: Cadence, *, reason: str, now: datetime
) -> None:
    """Note that there is no issue for this period, so that nobody makes it later. It takes no number.

    A draft that was made by hand is cancelled and gives back what it held.
    """
    content = Content(newsletter=key, number=0, since=now, until=now)
    skipped = Issue(
        newsletter=key,
        number=-2 * int(due.timestamp() // 60) - (cadence is Cadence.MONTHLY),
        period=period_of(due),
        cadence=cadence,
        state=IssueState.CANCELLED,
        due_at=due,
        content=content,
        reason=reason,
    )
    try:
        async with house.store.begin() as session:
            there = await issues.of_period(session, key, skipped.period, cadence=cadence)
            if there is None:
                await issues.save_draft(session, skipped, now=now)
            elif there.state is IssueState.DRAFT:
                await call_off(session, there, reason=reason, by="policy skip", now=now)
            else:
                return
    except (WrongStateError, BusyError):
        return  # Another process made or skipped it meanwhile.
    house.log.warning("issue.skipped", newsletter=key, due=due.isoformat(), cadence=cadence, why=reason)


async def _advance(house: House, issue: Issue, *, clock: Clock, should_stop: Callable[[], bool]) -> None:
    now = clock()
    issue = await _let_go(house, issue, now=now)
    if issue.state is IssueState.APPROVED and issue.due_at - now <= AHEAD:
        issue = await _let_go(house, await recheck(house, issue, now=now), now=now)
    if issue.state is IssueState.SENDING or (issue.state is IssueState.APPROVED and issue.due_at <= now):
        await send(house, issue, clock=clock, should_stop=should_stop)


async def _let_go(house: House, issue: Issue, *, now: datetime) -> Issue:
    """The issue approved when it has waited as long as its policy says, else as it is."""
    if issue.state is IssueState.REVIEW and issue.approve_at and issue.approve_at <= now:
        policy = house.newsletter(issue.newsletter).release
        return await approve(house, issue, by=f"policy {policy}", now=now)
    return issue


async def continue_sending(
    house: House,
    issue_id: int,
    *,
    clock: Clock = utc_now,
    watch: Callable[[Outcome], None] = lambda _outcome: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Take part in sending that issue, beside whoever does; nothing when it is not being sent."""
    async with house.store.read() as session:
        issue = await issues.get(session, issue_id)
    if issue.state is IssueState.SENDING:
        await send(house, issue, clock=clock, watch=watch, should_stop=should_stop)
