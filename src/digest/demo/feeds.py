"""The sample sites as bytes: RSS, Atom, JSON Feed, iCalendar and pages, dated by the demo's now."""

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import cycle, islice
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar import Event as CalendarEvent

from digest.demo.material import SampleArticle, SampleEvent, Site

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered at one path."""

    body: bytes
    content_type: str


def write_feed(site: Site, now: datetime) -> Page:
    """What the site's feed address answers; KeyError for a kind that answers nothing."""
    content_type, write = _KINDS[site.kind]
    return Page(body=write(site, now), content_type=content_type)


def _rss(site: Site, now: datetime) -> bytes:
    root = ElementTree.Element("rss", {"version": "2.0", "xmlns:content": _CONTENT})
    channel = ElementTree.SubElement(root, "channel")
    _add(channel, "title", html.escape(site.title))
    _add(channel, "link", site.site)
    _add(channel, "description", html.escape(site.about))
    for article in site.articles:
        item = ElementTree.SubElement(channel, "item")
        _add(item, "title", html.escape(article.title))
        _add(item, "link", _link(site, article))
        _add(item, "guid", f"{site.site}/{article.id}", isPermaLink="false")
        if published := _published(article, now):
            _add(item, "pubDate", format_datetime(published))
        _add(item, "description", _paragraph(article.summary))
        if article.words:
            _add(item, "content:encoded", _full_text(article))
    return _document(root)


def _atom(site: Site, now: datetime) -> bytes:
    root = ElementTree.Element("feed", {"xmlns": _ATOM})
    _add(root, "title", html.escape(site.title), type="html")
    _add(root, "id", f"{site.site}/")
    _add(root, "link", href=site.site)
    _add(root, "updated", now.isoformat(timespec="seconds"))
    for article in site.articles:
        entry = ElementTree.SubElement(root, "entry")
        if article.language:
            entry.set("xml:lang", article.language)
        _add(entry, "title", html.escape(article.title), type="html")
        _add(entry, "id", f"{site.site}/{article.id}")
        _add(entry, "link", href=_link(site, article))
        moment = (_published(article, now) or now).isoformat(timespec="seconds")
        _add(entry, "published", moment)
        _add(entry, "updated", moment)
        _add(entry, "summary", _paragraph(article.summary), type="html")
        if article.words:
            _add(entry, "content", _full_text(article), type="html")
    return _document(root)


def _json_feed(site: Site, now: datetime) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.title,
        "home_page_url": site.site,
        "description": site.about,
        "items": [_json_item(site, article, now) for article in site.articles],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _json_item(site: Site, article: SampleArticle, now: datetime) -> dict[str, str]:
    item = {"id": article.id, "url": _link(site, article), "title": article.title}
    item["summary"] = article.summary.strip()
    item["content_html"] = _full_text(article) if article.words else _paragraph(article.summary)
    if article.language:
        item["language"] = article.language
    if published := _published(article, now):
        item["date_published"] = published.isoformat(timespec="seconds")
    return item


def _calendar(site: Site, now: datetime) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", f"-//{site.title}//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", site.title)
    for event in site.events:
        calendar.add_component(_calendar_event(site, event, now))
    calendar.add_missing_timezones()
    written: bytes = calendar.to_ical()
    return written


def _calendar_event(site: Site, event: SampleEvent, now: datetime) -> CalendarEvent:
    entry = CalendarEvent()
    host = site.site.removeprefix("https://")
    facts: dict[str, Any] = {"uid": f"{event.id}@{host}", "summary": event.title, "location": event.place}
    facts |= {"description": event.summary, "url": f"{site.site}/{event.id}", "status": event.status}
    facts |= _span(event, now) | {"dtstamp": now - timedelta(days=10)}
    for name, value in facts.items():
        if value:
            entry.add(name, value)
    return entry


def _span(event: SampleEvent, now: datetime) -> dict[str, Any]:
    """Start and end: dates for whole days, times in the organiser's zone else."""
    zone = ZoneInfo(event.zone)
    day = (now.astimezone(zone) + timedelta(days=event.in_days)).date()
    if event.at is None:
        return {"dtstart": day, "dtend": day + timedelta(days=event.days)}
    starts = datetime.combine(day, event.at, zone)
    return {"dtstart": starts, "dtend": starts + timedelta(hours=event.hours) if event.hours else None}


def _list_page(site: Site, now: datetime) -> bytes:
    """A page that lists its articles and offers no feed."""
    entries = "".join(
        f'<li class="note"><h2><a href="/{article.id}">{html.escape(article.title)}</a></h2>'
        f'<time datetime="{(_published(article, now) or now).isoformat()}"></time>'
        f"{_paragraph(article.summary)}</li>"
        for article in site.articles
    )
    return _page(site, f'<nav><a href="/about">About us and the meadow</a></nav><ul>{entries}</ul>')


def _event_page(site: Site, now: datetime) -> bytes:
    """A page that tells its events in JSON-LD, as those do that want to be found."""
    told = json.dumps([_told_event(site, event, now) for event in site.events], ensure_ascii=False)
    script = told.replace("<", "\\u003c")
    return _page(site, f'<script type="application/ld+json">{script}</script>')


def _told_event(site: Site, event: SampleEvent, now: datetime) -> dict[str, Any]:
    span = _span(event, now)
    starts, ends = span["dtstart"], span["dtend"]
    if event.at is None:
        # A calendar names the day after, a page the last one.
        ends -= timedelta(days=1)
    told = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": event.title,
        "description": event.summary,
        "url": f"{site.site}/{event.id}",
        "startDate": starts.isoformat(),
        "location": {"@type": "Place", "name": event.place},
    }
    return told | ({"endDate": ends.isoformat()} if ends else {})


def _page(site: Site, inside: str) -> bytes:
    title, about = html.escape(site.title), html.escape(site.about)
    head = f'<head><title>{title}</title><base href="{site.site}/"></head>'
    return f'<!DOCTYPE html><html lang="en">{head}<body><p>{about}</p>{inside}</body></html>'.encode()


def _web_page(site: Site, _now: datetime) -> bytes:
    """What a site says that gave up its feed and answers 200 to everything."""
    return _page(site, "")


_KINDS: dict[str, tuple[str, Callable[[Site, datetime], bytes]]] = {
    "rss": ("application/rss+xml", _rss),
    "atom": ("application/atom+xml", _atom),
    "json": ("application/feed+json", _json_feed),
    "ics": ("text/calendar", _calendar),
    "page": ("text/html", _list_page),
    "events": ("text/html", _event_page),
    "html": ("text/html", _web_page),
}


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = text


def _document(root: ElementTree.Element) -> bytes:
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _link(site: Site, article: SampleArticle) -> str:
    return article.link or f"{site.site}/{article.id}"


def _published(article: SampleArticle, now: datetime) -> datetime | None:
    if article.hours_ago is None:
        return None
    return (now - timedelta(hours=article.hours_ago)).astimezone(UTC).replace(second=0, microsecond=0)


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(' '.join(text.split()))}</p>" if text.strip() else ""


def _full_text(article: SampleArticle) -> str:
    """A text as long as the article would be, so that its reading time can be told.

    After the summary it says nothing new, in one sentence too long for any mail.
    """
    words = [word.rstrip(".!?。！？") for word in article.summary.split()]
    rest = html.escape(" ".join(islice(cycle(words), max(0, article.words - len(words)))))
    return f"{_paragraph(article.summary)}<p>{rest}.</p>"
