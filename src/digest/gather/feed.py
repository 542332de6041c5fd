"""A feed becomes a document: RSS, RDF, Atom or JSON Feed, whichever the bytes are."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import fastfeedparser

from digest.errors import ParseError
from digest.gather import jsonfeed
from digest.gather.decode import harmless_xml, root_name, text_of
from digest.gather.document import Body, Document, Item
from digest.gather.presets import description_reader
from digest.gather.urls import web_url

_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
#: Where a feed begins behind what a server wrote before it, and its entries.
_BEGINNING = re.compile(r"<(?:rss|feed|(?:[A-Za-z]{1,10}:)?RDF)[\s>]")
_ENTRY = re.compile(r"(?i)<(?:[a-z][\w-]{0,20}:)?(?:item|entry)[\s>]")
_NOT_MARKUP = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL)
#: feedparser needs 8 seconds for some items of 600 KB, so it is not tried on more than this.
_MAX_SLOW = 1_000_000
_PAGES = frozenset({"html", "head", "body", "div", "script", "meta"})
_OTHERS = _PAGES | {"urlset", "sitemapindex", "opml"}
_PERIODS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}
_NO_FEED_HINT = "digest sources add finds the feed of a site"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What the feed's first lines say, which neither parser tells reliably."""

    root: str
    base: str
    language: str
    #: How long the feed asks to be left alone after a reading.
    wait: timedelta


def read(body: Body, now: datetime) -> Document:
    """The feed's items in its own order; ParseError says in one line why there are none."""
    del now
    text = text_of(body.data, body.charset)
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise ParseError("the answer is empty")
    if start.startswith(("{", "[")):
        return jsonfeed.read(start, body.url)
    start = _without_junk(start)
    root = root_name(start[:200_000])
    if not _ENTRY.search(start) or root in _OTHERS:
        _refuse_others(root, start)
    return _read_xml(harmless_xml(start), root, body.url)


def _without_junk(text: str) -> str:
    """The text from its feed on: warnings of the server's own, even a page, may stand before it."""
    if root_name(text[:200_000]) in _ROOTS:
        return text
    found = _BEGINNING.search(text, 0, 200_000)
    return text[found.start() :] if found and _ENTRY.search(text, found.start()) else text


def _refuse_others(root: str, start: str) -> None:
    if start[:200].upper().startswith("BEGIN:VCALENDAR"):
        raise ParseError("this is a calendar, not a feed", hint='set its kind to "calendar"')
    if root in _PAGES:
        raise ParseError("this is a web page, not a feed", hint=_NO_FEED_HINT)
    if root in _OTHERS:
        raise ParseError(f"this is a {'list of sources (OPML)' if root == 'opml' else 'sitemap'}, not a feed")
    if root not in _ROOTS:
        what = f"its first element is <{root[:40]}>" if root else "there is no XML and no JSON in it"
        raise ParseError(f"this is not a feed: {what}")


def _read_xml(text: str, root: str, url: str) -> Document:
    """By the fast parser; by the patient one where that raises or finds fewer entries than there are."""
    data = text.encode("utf-8", "replace")
    frame = _Frame(root=root, base=_xml_base(text, url), language=_language(text), wait=_wait(text))
    fast = _fast(data, frame)
    found = len(fast.items) if fast else 0
    if fast is not None and found and not _has_more(text, found):
        return fast
    patient = _patient(data, frame) if len(data) <= _MAX_SLOW else None
    best = max(filter(None, (fast, patient)), key=lambda document: len(document.items), default=None)
    return best if best is not None and best.items else _empty(fast, text)


def _has_more(text: str, found: int) -> bool:
    """True when there are more entries than were found, which ends at the first error that is too much."""
    markup = _markup_of(text)
    if sum(map(markup.count, ("<item", "<entry", ":item", ":entry"))) <= found:
        return False
    return sum(1 for _ in _ENTRY.finditer(_NOT_MARKUP.sub("", text))) > found


def _markup_of(text: str) -> str:
    """The text without its sections of CDATA; all of it where a comment may hold the beginning of one."""
    first, *sections = text.split("<![CDATA[")
    markup = first + " ".join(section.partition("]]>")[2] for section in sections)
    return text if "<!--" in markup else markup


def _empty(fast: Document | None, text: str) -> Document:
    """A feed without entries is a quiet week, not an error; one that cannot be read is."""
    if fast is None:
        raise ParseError("this feed is damaged: no entry of it can be read")
    if _ENTRY.search(text):
        raise ParseError("this feed is damaged: it has entries, but none can be read")
    return fast


def _xml_base(text: str, url: str) -> str:
    """The address that the root element says links are relative to (xml:base), else the feed's own."""
    tag = text[: text.find(">", text.find("?>") + 2) + 1][:5000]
    found = re.search(r"xml:base\s*=\s*[\"']([^\"'<>]{1,2000})", tag)
    return (web_url(found[1], url) if found else "") or url


def _language(text: str) -> str:
    """The channel's <language>, which stands before its first item."""
    head = text[:20_000]
    if "language>" not in head:
        return ""
    found = re.search(r"<(?:dc:)?language>\s*(?:<!\[CDATA\[)?\s*([A-Za-z][A-Za-z-]{1,20})", head)
    return found[1] if found else ""


def _wait(text: str) -> timedelta:
    """What the channel says of its own rhythm: <ttl> in minutes, or sy:updatePeriod and -Frequency."""
    head = text[:20_000]
    if "<ttl>" in head and (ttl := re.search(r"<ttl>\s*([0-9]{1,6})\s*</ttl>", head)):
        return timedelta(minutes=int(ttl[1]))
    if "<sy:updatePeriod>" not in head:
        return timedelta(0)
    period = re.search(r"<sy:updatePeriod>\s*(hourly|daily|weekly)\s*<", head)
    often = re.search(r"<sy:updateFrequency>\s*([1-9][0-9]{0,3})\s*<", head)
    if not period:
        return timedelta(0)
    return _PERIODS[period[1]] / (int(often[1]) if often else 1)


def _fast(data: bytes, frame: _Frame) -> Document | None:
    try:
        # Bytes only: a text that begins with http:// would be fetched by the library itself.
        parsed = fastfeedparser.parse(data, include_tags=False, include_media=False)
    except Exception:
        # The library raises what its parts raise; the patient parser then has the word.
        return None
    entries: Sequence[Mapping[str, Any]] = parsed.get("entries") or ()
    feed: Mapping[str, Any] = parsed.get("feed") or {}
    items = tuple(_fast_item(entry) for entry in entries)
    return _document(feed, items, frame)


def _fast_item(entry: Mapping[str, Any]) -> Item:
    published = _text(entry.get("published")) or _text(entry.get("updated"))
    return Item(
        guid=_text(entry.get("id")),
        url=_link(entry),
        title=_text(entry.get("title")),
        description=_text(entry.get("description")),
        content=_content(entry),
        author=_text(entry.get("author")),
        language=_content_language(entry),
        published=parse_date(published),
    )


def _patient(data: bytes, frame: _Frame) -> Document | None:
    try:
        # Hardly any feed needs it. A stream only: feedparser would open bytes as an address or a file.
        parsed = import_module("feedparser").parse(
            io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False
        )
    except Exception:
        # It raises what its parts raise, down to AssertionError on broken markup.
        return None
    if not parsed.get("entries"):
        return None
    items = tuple(_patient_item(entry) for entry in parsed["entries"])
    return _document(parsed.get("feed") or {}, items, frame)


def _patient_item(entry: Mapping[str, Any]) -> Item:
    # The library's own `get` warns about the second name.
    moment = next(
        (entry[name] for name in ("published_parsed", "updated_parsed") if name in set(entry)), None
    )
    return Item(
        guid=_text(entry.get("id")),
        url=_link(entry),
        title=_text(entry.get("title")),
        description=_text(entry.get("summary")),
        content=_content(entry),
        author=_text(entry.get("author")),
        language=_content_language(entry),
        published=_from_struct(moment),
    )


def _document(feed: Mapping[str, Any], items: tuple[Item, ...], frame: _Frame) -> Document:
    site = web_url(_text(feed.get("link")), frame.base)
    return Document(
        title=_text(feed.get("title")),
        site_url=site,
        language=_text(feed.get("language")) or frame.language,
        # Atom's links are relative to the document (RFC 4287 §4.2.7.1), RSS's in practice to the site.
        base=frame.base if frame.root == "feed" or not site else site,
        items=_tidied(items, frame.base),
        wait=frame.wait,
    )


def _tidied(items: tuple[Item, ...], url: str) -> tuple[Item, ...]:
    """The items without what a well-known site puts into every description."""
    clean = description_reader(url)
    if clean is None:
        return items
    texts = [(item, clean(item.description)) for item in items]
    return tuple(replace(item, description=text) for item, text in texts if text is not None)


def _link(entry: Mapping[str, Any]) -> str:
    """The entry's page: its link, else an alternate one, else what it encloses."""
    if link := _text(entry.get("link")).strip():
        return link
    links = [link for link in entry.get("links") or () if isinstance(link, Mapping)]
    links.sort(key=lambda link: link.get("rel") != "alternate")
    enclosed = [link for link in entry.get("enclosures") or () if isinstance(link, Mapping)]
    hrefs = (_text(link.get("href")) or _text(link.get("url")) for link in (*links, *enclosed))
    return next((href for href in hrefs if href), "")


def _content(entry: Mapping[str, Any]) -> str:
    parts = entry.get("content")
    if not isinstance(parts, list):
        return ""
    return max((_text(part.get("value")) for part in parts if isinstance(part, Mapping)), key=len, default="")


def _content_language(entry: Mapping[str, Any]) -> str:
    parts = entry.get("content")
    first = parts[0] if isinstance(parts, list) and parts else {}
    return _text(first.get("language")) if isinstance(first, Mapping) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def parse_date(text: str) -> datetime | None:
    """The moment of an ISO 8601 text, aware (UTC when it names no zone); None when it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _from_struct(moment: object) -> datetime | None:
    """The moment of feedparser's time tuple, which is in UTC; a 60th second is the next minute's first."""
    if not isinstance(moment, tuple):
        return None
    year, month, day, hour, minute, second = moment[:6]
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)
    except (TypeError, ValueError, OverflowError):
        return None
