"""Subscribers, what they decided, and the evidence of it. Standard library only."""

from dataclasses import dataclass
from datetime import datetime

from digest.domain.states import Cadence, SubscriptionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person with an address; `language` is a BCP 47 tag, `zone` an IANA name."""

    id: int = 0
    email: str
    name: str = ""
    language: str = ""
    zone: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one subscriber gets of one newsletter. Empty `sections` means all, empty `topics` all stories."""

    subscriber: Subscriber
    newsletter: str
    state: SubscriptionState = SubscriptionState.PENDING
    sections: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    cadence: Cadence = Cadence.WEEKLY
    #: No issue goes to them before that time.
    paused_until: datetime | None = None
    #: From 0 to 23: issues wait for that hour by the reader's clock; None for as they come.
    hour: int | None = None
    requested_at: datetime | None = None
    confirmed_at: datetime | None = None
    left_at: datetime | None = None
    #: Why nothing may be sent to this address ("complaint", "bounce", "operator"); empty when all is well.
    suppressed: str = ""

    @property
    def exclusion(self) -> str:
        """Why this reader gets no issue, or "" when they do."""
        if self.suppressed:
            return "suppressed"
        if self.state is SubscriptionState.CONFIRMED:
            return ""
        return {SubscriptionState.PENDING: "not confirmed", SubscriptionState.LEFT: "left"}[self.state]

    def exclusion_at(self, moment: datetime) -> str:
        """Why they get no issue at that time, or ""."""
        is_paused = self.paused_until is not None and self.paused_until > moment
        return self.exclusion or ("paused" if is_paused else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One append-only line of evidence: who agreed to what, when, from where, in which words."""

    subscriber_id: int
    newsletter: str
    at: datetime
    #: "asked", "confirmed", "left", "undone", "imported", "changed".
    action: str
    ip: str = ""
    user_agent: str = ""
    form: str = ""
    wording: str = ""
