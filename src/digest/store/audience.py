"""The audience of an issue, frozen: one row of the ledger for each reader there is.

The ledger of deliveries, with what each issue tells, is also the record of which stories a reader was sent:
no row is kept for a story and a reader.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from digest.domain import Cadence, DeliveryState, Issue, SubscriptionState
from digest.store.moments import UTCDateTime
from digest.store.reader_tables import SubscriberRow, SubscriptionRow
from digest.store.readership import barred_ids
from digest.store.rows import insert_new
from digest.store.tables import MOST_LETTERS, DeliveryRow, IssueRow

#: Why a reader is skipped who has the other cadence.
GETS_MONTHLY = "gets the issue of the month"
GETS_WEEKLY = "gets every issue"
_NOT_SENT = (DeliveryState.SKIPPED, DeliveryState.FAILED)


async def fan_out(
    session: AsyncSession,
    issue: Issue,
    *,
    due_at: datetime,
    now: datetime,
    had: Sequence[int] = (),
    parts: Sequence[int] = (),
    zones: Sequence[str] = (),
) -> None:
    """Freeze the audience: a row for every subscription, queued or skipped with the reason.

    `had` are earlier issues that tell some of the same, `parts` those that a month's issue is made of,
    `zones` those that it is rendered for. One INSERT … SELECT, so a million readers cost no round trips. A
    second call adds nobody.
    """
    reason = _exclusion(issue, parts, at=max(issue.due_at, now))
    audience = select(
        literal(issue.id, Integer),
        SubscriptionRow.subscriber_id,
        choice_in(session, had, zones),
        case((reason == "", DeliveryState.QUEUED), else_=DeliveryState.SKIPPED).cast(String(16)),
        reason,
        literal(""),
        literal(0),
        literal(0),
        null(),
        literal(""),
        literal(due_at, UTCDateTime),
        null(),
        literal(now, UTCDateTime),
    ).where(SubscriptionRow.newsletter == issue.newsletter)
    if zones:
        audience = audience.join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
    names = [column.name for column in DeliveryRow.__table__.columns if column.name != "id"]
    # Not "where they have no row": SQLite would first copy the whole audience aside.
    await session.execute(insert_new(session, DeliveryRow.__table__).from_select(names, audience))


async def choices(session: AsyncSession, issue_id: int) -> frozenset[str]:
    """Every choice that a queued reader of the issue has."""
    queued = (DeliveryRow.issue_id == issue_id) & (DeliveryRow.state == DeliveryState.QUEUED)
    return frozenset(await session.scalars(select(DeliveryRow.choice).distinct().where(queued)))


async def choice_of_reader(
    session: AsyncSession, issue: Issue, subscriber_id: int, *, had: Sequence[int], zones: Sequence[str]
) -> str | None:
    """That reader's choice: as it was frozen, or as it would be now; None for nobody of the newsletter."""
    frozen = select(DeliveryRow.choice).where(
        DeliveryRow.issue_id == issue.id, DeliveryRow.subscriber_id == subscriber_id
    )
    now = (
        select(choice_in(session, had, zones))
        .join(SubscriberRow, SubscriberRow.id == SubscriptionRow.subscriber_id)
        .where(SubscriptionRow.newsletter == issue.newsletter, SubscriptionRow.subscriber_id == subscriber_id)
    )
    found = await session.scalar(frozen)
    return found if found is not None else await session.scalar(now)


async def wants_month(session: AsyncSession, newsletter: str, *, parts: Sequence[int]) -> bool:
    """True when somebody gets the issue of a month that is made of these."""
    is_confirmed = SubscriptionRow.state == SubscriptionState.CONFIRMED
    wanted = select(SubscriptionRow.subscriber_id).where(
        SubscriptionRow.newsletter == newsletter,
        is_confirmed,
        or_(SubscriptionRow.cadence == Cadence.MONTHLY, _waited(parts)),
    )
    return (await session.execute(wanted.limit(1))).first() is not None


async def waiting_since(session: AsyncSession, newsletter: str) -> datetime | None:
    """When the first issue was let go that somebody was passed over in, as one who gets the month's."""
    query = (
        select(func.min(IssueRow.approved_at))
        .join(DeliveryRow, DeliveryRow.issue_id == IssueRow.id)
        .where(IssueRow.newsletter == newsletter, DeliveryRow.reason == GETS_MONTHLY)
    )
    found: datetime | None = await session.scalar(query)
    return found


async def zones_of(session: AsyncSession, newsletter: str, *, but: str, most: int) -> tuple[str, ...]:
    """The zones of most readers, besides the newsletter's own."""
    count = func.count()
    query = (
        select(SubscriberRow.zone)
        .join(SubscriptionRow, SubscriptionRow.subscriber_id == SubscriberRow.id)
        .where(
            SubscriptionRow.newsletter == newsletter,
            SubscriptionRow.state == SubscriptionState.CONFIRMED,
            SubscriberRow.zone.not_in(["", but]),
        )
        .group_by(SubscriberRow.zone)
        .order_by(count.desc(), SubscriberRow.zone)
        .limit(most)
    )
    return tuple(await session.scalars(query))


def choice_in(session: AsyncSession, had: Sequence[int], zones: Sequence[str]) -> ColumnElement[str]:
    """The key of a reader's `Choice` in SQL: what they chose, their zone, and what they had."""
    choice = SubscriptionRow.choice + literal("")
    if zones:
        choice = choice + case((SubscriberRow.zone.in_(zones), "@" + SubscriberRow.zone), else_="")
    for issue_id in sorted(had):
        choice = choice + func.coalesce(_copy(session, issue_id), "")
    return choice.cast(String(MOST_LETTERS))


def _copy(session: AsyncSession, issue_id: int) -> ScalarSelect[str]:
    """The key of `Had` for that issue; NULL when the reader was not sent it."""
    find = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
    of_copy: ColumnElement[str] = DeliveryRow.choice + literal("")
    for mark in "@!":
        of_copy = func.substr(of_copy, 1, find(of_copy + mark, mark) - 1)
    is_all = or_(of_copy == "", of_copy == SubscriptionRow.choice)
    key = case((is_all, f"!{issue_id}"), else_=f"!{issue_id}(" + of_copy + ")")
    return (
        select(key)
        .where(
            DeliveryRow.subscriber_id == SubscriptionRow.subscriber_id,
            DeliveryRow.issue_id == issue_id,
            DeliveryRow.state.not_in(_NOT_SENT),
        )
        .scalar_subquery()
    )


def _exclusion(issue: Issue, parts: Sequence[int], *, at: datetime) -> ColumnElement[str]:
    """The same words as `Subscription.exclusion_at`, in SQL, and whose turn it is not.

    Who waited for the month's issue when one of its parts went gets it, whatever they chose since: what they
    passed over is not lost.
    """
    if issue.cadence is Cadence.MONTHLY:
        other = and_(SubscriptionRow.cadence == Cadence.WEEKLY, ~_waited(parts)), GETS_WEEKLY
    else:
        other = SubscriptionRow.cadence == Cadence.MONTHLY, GETS_MONTHLY
    return case(
        (SubscriptionRow.subscriber_id.in_(barred_ids()), "suppressed"),
        (SubscriptionRow.state == SubscriptionState.PENDING, "not confirmed"),
        (SubscriptionRow.state == SubscriptionState.LEFT, "left"),
        (SubscriptionRow.paused_until > literal(at, UTCDateTime), "paused"),
        other,
        else_="",
    )


def _waited(parts: Sequence[int]) -> ColumnElement[bool]:
    return _row_of(DeliveryRow.issue_id.in_(parts), DeliveryRow.reason == GETS_MONTHLY)


def _row_of(*what: ColumnElement[bool]) -> ColumnElement[bool]:
    """True when the reader has such a row in the ledger."""
    return exists().where(DeliveryRow.subscriber_id == SubscriptionRow.subscriber_id, *what)
