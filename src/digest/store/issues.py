"""Issues: one for a newsletter and period, moved from state to state by conditional updates."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import ISSUE_MOVES, Cadence, Content, Issue, IssueState, Story
from digest.errors import BusyError, NotFoundError, WrongStateError
from digest.store import items
from digest.store.plain import converter
from digest.store.rows import LARGEST, dialect_of, insert_ignoring
from digest.store.tables import DeliveryRow, IssueItemRow, IssueRow, NewsletterRow, RenderingRow

#: No event is told longer before it (the most that `event_days` allows, and a month).
_EVENTS_SINCE = timedelta(days=430)
#: A day, wherever on earth it is.
_EVENT_LASTS = timedelta(hours=36)
#: Issues of which mails may have left or will leave.
LET_GO = (IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
#: Issues of which mails have left: readers know what they told.
LEFT = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
_PLAIN: tuple[str, ...] = (
    "newsletter",
    "number",
    "cadence",
    "period",
    "due_at",
    "approve_at",
    "approved_at",
    "approved_by",
)
_PLAIN += ("started_at", "sent_at", "reason", "revision", "hash")


def _issue(row: IssueRow) -> Issue:
    values = {name: getattr(row, name) for name in _PLAIN}
    content = converter(Content).validate_python(row.content)
    values["cadence"] = Cadence(row.cadence)
    return Issue(id=row.id, state=IssueState(row.state), content=content, **values)


async def meet_newsletter(session: AsyncSession, key: str, *, now: datetime) -> datetime:
    """When this newsletter was first met; the first call sets it."""
    await insert_ignoring(session, NewsletterRow, [{"key": key, "created_at": now}], unique=("key",))
    found = await session.scalar(select(NewsletterRow.created_at).where(NewsletterRow.key == key))
    return found or now


async def next_number(session: AsyncSession, newsletter: str) -> int:
    """The number after the highest; cancelled issues have none, so that readers see no gap."""
    highest = select(func.max(IssueRow.number)).where(IssueRow.newsletter == newsletter)
    return max(await session.scalar(highest) or 0, 0) + 1


async def save_draft(session: AsyncSession, issue: Issue, *, now: datetime) -> Issue:
    """The stored draft for its newsletter, cadence and period: a new row, or the draft there was.

    WrongStateError when the issue of that period is past drafting; so drafting twice changes no sent issue.
    BusyError when another process made the draft, or took the number, meanwhile: look again.
    """
    there = await of_period(session, issue.newsletter, issue.period, cadence=issue.cadence)
    values = {name: getattr(issue, name) for name in _PLAIN}
    values |= {"state": issue.state, "content": converter(Content).dump_python(issue.content, mode="json")}
    values["hash"] = issue.content.digest()
    if there is None:
        saved_id = await _insert(session, values | {"created_at": now, "revision": 1})
    else:
        saved_id = there.id
        await _replace_draft(session, there, values)
    await items.note(session, saved_id, issue.content)
    return await get(session, saved_id)


async def _insert(session: AsyncSession, values: dict[str, Any]) -> int:
    """The id of the new row. A row that another process committed meanwhile is left as it is."""
    row = dialect_of(session).insert(IssueRow).values(values).on_conflict_do_nothing()
    made = (await session.execute(row.returning(IssueRow.id))).scalar_one_or_none()
    if made is None:
        raise BusyError("another process made an issue meanwhile", hint="run it again in a moment")
    return int(made)


async def _replace_draft(session: AsyncSession, there: Issue, values: dict[str, Any]) -> None:
    """Overwrite an open draft; its revision counts up when the content is another."""
    values["revision"] = there.revision + (values["hash"] != there.hash)
    open_draft = IssueRow.state.in_([IssueState.DRAFT, IssueState.REVIEW])
    done = await session.execute(
        update(IssueRow).where(IssueRow.id == there.id, open_draft).values(values).returning(IssueRow.id)
    )
    if done.first() is None:
        raise WrongStateError(f"issue {there.number} is {there.state} and not a draft any more")


async def get(session: AsyncSession, issue_id: int) -> Issue:
    """The issue of that id; NotFoundError when there is none."""
    row = await session.get(IssueRow, issue_id, populate_existing=True)
    if row is None:
        raise NotFoundError(f"no issue with id {issue_id}")
    return _issue(row)


async def by_number(session: AsyncSession, newsletter: str, number: int) -> Issue:
    """The issue of that number; NotFoundError names the newest there is."""
    query = select(IssueRow).where(IssueRow.newsletter == newsletter, IssueRow.number == number)
    row = await session.scalar(query) if abs(number) <= LARGEST else None
    if row is None:
        newest = await next_number(session, newsletter) - 1
        hint = f"the newest is {newest}" if newest else "digest draft makes the first"
        raise NotFoundError(f"{newsletter} has no issue {number}", hint=hint)
    return _issue(row)


async def of_period(
    session: AsyncSession, newsletter: str, period: str, *, cadence: Cadence = Cadence.WEEKLY
) -> Issue | None:
    """The issue of that period, if there is one."""
    query = select(IssueRow).where(
        IssueRow.newsletter == newsletter, IssueRow.cadence == cadence, IssueRow.period == period
    )
    row = await session.scalar(query)
    return _issue(row) if row else None


async def all_of(
    session: AsyncSession, newsletter: str, *, states: tuple[IssueState, ...] = (), limit: int = 1000
) -> tuple[Issue, ...]:
    """Issues of a newsletter, newest first; no `states` means all."""
    query = select(IssueRow).where(IssueRow.newsletter == newsletter).order_by(IssueRow.number.desc())
    if states:
        query = query.where(IssueRow.state.in_(states))
    return tuple(_issue(row) for row in await session.scalars(query.limit(limit)))


async def lately(
    session: AsyncSession, newsletter: str, *, since: datetime, but: int = 0
) -> tuple[Issue, ...]:
    """What was due since then and is not cancelled, and the last issue of which mails left; oldest first.

    Neither issue `but` nor issues of a month are among them.
    """
    mine = (
        IssueRow.newsletter == newsletter,
        IssueRow.cadence == Cadence.WEEKLY,
        IssueRow.state != IssueState.CANCELLED,
        IssueRow.id != but,
    )
    last = select(func.max(IssueRow.due_at)).where(*mine, IssueRow.state.in_(LEFT))
    query = select(IssueRow).where(
        *mine, or_(IssueRow.due_at >= since, IssueRow.due_at == last.scalar_subquery())
    )
    return tuple(_issue(row) for row in await session.scalars(query.order_by(IssueRow.due_at, IssueRow.id)))


async def taken_slots(session: AsyncSession, newsletter: str, *, after: datetime) -> frozenset[datetime]:
    """The due times to come at which nothing will go: their issue went before, or was cancelled."""
    over = (IssueState.SENDING, IssueState.SENT, IssueState.CANCELLED)
    query = select(IssueRow.due_at).where(
        IssueRow.newsletter == newsletter,
        IssueRow.cadence == Cadence.WEEKLY,
        IssueRow.due_at > after,
        IssueRow.state.in_(over),
    )
    return frozenset(await session.scalars(query))


async def last_until(
    session: AsyncSession, newsletter: str, *, but: int = 0, cadence: Cadence = Cadence.WEEKLY
) -> datetime | None:
    """Where the last issue that was let go ended: the next begins there, so nothing falls between."""
    mine = (IssueRow.newsletter == newsletter, IssueRow.cadence == cadence, IssueRow.id != but)
    until = IssueRow.content["until"].as_string()
    ends = await session.scalars(select(until).where(*mine, IssueRow.state.in_(LET_GO)))
    # Compared as moments: the texts need not be written alike.
    return max((datetime.fromisoformat(end) for end in ends), default=None)


async def approved_in(
    session: AsyncSession, newsletter: str, *, since: datetime, until: datetime
) -> tuple[Issue, ...]:
    """The weekly issues that were let go in (since, until], oldest first: a month's issue is made of them."""
    query = select(IssueRow).where(
        IssueRow.newsletter == newsletter,
        IssueRow.cadence == Cadence.WEEKLY,
        IssueRow.state.in_(LET_GO),
        IssueRow.approved_at > since,
        IssueRow.approved_at <= until,
    )
    rows = await session.scalars(query.order_by(IssueRow.approved_at, IssueRow.id))
    return tuple(_issue(row) for row in rows)


async def alike(session: AsyncSession, issue: Issue) -> tuple[Issue, ...]:
    """Other issues of which a reader may have got something that this one tells too, by id.

    Those that are let go, or were called off when some of their mails had left.
    """
    mine = select(IssueItemRow.article_id).where(IssueItemRow.issue_id == issue.id)
    shared = select(IssueItemRow.issue_id).where(IssueItemRow.article_id.in_(mine))
    may_have_left = or_(IssueRow.state.in_(LET_GO), IssueRow.started_at.is_not(None))
    query = select(IssueRow).where(
        IssueRow.newsletter == issue.newsletter,
        IssueRow.id != issue.id,
        IssueRow.id.in_(shared),
        may_have_left,
    )
    return tuple(_issue(row) for row in await session.scalars(query.order_by(IssueRow.id)))


async def told_events(
    session: AsyncSession, newsletter: str, *, but: int = 0, now: datetime
) -> tuple[Story, ...]:
    """Events still to come as issues told them, the oldest telling first; cancelled issues told nothing."""
    rows = await session.scalars(
        select(IssueRow.content)
        .where(IssueRow.newsletter == newsletter, IssueRow.id != but, IssueRow.state != IssueState.CANCELLED)
        .where(IssueRow.due_at > now - _EVENTS_SINCE, IssueRow.cadence == Cadence.WEEKLY)
        .order_by(IssueRow.due_at, IssueRow.number)
    )
    stories = [
        converter(Story).validate_python(story)
        for content in rows
        for section in content["sections"]
        for story in section["stories"]
        if story["event"]
    ]
    return tuple(one for one in stories if one.event and one.event.starts_at > now - _EVENT_LASTS)


async def move(session: AsyncSession, issue: Issue, to: IssueState, **values: Any) -> Issue:
    """The issue in its new state. One conditional update: of two that try, one gets WrongStateError."""
    if to not in ISSUE_MOVES[issue.state]:
        raise WrongStateError(f"issue {issue.number} is {issue.state}: it cannot become {to}")
    moved = await session.execute(
        update(IssueRow)
        .where(IssueRow.id == issue.id, IssueRow.state == issue.state)
        .values(values | {"state": to})
        .returning(IssueRow.id)
    )
    if moved.first() is None:
        now = await get(session, issue.id)
        raise WrongStateError(f"issue {issue.number} became {now.state} meanwhile")
    return await get(session, issue.id)


async def take_back(
    session: AsyncSession, issue: Issue, *, reason: str, approve_at: datetime | None
) -> Issue:
    """The approved issue in review again; its audience and what was rendered for it are forgotten.

    One conditional update comes first: WrongStateError when its sending has begun, and nothing is changed.
    """
    if issue.state is not IssueState.APPROVED:
        raise WrongStateError(f"issue {issue.number} is {issue.state} and cannot be taken back")
    back = await move(
        session,
        issue,
        IssueState.REVIEW,
        reason=reason,
        approve_at=approve_at,
        approved_at=None,
        approved_by="",
    )
    for table in (DeliveryRow, RenderingRow):
        await session.execute(delete(table).where(table.issue_id == issue.id))
    return back
