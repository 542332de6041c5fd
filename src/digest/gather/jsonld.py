"""What a page says of itself in JSON-LD: one walker over all its blocks, whatever their nesting."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.domain import FLOATING, Event
from digest.gather.clean import one_line, title_text
from digest.gather.dates import find_moment, is_day
from digest.gather.document import Item
from digest.gather.urls import web_url

_BLOCK = re.compile(
    r"(?is)<script\b[^>]{0,300}\btype\s*=\s*[\"']?application/ld\+json[^>]{0,300}>(.{2,500000}?)</script>"
)
_MAX_BLOCKS = 200
_MAX_NODES = 50_000
_EVENT_TYPES = frozenset({"hackathon", "festival", "courseinstance", "eventseries"})
_ARTICLE_TYPES = frozenset(
    {"article", "newsarticle", "blogposting", "techarticle", "report", "scholarlyarticle", "liveblogposting"}
)
_CANCELLED = re.compile(r"(?i)cancell?ed|postponed")
_ONLINE = re.compile(r"(?i)\b(?:online|virtual|webinar|livestream|zoom)\b")


def nodes_of(markup: str) -> Iterator[Mapping[str, object]]:
    """Every object of every block in the page's order; damaged blocks are passed over."""
    left = _MAX_NODES
    for number, block in enumerate(_BLOCK.finditer(markup)):
        if number >= _MAX_BLOCKS:
            return
        stack = [_loaded(block[1])]
        while stack and left:
            node = stack.pop()
            left -= 1
            if isinstance(node, dict):
                yield node
                stack += [value for value in reversed(list(node.values())) if isinstance(value, dict | list)]
            elif isinstance(node, list):
                stack += reversed(node)


def _loaded(text: str) -> object:
    """The value of a block; comments, CDATA marks and commas before a bracket are forgiven."""
    text = re.sub(
        r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.{0,40}?\*/|<!\[CDATA\[)|(?:-->|(?://)?\s*\]\]>)\s*$", "", text
    )
    for attempt in (text, re.sub(r",\s*(?=[}\]])", "", text)):
        try:
            value: object = json.loads(attempt.strip().rstrip(";"), strict=False)
        except (ValueError, RecursionError):
            continue
        return value
    return None


def is_event(node: Mapping[str, object]) -> bool:
    """True for schema.org's Event and everything that is one."""
    return any(name.endswith("event") or name in _EVENT_TYPES for name in _types(node))


def is_article(node: Mapping[str, object]) -> bool:
    """True for schema.org's Article and everything that is one."""
    return not _ARTICLE_TYPES.isdisjoint(_types(node))


def _types(node: Mapping[str, object]) -> list[str]:
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return [re.split(r"[/#:]", name)[-1].lower() for name in names if isinstance(name, str)]


def event_item(node: Mapping[str, object], base: str) -> Item | None:
    """The event as an item; None when it has no name or start."""
    title = title_text(words(node.get("name")))
    zone = _zone(words(node.get("timezone")) or words(node.get("scheduleTimezone")))
    starts = _moment(words(node.get("startDate")), zone)
    if not title or starts is None:
        return None
    all_day = is_day(words(node.get("startDate")))
    place = _place(node.get("location"))
    attendance = words(node.get("eventAttendanceMode")).lower()
    is_virtual = "virtuallocation" in str(node.get("location"))[:5000].lower()
    return Item(
        guid=words(node.get("@id")),
        url=web_url(words(node.get("url")), base) or base,
        title=title,
        description=words(node.get("description")),
        author=words(node.get("organizer")),
        event=Event(
            starts_at=starts,
            ends_at=_end(words(node.get("endDate")), starts, zone, all_day=all_day),
            all_day=all_day,
            zone=_zone_name(words(node.get("startDate")), zone),
            place="" if place.startswith(("http://", "https://")) else place[:200],
            online="online" in attendance
            or "mixed" in attendance
            or is_virtual
            or bool(_ONLINE.search(place)),
            is_cancelled=bool(_CANCELLED.search(words(node.get("eventStatus")))),
        ),
    )


def article_item(node: Mapping[str, object], base: str) -> Item | None:
    """The article as an item; None without a title or an address."""
    title = title_text(words(node.get("headline")) or words(node.get("name")))
    link = words(node.get("url")) or words(node.get("mainEntityOfPage")) or words(node.get("@id"))
    url = web_url(link, base) if link else ""
    if not title or not url:
        return None
    return Item(
        guid=url,
        url=url,
        title=title,
        description=words(node.get("description")),
        author=words(node.get("author")),
        language=words(node.get("inLanguage")),
        published=find_moment(words(node.get("datePublished"))),
    )


def words(value: object) -> str:
    """The text that a value stands for: itself, its name or address, the first of several."""
    for _ in range(5):
        if isinstance(value, list):
            value = value[0] if value else ""
        elif isinstance(value, dict):
            value = value.get("name") or value.get("@value") or value.get("@id") or value.get("url") or ""
    return (
        one_line(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    )


def _place(value: object) -> str:
    """ "Venue, city, country" as far as the location says it."""
    if isinstance(value, list):
        places = [place for one in value[:3] if (place := _place(one))]
        return places[0] if places else ""
    if not isinstance(value, dict):
        return words(value)
    address = value.get("address")
    names = ("streetAddress", "addressLocality", "addressRegion", "addressCountry")
    parts = (
        [words(address.get(name)) for name in names[1:]] if isinstance(address, dict) else [words(address)]
    )
    told: list[str] = []
    for part in (words(value.get("name")), *parts):
        if part and not any(part in one for one in told):
            told.append(part)
    return ", ".join(told)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):
        # What is no zone at all is a KeyError.
        return None


def _moment(text: str, zone: ZoneInfo | None) -> datetime | None:
    """The moment in UTC; one without an offset is meant in the event's zone."""
    moment = find_moment(text)
    has_zone = _has_offset(text)
    try:
        return (
            moment.replace(tzinfo=zone).astimezone(UTC)
            if moment and zone and not has_zone
            else (moment.astimezone(UTC) if moment else None)
        )
    except (OverflowError, ValueError):
        return None


def _zone_name(start: str, zone: ZoneInfo | None) -> str:
    if zone:
        return zone.key
    return "" if is_day(start) or _has_offset(start) else FLOATING


def _has_offset(text: str) -> bool:
    return re.search(r"\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)", text) is not None


def _end(text: str, starts: datetime, zone: ZoneInfo | None, *, all_day: bool) -> datetime | None:
    ends = _moment(text, zone)
    if ends is None:
        return None
    if all_day and is_day(text) and ends.timetz() == starts.timetz():
        ends += timedelta(days=1)
    return ends if ends > starts + (timedelta(days=1) if all_day else timedelta(0)) else None
