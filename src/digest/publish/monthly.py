"""The issue of a month, made of those that were let go since the last, for who wants one mail a month."""

from datetime import UTC, datetime, timedelta

from digest import cron
from digest.compose import Plan, best_of
from digest.domain import Cadence, Issue, IssueState
from digest.errors import NothingToDoError, UsageError, WrongStateError
from digest.house import House
from digest.publish.periods import period_of, read_at
from digest.store import Session, audience, issues, sources

#: What the first one covers.
_FIRST_MONTH = timedelta(days=31)


async def draft_month(house: House, key: str, *, now: datetime, due_at: datetime | None = None) -> Issue:
    """The draft of the month's issue due next (or at `due_at`); twice is safe, as with `draft`.

    NothingToDoError when no issue went since the last one, or when nobody waits for it.
    """
    due = due_at or _next_due(house, key, now)
    async with house.store.begin() as session:
        there = await issues.of_period(session, key, period_of(due), cadence=Cadence.MONTHLY)
        if there and there.state not in {IssueState.DRAFT, IssueState.REVIEW}:
            raise WrongStateError(f"the month's issue due {due:%d %B} is already {there.state}")
        plan = await _plan(session, house, key, there, now=now)
        parts = await issues.approved_in(session, key, since=plan.since, until=plan.until)
        if not parts:
            raise NothingToDoError(f"no issue went since {plan.since:%d %B}", hint="digest draft")
        if not await audience.wants_month(session, key, parts=[part.id for part in parts]):
            raise NothingToDoError("no reader waits for the issue of the month")
        content = best_of([part.content for part in parts], plan, now=read_at(now, due))
        if content.is_empty:
            raise NothingToDoError("the issues of the month told nothing that still holds")
        saved = await issues.save_draft(
            session,
            Issue(
                newsletter=key,
                number=plan.number,
                period=period_of(due),
                cadence=Cadence.MONTHLY,
                due_at=due,
                content=content,
                state=there.state if there else IssueState.DRAFT,
                approve_at=there.approve_at if there else None,
                reason=there.reason if there else "",
            ),
            now=now,
        )
    house.log.event("issue.drafted", n=saved.number, stories=len(content.stories), cadence=saved.cadence)
    return saved


async def _plan(session: Session, house: House, key: str, there: Issue | None, *, now: datetime) -> Plan:
    """The caps of the newsletter and the window since the last month's issue."""
    chosen = house.newsletter(key)
    await issues.meet_newsletter(session, key, now=now)
    last = await issues.last_until(session, key, but=there.id if there else 0, cadence=Cadence.MONTHLY)
    return Plan(
        newsletter=key,
        number=there.number if there else await issues.next_number(session, key),
        since=last or await _first_since(session, key, now),
        until=now,
        sections=chosen.sections,
        sources={source.id: source for source in await sources.all_of(session)},
        zone=chosen.timezone,
        max_stories=chosen.max_stories,
        max_events=chosen.max_events,
        max_per_source=chosen.max_per_source,
        event_days=chosen.event_days,
        note=there.content.note if there else "",
        subject=there.content.subject if there else "",
    )


async def _first_since(session: Session, key: str, now: datetime) -> datetime:
    """Where the first month begins: a month ago, or with the first issue that somebody waited out."""
    waited = await audience.waiting_since(session, key)
    return min(now - _FIRST_MONTH, waited - timedelta(seconds=1)) if waited else now - _FIRST_MONTH


def _next_due(house: House, key: str, now: datetime) -> datetime:
    chosen = house.newsletter(key)
    if not chosen.monthly:
        raise UsageError(f"{key} has no monthly issue", hint='monthly = "0 7 1 * *" in digest.toml')
    return cron.next_due(chosen.monthly, chosen.timezone, now).astimezone(UTC)
