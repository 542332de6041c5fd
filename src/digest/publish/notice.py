"""The very message that a notice is: one function gathers the values for each folder of templates."""

from collections.abc import Awaitable, Callable, Mapping

from digest.domain import Issue, IssueState, Message, Notice, Subscriber, Subscription, SubscriptionState
from digest.errors import NotFoundError
from digest.house import House
from digest.publish.making import unpack_desk
from digest.publish.putting_right import changes_in
from digest.render import lint, render
from digest.render import notice as render_notice
from digest.standing import clock_of, next_for, pace_of
from digest.store import checks, deliveries, issues, revisions, subscribers
from digest.tokens import Purpose

Values = Mapping[str, object]

#: Issues that the archive shows.
_SHOWN = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)


async def notice_message(house: House, notice: Notice) -> Message:
    """The message of a notice, the same each time; NotFoundError when whom or what it is about is gone."""
    if notice.name not in _VALUES:
        raise NotFoundError(f'no notice is called "{notice.name}"')
    values = await _VALUES[notice.name](house, notice)
    return render_notice(
        notice.name,
        values,
        house.masthead(notice.newsletter),
        Subscriber(id=notice.subscriber_id, email=notice.recipient),
        house.templates,
        date=notice.created_at,
        message_key=notice.key,
    )


async def _reader(house: House, notice: Notice) -> Subscription:
    async with house.store.read() as session:
        found = await subscribers.subscription(session, notice.newsletter, notice.subscriber_id)
    if found is None:
        raise NotFoundError("the reader has been erased")
    return found


async def _confirm(house: House, notice: Notice) -> Values:
    reader = await _reader(house, notice)
    if reader.state is SubscriptionState.CONFIRMED:
        raise NotFoundError("the reader has been confirmed meanwhile")
    token = house.token(Purpose.CONFIRM, notice.newsletter, notice.subscriber_id, notice.created_at)
    return {
        "confirm_url": house.page(notice.newsletter, f"/confirm/{token}"),
        "requested_at": reader.requested_at or notice.created_at,
        "sections": _labels(house, reader),
        "pace": pace_of(house.newsletter(notice.newsletter), reader),
        "left_at": reader.left_at or "",
    }


async def _subscribed(house: House, notice: Notice) -> Values:
    """For `welcome` and `already`: where one's own pages are, and what comes next."""
    reader = await _reader(house, notice)
    links = house.links(notice.newsletter, reader.subscriber, 0)
    chosen = house.newsletter(notice.newsletter)
    return {
        "preferences_url": links.preferences,
        "leave_url": links.leave,
        "last_issue_url": await _last_issue(house, notice.newsletter),
        "confirmed_at": reader.confirmed_at or "",
        "next_due": await next_for(house, reader, now=notice.created_at),
        "zone": clock_of(chosen, reader),
        "pace": pace_of(chosen, reader),
        "sections": _labels(house, reader),
    }


async def _goodbye(house: House, notice: Notice) -> Values:
    reader = await _reader(house, notice)
    left = reader.left_at or notice.created_at
    token = house.token(Purpose.LEAVE, notice.newsletter, notice.subscriber_id)
    return {"left_at": left, "undo_url": house.page(notice.newsletter, f"/leave/{token}")}


async def _draft(house: House, notice: Notice) -> Values:
    async with house.store.read() as session:
        issue = await issues.get(session, notice.issue_id)
        counts = await subscribers.counts(session, notice.newsletter)
        desk = unpack_desk(await revisions.making(session, issue.id))
    rendered = render(issue.content, house.masthead(notice.newsletter), house.templates)
    token = house.token(Purpose.REVIEW, notice.newsletter, issue.id, notice.created_at)
    return {
        "content": issue.content,
        "review_url": house.page(notice.newsletter, f"/review/{token}"),
        "due_at": issue.due_at,
        "approve_at": issue.approve_at or "",
        "audience": counts.get("confirmed", 0),
        "problems": [{"severity": one.severity, "words": one.words} for one in lint(rendered)],
        "issue_subject": rendered.subject,
        "questions": [each.question.words for each in desk.asked],
        "questions_command": f"digest questions {issue.number}",
        "changes": changes_in(issue.reason),
    }


async def _changed(house: House, notice: Notice) -> Values:
    async with house.store.read() as session:
        issue = await issues.get(session, notice.issue_id)
        found = await checks.of_issue(session, issue.id)
    option = _option(house, issue)
    return {
        "number": issue.number,
        "due_at": issue.due_at,
        "changes": [one.words for one in found if one.mark],
        "show_command": f"digest issues show {issue.number}{option}",
        "cancel_command": f"digest cancel {issue.number}{option}",
    }


async def _paused(house: House, notice: Notice) -> Values:
    async with house.store.read() as session:
        issue = await issues.get(session, notice.issue_id)
        states = await deliveries.counts(session, issue.id)
    option = _option(house, issue)
    return {
        "number": issue.number,
        "reason": issue.reason,
        "sent": states.get("sent", 0),
        "waiting": states.get("queued", 0) + states.get("deferred", 0),
        "who_command": f"digest who {issue.number} --failed{option}",
        "resume_command": f"digest resume {issue.number}{option}",
        "cancel_command": f"digest cancel {issue.number}{option}",
    }


def _option(house: House, issue: Issue) -> str:
    """What a command needs to mean this newsletter."""
    return f" --newsletter {issue.newsletter}" if len(house.settings.newsletters) > 1 else ""


async def _last_issue(house: House, key: str) -> str:
    """The page of the newest issue that readers can see, or ""."""
    async with house.store.read() as session:
        newest = await issues.all_of(session, key, states=_SHOWN, limit=1)
    return house.page(key, f"/issues/{newest[0].number}") if newest else ""


def _labels(house: House, reader: Subscription) -> list[str]:
    """The labels of the sections a reader chose; none means all."""
    every = house.newsletter(reader.newsletter).sections
    return [section.label for section in every if section.key in reader.sections]


#: Every notice there is, by the folder of its templates.
_VALUES: dict[str, Callable[[House, Notice], Awaitable[Values]]] = {
    "already": _subscribed,
    "changed": _changed,
    "confirm": _confirm,
    "draft": _draft,
    "goodbye": _goodbye,
    "paused": _paused,
    "welcome": _subscribed,
}
