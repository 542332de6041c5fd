"""What a part of a calendar says, read so that a broken property is a missing one."""

from datetime import date

from icalendar.cal import Component


def words_of(component: Component, name: str) -> str:
    """The text of a property, its first when there are several, "" when there is none."""
    value = component.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value).strip()


def value_of(component: Component, name: str) -> object:
    """The date, time or duration of a property; None when it is missing, repeated or broken."""
    try:
        return getattr(component.get(name), "dt", None)
    except ValueError:
        # icalendar keeps a broken property and raises when it is looked at.
        return None


def start_of(event: Component) -> date:
    """The day or moment when the event begins; ValueError when it has none."""
    start = value_of(event, "DTSTART")
    if not isinstance(start, date):
        raise ValueError("this event has no start")
    return start


def is_recurring(event: Component) -> bool:
    """True for an event that comes more than once."""
    return "RRULE" in event or "RDATE" in event
