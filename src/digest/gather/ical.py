"""An iCalendar (RFC 5545) becomes a document of events, within [now - 1 day, now + 400 days]."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar
from icalendar.cal import Component

from digest.domain import FLOATING, Event
from digest.errors import ParseError
from digest.gather.clean import one_line
from digest.gather.component import is_recurring, start_of, value_of, words_of
from digest.gather.decode import root_name, text_of
from digest.gather.document import Body, Document, Item
from digest.gather.recurrence import tame

MAX_OCCURRENCES = 500
_BEHIND = timedelta(days=1)
_AHEAD = timedelta(days=400)
#: icalendar reads about one megabyte a second.
_MAX_BYTES = 5_000_000
#: Over all recurrences of a calendar: at most five seconds, most of them spent on copying events.
_MAX_STEPS = 100_000
_MAX_PLACE = 200
#: "/mozilla.org/20070129_1/Europe/Berlin" is Europe/Berlin under a vendor's prefix.
_VENDOR_ZONE = re.compile(
    r"(TZID[=:]\"?)/[^\s:;\"]{1,200}?/((?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe"
    r"|Indian|Pacific|Etc)/[\w/+-]+)"
)
_DEADLINE = re.compile(r"(?i)\bdeadlines?\b|\bcfp\b|\bcall for (?:papers|proposals)\b|\bsubmissions?\b")
_ONLINE = re.compile(r"(?i)\bhttps?://|\bonline\b|\bvirtual(?:ly)?\b|\bwebinar\b|\bzoom\b|\blivestream\b")
_CANCELLED = re.compile(r"(?i)\s*\[?cancell?ed\b")
_LINK = re.compile(r"https?://[^\s<>\"'\\)\]]{4,1000}")
#: "Anywhere on earth", as calendars of deadlines write it.
_AOE = timedelta(hours=-12)


def read(body: Body, now: datetime) -> Document:
    """The calendar's next occurrences by start, at most 500; ParseError when it is no calendar.

    Cancelled events are marked, for readers may know of them. Recurrences that come more than once a day are
    left out.
    """
    calendar = _parse(body)
    events = calendar.walk("VEVENT")
    usable = [event for event in events if _is_usable(event)]
    zone = _zone(words_of(calendar, "X-WR-TIMEZONE"))
    items, refused = _window(usable, zone, now - _BEHIND, now + _AHEAD)
    items.sort(key=lambda item: (_starts(item), item.guid))
    refused += len(events) - len(usable)
    is_whole = _is_complete(body, events) and not refused and len(items) <= MAX_OCCURRENCES
    return Document(
        title=words_of(calendar, "X-WR-CALNAME") or words_of(calendar, "NAME"),
        site_url=words_of(calendar, "URL"),
        base=body.url,
        items=tuple(_told_apart(items[:MAX_OCCURRENCES])),
        # The window moves: what lay beyond it comes into it without a change of the bytes.
        depends_on_now=any(is_recurring(event) or _is_beyond(event, now + _AHEAD) for event in usable),
        whole_until=now + _AHEAD if is_whole else None,
        refused=refused,
    )


def _is_complete(body: Body, events: Sequence[Component]) -> bool:
    """True when the calendar has its end, and something in it: an empty one is rather a server's fault."""
    return bool(events) and body.data.rstrip().upper().endswith(b"END:VCALENDAR")


def _parse(body: Body) -> Component:
    if len(body.data) > _MAX_BYTES:
        raise ParseError(f"this calendar is larger than {_MAX_BYTES // 1_000_000} MB")
    text = text_of(body.data, body.charset).lstrip("\ufeff \t\r\n")
    if not text:
        raise ParseError("the answer is empty")
    if not text[:20].upper().startswith("BEGIN:VCALENDAR"):
        is_page = root_name(text[:200_000]) in {"html", "head", "body", "div"}
        raise ParseError(f"this is {'a web page' if is_page else 'something else'}, not a calendar")
    try:
        # Bytes, because icalendar would take some texts for the path of a file.
        calendars = Calendar.from_ical(_safe_lines(text).encode("utf-8", "replace"), multiple=True)
    except Exception as exc:
        # The library raises what its parts raise, from KeyError to OverflowError.
        raise ParseError(f"this calendar is damaged: {one_line(str(exc))[:120]}") from exc
    return _joined(calendars)


def _joined(calendars: Sequence[Component]) -> Component:
    """The first calendar with the events of all; some servers send one calendar an event."""
    if not calendars:
        raise ParseError("this calendar is damaged: it has no end")
    first, *others = calendars
    for other in others:
        for event in other.walk("VEVENT"):
            first.add_component(event)
    return first


def _safe_lines(text: str) -> str:
    """The unfolded lines without rules that would keep a time zone from being read.

    A zone's rules come once a year; one that comes every second is computed when the zone is read.
    """
    kept: list[str] = []
    in_zone = False
    for line in re.sub(r"\r?\n[ \t]", "", text.replace("\0", "")).splitlines():
        head = line[:60].upper()
        in_zone = head.startswith("BEGIN:VTIMEZONE") or (in_zone and not head.startswith("END:VTIMEZONE"))
        if in_zone and head.startswith("RRULE") and not _is_yearly(line):
            continue
        kept.append(_VENDOR_ZONE.sub(r"\1\2", line) if "TZID" in head else line)
    return "\r\n".join(kept) + "\r\n"


def _is_yearly(line: str) -> bool:
    rule = line.upper()
    return "FREQ=YEARLY" in rule and not re.search(r"INTERVAL=0*(?:;|$)|BYHOUR|BYMINUTE|BYSECOND", rule)


def _is_usable(event: Component) -> bool:
    """True for one that has a start, takes place and is not a calendar's private note."""
    return isinstance(value_of(event, "DTSTART"), date) and bool(words_of(event, "SUMMARY"))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        # What is no zone at all is a KeyError.
        return None


def _window(
    events: Iterable[Component], zone: ZoneInfo | None, start: datetime, stop: datetime
) -> tuple[list[Item], int]:
    """The items that overlap [start, stop), and how many series were refused."""
    items: list[Item] = []
    refused = steps = 0
    for uid, series in _by_uid(events).items():
        try:
            costs = [tame(event, stop) for event in series]
            steps += sum(cost or 0 for cost in costs)
            if None in costs or steps > _MAX_STEPS:
                refused += 1
                continue
            items += _occurrences(uid, series, zone, start, stop)
        except Exception:
            # One damaged series (dates and times mixed, years beyond 9999) is not the whole calendar.
            refused += 1
    return items, refused


def _by_uid(events: Iterable[Component]) -> dict[str, list[Component]]:
    """Series by their UID; an event without one is a series of its own."""
    series: dict[str, list[Component]] = {}
    for place, event in enumerate(events):
        series.setdefault(one_line(words_of(event, "UID")) or f"\n{place}", []).append(event)
    return series


def _occurrences(
    uid: str, series: list[Component], zone: ZoneInfo | None, start: datetime, stop: datetime
) -> list[Item]:
    is_series = any(is_recurring(event) for event in series)
    found = _repeated(series, zone, start, stop) if is_series else series
    many = is_series or len(series) > 1
    items = [_item(event, uid.strip(), zone, many=many) for event in found]
    return [item for item in items if _overlaps(item, start, stop)]


def _repeated(
    series: list[Component], zone: ZoneInfo | None, start: datetime, stop: datetime
) -> list[Component]:
    calendar = Calendar()
    if zone:
        calendar["X-WR-TIMEZONE"] = zone.key
    for event in series:
        calendar.add_component(event)
    return list(recurring_ical_events.of(calendar).between(start, stop))


def _is_cancelled(event: Component) -> bool:
    return words_of(event, "STATUS").upper() == "CANCELLED" or bool(
        _CANCELLED.match(words_of(event, "SUMMARY"))
    )


def _overlaps(item: Item, start: datetime, stop: datetime) -> bool:
    ends = (item.event.ends_at if item.event else None) or _starts(item)
    return ends >= start and _starts(item) < stop


def _is_beyond(event: Component, stop: datetime) -> bool:
    try:
        return _moment(start_of(event), None) >= stop
    except (OverflowError, ValueError):
        return False


def _starts(item: Item) -> datetime:
    return item.event.starts_at if item.event else datetime.max.replace(tzinfo=UTC)


def _item(component: Component, uid: str, zone: ZoneInfo | None, *, many: bool) -> Item:
    event = _event(component, zone)
    title = words_of(component, "SUMMARY")
    place, description = words_of(component, "LOCATION"), words_of(component, "DESCRIPTION")
    links = (_LINK.search(text) for text in (words_of(component, "URL"), place, description))
    return Item(
        guid=_guid(component, event, uid, title, many=many),
        url=next((link[0].rstrip(".,;:") for link in links if link), ""),
        title=title,
        description=description,
        published=_created(component),
        event=event,
    )


def _event(component: Component, zone: ZoneInfo | None) -> Event:
    first = start_of(component)
    starts = _moment(first, zone)
    all_day = not isinstance(first, datetime)
    is_deadline = bool(_DEADLINE.search(words_of(component, "SUMMARY")))
    place = one_line(words_of(component, "LOCATION"))
    return Event(
        starts_at=starts,
        ends_at=_end(component, starts, zone, all_day=all_day),
        all_day=all_day,
        zone=_zone_name(first, zone, is_deadline=is_deadline),
        place="" if _LINK.match(place) else place[:_MAX_PLACE],
        online=bool(_ONLINE.search(place)),
        is_deadline=is_deadline,
        is_cancelled=_is_cancelled(component),
    )


def _moment(value: date, zone: ZoneInfo | None) -> datetime:
    """The moment in UTC; a day begins, and a time without a zone is meant, in the calendar's zone."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=zone or UTC)).astimezone(UTC)


def _end(component: Component, starts: datetime, zone: ZoneInfo | None, *, all_day: bool) -> datetime | None:
    """The end in UTC, exclusive; None for one day, for a moment, and for what ends before it begins."""
    end, duration = value_of(component, "DTEND"), value_of(component, "DURATION")
    if isinstance(end, date):
        ends = _moment(end, zone)
    elif isinstance(duration, timedelta):
        ends = starts + duration
    else:
        return None
    return ends if ends > starts + (timedelta(days=1) if all_day else timedelta(0)) else None


def _zone_name(value: date, zone: ZoneInfo | None, *, is_deadline: bool) -> str:
    """The IANA name of the organiser's zone; `FLOATING` for an event's hour that has none, else ""."""
    own = value.tzinfo if isinstance(value, datetime) else None
    default = zone.key if zone else ""
    if isinstance(value, datetime) and not own and not zone and not is_deadline:
        return FLOATING
    if own is None or own.utcoffset(None) == timedelta(0) or str(own) in {"UTC", "Etc/UTC"}:
        return default
    name = getattr(own, "key", "")
    if name and _zone(name):
        return str(name)
    return "Etc/GMT+12" if isinstance(value, datetime) and value.utcoffset() == _AOE else default


def _guid(component: Component, event: Event, uid: str, title: str, *, many: bool) -> str:
    """The event's UID; for a date of a series with the date it was first set to.

    A deadline is its title and year: calendars of deadlines make new UIDs whenever they are built.
    """
    words = one_line(title).casefold()
    if event.is_deadline:
        return "deadline:" + hashlib.sha256(f"{words} {event.starts_at.year}".encode()).hexdigest()[:32]
    if not uid:
        return "event:" + hashlib.sha256(f"{words} {event.starts_at}".encode()).hexdigest()[:32]
    first = value_of(component, "RECURRENCE-ID")
    moment = _moment(first, None) if isinstance(first, date) else event.starts_at
    return f"{uid} {moment:%Y%m%dT%H%MZ}" if many else uid


def _created(component: Component) -> datetime | None:
    moment = value_of(component, "CREATED")
    return moment if isinstance(moment, datetime) and moment.tzinfo else None


def _told_apart(items: list[Item]) -> Iterable[Item]:
    """The items, those that share a guid with their start added to it."""
    shared = Counter(item.guid for item in items)
    for item in items:
        is_own = shared[item.guid] == 1
        yield item if is_own else replace(item, guid=f"{item.guid} {_starts(item):%Y%m%dT%H%MZ}")
