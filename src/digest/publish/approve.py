"""Approve or cancel an issue. Approval freezes it: what was previewed is what is sent."""

from collections.abc import Container, Iterable
from datetime import datetime

from digest.config import local_zone
from digest.domain import Choice, Issue, IssueState, Rendered
from digest.errors import TemplateError, WrongStateError
from digest.house import House
from digest.publish.editions import Editions, editions_of
from digest.render import lint, render
from digest.standing import arrival
from digest.store import Session, audience, audit, cutting, deliveries, issues, quiet, renderings, subscribers

#: Why a delivery of a cancelled issue was skipped.
CANCELLED = "issue cancelled"


async def approve(house: House, issue: Issue, *, by: str, now: datetime) -> Issue:
    """The issue approved: content, renderings and audience are stored; nothing is sent yet.

    TemplateError when a mail does not render or lint stops it; WrongStateError when the issue moved on or
    its revision is no longer the one in hand. Nothing is stored unless all of it is.
    """
    async with house.store.read() as session:
        choices = await subscribers.choices(session, issue.newsletter)
    topics = frozenset(house.newsletter(issue.newsletter).topics)
    frozen = render_choices(house, Editions(issue=issue, topics=topics), choices)
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        if (current.revision, current.hash) != (issue.revision, issue.hash):
            raise WrongStateError(
                f"issue {issue.number} is at revision {current.revision} now, not {issue.revision}",
                hint=f"digest preview {issue.number}, then approve again",
            )
        done = await issues.move(
            session,
            current,
            IssueState.APPROVED,
            approved_at=now,
            approved_by=by,
            approve_at=None,
            reason="",
        )
        frozen |= await _freeze_audience(session, house, done, frozen, now=now)
        await renderings.freeze(session, done.id, frozen)
        await _put_off(house, session, done, now=now)
        await audit.note(session, now=now, actor=by, action="issue.approved", subject=f"issue:{done.id}")
    house.log.event("issue.approved", n=done.number, revision=done.revision)
    return done


async def _put_off(house: House, session: Session, issue: Issue, *, now: datetime) -> None:
    """Let those wait who chose an hour, and those for whom the issue would come in quiet hours.

    By their own clock, or the newsletter's.
    """
    quiet_hours, home = house.settings.delivery.quiet_hours, house.newsletter(issue.newsletter).timezone
    at = max(issue.due_at, now)
    dues: dict[quiet.Clock, datetime] = {}
    for zone, hour in await quiet.clocks(session, issue.newsletter):
        local = zone if local_zone(zone).key == zone else home
        due = arrival(quiet_hours, local, hour, at)
        if due > at:
            dues[zone, hour] = due
    await quiet.put_off(session, issue.id, dues)


async def _freeze_audience(
    session: Session, house: House, issue: Issue, ready: Container[str], *, now: datetime
) -> dict[str, Rendered]:
    """The editions that readers get beside those that are `ready`; the audience is stored."""
    editions = await editions_of(session, house, issue)
    had, parts, zones = tuple(editions.others), editions.parts, editions.zones
    await deliveries.fan_out(session, issue, due_at=now, now=now, had=had, parts=parts, zones=zones)
    wanted = await audience.choices(session, issue.id)
    return render_choices(house, editions, sorted(one for one in wanted if one not in ready))


def render_choices(house: House, editions: Editions, choices: Iterable[str]) -> dict[str, Rendered]:
    """The editions of these choices that have something in them, rendered and linted; equal ones once."""
    frozen: dict[str, Rendered] = {}
    done: dict[tuple[object, ...], Rendered] = {}
    for key in choices:
        choice = Choice.parse(key)
        content = editions.content(choice)
        if content.is_empty:
            continue
        told = tuple(one.key for one in content.stories), tuple(one.key for one in content.corrections)
        if (choice.zone, told) not in done:
            done[choice.zone, told] = _fit(house, editions, choice)
        frozen[key] = done[choice.zone, told]
    return frozen


def _fit(house: House, editions: Editions, choice: Choice) -> Rendered:
    """That edition; TemplateError when lint stops it."""
    rendered = render(editions.content(choice), editions.masthead(house, choice), house.templates)
    stops = [problem.words for problem in lint(rendered) if problem.severity == "stop"]
    if stops:
        words = f"issue {editions.issue.number} is not fit to send: {stops[0]}"
        raise TemplateError(words, hint="digest preview")
    return rendered


async def cancel(house: House, issue: Issue, *, reason: str, by: str, now: datetime) -> Issue:
    """The issue cancelled; deliveries that have not left are skipped. The next may tell what it held."""
    async with house.store.begin() as session:
        current = await issues.get(session, issue.id)
        done = await call_off(session, current, reason=reason, by=by, now=now)
    house.log.event("issue.cancelled", id=done.id, reason=reason)
    return done


async def call_off(session: Session, issue: Issue, *, reason: str, by: str, now: datetime) -> Issue:
    """The same within a transaction; WrongStateError when it is not in the state of `issue` any more."""
    # The number is given free, so that readers see no gap, unless mails with it may have left.
    number = issue.number if issue.started_at else -issue.id
    # What is being cut just now leaves out what this issue holds, so it counts as cancelled after that.
    at = await cutting.earliest_seen(session, now)
    done = await issues.move(
        session,
        issue,
        IssueState.CANCELLED,
        reason=reason,
        number=number,
        approve_at=None,
        cancelled_at=at,
    )
    await deliveries.revoke(session, done.id, now=now)
    await deliveries.withdraw(session, done.id, CANCELLED, now=now)
    await audit.note(session, now=now, actor=by, action="issue.cancelled", subject=f"issue:{done.id}")
    return done
