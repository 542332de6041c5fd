"""What every kind of source is read into: a document of items, still raw."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.domain import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The bytes of a source and what the server said of them."""

    data: bytes
    #: The address they were read from, after redirects.
    url: str
    #: From Content-Type; "" when it named none.
    charset: str = ""
    #: The source's own, see `digest.gather.recipe`.
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry as its source wrote it: nothing cleaned, links perhaps relative, markup as it was."""

    guid: str = ""
    url: str = ""
    title: str = ""
    description: str = ""
    content: str = ""
    author: str = ""
    language: str = ""
    #: Aware, in any zone.
    published: datetime | None = None
    event: Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One source as read once."""

    title: str = ""
    site_url: str = ""
    language: str = ""
    #: What relative links are relative to.
    base: str
    items: tuple[Item, ...] = ()
    #: True when the same bytes give other items on another day (recurring events).
    depends_on_now: bool = False
    #: Every event that the source has to come before this moment is among the items; None when some may be
    #: left out.
    whole_until: datetime | None = None
    #: Items that were left out because they could do harm or made no sense.
    refused: int = 0
    #: Addresses whose documents belong to this one: a sitemap's parts, the pages of events.
    follow: tuple[str, ...] = ()
    #: What the document itself asks us to wait before reading it again (ttl, update period).
    wait: timedelta = timedelta(0)
    #: How the items were found where a kind has a choice: fields, selectors or a guess of ours, in words.
    how: str = ""
