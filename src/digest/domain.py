"""The seven nouns and the states they move through. Standard library only; every time is aware UTC."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

EVENTS = "events"


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
    """Where an issue stands: draft → review → approved → sending ⇄ paused → sent, or cancelled."""

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
    IssueState.APPROVED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENDING: frozenset({IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED}),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENT: frozenset(),
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


class Tier(StrEnum):
    """How much room a story gets in its section."""

    #: The first of a section: a large headline and up to 60 words.
    LEAD = "lead"
    #: A headline and at most two sentences.
    ITEM = "item"
    #: One line under "In brief".
    BRIEF = "brief"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of an issue; `key` is stored, `label` is shown. At most eight a newsletter."""

    key: str
    label: str
    blurb: str = ""


DEFAULT_SECTIONS = (
    Section(key="news", label="News", blurb="What happened"),
    Section(key="learnings", label="Learnings", blurb="Papers, tutorials, talks"),
    Section(key=EVENTS, label="Events", blurb="Meetups and deadlines, with calendar links"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An address that publishes. What the operator chose, then what polling it has taught us."""

    id: int = 0
    url: str
    title: str
    kind: SourceKind = SourceKind.FEED
    site_url: str = ""
    owner: str = ""
    #: None lets the rules of `digest.compose` decide article by article.
    section: str | None = None
    #: Newsletters (by key) that use this source; empty means all.
    newsletters: tuple[str, ...] = ()
    weight: float = 1.0
    enabled: bool = True
    note: str = ""
    #: What its kind needs to know: `name=value; name=value`, selectors of a page or fields of a list.
    recipe: str = ""
    full_text: FullText = FullText.SHORT
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    added_at: datetime | None = None
    checked_at: datetime | None = None
    next_check_at: datetime | None = None
    #: How long we wait between readings at present; 0 until its rhythm is known.
    interval_minutes: int = 0
    #: The first gathering that succeeded; what was published long before it is backlog.
    first_read_at: datetime | None = None
    failures: int = 0
    last_error: str = ""

    @property
    def is_sick(self) -> bool:
        """True after three failures in a row."""
        return self.failures >= 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """When and where an article's event takes place. All-day events start at 00:00 in `zone`."""

    starts_at: datetime
    ends_at: datetime | None = None
    all_day: bool = False
    #: IANA name of the organiser's zone; empty when the source gave none.
    zone: str = ""
    place: str = ""
    online: bool = False
    #: A call's or a registration's end rather than something to attend.
    is_deadline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One thing that a source published, cleaned: `title` and `summary` are plain text, NFC."""

    id: int = 0
    source_id: int = 0
    guid: str
    url: str
    canonical_url: str
    title: str
    summary: str = ""
    author: str = ""
    #: BCP 47 primary tag ("en", "ja"); empty when unknown.
    language: str = ""
    #: A word that changes the decision to click: "Paper", "Video", "Tutorial"; usually empty.
    kind: str = ""
    minutes: int | None = None
    published_at: datetime | None = None
    #: When we first gathered it: the clock by which issues are cut.
    seen_at: datetime
    #: There before we came: never in an issue.
    is_backlog: bool = False
    event: Event | None = None
    #: The picture that its page names for it, as an address; nothing is fetched from there.
    image: str = ""
    #: The words of its own page, plain, a paragraph a line; empty when only its source's summary is known.
    text: str = ""
    #: The source gave no title, and this one was read from the address; not stored.
    is_title_guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was decided: the rule's name and a sentence a person understands."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One or several articles about one thing, as an issue tells it."""

    #: Stable across drafts: a hash of the canonical address of the leading article.
    key: str
    section: str
    tier: Tier = Tier.BRIEF
    title: str
    url: str
    summary: str = ""
    #: "Why it matters", only ever written by a person or a model that passed the gate.
    why: str = ""
    kind: str = ""
    source: str = ""
    #: Titles of the other sources that tell it.
    also: tuple[str, ...] = ()
    language: str = ""
    minutes: int | None = None
    published_at: datetime | None = None
    event: Event | None = None
    article_ids: tuple[int, ...] = ()
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSection:
    """A section of one issue with its stories in the order they are told."""

    key: str
    label: str
    stories: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an issue says: the whole output of `compose`, and all that `render` needs to know of it."""

    newsletter: str
    number: int
    #: The issue covers articles first seen in [since, until).
    since: datetime
    until: datetime
    #: An editor's own subject; empty lets the template write one.
    subject: str = ""
    #: The editor's note, plain text.
    note: str = ""
    sections: tuple[IssueSection, ...] = ()
    articles_read: int = 0
    sources_read: int = 0
    #: Titles of the sources that could not be read.
    sources_failed: tuple[str, ...] = ()

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories, in the order they are told."""
        return tuple(story for section in self.sections for story in section.stories)

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to tell: such an issue is never sent."""
        return not self.stories

    def only(self, keys: Iterable[str]) -> "Content":
        """The same issue for a reader who chose these sections; no keys means all."""
        wanted = frozenset(keys)
        if not wanted:
            return self
        return replace(self, sections=tuple(s for s in self.sections if s.key in wanted))

    def digest(self) -> str:
        """A SHA-256 in hex over every field, equal for equal content on every machine."""
        plain = json.dumps(asdict(self), sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition of a newsletter and where it stands."""

    id: int = 0
    newsletter: str
    number: int
    #: The time it is due, as an ISO date-time in UTC: unique for a newsletter and cadence.
    period: str
    cadence: str = "weekly"
    state: IssueState = IssueState.DRAFT
    due_at: datetime
    content: Content
    #: When a held issue goes by itself (`auto-after`).
    approve_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
    #: When sending began: the Date of every message of it.
    started_at: datetime | None = None
    sent_at: datetime | None = None
    #: Why it was cancelled, in words.
    reason: str = ""
    #: Counts up with every change of the content.
    revision: int = 1
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An issue as subject, HTML and text, rendered once for all readers who chose the same sections.

    The personal places hold the sentinels of `digest.render`; `address` fills them in.
    """

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail to one reader, ready for `digest.deliver.encode`.

    `headers` are (name, value) in order, values unencoded and without line breaks.
    """

    sender: str
    recipient: str
    message_id: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the messages of many readers share; with one reader's `Personal` it makes a `Message`.

    A header whose value is "" is each reader's own. The bodies are fixed text and names of places in turn,
    and begin and end with fixed text.
    """

    sender: str
    headers: tuple[tuple[str, str], ...]
    text: tuple[str, ...]
    html: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What is one reader's own in a message: by the names that its `Pattern` leaves open."""

    recipient: str
    message_id: str
    headers: dict[str, str]
    #: What stands in the places of the text.
    values: dict[str, str]
    #: The same for HTML, escaped.
    escaped: dict[str, str]
    #: False when it is not known since when they read: their pattern says nothing of it.
    is_dated: bool


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
    """What one subscriber gets of one newsletter. Empty `sections` means all of them."""

    subscriber: Subscriber
    newsletter: str
    state: SubscriptionState = SubscriptionState.PENDING
    sections: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One reader's copy of one issue in the ledger; unique by (issue, subscriber)."""

    id: int
    issue_id: int
    subscriber_id: int
    #: The sections the reader had chosen at approval, as keys joined by commas; "" means all.
    choice: str = ""
    state: DeliveryState = DeliveryState.QUEUED
    reason: str = ""
    #: The server's last words.
    reply: str = ""
    attempts: int = 0
    #: Fencing number: an outcome is only written by the claim that is still the newest.
    fence: int = 0
    due_at: datetime | None = None
    first_tried_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One mail that is no issue: a confirmation, a welcome, a draft for the editor. Unique by `key`."""

    id: int = 0
    #: What makes it the same mail when it is asked for twice.
    key: str
    #: The folder in `email_templates/`.
    name: str
    newsletter: str
    recipient: str
    #: 0 when it goes to an editor.
    subscriber_id: int = 0
    issue_id: int = 0
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    reply: str = ""
    created_at: datetime
    due_at: datetime


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


class OutcomeKind(StrEnum):
    """What came of handing a message to a transport."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    #: The line went dead between the dot and the reply.
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a transport says of one message; `key` is the caller's own, `reply` the server's words."""

    key: int
    kind: OutcomeKind
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What reading one source once gave: its articles, or the one line that says why not."""

    source: Source
    articles: tuple[Article, ...] = ()
    #: True when the server said 304 or the body was the one we know.
    unchanged: bool = False
    error: str = ""
    #: The source with its new validators, times and failure count, to be stored.
    after: Source
    #: Facts worth a log line: status, bytes, seconds.
    facts: dict[str, str | int | float] = field(default_factory=dict)
