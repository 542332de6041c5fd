"""Calendars that tests write, an event a line, and lists of conferences in JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of a calendar; `more` are lines of its own."""

    title: str
    starts_at: datetime
    uid: str = ""
    place: str = "Havnegade 4, Aarhus"
    url: str = ""
    more: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        """It as iCalendar writes it."""
        link = [f"URL:{self.url}"] if self.url else []
        starts = f"DTSTART:{self.starts_at:%Y%m%dT%H%M%SZ}"
        name = self.uid or self.title.casefold().replace(" ", "-")
        head = ["BEGIN:VEVENT", f"UID:{name}@example.org", f"SUMMARY:{self.title}", starts]
        return [*head, f"LOCATION:{self.place}", *link, *self.more, "END:VEVENT"]


def calendar(*entries: Entry) -> str:
    """A calendar of these events."""
    lines = [line for entry in entries for line in entry.lines()]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", *lines, "END:VCALENDAR", ""])


def conferences(*entries: Entry) -> str:
    """The same as a list of conferences in JSON, by day."""
    rows = [
        {"name": one.title, "url": one.url, "startDate": f"{one.starts_at:%Y-%m-%d}", "city": one.place}
        for one in entries
    ]
    return json.dumps(rows)
