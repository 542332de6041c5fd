"""The tables of the editor's desk: what was decided and edited, what issues were made of, and what stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from digest.store.tables import Base, Id, Key, State, Words


class DecisionRow(Base):
    """An answer or a rule of an editor, kept until they forget it; one for what it is about."""

    __tablename__ = "decision"
    __table_args__ = (Index("uq_decision_newsletter_about", "newsletter", "about", unique=True),)
    id: Mapped[Id]
    newsletter: Mapped[Key]
    kind: Mapped[State]
    #: A hash of what it is about, because addresses have no bounds and indexes have.
    about: Mapped[str] = mapped_column(String(64))
    urls: Mapped[list[str]]
    answer: Mapped[Key]
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    pattern: Mapped[Words]
    words: Mapped[Words]
    by: Mapped[Words]
    at: Mapped[datetime]


class EditRow(Base):
    """What an editor did to one story of one draft; `story` is how they left it."""

    __tablename__ = "edit"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    story_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    story: Mapped[dict[str, Any]]
    is_dropped: Mapped[bool]
    place: Mapped[int]
    by: Mapped[Words]
    at: Mapped[datetime]


class RevisionRow(Base):
    """What an issue said at one revision, as compressed JSON, and what made it so."""

    __tablename__ = "revision"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    what: Mapped[Words]
    by: Mapped[Words]
    at: Mapped[datetime]


class MakingRow(Base):
    """What the newest revision of an issue was composed from, and what it asks and holds back."""

    __tablename__ = "making"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    inputs: Mapped[bytes] = mapped_column(LargeBinary)
    desk: Mapped[bytes] = mapped_column(LargeBinary)


class PageCheckRow(Base):
    """How the page of a told article answered when it was last asked whether it is still there."""

    __tablename__ = "page_check"
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    url: Mapped[Words]
    asked_at: Mapped[datetime]
    status: Mapped[int]
    etag: Mapped[Words]
    last_modified: Mapped[Words]
    missing_since: Mapped[datetime | None]
    is_gone: Mapped[bool]


class CheckRow(Base):
    """What an event of an approved issue was found to be when its source was asked again."""

    __tablename__ = "event_check"
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True)
    #: No foreign key: a source may be removed, and what was found stays.
    article_id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    words: Mapped[Words]
    #: What it changed to ("-" when it did not), then whatever else the editor was told that it changed to.
    #: SQLite does not look at lengths.
    mark: Mapped[str] = mapped_column(
        String(200).with_variant(String(16), "sqlite"), default="", server_default=""
    )
