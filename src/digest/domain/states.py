"""The states that things move through, and the choices that are made of them. Standard library only."""

from enum import StrEnum


class SourceKind(StrEnum):
    """How a source is read: one module of `digest.gather` each."""

    #: RSS, RDF, Atom or JSON Feed; which of them is decided by looking at the bytes.
    FEED = "feed"
    #: An iCalendar address.
    CALENDAR = "calendar"
    #: A JSON list; `Source.recipe` maps its fields where their names do not say enough.
    JSON = "json"
    #: A page that lists articles and has no feed.
    PAGE = "page"
    #: A sitemap, also of news.
    SITEMAP = "sitemap"
    #: A page with schema.org events in JSON-LD.
    EVENTS = "events"


class FullText(StrEnum):
    """When the pages of a source's articles are read for their text."""

    ALWAYS = "always"
    #: When the source itself gives only a teaser.
    SHORT = "short"
    NEVER = "never"


class IssueState(StrEnum):
    """Where an issue stands: draft → review ⇄ approved → sending ⇄ paused → sent, or cancelled."""

    #: Composed; composing again replaces it.
    DRAFT = "draft"
    #: Held until an editor approves it (or until `approve_at`).
    REVIEW = "review"
    #: Frozen: content, templates and audience are stored with a hash.
    APPROVED = "approved"
    #: At least one delivery may have left.
    SENDING = "sending"
    #: An operator stopped it; nothing is claimed until it is resumed.
    PAUSED = "paused"
    #: Every delivery is in a final state.
    SENT = "sent"
    #: Never sent: by hand, empty, or stale.
    CANCELLED = "cancelled"


#: Which state may follow which; everything else is refused.
ISSUE_MOVES: dict[IssueState, frozenset[IssueState]] = {
    IssueState.DRAFT: frozenset({IssueState.REVIEW, IssueState.APPROVED, IssueState.CANCELLED}),
    IssueState.REVIEW: frozenset({IssueState.DRAFT, IssueState.APPROVED, IssueState.CANCELLED}),
    # Back to review while nothing has left, when an event that it tells has changed.
    IssueState.APPROVED: frozenset({IssueState.SENDING, IssueState.REVIEW, IssueState.CANCELLED}),
    IssueState.SENDING: frozenset({IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED}),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    # Another attempt for those that failed.
    IssueState.SENT: frozenset({IssueState.SENDING}),
    IssueState.CANCELLED: frozenset(),
}


class DeliveryState(StrEnum):
    """Where one reader's message stands: queued → claimed → handed → an outcome."""

    #: Waiting for a worker.
    QUEUED = "queued"
    #: A worker holds it, with a lease and a fencing number; provably unsent.
    CLAIMED = "claimed"
    #: The intent is durable and the final dot may have gone out.
    HANDED = "handed"
    #: The server took it.
    SENT = "sent"
    #: The server said "later" (4xx), or nothing was reached; tried again at `due_at`.
    DEFERRED = "deferred"
    #: The server said "never" (5xx), or the tries are used up.
    FAILED = "failed"
    #: A crash fell between the dot and the reply; settled by policy.
    UNCERTAIN = "uncertain"
    #: Not sent on purpose; `reason` says why.
    SKIPPED = "skipped"


FINAL_DELIVERY_STATES = frozenset(
    {DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.SKIPPED}
)


class SubscriptionState(StrEnum):
    """What a reader decided about one newsletter."""

    #: Signed up, not confirmed: is sent the confirmation and nothing else.
    PENDING = "pending"
    #: Confirmed by pressing the button.
    CONFIRMED = "confirmed"
    #: Left; never subscribed again by anything but their own confirmation.
    LEFT = "left"


class Cadence(StrEnum):
    """How often a reader gets an issue, and what kind of issue it is."""

    #: By the newsletter's schedule, weekly unless the operator set it otherwise.
    WEEKLY = "weekly"
    #: The best of the issues of a month, once.
    MONTHLY = "monthly"


class Tier(StrEnum):
    """How much room a story gets in its section."""

    #: The first of a section: a large headline and up to 60 words.
    LEAD = "lead"
    #: A headline and at most two sentences.
    ITEM = "item"
    #: One line under "In brief".
    BRIEF = "brief"


class CorrectionKind(StrEnum):
    """What does not hold any more of a story that was sent."""

    #: Its source gives it another title.
    RETITLED = "retitled"
    #: Its page is not there any more.
    GONE = "gone"


class Policy(StrEnum):
    """Who lets a finished draft go."""

    #: It goes at its time.
    AUTO = "auto"
    #: It waits for an editor.
    REVIEW = "review"
    #: It waits for an editor, but not longer than the given time.
    AUTO_AFTER = "auto-after"


class StalePolicy(StrEnum):
    """What happens to an issue whose time passed while the daemon was down."""

    #: It is recorded as cancelled; its articles go to the next issue.
    SKIP = "skip"
    #: It is made and sent late.
    SEND = "send"
    #: It is made and held for an editor.
    ASK = "ask"


class ChangedEvents(StrEnum):
    """What happens when an event of an approved issue turns out to have changed before it is sent."""

    #: The issue is put right and waits for its approval again.
    ASK = "ask"
    #: It goes as it was approved; the editor is told.
    SEND = "send"


class OutcomeKind(StrEnum):
    """What came of handing a message to a transport."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    #: The line went dead between the dot and the reply.
    UNCERTAIN = "uncertain"
