"""From any address to the feeds and calendars behind it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlsplit

from digest.domain import SourceKind
from digest.errors import FetchError, ParseError
from digest.gather.clean import title_text
from digest.gather.client import Client, Page
from digest.gather.decode import root_name, text_of
from digest.gather.document import Body
from digest.gather.kinds import KINDS, PAGES
from digest.gather.presets import feed_address, feed_in
from digest.gather.urls import canonical_url, host_of, web_url

_MAX_PAGE = 600_000
_KINDS_BY_TYPE = {
    "application/rss+xml": SourceKind.FEED,
    "application/atom+xml": SourceKind.FEED,
    "application/rdf+xml": SourceKind.FEED,
    "application/feed+json": SourceKind.FEED,
    "application/json": SourceKind.FEED,
    "text/calendar": SourceKind.CALENDAR,
}
#: What is tried on any address, and then on a page that has neither feed nor calendar.
_DOCUMENTS = (SourceKind.FEED, SourceKind.CALENDAR, SourceKind.SITEMAP, SourceKind.JSON)
_PAGES = (SourceKind.EVENTS, SourceKind.PAGE)
#: How a person calls each kind.
NAMES = {
    SourceKind.FEED: "a feed",
    SourceKind.CALENDAR: "a calendar",
    SourceKind.JSON: "a list in JSON",
    SourceKind.SITEMAP: "a sitemap",
    SourceKind.EVENTS: "a page with events (schema.org)",
    SourceKind.PAGE: "a page that lists articles",
}
#: Where feeds are when a page does not say, the most common first.
_WELL_KNOWN = ("feed", "rss.xml", "atom.xml", "feed.xml", "index.xml", "rss", "feed.json")
#: What many pages call their feed: that it is one, and not whose.
_ONLY_A_FEED = re.compile(r"(?i)(?:\b(?:rss|atom|json|xml|rdf|feed|subscribe)\b|[\s\d.])*")
#: For reading a body's kind and title only; no date in it is looked at.
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A source that an address led to."""

    url: str
    #: "" until the first reading tells it.
    title: str
    kind: SourceKind
    site_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The sources behind an address, the likeliest first, and how they were found, a line a step."""

    found: tuple[Found, ...] = ()
    trail: tuple[str, ...] = ()


async def discover(url: str, *, client: Client, recipe: str = "") -> Discovery:
    """The sources behind an address; none when there are none.

    A feed's, calendar's, list's or sitemap's own address gives itself; a page the feeds it links to, else
    those at well-known places, else itself as a page of events or articles. With a recipe it is read as that
    says. FetchError when the address itself cannot be fetched, ParseError when the recipe does not fit it.
    """
    address = _address(url)
    page = await client.fetch(address)
    trail = [f"this site publishes at {address}"] if feed_address(url) == address != url else []
    trail += [*page.via, f"{page.url} answered {page.status} with {len(page.body):,} bytes"]
    if not 200 <= page.status < 300:
        raise FetchError(f"{host_of(page.url)} answered {page.status}")
    if recipe:
        found: tuple[Found, ...] = (_by_recipe(page, recipe),)
        words = f"with this recipe it is read as {NAMES[found[0].kind]}"
    else:
        found, words = await _told(page, client)
    trail.append(words)
    if found and found[0].kind in PAGES and await client.page_delay(found[0].url) is None:
        trail.append(f"but robots.txt of {host_of(page.url)} does not let us read this page")
        found = ()
    return Discovery(found=found, trail=tuple(trail))


async def _told(page: Page, client: Client) -> tuple[tuple[Found, ...], str]:
    """What the page is or leads to, and the line that says why."""
    if own := _own(page, _DOCUMENTS):
        return (own,), f"it is {NAMES[own.kind]} itself"
    if feed := feed_in(page.url, text_of(page.body, page.charset)):
        channel = Found(url=feed, title="", kind=SourceKind.FEED, site_url=page.url)
        return (channel,), f"it is a channel's page, which publishes at {feed}"
    if linked := _linked(page):
        return linked, f"it is a page that names {len(linked)} of its own feeds and calendars"
    if known := await _well_known(page, client):
        return known, f"it names no feed, but there is one at {known[0].url}"
    tried = "it names no feed, and none is at the usual places"
    if read := _own(page, _PAGES):
        return (read,), f"{tried}; it is {NAMES[read.kind]}"
    return (), f"{tried}; neither events (schema.org) nor a list of articles can be told on it"


def _by_recipe(page: Page, recipe: str) -> Found:
    """The page as a source of the kind that the bytes and the recipe tell; ParseError when it is none."""
    text = text_of(page.body, page.charset).lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        kind = SourceKind.JSON
    elif root_name(text[:200_000]) in {"urlset", "sitemapindex"}:
        kind = SourceKind.SITEMAP
    else:
        is_link_alone = re.fullmatch(r"\s*link\s*=[^;]*;?\s*", recipe)
        kind = SourceKind.EVENTS if is_link_alone else SourceKind.PAGE
    return _read(page, kind, recipe)


def _address(url: str) -> str:
    """What a person may write: without scheme, with those of calendars and readers, a well-known page."""
    url = re.sub(r"(?i)^(?:webcals?|feed)(?::(?://)?)(?:https?://)?", "https://", url.strip())
    return feed_address(url if re.match(r"(?i)[a-z][a-z0-9+.-]*://", url) else f"https://{url}")


def _own(page: Page, kinds: Iterable[SourceKind]) -> Found | None:
    """The page itself when one of the kinds can read it."""
    for kind in kinds:
        try:
            return _read(page, kind)
        except ParseError:
            continue
    return None


def _read(page: Page, kind: SourceKind, recipe: str = "") -> Found:
    """The page as a source of that kind; ParseError when it is none."""
    body = Body(data=page.body, url=page.url, charset=page.charset, recipe=recipe)
    document = KINDS[kind](body, _ANY_TIME)
    title = title_text(document.title) or host_of(page.url)
    return Found(url=page.moved_to or page.url, title=title, kind=kind, site_url=document.site_url)


def _linked(page: Page) -> tuple[Found, ...]:
    """What the page's head and links name, each once; feeds of comments only when there is nothing else."""
    reader = _PageReader(page.url)
    try:
        reader.feed(text_of(page.body, page.charset)[:_MAX_PAGE])
    except (AssertionError, ValueError):
        # html.parser gives up on some markup; what it found before that is found.
        reader.rawdata = ""
    site = title_text("".join(reader.words))
    found = {
        canonical_url(url): Found(url=url, title=_named(title) or site, kind=kind, site_url=page.url)
        for url, title, kind in reversed(reader.links)
    }
    every = tuple(reversed(found.values()))
    return tuple(one for one in every if not _is_comments(one)) or every


def _named(title: str) -> str:
    """What the link calls the feed; "" when it only says that it is one."""
    name = title_text(title)
    return "" if _ONLY_A_FEED.fullmatch(name) else name


def _is_comments(found: Found) -> bool:
    return bool(re.search(r"(?i)\bcomments?\b|\bkommentare?\b", f"{found.title} {urlsplit(found.url).path}"))


async def _well_known(page: Page, client: Client) -> tuple[Found, ...]:
    """The first feed at the usual places beside the page and at the site's root."""
    for url in _guesses(page.url):
        try:
            found = _own(await client.fetch(url), _DOCUMENTS)
        except FetchError:
            continue
        if found:
            return (found,)
    return ()


def _guesses(url: str) -> Iterable[str]:
    root = web_url("/", url)
    folder = url.partition("?")[0].partition("#")[0].rstrip("/") + "/"
    return dict.fromkeys(web_url(name, base) for base in (folder, root) for name in _WELL_KNOWN)


class _PageReader(HTMLParser):
    """Collects the title, the base and what a page links to as a feed or calendar."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[tuple[str, str, SourceKind]] = []
        self._base = url
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a <title>, <base>, <link rel=alternate> or a link to a calendar file."""
        values = {name: value or "" for name, value in attrs}
        if tag == "title":
            self._in_title = not self.words
        elif tag == "base":
            self._base = web_url(values.get("href", ""), self._base) or self._base
        elif tag == "link" and "alternate" in values.get("rel", "").lower().split():
            kind = _KINDS_BY_TYPE.get(values.get("type", "").partition(";")[0].strip().lower())
            self._add(values, kind)
        elif tag == "a" and re.search(r"(?i)^webcals?:|\.ics(?:$|\?)", values.get("href", "")):
            self._add(values, SourceKind.CALENDAR)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the title."""
        self._in_title = self._in_title and tag != "title"

    def handle_data(self, data: str) -> None:
        """Note the title's words."""
        if self._in_title:
            self.words.append(data)

    def _add(self, values: dict[str, str], kind: SourceKind | None) -> None:
        href = re.sub(r"(?i)^webcals?:", "https:", values.get("href", ""))
        url = web_url(href, self._base) if href else ""
        if url and kind:
            self.links.append((url, values.get("title", ""), kind))
