"""One reader's time line: from the sign-up over mails and issues to the server's words, bounces and bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.cli.running import local
from digest.domain import Consent, Delivery, DeliveryState, Issue, Notice, Subscription
from digest.house import House
from digest.store import bounces, deliveries, issues, notices, subscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened to a reader."""

    at: datetime
    what: str


async def time_line(house: House, one: Subscription) -> list[Moment]:
    """Everything that is known to have happened between a reader and the newsletter, oldest first."""
    person = one.subscriber
    email_hash = house.email_hash(person.email)
    line: list[Moment] = []
    async with house.store.read() as session:
        said = await subscribers.consents(session, person.id)
        acts = [consent for consent in said if consent.newsletter == one.newsletter]
        line += [Moment(at=act.at, what=f"{act.action}{_evidence(act)}") for act in acts]
        for notice in await notices.of_reader(session, person.id, one.newsletter):
            line.append(Moment(at=_asked_at(notice, acts), what=_mail(house, notice)))
        for delivery in await deliveries.of_reader(session, person.id):
            issue = await issues.get(session, delivery.issue_id)
            if issue.newsletter == one.newsletter:
                line += _delivery(house, issue, delivery)
        for bounce in await bounces.of_address(session, email_hash):
            words = _joined(f"{bounce.kind} {bounce.status}".strip(), bounce.reply)
            line.append(Moment(at=bounce.at, what=f"came back: {words}"))
        if barred := await subscribers.evidence_of_suppression(session, email_hash):
            line.append(Moment(at=barred[1], what=_joined(f"barred ({one.suppressed})", barred[0])))
    # What is at one time stays as it was put in: causes first.
    return sorted(line, key=lambda moment: moment.at)


def _asked_at(notice: Notice, acts: Sequence[Consent]) -> datetime:
    """When what a mail answers was done: the mail itself knows whole seconds only."""
    cause = _CAUSES.get(notice.name, "asked")
    times = [act.at for act in acts if act.action == cause]
    return next((at for at in times if at.replace(microsecond=0) == notice.created_at), notice.created_at)


#: What a mail answers; all others answer a sign-up.
_CAUSES = {"welcome": "confirmed", "goodbye": "left"}


def _evidence(act: Consent) -> str:
    """From where and in which words, as far as it is known."""
    said = f'"{act.wording}"' if act.wording else ""
    facts = " ".join(
        part for part in (act.form and f"by {act.form}", act.ip and f"from {act.ip}", said) if part
    )
    return f" {facts}" if facts else ""


def _mail(house: House, notice: Notice) -> str:
    """A mail that was no issue, and what the server said of it."""
    tries = f" after {notice.attempts} tries" if notice.attempts > 1 else ""
    waits = notice.state in {DeliveryState.QUEUED, DeliveryState.DEFERRED}
    due = f", due {local(house, notice.newsletter, notice.due_at)}" if waits else ""
    return _joined(f"mail {notice.name} {notice.state}{tries}{due}", notice.reply)


def _delivery(house: House, issue: Issue, one: Delivery) -> list[Moment]:
    """What became of a reader's copy of an issue: taken up, first tried, and how it ended or waits."""
    name = f"issue {issue.number}" if issue.number > 0 else "a cancelled issue"
    found = []
    if issue.approved_at and one.state is not DeliveryState.SKIPPED:
        found.append(Moment(at=issue.approved_at, what=f"{name} approved, with this reader"))
    if one.first_tried_at and one.attempts > 1:
        found.append(Moment(at=one.first_tried_at, what=f"{name} tried for the first time"))
    if one.state is DeliveryState.QUEUED and not one.attempts and not one.reply:
        return found
    tries = f" after {one.attempts} tries" if one.attempts > 1 else ""
    waits = one.state in {DeliveryState.QUEUED, DeliveryState.DEFERRED}
    due = f", next try {local(house, issue.newsletter, one.due_at)}" if waits else ""
    words = _joined(f"{name} {one.state}{tries}{due}", one.reason, one.reply)
    return [*found, Moment(at=one.updated_at or issue.due_at, what=words)]


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)
