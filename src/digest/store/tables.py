"""The tables. Uniqueness is theirs: whatever runs twice, on however many machines, meets it here."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from digest.store.moments import UTCDateTime

Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
Key = Annotated[str, mapped_column(String(41))]
State = Annotated[str, mapped_column(String(16))]
#: So many a `Choice`'s key may have with what was sent before. PostgreSQL keeps to it; SQLite does not look,
#: and would copy its tables for another number.
MOST_LETTERS = 2000
#: So many the sections and topics may have that one reader chose: eight keys of the one, twelve of the other.
MOST_CHOSEN = 600
Choice = Annotated[str, mapped_column(String(MOST_LETTERS).with_variant(String(400), "sqlite"))]
Words = Annotated[str, mapped_column(Text, default="", server_default="")]


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 - SQLAlchemy's form


class NewsletterRow(Base):
    """When a newsletter of the settings was first met: issues due before are none of ours."""

    __tablename__ = "newsletter"
    key: Mapped[Key] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    #: Until when a draft of it was cut last: what is stored from now on counts as seen then or later.
    cut_at: Mapped[datetime | None]


class SourceRow(Base):
    """An address that publishes, with what polling it has taught us."""

    __tablename__ = "source"
    id: Mapped[Id]
    url: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[Words]
    kind: Mapped[State]
    site_url: Mapped[Words]
    owner: Mapped[Words]
    section: Mapped[str | None] = mapped_column(String(41))
    newsletters: Mapped[list[str]]
    weight: Mapped[float]
    enabled: Mapped[bool]
    note: Mapped[Words]
    recipe: Mapped[Words]
    full_text: Mapped[State] = mapped_column(server_default="short")
    etag: Mapped[Words]
    last_modified: Mapped[Words]
    body_hash: Mapped[Words]
    added_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    interval_minutes: Mapped[int] = mapped_column(server_default="0")
    first_read_at: Mapped[datetime | None]
    failures: Mapped[int]
    last_error: Mapped[Words]


class ArticleRow(Base):
    """One thing that a source published; the same address in two sources is two rows, one story."""

    __tablename__ = "article"
    __table_args__ = (
        Index("uq_article_source_id_guid", "source_id", "guid_hash", unique=True),
        Index("ix_article_seen_at", "seen_at"),
        Index("ix_article_event_at", "event_at"),
        Index("ix_article_source_url", "source_id", "canonical_url_hash"),
        # Issues name articles by id for ever, so SQLite must never give a removed one's id to another.
        {"sqlite_autoincrement": True},
    )
    id: Mapped[Id]
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    guid: Mapped[str] = mapped_column(Text)
    #: Hashes, because an index over unbounded text is refused by PostgreSQL past 2.7 KB.
    guid_hash: Mapped[str] = mapped_column(String(32))
    url: Mapped[str] = mapped_column(Text)
    canonical_url: Mapped[str] = mapped_column(Text)
    canonical_url_hash: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(Text)
    #: The titles that its source gave it before, the newest last.
    earlier_titles: Mapped[list[str]] = mapped_column(server_default="[]")
    summary: Mapped[Words]
    author: Mapped[Words]
    language: Mapped[Words]
    kind: Mapped[Words]
    minutes: Mapped[int | None]
    published_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    is_backlog: Mapped[bool]
    event: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: The event's start, to find what is still to come.
    event_at: Mapped[datetime | None]
    #: When its source's whole list did not hold it any more; None while it does.
    withdrawn_at: Mapped[datetime | None]
    image: Mapped[Words]
    text: Mapped[Words]
    #: When its page was read for its text, or found not to need it.
    page_read_at: Mapped[datetime | None]


class IssueRow(Base):
    """One edition. `content` is the whole output of composing, `hash` its SHA-256."""

    __tablename__ = "issue"
    __table_args__ = (
        Index("uq_issue_newsletter_cadence_period", "newsletter", "cadence", "period", unique=True),
        Index("uq_issue_newsletter_number", "newsletter", "number", unique=True),
        Index("ix_issue_state", "state"),
    )
    id: Mapped[Id]
    newsletter: Mapped[Key]
    number: Mapped[int]
    cadence: Mapped[State]
    period: Mapped[str] = mapped_column(String(40))
    state: Mapped[State]
    due_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    approve_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[Words]
    started_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: Never before the last cut: what it held may be told by what is cut from then on.
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[Words]
    revision: Mapped[int]
    hash: Mapped[Words]
    created_at: Mapped[datetime]


class IssueItemRow(Base):
    """Which article an issue told, in which story: never the same twice."""

    __tablename__ = "issue_item"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    #: No foreign key: an article goes with its source, and what was told stays told.
    article_id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    #: Its address when it was told; empty for events, which are told by what they are.
    canonical_url: Mapped[Words]
    story_key: Mapped[str] = mapped_column(String(64))
    section: Mapped[Key]
    position: Mapped[int]


class RenderingRow(Base):
    """What was approved, byte for byte, for one choice of the readers ("" means all)."""

    __tablename__ = "rendering"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    choice: Mapped[Choice] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class DeliveryRow(Base):
    """One reader's copy of one issue."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("uq_delivery_issue_id_subscriber_id", "issue_id", "subscriber_id", unique=True),
        Index("ix_delivery_issue_id_state_due_at", "issue_id", "state", "due_at"),
        Index("ix_delivery_subscriber_id", "subscriber_id"),
    )
    id: Mapped[Id]
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    #: No foreign key: a reader may be erased, and the sum of the audience must still hold.
    subscriber_id: Mapped[int] = mapped_column(BigInteger)
    choice: Mapped[Choice]
    state: Mapped[State]
    reason: Mapped[Words]
    reply: Mapped[Words]
    attempts: Mapped[int]
    fence: Mapped[int]
    lease_until: Mapped[datetime | None]
    #: Which sender claimed it last: the end of the name of its lease.
    holder: Mapped[str] = mapped_column(String(12), default="", server_default="")
    due_at: Mapped[datetime]
    first_tried_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class NoticeRow(Base):
    """One mail that is no issue, written in the transaction that caused it, sent afterwards."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_state_due_at", "state", "due_at"),
        Index("ix_notice_subscriber_id", "subscriber_id"),
    )
    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[Key]
    newsletter: Mapped[Key]
    recipient: Mapped[str] = mapped_column(String(320))
    subscriber_id: Mapped[int] = mapped_column(BigInteger)
    issue_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[State]
    attempts: Mapped[int]
    lease_until: Mapped[datetime | None]
    reply: Mapped[Words]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]


class PaceRow(Base):
    """How fast mail leaves by one relay or to one receiving domain; shared by every worker."""

    __tablename__ = "pace"
    name: Mapped[str] = mapped_column(String(300), primary_key=True)
    version: Mapped[int]
    tokens: Mapped[float]
    filled_at: Mapped[datetime | None]
    day: Mapped[str] = mapped_column(String(10))
    sent: Mapped[int] = mapped_column(BigInteger)
    first_day: Mapped[str] = mapped_column(String(10))
    per_second: Mapped[float | None]
    met_at: Mapped[float | None]
    throttled_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    reply: Mapped[Words]


class SuggestionRow(Base):
    """What one call of a model gave, for which issue, and what it cost."""

    __tablename__ = "suggestion"
    __table_args__ = (
        Index("ix_suggestion_key", "key"),
        Index("ix_suggestion_newsletter_period", "newsletter", "period"),
    )
    id: Mapped[Id]
    newsletter: Mapped[Key]
    period: Mapped[str] = mapped_column(String(40))
    #: The hash of what it was written from.
    key: Mapped[str] = mapped_column(String(64))
    model: Mapped[Words]
    #: The version of the words it was asked in.
    prompt: Mapped[int]
    summary: Mapped[Words]
    why: Mapped[Words]
    problem: Mapped[Words]
    calls: Mapped[int]
    characters: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]


class LeaseRow(Base):
    """Who does a job that only one may do, and until when."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime]


class AuditRow(Base):
    """Who did what, for people to read back."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "at"),)
    id: Mapped[Id]
    at: Mapped[datetime]
    actor: Mapped[Words]
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[Words]
