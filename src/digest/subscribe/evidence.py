"""What is kept to show later that a reader agreed, and how a new line of it is written."""

from dataclasses import dataclass
from datetime import datetime

from digest.domain import Consent, Subscription
from digest.store import Session, subscribers


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """From where and in which words somebody asked; all of it may be empty."""

    ip: str = ""
    user_agent: str = ""
    #: Which form it was: "page", "embed", "one-click", "operator", "import".
    form: str = ""
    #: The sentence they agreed to, with its version.
    wording: str = ""

    def line(self, subscription: Subscription, action: str, *, now: datetime) -> Consent:
        """The line of evidence for one act of that reader."""
        return Consent(
            subscriber_id=subscription.subscriber.id,
            newsletter=subscription.newsletter,
            at=now,
            action=action,
            ip=printable(self.ip, 64),
            user_agent=printable(self.user_agent, 400),
            form=printable(self.form, 40),
            wording=printable(self.wording, 1000),
        )


async def witness(
    session: Session, subscription: Subscription, action: str, evidence: Evidence, *, now: datetime
) -> None:
    """Store a line of evidence."""
    await subscribers.add_consent(session, evidence.line(subscription, action, now=now))


def printable(text: str, room: int) -> str:
    """At most `room` characters on one line, without controls: PostgreSQL refuses a NUL."""
    if len(text) <= room and text.isprintable():
        return text.strip()
    return "".join(char if char.isprintable() else " " for char in text[: room * 2]).strip()[:room]
