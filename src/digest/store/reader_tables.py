"""The tables of readers: who they are, what they decided, who is sent nothing, and what came back."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from digest.store.tables import MOST_CHOSEN, Base, Id, Key, State, Words


class SubscriberRow(Base):
    """A person with an address; `email_hash` is the keyed hash that suppression and erasure use."""

    __tablename__ = "subscriber"
    #: Links in mails name a reader by id, so SQLite must never give an erased reader's id to another.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's form
    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(320))
    email_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[Words]
    language: Mapped[Words]
    zone: Mapped[Words]
    created_at: Mapped[datetime]


class SubscriptionRow(Base):
    """What one subscriber decided about one newsletter."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_subscriber_id", "subscriber_id"),)
    newsletter: Mapped[Key] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[State]
    #: Sections and topics as the key of a `Choice`; "" means all.
    choice: Mapped[str] = mapped_column(String(MOST_CHOSEN).with_variant(String(400), "sqlite"))
    cadence: Mapped[State] = mapped_column(server_default="weekly")
    paused_until: Mapped[datetime | None]
    hour: Mapped[int | None]
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class ConsentRow(Base):
    """Evidence, only ever added to."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_subscriber_id", "subscriber_id"),)
    id: Mapped[Id]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"))
    newsletter: Mapped[Key]
    at: Mapped[datetime]
    action: Mapped[State]
    ip: Mapped[Words]
    user_agent: Mapped[Words]
    form: Mapped[Words]
    wording: Mapped[Words]
    wording_hash: Mapped[str] = mapped_column(String(64))


class SuppressionRow(Base):
    """An address that is sent nothing; it outlives the subscriber it belonged to."""

    __tablename__ = "suppression"
    email_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[State]
    words: Mapped[Words]
    at: Mapped[datetime]


class BounceRow(Base):
    """Evidence of a mail that came back or of a complaint."""

    __tablename__ = "bounce"
    __table_args__ = (Index("ix_bounce_email_hash", "email_hash"),)
    id: Mapped[Id]
    email_hash: Mapped[str] = mapped_column(String(64))
    kind: Mapped[State]
    status: Mapped[str] = mapped_column(String(16))
    reply: Mapped[Words]
    message_id: Mapped[Words]
    at: Mapped[datetime]
