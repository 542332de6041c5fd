"""Sources and what they publish. Standard library only."""

from dataclasses import dataclass, field
from datetime import datetime

from digest.domain.states import FullText, SourceKind

#: The zone of an hour that its source tells without one: that on the clocks of wherever it takes place.
FLOATING = "floating"


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
    #: IANA name of the organiser's zone, empty when the source gave none; of a `FLOATING` time its clock face
    #: stands in `starts_at`, as if it were UTC.
    zone: str = ""
    place: str = ""
    online: bool = False
    #: A call's or a registration's end rather than something to attend.
    is_deadline: bool = False
    #: Called off, or put off without a new date.
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One thing that a source published, cleaned: `title` and `summary` are plain text, NFC."""

    id: int = 0
    source_id: int = 0
    guid: str
    url: str
    canonical_url: str
    title: str
    #: What its source called it before, the newest last, as far as we saw.
    earlier_titles: tuple[str, ...] = ()
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
    #: An event that its source's whole list does not hold any more: called off without a word.
    is_withdrawn: bool = False
    #: The picture that its page names for it, as an address; nothing is fetched from there.
    image: str = ""
    #: The words of its own page, plain, a paragraph a line; empty when only its source's summary is known.
    text: str = ""
    #: The source gave no title, and this one was read from the address; not stored.
    is_title_guessed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCheck:
    """How an article's page answered when it was asked whether it is still there."""

    article_id: int
    #: The address that was asked; the check says nothing of another that the article has since.
    url: str
    asked_at: datetime
    #: The last answer that says whether it is there; 0 when there was none yet.
    status: int = 0
    etag: str = ""
    last_modified: str = ""
    #: When it was first found missing since it was last there.
    missing_since: datetime | None = None
    #: True from when it counts as gone until it is there again.
    is_gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What reading one source once gave: its articles, or the one line that says why not."""

    source: Source
    articles: tuple[Article, ...] = ()
    #: Every event that the source has to come before this moment is among the articles; None when some may
    #: be left out.
    whole_until: datetime | None = None
    #: True when the server said 304 or the body was the one we know.
    unchanged: bool = False
    error: str = ""
    #: The source with its new validators, times and failure count, to be stored.
    after: Source
    #: Facts worth a log line: status, bytes, seconds.
    facts: dict[str, str | int | float] = field(default_factory=dict)
