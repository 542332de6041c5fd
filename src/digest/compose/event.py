"""Which events are one: the title without its year and place, the day, and places that do not contradict."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from digest.compose.plan import Plan
from digest.domain import FLOATING, Article, Event

_CALLED_OFF = r"cancel(?:l?ed|lation)|abgesagt|annulé|aflyst"
_PUT_OFF = r"moved|postponed|rescheduled|new date"
CANCELLED = re.compile(
    rf"^\W*(?:{_CALLED_OFF})\b|\bis (?:now )?cancell?ed\b|[\[(](?:{_CALLED_OFF})[\])]", re.IGNORECASE
)
MOVED = re.compile(rf"^\W*(?:{_PUT_OFF})\b|[\[(](?:{_PUT_OFF})[\])]", re.IGNORECASE)
#: Words that one list writes and another leaves out.
_LOOSE = re.compile(
    r"\b(?:the|annual|conference|conf|online|virtual|hybrid|in[- ]person|edition|save the date|last call"
    r"|tickets?|call for (?:papers|proposals|speakers)|cfp|registration (?:is )?open"
    rf"|{_CALLED_OFF}|{_PUT_OFF}|(?:19|20)\d\d|\d+(?:st|nd|rd|th))\b|['’]\d\d\b",
    re.IGNORECASE,
)
#: What is left of such a title names nothing.
_KINDS = frozenset({"meetup", "meet up", "summit", "workshop", "day", "days", "webinar", "con", "forum"})
_NO_LETTER = re.compile(r"[\W_]+")
LAST_CALL = "Last call"
#: A deadline this soon after the issue is closed before the next one comes.
_WEEK = timedelta(days=7)


def event_title(title: str, places: Iterable[str] = ()) -> str:
    """The title as it is compared: without year, count, places and the words that lists add."""
    plain = _plain(title)
    core = _plain(_LOOSE.sub(" ", title))
    away = frozenset(places)
    kept = " ".join(word for word in core.split() if word not in away)
    return next((each for each in (kept, core) if len(each) > 2 and each not in _KINDS), plain)


def day_of(event: Event, zone: str) -> str:
    """The day it begins: the organiser's own for an all-day event, wherever the reader is."""
    named = (event.zone or "UTC") if event.all_day else clock_of(event, zone)
    try:
        return event.starts_at.astimezone(ZoneInfo(named)).date().isoformat()
    except (KeyError, ValueError, OSError, OverflowError):
        return event.starts_at.astimezone(UTC).date().isoformat()


def clock_of(event: Event, zone: str) -> str:
    """The zone on whose clocks its hour is told: `zone`, unless its source told the hour without one."""
    return "UTC" if event.zone == FLOATING else zone


def event_marks(articles: Sequence[Article], plan: Plan, names: Sequence[str]) -> list[list[str]]:
    """For each article the marks that it shares with listings of the same event; none for other articles.

    `names` are what each article goes by beside its title: its address, or the title where that says nothing.
    Within one name and day, listings are one unless their places have no word in common.
    """
    marks: list[list[str]] = [[] for _ in articles]
    rooms: dict[str, list[set[str]]] = defaultdict(list)
    days = {index: day_of(each.event, plan.zone) for index, each in enumerate(articles) if each.event}
    # A list that writes the city into the title leaves the place empty, so a day's places are known together.
    places: dict[str, set[str]] = defaultdict(set)
    for index, day in days.items():
        places[day].update(place_words(_place(articles[index])))
    for index, day in days.items():
        article = articles[index]
        what = "deadline" if article.event and article.event.is_deadline else "event"
        known = places[day]
        where = {
            *place_words(_place(article)),
            *(word for word in place_words(article.title) if word in known),
        }
        for name in (f"title {event_title(article.title, known)}", f"address {names[index]}"):
            bucket = f"{what} {name}\n{day}"
            marks[index].append(f"{bucket}\n{_room(rooms[bucket], where)}")
    return marks


def _place(article: Article) -> str:
    return article.event.place if article.event else ""


def _room(rooms: list[set[str]], place: set[str]) -> int:
    """Which of the places met under one name this one is; the words of it are learnt."""
    for number, known in enumerate(rooms):
        if not known or not place or not known.isdisjoint(place):
            known |= place
            return number
    rooms.append(set(place))
    return len(rooms) - 1


def kind_of(article: Article, plan: Plan) -> str:
    """The word that stands beside an event: "Moved", "Last call", or what its source said."""
    event = article.event
    if event is None:
        return article.kind
    if MOVED.search(article.title):
        return "Moved"
    return LAST_CALL if is_last_call(event, plan) else article.kind


def is_last_call(event: Event, plan: Plan) -> bool:
    """True for a deadline that is over before the next issue comes."""
    # All-day deadlines hold to the end of their day, so the day is counted and not the hour.
    left = event.starts_at - (plan.goes_at or plan.until)
    return event.is_deadline and left < max(plan.until - plan.since, _WEEK)


def is_cancelled(articles: Iterable[Article]) -> bool:
    """True when any list of an event says that it is called off, or none that had it lists it any more."""
    events = [each for each in articles if each.event]
    return any(_says_so(each) for each in events) or is_withdrawn(events)


def is_withdrawn(articles: Iterable[Article]) -> bool:
    """True when each list that had an event has dropped it; what one still has takes place."""
    found = [each.is_withdrawn for each in articles]
    return bool(found) and all(found)


def _says_so(article: Article) -> bool:
    event = article.event
    return event is not None and (event.is_cancelled or CANCELLED.search(article.title) is not None)


def place_words(place: str) -> list[str]:
    """The words of a place by which it is told from another."""
    return [word for word in _plain(place).split() if len(word) > 2]


def _plain(text: str) -> str:
    return _NO_LETTER.sub(" ", text.casefold()).strip()
