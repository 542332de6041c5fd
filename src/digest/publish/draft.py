"""Draft an issue from what was gathered, and hold it or let it go as the newsletter's policy says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from digest import cron
from digest.compose import Plan, returned
from digest.domain import Article, Issue, IssueState, Notice, Policy, Source
from digest.errors import NothingToDoError, WrongStateError
from digest.house import House
from digest.publish.approve import approve
from digest.publish.correcting import with_corrections
from digest.publish.hand import with_decisions, with_edits
from digest.publish.making import Inputs, inputs_of
from digest.publish.periods import period_of, read_at
from digest.publish.revise import Slip, revise
from digest.publish.rewriting import with_suggestions
from digest.store import Session, Store, articles, cutting, decisions, edits, issues, items, notices, sources

#: What an issue covers when none was sent before.
_FIRST_WINDOW = timedelta(days=7)
#: What was told longer ago may be told again when it comes back under another address.
_LATELY = timedelta(weeks=8)


async def draft(
    house: House, key: str, *, now: datetime, due_at: datetime | None = None, after: int = 0
) -> Issue:
    """The draft of the issue due next (or at `due_at`), composed again from everything gathered by now.

    Twice is safe: the same period has one draft, and an issue past drafting is refused with
    WrongStateError. NothingToDoError when there is nothing to tell. `after` skips that many due times.
    """
    due = due_at or _next_due(house, key, now, after)

    async def make() -> Inputs:
        plan = await plan_for(house, key, now=now, due_at=due)
        if not plan.sources:
            hint = "digest sources starter, or digest sources add URL"
            raise NothingToDoError("there are no sources to draft from", hint=hint)
        async with house.store.read() as session:
            found = await articles.candidates(
                session, since=plan.since, until=plan.until, also=plan.given_back
            )
            said = await decisions.all_of(session, key)
        used = [article for article in found if article.source_id in plan.sources]
        plan = await _with_returned(house, plan, used, period=period_of(due), now=now)
        plan = await with_corrections(house, plan, period=period_of(due), now=now)
        plan = with_decisions(plan, said, used)
        plan = await with_suggestions(house, used, plan, period=period_of(due), now=now)
        return inputs_of(used, plan, now=plan.goes_at or now)

    slip = Slip(newsletter=key, period=period_of(due), due_at=due, what="drafted", at=now)
    return await revise(house, slip, make)


async def _with_returned(
    house: House, plan: Plan, used: Sequence[Article], *, period: str, now: datetime
) -> Plan:
    """The plan with what came back under another address since an issue told it lately."""
    async with house.store.read() as session:
        own = await issues.of_period(session, plan.newsletter, period)
        told = await items.articles_told(
            session, plan.newsletter, but=own.id if own else 0, since=now - _LATELY
        )
        stored = await articles.by_ids(session, told)
    return replace(plan, returned=returned(used, stored, plan.sources))


def _next_due(house: House, key: str, now: datetime, after: int) -> datetime:
    """The next time the newsletter is due, `after` times further on; in UTC."""
    chosen = house.newsletter(key)
    due = cron.next_due(chosen.schedule, chosen.timezone, now)
    for _ in range(after):
        due = cron.next_due(chosen.schedule, chosen.timezone, due)
    return due.astimezone(UTC)


async def plan_for(house: House, key: str, *, now: datetime, due_at: datetime) -> Plan:
    """What composing needs to know besides the articles: window, sections, sources, what was told."""
    chosen = house.newsletter(key)
    async with house.store.begin() as session:
        met = await issues.meet_newsletter(session, key, now=now)
        await cutting.cut(session, key, at=now)
        there = await issues.of_period(session, key, period_of(due_at))
        if there and there.state not in {IssueState.DRAFT, IssueState.REVIEW}:
            raise _is_past(house, there)
        own = there.id if there else 0
        last = await issues.last_until(session, key, but=own)
        since = last or min(met, now - _FIRST_WINDOW)
        given_back = await items.given_back(session, key, since=since)
        number = there.number if there else await issues.next_number(session, key)
        told = await items.addresses_told(session, key, but=own)
        told_events = await issues.told_events(session, key, but=own, now=now)
        used = [one for one in await sources.all_of(session) if _is_for(one, key)]
        edited = await edits.all_of(session, own) if own else ()
    plan = Plan(
        newsletter=key,
        number=number,
        since=since,
        until=now,
        goes_at=read_at(now, due_at),
        sections=chosen.sections,
        topics=chosen.all_topics,
        sources={source.id: source for source in used},
        zone=chosen.timezone,
        max_stories=chosen.max_stories,
        max_events=chosen.max_events,
        max_per_source=chosen.max_per_source,
        event_days=chosen.event_days,
        told=told,
        given_back=given_back,
        told_events=told_events,
        note=there.content.note if there else "",
        subject=there.content.subject if there else "",
        sources_failed=tuple(one.title or one.url for one in used if one.failures),
    )
    return with_edits(plan, edited)


def _is_for(source: Source, key: str) -> bool:
    return source.enabled and (not source.newsletters or key in source.newsletters)


def _is_past(house: House, issue: Issue) -> WrongStateError:
    due = house.local(issue.newsletter, issue.due_at)
    if issue.state is IssueState.CANCELLED:
        why = issue.reason or "no reason given"
        return WrongStateError(
            f"the issue due {due} was cancelled: {why}",
            hint="digest draft --next makes the one after it",
        )
    when = f", {house.local(issue.newsletter, issue.sent_at)}" if issue.sent_at else ""
    return WrongStateError(
        f"issue {issue.number}, due {due}, is already {issue.state}{when}",
        hint="digest draft --next makes the one after it",
    )


async def present(house: House, issue: Issue, *, now: datetime) -> Issue:
    """The issue approved at once or held for the editor, as the policy says. Twice is safe."""
    chosen = house.newsletter(issue.newsletter)
    if chosen.release is Policy.AUTO:
        return await approve(house, issue, by="policy auto", now=now)
    return await hold(house.store, issue, editor=chosen.editor or "", auto_after=chosen.auto_after, now=now)


async def hold(store: Store, issue: Issue, *, editor: str, auto_after: timedelta, now: datetime) -> Issue:
    """The issue in review; each revision is mailed to the editor once."""
    async with store.begin() as session:
        held = issue
        if issue.state is IssueState.DRAFT:
            at = now + auto_after if auto_after else None
            held = await issues.move(session, issue, IssueState.REVIEW, approve_at=at)
        await tell_editor(session, held, "draft", f"r{held.revision}", editor=editor, now=now)
    return held


async def tell_editor(
    session: Session, issue: Issue, name: str, mark: str, *, editor: str, now: datetime
) -> None:
    """Queue that mail about the issue for its editor, if it has one; once for each `mark`."""
    if editor:
        notice = Notice(
            key=f"{name}:{issue.id}:{mark}",
            name=name,
            newsletter=issue.newsletter,
            recipient=editor,
            issue_id=issue.id,
            created_at=now,
            due_at=now,
        )
        await notices.add(session, notice)
