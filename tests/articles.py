"""Small articles, sources and plans for tests of `digest.compose`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.compose import Plan, compose
from digest.domain import DEFAULT_SECTIONS, Article, Content, Event, Source

SINCE = datetime(2026, 11, 16, 6, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
NOW = UNTIL + timedelta(hours=1)
LONG = "The form has nineteen fields, and the regulators agreed on what counts as harm. It starts in March."

#: So that no two articles of a test are alike in their words.
_SUBJECTS = """Harbour cranes lift quietly|Beetles count footsteps underground|Copper prices climb in Santiago
Violins outlive their makers|Glaciers retreat past Ilulissat|Bakers revive sourdough ovens
Satellites map forgotten canals|Libraries lend telescopes nightly|Orchards bloom before March
Ferries cross without captains|Potters glaze bricks blue|Owls nest inside stadiums
Weavers patent bamboo cloth|Tunnels link two valleys|Bees pollinate rooftop farms
Clocks drift on Mars|Divers chart sunken forests|Trams return to Lisbon
Farmers plough by moonlight|Robots sort recycled glass|Painters restore chapel ceilings
Rivers freeze in Yakutsk|Miners drill geothermal wells|Teachers swap classrooms yearly""".replace(
    "\n", "|"
).split("|")


def _title(number: int) -> str:
    if number < 4:
        return f"Regulators settle on form {number}"
    return f"Announcing: {_SUBJECTS[number % len(_SUBJECTS)]}"


def _text(number: int) -> str:
    if number < 4:
        return LONG
    # Turned round, so that the text has words that no other text has.
    word = " ".join(part[::-1] for part in _title(number).split())
    return f"{word.capitalize()} {word[::-1]}, {word} {word}. {word[::-1].capitalize()} {word}."


def source(number: int, **values: Any) -> Source:
    """A source that was read."""
    chosen: dict[str, Any] = {
        "url": f"https://s{number}.example/feed",
        "title": f"Source {number}",
        "checked_at": NOW,
    }
    return Source(id=number, **(chosen | values))


SOURCES = {number: source(number) for number in range(1, 9)}


def article(number: int, **values: Any) -> Article:
    """An article of source 1, seen and published in the middle of the window."""
    chosen: dict[str, Any] = {
        "source_id": 1,
        "guid": f"g{number}",
        "url": f"https://s1.example/{number}?utm_source=feed",
        "canonical_url": f"https://s1.example/{number}",
        "title": _title(number),
        "summary": _text(number),
        "seen_at": SINCE + timedelta(days=3),
        "published_at": SINCE + timedelta(days=3),
    }
    return Article(id=number, **(chosen | values))


def event(number: int, *, days: float = 3, **values: Any) -> Article:
    """An event that starts so many days after NOW."""
    when = Event(starts_at=NOW + timedelta(days=days))
    return article(number, **({"title": f"Open evening {number}", "event": when} | values))


def plan(**values: Any) -> Plan:
    """A plan with the three sections and eight sources."""
    chosen: dict[str, Any] = {
        "newsletter": "weekly",
        "number": 47,
        "since": SINCE,
        "until": UNTIL,
        "sections": DEFAULT_SECTIONS,
        "sources": SOURCES,
        "zone": "Europe/Copenhagen",
        "max_stories": 24,
        "max_events": 8,
        "max_per_source": 4,
        "event_days": 35,
    }
    return Plan(**(chosen | values))


def sources(*changed: Source) -> dict[int, Source]:
    """The eight sources with these in place of their namesakes."""
    return SOURCES | {each.id: each for each in changed}


def issue(articles: Iterable[Article], **values: Any) -> Content:
    """The issue of these articles at NOW."""
    return compose(articles, plan(**values), now=NOW)


def moved(each: Article, seen_at: datetime) -> Article:
    """The same article seen at another time."""
    return replace(each, seen_at=seen_at)
