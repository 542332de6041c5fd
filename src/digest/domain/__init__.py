"""The seven nouns and the states they move through. Standard library only; every time is aware UTC."""

from digest.domain.article import Article, Event, Gathered, PageCheck, Source
from digest.domain.choice import Choice, Had
from digest.domain.delivery import Delivery, Outcome
from digest.domain.editor import Decision, DecisionKind, Edit
from digest.domain.issue import (
    DEFAULT_SECTIONS,
    EVENTS,
    Content,
    Correction,
    Issue,
    IssueSection,
    Reason,
    Section,
    Story,
    Topic,
)
from digest.domain.message import Message, Notice, Pattern, Personal, Rendered
from digest.domain.moves import DELIVERY_MOVES, SETTLING, DeliveryEvent, Move, follow
from digest.domain.pace import Pace
from digest.domain.reader import Consent, Subscriber, Subscription
from digest.domain.states import (
    FINAL_DELIVERY_STATES,
    ISSUE_MOVES,
    Cadence,
    ChangedEvents,
    CorrectionKind,
    DeliveryState,
    FullText,
    IssueState,
    OutcomeKind,
    Policy,
    SourceKind,
    StalePolicy,
    SubscriptionState,
    Tier,
)
from digest.domain.suggestion import Material, Suggestion

__all__ = [
    "DEFAULT_SECTIONS",
    "DELIVERY_MOVES",
    "EVENTS",
    "FINAL_DELIVERY_STATES",
    "ISSUE_MOVES",
    "SETTLING",
    "Article",
    "Cadence",
    "ChangedEvents",
    "Choice",
    "Consent",
    "Content",
    "Correction",
    "CorrectionKind",
    "Decision",
    "DecisionKind",
    "Delivery",
    "DeliveryEvent",
    "DeliveryState",
    "Edit",
    "Event",
    "FullText",
    "Gathered",
    "Had",
    "Issue",
    "IssueSection",
    "IssueState",
    "Material",
    "Message",
    "Move",
    "Notice",
    "Outcome",
    "OutcomeKind",
    "Pace",
    "PageCheck",
    "Pattern",
    "Personal",
    "Policy",
    "Reason",
    "Rendered",
    "Section",
    "Source",
    "SourceKind",
    "StalePolicy",
    "Story",
    "Subscriber",
    "Subscription",
    "SubscriptionState",
    "Suggestion",
    "Tier",
    "Topic",
    "follow",
]
